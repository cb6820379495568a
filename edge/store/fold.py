"""What the records of a journal add up to: tables, streams, and which segments there are."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, NamedTuple

from edge.store.rows import PackedRows
from edge.store.streams import StreamIndex

if TYPE_CHECKING:
    from datetime import datetime
    from uuid import UUID

    from edge.store.commit import Commit, SegmentStart


class Sealed(NamedTuple):
    """A segment that grows no more."""

    end: int
    """What stands behind this byte was never acknowledged."""
    at: datetime
    """When it stopped growing."""


@dataclass(slots=True)
class Fold:
    """The state of a store at one record; changed by applying the next."""

    journal: UUID
    """The incarnation."""
    tables: dict[str, PackedRows] = field(default_factory=dict)
    streams: dict[str, StreamIndex] = field(default_factory=dict)
    sealed: dict[int, Sealed] = field(default_factory=dict)
    """Segments before the last, by number."""
    oldest: int = 1
    """Segments before this one may be gone."""

    def apply(self, commit: Commit, place: int) -> None:
        """Take in a transaction that stands at a packed place.

        Raises:
            ValueError: an event does not follow its stream's head, or a stream is unknown; then
                the fold is half changed and must not be used.
        """
        for table in commit.dropped:
            self.tables.pop(table, None)
        for table, changes in commit.rows.items():
            rows = self.tables.get(table)
            if rows is None:
                rows = self.tables[table] = PackedRows()
            rows.apply(changes)
        for name, (key, start) in commit.opened.items():
            self.streams[name] = StreamIndex(key, start.seq, start.hash)
        for stream, seq, sealed, _, _ in commit.events:
            index = self.streams.get(stream)
            if index is None or seq != index.seq + 1:
                raise ValueError(f"event {seq} of stream {stream!r} follows nothing")
            index.seq, index.hash = seq, sealed
            index.mark(seq, place)
        if commit.oldest is not None:
            self.forget_before(commit.oldest)

    def begin_segment(self, start: SegmentStart) -> None:
        """Take in the first record of a segment: the one before it is sealed."""
        if start.segment > 1:
            self.sealed[start.segment - 1] = Sealed(start.previous_end, start.at)

    def forget_before(self, oldest: int) -> None:
        """Let go of segments that are no longer needed."""
        self.oldest = oldest
        for segment in [number for number in self.sealed if number < oldest]:
            del self.sealed[segment]
        for stream in self.streams.values():
            stream.forget_before(oldest)
