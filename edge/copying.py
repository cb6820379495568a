"""Carries copies out: sets the budget aside, keeps each count, settles; after a crash as before it.

How much may be copied is decided by `edge.copy_budget`, what counts cost by `edge.copy_meter`; what
is written is written by the books, each time as one record. A copy is a job of theirs: RELEASING
from the moment its money is set aside, SETTLED when it is over.
"""

from __future__ import annotations

import asyncio
from dataclasses import dataclass
from typing import TYPE_CHECKING

from broker.messages import CopyState
from config.logs import logger
from config.policy.decisions import Ask, Denied, Reason
from edge.copy_budget import Budget, refusals
from edge.copy_difference import NoMore, difference, meanwhile
from edge.copy_meter import cost, goes_on, left, pages_left
from edge.copy_money import CopyMoney
from edge.copy_record import after_count, after_end, alike, begun, fresh, meter_of, settled
from edge.jobs import amounts_of
from edge.release import Phase
from edge.store.errors import StoreUnwritableError

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence
    from datetime import timedelta, tzinfo
    from uuid import UUID

    from broker.messages import CopyCounts, MeterReading
    from config.policy.accounts import Charge
    from config.policy.decisions import PointOfPrint
    from edge.copy_budget import Bounds
    from edge.copy_meter import Meter
    from edge.deciding import Standing
    from edge.jobs import JobRecord
    from edge.ports import Clock, Funds
    from edge.store.books import Books
    from edge.store.replica import Replica
    from edge.wishes import Wish

_log = logger("edge.copying")

#: Why a copy was settled without its terminal's last word.
ABANDONED = "copy-abandoned"
#: Somebody else copies there.
BUSY = "copier-busy"
_SWEEP_EVERY = 5.0


@dataclass(frozen=True, slots=True)
class CopyWays:
    """What the site says of copies."""

    bounds: Bounds
    """Of every one."""
    patience: timedelta
    """One whose terminal says nothing for so long is settled."""
    paper: str
    """The small paper of the place."""
    copiers: frozenset[str] = frozenset()
    """Devices at which copies are charged; the directory may name more."""


@dataclass(frozen=True, slots=True)
class NotBegun:
    """Nobody copies, nothing was set aside."""

    code: str
    """For machines."""
    detail: str
    """For people."""
    decision: Denied | Ask | None = None
    """The policy's, where it was asked."""


@dataclass(frozen=True, slots=True)
class NoSuchCopy:
    """The asking terminal began none of this name."""


class Copying:
    """The copies of one site."""

    def __init__(
        self,
        *,
        books: Books,
        replica: Replica,
        funds: Funds,
        standing: Standing,
        printers: Mapping[str, PointOfPrint],
        ways: CopyWays,
        mint: Callable[[], UUID],
        clock: Clock,
        monotonic: Callable[[], float],
        zone: tzinfo,
    ) -> None:
        """Take what copies rest on.

        Args:
            books: money and jobs.
            replica: who is who, prices, rules.
            funds: the way to money elsewhere.
            standing: what this edge may do now.
            printers: the site's points of print, by device id.
            ways: what the site says of copies.
            mint: makes ids.
            clock: the time.
            monotonic: seconds, on a clock that never jumps.
            zone: the site's, for rules that name hours.
        """
        self._books = books
        self._replica = replica
        self._funds = funds
        self._standing = standing
        self._printers = printers
        self._ways = ways
        self._mint = mint
        self._clock = clock
        self._monotonic = monotonic
        self._money = CopyMoney(
            replica=replica,
            funds=funds,
            standing=standing,
            printers=printers,
            bounds=ways.bounds,
            paper=ways.paper,
            clock=clock,
            zone=zone,
        )
        self._beginning: set[str] = set()
        self._heard: dict[UUID, float] = {}

    # ── begin ───────────────────────────────────────────────────────────────────────────────

    async def begin(
        self, node: str, wish: Wish, reading: MeterReading | None = None
    ) -> CopyState | NotBegun:
        """Set a budget aside for a person at a copier; the terminal may enable it after that.

        A terminal that begins again has lost its copy: one that nothing was counted of goes on for
        the same person, any other is settled first.

        Args:
            node: the terminal that counts.
            wish: who copies, at which device, charged to what.
            reading: what the machine's own meters say; what its lost copy is settled by.

        Raises:
            StoreUnwritableError: nothing was set aside.
        """
        if not self._charges(wish.device):
            detail = f"copies are not charged at {wish.device!r} here"
            return NotBegun(Reason.PRINTER_UNKNOWN, detail)
        busy = {f"terminal {node}", f"printer {wish.device}"}
        if busy & self._beginning:
            return NotBegun(BUSY, "a copy is being begun here; try again in a moment")
        running = self._open()
        mine = [each for each in running if meter_of(each).terminal == node]
        if any(each.printer == wish.device and each not in mine for each in running):
            detail = "somebody copies at this machine by another terminal; sign off there first"
            return NotBegun(BUSY, detail)
        for each in mine:
            told = reading if each.printer == wish.device else None
            record, _ = after_count(each, meter_of(each).counts, told)
            if alike(record, wish):
                self._heard[record.job] = self._monotonic()
                return self.state(record)
            self._settle(record, f"{ABANDONED}: its terminal began another one")
        self._beginning |= busy
        try:
            return await self._begin(node, wish, reading)
        finally:
            self._beginning -= busy

    async def _begin(
        self, node: str, wish: Wish, reading: MeterReading | None
    ) -> CopyState | NotBegun:
        role = self._standing.role().name
        record = fresh(self._mint(), wish, role=role, now=self._clock())
        found = self._money.budget(record, wish, past=not self._funds.reachable)
        if self._funds.reachable and self._money.wants_more(found):
            self._books.awaited.add(record.job)
            try:
                await self._money.fetch(record, wish)
            finally:
                self._books.awaited.discard(record.job)
            # what could be had is here: from now on the site's terms may help
            found = self._money.budget(record, wish, past=True)
            if not isinstance(found, Budget):
                self._books.let_go(record.job, self._clock())
        match found:
            case Budget():
                alone = not self._funds.reachable
                bounds = self._ways.bounds
                after, event = begun(
                    record, found, bounds, wish, node=node, alone=alone, reading=reading
                )
                self._books.release(after, event, self._clock())
                self._heard[after.job] = self._monotonic()
                return self.state(after, refusals(found))
            case Denied(reason=reason, detail=detail, short=short):
                if short is not None:
                    where = self._funds.whereabouts(short.account, short.needed.unit)
                    detail = "; ".join(filter(None, (detail, where)))
                return NotBegun(reason, detail, found)
            case Ask(question=question):
                return NotBegun("answer-needed", question, found)

    # ── counts ──────────────────────────────────────────────────────────────────────────────

    def count(
        self, node: str, copy: UUID, counts: CopyCounts, reading: MeterReading | None = None
    ) -> CopyState | NoSuchCopy:
        """Keep what was copied so far; durable when this returns.

        The same totals said again change nothing: a terminal says so that it lives.

        Raises:
            StoreUnwritableError: nothing was kept; the terminal says it again, or stops.
        """
        record = self._of(node, copy)
        if record is None:
            return NoSuchCopy()
        if record.phase.final:
            return self.state(self._late(record, counts))
        after, flag = after_count(record, counts, reading)
        if flag is not None:
            self._books.flag(after, flag, self._clock())
        elif after is not record:
            self._books.keep(after)
        self._heard[copy] = self._monotonic()
        return self.state(after)

    def end(
        self,
        node: str,
        copy: UUID,
        counts: CopyCounts,
        why: str = "",
        reading: MeterReading | None = None,
    ) -> CopyState | NoSuchCopy:
        """Settle with the last counts; said again, answered with the same.

        Raises:
            StoreUnwritableError: nothing was settled; the terminal says it again.
        """
        record = self._of(node, copy)
        if record is None:
            return NoSuchCopy()
        if record.phase.final:
            return self.state(self._late(record, counts))
        after, flag = after_count(record, counts, reading)
        _log.info("a copy ends", action="copy-ends", job=str(copy), why=why[:200])
        told = None if flag is None else f"{flag.cause}: {flag.detail}"
        return self.state(self._settle(after, told))

    def _of(self, node: str, copy: UUID) -> JobRecord | None:
        """Return a copy that this terminal began."""
        record = self._books.job(copy)
        known = record is not None and record.meter is not None and record.meter.terminal == node
        return record if known else None

    def _late(self, record: JobRecord, counts: CopyCounts) -> JobRecord:
        """Keep and flag what came after the end."""
        after, flag = after_end(record, counts)
        if flag is not None:
            self._books.flag(after, flag, self._clock())
        elif after is not record:
            self._books.keep(after)
        return after

    # ── the end ─────────────────────────────────────────────────────────────────────────────

    async def run(self) -> None:
        """Sweep now and then."""
        while True:
            try:
                self.sweep()
            except StoreUnwritableError as error:
                _log.warning("copies wait", action="copies-wait", why=str(error))
            await asyncio.sleep(_SWEEP_EVERY)

    def sweep(self) -> int:
        """Settle copies whose terminal says nothing any more; return how many.

        After a start each has its time anew: its terminal could not reach us meanwhile.

        Raises:
            StoreUnwritableError: the rest is settled next time.
            Exception: what went wrong with one; all others were settled.
        """
        now = self._monotonic()
        patience = self._ways.patience.total_seconds()
        running = self._open()
        self._heard = {each.job: self._heard.get(each.job, now) for each in running}
        due = [each for each in running if now - self._heard[each.job] >= patience]
        failed: list[Exception] = []
        for record in due:
            try:
                self._settle(record, f"{ABANDONED}: its terminal said no more")
            except StoreUnwritableError:
                raise  # so it is with all of them
            except Exception as error:  # noqa: BLE001  once a copy; reported by who asked for it
                failed.append(error)
        if failed:
            raise failed[0]
        return len(due)

    def _settle(self, record: JobRecord, flag: str | None) -> JobRecord:
        """Charge what the counts cost, give the rest of the hold back: one record."""
        now, held = self._clock(), record.hold
        after, event, charged = settled(
            record,
            flag,
            others=self._others(record),
            mint=self._mint,
            paper=self._ways.paper,
            now=now,
        )
        self._books.settle(after, held.amounts if held else (), event, charged, now)
        self._heard.pop(record.job, None)
        return after

    def _others(self, copy: JobRecord) -> int | None:
        """Return how many impressions other jobs may have put out at a copy's machine meanwhile."""
        if isinstance(difference(meter_of(copy), others=None), NoMore):
            return None  # nobody needs to know, and there may be many jobs
        done = self._books.jobs(Phase.RELEASING, Phase.DISPUTED, Phase.SETTLED)
        return meanwhile(copy, done)

    # ── what is told ────────────────────────────────────────────────────────────────────────

    def state(self, record: JobRecord, text: str = "") -> CopyState:
        """Say how a copy stands; `text`: what is to be said of it unless it has to stop."""
        meter = meter_of(record)
        counts = meter.counts
        if record.hold is None:
            return CopyState(
                copy_id=record.job,
                go_on=False,
                settled=True,
                counts=counts,
                cost=record.charged,
                unit=meter.unit,
                text=(record.cause or "")[:1000],
            )
        held = record.hold.charges
        stopped = self._stopped(record, meter, held)
        return CopyState(
            copy_id=record.job,
            go_on=stopped is None,
            counts=counts,
            cost=amounts_of(cost(meter, held, counts)),
            left=left(meter, held, counts),
            unit=meter.unit,
            pages_left=pages_left(meter, held, counts),
            text=(stopped or text)[:1000],
        )

    def _stopped(self, record: JobRecord, meter: Meter, held: Sequence[Charge]) -> str | None:
        """Say why the machine has to stop now; None while it may go on."""
        refused = self._standing.refuses(record)
        if refused is not None:
            return refused.detail
        row = self._replica.user(record.user)
        if row is None or not row.enabled:
            return "this person may not copy any more; ask at the desk"
        if meter.forbidden(meter.counts):
            return "this was copied in a way that is not allowed here; sign off and begin anew"
        if not goes_on(meter, held, meter.counts):
            return "what was set aside for this copy is used up"
        return None

    def _open(self) -> list[JobRecord]:
        return [each for each in self._books.jobs(Phase.RELEASING) if each.meter is not None]

    def _charges(self, device: str) -> bool:
        """Say whether copies are charged at a device of this site."""
        row = self._replica.printer(device)
        named = device in self._ways.copiers or (row is not None and row.copies)
        return named and device in self._printers
