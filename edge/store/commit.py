"""What one record of the journal says, and how it is written: rows changed, events appended.

The body is one line of JSON (who, how long), then the rows' and events' own bytes in that order,
so that a row or an event is cut out of it without being decoded.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any, NamedTuple
from uuid import UUID

import orjson

from broker.messages import Position
from broker.stream import StreamKey

if TYPE_CHECKING:
    from collections.abc import Iterator

_GONE = -1


class StoredEvent(NamedTuple):
    """One event of one stream as the journal keeps it."""

    stream: str
    seq: int
    hash: str
    data: bytes | None
    """UTF-8 of the sender's exact text; none when it reached us erased."""
    digest: str | None = None
    """SHA-256 of the data, when erased."""


@dataclass(slots=True)
class Commit:
    """One durable transaction."""

    rows: dict[str, dict[int, bytes | None]] = field(default_factory=dict)
    """Table → document id → its JSON, or none when deleted."""
    events: list[StoredEvent] = field(default_factory=list)
    """In the order of their seq, per stream."""
    opened: dict[str, tuple[StreamKey, Position]] = field(default_factory=dict)
    """Streams that begin here: name → key and the place they begin after."""
    dropped: list[str] = field(default_factory=list)
    """Tables that cease to exist, before `rows` apply."""
    oldest: int | None = None
    """Segments before this one may be gone."""

    def __bool__(self) -> bool:
        """Say whether there is anything to write."""
        if self.events or self.opened or self.dropped or self.oldest is not None:
            return True
        return any(self.rows.values())


@dataclass(frozen=True, slots=True)
class SegmentStart:
    """The first record of every segment."""

    segment: int
    """Its number, as in its file name."""
    journal: UUID
    """The incarnation: minted with the journal."""
    previous_end: int
    """Where the segment before ends; what stands behind that was never acknowledged."""
    at: datetime
    """When the segment before stopped growing."""


def encode(commit: Commit) -> bytes:
    """Return the body of a transaction's record."""
    head: dict[str, Any] = {}
    parts: list[bytes] = [b"", b"\n"]
    if commit.rows:
        head["t"] = [_encode_table(table, rows, parts) for table, rows in commit.rows.items()]
    if commit.events:
        events: list[tuple[object, ...]] = []
        for stream, seq, sealed, data, digest in commit.events:
            if data is None:
                events.append((stream, seq, sealed, _GONE, digest))
            else:
                events.append((stream, seq, sealed, len(data)))
                parts.append(data)
        head["e"] = events
    if commit.opened:
        head["o"] = [
            [name, key_fields(key), place.seq, place.hash]
            for name, (key, place) in commit.opened.items()
        ]
    if commit.dropped:
        head["d"] = commit.dropped
    if commit.oldest is not None:
        head["p"] = commit.oldest
    parts[0] = orjson.dumps(head)
    # A record ends in no zero, whatever a peer's text ends in: zeros are room (Disk.size).
    parts.append(b"\n")
    return b"".join(parts)


def decode(body: bytes) -> Commit | SegmentStart:
    """Read a body back.

    Raises:
        ValueError: the body is none of ours.
    """
    try:
        line = body.index(b"\n")
        head = orjson.loads(body[:line])
        if "segment" in head:
            return SegmentStart(
                segment=head["segment"],
                journal=UUID(head["journal"]),
                previous_end=head["previous_end"],
                at=datetime.fromtimestamp(head["at"], UTC),
            )
        return _decode_commit(head, body, line + 1)
    except (KeyError, TypeError, IndexError) as error:
        raise ValueError("the record is none of this program's") from error


def encode_start(start: SegmentStart) -> bytes:
    """Return the body of a segment's first record."""
    head = {
        "segment": start.segment,
        "journal": str(start.journal),
        "previous_end": start.previous_end,
        "at": start.at.timestamp(),
        "format": 1,
    }
    return orjson.dumps(head) + b"\n"


def events_of(body: bytes, stream: str) -> Iterator[StoredEvent]:
    """Yield one stream's events, cutting out nothing else."""
    line = body.index(b"\n")
    if b'"e":' not in body[:line]:
        return
    head = orjson.loads(body[:line])
    at = line + 1
    for _, _, lengths in head.get("t", ()):
        at += sum(length for length in lengths if length > 0)
    for event in _events(head, body, at):
        if event.stream == stream:
            yield event


def key_fields(key: StreamKey) -> list[str]:
    """Return a stream key as JSON can hold it."""
    return [
        key.sender,
        str(key.sender_incarnation),
        key.receiver,
        str(key.receiver_incarnation),
        key.name,
    ]


def key_from(fields: list[Any]) -> StreamKey:
    """Read a stream key back."""
    sender, sender_incarnation, receiver, receiver_incarnation, name = fields
    return StreamKey(sender, UUID(sender_incarnation), receiver, UUID(receiver_incarnation), name)


def _encode_table(
    table: str, rows: dict[int, bytes | None], parts: list[bytes]
) -> tuple[str, list[int], list[int]]:
    """Return what the head says of one table's rows, and add their bytes to the parts."""
    lengths: list[int] = []
    for row in rows.values():
        if row is None:
            lengths.append(_GONE)
        else:
            lengths.append(len(row))
            parts.append(row)
    return table, list(rows), lengths


def _decode_commit(head: dict[str, Any], body: bytes, at: int) -> Commit:
    commit = Commit(dropped=head.get("d", []), oldest=head.get("p"))
    for table, ids, lengths in head.get("t", ()):
        rows: dict[int, bytes | None] = {}
        for doc_id, length in zip(ids, lengths, strict=True):
            if length == _GONE:
                rows[doc_id] = None
            else:
                rows[doc_id] = body[at : at + length]
                at += length
        commit.rows[table] = rows
    commit.events = list(_events(head, body, at))
    for name, fields, seq, digest in head.get("o", ()):
        commit.opened[name] = (key_from(fields), Position(seq=seq, hash=digest))
    return commit


def _events(head: dict[str, Any], body: bytes, at: int) -> Iterator[StoredEvent]:
    for stream, seq, digest, length, *erased in head.get("e", ()):
        if length == _GONE:
            yield StoredEvent(stream, seq, digest, None, erased[0])
        else:
            yield StoredEvent(stream, seq, digest, body[at : at + length])
            at += length
