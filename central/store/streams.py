"""Streams as the books keep them: watermarks upwards, sealed events downwards, hashes of both."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final, Literal
from uuid import UUID

from sqlalchemy import bindparam, insert, select, update

from broker.codec import text_of
from broker.messages import Envelope, Message, Opening, Position, StreamName
from broker.stream import StreamKey, place, seal, start
from central.store import recovery
from central.store.bulk import run_all
from central.store.tables import event, node, stream
from config.errors import PrintmeshError

if TYPE_CHECKING:
    from collections.abc import Sequence

    from sqlalchemy import Row

    from central.store.books import Identity, Transaction

Direction = Literal["up", "down"]


class NodeUnborn(PrintmeshError):
    """Something was to be said to a node that has never introduced its journal."""


class NodeAwaited(PrintmeshError):
    """Something was to be said to an edge that has first to hand back what was said before."""


@dataclass(frozen=True, slots=True)
class StreamState:
    """One stream's durable state."""

    id: int
    """Its row."""
    key: StreamKey
    """What makes it this stream."""
    at: Position
    """Up: what was applied. Down: the last event written."""
    acked: Position
    """Down: what the node has confirmed."""


def open_stream(
    tx: Transaction, node_id: str, incarnation: UUID, direction: Direction, name: StreamName
) -> StreamState:
    """Return a stream; a new one begins here (downwards with its Opening)."""
    ours = str(tx.identity.incarnation)
    which = {"node": node_id, "direction": direction, "incarnation": str(incarnation)}
    row = tx.sql.execute(_STREAM, which | {"ours": ours, "name": name}).one_or_none()
    if row is not None:
        return state_of(row, tx.identity)
    key = _key(tx.identity, node_id, incarnation, direction, name)
    first = start(key)
    values: dict[str, Any] = {
        "node": node_id,
        "direction": direction,
        "incarnation": str(incarnation),
        "ours": ours,
        "name": name,
        "seq": first.seq,
        "hash": first.hash,
        "acked_seq": first.seq,
        "acked_hash": first.hash,
    }
    id_ = tx.sql.execute(insert(stream).values(**values).returning(stream.c.id)).scalar_one()
    state = StreamState(id_, key, first, first)
    return state if direction == "up" else _write(tx, state, [Opening()])


# statements that do not change are made once: making one takes longer than running it
#: What a stream is known by.
_WHICH: Final = ("node", "direction", "incarnation", "ours", "name")
_JOURNAL: Final = select(node.c.incarnation).where(node.c.id == bindparam("id"))
_EVENT: Final = insert(event)
_STREAM: Final = select(stream).where(*(stream.c[each] == bindparam(each) for each in _WHICH))


def find(tx: Transaction, stream_id: int) -> StreamState:
    """Return a stream that is known to be there."""
    row = tx.sql.execute(select(stream).where(stream.c.id == stream_id)).one()
    return state_of(row, tx.identity)


def append(tx: Transaction, node_id: str, messages: Sequence[Message]) -> StreamState:
    """Write events to a node's ledger stream, sealed; they are sent after the commit.

    Raises:
        NodeUnborn: the node has no accepted journal to send them to.
    """
    known = tx.sql.execute(_JOURNAL, {"id": node_id}).scalar()
    if known is None:
        raise NodeUnborn(f"{node_id} has not introduced itself yet: nothing can be sent to it")
    if recovery.awaited(tx, node_id):
        raise NodeAwaited(
            f"{node_id} has not told yet what these restored books have forgotten: nothing can be "
            "sent to it"
        )
    state = open_stream(tx, node_id, UUID(known), "down", "ledger")
    return _write(tx, state, messages)


def envelopes(tx: Transaction, stream_id: int, first: int, last: int) -> list[Envelope]:
    """Return events first to last of a stream, as far as they are there."""
    rows = tx.sql.execute(_EVENTS, {"of": stream_id, "first": first, "last": last})
    return [Envelope(seq=r.seq, hash=r.hash, data=r.data, digest=r.digest) for r in rows]


_EVENTS: Final = (
    select(event.c.seq, event.c.hash, event.c.data, event.c.digest)
    .where(
        event.c.stream == bindparam("of"),
        event.c.seq.between(bindparam("first"), bindparam("last")),
    )
    .order_by(event.c.seq)
)


def hash_at(tx: Transaction, stream_id: int, seq: int) -> str | None:
    """Return the chain's hash at a place, None where nothing is kept."""
    return tx.sql.execute(
        select(event.c.hash).where(event.c.stream == stream_id, event.c.seq == seq)
    ).scalar_one_or_none()


def advance(tx: Transaction, state: StreamState, to: Position) -> None:
    """Store how far a stream goes: the watermark upwards, the head downwards."""
    row = {"id_": state.id, "before": state.at.seq, "seq": to.seq, "hash": to.hash}
    if run_all(tx, _ADVANCE, [row]) != 1:
        raise StreamMoved(f"stream {state.id} is no longer at {state.at.seq}")


_ADVANCE = (
    update(stream)
    .where(stream.c.id == bindparam("id_"), stream.c.seq == bindparam("before"))
    .values(seq=bindparam("seq"), hash=bindparam("hash"))
)


def acknowledged(tx: Transaction, stream_id: int, upto: Position) -> None:
    """Store what a node has confirmed of its down stream."""
    tx.sql.execute(_ACKED, {"id_": stream_id, "upto": upto.seq, "at": upto.hash})


_ACKED: Final = (
    update(stream)
    .where(stream.c.id == bindparam("id_"))
    .values(acked_seq=bindparam("upto"), acked_hash=bindparam("at"))
)


def state_of(row: Row[Any], identity: Identity) -> StreamState:
    """Return a row of the stream table as a value."""
    return StreamState(
        row.id,
        _key(identity, row.node, UUID(row.incarnation), row.direction, row.name),
        Position(seq=row.seq, hash=row.hash),
        Position(seq=row.acked_seq, hash=row.acked_hash),
    )


class StreamMoved(PrintmeshError):
    """Somebody else advanced the stream since it was read: read it again."""


def _key(
    identity: Identity, node_id: str, incarnation: UUID, direction: Direction, name: StreamName
) -> StreamKey:
    if direction == "up":
        return StreamKey(node_id, incarnation, identity.node, identity.incarnation, name)
    return StreamKey(identity.node, identity.incarnation, node_id, incarnation, name)


def _write(tx: Transaction, state: StreamState, messages: Sequence[Message]) -> StreamState:
    head, rows = state.at, []
    for message in messages:
        text = text_of(message, source=tx.identity.node, id_=tx.mint(), now=tx.now)
        sealed = seal(state.key, head, text)
        head = place(sealed)
        rows.append(
            {
                "stream": state.id,
                "seq": sealed.seq,
                "hash": sealed.hash,
                "data": text,
                "digest": None,
                "type": message.TYPE,
                "state": "sent",
                "reason": "",
                "at": tx.now,
            }
        )
    if rows:
        tx.sql.execute(_EVENT, rows)
        advance(tx, state, head)
    return StreamState(state.id, state.key, head, state.acked)
