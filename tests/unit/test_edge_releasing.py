"""Releases: decided on what is here, held durably before the first step, settled once."""

from __future__ import annotations

import asyncio
from datetime import timedelta
from typing import TYPE_CHECKING, Any
from uuid import UUID

import pytest

from broker.directory import AccountRow, UserRow
from broker.messages import Charged, DirectoryRows, JobFlagged, JobRefused, JobSettled
from config.policy.decisions import Allowed, Denied, Reason
from config.policy.jobs import JobState
from config.policy.tariffs import TariffLine
from edge.branch import RETIRING
from edge.printing.fake_spooler import PrinterBehaviour
from edge.release import Phase
from edge.store.errors import StoreUnwritableError
from edge.store.replica import rows_of
from edge.store.till import Overdrawn
from tests.unit.edge_lab import ANA, CENT, Death, Site, die, figures, grant, said, tariff

if TYPE_CHECKING:
    from pathlib import Path

    from pydantic import BaseModel

    from config.ids import JobId
    from edge.jobs import JobRecord
    from edge.ports import SpooledJob

PRICE = 50 * CENT
DEPARTMENT = "department:physics"


@pytest.fixture
async def site(tmp_path: Path) -> Site:
    """Make a site with money for two jobs of ten pages."""
    made = Site(tmp_path)
    await made.ready()
    grant(made.books, 2 * PRICE)
    return made


def charges(site: Site) -> list[Charged]:
    """Return what was charged."""
    return [each for each in said(site.books, "ledger") if isinstance(each, Charged)]


def change(site: Site, kind: str, key: str, row: BaseModel | None) -> None:
    """Change the directory."""
    cursor = site.replica.cursor
    assert cursor is not None
    n = cursor.n + 1
    rows = rows_of([(kind, key, n, row)])
    site.replica.apply(DirectoryRows(epoch=1, kind="delta", since=n - 1, upto=n, rows=rows))


async def under_way(site: Site) -> JobId:
    """Release a job to a printer that does not finish."""
    site.spooler.behaviour = PrinterBehaviour(JobState.PROCESSING)
    job = await site.arrive()
    assert isinstance(await site.releasing.release(job, "lib-1", "ana"), Allowed)
    return job


async def release_and_settle(site: Site, job: JobId) -> None:
    """Release a job and look again."""
    await site.releasing.release(job, "lib-1", "ana")
    await site.intake.sweep()


async def test_a_release_is_charged_once_when_it_is_done(site: Site) -> None:
    """The price is set aside at release and charged on evidence, however often it is looked at."""
    job = await under_way(site)
    assert site.books.free(ANA, "EUR") == PRICE
    assert charges(site) == []
    site.spooler.end(job, JobState.COMPLETED, 10)
    await site.intake.sweep()
    await site.intake.sweep()
    assert [each.postings[0].micros for each in charges(site)] == [PRICE]
    assert site.books.free(ANA, "EUR") == PRICE


async def test_the_same_wish_twice_holds_the_money_once(site: Site) -> None:
    """Two releases at the same moment are one."""
    site.spooler.behaviour = PrinterBehaviour(JobState.PROCESSING)
    job = await site.arrive()
    answers = await asyncio.gather(
        site.releasing.release(job, "lib-1", "ana"), site.releasing.release(job, "lib-1", "ana")
    )
    assert all(isinstance(answer, Allowed) for answer in answers)
    assert site.books.free(ANA, "EUR") == PRICE
    assert len(site.spooler.printed) == 1


async def test_two_jobs_at_once_cannot_spend_the_same_money(site: Site) -> None:
    """The second of two releases that together cost too much is refused."""
    site.spooler.behaviour = PrinterBehaviour(JobState.PROCESSING)
    site.pages = 15
    first, second = await site.arrive(), await site.arrive()
    answers = await asyncio.gather(
        site.releasing.release(first, "lib-1", "ana"),
        site.releasing.release(second, "lib-1", "ana"),
    )
    assert sorted(type(answer).__name__ for answer in answers) == ["Allowed", "Denied"]
    assert len(site.spooler.printed) == 1


async def test_nobody_releases_the_job_of_another(site: Site) -> None:
    """Who is not its owner is told the same as for a job that does not exist."""
    job = await site.arrive()
    answer = await site.releasing.release(job, "lib-1", "eve")
    assert isinstance(answer, Denied)
    assert answer == await site.releasing.release(UUID(int=404), "lib-1", "eve")
    assert site.spooler.printed == []


async def test_who_was_closed_while_the_job_waited_prints_nothing(site: Site) -> None:
    """What counts is who may print at the release, not at the time of printing."""
    job = await site.arrive()
    change(site, "user", "ana", UserRow(name="ana", accounts=(ANA,), enabled=False))
    assert isinstance(await site.releasing.release(job, "lib-1", "ana"), Denied)
    assert site.books.free(ANA, "EUR") == 2 * PRICE


async def test_a_revocation_that_the_disk_refused_is_not_believed_done(site: Site) -> None:
    """The replica's version never runs ahead of its rows: the change is asked for again."""
    job = await site.arrive()
    memory = site.replica._db._journal._disk
    before = site.replica.cursor
    memory.space = 0  # type: ignore[attr-defined]
    with pytest.raises(StoreUnwritableError):
        change(site, "user", "ana", UserRow(name="ana", accounts=(ANA,), enabled=False))
    assert site.replica.cursor == before
    memory.space = None  # type: ignore[attr-defined]
    change(site, "user", "ana", UserRow(name="ana", accounts=(ANA,), enabled=False))
    assert isinstance(await site.releasing.release(job, "lib-1", "ana"), Denied)


async def test_a_job_is_settled_by_the_tariff_it_was_priced_by(site: Site) -> None:
    """A new price between release and settlement changes nothing for this job."""
    job = await under_way(site)
    change(site, "tariff", "2", tariff(2, cents=50))
    site.spooler.end(job, JobState.CANCELED, 4)
    await site.intake.sweep()
    assert [each.postings[0].micros for each in charges(site)] == [20 * CENT]
    assert charges(site)[0].tariff_version == 1


async def test_colour_that_did_not_come_out_is_not_charged(site: Site) -> None:
    """A canceled job of which every page came out, some without colour, pays for what came out."""
    lines = (
        TariffLine(color="monochrome", per_impression=5 * CENT),
        TariffLine(color="color", per_impression=10 * CENT),
    )
    change(site, "tariff", "2", tariff(2).model_copy(update={"lines": lines}))
    colour = figures().model_copy(update={"color_impressions": 10, "monochrome_impressions": 0})
    site.spooler.behaviour = PrinterBehaviour(JobState.PROCESSING)
    job = await site.arrive()
    waiting = site.books.job(job)
    assert waiting is not None
    flag = JobFlagged(job=job, cause="test", detail="counted as colour")
    site.books.flag(waiting.with_(planned=colour), flag, site.now)
    assert isinstance(await site.releasing.release(job, "lib-1", "ana"), Allowed)
    site.spooler.end(job, JobState.CANCELED, 10, color=4)
    await site.intake.sweep()
    assert [each.postings[0].micros for each in charges(site)] == [70 * CENT]


async def test_a_full_disk_refuses_a_release_before_anything_moves(site: Site) -> None:
    """Hold and intent come first; without them the job stays where it is."""
    job = await site.arrive()
    site.disk.space = 0
    with pytest.raises(StoreUnwritableError):
        await site.releasing.release(job, "lib-1", "ana")
    assert site.spooler.printed == []
    site.disk.space = None
    assert isinstance(await site.releasing.release(job, "lib-1", "ana"), Allowed)


async def test_a_full_disk_at_settlement_is_made_up_for(site: Site) -> None:
    """The hold stays, the spooler keeps its history, and the next sweep charges once."""
    job = await under_way(site)
    site.spooler.end(job, JobState.COMPLETED, 10)
    site.disk.space = 0
    with pytest.raises(StoreUnwritableError):
        await site.intake.sweep()
    assert await site.spooler.job(job) is not None
    assert site.books.free(ANA, "EUR") == PRICE
    site.disk.space = None
    await site.intake.sweep()
    assert len(charges(site)) == 1


@pytest.mark.parametrize("step", ["move", "resume", "evidence", "forget"])
async def test_death_at_any_step_prints_and_charges_once(site: Site, step: str) -> None:
    """After a crash between any two steps the job is printed once and billed once."""
    job = await site.arrive()
    call = getattr(site.spooler, step)

    setattr(site.spooler, step, die)
    with pytest.raises(Death):
        await release_and_settle(site, job)
    setattr(site.spooler, step, call)
    site.crash()
    await site.intake.sweep()
    await site.intake.sweep()
    assert site.phase(job) == "settled"
    assert [each for _, each in site.spooler.printed] == [job]
    assert [each.postings[0].micros for each in charges(site)] == [PRICE]


async def test_a_job_the_spooler_lost_keeps_its_hold_until_policy_decides(site: Site) -> None:
    """Unknown is flagged and never printed again; the money comes back when the time is up."""
    job = await under_way(site)
    site.spooler.lose(job)
    await site.intake.sweep()
    assert site.phase(job) == "disputed"
    assert site.flags(job) == ["unknown-outcome"]
    assert site.books.free(ANA, "EUR") == PRICE
    assert await site.releasing.end_disputes() == 0
    site.now += timedelta(hours=25)
    assert await site.releasing.end_disputes() == 1
    assert await site.releasing.end_disputes() == 0
    assert site.books.free(ANA, "EUR") == 2 * PRICE
    settled = [each for each in said(site.books, "jobs") if isinstance(each, JobSettled)]
    assert [each.disposition for each in settled] == ["unknown"]


async def test_disputes_end_with_their_journal(site: Site) -> None:
    """A journal that is closed leaves no hold behind: policy settles at once, and flags."""
    job = await under_way(site)
    site.spooler.lose(job)
    await site.intake.sweep()
    assert await site.releasing.end_disputes() == 0
    site.books.remember(RETIRING, "a command")
    assert await site.releasing.end_disputes() == 1
    assert site.phase(job) == "settled"
    settled = [each for each in said(site.books, "jobs") if isinstance(each, JobSettled)]
    assert [bool(each.flag) for each in settled] == [True]
    assert site.books.free(ANA, "EUR") == 2 * PRICE


async def test_what_a_dispute_rests_on_is_kept_until_it_ends(site: Site) -> None:
    """History is kept until the job is settled (PROTOCOL 4): a dispute is no settlement."""
    job = await under_way(site)
    site.spooler.end(job, JobState.COMPLETED, 0)
    await site.intake.sweep()
    assert site.phase(job) == "disputed"
    assert await site.spooler.job(job) is not None
    site.now += timedelta(hours=25)
    await site.releasing.end_disputes()
    assert await site.spooler.job(job) is None


async def test_money_is_fetched_for_every_account_that_is_short(site: Site) -> None:
    """A charge on two accounts asks for both, one after the other, and then goes through."""
    change(site, "account", DEPARTMENT, AccountRow(account=DEPARTMENT, unit="EUR"))
    change(site, "user", "ana", UserRow(name="ana", accounts=(ANA, DEPARTMENT)))
    site.pages = 30
    site.funds.coming = {ANA: PRICE, DEPARTMENT: 3 * PRICE}
    job = await site.arrive()
    assert isinstance(await site.releasing.release(job, "lib-1", "ana"), Allowed)
    assert site.funds.asked == [ANA, DEPARTMENT]


async def test_a_job_is_looked_at_again_when_the_centre_was_asked(
    site: Site, monkeypatch: pytest.MonkeyPatch
) -> None:
    """That takes its time: steps that rest on how a job stands rest on how it stands after it."""
    site.pages = 30
    job = await site.arrive()
    seen, fetch, release = [], site.funds.fetch, site.spooler.release

    async def fetched(*asked: Any, **more: Any) -> None:  # noqa: ANN401  passed on
        await fetch(*asked, **more)
        await site.spooler.cancel(job)

    async def noted(as_seen: SpooledJob, *more: Any) -> None:  # noqa: ANN401  passed on
        seen.append(as_seen.state)
        await release(as_seen, *more)

    monkeypatch.setattr(site.funds, "fetch", fetched)
    monkeypatch.setattr(site.spooler, "release", noted)
    site.funds.coming = {ANA: PRICE}

    assert isinstance(await site.releasing.release(job, "lib-1", "ana"), Allowed)
    assert (seen, site.spooler.printed) == ([JobState.CANCELED], [])


async def test_money_that_does_not_come_is_asked_for_once(site: Site) -> None:
    """The refusal says where the rest is; nothing is asked for in a circle."""
    site.pages = 100
    job = await site.arrive()
    answer = await site.releasing.release(job, "lib-1", "ana")
    assert isinstance(answer, Denied)
    assert "elsewhere" in answer.detail
    assert site.funds.asked == [ANA]
    assert sum(isinstance(each, JobRefused) for each in said(site.books, "jobs")) == 1


async def test_a_grant_after_the_refusal_releases_at_the_next_try(site: Site) -> None:
    """Late money is not lost and releases nothing by itself."""
    site.pages = 30
    job = await site.arrive()
    assert isinstance(await site.releasing.release(job, "lib-1", "ana"), Denied)
    grant(site.books, PRICE)
    await site.intake.sweep()
    assert site.phase(job) == "held"
    assert isinstance(await site.releasing.release(job, "lib-1", "ana"), Allowed)


async def test_locks_of_jobs_are_let_go(site: Site) -> None:
    """Memory does not grow by the jobs that were ever touched."""
    for _ in range(3):
        job = await site.arrive()
        await site.releasing.release(job, "lib-1", "ana")
    await site.releasing.release(UUID(int=404), "lib-1", "ana")
    assert len(site.releasing._turns) == 0
    assert {record.phase for record in site.books.jobs()} <= {Phase.RELEASING, Phase.HELD}


@pytest.mark.parametrize(
    ("asked", "told"),
    [
        ({}, "iso_a4"),  # as the document is, and as it is priced
        ({"media": "A4,upper"}, "A4,upper"),  # the client's own words, its tray among them, stay
    ],
)
async def test_the_paper_is_the_one_that_is_paid(
    site: Site, asked: dict[str, object], told: str
) -> None:
    """A job that names no paper is told to print on the document's, not on the printer's own."""
    site.spooler.behaviour = PrinterBehaviour(JobState.PROCESSING)
    job = await site.arrive(attributes=asked)
    await site.releasing.release(job, "lib-1", "ana")
    assert (await site.look(job)).attributes["media"] == told


@pytest.mark.parametrize("lost", [True, False])
async def test_a_job_that_is_gone_holds_no_money(site: Site, lost: bool) -> None:  # noqa: FBT001
    """Who canceled it at the queue, or lost it with the spool, is told so and nothing is held."""
    job = await site.arrive()
    if lost:
        site.spooler.lose(job)
    else:
        await site.spooler.cancel(job)
    answer = await site.releasing.release(job, "lib-1", "ana")
    assert isinstance(answer, Denied)
    assert answer.reason is Reason.NOTHING_TO_PRINT
    await site.intake.sweep()
    assert site.phase(job) == "canceled"
    assert site.books.free(ANA, "EUR") == 2 * PRICE


async def test_one_dispute_that_cannot_be_ended_keeps_no_other_waiting(
    site: Site, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The others are settled, and what is wrong with the one is not hidden."""
    first, second = await under_way(site), await under_way(site)
    for job in (first, second):
        site.spooler.lose(job)
    await site.intake.sweep()
    settle = site.books.settle

    def stumble(record: JobRecord, *rest: Any) -> None:  # noqa: ANN401  handed on
        if record.job == first:
            raise Overdrawn("its hold is not what it says")
        settle(record, *rest)

    monkeypatch.setattr(site.books, "settle", stumble)
    site.now += timedelta(hours=25)
    with pytest.raises(Overdrawn):
        await site.releasing.end_disputes()
    assert (site.phase(first), site.phase(second)) == ("disputed", "settled")


@pytest.mark.parametrize("step", ["move", "resume"])
async def test_a_printer_that_was_taken_away_keeps_nobodys_money(tmp_path: Path, step: str) -> None:
    """A release that died before its printer left the settings ends flagged and refunded."""
    site = Site(tmp_path, ("lib-1", "lib-2"))
    await site.ready()
    grant(site.books, PRICE)
    job = await site.arrive()
    call = getattr(site.spooler, step)
    setattr(site.spooler, step, die)
    with pytest.raises(Death):
        await site.releasing.release(job, "lib-2", "ana")
    setattr(site.spooler, step, call)
    site.printers = ("lib-1",)
    site.crash()
    await site.intake.sweep()
    assert site.phase(job) == "settled"
    assert site.flags(job) == ["printer-gone"]
    assert site.spooler.printed == []
    assert site.books.free(ANA, "EUR") == PRICE
