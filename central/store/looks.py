"""What operators looked at, at the sites: kept with the acts of the organisation."""

from __future__ import annotations

from typing import TYPE_CHECKING

from central.store import audit

if TYPE_CHECKING:
    from broker.messages import OperatorLooked
    from central.store.books import Transaction


def note(tx: Transaction, node: str, event: OperatorLooked) -> None:
    """Write a look down, under who looked; to whose jobs it was, or to the site of all of them.

    Args:
        tx: a writing transaction.
        node: the site's edge.
        event: what it says.
    """
    detail = {
        "site": node,
        "terminal": event.terminal,
        "looked_at": event.looked_at.isoformat(timespec="seconds"),
    }
    if event.job is not None:
        detail["job"] = str(event.job)
    audit.note(
        tx,
        author=event.user,
        act="jobs listed" if event.job is None else "page looked at",
        target=f"node:{node}" if event.owner is None else f"person:{event.owner.lower()}",
        detail=detail,
    )
