"""Where tests have the books: in SQLite, or in databases of a PostgreSQL server of their own.

A test that opens books runs once on each: what it opens is `books_url`, and the fixture `dialect`
says what that is. Tests about a file itself are marked `sqlite_only`.
"""

from __future__ import annotations

import os
import re
import sqlite3
from contextlib import suppress
from functools import cache
from pathlib import Path
from threading import Lock
from typing import TYPE_CHECKING, ClassVar, Final, Literal, TypeAlias, cast

from sqlalchemy import event
from sqlalchemy.exc import ProgrammingError

from central.store.engines import engine_of
from central.store.schema import migrate
from config.settings import sqlite_url
from demo.postgres import programs

if TYPE_CHECKING:
    from collections.abc import Iterator

    import psycopg
    from sqlalchemy import Engine

    from central.store.books import Transaction
    from tests.integration.books_server import Server

Dialect: TypeAlias = Literal["sqlite", "postgresql"]
DIALECTS: Final[tuple[Dialect, ...]] = ("sqlite", "postgresql")
#: Suites that ask of a database what no other does, each kind of statement once: they run on both
#: each time, the others on PostgreSQL by `make postgresql`.
_BOTH_EACH_TIME: Final = frozenset(
    {
        "test_audit_chain", "test_books_bulk", "test_books_ingest",
        "test_books_migrations", "test_closing",
        "test_face_migration", "test_figures_equal", "test_job_search", "test_meter_readings",
        "test_money_path", "test_one_coordinator", "test_pages_sign_in", "test_people_acts",
        "test_person_search", "test_retention", "test_spine_migration",
    }
)  # fmt: skip
_COPYING: Final = Lock()
_OURS: Final = ("dialects", "books_server")
_HERE: Final = Path(__file__).parent
#: Commands, in whatever process, find the first books of a test there.
_SETTING: Final = "PRINTMESH_CENTRAL_DATABASE_URL"
#: What opens books, and what of a suite's own leads to it.
_OPENS: Final = re.compile(
    r"\bBooks\.open\(|books_lab import \(?[^()]*\bopen_books\b|dialects import"
)
_LAB: Final = re.compile(
    r"from tests\.integration\.(\w+) import|from tests\.integration import (\w+)"
)


class _Now:
    """What the test that runs now has its books in."""

    server: Server | None = None
    lines: ClassVar[list[psycopg.Connection]] = []

    @classmethod
    def connected(cls, line: psycopg.Connection, _record: object) -> None:
        """Remember a connection."""
        cls.lines.append(line)

    @classmethod
    def hang_up(cls) -> None:
        """Close the connections of a test, which need not close its books."""
        for line in cls.lines:
            line.close()
        cls.lines.clear()


def books_url(file: Path | None = None) -> str:
    """Return the address of books: new ones in memory, or those that a file stands for."""
    if _Now.server is not None:
        return _Now.server.at(file)
    return "sqlite://" if file is None else sqlite_url(file)


def empty_url(file: Path) -> str:
    """Return the address of a database in which there is nothing yet."""
    return sqlite_url(file) if _Now.server is None else _Now.server.empty(file)


def wanted(databases: str, module: Path) -> tuple[Dialect, ...]:
    """Return where the tests of a module have their books.

    Args:
        databases: of the command line: some (SQLite, and what asks most on both), both, or one.
        module: its file.
    """
    if databases in DIALECTS:
        return tuple(each for each in DIALECTS if each == databases)
    if databases == "both" or module.stem in _BOTH_EACH_TIME:
        return DIALECTS
    return ("sqlite",)


def on_postgresql() -> bool:
    """Say whether the test that runs now has its books there."""
    return _Now.server is not None


# ── schemas ─────────────────────────────────────────────────────────────────────────────────


def migrate_by_copy(engine: Engine) -> tuple[str | None, str]:
    """Do what `migrate` does; for empty books in SQLite by copying the same books each time.

    Building the schema step by step takes longer than most tests, and is tested by itself.
    """
    if engine.dialect.name != "sqlite":
        event.listen(engine, "connect", _Now.connected)
        newest = _template()[1]
        with suppress(ProgrammingError), engine.connect() as sql:
            if sql.exec_driver_sql("SELECT version_num FROM alembic_version").scalar() == newest:
                return newest, newest
        return migrate(engine)
    template, newest = _template()
    with engine.connect() as sql:
        raw = cast("sqlite3.Connection", sql.connection.driver_connection)
        if raw.execute("SELECT 1 FROM sqlite_master").fetchone() is None:
            with _COPYING:
                template.backup(raw)
            return None, newest
    return migrate(engine)


@cache
def _template() -> tuple[sqlite3.Connection, str]:
    """Return an empty set of books in memory, and its schema's name; they stay to the end."""
    engine = engine_of("sqlite://")
    _, newest = migrate(engine)
    with engine.connect() as sql:
        image = cast("sqlite3.Connection", sql.connection.driver_connection).serialize()
    engine.dispose()
    kept = sqlite3.connect(":memory:", check_same_thread=False)
    kept.deserialize(image)
    return kept, newest


def unchecked(tx: Transaction) -> None:
    """Let what is written in a transaction refer to what is not there, as damage may."""
    if on_postgresql():
        tx.sql.exec_driver_sql("SET LOCAL session_replication_role = replica")
    else:
        tx.sql.exec_driver_sql("PRAGMA defer_foreign_keys = ON")


def snapshot(file: Path, name: Path) -> None:
    """Copy books on a server as a dump does; `books_url(name)` is the copy."""
    assert _Now.server is not None
    _Now.server.copy(file, name)


def installed() -> bool:
    """Say whether there is a server to start."""
    return programs() is not None


def use(server: Server | None) -> Iterator[None]:
    """Have a test's books in a server; None: in SQLite."""
    if server is None:
        yield
        return
    os.environ[_SETTING] = server.begin()
    _Now.server = server
    try:
        yield
    finally:
        _Now.server = None
        _Now.hang_up()
        del os.environ[_SETTING]
        server.end()


@cache
def opens_books(file: Path) -> bool:
    """Say whether a module opens books, or imports a lab that does."""
    text = file.read_text(encoding="utf-8")
    if _OPENS.search(text):
        return True
    labs = {one or other for one, other in _LAB.findall(text)} - {file.stem, *_OURS}
    return any(opens_books(lab) for name in sorted(labs) if (lab := _HERE / f"{name}.py").exists())
