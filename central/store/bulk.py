"""Many rows at once, straight to the driver: SQLAlchemy writes the statement once, and no more.

Its own executemany spends several microseconds on each row's parameters, which is most of what
taking events in would cost.
"""

from __future__ import annotations

from functools import cache
from typing import TYPE_CHECKING, Any

from sqlalchemy import ClauseElement, Dialect, Insert, Update, insert

from central.store.tables import Instant

if TYPE_CHECKING:
    from collections.abc import Sequence

    from sqlalchemy import Table

    from central.store.books import Transaction


def insert_all(tx: Transaction, table: Table, rows: Sequence[dict[str, Any]]) -> None:
    """Insert rows; each names every column of the table that has a value to be given."""
    if rows:
        text = _insert_text(table, tuple(rows[0]), tx.sql.dialect)
        _run(tx, text, _instants(table), rows)


def run_all(
    tx: Transaction, statement: Insert | Update, table: Table, rows: Sequence[dict[str, Any]]
) -> int:
    """Run a statement for each row of parameters; return how many table rows it changed.

    Parameters named like columns are converted as the column wants them.
    """
    if not rows:
        return 0
    return _run(tx, _text(statement, tx.sql.dialect), _instants(table), rows)


def _run(
    tx: Transaction, text: str, instants: tuple[str, ...], rows: Sequence[dict[str, Any]]
) -> int:
    if instants:
        convert, dialect = Instant().process_bind_param, tx.sql.dialect
        rows = [
            row | {name: convert(row[name], dialect) for name in instants if name in row}
            for row in rows
        ]
    return tx.sql.exec_driver_sql(text, list(rows)).rowcount


@cache
def _instants(table: Table) -> tuple[str, ...]:
    return tuple(column.name for column in table.c if isinstance(column.type, Instant))


@cache
def _insert_text(table: Table, names: tuple[str, ...], dialect: Dialect) -> str:
    return str(insert(table).compile(dialect=dialect, column_keys=list(names)))


@cache
def _text(statement: ClauseElement, dialect: Dialect) -> str:
    return str(statement.compile(dialect=dialect))
