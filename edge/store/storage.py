"""TinyDB's storage over the journal: the rows as the running transaction sees them, commits."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import TYPE_CHECKING, Any

import orjson
from tinydb.storages import Storage

from edge.store.commit import Commit
from edge.store.index import TableIndexes
from edge.store.transaction import Transaction, here

if TYPE_CHECKING:
    from collections.abc import Iterable

    from tinydb.queries import QueryLike

    from edge.store.journal import Journal
    from edge.store.rows import PackedRows
    from edge.store.transaction import Moves

_NO_ROWS: dict[int, bytes | None] = {}
_AWAITED = "a transaction is open in another task; never await inside of one"


class TableView(Mapping[str, Any]):
    """A table as TinyDB reads it: document id as text → document, decoded anew on each touch.

    Made for one operation: it shows the table as the running transaction sees it at that moment.
    """

    __slots__ = ("_indexes", "_pending", "_rows")

    def __init__(
        self,
        rows: PackedRows | None,
        pending: Mapping[int, bytes | None],
        indexes: TableIndexes | None,
    ) -> None:
        self._rows = rows
        self._pending = pending
        self._indexes = indexes

    def ids(self) -> Iterator[int]:
        """Yield the document ids, those of the running transaction last."""
        rows, pending = self._rows, self._pending
        if rows is not None:
            for doc_id in rows:
                if pending.get(doc_id, b"") is not None:
                    yield doc_id
        for doc_id, row in pending.items():
            if row is not None and (rows is None or doc_id not in rows):
                yield doc_id

    def packed(self, doc_id: int) -> bytes | None:
        """Return a row's JSON, or none."""
        if self._pending and doc_id in self._pending:
            return self._pending[doc_id]
        return None if self._rows is None else self._rows.get(doc_id)

    def candidates(self, condition: QueryLike) -> Iterable[int]:
        """Return ids among which all matches are; ascending when an index narrowed them."""
        found = None if self._indexes is None else self._indexes.candidates(condition)
        if found is None:
            return list(self.ids())
        if self._rows is None:
            return sorted(self._pending)
        if self._pending:
            return sorted({*found, *self._pending})
        return found if len(found) <= 1 else sorted(found)

    def __getitem__(self, doc_id: str) -> dict[str, Any]:
        row = self.packed(int(doc_id))
        if row is None:
            raise KeyError(doc_id)
        document: dict[str, Any] = orjson.loads(row)
        return document

    def __iter__(self) -> Iterator[str]:
        return (str(doc_id) for doc_id in self.ids())

    def __len__(self) -> int:
        count = 0 if self._rows is None else len(self._rows)
        for doc_id, row in self._pending.items():
            before = self._rows is not None and doc_id in self._rows
            count += (row is not None) - before
        return count


class JournalStorage(Storage):
    """Stands between TinyDB's tables and the journal; for one thread."""

    def __init__(self, journal: Journal) -> None:
        super().__init__()
        self.journal = journal
        self._rows = journal.tables
        self._current: Transaction | None = None
        self.indexes: dict[str, TableIndexes] = {}
        """By table, of those that have any."""

    def read(self) -> dict[str, Any]:
        """Return every table as a view."""
        current = self.running()
        names = set(self._rows)
        if current is not None:
            names = names.difference(current.commit.dropped).union(current.commit.rows)
        return {name: self.view(name) for name in names}

    def write(self, data: dict[str, Any]) -> None:
        """Drop the tables that are not in `data`; TinyDB itself asks for nothing else here.

        Raises:
            ValueError: there is something new in `data`; tables are written by `JournalTable`.
        """
        known = self.read()
        if any(not isinstance(table, TableView) for table in data.values()):
            raise ValueError("this storage takes changes through its tables, not whole")
        gone = [name for name in known if name not in data]
        if self.running() is not None:
            for name in gone:
                self._drop(name)
        elif gone:
            self._commit(Commit(dropped=gone), {})

    def close(self) -> None:
        """Let go of the journal."""
        self.journal.close()

    def running(self) -> Transaction | None:
        """Return the running transaction.

        Raises:
            RuntimeError: it belongs to another task or thread, which awaited inside of it.
        """
        return None if self._current is None else self._joined(self._current)

    def begin(self) -> Transaction:
        """Begin a transaction.

        Raises:
            RuntimeError: one is running; they do not nest.
        """
        if self._current is not None:
            raise RuntimeError("a transaction is running already; they do not nest")
        self._current = Transaction(self.journal)
        return self._current

    def end(self, *, commit: bool) -> None:
        """Make the running transaction durable, or forget it."""
        current = self._current
        if current is None:
            return
        self._current = None
        current.open = False
        if commit:
            self._commit(current.commit, current.moved)

    def change(
        self, table: str, changes: dict[int, bytes | None], moves: Moves | None = None
    ) -> None:
        """Change rows in the running transaction, or as a transaction of their own.

        `moves` are the indexed values that differ, where the caller knows them.
        """
        if not changes:
            return
        if moves is None:
            moves = self._moves(table, changes)
        current = self._current
        if current is not None:
            if current.owner != here():
                raise RuntimeError(_AWAITED)
            current.change(table, changes, moves)
        else:
            self._commit(Commit(rows={table: changes}), {table: moves} if moves else {})

    def view(self, table: str) -> TableView:
        """Return a table as the running transaction sees it."""
        return TableView(*self.now(table), self.indexes.get(table))

    def now(self, table: str) -> tuple[PackedRows | None, Mapping[int, bytes | None]]:
        """Return a table's committed rows, and what the running transaction changed in it."""
        rows = self._rows.get(table)
        current = self._current
        if current is None:
            return rows, _NO_ROWS
        if current.owner != here():
            raise RuntimeError(_AWAITED)
        commit = current.commit
        if commit.dropped and table in commit.dropped:
            rows = None
        return rows, commit.rows.get(table, _NO_ROWS)

    def placed(self, table: str) -> Mapping[tuple[int, object], list[int]]:
        """Return which rows of a table got which indexed values in the running transaction."""
        return {} if self._current is None else self._current.placed.get(table, {})

    def highest_id(self, table: str) -> int:
        """Return the largest document id that the table ever had since it was opened."""
        rows = self._rows.get(table)
        current = self.running()
        pending = current.highest.get(table, 0) if current is not None else 0
        return max(pending, rows.highest if rows is not None else 0)

    def add_indexes(self, table: str, fields: Iterable[str]) -> None:
        """Index a table's fields from now on."""
        indexes = self.indexes[table] = TableIndexes(fields)
        rows = self._rows.get(table)
        if rows is not None:
            indexes.fill(rows.items())

    def _moves(self, table: str, changes: Mapping[int, bytes | None]) -> Moves:
        """Return the indexed values of changed rows, before and after."""
        indexes = self.indexes.get(table)
        if indexes is None:
            return {}
        view = self.view(table)
        return {
            doc_id: (indexes.values(view.packed(doc_id)), indexes.values(row))
            for doc_id, row in changes.items()
        }

    @staticmethod
    def _joined(current: Transaction) -> Transaction:
        if current.owner != here():
            raise RuntimeError(_AWAITED)
        return current

    def _drop(self, table: str) -> None:
        current = self.running()
        if current is not None:
            current.drop(table)

    def _commit(self, commit: Commit, moved: Mapping[str, Moves]) -> None:
        """Make it durable, then move the rows whose place in an index changes."""
        if not commit:
            return
        self.journal.commit(commit)
        for table in commit.dropped:
            if table in self.indexes:
                self.indexes[table].clear()
        for table, moves in moved.items():
            indexes = self.indexes[table]
            for doc_id, (before, after) in moves.items():
                indexes.change(doc_id, before, after)
