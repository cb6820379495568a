"""A transaction that is being made: rows and events that become one record, or nothing."""

from __future__ import annotations

import asyncio
from threading import get_ident
from typing import TYPE_CHECKING

from broker.messages import Position
from broker.stream import MAX_BATCH_BYTES, chained, start, wire_bytes
from edge.store.commit import Commit, StoredEvent

if TYPE_CHECKING:
    from collections.abc import Mapping

    from broker.messages import Envelope
    from broker.stream import StreamKey
    from edge.store.journal import Journal

    #: Document id → its indexed values before the transaction, and after.
    Moves = Mapping[int, tuple[tuple[object, ...], tuple[object, ...]]]


#: A text of so few characters fits whatever they are: 4 bytes each at most, and the envelope.
_SURELY_FITS = MAX_BATCH_BYTES // 8
_OVER = "the transaction is over"
#: Exported, and raises nothing without a loop.
_running_loop = asyncio._get_running_loop  # noqa: SLF001


def here() -> object:
    """Return what runs now: the asyncio task, or else the thread."""
    loop = _running_loop()
    return get_ident() if loop is None else asyncio.current_task(loop) or get_ident()


class Transaction:
    """Collects changes; table writes find it by themselves, events are given to it."""

    __slots__ = ("_heads", "_journal", "commit", "highest", "moved", "open", "owner", "placed")

    def __init__(self, journal: Journal) -> None:
        self._journal = journal
        self._heads: dict[str, tuple[int, str]] = {}
        self.owner = here()
        self.open = True
        self.commit = Commit()
        self.moved: dict[str, dict[int, tuple[tuple[object, ...], tuple[object, ...]]]] = {}
        """Per table the rows whose place in an index changes."""
        self.placed: dict[str, dict[tuple[int, object], list[int]]] = {}
        """Per table the rows that got an indexed value here: (which index, value) → their ids."""
        self.highest: dict[str, int] = {}
        """Per table the largest document id written here."""

    def change(self, table: str, changes: dict[int, bytes | None], moves: Moves) -> None:
        """Add changed rows of one table, and what changes of their indexed values."""
        if not self.open:
            raise RuntimeError(_OVER)
        rows = self.commit.rows
        if table in rows:
            rows[table].update(changes)
        else:
            rows[table] = changes
        if (largest := max(changes)) > self.highest.get(table, 0):
            self.highest[table] = largest
        if moves:
            moved = self.moved.setdefault(table, {})
            placed = self.placed.setdefault(table, {})
            for doc_id, (before, after) in moves.items():
                moved[doc_id] = (moved[doc_id][0] if doc_id in moved else before, after)
                for place in enumerate(after):
                    placed.setdefault(place, []).append(doc_id)

    def drop(self, table: str) -> None:
        """Add the end of a table; rows written to it afterwards begin it anew."""
        self._check()
        self.commit.rows.pop(table, None)
        self.moved.pop(table, None)
        self.placed.pop(table, None)
        if table not in self.commit.dropped:
            self.commit.dropped.append(table)

    def append(self, stream: str, data: str) -> None:
        """Seal one event onto a stream; `head` is its place then.

        Args:
            stream: the name it was opened under.
            data: the event as it will travel, to the byte.

        Raises:
            KeyError: there is no such stream.
            ValueError: it would not fit into a message (60 KiB), or is not UTF-8.
        """
        if not self.open:
            raise RuntimeError(_OVER)
        if len(data) > _SURELY_FITS and wire_bytes(data) > MAX_BATCH_BYTES:
            raise ValueError(f"an event of {len(data):,} characters does not fit into a message")
        raw = data.encode()
        commit, head = self.commit, self._heads.get(stream)
        if head is None:
            index = self._journal.streams[stream]
            key, seq, previous = index.key, index.seq + 1, index.hash
        else:
            opened = commit.opened.get(stream)
            key = self._journal.streams[stream].key if opened is None else opened[0]
            seq, previous = head[0] + 1, head[1]
        sealed = chained(key, seq, previous, raw)
        commit.events.append(StoredEvent(stream, seq, sealed, raw))
        self._heads[stream] = seq, sealed

    def keep(self, stream: str, envelope: Envelope) -> None:
        """Store an event that a peer sealed, as it came (the caller has checked its chain).

        Raises:
            KeyError: there is no such stream.
            ValueError: it is not the one after the stream's head.
        """
        self._check()
        if envelope.seq != self.head(stream).seq + 1:
            raise ValueError(f"event {envelope.seq} of {stream!r} does not follow its head")
        data = None if envelope.data is None else envelope.data.encode()
        event = StoredEvent(stream, envelope.seq, envelope.hash, data, envelope.digest)
        self.commit.events.append(event)
        self._heads[stream] = event.seq, event.hash

    def open_stream(self, stream: str, key: StreamKey, after: Position | None = None) -> Position:
        """Begin a stream unless it is there, and return its head.

        A peer's new incarnation makes a new key, hence another stream: give it another name.

        Args:
            stream: the name it has in this journal.
            key: who says it to whom (PROTOCOL 1).
            after: where it begins, for a stream taken over from a peer; seq 0 unless given.

        Raises:
            ValueError: a stream of that name has another key.
        """
        self._check()
        index = self._journal.streams.get(stream)
        known = index.key if index else None
        if stream in self.commit.opened:
            known = self.commit.opened[stream][0]
        if known is None:
            begin = after or start(key)
            self._heads[stream] = begin.seq, begin.hash
            self.commit.opened[stream] = (key, begin)
        elif known != key:
            raise ValueError(f"stream {stream!r} is {known}, not {key}")
        return self.head(stream)

    def head(self, stream: str) -> Position:
        """Return a stream's newest place, this transaction's events included.

        Raises:
            KeyError: there is no such stream.
        """
        head = self._heads.get(stream)
        if head is None:
            return self._journal.streams[stream].head
        return Position(seq=head[0], hash=head[1])

    def _check(self) -> None:
        if not self.open:
            raise RuntimeError(_OVER)
