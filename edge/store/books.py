"""The edge's books: each thing that happens is one durable record of money, job and event.

Nothing here decides; nothing here waits for anything but its own disk. The fdatasync of a record
(well under a millisecond on a sound disk) is taken on the event loop on purpose: between checking
that the money is there and writing it down nothing else may run.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from tinydb import where

from broker.codec import text_of
from broker.messages import (
    AccountAmount,
    Charged,
    CopyBegan,
    JobCanceled,
    JobFlagged,
    JobHeld,
    JobRefused,
    JobReleased,
    JobSettled,
    Message,
    Opening,
    OperatorLooked,
    Position,
    StreamName,
)
from broker.stream import StreamKey, start
from edge.jobs import JobRecord
from edge.store.applied import Applied
from edge.store.cards import CardsKept
from edge.store.codes import Codes
from edge.store.documents import DocumentsKept
from edge.store.lent import Lent
from edge.store.meters import MetersKept
from edge.store.orders import DOWN, Orders
from edge.store.returns import Returns
from edge.store.terms import TermsKept
from edge.store.till import Overdrawn, Till

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator, Sequence
    from contextlib import AbstractContextManager
    from datetime import datetime
    from uuid import UUID

    from broker.messages import Envelope, Role
    from edge.release import Phase
    from edge.store.database import EdgeDatabase
    from edge.store.transaction import Transaction

#: Streams up, by their names on the wire and in the journal.
UP: tuple[StreamName, ...] = ("ledger", "jobs")

#: What each table of the journal is indexed by.
INDEXES = {
    "accounts": ("key",),
    "jobs": ("job", "phase", "card", "user"),
    "cards": ("card",),
    "meters": ("device",),
    "reclaims": ("reclaim",),
    "meta": ("key",),
    "quarantine": ("seq",),
    "codes": ("code",),
    "aside": ("key", "job"),
    "owed": ("key",),
    "documents": ("upload", "state"),
}
__all__ = ["DOWN", "INDEXES", "UP", "Applied", "Books", "Overdrawn"]


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
        self._jobs = database.table("jobs")
        self._meta = database.table("meta")
        self.incarnation = database.incarnation
        self.till = Till(database)
        """The money; changed by the books only."""
        self.terms = TermsKept(database)
        """Role and terms; changed by the books only."""
        self._returns = Returns(database, self.till, self.terms, mint=mint, say=self._say_ledger)
        grow, lent = self._growing, Lent(database, self._growing, self._say)
        self.codes = Codes(database, record=grow, credit=self.till.credit, say=self._say_ledger)
        """What of the money here came by courier codes, or may."""
        self.cards = CardsKept(lent)
        """Cards that were entered here, until the centre has them."""
        self.meters = MetersKept(lent)
        """What the meters of the printers showed when they were last read."""
        self.documents = DocumentsKept(lent)
        """Documents that come from the centre."""
        self._orders = Orders(
            database.table("quarantine"),
            self.till,
            self.terms,
            self.codes,
            self.cards,
            self._returns,
            self._waits_for,
        )
        self.awaited: set[UUID] = set()
        """Copies that are being begun: money that comes for one is set aside for it."""
        self.on_growth: Callable[[], None] = lambda: None
        """Called after a record that added events."""
        self.on_job: Callable[[JobRecord, Message], None] = lambda _record, _event: None
        """Called after a record that changed a job, with the event that says so."""
        self.on_terms: Callable[[], None] = lambda: None
        """Called after a record that brought terms to be taken."""
        own, centre = (node, self.incarnation), (coordinator, coordinator_incarnation)
        self.keys = {name: StreamKey(*own, *centre, name) for name in UP}
        self.down_key = StreamKey(*centre, *own, "ledger")

    def open(self, now: datetime, *, role: Role = "remote") -> None:
        """Begin the streams of a fresh journal in a role, with their Opening; else nothing."""
        if DOWN in self._db.streams():
            return
        with self._growing() as txn:
            for name, key in self.keys.items():
                txn.open_stream(name, key)
                self._say(txn, name, Opening(), now)
            txn.open_stream(DOWN, self.down_key)
            self.terms.begin(role)

    # ── reading ─────────────────────────────────────────────────────────────────────────────

    def free(self, account: str, unit: str) -> int:
        """Return what any job may spend here, in micros: less holds and what is for one job."""
        return self.till.free(account, unit)

    def balances(self) -> Iterator[AccountAmount]:
        """Yield what sits here, holds included."""
        return self.till.balances()

    def money(self) -> tuple[dict[str, int], int]:
        """Return micros here by unit, holds included, and how many accounts have any."""
        return self.till.money()

    def job(self, job: UUID) -> JobRecord | None:
        """Return a job's record."""
        row = self._jobs.find("job", str(job))
        return None if row is None else JobRecord.model_validate(row)

    def jobs(self, *phases: Phase, of: str | None = None) -> list[JobRecord]:
        """Return jobs, oldest first: in these phases, of somebody in any spelling, or all."""
        wanted = [("phase", each.value) for each in phases]
        if of is not None:
            wanted = [("user", it) for it in self._jobs.tally("user") if it.lower() == of.lower()]
        rows = [row for field, value in wanted for row in self._jobs.search(where(field) == value)]
        rows = rows if phases or of is not None else self._jobs.all()
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
        return Position(seq=row["seq"], hash=row["hash"]) if row else start(self.keys[stream])

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
        self._meta.upsert({"key": key, "seq": upto.seq, "hash": upto.hash}, where("key") == key)

    def hold(
        self, record: JobRecord, event: JobHeld, now: datetime, *, upload: UUID | None = None
    ) -> None:
        """Enter a job that was counted, or that cannot be; it may be a document of the centre's."""
        self._enter(record, event, now, upload=upload)

    def refuse(self, record: JobRecord, event: JobRefused, now: datetime) -> None:
        """Record that a release was denied; the job stays held, money of its own goes back."""
        self._enter(record, event, now, over=True)

    def release(self, record: JobRecord, event: JobReleased | CopyBegan, now: datetime) -> None:
        """Set the price aside and write the intent, in one record.

        Raises:
            Overdrawn: an account does not cover its part; nothing was written.
        """
        with self._growing() as txn:
            self.till.hold(record.job, event.held)
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

        What is left of money that was for this job only goes back with it, and where the role
        keeps nothing at the site all that is left.

        Raises:
            Overdrawn: the charge is more than the hold; nothing was written.
        """
        with self._growing() as txn:
            left = self.till.settle(held, charged.postings if charged else ())
            self._put(record)
            if charged is not None:
                self._say(txn, "ledger", charged, now)
            self._returns.job_over(txn, record.job, left, now)
            self._say(txn, "jobs", settled, now)
        self.on_job(record, settled)

    def flag(self, record: JobRecord, event: JobFlagged, now: datetime) -> None:
        """Mark a job for a person to look at, and store its record."""
        self._enter(record, event, now)

    def keep(self, record: JobRecord) -> None:
        """Store what was learned of a job and is told to the centre later."""
        with self._db.transaction():
            self._put(record)

    def cancel(self, record: JobRecord, event: JobCanceled, now: datetime) -> None:
        """Close a job that will not be printed; money of its own goes back."""
        self._enter(record, event, now, over=True)

    def tell(self, event: OperatorLooked, now: datetime) -> None:
        """Say that somebody looked; nothing else changes."""
        with self._growing() as txn:
            self._say(txn, "jobs", event, now)

    def forget(self, jobs: Iterable[UUID]) -> None:
        """Drop records of jobs that ended long ago; their events stay in the streams."""
        with self._db.transaction():
            for job in jobs:
                self._jobs.remove(where("job") == str(job))

    def let_go(self, job: UUID, now: datetime) -> None:
        """Give back what is set aside for a job that needs it no more; not while it prints."""
        if (record := self.job(job)) is not None and record.hold is not None:
            return
        with self._growing() as txn:
            self._returns.job_over(txn, job, {}, now)

    def approach_terms(self, now: datetime, at_most: int, *, tell: bool = True) -> bool:
        """Take the terms that are wished for, once nothing is left that they do not allow.

        The caller has stopped new holds and let running jobs settle. Each call is one record that
        gives back what the new role keeps not, of at most so many accounts; the last one takes the
        terms as well.

        Returns:
            Whether they are taken, also when there is nothing to take; without `tell` the centre
            is told by a later call.
        """
        if self.terms.wish is None and not (tell and self.terms.untold):
            return True
        with self._growing() as txn:
            return self._returns.approach(txn, now, at_most, tell=tell)

    def end(self) -> None:
        """Write nothing any more, whatever is asked: the journal is put away as it is now."""
        self._db.end()

    def apply(
        self, envelopes: Sequence[Envelope], now: datetime, *, because: str | None = None
    ) -> Applied:
        """Carry out consecutive events of the coordinator's ledger, watermark and all.

        Args:
            envelopes: verified against the chain, at least one.
            now: the moment it happens at.
            because: put all of them aside with this reason, whatever they say.
        """
        with self._growing() as txn:
            applied = self._orders.apply(txn, envelopes, now, because=because)
        if self.terms.wish is not None:
            self.on_terms()
        return applied

    # ── inside a transaction ────────────────────────────────────────────────────────────────

    def _enter(
        self,
        record: JobRecord,
        event: Message,
        now: datetime,
        *,
        over: bool = False,
        upload: UUID | None = None,
    ) -> None:
        """Store a job with its event; when its release is over, its own money goes back."""
        with self._growing() as txn:
            if upload is not None:
                self.documents.became(upload, record.job)
            if over:
                self._returns.job_over(txn, record.job, {}, now)
            self._put(record)
            self._say(txn, "jobs", event, now)
        self.on_job(record, event)

    def _growing(self) -> AbstractContextManager[Transaction]:
        return self._db.transaction(self._grown)

    def _grown(self) -> None:
        self.till.durable()
        self.on_growth()

    def _waits_for(self, money_of: UUID | None) -> bool:
        """Say whether a job waits for money of its own, if that is what comes."""
        job = None if money_of is None else self.job(money_of)
        waits = job is not None and job.hold is None and not job.phase.final
        return waits or money_of in self.awaited

    def _put(self, record: JobRecord) -> None:
        job = str(record.job)
        # whole: an upsert would keep what is no longer so, such as a hold that was lifted
        row = record.__pydantic_serializer__.to_json(record, exclude_defaults=True)
        indexed = {"job": job, "phase": record.phase.value, "user": record.user}
        indexed |= {} if record.card is None else {"card": record.card}
        self._jobs.put(row, indexed, self._jobs.find("job", job))

    def _say_ledger(self, txn: Transaction, message: Message, now: datetime) -> None:
        self._say(txn, "ledger", message, now)

    def _say(self, txn: Transaction, stream: str, message: Message, now: datetime) -> None:
        txn.append(stream, text_of(message, source=self._node, id_=self._mint(now), now=now))
