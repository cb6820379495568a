"""Writing off what sits at a journal that is lost for good."""

from __future__ import annotations

from typing import TYPE_CHECKING

from sqlalchemy import update

from central.store import ledger, nodes
from central.store.ledger import CENTRE, Entry, Line, Refused
from central.store.tables import node, reclaim

if TYPE_CHECKING:
    from central.store.books import Transaction


def write_off(tx: Transaction, node_id: str, author: str) -> int:
    """Make people whole for what sits at a lost journal; return how many accounts.

    What was at the edge becomes `suspense:NODE`, from which charges that turn up later could be
    paid; the same sum goes from `loss:writeoff` to the person (PROTOCOL 3).
    """
    there = nodes.money_at(tx, node_id)
    for account, unit, micros in there:
        posted = ledger.post(
            tx,
            Entry(tx.mint(), "write-off", reference=node_id, author=author),
            [
                Line(account, node_id, unit, -micros),
                Line(f"suspense:{node_id}", CENTRE, unit, micros),
                Line("loss:writeoff", CENTRE, unit, -micros),
                Line(account, CENTRE, unit, micros),
            ],
        )
        if isinstance(posted, Refused):
            raise ledger.LedgerUnbalanced(posted.reason)
    tx.sql.execute(
        update(reclaim)
        .where(reclaim.c.node == node_id, reclaim.c.state == "open")
        .values(state="closed")
    )
    # should the lost journal turn up: it still has this money, so it must not come in by itself
    tx.sql.execute(update(node).where(node.c.id == node_id).values(incarnation=None))
    return len(there)
