"""Figures of the books for monitoring: a few small questions, none that reads the whole."""

from __future__ import annotations

import json
from collections import Counter
from typing import TYPE_CHECKING, Any

from sqlalchemy import func, select

from broker.exporters.figures import MoneyFigures, SiteFigures
from central.store.exposure import exposure
from central.store.tables import entry, event, node, stream

if TYPE_CHECKING:
    from central.store.books import Transaction


def entries(tx: Transaction) -> int:
    """Return how many entries the ledger has: the number of the last."""
    return tx.sql.execute(select(func.max(entry.c.n))).scalar_one() or 0


def quarantined(tx: Transaction) -> int:
    """Return how many events are put aside, by their index."""
    query = select(func.count()).select_from(event).where(event.c.state == "quarantined")
    return tx.sql.execute(query).scalar_one()


def states(tx: Transaction) -> dict[str, int]:
    """Return how many edges are active, parked and frozen."""
    rows = tx.sql.execute(select(node.c.state).where(node.c.kind == "edge")).scalars()
    return {"active": 0, "parked": 0, "frozen": 0} | Counter(rows)


def sites(tx: Transaction) -> tuple[SiteFigures, ...]:
    """Return each edge: whether it is heard, and what it had that is not committed here."""
    committed: dict[tuple[str, str], int] = {}
    rows = tx.sql.execute(
        select(stream.c.node, stream.c.name, stream.c.seq)
        .join(node, (node.c.id == stream.c.node) & (node.c.incarnation == stream.c.incarnation))
        .where(stream.c.direction == "up", stream.c.ours == str(tx.identity.incarnation))
    )
    for node_id, name, seq in rows:
        committed[node_id, name] = seq
    edges = tx.sql.execute(
        select(node.c.id, node.c.linked, node.c.birth)
        .where(node.c.kind == "edge")
        .order_by(node.c.id)
    )
    return tuple(
        SiteFigures(
            node_id,
            linked,
            sum(max(0, sent - committed.get((node_id, name), 0)) for name, sent in _sent(birth)),
        )
        for node_id, linked, birth in edges
    )


def money(tx: Transaction) -> dict[str, MoneyFigures]:
    """Return exposure over all sites, by unit."""
    return {
        unit: MoneyFigures(each.allocated, each.owed, each.quarantined, each.more)
        for unit, each in exposure(tx).units.items()
    }


def _sent(birth: str | None) -> list[tuple[str, int]]:
    """Return the heads of a birth's streams up."""
    told: dict[str, Any] = json.loads(birth) if birth else {}
    return [(name, heads["sent"]["seq"]) for name, heads in told.get("up", {}).items()]
