"""Settles a job that has ended: what the evidence comes to, charged or refunded, once.

What is decided is decided by `edge.release`; between a decision and its record nothing is awaited.
"""

from __future__ import annotations

from contextlib import suppress
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, TypeAlias, assert_never

from broker.messages import AccountAmount, Charged, Counted, JobFlagged, JobSettled
from config.ids import JobId
from config.logs import logger
from config.policy.jobs import Source
from config.policy.media import LARGE
from config.policy.money import PAGE
from config.policy.paying import charged, price_of
from config.policy.pricing import NoPrice, Priced
from edge.branch import RETIRING
from edge.jobs import JobRecord, amounts_of, counted
from edge.ports import SpoolerRefusedError, SpoolerUnavailableError
from edge.release import Disputed, Evidence, Phase, Settled, Verdict, resolve, settle
from edge.rest import marked, put_back_as, rest_of
from edge.store.errors import StoreUnwritableError

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable
    from datetime import timedelta
    from uuid import UUID

    from config.policy.jobs import Figures
    from edge.devices.counters import MeterCount
    from edge.jobs import Hold
    from edge.ports import Clock, Spooler
    from edge.release import Settlement
    from edge.rest import Rest
    from edge.store.books import Books
    from edge.store.replica import Replica

_log = logger("edge.settling")


@dataclass(frozen=True, slots=True)
class Ways:
    """How disputes end."""

    patience: timedelta
    """A dispute is settled by policy after this."""
    verdict: Verdict
    """And this way."""


#: Says how far a printer's meters went on for a job that was alone there; None: nobody can.
Metered: TypeAlias = "Callable[[str, UUID], Awaitable[MeterCount | None]]"


async def unmetered(_device: str, _job: UUID) -> MeterCount | None:
    """Know no meters."""
    return None


class Settling:
    """Settles the jobs of one site."""

    def __init__(
        self,
        *,
        books: Books,
        replica: Replica,
        spooler: Spooler,
        mint: Callable[[], UUID],
        ways: Ways,
        clock: Clock,
        metered: Metered = unmetered,
    ) -> None:
        self._metered = metered
        self._books = books
        self._replica = replica
        self._spooler = spooler
        self._mint = mint
        self._ways = ways
        self._clock = clock

    async def settle(self, record: JobRecord) -> None:
        """Collect the evidence of a job that has ended and book it; alone with the job.

        What failed and can be printed elsewhere is put back first, as a job of its own.
        """
        if record.rest is None:
            evidence = await self._spooler.evidence(JobId(record.job))
            found = await self._metered(record.printer or "", record.job)
            if found is not None:
                evidence = replace(
                    evidence,
                    meter_impressions=found.impressions,
                    meter_color_impressions=found.color,
                )
            record = record.with_(evidence=evidence)
            rest = rest_of(record, evidence)
            if rest is not None:
                record = record.with_(rest=marked(rest, record.job, self._mint()))
                # durable before it is there: what is paid here and what is left stay one whole
                self._books.keep(record)
        if record.rest is not None:
            record = await self._put_back(record, record.rest)
        if self._book(record, record.evidence or Evidence(None)):
            await self._forget(record)

    async def _put_back(self, record: JobRecord, rest: Rest) -> JobRecord:
        """Put the rest of a job back where it came from; without its document there is none."""
        changes = put_back_as(record, rest)
        try:
            found = await self._spooler.put_back(
                JobId(record.job), record.queue, user=record.user, changes=changes, mark=rest.mark
            )
        except (SpoolerRefusedError, StoreUnwritableError) as error:
            # the money is not kept waiting for it
            _log.warning("not put back", action="rest-lost", job=str(record.job), why=str(error))
            found = None
        return record.with_(rest_job=found)

    async def end_disputes(self) -> int:
        """Settle by policy the disputes whose time is up; return how many there were.

        It is up for all of them once this journal is being closed: the next one knows none.

        Raises:
            StoreUnwritableError: those that are left are settled next time.
            Exception: what went wrong with one; all others were settled.
        """
        closing = self._books.note(RETIRING) is not None
        due = [
            record
            for record in self._books.jobs(Phase.DISPUTED)
            if record.deadline is not None and (closing or record.deadline <= self._clock())
        ]
        failed: list[Exception] = []
        for record in due:
            try:
                self._end_dispute(record)
            except StoreUnwritableError:
                raise  # so it is with all of them
            except Exception as error:  # noqa: BLE001  once a job; reported by who asked for it
                failed.append(error)
                continue
            await self._forget(record)
        if failed:
            raise failed[0]
        return len(due)

    async def _forget(self, record: JobRecord) -> None:
        """Let the spooler drop what nobody will ask for again: its history and the document."""
        with suppress(SpoolerUnavailableError, SpoolerRefusedError):
            await self._spooler.forget(JobId(record.job))

    def _book(self, record: JobRecord, evidence: Evidence) -> bool:
        """Decide what a job that has ended comes to, and write it; return whether that is final."""
        if record.expected is None:
            raise RuntimeError("a released job was counted")
        now = self._clock()
        settlement: Settlement = settle(
            record.expected, evidence, now=now, patience=self._ways.patience
        )
        match settlement:
            case Settled():
                self._close(record, evidence, settlement)
                return True
            case Disputed(cause=cause, detail=detail, deadline=deadline):
                after = record.with_(phase=Phase.DISPUTED, cause=cause, deadline=deadline)
                self._books.flag(after, JobFlagged(job=record.job, cause=cause, detail=detail), now)
                return False
        assert_never(settlement)

    def _end_dispute(self, record: JobRecord) -> None:
        if record.expected is None or record.deadline is None:
            raise RuntimeError("a disputed job was counted")
        evidence = record.evidence or Evidence(None)
        now = self._clock()
        again = settle(record.expected, evidence, now=now, patience=self._ways.patience)
        disputed = (
            again
            if isinstance(again, Disputed)
            else Disputed(again.disposition, record.cause or "dispute", "", record.deadline)
        )
        settled = resolve(record.expected, disputed, evidence, verdict=self._ways.verdict)
        self._close(record, evidence, settled)

    def _close(self, record: JobRecord, evidence: Evidence, settled: Settled) -> None:
        now = self._clock()
        amounts, flag = self._amounts(record, settled)
        charge = self._mint() if amounts else None
        after = record.with_(
            phase=Phase.SETTLED,
            billed=settled.billed,
            charged=amounts,
            hold=None,
            because=(),  # from here on the event has it
            cause=(settled.flag or record.cause or flag),
            ended_at=now,
        )
        event = JobSettled(
            job=record.job,
            attempt=record.attempt,
            printer=record.printer or "",
            disposition=settled.disposition.value,
            counts=_counts(record, evidence),
            billed=counted(settled.billed),
            charge=charge,
            flag=settled.flag or flag,
            stopped_by=record.stopped_by,
            rest=record.rest_job,
            large=settled.billed.impressions if settled.billed.media in LARGE else 0,
        )
        booked = charge and Charged(
            charge=charge,
            job=record.job,
            attempt=record.attempt,
            # a delegate or an operator releases, the owner pays
            user=record.user if record.acting else record.released_by or record.user,
            printer=record.printer or "",
            service="print",
            tariff_version=record.hold.tariff_version if record.hold else 0,
            rules_version=record.rules_version,
            counted=counted(settled.billed),
            postings=amounts,
            printed_above=settled.printed_above,
            alone=record.alone,
            settled_at=now,
        )
        held = record.hold.amounts if record.hold else ()
        self._books.settle(after, held, event, booked or None, now)

    def _amounts(
        self, record: JobRecord, settled: Settled
    ) -> tuple[tuple[AccountAmount, ...], str | None]:
        """Return what each account pays, never above its hold, and a flag if no price is left."""
        hold = record.hold
        if hold is None or not settled.billed.impressions:
            return (), None
        if record.expected is None or _same_paper(settled.billed, record.expected):
            return hold.amounts, None
        priced = self._priced(record, hold, settled.billed)
        if isinstance(priced, NoPrice):
            return (), f"refunded: {priced.detail}"
        charges = charged(hold.charges, settled.billed, priced, hold.adjustments)
        return amounts_of(charges), None

    def _priced(self, record: JobRecord, hold: Hold, billed: Figures) -> Priced | NoPrice | None:
        """Price what came out as the whole was priced; None where nobody pays money for it."""
        if all(each.unit == PAGE for each in hold.amounts):
            return None
        tariff = self._replica.tariff_version(hold.tariff_version)
        if tariff is None:
            return NoPrice(f"tariff {hold.tariff_version} is no longer known here")
        return price_of(tariff, "print", billed, record.printer or "", hold.adjustments)


def _same_paper(one: Figures, other: Figures) -> bool:
    """Say whether figures cost the same, whoever counted."""
    return one == other.model_copy(update={"source": one.source})


def _counts(record: JobRecord, evidence: Evidence) -> tuple[Counted, ...]:
    """Return every figure with its source, those that say nothing left out."""
    counts = [record.counted] if record.counted else []
    if evidence.spooler_impressions is not None:
        counts.append(Counted(source=Source.SPOOLER, impressions=evidence.spooler_impressions))
    if evidence.device_impressions is not None:
        counts.append(
            Counted(
                source=Source.DEVICE_JOB,
                impressions=evidence.device_impressions,
                color_impressions=evidence.device_color_impressions,
                sheets=evidence.device_sheets,
            )
        )
    if evidence.meter_impressions is not None:
        counts.append(
            Counted(
                source=Source.DEVICE_METER,
                impressions=evidence.meter_impressions,
                color_impressions=evidence.meter_color_impressions,
            )
        )
    return tuple(counts)
