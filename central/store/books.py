"""The database itself: opening, migrating, and transactions; what they do is in its neighbours."""

from __future__ import annotations

import os
import sqlite3
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from threading import Lock
from typing import TYPE_CHECKING, Any, Self, cast
from uuid import UUID

from sqlalchemy import Connection, Engine, create_engine, event, func, insert, select
from sqlalchemy.engine import make_url
from sqlalchemy.exc import ArgumentError, DatabaseError, InterfaceError, OperationalError
from sqlalchemy.pool import StaticPool

from broker.topics import COORDINATOR
from central.store.errors import BooksUnusable, BooksUnwritable
from central.store.recording import Recording
from central.store.running import alone
from central.store.second_log import SecondLog
from central.store.tables import meta
from config.ids import uuid7
from config.settings import sqlite_url

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from contextlib import AbstractContextManager

    from sqlalchemy.engine.interfaces import DBAPIConnection

__all__ = ["Books", "BooksUnusable", "BooksUnwritable", "Identity", "Transaction", "sqlite_url"]

#: How long a writer waits for another one before it gives up.
_BUSY_MILLISECONDS = 15_000
#: One writer at a time on PostgreSQL as well: numbers are then assigned in commit order.
_WRITER_LOCK = 7_746_511


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
    ) -> None:
        self._engine = engine
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
        engine = _engine(url)
        try:
            migrate(engine)
            with engine.connect().execution_options(writer=True) as sql, sql.begin():
                identity = _identity(sql, currency, clock(), dice)
        except DatabaseError as error:
            engine.dispose()
            raise BooksUnusable(f"cannot open {make_url(url)!r}: {error.orig}") from error
        except BooksUnusable:
            engine.dispose()
            raise
        file = engine.url.database
        has_file = engine.dialect.name == "sqlite" and not isinstance(engine.pool, StaticPool)
        log = SecondLog(Path(str(file)), second_log) if has_file else None
        return cls(engine, identity, clock=clock, dice=dice, log=log)

    @contextmanager
    def write(self, now: datetime | None = None) -> Iterator[Transaction]:
        """Open the one writing transaction; it commits at the end, or leaves no trace.

        Raises:
            BooksUnwritable: the database fails; nothing was changed.
        """
        if not self._writing.acquire(timeout=_BUSY_MILLISECONDS / 1000):
            raise BooksUnwritable("another thread of this process has been writing for too long")
        try:
            yield from self._write(now)
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
                    if sql.dialect.name == "postgresql":
                        sql.execute(select(func.pg_advisory_xact_lock(_WRITER_LOCK)))
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

    @contextmanager
    def read(self, now: datetime | None = None) -> Iterator[Transaction]:
        """Open a reading transaction: one consistent moment of the books."""
        with self._errors(), self._engine.connect() as sql, sql.begin():
            yield self._transaction(sql, now)

    def change_token(self) -> object:
        """Return a value that differs once anybody committed something since the last call.

        SQLite answers from shared memory (PRAGMA data_version) on a connection kept for this;
        elsewhere every call counts as a change. Call it from one thread only.
        """
        if self._engine.dialect.name != "sqlite":
            return object()
        if self._watch is None:
            self._watch = self._engine.connect().execution_options(isolation_level="AUTOCOMMIT")
        return self._watch.exec_driver_sql("PRAGMA data_version").scalar_one()

    @property
    def file(self) -> Path | None:
        """The file that the books are in; None when a server has them, or nobody."""
        return None if self._log is None else self._log.books

    @property
    def remark(self) -> str | None:
        """Why this process began another second log, if it did."""
        return None if self._log is None else self._log.remark

    def alone(self) -> AbstractContextManager[None]:
        """Be the only process that runs on these books as their coordinator, or begins them anew.

        Raises:
            BooksInUse: another one is.
        """
        return alone(self._engine, self.file)

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
        except self._engine.dialect.loaded_dbapi.OperationalError as error:
            # `bulk` speaks to the driver itself
            raise BooksUnwritable(f"the books cannot be used at present: {error}") from error

    def _transaction(self, sql: Connection, now: datetime | None) -> Transaction:
        at = self._clock() if now is None else now
        return Transaction(sql, self.identity, at, lambda: uuid7(at, self._dice(10)))


def migrate(engine: Engine) -> tuple[str | None, str]:
    """Bring the schema to the newest version; return the version before and after.

    Raises:
        BooksUnusable: the database was written by a newer version of this program.
    """
    from alembic import command as alembic  # noqa: PLC0415  slow, and --help opens no books
    from alembic.config import Config  # noqa: PLC0415
    from alembic.runtime.migration import MigrationContext  # noqa: PLC0415
    from alembic.script import ScriptDirectory  # noqa: PLC0415

    config = Config()
    config.set_main_option("script_location", str(Path(__file__).parent / "migrations"))
    script = ScriptDirectory.from_config(config)
    newest = script.get_current_head()
    if newest is None:
        raise BooksUnusable("this installation has no migrations: it is incomplete")
    with engine.connect().execution_options(writer=True) as sql, sql.begin():
        before = MigrationContext.configure(sql).get_current_revision()
        known = {revision.revision for revision in script.walk_revisions()}
        if before is not None and before not in known:
            raise BooksUnusable(
                f"the books have schema {before}, this program knows up to {newest}: "
                "use the version that wrote them, or a newer one"
            )
        if before != newest:
            config.attributes["connection"] = sql
            alembic.upgrade(config, "head")
    return before, newest


def migrate_url(url: str) -> tuple[str | None, str]:
    """Migrate the database at an address; see `migrate`."""
    engine = _engine(url)
    try:
        return migrate(engine)
    except DatabaseError as error:
        raise BooksUnusable(f"cannot migrate {make_url(url)!r}: {error.orig}") from error
    finally:
        engine.dispose()


def _engine(url: str) -> Engine:
    try:
        address = make_url(url)
        if address.get_backend_name() != "sqlite":
            return create_engine(
                address, pool_pre_ping=True, paramstyle="format", hide_parameters=True
            )
    except ModuleNotFoundError as error:
        raise BooksUnusable(f"{url.partition(':')[0]} needs the package {error.name}") from error
    except ArgumentError as error:
        raise BooksUnusable(
            f"{url!r} is not a database address; write it like sqlite:////var/lib/printmesh/books.db"
        ) from error
    if address.database in {None, "", ":memory:"}:
        memory: dict[str, Any] = {"check_same_thread": False}
        engine = create_engine(
            address,
            poolclass=StaticPool,
            connect_args=memory,
            hide_parameters=True,
        )
    else:
        _private_file(Path(str(address.database)))
        ours: dict[str, Any] = {"factory": Recording}
        engine = create_engine(address, connect_args=ours, hide_parameters=True)
    event.listen(engine, "connect", _prepare_sqlite)
    event.listen(engine, "begin", _begin_sqlite)
    return engine


def _private_file(path: Path) -> None:
    """Make the books readable by their owner only; SQLite gives its other files the same mode."""
    try:
        path.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
        path.touch(mode=0o600)
    except OSError as error:
        raise BooksUnusable(f"{path} cannot be made or opened: {error.strerror}") from error


def _prepare_sqlite(raw: DBAPIConnection, _record: object) -> None:
    # BEGIN is ours (below): the driver's own rules begin a transaction too late.
    raw.isolation_level = None
    cursor = raw.cursor()
    for pragma in (
        f"busy_timeout = {_BUSY_MILLISECONDS}",
        "journal_mode = WAL",
        "synchronous = FULL",
        "foreign_keys = ON",
        "cache_size = -16000",
    ):
        cursor.execute(f"PRAGMA {pragma}")
    cursor.close()


def _begin_sqlite(sql: Connection) -> None:
    options = sql.get_execution_options()
    if options.get("isolation_level") == "AUTOCOMMIT":
        return
    # A writer takes its lock at once: a reader that turns writer can fail half-way instead.
    text = "BEGIN IMMEDIATE" if options.get("writer", False) else "BEGIN"
    raw = cast("sqlite3.Connection", sql.connection.driver_connection)
    try:
        # the driver's own way: SQLAlchemy's costs a tenth of a small transaction
        raw.execute(text)
    except sqlite3.OperationalError as error:
        raise OperationalError(text, None, error) from error
    except sqlite3.DatabaseError as error:
        raise DatabaseError(text, None, error) from error


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
