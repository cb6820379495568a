"""The database itself: opening, migrating, and transactions; what they do is in its neighbours."""

from __future__ import annotations

import os
import sqlite3
from contextlib import contextmanager, nullcontext
from dataclasses import dataclass
from datetime import UTC, datetime
from threading import Lock
from typing import TYPE_CHECKING, Self, cast
from uuid import UUID

from sqlalchemy import Connection, Engine, insert, select
from sqlalchemy.engine import make_url
from sqlalchemy.exc import DatabaseError, InterfaceError, OperationalError

from broker.topics import COORDINATOR
from central.store import postgres, running
from central.store.engines import BUSY_SECONDS, engine_of, file_of
from central.store.errors import BooksUnusable, BooksUnwritable
from central.store.schema import migrate, migrate_url
from central.store.second_log import SecondLog
from central.store.tables import meta
from config.ids import uuid7
from config.settings import sqlite_url

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

    from sqlalchemy import RootTransaction

    from central.store.recording import Recording

__all__ = [
    "Books",
    "BooksUnusable",
    "BooksUnwritable",
    "Identity",
    "Transaction",
    "migrate_url",
    "sqlite_url",
]


@dataclass(frozen=True, slots=True)
class Identity:
    """Whose books these are."""

    node: str
    """The coordinator's node id."""
    incarnation: UUID
    """Minted when the books were created."""
    epoch: int
    """Raised by each restore."""
    currency: str
    """What amounts without a unit are in."""


@dataclass(frozen=True, slots=True)
class Transaction:
    """One transaction and what deciding inside it needs."""

    sql: Connection
    """Where statements go."""
    identity: Identity
    """Whose books."""
    now: datetime
    """The moment this transaction happens at."""
    mint: Callable[[], UUID]
    """Makes ids (UUIDv7)."""
    from_: str = ""
    """The address that whoever acts in it came from; empty: this machine, or not known."""


def _now() -> datetime:
    return datetime.now(UTC)


class Books:
    """The open database of one organisation."""

    def __init__(
        self,
        engine: Engine,
        identity: Identity,
        *,
        clock: Callable[[], datetime] = _now,
        dice: Callable[[int], bytes] = os.urandom,
        log: SecondLog | None = None,
        remark: str | None = None,
    ) -> None:
        self._engine = engine
        self._remark = remark
        self._server = postgres.is_server(engine)
        self._readers = postgres.readers(engine) if self._server else engine
        self._failures = postgres.failures(engine) if self._server else (sqlite3.OperationalError,)
        self._guard: running.Guard | None = None
        self._log = log
        self.identity = identity
        self._clock = clock
        self._dice = dice
        self._watch: Connection | None = None
        self._writer: Connection | None = None
        self._writing = Lock()

    @classmethod
    def open(
        cls,
        url: str,
        *,
        currency: str = "EUR",
        second_log: Path | None = None,
        clock: Callable[[], datetime] = _now,
        dice: Callable[[int], bytes] = os.urandom,
    ) -> Self:
        """Open the books, migrating them first; a new database gets its incarnation here.

        Args:
            url: SQLAlchemy's.
            currency: for new books.
            second_log: directory of the second log of an SQLite file; None: the one that the
                books name, if any. Whoever writes writes it. (PostgreSQL archives its own log.)
            clock: the time of day.
            dice: randomness for ids.

        Raises:
            BooksUnusable: the address is wrong, the file is no database, or its schema is newer.
        """
        engine = engine_of(url)
        try:
            migrate(engine)
            with engine.connect().execution_options(writer=True) as sql, sql.begin():
                identity = _identity(sql, currency, clock(), dice)
                remark = postgres.remark(sql) if postgres.is_server(engine) else None
        except DatabaseError as error:
            engine.dispose()
            raise BooksUnusable(f"cannot open {make_url(url)!r}: {error.orig}") from error
        except BooksUnusable:
            engine.dispose()
            raise
        file = file_of(engine)
        log = None if file is None else SecondLog(file, second_log)
        return cls(engine, identity, clock=clock, dice=dice, log=log, remark=remark)

    @contextmanager
    def write(self, now: datetime | None = None) -> Iterator[Transaction]:
        """Open the one writing transaction; it commits at the end, or leaves no trace.

        Raises:
            BooksUnwritable: the database fails; nothing was changed.
        """
        if not self._writing.acquire(timeout=BUSY_SECONDS):
            raise BooksUnwritable("another thread of this process has been writing for too long")
        try:
            yield from self._write_there(now) if self._server else self._write(now)
        finally:
            self._writing.release()

    def _write(self, now: datetime | None) -> Iterator[Transaction]:
        # one connection is kept for it: asking the pool costs as much as a small transaction
        if self._writer is None or self._writer.closed or self._writer.invalidated:
            self._writer = self._engine.connect().execution_options(writer=True)
        sql, log = self._writer, self._log
        raw = None if log is None else cast("Recording", sql.connection.driver_connection)
        with self._errors():
            try:
                with sql.begin():
                    tx = self._transaction(sql, now)
                    if log is not None and raw is not None:
                        log.begin(raw, str(self.identity.incarnation), self.identity.epoch)
                    yield tx
                    # in this order: what is in the books is always in the log as well
                    if log is not None and raw is not None:
                        log.seal(raw, tx.now)
            except BaseException:
                if log is not None and raw is not None:
                    if raw.in_transaction:
                        raw.rollback()  # a commit that failed leaves it open
                    log.withdraw()
                raise
        if log is not None:
            log.kept()

    def _write_there(self, now: datetime | None) -> Iterator[Transaction]:
        """Write on a server, which may go away at any moment; see `write`."""
        counted = None
        with self._errors():
            sql, begun = self._turn()
            try:
                with begun:
                    yield self._transaction(sql, now)
                    counted = postgres.count(sql)
            except OperationalError as error:
                if counted is None or not error.connection_invalidated:
                    raise
                kept = postgres.was_kept(self._engine, counted)
                if kept is None:
                    raise BooksUnwritable(
                        "the database went away as it was to commit; whether it has is not known"
                    ) from error
                if not kept:
                    raise

    def _turn(self) -> tuple[Connection, RootTransaction]:
        """Wait for the writer's turn; a connection that was lost meanwhile is made anew, once."""
        if self._guard is not None and not self._guard.held:
            self._guard.hold()  # whoever has become the coordinator meanwhile is the one who writes
        if self._writer is not None and not self._writer.invalidated:
            try:
                return self._writer, self._writer.begin()
            except OperationalError as error:
                if not error.connection_invalidated:
                    raise
        if self._writer is not None:
            self._writer.close()
            self._writer = None
        if self._guard is not None:
            self._guard.hold()
        self._writer = self._engine.connect().execution_options(writer=True)
        return self._writer, self._writer.begin()

    @contextmanager
    def read(self, now: datetime | None = None) -> Iterator[Transaction]:
        """Open a reading transaction: one consistent moment of the books."""
        with self._errors(), self._readers.connect() as sql, sql.begin():
            yield self._transaction(sql, now)

    def change_token(self) -> object:
        """Return a value that differs once anybody committed something since the last call.

        SQLite answers from shared memory (PRAGMA data_version) on a connection kept for this, a
        server is asked for one figure. Call it from one thread only.

        Raises:
            BooksUnwritable: the server cannot be asked; the next call connects anew.
            BooksInUse: somebody else has become the coordinator.
        """
        if self._server:
            return self._changes()
        if self._watch is None:
            self._watch = self._engine.connect().execution_options(isolation_level="AUTOCOMMIT")
        return self._watch.exec_driver_sql("PRAGMA data_version").scalar_one()

    def _changes(self) -> int:
        with self._errors():
            if self._guard is not None:
                return self._guard.changes()
            if self._watch is None:
                self._watch = postgres.session(self._engine)
            try:
                return postgres.changes(self._watch)
            except OperationalError:
                self._watch.close()
                self._watch = None
                raise

    @property
    def file(self) -> Path | None:
        """The file that the books are in; None when a server has them, or nobody."""
        return None if self._log is None else self._log.books

    @property
    def remark(self) -> str | None:
        """Why this process began another second log, or why the server is not to be trusted."""
        return self._remark if self._log is None else self._log.remark

    @contextmanager
    def alone(self) -> Iterator[None]:
        """Be the only process that runs on these books as their coordinator, or begins them anew.

        Raises:
            BooksInUse: another one is.
        """
        if not self._server:
            with nullcontext() if self.file is None else running.alone(self.file):
                yield
            return
        guard = running.Guard(self._engine)
        with self._errors():
            guard.hold()
        self._guard = guard
        try:
            yield
        finally:
            self._guard = None
            guard.release()

    def close(self) -> None:
        """Close every connection."""
        if self._watch is not None:
            self._watch.close()
            self._watch = None
        if self._writer is not None:
            self._writer.close()
            self._writer = None
        if self._log is not None:
            self._log.close()
        self._engine.dispose()

    @contextmanager
    def _errors(self) -> Iterator[None]:
        try:
            yield
        except (OperationalError, InterfaceError) as error:
            raise BooksUnwritable(f"the books cannot be used at present: {error.orig}") from error
        except self._failures as error:
            # `bulk` speaks to the driver itself
            raise BooksUnwritable(f"the books cannot be used at present: {error}") from error

    def _transaction(self, sql: Connection, now: datetime | None) -> Transaction:
        at = self._clock() if now is None else now
        return Transaction(sql, self.identity, at, lambda: uuid7(at, self._dice(10)))


def _identity(
    sql: Connection, currency: str, now: datetime, dice: Callable[[int], bytes]
) -> Identity:
    row = sql.execute(select(meta)).one_or_none()
    if row is None:
        fresh = {
            "id": 1,
            "node": COORDINATOR,
            "incarnation": str(uuid7(now, dice(10))),
            "epoch": 1,
            "currency": currency,
            "created_at": now,
        }
        sql.execute(insert(meta).values(**fresh))
        row = sql.execute(select(meta)).one()
    return Identity(row.node, UUID(row.incarnation), row.epoch, row.currency)
