"""A PostgreSQL server for the tests of one process: databases in which there are new books."""

from __future__ import annotations

import shutil
import tempfile
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Final

import psycopg
from psycopg import sql
from sqlalchemy.engine import make_url

from central.store.engines import engine_of
from central.store.schema import migrate
from demo.postgres import PrivatePostgres

if TYPE_CHECKING:
    from collections.abc import Iterator

_TEMPLATE: Final = "template_books"
_LIKE_NEW: Final = f"TEMPLATE {_TEMPLATE}"
#: Making a database takes longer than most tests: it is emptied and used again so many times.
_USES: Final = 50
_TABLES: Final = "SELECT relname FROM pg_class WHERE relnamespace = 'public'::regnamespace {}"


class Server:
    """A server and its databases: what a test left in them is gone after it."""

    def __init__(self) -> None:
        self._root = Path(tempfile.mkdtemp(prefix="pm-pg-"))
        self._root.chmod(0o711)
        self.program = PrivatePostgres(self._root / "server").start()
        self._admin = self._connect("postgres")
        self._admin.execute(f"CREATE DATABASE {_TEMPLATE}")
        engine = engine_of(self.program.url(_TEMPLATE))
        migrate(engine)
        engine.dispose()
        with self._connect(_TEMPLATE) as line:
            self._shape = _shape(line)
            self._emptying = _emptying(line)
        self._named: dict[Path, str] = {}
        self._made: list[str] = []
        self._clean: list[str] = []
        self._uses: dict[str, int] = {}
        self._first: str | None = None
        self._count = 0

    def begin(self) -> str:
        """Begin a test; return the address of the first books that it will open."""
        self._first = self._new()
        return self.program.url(self._first)

    def at(self, file: Path | None) -> str:
        """Return the address of new books; of the same ones for the same file."""
        name = None if file is None else self._named.get(file)
        if name is None:
            name, self._first = self._first or self._new(), None
            if file is not None:
                self._named[file] = name
        return self.program.url(name)

    def empty(self, file: Path) -> str:
        """Return the address of a database with nothing in it."""
        self._named[file] = self._new("TEMPLATE template1")
        return self.program.url(self._named[file])

    @contextmanager
    def database(self, how: str = _LIKE_NEW) -> Iterator[str]:
        """Have new books for a test that is not run on each database; return their address."""
        yield self.program.url(self._new(how))
        self.end()

    def throw_out(self, url: str) -> None:
        """End every connection to books, as an administrator or a firewall does."""
        out = "SELECT pg_terminate_backend(pid, 5000) FROM pg_stat_activity WHERE datname = %s"
        self._admin.execute(out, [make_url(url).database])

    def copy(self, file: Path, name: Path) -> None:
        """Copy the books of one file to those of another; who is connected is thrown out."""
        source = self._named[file]
        self.throw_out(self.program.url(source))
        self._named[name] = self._new(f"TEMPLATE {source}")

    def end(self) -> None:
        """Empty or remove the databases of a test, whoever is still connected."""
        for name in self._made:
            self.throw_out(self.program.url(name))
            if self._emptied(name):
                self._clean.append(name)
            else:
                self._admin.execute(f"DROP DATABASE {name} WITH (FORCE)")
        self._made.clear()
        self._named.clear()

    def close(self) -> None:
        """End it."""
        self._admin.close()
        self.program.stop()
        shutil.rmtree(self._root, ignore_errors=True)

    def _new(self, how: str = _LIKE_NEW) -> str:
        if how == _LIKE_NEW and self._clean:
            name = self._clean.pop()
        else:
            self._count += 1
            name = f"books{self._count}"
            self._admin.execute(f"CREATE DATABASE {name} {how}")
        self._uses[name] = self._uses.get(name, 0) + 1
        self._made.append(name)
        return name

    def _emptied(self, name: str) -> bool:
        """Make books new again, if they have our tables still; say whether they are."""
        if self._uses[name] >= _USES:
            return False
        try:
            with self._connect(name) as line:
                if _shape(line) != self._shape:
                    return False
                line.execute(self._emptying)
        except psycopg.Error:
            return False
        return True

    def _connect(self, database: str) -> psycopg.Connection:
        address = make_url(self.program.url(database))
        text = f"host={address.query['host']} user={address.username} dbname={address.database}"
        return psycopg.connect(text, autocommit=True)


def _shape(line: psycopg.Connection) -> list[tuple[object, ...]]:
    """Return what there is of tables, indexes and sequences."""
    kind = "AND relkind IN ('r', 'i', 'S') ORDER BY relname"
    return line.execute(_TABLES.format(kind)).fetchall()


def _emptying(line: psycopg.Connection) -> sql.Composed:
    """Return the statements that make books as new as those at this line are."""
    # without checks, and without the guard of the audit: they are about what lives
    parts: list[sql.Composable] = [sql.SQL("SET session_replication_role = replica")]
    kind = "AND relkind = 'r' ORDER BY relname"
    for (table,) in line.execute(_TABLES.format(kind)).fetchall():
        name = sql.Identifier(table)
        parts.append(sql.SQL("DELETE FROM {}").format(name))
        for row in line.execute(sql.SQL("SELECT * FROM {}").format(name)):
            values = sql.SQL(", ").join(map(sql.Literal, row))
            parts.append(sql.SQL("INSERT INTO {} VALUES ({})").format(name, values))
    for (sequence,) in line.execute("SELECT sequencename FROM pg_sequences"):
        again = sql.SQL("ALTER SEQUENCE {} RESTART").format(sql.Identifier(sequence))
        parts.append(again)
    return sql.SQL("; ").join(parts)
