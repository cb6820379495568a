"""Hash indexes over top-level fields of one table, and which queries they can narrow."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any

import orjson
from tinydb.utils import freeze as _freeze

if TYPE_CHECKING:
    from collections.abc import Callable, Collection, Iterable, Mapping

    from tinydb.queries import QueryLike

_ABSENT = object()
#: TinyDB's own, which its query hashes are made with.
freeze: Callable[[object], Any] = _freeze


class TableIndexes:
    """For each indexed field: value → the documents that have it. Of committed rows only."""

    def __init__(self, fields: Iterable[str]) -> None:
        self._by_field: dict[str, dict[Any, int | set[int]]] = {field: {} for field in fields}
        self._absent = (_ABSENT,) * len(self._by_field)

    def fill(self, rows: Iterable[tuple[int, bytes]]) -> None:
        """Take in a table's rows, for the first time: what `change` does, in one loop."""
        fields = list(self._by_field.items())
        if len(fields) == 1:
            self._fill_one(*fields[0], rows)
            return
        for doc_id, row in rows:
            document = orjson.loads(row)
            for field, entries in fields:
                _take_in(entries, document.get(field, _ABSENT), doc_id)

    @staticmethod
    def _fill_one(
        field: str, entries: dict[Any, int | set[int]], rows: Iterable[tuple[int, bytes]]
    ) -> None:
        """Cut a value out of a row that begins with it; decode only where that cannot be done.

        At a large site this is most of the start: a row is decoded in four times the time.
        """
        cut = re.compile(rb'\{%b:"([^"\\]*)"' % re.escape(orjson.dumps(field))).match
        for doc_id, row in rows:
            found = cut(row)
            value = found[1].decode() if found else orjson.loads(row).get(field, _ABSENT)
            if found and value not in entries:
                entries[value] = doc_id
            else:
                _take_in(entries, value, doc_id)

    def values(self, row: bytes | None) -> tuple[Any, ...]:
        """Return the indexed fields' values of a row, to hand to `change`."""
        return self._absent if row is None else self.values_of(orjson.loads(row))

    def values_of(self, document: Mapping[str, Any]) -> tuple[Any, ...]:
        """Return the indexed fields' values of a row that is decoded already."""
        get = document.get
        found = [get(field, _ABSENT) for field in self._by_field]
        for value in found:
            if value.__class__ is dict or value.__class__ is list:
                return tuple(map(_hashable, found))
        return tuple(found)

    def touched_by(self, fields: Iterable[str]) -> bool:
        """Say whether any of these fields is indexed."""
        return not self._by_field.keys().isdisjoint(fields)

    def moved_by(self, document: Mapping[str, Any], fields: Mapping[str, Any]) -> bool:
        """Say whether a document's indexed values change when it gets these fields."""
        both = self._by_field.keys() & fields
        return any(document.get(field, _ABSENT) != fields[field] for field in both)

    def change(self, doc_id: int, before: tuple[Any, ...], after: tuple[Any, ...]) -> None:
        """Move a document from its old values to its new ones."""
        for entries, old, new in zip(self._by_field.values(), before, after, strict=True):
            # 1, 1.0 and True are one key, as they are equal to a query.
            if old is new or old == new:
                continue
            if old is not _ABSENT:
                _discard(entries, old, doc_id)
            if new is not _ABSENT:
                _add(entries, new, doc_id)

    def clear(self) -> None:
        """Forget every document."""
        for entries in self._by_field.values():
            entries.clear()

    def having(self, field: str, value: object) -> Collection[int] | None:
        """Return the ids of the documents with this value; none when the field is not indexed."""
        entries = self._by_field.get(field)
        if entries is None:
            return None
        present = entries.get(value)
        if present is None:
            return ()
        return present if isinstance(present, set) else (present,)

    def key(self, field: str, value: object) -> tuple[int, object]:
        """Return what `Transaction.placed` has for a value of a field."""
        return list(self._by_field).index(field), value

    def tally(self, field: str) -> dict[Any, int] | None:
        """Return how many documents have each value; none when the field is not indexed."""
        entries = self._by_field.get(field)
        if entries is None:
            return None
        return {value: len(ids) if isinstance(ids, set) else 1 for value, ids in entries.items()}

    def candidates(self, condition: QueryLike) -> Collection[int] | None:
        """Return ids among which all matches are; none when every row must be looked at."""
        # TinyDB describes a query by this hash and offers no public way to read it.
        return self._narrow(getattr(condition, "_hash", None))

    def _narrow(self, described: object) -> Collection[int] | None:
        found: Collection[int] | None = None
        match described:
            case ("==", (str(field),), wanted) if field in self._by_field:
                found = _ids(self._by_field[field], wanted)
            case ("and", frozenset() as parts):
                narrowed = [ids for part in parts if (ids := self._narrow(part)) is not None]
                found = min(narrowed, key=len, default=None)
            case ("or", frozenset() as parts):
                narrowed = [ids for part in parts if (ids := self._narrow(part)) is not None]
                found = set[int]().union(*narrowed) if len(narrowed) == len(parts) else None
            case ("one_of", (str(field),), tuple(wanted)) if field in self._by_field:
                entries = self._by_field[field]
                found = set[int]().union(*(_ids(entries, value) for value in wanted))
            case _:
                pass
        return found


def _hashable(value: object) -> object:
    return freeze(value) if isinstance(value, (list, dict)) else value


def _take_in(entries: dict[Any, int | set[int]], value: object, doc_id: int) -> None:
    if value is not _ABSENT:
        _add(entries, _hashable(value), doc_id)


def _add(entries: dict[Any, int | set[int]], value: object, doc_id: int) -> None:
    present = entries.get(value)
    if present is None:
        entries[value] = doc_id
    elif isinstance(present, set):
        present.add(doc_id)
    elif present != doc_id:
        entries[value] = {present, doc_id}


def _discard(entries: dict[Any, int | set[int]], value: object, doc_id: int) -> None:
    present = entries.get(value)
    if isinstance(present, set):
        present.discard(doc_id)
        if len(present) == 1:
            entries[value] = present.pop()
    elif present == doc_id:
        del entries[value]


def _ids(entries: dict[Any, int | set[int]], value: object) -> Collection[int]:
    present = entries.get(value)
    if present is None:
        return ()
    return present if isinstance(present, set) else (present,)
