"""The edge's books: each thing that happens is one durable record of money, job and event.

Nothing here decides; nothing here waits for anything but its own disk. The fdatasync of a record
(well under a millisecond on a sound disk) is taken on the event loop on purpose: between checking
that the money is there and writing it down nothing else may run.
"""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass
from typing import TYPE_CHECKING

from tinydb import where

from broker.codec import text_of
from broker.messages import (
    AccountAmount,
    Charged,
    CodesFrom,
    Granted,
    JobCanceled,
    JobFlagged,
    JobHeld,
    JobRefused,
    JobReleased,
    JobSettled,
    Message,
    Opening,
    Position,
    Reclaim,
    Rejected,
    Returned,
    StreamName,
)
from broker.stream import StreamKey, place, start
from broker.stream_inbound import Quarantined, sift
from broker.topics import STREAMS_DOWN
from config.errors import PrintmeshError
from edge.jobs import JobRecord
from edge.store.codes import Codes

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator, Sequence
    from contextlib import AbstractContextManager
    from datetime import datetime
    from uuid import UUID

    from broker.messages import Envelope
    from edge.release import Phase
    from edge.store.database import EdgeDatabase
    from edge.store.transaction import Transaction

#: Streams up, by their names on the wire and in the journal.
UP: tuple[StreamName, ...] = ("ledger", "jobs")
#: The coordinator's ledger as the journal keeps it: applied events and their hashes.
DOWN = "down-ledger"

#: What each table of the journal is indexed by.
INDEXES = {
    "accounts": ("key",),
    "jobs": ("job", "phase"),
    "reclaims": ("reclaim",),
    "meta": ("key",),
    "quarantine": ("seq",),
    "codes": ("code",),
}


class Overdrawn(PrintmeshError):
    """A hold or charge beyond what is here: the caller decided on figures that were not so."""


@dataclass(frozen=True, slots=True)
class Applied:
    """What a batch from the coordinator did."""

    upto: Position
    """The new watermark."""
    granted: tuple[Granted, ...]
    """Money that arrived."""
    rejected: tuple[Rejected, ...]
    """Events of ours that the centre could not accept."""
    quarantined: tuple[tuple[int, str], ...]
    """(seq, reason) of events that could not be read or carried out."""


class Books:
    """Accounts, jobs and streams of one site, on one journal."""

    def __init__(
        self,
        database: EdgeDatabase,
        *,
        node: str,
        coordinator: str,
        coordinator_incarnation: UUID,
        mint: Callable[[datetime], UUID],
    ) -> None:
        self._db = database
        self._node = node
        self._mint = mint
        self._accounts = database.table("accounts")
        self._jobs = database.table("jobs")
        self._reclaims = database.table("reclaims")
        self._meta = database.table("meta")
        self._quarantine = database.table("quarantine")
        self._sums: Counter[str] | None = None
        self._filled = 0
        self._unsure = False
        self.incarnation = database.incarnation
        self.codes = Codes(
            database,
            record=self._growing,
            credit=lambda amount: self._move(amount, balance=amount.micros, held=0),
            say=lambda txn, message, now: self._say(txn, "ledger", message, now),
        )
        """What of the money here came by courier codes, or may."""
        self.on_growth: Callable[[], None] = lambda: None
        """Called after a record that added events."""
        self.on_job: Callable[[JobRecord, Message], None] = lambda _record, _event: None
        """Called after a record that changed a job, with the event that says so."""
        self.keys = {
            name: StreamKey(node, self.incarnation, coordinator, coordinator_incarnation, name)
            for name in UP
        }
        self.down_key = StreamKey(
            coordinator, coordinator_incarnation, node, self.incarnation, "ledger"
        )

    def open(self, now: datetime) -> None:
        """Begin the streams of a fresh journal with their Opening; nothing on an old one."""
        if DOWN in self._db.streams():
            return
        with self._growing() as txn:
            for name, key in self.keys.items():
                txn.open_stream(name, key)
                self._say(txn, name, Opening(), now)
            txn.open_stream(DOWN, self.down_key)

    # ── reading ─────────────────────────────────────────────────────────────────────────────

    def free(self, account: str, unit: str) -> int:
        """Return what may still be spent here, in micros: balance less holds."""
        row = self._accounts.find("key", _key(account, unit))
        return 0 if row is None else row["balance"] - row["held"]

    def balances(self) -> Iterator[AccountAmount]:
        """Yield what sits here, holds included."""
        for row in self._accounts:
            yield AccountAmount(account=row["account"], unit=row["unit"], micros=row["balance"])

    def money(self) -> tuple[dict[str, int], int]:
        """Return micros here by unit, holds included, and how many accounts have any."""
        if self._sums is None or self._unsure:
            self._sums, self._filled = Counter(), 0
            for row in self._accounts.contents():
                self._sums[row["unit"]] += row["balance"]
                self._filled += row["balance"] > 0
            self._unsure = False
        return {unit: micros for unit, micros in self._sums.items() if micros}, self._filled

    def job(self, job: UUID) -> JobRecord | None:
        """Return a job's record."""
        row = self._jobs.find("job", str(job))
        return None if row is None else JobRecord.model_validate(row)

    def jobs(self, *phases: Phase) -> list[JobRecord]:
        """Return the jobs in these phases (all, when none is named), oldest first."""
        rows = (
            [row for phase in phases for row in self._jobs.search(where("phase") == phase.value)]
            if phases
            else self._jobs.all()
        )
        return sorted(map(JobRecord.model_validate, rows), key=lambda job: job.received_at)

    def count_jobs(self) -> dict[str, int]:
        """Return how many jobs are in each phase, by index."""
        return self._jobs.tally("phase")

    def head(self, stream: str) -> Position:
        """Return the last event of one of our streams, or of what came down (`DOWN`)."""
        return self._db.head(stream)

    def events(self, stream: str, first: int, last: int) -> Iterator[Envelope]:
        """Yield the events of a stream from disk."""
        return self._db.events(stream, first, last)

    def hash_at(self, stream: str, seq: int) -> str | None:
        """Return the chain's hash at a seq, None when it is not kept any more."""
        return self._db.hash_at(stream, seq)

    def acked(self, stream: StreamName) -> Position:
        """Return the stored watermark of a stream up; an old one does no harm."""
        row = self._meta.one(where("key") == f"acked {stream}")
        if row is None:
            return start(self.keys[stream])
        return Position(seq=row["seq"], hash=row["hash"])

    def note(self, key: str) -> str | None:
        """Return a remembered text: such as `epoch` or `accepted`."""
        row = self._meta.one(where("key") == key)
        return None if row is None else row["text"]

    # ── writing: each call is one record ────────────────────────────────────────────────────

    def remember(self, key: str, text: str) -> None:
        """Remember a text for good."""
        self._meta.upsert({"key": key, "text": text}, where("key") == key)

    def remember_acked(self, stream: StreamName, upto: Position) -> None:
        """Store how far the coordinator has committed a stream."""
        key = f"acked {stream}"
        row = {"key": key, "seq": upto.seq, "hash": upto.hash}
        self._meta.upsert(row, where("key") == key)

    def hold(self, record: JobRecord, event: JobHeld, now: datetime) -> None:
        """Enter a job that was counted, or that cannot be."""
        with self._growing() as txn:
            self._put(record)
            self._say(txn, "jobs", event, now)
        self.on_job(record, event)

    def refuse(self, record: JobRecord, event: JobRefused, now: datetime) -> None:
        """Record that a release was denied; the job stays held."""
        with self._growing() as txn:
            self._put(record)
            self._say(txn, "jobs", event, now)
        self.on_job(record, event)

    def release(self, record: JobRecord, event: JobReleased, now: datetime) -> None:
        """Set the price aside and write the intent, in one record.

        Raises:
            Overdrawn: an account does not cover its part; nothing was written.
        """
        with self._growing() as txn:
            for amount in event.held:
                self._move(amount, balance=0, held=amount.micros)
            self._put(record)
            self._say(txn, "jobs", event, now)
        self.on_job(record, event)

    def settle(
        self,
        record: JobRecord,
        held: Sequence[AccountAmount],
        settled: JobSettled,
        charged: Charged | None,
        now: datetime,
    ) -> None:
        """Lift the hold, charge what was printed, close the job: one record.

        Raises:
            Overdrawn: the charge is more than the hold; nothing was written.
        """
        with self._growing() as txn:
            for amount, charge, lifted in _netted(held, charged.postings if charged else ()):
                self._move(amount, balance=-charge, held=-lifted)
            self._put(record)
            if charged is not None:
                self._say(txn, "ledger", charged, now)
            self._say(txn, "jobs", settled, now)
        self.on_job(record, settled)

    def flag(self, record: JobRecord, event: JobFlagged, now: datetime) -> None:
        """Mark a job for a person to look at, and store its record."""
        with self._growing() as txn:
            self._put(record)
            self._say(txn, "jobs", event, now)
        self.on_job(record, event)

    def cancel(self, record: JobRecord, event: JobCanceled, now: datetime) -> None:
        """Close a job that will not be printed."""
        with self._growing() as txn:
            self._put(record)
            self._say(txn, "jobs", event, now)
        self.on_job(record, event)

    def forget(self, jobs: Iterable[UUID]) -> None:
        """Drop records of jobs that ended long ago; their events stay in the streams."""
        with self._db.transaction():
            for job in jobs:
                self._jobs.remove(where("job") == str(job))

    def apply(
        self, envelopes: Sequence[Envelope], now: datetime, *, because: str | None = None
    ) -> Applied:
        """Carry out consecutive events of the coordinator's ledger, watermark and all.

        Args:
            envelopes: verified against the chain, at least one.
            now: the moment it happens at.
            because: put all of them aside with this reason, whatever they say.
        """
        granted: list[Granted] = []
        rejected: list[Rejected] = []
        bad: list[tuple[int, str]] = []
        with self._growing() as txn:
            items = (
                sift(envelopes, STREAMS_DOWN["ledger"])
                if because is None
                else (Quarantined(envelope, because) for envelope in envelopes)
            )
            for item in items:
                if isinstance(item, Quarantined):
                    self._set_aside(item.envelope, item.reason)
                    bad.append((item.envelope.seq, item.reason))
                else:
                    self._carry_out(txn, item.event.message, granted, rejected, now)
                txn.keep(DOWN, item.envelope)
        return Applied(place(envelopes[-1]), tuple(granted), tuple(rejected), tuple(bad))

    # ── inside a transaction ────────────────────────────────────────────────────────────────

    def _growing(self) -> AbstractContextManager[Transaction]:
        return self._db.transaction(self._grown)

    def _grown(self) -> None:
        self._unsure = False
        self.on_growth()

    def _carry_out(
        self,
        txn: Transaction,
        event: Message,
        granted: list[Granted],
        rejected: list[Rejected],
        now: datetime,
    ) -> None:
        match event:
            case Granted():
                if not self.codes.brought(event):
                    amount = AccountAmount(
                        account=event.account, unit=event.unit, micros=event.micros
                    )
                    self._move(amount, balance=event.micros, held=0)
                granted.append(event)
            case CodesFrom():
                self.codes.begin(event)
            case Reclaim():
                self._give_back(txn, event, now)
            case Rejected():
                rejected.append(event)
            case _:
                pass  # an Opening of the centre carries nothing for a fresh journal

    def _give_back(self, txn: Transaction, event: Reclaim, now: datetime) -> None:
        """Return what is free, at most what is asked, once for each reclaim."""
        if self._reclaims.one(where("reclaim") == str(event.reclaim)) is not None:
            return
        micros = max(0, min(event.up_to, self.free(event.account, event.unit)))
        if micros:
            amount = AccountAmount(account=event.account, unit=event.unit, micros=micros)
            self._move(amount, balance=-micros, held=0)
        self._reclaims.insert({"reclaim": str(event.reclaim), "micros": micros})
        answer = Returned(
            reclaim=event.reclaim, account=event.account, unit=event.unit, micros=micros
        )
        self._say(txn, "ledger", answer, now)

    def _move(self, amount: AccountAmount, *, balance: int, held: int) -> None:
        key = _key(amount.account, amount.unit)
        row = self._accounts.find("key", key)
        after_balance = balance + (row["balance"] if row else 0)
        after_held = held + (row["held"] if row else 0)
        if not 0 <= after_held <= after_balance:
            raise Overdrawn(
                f"{key} would have {after_balance} micros with {after_held} held; nothing done"
            )
        if self._sums is not None:
            self._unsure = True  # until it is durable
            self._sums[amount.unit] += balance
            self._filled += (after_balance > 0) - (after_balance > balance)
        change = {"balance": after_balance, "held": after_held}
        if row is None:
            self._accounts.insert(
                {"key": key, "account": amount.account, "unit": amount.unit, **change}
            )
        else:
            self._accounts.amend(row, change)

    def _put(self, record: JobRecord) -> None:
        job = str(record.job)
        # whole: an upsert would keep what is no longer so, such as a hold that was lifted
        row = record.model_dump_json(exclude_defaults=True).encode()
        indexed = {"job": job, "phase": record.phase.value}
        self._jobs.put(row, indexed, self._jobs.find("job", job))

    def _set_aside(self, envelope: Envelope, reason: str) -> None:
        self._quarantine.insert(
            {"seq": envelope.seq, "data": envelope.data, "reason": reason, "stream": DOWN}
        )

    def _say(self, txn: Transaction, stream: str, message: Message, now: datetime) -> None:
        txn.append(stream, text_of(message, source=self._node, id_=self._mint(now), now=now))


def _netted(
    held: Sequence[AccountAmount], charged: Sequence[AccountAmount]
) -> Iterable[tuple[AccountAmount, int, int]]:
    """Return (account, micros charged, micros lifted), each account once: one row, one change."""
    sums: dict[str, tuple[AccountAmount, int, int]] = {}
    for amounts, charges, lifts in ((held, 0, 1), (charged, 1, 0)):
        for amount in amounts:
            key = _key(amount.account, amount.unit)
            _, charge, lifted = sums.get(key, (amount, 0, 0))
            sums[key] = amount, charge + charges * amount.micros, lifted + lifts * amount.micros
    return sums.values()


def _key(account: str, unit: str) -> str:
    return f"{account} {unit}"
