"""One table's rows, packed: document id → JSON bytes, decoded only where they are touched.

Freezing is O(1): the rows stand still for the checkpoint while new writes go to an overlay.
"""

from __future__ import annotations

from itertools import islice
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import ItemsView, Iterator, Mapping

_MISSING = object()


class PackedRows:
    """The rows of one table, in the order of their insertion."""

    __slots__ = ("_base", "_count", "_frozen", "_overlay", "highest")

    def __init__(self) -> None:
        self._base: dict[int, bytes] = {}
        self._overlay: dict[int, bytes | None] = {}
        self._frozen = False
        self._count = 0
        self.highest = 0
        """The largest document id there ever was since this store was opened."""

    def __len__(self) -> int:
        return self._count

    def __contains__(self, doc_id: int) -> bool:
        return self.get(doc_id) is not None

    def __iter__(self) -> Iterator[int]:
        if not self._overlay:
            yield from self._base
            return
        for doc_id in self._base:
            if self._overlay.get(doc_id, _MISSING) is not None:
                yield doc_id
        for doc_id, row in self._overlay.items():
            if row is not None and doc_id not in self._base:
                yield doc_id

    def get(self, doc_id: int) -> bytes | None:
        """Return a row's JSON, or none."""
        if self._overlay and doc_id in self._overlay:
            return self._overlay[doc_id]
        return self._base.get(doc_id)

    def items(self) -> Iterator[tuple[int, bytes]]:
        """Yield document ids and their JSON; nothing may be written meanwhile."""
        if not self._overlay:
            yield from self._base.items()
            return
        for doc_id in self:
            row = self.get(doc_id)
            if row is not None:
                yield doc_id, row

    def apply(self, changes: Mapping[int, bytes | None]) -> None:
        """Set and delete rows; deleting what is not there is fine."""
        if not changes:
            return
        if (largest := max(changes)) > self.highest:
            self.highest = largest
        if not (self._frozen or self._overlay or None in changes.values()):
            # as at the start, when all rows there are come in: the same in one step
            self._base.update(changes)  # type: ignore[arg-type]  # none of them is None
            self._count = len(self._base)
            return
        for doc_id, row in changes.items():
            before = self.get(doc_id)
            self._count += (row is not None) - (before is not None)
            if self._frozen:
                self._overlay[doc_id] = row
                continue
            self._overlay.pop(doc_id, None)
            if row is None:
                self._base.pop(doc_id, None)
            else:
                self._base[doc_id] = row

    def freeze(self) -> ItemsView[int, bytes]:
        """Return the rows as they are now; they stay so until `thaw`.

        Raises:
            RuntimeError: the rows are frozen, or not wholly thawed.
        """
        if self._frozen or self._overlay:
            raise RuntimeError("the rows are frozen already")
        self._frozen = True
        return self._base.items()

    def thaw(self, at_most: int) -> bool:
        """Let the rows move again, taking in at most so many held-back changes; True when done."""
        self._frozen = False
        for doc_id in list(islice(self._overlay, at_most)):
            row = self._overlay.pop(doc_id)
            if row is None:
                self._base.pop(doc_id, None)
            else:
                self._base[doc_id] = row
        return not self._overlay
