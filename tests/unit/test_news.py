"""What somebody at a terminal is told unasked: of their own jobs, money and cards."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any
from uuid import UUID

import pytest

from broker.messages import (
    AccountAmount,
    CopyBegan,
    Counted,
    JobCanceled,
    JobFlagged,
    JobHeld,
    JobRefused,
    JobReleased,
    JobSettled,
    Message,
)
from config.policy.jobs import Source
from edge.news import Account, Affairs, Over, changes, hearers, of_job
from edge.releasing import ANSWER_NEEDED
from tests.unit.edge_lab import ANA, CENT, NOW, held_job

if TYPE_CHECKING:
    from edge.jobs import JobRecord

JOB = UUID(int=1)
SESSION = UUID(int=2)
PAID = (AccountAmount(account=ANA, unit="EUR", micros=50 * CENT),)
NOTHING = Counted(source=Source.ANALYSIS, impressions=0)


def held(problem: str | None = None) -> JobHeld:
    """Return that a job came."""
    return JobHeld(
        job=JOB, queue="pull", user="ana", name="thesis", received_at=NOW, counted=None,
        problem=problem,
    )  # fmt: skip


def refused(reason: str) -> JobRefused:
    """Return that a release was refused to Ben."""
    return JobRefused(
        job=JOB, user="ben", printer="lobby", reason=reason, detail="too long", alone=False
    )


def settled(disposition: Any) -> JobSettled:  # noqa: ANN401  one of the literals
    """Return that a release is over."""
    return JobSettled(
        job=JOB, attempt=1, printer="lobby", disposition=disposition, counts=(), billed=NOTHING,
        charge=None,
    )  # fmt: skip


RELEASED = JobReleased(job=JOB, attempt=1, user="ben", printer="lobby", held=PAID, alone=False)
COPY = CopyBegan(job=JOB, user="ana", printer="lobby", held=PAID, alone=False, began_at=NOW)


@pytest.mark.parametrize(
    ("event", "what", "text", "data"),
    [
        (held(), "held", "thesis: waits here to be released", {}),
        # good, but at a site that releases nothing now
        (held("not now"), "held", "thesis: not now", {}),
        (refused("no-price"), "refused", "thesis: too long", {"reason": "no-price"}),
        # a rule's question at a direct queue: somebody has to answer it
        (refused(ANSWER_NEEDED), "asks", "thesis: too long", {"reason": ANSWER_NEEDED}),
        # who released it sees it happen: no words that would take the display
        (RELEASED, "released", "", {}),
        (settled("completed"), "settled", "thesis: printed: 0.50 EUR", {"flag": None}),
        (settled("aborted"), "settled", "thesis: failed at the printer: 0.50 EUR", {}),
        (JobCanceled(job=JOB, by="edge", detail="too old"), "canceled", "thesis: too old", {}),
        (JobFlagged(job=JOB, cause="reprint", detail="twice"), "flagged", "thesis: twice", {}),
    ],
)
def test_what_is_told_of_a_job(event: Message, what: str, text: str, data: dict[str, Any]) -> None:
    """Each thing that happens to a job has its kind, a sentence, and the job as lists show it."""
    told = of_job(held_job().with_(charged=PAID), event)
    assert told is not None
    news = told.to(SESSION)
    assert (news.session, news.what, news.text, news.job) == (SESSION, what, text, JOB)
    assert data.items() <= news.data.items()
    assert news.data["name"] == "thesis"
    assert bool(news.choices) == (what == "asks")


def test_a_document_that_nobody_can_print_is_refused() -> None:
    """Its owner reads why at once."""
    told = of_job(held_job().with_(problem="no pages"), held("no pages"))
    assert told is not None
    assert (told.what, told.text) == ("refused", "thesis: no pages")


def test_free_jobs_are_told_without_a_price() -> None:
    """What cost nothing says so."""
    told = of_job(held_job(), settled("completed"))
    assert told is not None
    assert told.text == "thesis: printed: nothing is charged"


def test_a_copy_is_no_news() -> None:
    """The terminal that copies has its answers."""
    assert of_job(held_job().with_(service="copy"), COPY) is None
    assert of_job(held_job().with_(service="copy"), settled("completed")) is None


def test_news_of_any_length_fits() -> None:
    """Names and reasons that come from outside are cut to what the wire takes."""
    told = of_job(held_job().with_(name="n" * 400), held("p" * 1000))
    assert told is not None
    news = told.to(SESSION)
    assert (len(news.name), len(news.text)) == (255, 1000)


@pytest.mark.parametrize(
    ("record", "event", "names"),
    [
        (held_job(), held(), ("ana",)),
        # who asked or released hears of that, beside the owner
        (held_job(), refused("no-price"), ("ana", "ben")),
        (held_job(), RELEASED, ("ana", "ben")),
        (held_job().with_(released_by="ben"), settled("completed"), ("ana", "ben")),
        # but nothing of it afterwards: whose delegate they are may have changed
        (held_job().with_(released_by="ben"), JobCanceled(job=JOB, by="edge"), ("ana",)),
        # one person in two spellings is told once
        (held_job().with_(released_by="Ana"), settled("completed"), ("Ana",)),
        # a job of nobody is nobody's news
        (held_job().with_(user=""), held(), ()),
    ],
)
def test_who_is_told(record: JobRecord, event: Message, names: tuple[str, ...]) -> None:
    """The owner always; whoever released it of just that."""
    assert hearers(record, event) == names


def affairs(here: int = 5, *, waits: bool = False, cards: tuple[str, ...] = ()) -> Affairs:
    """Return how things stand for Ana."""
    accounts = (
        Account(ANA, "EUR", here, enabled=True),
        Account("group:all", "page", 9, enabled=True),
    )
    return Affairs(accounts, frozenset(cards), waits)


MONEY = {"accounts": [{"account": ANA, "unit": "EUR", "here": 4, "enabled": True}]}


@pytest.mark.parametrize(
    ("before", "now", "told"),
    [
        # who has just signed in has seen how things are
        (None, affairs(), []),
        (affairs(), affairs(), []),
        # only the accounts that changed are named
        (affairs(), affairs(4), [("money", MONEY)]),
        (affairs(waits=True), affairs(), [("card", {"confirmed": True})]),
        (affairs(), affairs(cards=("k",)), [("card", {"entered": True})]),
        # a card that waits no more is no new one
        (affairs(cards=("k",)), affairs(), []),
        (affairs(), Over("card-blocked", "blocked"), [("signed-off", {"reason": "card-blocked"})]),
        # even in the first moment
        (None, Over("card-blocked", "blocked"), [("signed-off", {"reason": "card-blocked"})]),
    ],
)
def test_what_changed(before: Affairs | None, now: Affairs | Over, told: list[object]) -> None:
    """What is new since the last look is told once, what is as before never."""
    assert [(each.what, each.data) for each in changes(before, now)] == told
