"""How the books are connected to: SQLite's file with its pragmas, or a server."""

from __future__ import annotations

import sqlite3
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final, cast

from sqlalchemy import create_engine, event
from sqlalchemy.engine import make_url
from sqlalchemy.exc import ArgumentError, DatabaseError, OperationalError
from sqlalchemy.pool import StaticPool

from central.store import postgres
from central.store.errors import BooksUnusable
from central.store.recording import Recording

if TYPE_CHECKING:
    from sqlalchemy import Connection, Engine
    from sqlalchemy.engine.interfaces import DBAPIConnection

#: How long a writer waits for another one before it gives up.
BUSY_SECONDS: Final = 15
_SQLITE: Final = "sqlite:////var/lib/printmesh/books.db"


def engine_of(url: str) -> Engine:
    """Return what connects to the books at an address; the file is made when there is none.

    Raises:
        BooksUnusable: it is no address, or nothing here speaks to such a database.
    """
    try:
        address = make_url(url)
        if address.get_backend_name() == "postgresql":
            return postgres.open_engine(address)
        if address.get_backend_name() != "sqlite":
            raise BooksUnusable(
                f"the books cannot be in {address.get_backend_name()}: in SQLite or PostgreSQL"
            )
    except ModuleNotFoundError as error:
        kind = url.partition(":")[0]
        raise BooksUnusable(
            f"{kind} needs the package {error.name}: pip install 'printmesh[postgresql]'"
        ) from error
    except ArgumentError as error:
        raise BooksUnusable(
            f"{url!r} is not a database address; write it like {_SQLITE}"
        ) from error
    if address.database in {None, "", ":memory:"}:
        memory: dict[str, Any] = {"check_same_thread": False}
        engine = create_engine(
            address, poolclass=StaticPool, connect_args=memory, hide_parameters=True
        )
    else:
        _private_file(Path(str(address.database)))
        ours: dict[str, Any] = {"factory": Recording}
        engine = create_engine(address, connect_args=ours, hide_parameters=True)
    event.listen(engine, "connect", _prepare_sqlite)
    event.listen(engine, "begin", _begin_sqlite)
    return engine


def file_of(engine: Engine) -> Path | None:
    """Return the file that an engine opens; None when it is a server, or memory."""
    if engine.dialect.name != "sqlite" or isinstance(engine.pool, StaticPool):
        return None
    return Path(str(engine.url.database))


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
        f"busy_timeout = {BUSY_SECONDS * 1000}",
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
