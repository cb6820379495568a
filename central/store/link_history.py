"""When nodes were linked and when cut off, for a month: written when it changes, and never else."""

from __future__ import annotations

from datetime import timedelta
from typing import TYPE_CHECKING, Final

from sqlalchemy import delete, insert, select

from central.link_times import Change
from central.store.tables import link_change, node

if TYPE_CHECKING:
    from collections.abc import Mapping
    from datetime import datetime

    from central.store.books import Transaction

#: What is older is forgotten at the next change; a page shows a little less.
KEPT: Final = timedelta(days=32)
#: Changes of one node at most: a line that comes and goes all the time keeps its newest ones.
MOST: Final = 2000


def note(tx: Transaction, changes: Mapping[str, bool]) -> None:
    """Write down who became linked (True) or cut off."""
    for node_id, linked in changes.items():
        _add(tx, node_id, tx.now, linked=linked)
        _forget(tx, node_id)


def lost(tx: Transaction) -> None:
    """Write down that nobody is heard: the coordinator begins, and died while it heard some."""
    heard = tx.sql.execute(
        select(node.c.id, node.c.seen_at).where(node.c.linked, node.c.seen_at.is_not(None))
    ).all()
    for row in heard:
        _add(tx, row.id, row.seen_at, linked=False)


def of(tx: Transaction, node_id: str, since: datetime) -> tuple[Change, ...]:
    """Return a node's changes since a moment, oldest first, after the last one before it."""
    mine = link_change.c.node == node_id
    query = select(link_change.c.at, link_change.c.linked).order_by(
        link_change.c.at.desc(), link_change.c.n.desc()
    )
    rows = list(tx.sql.execute(query.where(mine, link_change.c.at >= since)))
    rows += tx.sql.execute(query.where(mine, link_change.c.at < since).limit(1))
    return tuple(Change(row.at, row.linked) for row in reversed(rows))


def _add(tx: Transaction, node_id: str, at: datetime, *, linked: bool) -> None:
    tx.sql.execute(insert(link_change).values(node=node_id, at=at, linked=linked))


def _forget(tx: Transaction, node_id: str) -> None:
    mine = link_change.c.node == node_id
    tx.sql.execute(delete(link_change).where(mine, link_change.c.at < tx.now - KEPT))
    beyond = tx.sql.execute(
        select(link_change.c.n).where(mine).order_by(link_change.c.n.desc()).offset(MOST).limit(1)
    ).scalar_one_or_none()
    if beyond is not None:
        tx.sql.execute(delete(link_change).where(mine, link_change.c.n <= beyond))
