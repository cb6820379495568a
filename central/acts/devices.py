"""Devices: what people have done to them from the centre."""

from __future__ import annotations

from datetime import timedelta
from typing import TYPE_CHECKING, Final

from central.acts.by import By, signed
from central.presence import is_linked
from central.store import audit, commands, nodes
from central.store.ledger import Refused

if TYPE_CHECKING:
    from central.store.books import Transaction
    from central.store.meters import Place

#: An edge that does not read in this time is asked again by people.
_PATIENCE: Final = timedelta(seconds=60)


def read_meters(tx: Transaction, by: By, place: Place) -> Refused | None:
    """Have a device's meters read now; what was counted since the last time is compared."""
    known = nodes.find(tx, place.node)
    if known is None or not is_linked(linked=known.linked, seen_at=known.seen_at, now=tx.now):
        return Refused(f"{place.node} is not linked: it cannot be asked")
    args = {"device": place.device}
    commands.order(tx, place.node, "read-meters", args, tx.now + _PATIENCE)
    audit.note(signed(tx, by), author=by.author, act="device read", target=str(place), detail={})
    return None
