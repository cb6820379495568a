"""A site of the money machine: the edge's own books on a disk in memory, and a line by hand."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import timedelta
from typing import TYPE_CHECKING, Any, cast

from broker.messages import (
    AccountAmount,
    Batch,
    Birth,
    Charged,
    Command,
    CommandState,
    Counted,
    JobCanceled,
    JobHeld,
    JobReleased,
    JobSettled,
    Position,
    StreamName,
    UpHeads,
)
from broker.stream_outbound import fitting
from config.ids import uuid7
from config.policy.jobs import Source
from edge.branch import RETIRING
from edge.changing import Changing
from edge.downward import Came, Downward
from edge.jobs import Hold, JobRecord
from edge.redeeming import Redeeming
from edge.release import Phase
from edge.reporting import report
from edge.standing import SiteStanding
from edge.store.books import DOWN, INDEXES, UP, Books
from edge.store.database import EdgeDatabase
from edge.store.journal import Journal
from edge.store.memory_disk import MemoryDisk
from tests.integration.books_lab import CODE, Dice

if TYPE_CHECKING:
    from collections.abc import Sequence
    from datetime import datetime
    from uuid import UUID

    from broker.directory import AccountRow, UserRow
    from config.policy.money import Unit
    from edge.store.replica import Replica
    from tests.integration.books_lab import Clock

CENT = 10_000
COUNTED = Counted(source=Source.ANALYSIS, impressions=1)


class KnownAccounts:
    """What a site knows of accounts: as they were when it last heard."""

    def __init__(self) -> None:
        self.rows: dict[str, AccountRow] = {}
        self.cursor = None

    def account(self, key: str) -> AccountRow | None:
        """Return an account."""
        return self.rows.get(key)


@dataclass(frozen=True)
class Lacking:
    """A release that was not possible: so much is missing on this account."""

    record: JobRecord
    amount: AccountAmount


class Site:
    """One edge and its journal; what it sends is taken from it, what it hears is given to it."""

    def __init__(self, node: str, clock: Clock, centre: tuple[str, UUID]) -> None:
        self.node = node
        self.clock = clock
        self.centre = centre
        self.dice = Dice(sum(node.encode()))
        self.code = CODE
        self.known = KnownAccounts()
        self.linked = False
        self.paper: dict[UUID, int] = {}
        """What is due for what came out, at most the price, by job: printers forget nothing."""
        self.start(MemoryDisk())

    # ── life ────────────────────────────────────────────────────────────────────────────────

    def start(self, disk: MemoryDisk) -> None:
        """Begin from what is on a disk."""
        self.disk = disk
        self.database = EdgeDatabase(Journal(disk), indexes=INDEXES)
        self.books = Books(
            self.database,
            node=self.node,
            coordinator=self.centre[0],
            coordinator_incarnation=self.centre[1],
            mint=lambda now: uuid7(now, self.dice(10)),
        )
        self.books.open(self.clock())
        replica = cast("Replica", self.known)
        self.epoch = int(self.books.note("epoch") or 0)
        self.down = Downward(self.books, replica, epoch=self.epoch)
        self.acked: dict[StreamName, Position] = {name: self.books.acked(name) for name in UP}
        self.sent = {name: at.seq for name, at in self.acked.items()}
        self.standing = SiteStanding(
            self.books, reachable=lambda: self.linked, alone_for=lambda: timedelta(0)
        )
        self.redeeming = Redeeming(
            books=self.books, replica=replica, clock=self.clock, monotonic=self.seconds
        )
        self._changing = Changing(self.books, clock=self.clock)
        self.linked = False

    def crash(self, disk: MemoryDisk) -> None:
        """Die; begin again from what the disk has kept."""
        self.start(disk)

    def mint(self) -> UUID:
        """Return a new id."""
        return uuid7(self.clock(), self.dice(10))

    def seconds(self) -> float:
        """Return a time that only goes on."""
        return self.clock.now.timestamp()

    def tick(self) -> None:
        """Take terms that are wished for, if nothing is in the way."""
        terms = self.books.terms
        while terms.wish is not None or terms.untold:
            if not self._changing.step(self.seconds()):
                return

    # ── the line ────────────────────────────────────────────────────────────────────────────

    def birth(self) -> Birth:
        """Return an introduction."""
        heads = {name: UpHeads(sent=self.books.head(name), acked=self.acked[name]) for name in UP}
        return Birth(
            corr=self.mint(),
            session=self.mint(),
            incarnation=self.books.incarnation,
            software="test",
            role="remote",
            enrolment=self.code,
            epoch=self.epoch,
            up=heads,
            down={"ledger": self.books.head(DOWN)},
            wire=2,
        )

    def met(self, up: dict[StreamName, Position], head: Position, epoch: int) -> object:
        """Be accepted; return why the centre's ledger cannot go on here, None when it can."""
        for name, at in up.items():
            self.acked[name] = at
            self.sent[name] = at.seq
            self.books.remember_acked(name, at)
        self.books.remember("epoch", str(epoch))
        self.epoch = epoch
        self.linked = True
        return self.down.on_birth(head, epoch=epoch)

    def unsent(self, name: StreamName) -> Batch | None:
        """Return what was not sent yet on this line."""
        head = self.books.head(name)
        if head.seq <= self.sent[name]:
            return None
        events = fitting(self.books.events(name, self.sent[name] + 1, head.seq))
        self.sent[name] = events[-1].seq
        key = self.books.keys[name]
        return Batch(
            stream=name,
            sender_incarnation=key.sender_incarnation,
            receiver_incarnation=key.receiver_incarnation,
            events=events,
        )

    def again(self) -> None:
        """Send everything again that is not acked."""
        self.sent = {name: at.seq for name, at in self.acked.items()}

    def on_ack(self, name: StreamName, upto: Position) -> None:
        """Note how far the centre is; an ack never lowers a watermark."""
        if upto.seq > self.acked[name].seq:
            self.acked[name] = upto
            self.books.remember_acked(name, upto)

    def hear(self, batch: Batch) -> Came:
        """Take in what the centre said."""
        came = self.down.batch(batch, self.seconds(), self.clock())
        assert came.halted is None, f"{self.node}: {came.halted}"
        assert not came.quarantined, f"{self.node}: {came.quarantined}"
        return came

    def obey(self, command: Command) -> CommandState:
        """Do what the centre says; a journal that is put away gives way to an empty disk."""
        args = command.args
        if command.command != "retire-journal":
            return report(self.books, command)
        if args.get("incarnation") != str(self.books.incarnation):
            return CommandState(id=command.id, state="successful", detail="it is put away")
        running = len(self.books.jobs(Phase.RELEASING))
        if args.get("step") == "stop":
            self.books.remember(RETIRING, str(command.id))
            data: dict[str, Any] = {name: self.books.head(name).seq for name in UP}
            return CommandState(id=command.id, state="successful", data={"running": running} | data)
        ledger = self.books.head("ledger").seq
        if running or args.get("ledger") != str(ledger):
            return CommandState(id=command.id, state="failed", detail=f"it is at {ledger}")
        self.code = str(args.get("code", ""))
        self.start(MemoryDisk())
        return CommandState(id=command.id, state="successful")

    # ── people ──────────────────────────────────────────────────────────────────────────────

    def submit(self, user: str) -> JobRecord:
        """Somebody prints: the job is held."""
        now, role = self.clock(), self.standing.role()
        record = JobRecord(
            job=self.mint(),
            queue="pull",
            direct=not role.holds,
            user=user,
            name="a letter",
            received_at=now,
            phase=Phase.HELD,
            role=role.name,
        )
        event = JobHeld(
            job=record.job,
            queue="pull",
            user=user,
            name="a letter",
            received_at=now,
            counted=COUNTED,
        )
        self.books.hold(record, event, now)
        return record

    def release(
        self, record: JobRecord, keys: Sequence[str], unit: Unit, micros: int
    ) -> JobRecord | Lacking | None:
        """Release a job at a price, paid by some accounts, the first one first.

        Returns:
            It prints; or what is lacking, and on which account; or it cannot be had at all.
        """
        if self.standing.refuses(record) is not None:
            return None
        parts = self._covered(record, keys, unit, micros)
        if isinstance(parts, AccountAmount):
            return Lacking(record, parts)
        if parts is None:
            return None
        alone, now = not self.linked, self.clock()
        after = record.with_(
            phase=Phase.RELEASING,
            attempt=record.attempt + 1,
            printer=f"{self.node}-1",
            released_by=record.user,
            released_at=now,
            alone=alone,
            hold=Hold(amounts=parts, tariff_version=1),
        )
        event = JobReleased(
            job=record.job,
            attempt=after.attempt,
            printer=f"{self.node}-1",
            user=record.user,
            held=parts,
            alone=alone,
            tariff_version=1,
        )
        self.books.release(after, event, now)
        return after

    def _covered(
        self, record: JobRecord, keys: Sequence[str], unit: Unit, micros: int
    ) -> tuple[AccountAmount, ...] | AccountAmount | None:
        left, parts, usable = micros, list[AccountAmount](), list[str]()
        for key in keys:
            row = self.known.account(key)
            if row is None or not row.enabled or row.unit != unit or not left:
                continue
            usable.append(key)
            if row.unlimited:
                parts.append(
                    AccountAmount(account=key, unit=unit, micros=left, covered_by="account")
                )
                left = 0
                continue
            part = min(left, max(0, self.standing.available(key, unit, record.job).micros))
            if part:
                parts.append(AccountAmount(account=key, unit=unit, micros=part))
            left -= part
        if not usable:
            return None
        if left and self.standing.past(usable[0], unit).micros >= left:
            parts.append(
                AccountAmount(account=usable[0], unit=unit, micros=left, covered_by="uncovered")
            )
            left = 0
        return AccountAmount(account=usable[0], unit=unit, micros=left) if left else tuple(parts)

    def settle(self, record: JobRecord, quarters: int) -> None:
        """A job has ended: so many quarters of it came out; what is above the price is free."""
        if record.hold is None:
            raise RuntimeError("a job that prints has a hold")
        held = record.hold.amounts
        price = sum(each.micros for each in held)
        # what is on paper is there: an edge that died in between reads the same count again
        came = self.paper.setdefault(record.job, min(price, price * quarters // 4))
        left, parts = came, list[AccountAmount]()
        for each in held:
            part = min(left, each.micros)
            left -= part
            if part:
                parts.append(each.model_copy(update={"micros": part}))
        now = self.clock()
        charge = self._charge(record, tuple(parts), now) if parts else None
        settled = JobSettled(
            job=record.job,
            attempt=record.attempt,
            printer=f"{self.node}-1",
            disposition="completed",
            counts=(),
            billed=COUNTED,
            charge=charge.charge if charge else None,
        )
        after = record.with_(phase=Phase.SETTLED, charged=tuple(parts), hold=None, ended_at=now)
        self.books.settle(after, held, settled, charge, now)

    def _charge(
        self, record: JobRecord, postings: tuple[AccountAmount, ...], now: datetime
    ) -> Charged:
        return Charged(
            charge=self.mint(),
            job=record.job,
            attempt=record.attempt,
            user=record.user,
            printer=f"{self.node}-1",
            service="print",
            tariff_version=1,
            counted=COUNTED,
            postings=postings,
            alone=record.alone,
            settled_at=now,
        )

    def cancel(self, record: JobRecord) -> None:
        """Somebody throws a held job away."""
        event = JobCanceled(job=record.job, by=record.user)
        self.books.cancel(record.with_(phase=Phase.CANCELED), event, self.clock())

    def redeem(self, digits: str, row: UserRow) -> object:
        """Somebody types a courier code."""
        return self.redeeming.redeem(digits, row)
