"""SQLite connections that remember what a transaction did, whoever spoke to them and how."""

from __future__ import annotations

import sqlite3
from typing import TYPE_CHECKING, Any, Self

from central.store.log_format import Statement, changes_something

if TYPE_CHECKING:
    from collections.abc import Iterable


class Recording(sqlite3.Connection):
    """A connection; while `taken` is a list, every change made through it is added there.

    Below SQLAlchemy on purpose: `bulk` goes past it, and nothing may go past the second log.
    """

    taken: list[Statement] | None = None
    _changes_before: int = 0

    def take(self) -> None:
        """Begin to remember: a transaction has begun."""
        self.taken = []
        self._changes_before = self.total_changes

    @property
    def changes(self) -> int:
        """Rows changed since then."""
        return self.total_changes - self._changes_before

    def cursor(self, *arguments: Any) -> Any:  # noqa: ANN401  as the driver declares it
        """Return a cursor, one that remembers when it has to."""
        if self.taken is None or arguments:
            return super().cursor(*arguments)
        return super().cursor(_Recorder)

    def plain(self) -> sqlite3.Cursor:
        """Return a cursor that remembers nothing: for the bookkeeping of the log itself."""
        return sqlite3.Cursor(self)


class _Recorder(sqlite3.Cursor):
    """Remembers statements before they are executed, and which of them failed."""

    def execute(self, text: str, parameters: Any = (), /) -> Self:  # noqa: ANN401  as above
        """Execute once."""
        if not changes_something(text):
            return super().execute(text, parameters)
        with _remembered(self.connection, Statement(text, (parameters,), many=False)):
            return super().execute(text, parameters)

    def executemany(self, text: str, rows: Iterable[Any], /) -> Self:
        """Execute for each row."""
        kept = rows if isinstance(rows, list) else list(rows)
        with _remembered(self.connection, Statement(text, kept, many=True)):
            return super().executemany(text, kept)


class _remembered:  # noqa: N801  reads as what it does; a generator would cost twice as much
    """Notes a statement, and that it failed if it did."""

    __slots__ = ("_statement",)

    def __init__(self, connection: sqlite3.Connection, statement: Statement) -> None:
        self._statement = statement
        if isinstance(connection, Recording) and connection.taken is not None:
            connection.taken.append(statement)

    def __enter__(self) -> None:
        pass

    def __exit__(self, kind: object, *_: object) -> None:
        self._statement.failed = kind is not None
