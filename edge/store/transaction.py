"""A transaction that is being made: rows and events that become one record, or nothing."""

from __future__ import annotations

import asyncio
import threading
from typing import TYPE_CHECKING

from broker.messages import Position
from broker.stream import MAX_BATCH_BYTES, start, wire_bytes
from edge.store.commit import Commit, StoredEvent

if TYPE_CHECKING:
    from collections.abc import Callable

    from broker.messages import Envelope
    from broker.stream import StreamKey
    from edge.store.journal import Journal

    #: `broker.stream.seal`: the event that follows a head.
    Sealer = Callable[[StreamKey, Position, str], Envelope]


def here() -> object:
    """Return what runs now: the asyncio task, or else the thread."""
    loop = asyncio._get_running_loop()  # noqa: SLF001 - exported, and raises nothing without a loop
    return (asyncio.current_task(loop) if loop is not None else None) or threading.get_ident()


class Transaction:
    """Collects changes; table writes find it by themselves, events are given to it."""

    def __init__(self, journal: Journal, sealer: Sealer) -> None:
        self._journal = journal
        self._sealer = sealer
        self._heads: dict[str, Position] = {}
        self.owner = here()
        self.open = True
        self.commit = Commit()
        self.moved: dict[str, set[int]] = {}
        """Per table the rows whose place in an index may change."""
        self.highest: dict[str, int] = {}
        """Per table the largest document id written here."""

    def change(self, table: str, changes: dict[int, bytes | None], *, moves: bool) -> None:
        """Add changed rows of one table; `moves` when their indexed values may differ."""
        self._check()
        self.commit.rows.setdefault(table, {}).update(changes)
        self.highest[table] = max(self.highest.get(table, 0), *changes)
        if moves:
            self.moved.setdefault(table, set()).update(changes)

    def drop(self, table: str) -> None:
        """Add the end of a table; rows written to it afterwards begin it anew."""
        self._check()
        self.commit.rows.pop(table, None)
        self.moved.pop(table, None)
        if table not in self.commit.dropped:
            self.commit.dropped.append(table)

    def append(self, stream: str, data: str) -> Position:
        """Seal one event onto a stream and return its place.

        Args:
            stream: the name it was opened under.
            data: the event as it will travel, to the byte.

        Raises:
            KeyError: there is no such stream.
            ValueError: it would not fit into a message (60 KiB), or is not UTF-8.
        """
        self._check()
        if wire_bytes(data) > MAX_BATCH_BYTES:
            raise ValueError(f"an event of {len(data):,} characters does not fit into a message")
        envelope = self._sealer(self._key(stream), self.head(stream), data)
        return self._take(stream, envelope, data.encode())

    def keep(self, stream: str, envelope: Envelope) -> Position:
        """Store an event that a peer sealed, as it came (the caller has checked its chain).

        Raises:
            KeyError: there is no such stream.
            ValueError: it is not the one after the stream's head.
        """
        self._check()
        if envelope.seq != self.head(stream).seq + 1:
            raise ValueError(f"event {envelope.seq} of {stream!r} does not follow its head")
        data = None if envelope.data is None else envelope.data.encode()
        return self._take(stream, envelope, data)

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
            self._heads[stream] = after or start(key)
            self.commit.opened[stream] = (key, self._heads[stream])
        elif known != key:
            raise ValueError(f"stream {stream!r} is {known}, not {key}")
        return self.head(stream)

    def head(self, stream: str) -> Position:
        """Return a stream's newest place, this transaction's events included.

        Raises:
            KeyError: there is no such stream.
        """
        return self._heads.get(stream) or self._journal.streams[stream].head

    def _key(self, stream: str) -> StreamKey:
        opened = self.commit.opened.get(stream)
        return opened[0] if opened else self._journal.streams[stream].key

    def _take(self, stream: str, envelope: Envelope, data: bytes | None) -> Position:
        event = StoredEvent(stream, envelope.seq, envelope.hash, data, envelope.digest)
        self.commit.events.append(event)
        place = self._heads[stream] = Position(seq=envelope.seq, hash=envelope.hash)
        return place

    def _check(self) -> None:
        if not self.open:
            raise RuntimeError("the transaction is over")
