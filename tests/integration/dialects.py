"""Where tests have the books: in SQLite, or in databases of a PostgreSQL server of their own.

A test that opens books runs once on each: what it opens is `books_url`, and the fixture `dialect`
says what that is. Tests about a file itself are marked `sqlite_only`.
"""

from __future__ import annotations

import os
import re
import shutil
import tempfile
from contextlib import contextmanager
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING, Final, Literal, TypeAlias

import psycopg
from sqlalchemy.engine import make_url

from central.store.engines import engine_of
from central.store.schema import migrate
from config.settings import sqlite_url
from demo.postgres import PrivatePostgres, programs

if TYPE_CHECKING:
    from collections.abc import Iterator

    from central.store.books import Transaction

Dialect: TypeAlias = Literal["sqlite", "postgresql"]
DIALECTS: Final[tuple[Dialect, ...]] = ("sqlite", "postgresql")
_HERE: Final = Path(__file__).parent
_TEMPLATE: Final = "template_books"
#: Commands, in whatever process, find the first books of a test there.
_SETTING: Final = "PRINTMESH_CENTRAL_DATABASE_URL"
#: What opens books, and what of a suite's own leads to it.
_OPENS: Final = re.compile(
    r"\bBooks\.open\(|books_lab import \(?[^()]*\bopen_books\b|dialects import"
)
_LAB: Final = re.compile(
    r"from tests\.integration\.(\w+) import|from tests\.integration import (\w+)"
)


class Server:
    """A server and its databases: those of a test are gone after it."""

    def __init__(self) -> None:
        self._root = Path(tempfile.mkdtemp(prefix="pm-pg-"))
        self._root.chmod(0o711)
        self.program = PrivatePostgres(self._root / "server").start()
        self._admin = psycopg.connect(_libpq(self.program.url()), autocommit=True)
        self._admin.execute(f"CREATE DATABASE {_TEMPLATE}")
        engine = engine_of(self.program.url(_TEMPLATE))
        migrate(engine)
        engine.dispose()
        self._named: dict[Path, str] = {}
        self._made: list[str] = []
        self._first: str | None = None
        self._count = 0

    def begin(self) -> str:
        """Begin a test; return the address of the first books that it will open."""
        self._first = self._make(_TEMPLATE)
        return self.program.url(self._first)

    def at(self, file: Path | None) -> str:
        """Return the address of new books; of the same ones for the same file."""
        name = None if file is None else self._named.get(file)
        if name is None:
            name, self._first = self._first or self._make(_TEMPLATE), None
            if file is not None:
                self._named[file] = name
        return self.program.url(name)

    def empty(self, file: Path) -> str:
        """Return the address of a database with nothing in it."""
        self._named[file] = self._make("template1")
        return self.program.url(self._named[file])

    @contextmanager
    def database(self, how: str = f"TEMPLATE {_TEMPLATE}") -> Iterator[str]:
        """Have new books for a test that is not run on each database; return their address."""
        name = self._make("", how)
        yield self.program.url(name)
        self.end()

    def throw_out(self, url: str) -> None:
        """End every connection to books, as an administrator or a firewall does."""
        out = "SELECT pg_terminate_backend(pid, 5000) FROM pg_stat_activity WHERE datname = %s"
        self._admin.execute(out, [make_url(url).database])

    def copy(self, file: Path, name: Path) -> None:
        """Copy the books of one file to those of another; who is connected is thrown out."""
        source = self._named[file]
        self.throw_out(self.program.url(source))
        self._named[name] = self._make(source)

    def end(self) -> None:
        """Remove the databases of a test, whoever is still connected."""
        for name in self._made:
            self._admin.execute(f"DROP DATABASE {name} WITH (FORCE)")
        self._made.clear()
        self._named.clear()

    def close(self) -> None:
        """End it."""
        self._admin.close()
        self.program.stop()
        shutil.rmtree(self._root, ignore_errors=True)

    def _make(self, template: str, how: str = "") -> str:
        self._count += 1
        name = f"books{self._count}"
        self._admin.execute(f"CREATE DATABASE {name} {how or f'TEMPLATE {template}'}")
        self._made.append(name)
        return name


class _Now:
    """What the test that runs now has its books in."""

    server: Server | None = None


def books_url(file: Path | None = None) -> str:
    """Return the address of books: new ones in memory, or those that a file stands for."""
    if _Now.server is not None:
        return _Now.server.at(file)
    return "sqlite://" if file is None else sqlite_url(file)


def empty_url(file: Path) -> str:
    """Return the address of a database in which there is nothing yet."""
    return sqlite_url(file) if _Now.server is None else _Now.server.empty(file)


def on_postgresql() -> bool:
    """Say whether the test that runs now has its books there."""
    return _Now.server is not None


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
        del os.environ[_SETTING]
        server.end()


@cache
def opens_books(file: Path) -> bool:
    """Say whether a module opens books, or imports a lab that does."""
    text = file.read_text(encoding="utf-8")
    if _OPENS.search(text):
        return True
    labs = {one or other for one, other in _LAB.findall(text)} - {file.stem, "dialects"}
    return any(opens_books(lab) for name in sorted(labs) if (lab := _HERE / f"{name}.py").exists())


def _libpq(url: str) -> str:
    address = make_url(url)
    return f"host={address.query['host']} user={address.username} dbname={address.database}"
