"""Cards that people entered at terminals: the directory takes them, or says why not."""

from __future__ import annotations

from typing import TYPE_CHECKING

from broker.directory import CardRow, UserRow, keyed_digest
from central.store import audit, cards, directory
from central.store.ledger import Refused

if TYPE_CHECKING:
    from broker.messages import CardEnrolled
    from central.store.books import Transaction


def enrol(tx: Transaction, node: str, event: CardEnrolled) -> Refused | None:
    """Give a card to the person who entered it at a site; theirs already, nothing is done.

    Refused, the event is quarantined and its site withdraws the card.

    Args:
        tx: a writing transaction.
        node: the site's edge.
        event: what it says.
    """
    names, key = [event.card], cards.key_in_force(tx)
    if key is not None:
        # a site that had not heard of the key made the older digest
        names.append(keyed_digest(event.card, key))
    found = [card for name in names if (card := cards.by_key(tx, name)) is not None]
    for card in found:
        if card.row.blocked:
            return Refused("that card is blocked")
        if card.row.user.lower() != event.user.lower():
            return Refused(f"that card belongs to {card.row.user}")
    if found:
        return None
    row = directory.get(tx, "user", event.user.lower())
    person = None if row is None else UserRow.model_validate(row)
    if person is None:
        return Refused(f"nobody is called {event.user} any more")
    if not person.enabled:
        return Refused(f"{person.name} is disabled")
    directory.put(tx, "card", event.card, CardRow(user=person.name))
    detail = {
        "card": event.card[: cards.SHOWN],
        "terminal": event.terminal,
        "by": event.by,
        "entered_at": event.enrolled_at.isoformat(timespec="seconds"),
    }
    audit.note(tx, author=node, act="card enrolled", target=f"person:{person.name}", detail=detail)
    return None
