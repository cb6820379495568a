"""Where the events of one stream stand on disk: a sparse index, never the events themselves."""

from __future__ import annotations

from array import array
from bisect import bisect_left, bisect_right
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from broker.messages import Position

if TYPE_CHECKING:
    from broker.stream import StreamKey

_OFFSET_BITS = 40
#: A mark at least every so many events and so many bytes, and at the first event of a segment.
_EVENTS_PER_MARK = 64
_BYTES_PER_MARK = 256 * 1024


def position(segment: int, offset: int) -> int:
    """Pack a place in the journal: 24 bits of segment, 40 of offset."""
    return segment << _OFFSET_BITS | offset


def segment_of(place: int) -> int:
    """Return the segment of a packed place."""
    return place >> _OFFSET_BITS


def offset_of(place: int) -> int:
    """Return the offset of a packed place."""
    return place & ((1 << _OFFSET_BITS) - 1)


def _words() -> array[int]:
    return array("Q")


@dataclass(slots=True)
class StreamIndex:
    """A stream's key and head, and marks into the segments: 16 bytes per 64 events."""

    key: StreamKey
    seq: int
    """Of the newest event; before the first, of the place it begins after."""
    hash: str
    """The chain's hash at `seq`."""
    seqs: array[int] = field(default_factory=_words)
    """Marked seqs, ascending."""
    places: array[int] = field(default_factory=_words)
    """For each mark the packed place of the record that holds it."""

    @property
    def head(self) -> Position:
        """The newest place."""
        return Position(seq=self.seq, hash=self.hash)

    @property
    def first(self) -> int:
        """The oldest seq still on disk; one past the head when there is none."""
        return self.seqs[0] if self.seqs else self.seq + 1

    def mark(self, seq: int, place: int) -> None:
        """Remember where an event stands, unless the mark before is near enough."""
        if self.seqs and seq - self.seqs[-1] < _EVENTS_PER_MARK:
            last = self.places[-1]
            # In another segment the difference is beyond any file's length.
            if place - last < _BYTES_PER_MARK:
                return
        self.seqs.append(seq)
        self.places.append(place)

    def runs(self, first: int, last: int) -> list[tuple[int, int, int]]:
        """Say where to read `first` to `last`: (place, first seq, last seq) per mark."""
        at = max(bisect_right(self.seqs, first) - 1, 0)
        found = []
        while at < len(self.seqs) and self.seqs[at] <= last:
            after = self.seqs[at + 1] - 1 if at + 1 < len(self.seqs) else self.seq
            found.append((self.places[at], max(first, self.seqs[at]), min(last, after)))
            at += 1
        return found

    def last_in(self, segment: int) -> int | None:
        """Return the newest seq in a segment, or none if it holds nothing of this stream."""
        begin = bisect_left(self.places, position(segment, 0))
        end = bisect_left(self.places, position(segment + 1, 0))
        if begin == end:
            return None
        return self.seqs[end] - 1 if end < len(self.seqs) else self.seq

    def forget_before(self, segment: int) -> None:
        """Drop the marks of segments that are gone."""
        gone = bisect_left(self.places, position(segment, 0))
        del self.seqs[:gone]
        del self.places[:gone]
