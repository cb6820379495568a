"""Moving the books from one database to another, SQLite's file to a server for instance: all rows.

In the end the new books have the next epoch and the old ones know it: used again, they would give
the same money twice, so their coordinator ends by itself, and so it does once a node tells it.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any, Final, cast

from sqlalchemy import Boolean, delete, func, select, text, update

from central.store import audit, recovery
from central.store.books import Books
from central.store.bulk import insert_rows
from central.store.errors import BooksUnusable
from central.store.tables import (
    account,
    directory_row,
    entry,
    meta,
    metadata,
    node,
    second_log,
)
from central.store.tables import audit as audit_table
from central.store.verify import Counts, verify

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from sqlalchemy import Table
    from sqlalchemy.engine.interfaces import DBAPIConnection

    from central.store.books import Transaction

#: Rows on their way at once.
_SLICE: Final = 2000
#: What books have as soon as anybody has done anything with them.
_LIVED_IN: Final = (account, audit_table, directory_row, entry, node)


class MoveRefused(BooksUnusable):
    """The books stay where they are: the other database has some, or what arrived is wrong."""


@dataclass(frozen=True, slots=True)
class Moved:
    """What moving did."""

    rows: int
    """Of all tables."""
    counts: Counts
    """Of the verification of the new books."""
    epoch: int
    """That of the new books."""


def move(source: Books, url: str, *, author: str, progress: Callable[[int, int], None]) -> Moved:
    """Copy the books to an empty database, verify them there, and fence the old ones.

    Whoever runs on the source as its coordinator must have been stopped. Until the verification
    went well, nothing is in the other database and the old books go on.

    Args:
        source: open; they stay as they are, but for a note that there are newer ones.
        url: SQLAlchemy's address of the other database.
        author: for the audit of both.
        progress: called with (rows copied, rows in all).

    Raises:
        MoveRefused: there are books already, or what arrived does not hold.
        BooksUnusable: the other database cannot be opened.
    """
    target = Books.open(url, currency=source.identity.currency)
    try:
        moved = _fill(source, target, author, progress)
    finally:
        target.close()
    with source.write() as tx:
        recovery.fence(tx, moved.epoch)
        audit.note(tx, author=author, act="books moved away", target="books")
    return moved


def _fill(source: Books, target: Books, author: str, progress: Callable[[int, int], None]) -> Moved:
    counts, epoch = Counts(), source.identity.epoch + 1
    with source.read() as old, target.write() as new:
        for table in _LIVED_IN:
            if new.sql.execute(select(table).limit(1)).first() is not None:
                raise MoveRefused(
                    f"there are books in that database already (its table {table.name} is not "
                    "empty); make a new one"
                )
        for table in reversed(metadata.sorted_tables):
            new.sql.execute(delete(table))
        total, done = sum(_rows(old, table) for table in metadata.sorted_tables), 0
        for table in metadata.sorted_tables:
            for count in _copy(old, new, table):
                done += count
                progress(done, total)
            if _rows(new, table) != _rows(old, table):
                raise MoveRefused(f"not every row of {table.name} has arrived")
        _go_on_counting(new)
        new.sql.execute(update(meta).values(epoch=epoch))
        new.sql.execute(update(second_log).values(directory=None, segment=0, end=0))
        new.sql.execute(update(node).values(linked=False))
        audit.note(new, author=author, act="books moved here", target="books")
        wrong = next(
            verify(replace(new, identity=source.identity), counts, lambda _done, _all: None), None
        )
        if wrong is not None:
            raise MoveRefused(
                f"what arrived does not hold: {wrong.check}: {wrong.where}: {wrong.detail}"
            )
    return Moved(total, counts, epoch)


def _rows(tx: Transaction, table: Table) -> int:
    return tx.sql.execute(select(func.count()).select_from(table)).scalar_one()


def _copy(old: Transaction, new: Transaction, table: Table) -> Iterator[int]:
    """Copy a table as its driver has it, in the order of its key: later rows refer to earlier."""
    columns = list(table.columns)
    query = select(*columns).order_by(*table.primary_key.columns).compile(dialect=old.sql.dialect)
    truths = [n for n, column in enumerate(columns) if isinstance(column.type, Boolean)]
    cursor = cast("DBAPIConnection", old.sql.connection.driver_connection).cursor()
    cursor.execute(str(query))
    names = tuple(column.name for column in columns)
    while rows := cursor.fetchmany(_SLICE):
        insert_rows(new, table, names, [_with_truths(row, truths) for row in rows])
        yield len(rows)
    cursor.close()


def _with_truths(row: Any, truths: list[int]) -> tuple[Any, ...]:  # noqa: ANN401  the driver's row
    """Return a row in which yes and no are that: SQLite has 1 and 0."""
    if not truths:
        return tuple(row)
    values = list(row)
    for n in truths:
        values[n] = None if values[n] is None else bool(values[n])
    return tuple(values)


def _go_on_counting(tx: Transaction) -> None:
    """Have a server number new rows after those that came with their numbers."""
    if tx.sql.dialect.name != "postgresql":
        return
    for table in metadata.sorted_tables:
        key = table.autoincrement_column
        if key is None:
            continue
        found = tx.sql.execute(
            text("SELECT pg_get_serial_sequence(:table, :column)"),
            {"table": table.name, "column": key.name},
        ).scalar()
        if found is not None:
            last = tx.sql.execute(select(func.max(key))).scalar()
            told = {"sequence": found, "n": last or 1, "used": last is not None}
            tx.sql.execute(text("SELECT setval(:sequence, :n, :used)"), told)
