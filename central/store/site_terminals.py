"""Which terminals sites have and how they are, as their edges told last; never booked on."""

from __future__ import annotations

from typing import TYPE_CHECKING

from sqlalchemy import func, insert, select, update

from broker.messages import SiteTerminals
from central.store.tables import node, site_terminals

if TYPE_CHECKING:
    from central.store.books import Transaction


def put(tx: Transaction, node_id: str, told: SiteTerminals) -> None:
    """Keep what an edge told; of a node that is not known nothing is kept."""
    values = {
        "state": told.model_dump_json(),
        "count": len(told.terminals),
        "off": sum(not each.online for each in told.terminals),
        "at": tx.now,
    }
    done = tx.sql.execute(
        update(site_terminals).where(site_terminals.c.node == node_id).values(values)
    )
    if done.rowcount:
        return
    known = select(func.count()).select_from(node).where(node.c.id == node_id)
    if tx.sql.execute(known).scalar_one():
        tx.sql.execute(insert(site_terminals).values(node=node_id, **values))


def at(tx: Transaction, node_id: str) -> SiteTerminals | None:
    """Return what an edge told last; None: nothing."""
    text = tx.sql.execute(
        select(site_terminals.c.state).where(site_terminals.c.node == node_id)
    ).scalar_one_or_none()
    return None if text is None else SiteTerminals.model_validate_json(text)


def counts(tx: Transaction) -> dict[str, tuple[int, int]]:
    """Return by edge how many terminals its site has, and how many of them are off line."""
    columns = site_terminals.c.node, site_terminals.c["count"], site_terminals.c.off
    return {node_id: (count, off) for node_id, count, off in tx.sql.execute(select(*columns))}
