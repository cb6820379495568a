"""Replaying records of the second log into a copy of the books."""

from __future__ import annotations

import sqlite3
from contextlib import closing
from dataclasses import dataclass
from typing import TYPE_CHECKING

from central.store.log_files import LogDamaged

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable
    from pathlib import Path

    from central.store.log_format import Record, Statement


@dataclass(frozen=True, slots=True)
class Replayed:
    """How far a copy was brought."""

    records: int
    """Transactions that were repeated."""
    last: int
    """The number of the last one in the copy."""
    until: int | None
    """When that was, in microseconds since 1970 UTC; None when nothing was repeated."""
    damage: str | None
    """Why it went no further, when the log did."""


def replay(
    file: Path,
    records: Iterable[Record],
    after: int,
    progress: Callable[[int], None] = lambda _done: None,
) -> Replayed:
    """Repeat transactions in a copy that nobody else has open.

    Stops before a record that is damaged; a record is repeated whole or not at all.

    Raises:
        LogDamaged: a record does not do to this copy what it did to the books.
    """
    done, last, until, damage = 0, after, None, None
    with closing(sqlite3.connect(file, isolation_level=None)) as sql:
        # an interrupted restore is thrown away, so nothing has to be durable on the way
        for pragma in ("journal_mode = MEMORY", "synchronous = OFF", "foreign_keys = ON"):
            sql.execute(f"PRAGMA {pragma}")
        try:
            for record in records:
                _repeat(sql, record)
                done, last, until = done + 1, record.n, record.at
                progress(done)
        except _Unreadable as error:
            damage = str(error)
        sql.execute("PRAGMA journal_mode = DELETE")
    return Replayed(done, last, until, damage)


class _Unreadable(Exception):
    """The log ends here, in damage."""


def readable(records: Iterable[Record]) -> Iterable[Record]:
    """Yield records up to the first that is damaged; `replay` then says why it stopped."""
    try:
        yield from records
    except LogDamaged as error:
        raise _Unreadable(str(error)) from error


def _repeat(sql: sqlite3.Connection, record: Record) -> None:
    before = sql.total_changes
    sql.execute("BEGIN IMMEDIATE")
    for statement in record.statements:
        _execute(sql, statement, record.n)
    changed = sql.total_changes - before
    if changed != record.changes:
        sql.execute("ROLLBACK")
        raise LogDamaged(
            f"record {record.n} changed {record.changes} rows of the books, {changed} of the copy: "
            "they are not of one history"
        )
    sql.execute("UPDATE second_log SET n = ?", (record.n,))
    sql.execute("COMMIT")


def _execute(sql: sqlite3.Connection, statement: Statement, n: int) -> None:
    try:
        if statement.many:
            sql.executemany(statement.text, statement.rows)
        else:
            # what it returns is fetched, so that it is executed to its end
            sql.execute(statement.text, statement.rows[0]).fetchall()
    except sqlite3.Error as error:
        if statement.failed:
            return
        sql.execute("ROLLBACK")
        raise LogDamaged(f"record {n} cannot be repeated: {error}") from error
