"""A node's streams as people look for a fault: sent, taken in, confirmed, waiting, put aside."""

from __future__ import annotations

import json
from collections import defaultdict
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Literal

from sqlalchemy import func, literal_column, select

from central.store import directory
from central.store.tables import event, node, stream

if TYPE_CHECKING:
    from collections.abc import Collection
    from datetime import datetime

    from central.store.books import Transaction


@dataclass(frozen=True, slots=True)
class StreamLine:
    """One stream of a node's journal."""

    direction: Literal["up", "down"]
    """up: the node tells; down: it is told."""
    name: str
    sent: int
    """Up: the last event it said it has, or one that came since. Down: the last one written."""
    applied: int
    """Up: committed here. Down: confirmed by the node."""
    aside: int
    """Up: events that were put aside."""

    @property
    def waiting(self) -> int:
        """Events that the other end does not have, as far as is known."""
        return max(0, self.sent - self.applied)


@dataclass(frozen=True, slots=True)
class Replica:
    """How far a node's copy of the directory goes."""

    there: int
    """The version it had at its last birth; 0: it had none."""
    here: int
    """The version of the books."""
    asked_at: datetime | None
    """Somebody wished that it gets all of it again; None: it was sent."""


@dataclass(frozen=True, slots=True)
class Wired:
    """What a node said of itself at its last birth."""

    streams: tuple[StreamLine, ...]
    replica: Replica | None
    """None: it was never born."""
    wire: int
    """The newest vocabulary it understands."""


def of(tx: Transaction, node_id: str) -> Wired:
    """Return a node's streams with the journal that the books go on with."""
    row = tx.sql.execute(
        select(node.c.birth, node.c.incarnation, node.c.wire, node.c.resync_at).where(
            node.c.id == node_id
        )
    ).one_or_none()
    if row is None or row.incarnation is None:
        return Wired((), None, 0)
    told: dict[str, Any] = json.loads(row.birth) if row.birth else {}
    said = {name: int(heads["sent"]["seq"]) for name, heads in told.get("up", {}).items()}
    put = aside(tx, (node_id,))
    lines = []
    for each in tx.sql.execute(
        select(stream)
        .where(
            stream.c.node == node_id,
            stream.c.incarnation == row.incarnation,
            stream.c.ours == str(tx.identity.incarnation),
        )
        .order_by(stream.c.direction.desc(), stream.c.name.desc())
    ):
        if each.direction == "up":
            sent = max(said.get(each.name, 0), each.seq)
            count = put.get(node_id, {}).get(each.name, 0)
            lines.append(StreamLine("up", each.name, sent, each.seq, count))
        else:
            lines.append(StreamLine("down", each.name, each.seq, each.acked_seq, 0))
    cursor = told.get("directory") or {}
    same = int(cursor.get("epoch", 0)) == tx.identity.epoch
    there = int(cursor.get("n", 0)) if same else 0
    replica = Replica(there, directory.version(tx), row.resync_at)
    return Wired(tuple(lines), replica, row.wire)


def aside(tx: Transaction, node_ids: Collection[str] | None = None) -> dict[str, dict[str, int]]:
    """Return how many events are put aside, by node and stream; of all nodes, or of some."""
    query = (
        select(stream.c.node, stream.c.name, func.count())
        .join(stream, stream.c.id == event.c.stream)
        .where(event.c.state == literal_column("'quarantined'"), stream.c.direction == "up")
        .group_by(stream.c.node, stream.c.name)
    )
    if node_ids is not None:
        query = query.where(stream.c.node.in_(sorted(node_ids)))
    found: defaultdict[str, dict[str, int]] = defaultdict(dict)
    for node_id, name, count in tx.sql.execute(query):
        found[node_id][name] = int(count)
    return dict(found)
