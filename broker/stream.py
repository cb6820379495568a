"""The chain of a stream: its key, hashes and the size of events (PROTOCOL 1); no windows, no I/O.

The sender's end is `stream_outbound`, the receiver's `stream_inbound`; what travels is in
`messages` (Position, Envelope, Batch, Ack).
"""

from __future__ import annotations

from dataclasses import dataclass, field
from hashlib import sha256
from typing import TYPE_CHECKING, Final

from broker.messages import Envelope, Position

if TYPE_CHECKING:
    from uuid import UUID

    from broker.messages import StreamName

#: A batch never holds more events than this (PROTOCOL 1: 20 to 100).
MAX_BATCH_EVENTS: Final = 100
#: Room for the envelopes of one batch; the rest of the 64 KiB message is its frame.
MAX_BATCH_BYTES: Final = 60 * 1024

_SEQ_BYTES: Final = 8
_LENGTH_BYTES: Final = 2
#: JSON of an envelope around its data: names, braces, seq (19 digits), hash, perhaps a digest.
_ENVELOPE_FRAME_BYTES: Final = 210


@dataclass(frozen=True, slots=True)
class StreamKey:
    """What makes a stream this one: a new incarnation of either end is a new stream at seq 1."""

    sender: str
    """Node id of the sender."""
    sender_incarnation: UUID
    """Minted with the sender's journal."""
    receiver: str
    """Node id of the receiver."""
    receiver_incarnation: UUID
    """Minted with the receiver's journal."""
    name: StreamName
    """`ledger` or `jobs`."""
    _encoded: bytes = field(init=False, repr=False, compare=False)

    def __post_init__(self) -> None:
        """Encode once: every event's hash begins with these bytes."""
        parts = (
            self.sender.encode(),
            self.sender_incarnation.bytes,
            self.receiver.encode(),
            self.receiver_incarnation.bytes,
            self.name.encode(),
        )
        encoded = b"".join(len(part).to_bytes(_LENGTH_BYTES, "big") + part for part in parts)
        object.__setattr__(self, "_encoded", encoded)

    def __bytes__(self) -> bytes:
        """Return the five fields in order, each behind its length (2 bytes, big endian)."""
        return self._encoded


def start(key: StreamKey) -> Position:
    """Return the place before the first event: seq 0, SHA-256 of the key."""
    return Position(seq=0, hash=sha256(bytes(key)).hexdigest())


def digest(data: str) -> str:
    """Return the SHA-256 of the data's UTF-8 bytes, 64 lower-case hexadecimal digits."""
    return sha256(data.encode()).hexdigest()


def seal(key: StreamKey, head: Position, data: str) -> Envelope:
    """Return the event that follows `head`; `place(envelope)` is the new head once it is stored."""
    seq = head.seq + 1
    return Envelope(seq=seq, hash=chained(key, seq, head.hash, data.encode()), data=data)


def chained(key: StreamKey, seq: int, previous: str, data: bytes) -> str:
    """Return the hash of event `seq` behind the hash of the event before; `data` as UTF-8."""
    return _link(key, seq, previous, sha256(data).digest())


def follows(key: StreamKey, previous: Position | Envelope, envelope: Envelope) -> bool:
    """Say whether the envelope is the one event that may come right after `previous`.

    Works for an erased event through its digest. False for a gap, for another chain, for changed
    data, and for an event with neither data nor digest.
    """
    if envelope.seq != previous.seq + 1:
        return False
    if envelope.data is not None:
        inner = sha256(envelope.data.encode()).digest()
        if envelope.digest is not None and envelope.digest != inner.hex():
            return False
    elif envelope.digest is not None:
        inner = bytes.fromhex(envelope.digest)
    else:
        return False
    return envelope.hash == _link(key, envelope.seq, previous.hash, inner)


def place(envelope: Envelope) -> Position:
    """Return the position just after this event."""
    return Position(seq=envelope.seq, hash=envelope.hash)


def erased(envelope: Envelope) -> Envelope:
    """Return the event without its data (retention); its digest still proves the chain."""
    if envelope.data is None:
        return envelope
    return Envelope(seq=envelope.seq, hash=envelope.hash, data=None, digest=digest(envelope.data))


def wire_bytes(data: str | None) -> int:
    """Return how many bytes an event takes at most inside a batch, quotes escaped."""
    if data is None:
        return _ENVELOPE_FRAME_BYTES
    escaped = data.count('"') + data.count("\\")
    return _ENVELOPE_FRAME_BYTES + len(data.encode()) + escaped


def _link(key: StreamKey, seq: int, previous: str, inner: bytes) -> str:
    chained = bytes(key) + seq.to_bytes(_SEQ_BYTES, "big") + bytes.fromhex(previous) + inner
    return sha256(chained).hexdigest()
