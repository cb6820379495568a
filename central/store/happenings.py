"""What happened and is in no other table: noted in the transaction that does it, if asked for.

Nothing is written while no subscription wants it: then there is nobody who would take it away.
"""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any, Final

from sqlalchemy import func, insert, select

from central.store.tables import happening, webhook

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from broker.messages import Note
    from central.store.books import Transaction

#: Of what waits here to be told; beyond it alerts are not noted.
MOST: Final = 100_000


def wanted(tx: Transaction) -> frozenset[str]:
    """Return the kinds of events that some subscription asks for."""
    return frozenset(each for kinds in tx.sql.execute(_KINDS).scalars() for each in kinds.split())


def note(
    tx: Transaction,
    kind: str,
    data: Mapping[str, Any],
    *,
    people: Mapping[str, Any] | None = None,
) -> None:
    """Note that something happened, in the transaction that does it, if anybody asks for it.

    Args:
        tx: the transaction.
        kind: of `central.webhooks.kinds`.
        data: what anybody may be told, as JSON's values.
        people: what names people, besides or instead.
    """
    if kind in wanted(tx):
        enter(tx, kind, data, people=people)


def enter(
    tx: Transaction,
    kind: str,
    data: Mapping[str, Any],
    *,
    people: Mapping[str, Any] | None = None,
    webhook: int | None = None,
) -> None:
    """Note it whoever asks for it.

    Args:
        tx: the transaction.
        kind: of event.
        data: what anybody may be told.
        people: what names people.
        webhook: number of the only subscription it is for; None: all.
    """
    values = {
        "id": str(tx.mint()),
        "kind": kind,
        "at": tx.now,
        "data": json.dumps(data),
        "people": json.dumps(people or {}),
        "webhook": webhook,
    }
    tx.sql.execute(_ENTER, values)


def links(tx: Transaction, changes: Mapping[str, bool]) -> None:
    """Note which nodes are heard again, and which no more."""
    kinds = wanted(tx)
    for node, linked in sorted(changes.items()):
        kind = "node.linked" if linked else "node.cut_off"
        if kind in kinds:
            enter(tx, kind, {"node": node, "linked": linked})


def asks_for_alerts(tx: Transaction) -> bool:
    """Say whether alerts are asked for."""
    return not wanted(tx).isdisjoint(_ALERTS)


def alerts(tx: Transaction, raised: Iterable[tuple[str, Note]]) -> bool:
    """Note alerts of nodes, as they were raised or cleared; return whether there was room.

    A node may raise as many as it likes, and a receiver may be away: the books do not grow by it
    without end.
    """
    oldest, newest = tx.sql.execute(_SPAN).one()
    if newest is not None and newest - oldest >= MOST:
        return False
    kinds = wanted(tx)
    for node, told in raised:
        kind = _ALERTS[told.cleared]
        if kind in kinds:
            enter(tx, kind, {"node": node, **told.model_dump(mode="json")})
    return True


_ALERTS: Final = ("alert.raised", "alert.cleared")
# made once: making them takes longer than running them
_SPAN: Final = select(
    select(func.min(happening.c.n)).scalar_subquery(),
    select(func.max(happening.c.n)).scalar_subquery(),
)
_KINDS: Final = select(webhook.c.kinds)
_ENTER: Final = insert(happening)
