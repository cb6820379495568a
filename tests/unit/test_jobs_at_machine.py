"""Jobs at the machine: changed, quoted, released elsewhere and for others; each exactly once."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING, Any
from uuid import UUID

import pytest

from broker.directory import CardRow, UserRow, card_digest
from broker.messages import (
    CancelRequest,
    Charged,
    DirectoryRows,
    JobCanceled,
    JobChanges,
    JobRefused,
    JobReleased,
    JobsRequest,
    Person,
    QuoteAnswer,
    QuoteRequest,
    ReleaseRequest,
)
from config.policy.jobs import JobState
from edge.printing.fake_spooler import PrinterBehaviour
from edge.store.replica import rows_of
from tests.unit.counter_lab import CARD, Counter, asked
from tests.unit.edge_lab import ANA, CENT, Site, grant, said

if TYPE_CHECKING:
    from pathlib import Path

    from pydantic import BaseModel

    from broker.messages import Reply
    from config.ids import JobId

PRICE = 50 * CENT
EVE = Person(card="0666")
OTTO = Person(card="0777")
STRANGER = Person(card="0888")


@pytest.fixture
async def counter(tmp_path: Path) -> Counter:
    """Make a site of a colour and a mono printer; Eve is Ana's delegate, Otto an operator."""
    site = Site(tmp_path, ("lib-1", "lib-2"), mono=("lib-2",))
    await site.ready()
    site.spooler.behaviour = PrinterBehaviour(JobState.PROCESSING)
    grant(site.books, 10 * PRICE)
    people: list[tuple[str, str, BaseModel]] = [
        ("user", "ana", UserRow(name="ana", accounts=(ANA,), delegates=("Eve",))),
        ("user", "eve", UserRow(name="eve")),
        ("user", "otto", UserRow(name="otto", operates=("north",))),
        ("user", "una", UserRow(name="una", operates=("south",))),
        ("card", card_digest("0666"), CardRow(user="eve")),
        ("card", card_digest("0777"), CardRow(user="otto")),
        ("card", card_digest("0888"), CardRow(user="una")),
    ]
    rows = rows_of([(kind, key, 2, row) for kind, key, row in people])
    site.replica.apply(DirectoryRows(epoch=1, kind="delta", since=1, upto=2, rows=rows))
    return Counter(site)


def release(
    job: UUID, person: Person = CARD, printer: str = "lib-1", **changes: object
) -> ReleaseRequest:
    """Return a wish to print."""
    wanted = JobChanges.model_validate(changes) if changes else None
    return ReleaseRequest(**asked(job=job, printer=printer, person=person, changes=wanted))


async def quoted(
    counter: Counter, job: UUID, printer: str, person: Person = CARD, **changes: object
) -> QuoteAnswer:
    """Ask what a job would come to."""
    wanted = JobChanges.model_validate(changes)
    question = QuoteRequest(**asked(person=person, job=job, printer=printer, changes=wanted))
    reply = await counter.answers(question)
    assert reply.status == "ok"
    return QuoteAnswer.model_validate(reply.data)


def events(site: Site, kind: type[Any]) -> list[Any]:
    """Return what was said of one kind."""
    both = [*said(site.books, "jobs"), *said(site.books, "ledger")]
    return [each for each in both if isinstance(each, kind)]


async def ends(site: Site, job: JobId, impressions: int) -> None:
    """Let a job end at its printer."""
    site.spooler.end(job, JobState.COMPLETED, impressions)
    await site.intake.sweep()


async def test_what_a_person_changes_is_printed_priced_and_told(counter: Counter) -> None:
    """Three pages twice, on both sides, in grey: the spooler is told so, and that is paid for."""
    site = counter.site
    site.colour = frozenset({1, 2})
    job = await site.arrive()
    reply = await counter.answers(
        release(
            job,
            copies=2,
            sides="two-sided-long-edge",
            print_color_mode="monochrome",
            page_ranges=((1, 3),),
        )
    )
    assert reply.status == "ok"
    seen = await site.spooler.job(job)
    assert seen is not None
    told = {name: seen.attributes[name] for name in ("copies", "sides", "print-color-mode")}
    assert told == {"copies": 2, "sides": "two-sided-long-edge", "print-color-mode": "monochrome"}
    assert seen.attributes["page-ranges"] == "1-3"
    await ends(site, job, 6)
    (released,) = events(site, JobReleased)
    assert released.changed["page-ranges"] == "1-3"
    assert released.conversions == {}
    (charge,) = events(site, Charged)
    assert charge.postings[0].micros == 6 * 5 * CENT
    assert (charge.counted.impressions, charge.counted.color_impressions) == (6, 0)
    assert charge.counted.sheets == 4


async def test_a_quote_is_what_the_release_costs_and_does_nothing(counter: Counter) -> None:
    """Price and figures of the changed job; no money is held, nothing is said to the centre."""
    site = counter.site
    job = await site.arrive()
    head = site.books.head("jobs")
    quote = await quoted(counter, job, "lib-1", copies=3)
    assert (quote.allowed, quote.impressions, quote.sheets) == (True, 30, 30)
    assert site.books.head("jobs") == head
    assert site.books.free(ANA, "EUR") == 10 * PRICE
    await counter.answers(release(job, copies=3))
    (released,) = events(site, JobReleased)
    assert released.held == quote.price


async def test_a_grey_printer_takes_no_colour_unless_told_to(counter: Counter) -> None:
    """Refused in words, with the printers that can; as black and white it prints there."""
    site = counter.site
    site.colour = frozenset({4})
    job = await site.arrive()
    reply = await counter.answers(release(job, printer="lib-2"))
    assert reply.problem is not None
    assert (reply.status, reply.problem.code) == ("refused", "printer-cannot")
    assert "lib-2 prints no colour; lib-1 can" in reply.problem.detail
    assert reply.data["able"] == ["lib-1"]
    assert site.phase(job) == "held"
    quote = await quoted(counter, job, "lib-2")
    assert (quote.allowed, quote.reason, quote.able) == (False, "printer-cannot", ("lib-1",))
    grey = await counter.answers(release(job, printer="lib-2", print_color_mode="monochrome"))
    assert grey.status == "ok"
    assert [at for at, _ in site.spooler.printed] == ["q-lib-2"]


async def test_a_direct_queue_of_a_grey_printer_says_what_it_left_out(tmp_path: Path) -> None:
    """Nobody is asked there: it prints and costs black and white, as a conversion that is told."""
    site = Site(tmp_path, mono=("lib-1",))
    await site.ready()
    grant(site.books, PRICE)
    site.colour = frozenset({1})
    job = await site.arrive("direct")
    await site.intake.sweep()
    assert site.phase(job) == "settled"
    (released,) = events(site, JobReleased)
    assert (released.conversions, released.changed) == ({"print-color-mode": "monochrome"}, {})
    (charge,) = events(site, Charged)
    assert charge.counted.color_impressions == 0


async def test_a_list_reckons_for_the_printer_it_is_asked_at(counter: Counter) -> None:
    """What a panel beside the grey printer shows is what that printer would do."""
    site = counter.site
    site.colour = frozenset({4})
    await site.arrive()
    for printer, refused in (("lib-1", None), ("lib-2", "printer-cannot")):
        reply = await counter.answers(JobsRequest(**asked(person=CARD, printer=printer)))
        (row,) = reply.data["jobs"]
        assert row["outlook"]["printer"] == printer
        assert row["outlook"].get("reason") == refused


@pytest.mark.parametrize(("person", "acting"), [(EVE, "delegate"), (OTTO, "operator")])
async def test_others_release_for_the_owner_who_pays(
    counter: Counter, person: Person, acting: str
) -> None:
    """The event says who did it, and as what; the charge is the owner's."""
    site = counter.site
    job = await site.arrive()
    listed = await counter.answers(JobsRequest(**asked(person=person, of="ana")))
    assert [row["job"] for row in listed.data["jobs"]] == [str(job)]
    assert (await counter.answers(release(job, person))).status == "ok"
    await ends(site, job, 10)
    (released,) = events(site, JobReleased)
    assert (released.user, released.acting) == ({"delegate": "eve"}.get(acting, "otto"), acting)
    (charge,) = events(site, Charged)
    assert (charge.user, charge.postings[0].account) == ("ana", ANA)


async def test_what_an_operator_does_is_in_the_stream(counter: Counter) -> None:
    """Refusals and cancellations name who asked."""
    site = counter.site
    site.colour = frozenset({4})
    job = await site.arrive()
    await counter.answers(release(job, OTTO, "lib-2"))
    (refused,) = events(site, JobRefused)
    assert refused.user == "otto"
    assert (await counter.answers(CancelRequest(**asked(job=job, person=OTTO)))).status == "ok"
    (canceled,) = events(site, JobCanceled)
    assert (canceled.by, canceled.detail) == ("otto", "canceled on request by an operator")


async def test_strangers_learn_nothing_of_a_job(counter: Counter) -> None:
    """Another site's operator: asked by its id, a job of another is as one that does not exist."""
    site = counter.site
    job = await site.arrive()

    def asks(of: UUID) -> list[Any]:
        where = {"job": of, "person": STRANGER}
        return [
            release(of, STRANGER),
            CancelRequest(**asked(**where)),
            QuoteRequest(**asked(**where, printer="lib-1")),
        ]

    def told(reply: Reply) -> object:
        return reply.status, reply.problem, reply.data

    for theirs, none in zip(asks(job), asks(UUID(int=404)), strict=True):
        assert told(await counter.answers(theirs)) == told(await counter.answers(none))
    assert site.phase(job) == "held"
    for of in ("ana", "*", "nobody"):
        reply = await counter.answers(JobsRequest(**asked(person=STRANGER, of=of)))
        assert (reply.status, reply.data) == ("refused", {})


async def test_everybodys_jobs_are_for_operators(counter: Counter) -> None:
    """Otto sees them all, a delegate does not."""
    site = counter.site
    jobs = {str(await site.arrive()), str(await site.arrive(user="zoe"))}
    everybody = await counter.answers(JobsRequest(**asked(person=OTTO, of="*")))
    assert {row["job"] for row in everybody.data["jobs"]} == jobs
    assert (await counter.answers(JobsRequest(**asked(person=EVE, of="*")))).status == "refused"


async def test_a_delegate_who_was_closed_releases_nothing(counter: Counter) -> None:
    """What counts is the directory's word at the release."""
    site = counter.site
    job = await site.arrive()
    rows = rows_of([("user", "eve", 3, UserRow(name="eve", enabled=False))])
    site.replica.apply(DirectoryRows(epoch=1, kind="delta", since=2, upto=3, rows=rows))
    assert (await counter.answers(release(job, EVE))).status == "refused"
    assert site.spooler.printed == []


@pytest.mark.parametrize("printers", [("lib-1", "lib-1"), ("lib-1", "lib-2")])
@pytest.mark.parametrize("people", [(CARD, CARD), (CARD, EVE), (OTTO, EVE)])
async def test_two_people_at_two_terminals_release_one_job_once(
    counter: Counter, people: tuple[Person, Person], printers: tuple[str, str]
) -> None:
    """Whoever is first prints it; there is one intent, one hold, one sheet of paper."""
    site = counter.site
    job = await site.arrive()
    first, second = await asyncio.gather(
        counter.answers(release(job, people[0], printers[0]), "panel-a"),
        counter.answers(release(job, people[1], printers[1], copies=2), "panel-b"),
    )
    assert sorted([first.status, second.status]) == ["ok", "refused"]
    assert len(events(site, JobReleased)) == len(site.spooler.printed) == 1


async def test_the_same_wish_said_twice_is_no_second_release(counter: Counter) -> None:
    """A person who touches twice reads that it prints, not that it cannot."""
    job = await counter.site.arrive()
    replies = await asyncio.gather(*(counter.answers(release(job)) for _ in range(3)))
    assert [reply.status for reply in replies] == ["ok"] * 3
    assert len(counter.site.spooler.printed) == 1
