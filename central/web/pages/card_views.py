"""A card, as its owner and the desk see it on a page."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal

if TYPE_CHECKING:
    from datetime import datetime

    from central.store.cards import Card
    from central.web.pages.visit import Visit


@dataclass(frozen=True, slots=True)
class CardView:
    """A card."""

    key: str
    shown: str
    state: Literal["good", "blocked", "expired"]
    expires_at: datetime | None
    pin: bool
    """The PIN is wanted beside it."""


def view_of(visit: Visit, card: Card) -> CardView:
    """Return a card as it stands now."""
    until = card.row.expires_at
    return CardView(
        card.key,
        card.shown,
        card.row.trouble(visit.centre.clock()) or "good",
        None if until is None else visit.local(until),
        card.row.pin,
    )
