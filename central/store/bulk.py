"""Statements of the busiest path, straight to the driver: SQLAlchemy writes each once, no more.

Executed the usual way each statement costs it about as much as the database itself, and each row
again. The texts are still its own, for whichever database it is.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cache
from operator import itemgetter
from typing import TYPE_CHECKING, Any, TypeAlias, cast

from sqlalchemy import BindParameter, Text, bindparam, insert
from sqlalchemy import cast as sql_cast

from central.store import postgres

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from sqlalchemy import Cast, ClauseElement, Dialect, Table
    from sqlalchemy.engine.interfaces import DBAPIConnection, DBAPICursor

    from central.store.books import Transaction

#: Writes a query for as many keys as it is given.
Query: TypeAlias = "Callable[[Sequence[BindParameter[str]]], ClauseElement]"


@dataclass(frozen=True, slots=True)
class _Statement:
    """A statement as the driver takes it."""

    text: str
    order: tuple[str, ...]
    """Which parameter stands at each place."""

    def row(self, values: dict[str, Any]) -> tuple[Any, ...]:
        return tuple([values[name] for name in self.order])

    def rows(self, rows: Sequence[dict[str, Any]]) -> list[tuple[Any, ...]]:
        if len(self.order) == 1:
            return [(row[self.order[0]],) for row in rows]
        return list(map(itemgetter(*self.order), rows))


def insert_all(tx: Transaction, table: Table, rows: Sequence[dict[str, Any]]) -> None:
    """Insert rows of the same columns; values are as the driver wants them (`instant`)."""
    if rows:
        statement = _insertion(table, tuple(rows[0]), tx.sql.dialect)
        insert_rows(tx, table, statement.order, statement.rows(rows))


def insert_rows(
    tx: Transaction, table: Table, names: tuple[str, ...], rows: Sequence[tuple[Any, ...]]
) -> None:
    """Insert rows that are tuples already, of the columns named; otherwise as `insert_all`."""
    if len(rows) >= postgres.WORTH_COPYING and tx.sql.dialect.name == "postgresql":
        postgres.copy_in(tx.sql, table, names, rows)
    elif rows:
        _tuples(tx, _insertion(table, names, tx.sql.dialect), names, rows)


def run_rows(
    tx: Transaction,
    statement: ClauseElement,
    names: tuple[str, ...],
    rows: Sequence[tuple[Any, ...]],
) -> int:
    """Run a statement for each row of parameters in the order of its own; as `run_all`."""
    return _tuples(tx, _statement(statement, tx.sql.dialect), names, rows) if rows else 0


def run_all(tx: Transaction, statement: ClauseElement, rows: Sequence[dict[str, Any]]) -> int:
    """Run a statement once for each row of parameters; return how many table rows changed."""
    return _many(tx, _statement(statement, tx.sql.dialect), rows) if rows else 0


def fetch(
    tx: Transaction, query: Query, keys: Sequence[str], **values: object
) -> list[tuple[Any, ...]]:
    """Run a query for any number of keys; nothing is asked when there are none."""
    if not keys:
        return []
    # few texts for all lengths: the last key is repeated up to a power of two
    room = 1 << (len(keys) - 1).bit_length()
    padded = [*keys, *[keys[-1]] * (room - len(keys))]
    statement = _query(query, room, tx.sql.dialect)
    named = dict(zip(_key_names(room), padded, strict=True))
    cursor = _cursor(tx)
    cursor.execute(statement.text, statement.row(named | values))
    return list(cursor.fetchall())


def fetch_one(tx: Transaction, statement: ClauseElement, **values: object) -> tuple[Any, ...]:
    """Run a query that always has one row."""
    ready = _statement(statement, tx.sql.dialect)
    cursor = _cursor(tx)
    cursor.execute(ready.text, ready.row(dict(values)))
    rows = cursor.fetchall()
    if not rows:
        raise LookupError("a query that always has one row had none")
    return tuple(rows[0])


def _many(tx: Transaction, statement: _Statement, rows: Sequence[dict[str, Any]]) -> int:
    return _tuples(tx, statement, statement.order, statement.rows(rows))


def _tuples(
    tx: Transaction, statement: _Statement, names: tuple[str, ...], rows: Sequence[tuple[Any, ...]]
) -> int:
    if statement.order != names:
        raise ValueError(f"the statement takes {statement.order}, not {names}")
    cursor = _cursor(tx)
    cursor.executemany(statement.text, rows)
    return int(cursor.rowcount)


def _cursor(tx: Transaction) -> DBAPICursor:
    """Return a cursor of the driver's; it ends with whoever uses it."""
    return cast("DBAPIConnection", tx.sql.connection.driver_connection).cursor()


def as_text(name: str) -> Cast[str]:
    """Return a parameter to compare with a column that a partial index has a condition on.

    SQLite compiles a statement anew, which costs five times the query, whenever a bare parameter
    is bound whose value might make such an index usable; what a cast gives it does not look at.
    """
    return sql_cast(bindparam(name), Text)


@cache
def _insertion(table: Table, names: tuple[str, ...], dialect: Dialect) -> _Statement:
    return _ready(insert(table), dialect, list(names))


@cache
def _statement(statement: ClauseElement, dialect: Dialect) -> _Statement:
    return _ready(statement, dialect)


@cache
def _query(query: Query, room: int, dialect: Dialect) -> _Statement:
    return _ready(query([bindparam(name) for name in _key_names(room)]), dialect)


@cache
def _key_names(room: int) -> tuple[str, ...]:
    return tuple(f"key{n}" for n in range(room))


def _ready(
    statement: ClauseElement, dialect: Dialect, names: list[str] | None = None
) -> _Statement:
    # of many rows at once: PostgreSQL is not to be asked for the number that each was given
    options: dict[str, Any] = {"column_keys": names, "for_executemany": True} if names else {}
    compiled = statement.compile(dialect=dialect, **options)
    order = getattr(compiled, "positiontup", None)
    return _Statement(str(compiled), tuple(order or ()))
