"""Cards: given to people, blocked, taken away."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from central.acts.people import find
from central.store import cards
from central.store.ledger import Refused

if TYPE_CHECKING:
    from collections.abc import Callable
    from datetime import datetime

    from central.acts.by import By
    from central.store.books import Transaction
    from central.store.cards import Card

#: What a terminal sends at most.
LONGEST: Final = 255


def number(text: str) -> str | Refused:
    """Return a card's number as a reader gives it."""
    given = text.strip()
    if not 0 < len(given) <= LONGEST or "\0" in given:
        return Refused(f"a card number is needed, as the reader gives it, of up to {LONGEST} signs")
    return given


def by_number(tx: Transaction, text: str) -> Card | Refused:
    """Return a card by its number."""
    given = number(text)
    if isinstance(given, Refused):
        return given
    return cards.by_number(tx, given) or Refused(cards.NO_CARD)


def give(
    tx: Transaction,
    by: By,
    user: str,
    text: str,
    *,
    expires_at: datetime | None = None,
    lasting: bool = False,
    dice: Callable[[int], bytes],
) -> Card | Refused:
    """Give a card to a person, beside those they have; only a digest of its number is kept.

    Args:
        tx: the transaction.
        by: who does it.
        user: whose it is to be.
        text: its number, as a reader gives it.
        expires_at: it identifies nobody from then on; None leaves what was said before.
        lasting: it is good for ever, whatever was said before.
        dice: makes the organisation's card key where there is none yet.
    """
    given = number(text)
    if isinstance(given, Refused):
        return given
    owner = find(tx, user)
    if isinstance(owner, Refused):
        return owner
    if expires_at is not None and expires_at <= tx.now:
        return Refused("that day is over; the card would identify nobody")
    cards.begin_key(tx, dice)
    return cards.give(
        tx, given, owner.name, expires_at=expires_at, lasting=lasting, author=by.author
    )


def block(tx: Transaction, by: By, card: Card, *, reason: str = "") -> Card | Refused:
    """Block a lost card: it identifies nobody, and nobody can enter it as theirs."""
    if card.row.blocked:
        return Refused("that card is blocked already")
    return cards.block(tx, card, reason=reason.strip(), author=by.author)


def block_all(tx: Transaction, by: By, user: str, *, reason: str = "") -> list[Card] | Refused:
    """Block every card that a person has."""
    owner = find(tx, user)
    if isinstance(owner, Refused):
        return owner
    found = [card for card in cards.every(tx, owner.name) if not card.row.blocked]
    if not found:
        return Refused(f"{owner.name} has no card that is not blocked")
    return [cards.block(tx, card, reason=reason.strip(), author=by.author) for card in found]


def unblock(tx: Transaction, by: By, card: Card) -> Card | Refused:
    """Let a card that was found again identify its owner."""
    if not card.row.blocked:
        return Refused("that card is not blocked")
    owner = find(tx, card.row.user)
    if isinstance(owner, Refused):
        return owner
    return cards.unblock(tx, card, author=by.author)


def want_pin(tx: Transaction, by: By, card: Card, *, wanted: bool) -> Card | Refused:
    """Have the PIN wanted beside a card at every site, or only where the site wants it."""
    owner = find(tx, card.row.user)
    if isinstance(owner, Refused):
        return owner
    if wanted and not owner.pin:
        return Refused(f"{owner.name} has no PIN and could not sign in; `pin set` one first")
    return cards.want_pin(tx, card, wanted=wanted, author=by.author)


def remove(tx: Transaction, by: By, card: Card) -> Refused | None:
    """Forget a card; sites hear of it at once. A lost one is better blocked."""
    return cards.remove(tx, card, author=by.author)
