"""Backups: one file with the books of one moment, and what else a centre cannot do without."""

from __future__ import annotations

import sqlite3
from contextlib import closing, contextmanager
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Final
from uuid import UUID

from sqlalchemy import create_engine, event, func, select
from sqlalchemy.engine import make_url

from central.store.books import Identity, Transaction
from central.store.errors import BooksUnusable
from central.store.log_files import copy_books, read_only, sync_directory
from central.store.tables import location
from central.store.verify import Counts, verify
from central.store.verify_charges import Finding
from config.errors import PrintmeshError

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping
    from datetime import datetime

#: The table of files that travel with the books; restoring takes them out again.
_CARRIED: Final = "carried_file"


class BackupFailed(PrintmeshError):
    """A backup could not be made, or one that was made does not hold."""


@dataclass(frozen=True, slots=True)
class Copy:
    """What a copy of the books says of itself."""

    path: Path
    incarnation: UUID
    """Whose books."""
    node: str
    """Their coordinator."""
    currency: str
    epoch: int
    schema: str
    """The schema it has."""
    n: int
    """Its last transaction in the second log."""


@dataclass(frozen=True, slots=True)
class Checked:
    """What a full verification of a copy found."""

    counts: Counts
    findings: tuple[Finding, ...]
    people: Mapping[str, int]
    """Micros by unit that belong to accounts which are not the organisation's own."""


def file_of(url: str) -> Path:
    """Return the file of the books.

    Raises:
        BooksUnusable: they are in no file.
    """
    address = make_url(url)
    if address.get_backend_name() != "sqlite":
        raise BooksUnusable(
            f"these books are in {address.get_backend_name()}, which has its own tools: pg_dump, "
            "or a base backup and its archived log; see docs/runbooks/backup.md"
        )
    return Path(str(address.database))


def make_backup(
    books: Path,
    target: Path,
    carry: Mapping[str, Path],
    progress: Callable[[int, int], None],
    now: datetime,
) -> tuple[Copy, Checked]:
    """Copy the books while they are used, check the copy, and only then give it its name.

    Args:
        books: the database's file.
        target: a file that does not exist.
        carry: files that belong to it, by the name they are to have; missing ones are left out.
        progress: called with (pages copied, pages in all).
        now: for the check.

    Raises:
        BackupFailed: there is no room, it exists, or what was copied does not hold.
    """
    if target.exists():
        raise BackupFailed(f"{target} exists; it is not overwritten")
    part = target.with_name(f"{target.name}.part")
    part.unlink(missing_ok=True)
    try:
        copy_books(books, part, progress)
        _carry(part, carry)
        copied, checked = read_copy(part), check_copy(part, now)
        if checked.findings:
            first = checked.findings[0]
            raise BackupFailed(
                f"the books themselves are wrong, so their copy is no backup: {first.check}: "
                f"{first.where}: {first.detail}"
            )
        part.replace(target)
        sync_directory(target.absolute().parent)
    except (OSError, sqlite3.Error) as error:
        reason = getattr(error, "strerror", None) or str(error)
        raise BackupFailed(f"{target} cannot be written: {reason}") from error
    finally:
        part.unlink(missing_ok=True)
    return replace(copied, path=target), checked


def read_copy(path: Path) -> Copy:
    """Read what a copy says of itself.

    Raises:
        BooksUnusable: it is no copy of books.
    """
    try:
        with closing(sqlite3.connect(read_only(path), uri=True)) as sql:
            incarnation, node, epoch, currency = sql.execute(
                "SELECT incarnation, node, epoch, currency FROM meta"
            ).fetchone()
            (schema,) = sql.execute("SELECT version_num FROM alembic_version").fetchone()
            known = sql.execute("SELECT 1 FROM sqlite_master WHERE name = 'second_log'").fetchone()
            n = sql.execute("SELECT n FROM second_log").fetchone()[0] if known else 0
    except (sqlite3.Error, TypeError) as error:
        raise BooksUnusable(f"{path} is no backup of books: {error}") from error
    return Copy(path, UUID(incarnation), node, currency, epoch, schema, n)


def check_copy(path: Path, now: datetime) -> Checked:
    """Verify a copy from end to end, without changing it."""
    counts = Counts()
    with _reading(path, now) as tx:
        damage = tx.sql.exec_driver_sql("PRAGMA quick_check").scalars().all()
        findings = [Finding("file", str(path), line) for line in damage if line != "ok"]
        findings += verify(tx, counts, lambda _done, _all: None)
        rows = tx.sql.execute(
            select(location.c.unit, func.sum(location.c.micros))
            .where(location.c.floor.is_not(None))
            .group_by(location.c.unit)
        )
        people: dict[str, int] = dict(rows.all())
    return Checked(counts, tuple(findings), people)


def take_out(path: Path, directory: Path) -> list[Path]:
    """Move the files that a copy carries into a directory; return them."""
    written: list[Path] = []
    with closing(sqlite3.connect(path, isolation_level=None)) as sql:
        if not sql.execute("SELECT 1 FROM sqlite_master WHERE name = ?", (_CARRIED,)).fetchone():
            return written
        for name, content in sql.execute(f"SELECT name, content FROM {_CARRIED}"):  # noqa: S608  our own name
            file = directory / Path(name).name
            file.touch(mode=0o600)
            file.write_bytes(content)
            written.append(file)
        sql.execute(f"DROP TABLE {_CARRIED}")
    return written


def _carry(path: Path, carry: Mapping[str, Path]) -> None:
    with closing(sqlite3.connect(path, isolation_level=None)) as sql:
        sql.execute(f"CREATE TABLE {_CARRIED} (name TEXT PRIMARY KEY, content BLOB NOT NULL)")
        for name, file in carry.items():
            if file.exists():
                row = (name, file.read_bytes())
                sql.execute(f"INSERT INTO {_CARRIED} VALUES (?, ?)", row)  # noqa: S608  our own name


@contextmanager
def _reading(path: Path, now: datetime) -> Iterator[Transaction]:
    copy = read_copy(path)
    engine = create_engine("sqlite://", creator=lambda: sqlite3.connect(read_only(path), uri=True))
    event.listen(engine, "begin", lambda sql: sql.exec_driver_sql("BEGIN"))
    identity = Identity(copy.node, copy.incarnation, copy.epoch, copy.currency)

    def nothing_new() -> UUID:
        raise BackupFailed("a copy that is checked is not written to")

    try:
        with engine.connect() as sql, sql.begin():
            yield Transaction(sql, identity, now, nothing_new)
    finally:
        engine.dispose()
