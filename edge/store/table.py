"""TinyDB's table over packed rows: the same queries, writes that cost what they touch."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping, MutableMapping
from typing import TYPE_CHECKING, Any, cast, overload

import orjson
from tinydb import where
from tinydb.table import Document, Table

if TYPE_CHECKING:
    from tinydb.queries import QueryLike

    from edge.store.rows import PackedRows
    from edge.store.storage import JournalStorage, TableView

#: Times are the caller's to write as text: a row must read back as it was written.
_OPTIONS = orjson.OPT_PASSTHROUGH_DATETIME | orjson.OPT_PASSTHROUGH_DATACLASS


class Draft(MutableMapping[int, dict[str, Any]]):
    """A table while an update runs: documents are decoded when touched, only they can change."""

    def __init__(self, view: TableView) -> None:
        self._view = view
        self._touched: dict[int, dict[str, Any] | None] = {}

    def __getitem__(self, doc_id: int) -> dict[str, Any]:
        if doc_id in self._touched:
            document = self._touched[doc_id]
            if document is None:
                raise KeyError(doc_id)
            return document
        document = self._view[str(doc_id)]
        self._touched[doc_id] = document
        return document

    def __setitem__(self, doc_id: int, document: dict[str, Any]) -> None:
        self._touched[doc_id] = document

    def __delitem__(self, doc_id: int) -> None:
        if doc_id not in self:
            raise KeyError(doc_id)
        self._touched[doc_id] = None

    def __contains__(self, doc_id: object) -> bool:
        if not isinstance(doc_id, int):
            return False
        if doc_id in self._touched:
            return self._touched[doc_id] is not None
        return self._view.packed(doc_id) is not None

    def __iter__(self) -> Iterator[int]:
        for doc_id in self._view.ids():
            if self._touched.get(doc_id, _UNTOUCHED) is not None:
                yield doc_id
        for doc_id, document in self._touched.items():
            if document is not None and self._view.packed(doc_id) is None:
                yield doc_id

    def __len__(self) -> int:
        return sum(1 for _ in self)

    def clear(self) -> None:
        """Delete every document."""
        for doc_id in list(self):
            self._touched[doc_id] = None

    def changes(self) -> dict[int, bytes | None]:
        """Return the rows that are not as they were.

        Raises:
            TypeError: a document holds what JSON cannot.
        """
        changed: dict[int, bytes | None] = {}
        for doc_id, document in self._touched.items():
            row = None if document is None else orjson.dumps(document, option=_OPTIONS)
            if row != self._view.packed(doc_id):
                changed[doc_id] = row
        return changed


_UNTOUCHED: dict[str, Any] = {}


def _packed(
    doc_id: int, rows: PackedRows | None, pending: Mapping[int, bytes | None]
) -> bytes | None:
    if pending and doc_id in pending:
        return pending[doc_id]
    return None if rows is None else rows.get(doc_id)


class JournalTable(Table):
    """A table whose every write is durable when it returns, and costs what it touches.

    Every document that comes out is the caller's own copy. What an index finds comes in the order
    of document ids.
    """

    def __init__(self, storage: JournalStorage, name: str, **options: Any) -> None:  # noqa: ANN401
        super().__init__(storage, name, **options)
        self._journalled = storage
        self._label = name
        self._issued = 0

    def search(self, cond: QueryLike) -> list[Document]:
        """Return all matches; TinyDB's query cache is left out, for it hands out shared copies."""
        return list(self._matches(cond))

    @overload  # type: ignore[override]  # the same calls as TinyDB's, said in fewer words
    def get(
        self, cond: QueryLike | None = ..., doc_id: int | None = ..., doc_ids: None = ...
    ) -> Document | None: ...

    @overload
    def get(
        self, cond: QueryLike | None = ..., doc_id: int | None = ..., *, doc_ids: list[int]
    ) -> list[Document]: ...

    def get(
        self,
        cond: QueryLike | None = None,
        doc_id: int | None = None,
        doc_ids: list[int] | None = None,
    ) -> Document | list[Document] | None:
        """Return one document by id or query, or several by ids in the order asked for."""
        if doc_id is not None:
            return self._document(doc_id)
        if doc_ids is not None:
            found = (self._document(wanted) for wanted in doc_ids)
            return [document for document in found if document is not None]
        if cond is not None:
            return next(self._matches(cond), None)
        raise RuntimeError("pass a query, a document id or document ids")

    def one(self, cond: QueryLike) -> Document | None:
        """Return the first match, or none."""
        return next(self._matches(cond), None)

    def find(self, field: str, value: object) -> Document | None:
        """Return the first document whose top-level field equals a value, or none.

        What `one(where(field) == value)` finds, without making a query; where the field is
        indexed, a large transaction costs it nothing.

        Args:
            field: its name.
            value: neither a list nor an object.
        """
        label, journalled = self._label, self._journalled
        rows, pending = journalled.now(label)
        indexes = journalled.indexes.get(label)
        found = indexes.having(field, value) if indexes is not None else None
        if indexes is None or found is None:
            return self.one(where(field) == value)
        if pending:
            here = journalled.placed(label).get(indexes.key(field, value), ())
            found = {*(found if rows is not None else ()), *here}
        for doc_id in found if len(found) == 1 else sorted(found):
            if pending and doc_id in pending:
                row = pending[doc_id]
            else:
                row = None if rows is None else rows.get(doc_id)
            if row is None:
                continue
            document = orjson.loads(row)
            if field in document and document[field] == value:
                return Document(document, doc_id)
        return None

    def __bool__(self) -> bool:
        """Say whether any document is there, or was until the running transaction."""
        rows, pending = self._journalled.now(self._label)
        return bool(rows) or bool(pending)

    def tally(self, field: str) -> dict[Any, int]:
        """Return how many documents have each value of a field, committed ones only.

        Raises:
            KeyError: the field is not indexed.
        """
        indexes = self._journalled.indexes.get(self._label)
        counts = None if indexes is None else indexes.tally(field)
        if counts is None:
            raise KeyError(field)
        return counts

    def put(
        self, row: bytes, indexed: Mapping[str, object], instead: Document | None = None
    ) -> int:
        """Put a whole document in the place of one, or add it; return its id.

        Args:
            row: its JSON, an object; stored as it is.
            indexed: its fields that are indexed, so that it need not be decoded.
            instead: the document that it replaces, just read; added unless given.
        """
        doc_id = self._get_next_id() if instead is None else instead.doc_id
        indexes = self._journalled.indexes.get(self._label)
        moves = {}
        if indexes is not None:
            old, new = indexes.values_of(instead or {}), indexes.values_of(indexed)
            if old != new:
                moves[doc_id] = (old, new)
        self._journalled.change(self._label, {doc_id: row}, moves)
        return doc_id

    def amend(self, document: Document, fields: Mapping[str, Any]) -> None:
        """Change fields of one document: `update` without reading it again.

        Args:
            document: just read, as nothing else must have changed it since; it is changed as well.
            fields: their new values.
        """
        indexes = self._journalled.indexes.get(self._label)
        moves = {}
        if indexes is None or not indexes.moved_by(document, fields):
            document.update(fields)
        else:
            old = indexes.values_of(document)
            document.update(fields)
            moves[document.doc_id] = (old, indexes.values_of(document))
        row = orjson.dumps(document, option=_OPTIONS)
        self._journalled.change(self._label, {document.doc_id: row}, moves)

    def update(
        self,
        fields: Mapping[str, Any] | Callable[[MutableMapping[str, Any]], None],
        cond: QueryLike | None = None,
        doc_ids: Iterable[int] | None = None,
    ) -> list[int]:
        """Change the matching documents and return their ids.

        Ids that are not there are left out. Without a query and ids every document is changed.
        """
        rows, pending = self._journalled.now(self._label)
        if doc_ids is not None:
            wanted: Iterable[int] = doc_ids
        elif cond is not None:
            wanted = [document.doc_id for document in self._matches(cond)]
        else:
            wanted = list(self._view().ids())
        indexes = self._journalled.indexes.get(self._label)
        if indexes is not None and not callable(fields) and not indexes.touched_by(fields):
            indexes = None  # nothing moves
        updated: list[int] = []
        changes: dict[int, bytes | None] = {}
        moves: dict[int, tuple[tuple[object, ...], tuple[object, ...]]] = {}
        for doc_id in wanted:
            before = changes.get(doc_id) or _packed(doc_id, rows, pending)
            if before is None:
                continue
            updated.append(doc_id)
            document = orjson.loads(before)
            old = indexes.values_of(document) if indexes is not None else ()
            if callable(fields):
                fields(document)
            else:
                document.update(fields)
            row = orjson.dumps(document, option=_OPTIONS)
            if row != before:
                changes[doc_id] = row
                new = indexes.values_of(document) if indexes is not None else ()
                if new != old:
                    moves[doc_id] = (moves[doc_id][0] if doc_id in moves else old, new)
        self._journalled.change(self._label, changes, moves)
        return updated

    def remove(
        self, cond: QueryLike | None = None, doc_ids: Iterable[int] | None = None
    ) -> list[int]:
        """Remove the matching documents and return their ids."""
        if cond is not None and doc_ids is None:
            doc_ids = [document.doc_id for document in self._matches(cond)]
        return super().remove(None, doc_ids)

    def __iter__(self) -> Iterator[Document]:
        """Yield every document there is now; writes in between do no harm."""
        view = self._view()
        for doc_id in list(view.ids()):
            row = view.packed(doc_id)
            if row is not None:
                yield Document(orjson.loads(row), doc_id)

    def contents(self) -> Iterator[dict[str, Any]]:
        """Yield every document without its id; nothing may be written meanwhile.

        For sums over a whole table: a third of what iterating costs.
        """
        rows, pending = self._journalled.now(self._label)
        if pending:
            yield from self
        elif rows is not None:
            for _, row in rows.items():  # noqa: PERF102  no dict
                yield orjson.loads(row)

    def _matches(self, cond: QueryLike) -> Iterator[Document]:
        view = self._view()
        for doc_id in view.candidates(cond):
            row = view.packed(doc_id)
            if row is None:
                continue
            document = orjson.loads(row)
            if cond(document):
                yield Document(document, doc_id)

    def _document(self, doc_id: int) -> Document | None:
        row = self._view().packed(doc_id)
        return None if row is None else Document(orjson.loads(row), doc_id)

    def _get_next_id(self) -> int:
        self._issued = max(self._issued, self._journalled.highest_id(self.name)) + 1
        return self._issued

    def _read_table(self) -> dict[str, Mapping[str, Any]]:
        return cast("dict[str, Mapping[str, Any]]", self._view())

    def _update_table(self, updater: Callable[[dict[int, Mapping[str, Any]]], None]) -> None:
        draft = Draft(self._view())
        updater(cast("dict[int, Mapping[str, Any]]", draft))
        self._journalled.change(self.name, draft.changes())

    def _view(self) -> TableView:
        return self._journalled.view(self._label)
