"""Promises of a job's life: every moment, figure, rule, price and entry of one job, in order."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

import pytest

from broker.messages import JobCanceled, JobFlagged
from central.acts import money as acts
from central.acts.by import By
from central.cli import main
from central.commands.jobs import sentence
from central.store.books import Books
from central.store.job_life import JobLife, job_life
from config.policy.money import Money
from config.settings import CentralSettings, load
from tests.integration.books_lab import euros, open_books
from tests.integration.jobs_lab import Office, office

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path
    from uuid import UUID

EVA = By("web:eva", "10.0.0.7")


@pytest.fixture
def here() -> Iterator[Office]:
    """Return books with somebody who prints."""
    books = open_books()
    yield office(books)
    books.close()


def life_of(here: Office, job: UUID) -> JobLife:
    """Return what the books know of a job."""
    with here.books.read() as tx:
        found = job_life(tx, job)
    assert found is not None
    return found


def kinds(life: JobLife) -> list[str]:
    """Return what happened, in order."""
    return [each.kind for each in life.steps]


def test_a_job_is_told_from_its_coming_to_its_refund(here: Office) -> None:
    """Received, counted, held, refused, released, printed, charged, booked, refunded."""
    job = here.held()
    here.refused(job)
    here.released(job)
    here.settled(job)
    with here.books.write() as tx:
        done = acts.refund(tx, EVA, job, Money(euros("0.06"), "EUR"), reason="a jam")
        assert isinstance(done, list)
    life = life_of(here, job)
    assert set(kinds(life)) == {
        *("received", "counted", "held", "refused", "released"),
        *("printed", "charged", "booked", "refunded"),
    }
    order = [each for each in kinds(life) if each in {"held", "refused", "released", "printed"}]
    assert order == ["held", "refused", "released", "printed"]
    assert kinds(life)[-1] == "refunded"
    assert life.refunded == {"EUR": euros("0.06")}
    assert life.answer.kind == "paid"
    assert life.answer.paid == (Money(euros("0.12"), "EUR"),)
    assert sentence(life.answer).startswith(
        "Paid 0.12 EUR for 6 pages, 2 in colour, two-sided on Library 2"
    )


def test_the_figure_that_counted_is_marked_and_the_reason_given(here: Office) -> None:
    """Both sources are there; the printer's own count is the one, and why is said."""
    life = life_of(here, here.printed())
    assert [(each.source, each.chosen) for each in life.figures] == [
        ("analysis", False),
        ("device-job", True),
    ]
    assert "printer's own count" in life.why_chosen


def test_the_line_that_decided_leads_to_its_rule(here: Office) -> None:
    """Version, author, the rule itself with its place in the set, conversions, price lines."""
    life = life_of(here, here.printed())
    assert life.decision is not None
    assert [(n, rule.name) for n, rule in life.decision.rules] == [(2, "both sides")]
    assert (life.decision.rules_by, life.decision.decided.rules_version) == ("cli:eva", 1)
    assert dict(life.decision.decided.conversions) == {"sides": "two-sided-long-edge"}
    assert life.tariff is not None
    assert life.tariff.version == 1


def test_the_entry_sums_to_zero_and_what_was_held_too_much_came_back(here: Office) -> None:
    """0.30 were set aside, 0.18 charged: 0.12 came back by themselves."""
    life = life_of(here, here.printed())
    (charge,) = life.charges
    assert charge.entry is not None
    assert sum(line.micros for line in charge.entry.postings) == 0
    assert charge.sums == {"EUR": euros("0.18")}
    assert (life.held, life.came_back) == ({"EUR": euros("0.30")}, {"EUR": euros("0.12")})


@pytest.mark.parametrize(
    ("what", "kind"),
    [("held", "held"), ("refused", "refused"), ("released", "printing"), ("canceled", "canceled")],
)
def test_the_answer_says_what_became_of_it(here: Office, what: str, kind: str) -> None:
    """Before anything is charged the answer is where it stands."""
    job = here.held()
    match what:
        case "refused":
            here.refused(job)
        case "released":
            here.released(job)
        case "canceled":
            here.tell(JobCanceled(job=job, by="ana", detail="not wanted"))
        case _:
            pass
    life = life_of(here, job)
    assert life.answer.kind == kind
    assert sentence(life.answer)


def test_what_is_flagged_says_why(here: Office) -> None:
    """The flag is a moment, and the answer's reason."""
    job = here.held()
    here.released(job)
    here.tell(JobFlagged(job=job, cause="unknown-outcome", detail="nobody knows"))
    here.settled(
        job, "0.00", disposition="aborted", billed={"source": "analysis", "impressions": 0}
    )
    life = life_of(here, job)
    assert "flagged" in kinds(life)
    assert life.answer.kind == "not-printed"
    assert "unknown-outcome" in life.answer.reason


def test_all_given_back_is_said(here: Office) -> None:
    """Nothing is left that was paid."""
    job = here.printed()
    with here.books.write() as tx:
        acts.refund(tx, EVA, job, None, reason="white pages")
    assert life_of(here, job).answer.kind == "given-back"


SETTINGS = """
data = "books"
credentials = "credentials.json"
[broker]
secret = "sssssssssssssssssssssssssssssssssssssssssss"
port = 1
"""


def test_the_command_shows_it_and_finds_it(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """In words the answer comes first and the postings sum up; JSON has everything."""
    config = tmp_path / "central.toml"
    config.write_text(SETTINGS)
    books = Books.open(load(CentralSettings, config).url)
    here = office(books)
    job = here.printed()
    books.close()

    def run(*words: str) -> str:
        assert main([*words, "--config", str(config)]) == 0
        return capsys.readouterr().out

    said = run("job", "show", str(job)[:30])
    assert said.startswith("Paid 0.18 EUR for 6 pages")
    assert "0.00 EUR  in all" in said
    told = json.loads(run("job", "show", str(job), "--json"))
    assert (told["answer"]["kind"], told["charges"][0]["tariff_version"]) == ("paid", 1)
    found = json.loads(run("job", "find", "--user", "ana", "--totals", "--json"))
    assert [each["job"] for each in found["jobs"]] == [str(job)]
    assert found["totals"]["cost"] == {"EUR": euros("0.18")}
