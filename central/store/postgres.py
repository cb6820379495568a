"""What a server asks for that a file does not: locks, lost connections, how texts are ordered."""

from __future__ import annotations

import time
from functools import cache
from typing import TYPE_CHECKING, Any, Final, cast

from sqlalchemy import create_engine, event, select, text
from sqlalchemy.exc import (
    DatabaseError,
    InternalError,
    NotSupportedError,
    OperationalError,
    ProgrammingError,
)

from central.store.errors import BooksUnusable
from central.store.tables import metadata, second_log

if TYPE_CHECKING:
    from collections.abc import Sequence

    from psycopg import Connection as Raw
    from psycopg.sql import SQL
    from sqlalchemy import URL, Connection, Engine, Table

#: One writer at a time: numbers are then assigned in the order of commits.
_WRITER_LOCK: Final = 7_746_511
#: The first version that tells whether a transaction has changed anything.
_OLDEST: Final = 130_000
#: Readers at once, the writer, and those who look for changes.
_CONNECTIONS: Final = 12
#: Fewer rows are inserted as quickly as they are copied.
WORTH_COPYING: Final = 4
#: How often it is asked what became of a commit whose answer was lost, a second apart.
_ASKED: Final = 5

_SETTLED: Final = """
SELECT
    set_config('lock_timeout', '15s', false),
    -- a server that does not hear of us any more gives our locks back within a minute
    set_config('tcp_keepalives_idle', '30', false),
    set_config('tcp_keepalives_interval', '10', false),
    set_config('tcp_keepalives_count', '3', false),
    -- compiling a plan takes longer than our queries
    set_config('jit', 'off', false),
    -- sums over all people are worked out in memory
    set_config('work_mem', CASE WHEN pg_size_bytes(current_setting('work_mem')) < 16777216
        THEN '16MB' ELSE current_setting('work_mem') END, false),
    -- what is confirmed to an edge is gone there: it must be on the disk here
    set_config('synchronous_commit', CASE current_setting('synchronous_commit')
        WHEN 'off' THEN 'on' ELSE current_setting('synchronous_commit') END, false)
"""
_TAKE_TURN: Final = f"SELECT pg_advisory_xact_lock({_WRITER_LOCK})"
#: Counts a transaction that has changed something, and names it.
_COUNT: Final = (
    "UPDATE second_log SET n = n + 1 WHERE pg_current_xact_id_if_assigned() IS NOT NULL "
    "RETURNING pg_current_xact_id()::text"
)
_ELSEWISE: Final = """
SELECT t.relname, a.attname, a.atttypid = 'text'::regtype
FROM pg_attribute a JOIN pg_class t ON t.oid = a.attrelid
WHERE t.relnamespace = CAST(current_schema() AS text)::regnamespace AND t.relkind = 'r'
    AND a.attnum > 0 AND NOT a.attisdropped
    AND (a.atttypid = 'int4'::regtype
         OR a.atttypid = 'text'::regtype AND a.attcollation <> '"C"'::regcollation)
ORDER BY t.relname, a.attnum
"""


def is_server(engine: Engine) -> bool:
    """Say whether a server has the books, and not a file."""
    return engine.dialect.name == "postgresql"


def open_engine(address: URL) -> Engine:
    """Return what connects to a server; nothing is asked of it yet."""
    asked = {
        "application_name": "printmesh",
        "connect_timeout": "10",
        "keepalives_idle": "30",
        "keepalives_interval": "10",
        "keepalives_count": "3",
    }
    engine = create_engine(
        address,
        pool_pre_ping=True,
        pool_size=_CONNECTIONS,
        paramstyle="format",
        hide_parameters=True,
        connect_args={key: value for key, value in asked.items() if key not in address.query},
    )
    event.listen(engine, "connect", _prepare)
    event.listen(engine, "begin", _begin)
    return engine


def failures(engine: Engine) -> tuple[type[Exception], ...]:
    """Return what the driver and SQLAlchemy raise when the database itself fails.

    That is all but wrong values: a table that is missing, a right that was taken, a standby that
    can only be read. Whoever wanted to write something has not written something wrong.
    """
    driver = engine.dialect.loaded_dbapi
    return (
        NotSupportedError,
        InternalError,
        ProgrammingError,
        driver.OperationalError,
        driver.InterfaceError,
        driver.NotSupportedError,
        driver.InternalError,
        driver.ProgrammingError,
    )


def readers(engine: Engine) -> Engine:
    """Return the same server for those who only read: one moment of the books each time."""
    return engine.execution_options(isolation_level="REPEATABLE READ", postgresql_readonly=True)


def _prepare(raw: Raw[object], _record: object) -> None:
    from central.store.postgres_kinds import prepare  # noqa: PLC0415  the driver is an extra

    prepare(raw)
    raw.autocommit = True  # what is set in a transaction ends with it
    raw.execute(_SETTLED)
    raw.autocommit = False


def _begin(sql: Connection) -> None:
    """Let a writer wait for its turn; nothing but this is under way, so it may be tried again."""
    if not sql.get_execution_options().get("writer", False):
        return
    raw = cast("Raw[object]", sql.connection.driver_connection)
    try:
        raw.execute(_TAKE_TURN)
    except sql.dialect.loaded_dbapi.OperationalError as error:
        lost = raw.closed
        if lost:
            sql.invalidate(error)
        else:
            raw.rollback()
        raise OperationalError(
            _TAKE_TURN, None, error, hide_parameters=True, connection_invalidated=lost
        ) from error


# ── the schema ──────────────────────────────────────────────────────────────────────────────


def refuse_unfit(sql: Connection) -> None:
    """Make sure that a database can hold books.

    Raises:
        BooksUnusable: it cannot.
    """
    version, shown, encoding = sql.execute(
        text(
            "SELECT current_setting('server_version_num')::int, current_setting('server_version'), "
            "getdatabaseencoding()::text"
        )
    ).one()
    if version < _OLDEST:
        raise BooksUnusable(f"PostgreSQL {shown} is too old for the books: 13 or newer is needed")
    if encoding != "UTF8":
        raise BooksUnusable(
            f"the database keeps texts as {encoding}, the books are written in UTF-8; create it "
            "with TEMPLATE template0 ENCODING 'UTF8'"
        )


def settle(sql: Connection) -> None:
    """Have texts ordered and integers as wide as SQLite has them, however the database was created.

    Keys are looked up by ranges (`user:` to `user;`), pages go on after the last key of the one
    before; a language's own order would leave some out. Also for columns that were added later.
    """
    quote = sql.dialect.identifier_preparer.quote
    changes: dict[str, list[str]] = {}
    for table, column, is_text in sql.execute(text(_ELSEWISE)):
        if table in metadata.tables:
            kind = 'text COLLATE "C"' if is_text else "bigint"
            changes.setdefault(table, []).append(f"ALTER COLUMN {quote(column)} TYPE {kind}")
    for table, columns in changes.items():
        sql.execute(text(f"ALTER TABLE {quote(table)} {', '.join(columns)}"))


def remark(sql: Connection) -> str | None:
    """Return what is to be said of a server that keeps less than it confirms; None: it does not."""
    off = [
        name
        for name in ("fsync", "full_page_writes")
        if sql.exec_driver_sql(f"SHOW {name}").scalar() == "off"
    ]
    if not off:
        return None
    return (
        f"the database server runs with {' and '.join(off)} off: when its power fails it forgets "
        "what sites were told is in the books"
    )


# ── many rows ───────────────────────────────────────────────────────────────────────────────


def copy_in(
    sql: Connection, table: Table, names: tuple[str, ...], rows: Sequence[tuple[Any, ...]]
) -> None:
    """Insert rows by COPY: a third of what it costs to insert one after the other."""
    raw = cast("Raw[object]", sql.connection.driver_connection)
    quote = sql.dialect.identifier_preparer.quote
    columns = ", ".join(map(quote, names))
    with raw.cursor() as cursor, cursor.copy(_copying(quote(table.name), columns)) as copying:
        for row in rows:
            copying.write_row(row)


@cache
def _copying(table: str, columns: str) -> SQL:
    from psycopg.sql import SQL  # noqa: PLC0415  the driver is an extra

    return SQL(f"COPY {table} ({columns}) FROM STDIN")  # our own names, quoted


# ── transactions ────────────────────────────────────────────────────────────────────────────


def count(sql: Connection) -> str | None:
    """Count a transaction that is about to be committed; return its id, None if it changed nothing.

    Whoever waits for changes looks at this figure only. On SQLite it is the second log's.
    """
    raw = cast("Raw[tuple[str]]", sql.connection.driver_connection)
    found = raw.execute(_COUNT).fetchone()
    return None if found is None else found[0]


def changes(sql: Connection) -> int:
    """Return how many transactions have changed something."""
    return int(sql.execute(select(second_log.c.n)).scalar_one())


def was_kept(engine: Engine, transaction: str) -> bool | None:
    """Say whether a transaction was committed, the answer of which was lost; None: nobody knows."""
    for turn in range(_ASKED):
        if turn:
            time.sleep(1)
        try:
            with engine.connect() as sql:
                asked = text("SELECT pg_xact_status(CAST(:id AS xid8))")
                state: str | None = sql.execute(asked, {"id": transaction}).scalar()
        except OperationalError:
            continue  # it is still starting
        except DatabaseError:
            return None  # another server answers now, which has never heard of it
        if state != "in progress":
            return None if state is None else state == "committed"
    return None


def session(engine: Engine) -> Connection:
    """Return a connection that is kept, on which every statement is its own transaction."""
    return engine.connect().execution_options(isolation_level="AUTOCOMMIT")
