"""What every spooler does, the twin in memory and the real CUPS alike."""

from __future__ import annotations

import asyncio
from contextlib import aclosing
from dataclasses import dataclass
from typing import TYPE_CHECKING, Protocol
from uuid import UUID

import pytest

from config.ids import JobId
from config.policy.attributes import AttributesRefused, read_attributes
from config.policy.jobs import ColorMode, JobState, Sides
from demo.documents import pdf
from demo.lp import lp
from edge.ports import (
    EventsMissed,
    JobSeen,
    PeopleQueue,
    PrinterQueue,
    SpooledJob,
    Spooler,
    SpoolerRefusedError,
    SpoolerUnavailableError,
)
from edge.printing.fake_spooler import FakeSpooler
from edge.printing.spooler import CupsSpooler
from edge.release import Evidence

if TYPE_CHECKING:
    from collections.abc import AsyncIterator
    from pathlib import Path

    from demo.cupsd import PrivateCups
    from demo.printers import VirtualPrinter

NOBODYS = JobId(UUID("00000000-0000-4000-8000-000000000001"))
PAGES = 1


class Site(Protocol):
    """A spooler with queue `pull`, printer's queue `one`, and people who print one page."""

    @property
    def spooler(self) -> Spooler:
        """The spooler under test."""

    def submit(self, name: str, *, held: bool = True, sides: str = "one-sided") -> bytes:
        """Print a document of one page as ana; return its bytes."""

    def papers(self) -> int:
        """Say how many documents have reached the printer so far."""


@dataclass
class FakeSite:
    """The twin."""

    spooler: FakeSpooler

    def submit(self, name: str, *, held: bool = True, sides: str = "one-sided") -> bytes:
        """Print to the twin."""
        asked = {"sides": sides}
        self.spooler.submit(
            "pull", b"%PDF-1.7 page", user="ana", name=name, held=held, attributes=asked
        )
        return b"%PDF-1.7 page"

    def papers(self) -> int:
        """Count what the twin printed."""
        return len(self.spooler.printed)


@dataclass
class CupsSite:
    """The real one."""

    spooler: CupsSpooler
    cups: PrivateCups
    printer: VirtualPrinter
    document: Path

    def submit(self, name: str, *, held: bool = True, sides: str = "one-sided") -> bytes:
        """Print with lp."""
        hold = {} if held else {"job-hold-until": "no-hold"}
        options = {**hold, "sides": sides}
        lp(self.cups, "pull", self.document, user="ana", title=name, options=options)
        return self.document.read_bytes()

    def papers(self) -> int:
        """Count what the virtual printer kept."""
        return len(self.printer.kept())


@pytest.fixture(params=["fake", pytest.param("cups", marks=pytest.mark.cups)])
async def site(request: pytest.FixtureRequest, tmp_path: Path) -> AsyncIterator[Site]:
    """Set one site up, without jobs."""
    made: FakeSite | CupsSite
    uri = "ipp://localhost/ipp/print"
    if request.param == "fake":
        made = FakeSite(FakeSpooler())
    else:
        cups: PrivateCups = request.getfixturevalue("cups")
        printer: VirtualPrinter = request.getfixturevalue("printer")
        listening = cups.root.parent / "events.sock"
        spooler = CupsSpooler(cups.socket, listening=listening)
        made = CupsSite(spooler, cups, printer, pdf(tmp_path / "a.pdf", PAGES))
        uri = printer.uri
    await made.spooler.set_up([PeopleQueue("pull", "pull")], [PrinterQueue("one", uri)])
    for job in await made.spooler.jobs():
        await made.spooler.cancel(job.job)
    yield made
    await made.spooler.close()


async def only(site: Site) -> SpooledJob:
    """Return the one job there is."""
    (job,) = await site.spooler.jobs()
    return job


async def ended(site: Site, job: JobId) -> SpooledJob:
    """Wait for a job's end."""
    async with asyncio.timeout(20):
        while (seen := await site.spooler.job(job)) is None or not seen.state.terminal:  # noqa: ASYNC110  no event of a twin
            await asyncio.sleep(0.02)
    return seen


async def test_new_job(site: Site) -> None:
    """A new job is held, and says whose it is, what it is called and where it is."""
    site.submit("Report")
    job = await only(site)

    assert (job.queue, job.state, job.user, job.name, job.documents) == (
        "pull",
        JobState.PENDING_HELD,
        "ana",
        "Report",
        1,
    )
    assert job == await site.spooler.job(job.job)


async def test_hold_put_back(site: Site) -> None:
    """A job whose client wanted no hold waits all the same, and can be held."""
    site.submit("Now!", held=False)
    job = await only(site)
    assert job.state is JobState.PENDING

    await site.spooler.hold(job.job)
    await site.spooler.hold(job.job)

    assert (await only(site)).state is JobState.PENDING_HELD


async def test_document_handed_out(site: Site, tmp_path: Path) -> None:
    """A held document comes byte for byte."""
    document = site.submit("Report")

    assert await site.spooler.fetch((await only(site)).job, tmp_path / "got")
    assert (tmp_path / "got").read_bytes() == document


async def test_release_step_by_step(site: Site) -> None:
    """Moved it is still held, resumed it prints, and the evidence says so; name unchanged."""
    papers = site.papers()
    site.submit("Report")
    job = (await only(site)).job

    await site.spooler.move(job, "one")
    moved = await only(site)
    assert (moved.queue, moved.state, moved.name) == ("one", JobState.PENDING_HELD, "Report")
    assert site.papers() == papers

    await site.spooler.resume(job, {})
    assert (await ended(site, job)).state is JobState.COMPLETED
    evidence = await site.spooler.evidence(job)
    assert (evidence.spooler_state, evidence.device_state, evidence.device_impressions) == (
        JobState.COMPLETED,
        JobState.COMPLETED,
        PAGES,
    )
    assert site.papers() == papers + 1


async def test_steps_repeated(site: Site) -> None:
    """Every step may be repeated at any time and still only one copy is printed."""
    papers = site.papers()
    site.submit("Report")
    job = (await only(site)).job
    for _ in range(2):
        await site.spooler.move(job, "one")
    for _ in range(2):
        await site.spooler.resume(job, {})
    await ended(site, job)

    for step in (site.spooler.hold, site.spooler.cancel):
        await step(job)
    await site.spooler.resume(job, {})
    await site.spooler.move(job, "one")

    assert (await ended(site, job)).state is JobState.COMPLETED
    assert site.papers() == papers + 1
    assert await site.spooler.jobs() == ()


async def test_release_in_one_go(site: Site) -> None:
    """As it was seen a job prints once, as decided; said again of how it is by then: no more."""
    papers = site.papers()
    site.submit("Report")
    seen = await only(site)

    await site.spooler.release(seen, "one", {"copies": 2})
    over = await ended(site, seen.job)
    await site.spooler.release(over, "one", {"copies": 2})

    assert (over.state, over.attributes["copies"]) == (JobState.COMPLETED, 2)
    assert site.papers() == papers + 1
    assert await site.spooler.jobs() == ()


async def test_release_of_a_job_without_hold(site: Site) -> None:
    """A job that was not held for good is, before it moves: it prints once, as decided."""
    papers = site.papers()
    site.submit("Now!", held=False)

    await site.spooler.release(seen := await only(site), "one", {"copies": 2})

    assert (await ended(site, seen.job)).attributes["copies"] == 2
    assert site.papers() == papers + 1


async def test_move_of_a_job_without_hold(site: Site) -> None:
    """A job that was not held does not print by being moved."""
    papers = site.papers()
    site.submit("Now!", held=False)
    job = (await only(site)).job

    await site.spooler.move(job, "one")

    assert (await only(site)).state is JobState.PENDING_HELD
    assert site.papers() == papers


async def test_what_was_decided_is_set_when_the_hold_comes_off(site: Site) -> None:
    """Decided options reach the job in the same step that lets it print, never after it."""
    site.submit("Report")
    job = (await only(site)).job
    await site.spooler.move(job, "one")
    assert (await only(site)).attributes.get("copies", 1) == 1

    await site.spooler.resume(job, {"copies": 2})

    assert (await ended(site, job)).attributes["copies"] == 2


async def test_the_rest_of_an_ended_job_is_put_back_once(site: Site, tmp_path: Path) -> None:
    """Its document waits again as a job of the same person, held, marked, with what differs."""
    printed = site.submit("rest", sides="two-sided-long-edge")
    old = await only(site)
    await site.spooler.move(old.job, "one")
    await site.spooler.resume(old.job, {"print-color-mode": "monochrome", "page-ranges": "1"})
    await ended(site, old.job)
    changes = {"page-ranges": "1-7", "print-color-mode": None, "number-up": 2}
    rest = await site.spooler.put_back(old.job, "pull", user="ana", changes=changes, mark="a:b")
    assert rest is not None
    again = await site.spooler.put_back(old.job, "pull", user="ana", changes=changes, mark="a:b")
    assert again == rest
    job = await only(site)
    assert (job.job, job.queue, job.state, job.user, job.name, job.documents, job.mark) == (
        rest,
        "pull",
        JobState.PENDING_HELD,
        "ana",
        "rest",
        1,
        "a:b",
    )
    assert job.job != old.job
    asked = read_attributes(job.attributes)
    assert not isinstance(asked, AttributesRefused)
    assert (asked.page_ranges, asked.print_color_mode, asked.sides, asked.number_up) == (
        ((1, 7),),
        ColorMode.AUTO,
        Sides.TWO_SIDED_LONG_EDGE,
        2,
    )
    assert await site.spooler.fetch(rest, tmp_path / "rest")
    assert (tmp_path / "rest").read_bytes() == printed
    await site.spooler.cancel(rest)


async def test_what_is_gone_is_not_put_back(site: Site) -> None:
    """A job that was forgotten has no document any more, and one that never was has none."""
    site.submit("gone")
    job = await only(site)
    await site.spooler.cancel(job.job)
    await site.spooler.forget(job.job)
    for each in (job.job, NOBODYS):
        assert await site.spooler.put_back(each, "pull", user="ana", changes={}, mark="x") is None


async def test_move_to_nowhere(site: Site) -> None:
    """A printer's queue that does not exist is refused in words, and the job stays held."""
    site.submit("Report")
    job = (await only(site)).job

    with pytest.raises(SpoolerRefusedError, match="elsewhere"):
        await site.spooler.move(job, "elsewhere")

    assert ((await only(site)).queue, (await only(site)).state) == ("pull", JobState.PENDING_HELD)


async def test_canceled_and_forgotten(site: Site, tmp_path: Path) -> None:
    """A canceled job is known until it is forgotten; then it is as if it had never been."""
    site.submit("Report")
    job = (await only(site)).job

    await site.spooler.cancel(job)
    assert (await ended(site, job)).state is JobState.CANCELED
    assert (await site.spooler.evidence(job)).spooler_state is JobState.CANCELED
    await site.spooler.forget(job)

    assert await site.spooler.job(job) is None
    assert await site.spooler.evidence(job) == Evidence(spooler_state=None)
    assert not await site.spooler.fetch(job, tmp_path / "got")


async def test_a_document_is_taken_in_once(site: Site, tmp_path: Path) -> None:
    """As its owner's, held, with what was asked for, byte for byte; also after it was canceled."""
    papers, document = site.papers(), pdf(tmp_path / "sent.pdf", PAGES)

    async def take() -> JobId:
        return await site.spooler.take_in(
            document,
            "pull",
            user="ana",
            name="Grüße, “Thesis”.pdf",
            options={"copies": "3", "sides": "two-sided-long-edge"},
            mark="some:document",
        )

    assert await site.spooler.marked("some:document") is None
    job = await take()
    taken = await only(site)
    assert taken.job == job == await take()
    assert (taken.user, taken.name) == ("ana", "Grüße, “Thesis”.pdf")
    assert (taken.mark, taken.documents) == ("some:document", 1)
    assert (taken.state, taken.queue) == (JobState.PENDING_HELD, "pull")
    read = read_attributes(taken.attributes)
    assert not isinstance(read, AttributesRefused)
    assert (read.copies, read.sides) == (3, Sides.TWO_SIDED_LONG_EDGE)
    assert await site.spooler.fetch(job, tmp_path / "got")
    assert (tmp_path / "got").read_bytes() == document.read_bytes()
    await site.spooler.cancel(job)
    assert await take() == job == await site.spooler.marked("some:document")
    assert await site.spooler.jobs() == ()
    assert site.papers() == papers


async def test_no_document_is_taken_into_a_printers_queue(site: Site, tmp_path: Path) -> None:
    """Nothing prints that nobody released."""
    document = pdf(tmp_path / "sent.pdf", PAGES)
    with pytest.raises(SpoolerRefusedError):
        await site.spooler.take_in(document, "one", user="ana", name="a", options={}, mark="b:c")
    assert await site.spooler.marked("b:c") is None


async def test_printers_are_seen(site: Site) -> None:
    """Of each printer's queue it is known whether it rests; people's queues are no printers."""
    seen = await site.spooler.printers()

    assert {name: each.state for name, each in seen.items()} == {"one": "idle"}


async def test_job_of_nobody(site: Site, tmp_path: Path) -> None:
    """A job the spooler does not know is None; steps on it do nothing."""
    papers = site.papers()
    for step in (
        site.spooler.hold,
        site.spooler.cancel,
        site.spooler.forget,
    ):
        await step(NOBODYS)
    await site.spooler.resume(NOBODYS, {})
    await site.spooler.move(NOBODYS, "one")

    assert await site.spooler.job(NOBODYS) is None
    assert not await site.spooler.fetch(NOBODYS, tmp_path / "got")
    assert site.papers() == papers


async def test_oldest_first(site: Site) -> None:
    """Jobs are listed in the order they came."""
    for name in ("first", "second", "third"):
        site.submit(name)

    assert [job.name for job in await site.spooler.jobs()] == ["first", "second", "third"]


async def test_events(site: Site) -> None:
    """Listening begins with a look at everything, then tells of each new job."""
    async with aclosing(site.spooler.events()) as events:  # type: ignore[type-var]  # a generator
        async with asyncio.timeout(10):
            assert await anext(events) == EventsMissed()
            site.submit("Report")
            seen = await anext(events)
    assert isinstance(seen, JobSeen)
    assert (seen.job.name, seen.job.state) == ("Report", JobState.PENDING_HELD)


@pytest.mark.parametrize("kind", ["fake", pytest.param("cups", marks=pytest.mark.cups)])
async def test_unavailable(kind: str, tmp_path: Path) -> None:
    """A spooler that does not answer says so; it never looks like one without jobs."""
    spooler: Spooler
    spooler = FakeSpooler(down=True) if kind == "fake" else CupsSpooler(tmp_path / "none.sock")
    with pytest.raises(SpoolerUnavailableError):
        await spooler.jobs()
    with pytest.raises(SpoolerUnavailableError):
        await spooler.resume(NOBODYS, {})
    await spooler.close()
