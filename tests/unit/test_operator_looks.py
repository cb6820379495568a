"""An operator who looks at others' jobs: it is in the stream before anything is shown."""

from __future__ import annotations

from datetime import timedelta
from typing import TYPE_CHECKING
from uuid import UUID

import pytest

from broker.messages import JobsRequest, OperatorLooked, Person, PreviewRequest
from edge.answers.previews import PreviewAnswers
from edge.answers.rights import Rights
from edge.looks import Looks
from edge.visitors import Vouched
from tests.unit.counter_lab import CARD, asked
from tests.unit.edge_lab import NOW, Site, said
from tests.unit.test_jobs_at_machine import EVE, OTTO, STRANGER
from tests.unit.test_jobs_at_machine import counter as _counter
from tests.unit.test_previews import Window

if TYPE_CHECKING:
    from pathlib import Path

    from broker.messages import Reply
    from tests.unit.counter_lab import Counter

counter = _counter


def looks(site: Site) -> list[tuple[str, str | None, UUID | None]]:
    """Return what the stream says of who looked at what."""
    told = [each for each in said(site.books, "jobs") if isinstance(each, OperatorLooked)]
    assert {each.terminal for each in told} <= {"panel"}
    return [(each.user, each.owner, each.job) for each in told]


async def lists(counter: Counter, person: Person | None, of: str | None, node: str) -> str:
    """Ask for somebody's jobs; return how that was answered."""
    return (await counter.answers(JobsRequest(**asked(person=person, of=of)), node)).status


async def test_lists_of_others_are_recorded_once_for_a_while(counter: Counter) -> None:
    """Everybody's and one person's, each once in ten minutes; who else may look is not an act."""
    site = counter.site
    await site.arrive()
    for _ in range(3):
        assert await lists(counter, OTTO, "*", "panel") == "ok"
        assert await lists(counter, OTTO, "ANA", "panel") == "ok"
    for person, of in ((OTTO, None), (CARD, "ana"), (EVE, "ana")):
        assert await lists(counter, person, of, "panel") == "ok"
    assert await lists(counter, STRANGER, "ana", "panel") == "refused"
    assert await lists(counter, None, None, "operator") == "ok"
    assert looks(site) == [("otto", None, None), ("otto", "ANA", None)]


async def test_what_cannot_be_recorded_is_not_shown(counter: Counter) -> None:
    """On a full disk an operator sees nothing of others', a person their own."""
    await counter.site.arrive()
    counter.site.disk.space = 0
    assert await lists(counter, OTTO, "*", "panel") == "failed"
    assert await lists(counter, CARD, None, "panel") == "ok"
    counter.site.disk.space = None
    assert await lists(counter, OTTO, "*", "panel") == "ok"
    assert len(looks(counter.site)) == 1


async def test_a_page_of_anothers_document_is_recorded(counter: Counter, tmp_path: Path) -> None:
    """Before the picture is shown; not for its owner and delegates."""
    site = counter.site
    job = await site.arrive()
    window = Window(tmp_path / "window")
    rights = Rights(
        books=site.books,
        replica=site.replica,
        visitors=Vouched(site.replica),
        operators=frozenset(),
        node="north",
    )
    answers = PreviewAnswers(rights=rights, previews=window.previews)

    async def asks(person: Person) -> Reply:
        question = PreviewRequest(**asked(person=person, job=job))
        return await answers.answers[PreviewRequest]("panel", question)

    for person in (CARD, EVE, OTTO, OTTO):
        await asks(person)
    assert looks(site) == [("otto", "ana", job)]


@pytest.mark.parametrize(
    ("later", "told"),
    [
        (timedelta(minutes=9), 1),
        (timedelta(minutes=10), 2),
        # a clock that was set back keeps nothing quiet for longer
        (timedelta(days=-1), 2),
    ],
)
def test_said_again_after_a_while(later: timedelta, told: int, tmp_path: Path) -> None:
    """A screen that is left open is no stream of its own."""
    site = Site(tmp_path)
    seen = Looks(site.books)
    for now in (NOW, NOW + later):
        seen.at("otto", "panel", None, None, now)
    assert len(looks(site)) == told


def test_what_is_remembered_is_bounded(tmp_path: Path) -> None:
    """However many documents are looked at."""
    site = Site(tmp_path)
    seen = Looks(site.books)
    for number in range(1500):
        seen.at("otto", "panel", "ana", UUID(int=number), NOW)
    assert len(seen._told) == 1000
