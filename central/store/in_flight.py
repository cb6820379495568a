"""What is under way at a site as far as the books know: jobs there, and events not yet told."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Final

from sqlalchemy import func, select, text

from central.store.tables import job, node, stream

if TYPE_CHECKING:
    from central.store.books import Transaction

#: Jobs that are counted; more are as many.
_MOST: Final = 10_000


def jobs_at(tx: Transaction, node_id: str) -> tuple[int, int]:
    """Return how many jobs print at a site, and how many wait there, up to ten thousand of each."""
    return _count(tx, node_id, "processing"), _count(tx, node_id, "pending-held")


def _count(tx: Transaction, node_id: str, state: str) -> int:
    some = (
        select(job.c.n)
        .where(job.c.state == state, text("job.state <> 'completed'"), job.c.node == node_id)
        .limit(_MOST)
        .subquery()
    )
    return int(tx.sql.execute(select(func.count()).select_from(some)).scalar_one())


def untold(tx: Transaction, node_id: str) -> int:
    """Return how many events a node said it had, at its last birth, that have not come yet."""
    row = tx.sql.execute(
        select(node.c.birth, node.c.incarnation).where(node.c.id == node_id)
    ).one_or_none()
    if row is None or row.birth is None or row.incarnation is None:
        return 0
    heads = json.loads(row.birth).get("up", {})
    here = tx.sql.execute(
        select(stream.c.name, stream.c.seq).where(
            stream.c.node == node_id,
            stream.c.direction == "up",
            stream.c.incarnation == row.incarnation,
            stream.c.ours == str(tx.identity.incarnation),
        )
    )
    applied = dict(here.all())
    said = {name: int(head.get("sent", {}).get("seq", 0)) for name, head in heads.items()}
    return sum(max(0, seq - applied.get(name, 0)) for name, seq in said.items())
