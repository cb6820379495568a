"""A checkpoint on disk: all tables and stream indexes as they were when a segment began.

A snapshot holds framed records numbered from 0: one head, rows in chunks of about 32 KiB, one end
that says how many rows there were.
"""

from __future__ import annotations

import time
from array import array
from base64 import b64decode, b64encode
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any
from uuid import UUID

import orjson

from edge.store.commit import key_fields, key_from
from edge.store.fold import Fold, Sealed
from edge.store.names import TEMPORARY, snapshot_name, snapshot_number
from edge.store.record import Broken, pack, read_records
from edge.store.rows import PackedRows
from edge.store.streams import StreamIndex

if TYPE_CHECKING:
    from collections.abc import Callable, Generator, Iterator
    from concurrent.futures import Future
    from datetime import timedelta

    from edge.store.disk import Disk

    #: Runs what waits for the disk; a thread in production, at once in tests.
    Background = Callable[[Callable[[], None]], Future[None]]

_CHUNK = 32 * 1024
#: So much is written before it is synced: a sync of the journal never waits behind more.
_BYTES_PER_SYNC = 1024 * 1024
_ROWS_THAWED_AT_ONCE = 500
#: What remains, from one chunk to the next, of how long the longest took.
_FORGET = 0.9
#: The newest snapshot and the one before, which stands in when the newest is damaged.
_KEPT = 2


class SnapshotWriter:
    """Writes one snapshot in slices while the tables go on changing.

    Between two slices anything may happen: the rows are frozen, the file has no name that counts.
    """

    def __init__(
        self, disk: Disk, fold: Fold, *, segment: int, number: int, background: Background
    ) -> None:
        self._disk = disk
        self._segment = segment
        self._background = background
        self._pending: Future[None] | None = None
        self._chunk_seconds = 0.0
        self._tables = [(name, rows, rows.freeze()) for name, rows in fold.tables.items()]
        self._head = _encode_head(fold, segment, number)
        self._work = self._write()

    def step(self, budget: timedelta, timer: Callable[[], float] = time.perf_counter) -> bool:
        """Work for at most `budget`; True once the snapshot is durable and named.

        A chunk is not begun where one twice as long as those before would not end in time; each
        step does one all the same, or a slow disk would stop the snapshot.

        Raises:
            OSError: the snapshot cannot be written; call `abandon`.
        """
        now = timer()
        end = now + budget.total_seconds()
        for _ in self._work:
            before, now = now, timer()
            # the longest, but one that waited for others is soon forgotten
            self._chunk_seconds = max(now - before, self._chunk_seconds * _FORGET)
            if self._pending is not None or now + 2 * self._chunk_seconds >= end:
                return False
        return True

    def abandon(self) -> None:
        """Give up: let the rows go and remove what was written."""
        self._work.close()
        if self._pending is not None:
            self._pending.exception()
        for _, rows, _ in self._tables:
            while not rows.thaw(_ROWS_THAWED_AT_ONCE):
                pass
        self._disk.remove(TEMPORARY)

    def _write(self) -> Generator[None]:
        self._disk.create(TEMPORARY)
        offset = synced = number = total = 0
        for body in self._bodies():
            record = pack(number, body)
            self._disk.write(TEMPORARY, offset, record)
            offset += len(record)
            number += 1
            yield
            if offset - synced >= _BYTES_PER_SYNC:
                yield from self._wait_for(lambda: self._disk.sync(TEMPORARY))
                synced = offset
        total = sum(len(frozen) for _, _, frozen in self._tables)
        self._disk.write(TEMPORARY, offset, pack(number, orjson.dumps({"rows": total}) + b"\n"))
        yield from self._wait_for(self._name)
        for _, rows, _ in self._tables:
            while not rows.thaw(_ROWS_THAWED_AT_ONCE):
                yield

    def _bodies(self) -> Iterator[bytes]:
        yield self._head
        for name, _, frozen in self._tables:
            ids: list[int] = []
            parts: list[bytes] = []
            size = 0
            for doc_id, row in frozen:
                ids.append(doc_id)
                parts.append(row)
                size += len(row)
                if size >= _CHUNK:
                    yield _encode_chunk(name, ids, parts)
                    ids, parts, size = [], [], 0
            # A table without rows is a table all the same.
            if ids or not frozen:
                yield _encode_chunk(name, ids, parts)

    def _wait_for(self, work: Callable[[], None]) -> Iterator[None]:
        self._pending = self._background(work)
        while not self._pending.done():
            yield
        done, self._pending = self._pending, None
        done.result()

    def _name(self) -> None:
        """Make the snapshot durable, let it count, and remove those it replaces."""
        self._disk.sync(TEMPORARY)
        self._disk.rename(TEMPORARY, snapshot_name(self._segment))
        self._disk.sync_directory()
        for number in snapshots(self._disk)[_KEPT:]:
            self._disk.remove(snapshot_name(number))


def snapshots(disk: Disk) -> list[int]:
    """Return the numbers of the snapshots there are, newest first."""
    numbers = (snapshot_number(name) for name in disk.names())
    return sorted((number for number in numbers if number is not None), reverse=True)


def read_snapshot(disk: Disk, segment: int) -> tuple[Fold, int] | Broken:
    """Return a snapshot's fold and the number of the record that follows it, or what is broken."""
    name = snapshot_name(segment)
    broken: list[Broken] = []
    fold: Fold | None = None
    after = 0
    end: int | None = None
    records = read_records(disk, name, 0, disk.size(name), broken.append)
    for expected, record in enumerate(records):
        if record.number != expected or end is not None:
            return Broken(record.offset, "a record is out of its order")
        try:
            if fold is None:
                fold, after = _decode_head(record.body, segment)
            else:
                end = _decode_chunk(record.body, fold)
        except (ValueError, KeyError, TypeError, IndexError):
            return Broken(record.offset, "a record is none of this program's")
    if broken:
        return broken[0]
    if fold is None or end != sum(len(rows) for rows in fold.tables.values()):
        return Broken(disk.size(name), "the end is missing")
    return fold, after


def _encode_head(fold: Fold, segment: int, number: int) -> bytes:
    head = {
        "snapshot": segment,
        "journal": str(fold.journal),
        "number": number,
        "oldest": fold.oldest,
        "sealed": [[n, sealed.end, sealed.at.timestamp()] for n, sealed in fold.sealed.items()],
        "streams": {
            name: {
                "key": key_fields(stream.key),
                "seq": stream.seq,
                "hash": stream.hash,
                "seqs": b64encode(stream.seqs.tobytes()).decode(),
                "places": b64encode(stream.places.tobytes()).decode(),
            }
            for name, stream in fold.streams.items()
        },
        "format": 1,
    }
    return orjson.dumps(head) + b"\n"


def _decode_head(body: bytes, segment: int) -> tuple[Fold, int]:
    head: dict[str, Any] = orjson.loads(body)
    if head["snapshot"] != segment:
        raise ValueError("the snapshot bears another's name")
    fold = Fold(UUID(head["journal"]), oldest=head["oldest"])
    for number, end, at in head["sealed"]:
        fold.sealed[number] = Sealed(end, datetime.fromtimestamp(at, UTC))
    for name, kept in head["streams"].items():
        stream = StreamIndex(key_from(kept["key"]), kept["seq"], kept["hash"])
        fold.streams[name] = stream
        stream.seqs = array("Q", b64decode(kept["seqs"]))
        stream.places = array("Q", b64decode(kept["places"]))
    return fold, head["number"]


def _encode_chunk(table: str, ids: list[int], parts: list[bytes]) -> bytes:
    head = orjson.dumps({"table": table, "ids": ids, "lengths": [len(part) for part in parts]})
    return b"\n".join((head, b"".join(parts)))


def _decode_chunk(body: bytes, fold: Fold) -> int | None:
    """Take in rows; at the end record return how many there must be."""
    line = body.index(b"\n")
    head = orjson.loads(body[:line])
    if "rows" in head:
        return int(head["rows"])
    at = line + 1
    rows: dict[int, bytes | None] = {}
    for doc_id, length in zip(head["ids"], head["lengths"], strict=True):
        rows[doc_id] = body[at : at + length]
        at += length
    fold.tables.setdefault(head["table"], PackedRows()).apply(rows)
    return None
