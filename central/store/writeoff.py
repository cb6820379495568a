"""Writing off what sits at a journal that is lost for good, and settling it when it comes back.

People are made whole at once: `loss:writeoff → account`. What was at the edge becomes the house's,
`suspense:NODE`; late charges are paid from it, and what then remains goes back (PROTOCOL 3).
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from sqlalchemy import update

from central.store import audit, closures, ledger, nodes
from central.store.late import LOSS_WRITEOFF, suspense_of
from central.store.ledger import CENTRE, Entry, Line, Refused
from central.store.tables import node, reclaim

if TYPE_CHECKING:
    from central.store.books import Transaction
    from central.store.closures import Closure
    from config.policy.money import Unit


def write_off(tx: Transaction, node_id: str, author: str) -> int:
    """Make people whole for what sits at a lost journal; return how many accounts.

    The journal is closed: it may still tell what it has printed, and is given nothing any more.
    """
    there = nodes.money_at(tx, node_id)
    sums: dict[Unit, int] = {}
    for account, unit, micros in there:
        sums[unit] = sums.get(unit, 0) + micros
        _post(
            tx,
            Entry(tx.mint(), "write-off", reference=node_id, author=author),
            [
                Line(account, node_id, unit, -micros),
                Line(suspense_of(node_id), CENTRE, unit, micros),
                Line(LOSS_WRITEOFF, CENTRE, unit, -micros),
                Line(account, CENTRE, unit, micros),
            ],
        )
    known = nodes.find(tx, node_id)
    if known is not None and known.incarnation is not None:
        at = closures.begin(
            tx, node_id, known.incarnation, "write-off", author=author, remains=sums
        )
        closures.change(tx, at, result={**at.result, "accounts": len(there), "written_off": sums})
    stop_asking(tx, node_id)
    # the lost journal is closed: another one may begin, by a code
    tx.sql.execute(update(node).where(node.c.id == node_id).values(incarnation=None))
    detail = {"accounts": len(there), "micros": sums}
    audit.note(tx, author=author, act="write-off", target=node_id, detail=detail)
    return len(there)


def settle(tx: Transaction, closed: Closure) -> Closure:
    """All that a lost journal had to tell is in: what is left of it is no loss."""
    remains = {unit: micros for unit, micros in closed.remains.items() if micros}
    if remains:
        lines: list[Line] = []
        for unit, micros in remains.items():
            lines.append(Line(suspense_of(closed.node), CENTRE, unit, -micros))
            lines.append(Line(LOSS_WRITEOFF, CENTRE, unit, micros))
        _post(
            tx,
            Entry(tx.mint(), "write-off-end", reference=closed.node, author=tx.identity.node),
            lines,
        )
    result: dict[str, Any] = {**closed.result, "given_back": remains}
    return closures.change(tx, closed, remains={}, result=result)


def stop_asking(tx: Transaction, node_id: str) -> None:
    """Close what a journal was asked to return: it will not, or it does not matter any more."""
    tx.sql.execute(
        update(reclaim)
        .where(reclaim.c.node == node_id, reclaim.c.state == "open")
        .values(state="closed")
    )


def _post(tx: Transaction, what: Entry, lines: list[Line]) -> None:
    posted = ledger.post(tx, what, lines)
    if isinstance(posted, Refused):
        raise ledger.LedgerUnbalanced(posted.reason)
