"""Cards that were entered at a terminal and that the centre has not confirmed yet, pure."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import TYPE_CHECKING, Final, Literal

if TYPE_CHECKING:
    from broker.directory import CardRow
    from config.policy.money import Unit

#: So many cards of one person wait at a time: each has an allowance of its own.
WAITING_MOST: Final = 3
#: A card that nobody has confirmed for so long works no more. Not above the time for which records
#: of jobs are kept: what was spent by a card is added up from them.
WAITING_LONGEST: Final = timedelta(days=30)
#: The centre has it; so long may the directory take to say so.
CONFIRMED_WITHIN: Final = timedelta(minutes=10)


@dataclass(frozen=True, slots=True)
class Allowance:
    """What may be spent by one such card."""

    money: int = 0
    """In any currency, in its micros."""
    pages: int = 0
    """In `page`, in its micros."""

    def in_(self, unit: Unit) -> int:
        """Return what may be spent in a unit, in its micros."""
        return self.pages if unit == "page" else self.money


@dataclass(frozen=True, slots=True)
class Provisional:
    """A card that waits for the centre."""

    card: str
    """Its key in the directory."""
    user: str
    """Whose."""
    by: Literal["pin", "password"]
    """How they showed who they are."""
    at: datetime
    """When, by the edge's clock."""
    seq: int
    """Of the event in the stream of jobs that tells the centre."""
    told_at: datetime | None = None
    """Since when the centre is known to have that event."""


@dataclass(frozen=True, slots=True)
class NotEntered:
    """A card cannot be entered."""

    code: str
    """Stable, for machines."""
    detail: str
    """One sentence for people."""


def entered(
    user: str, row: CardRow | None, waiting: Provisional | None, mine: int, now: datetime
) -> NotEntered | None:
    """Say why a card cannot be a person's, None when it can be, or is already.

    Args:
        user: who holds it to the reader, and has shown who they are.
        row: what the directory says of it.
        waiting: what was said of it here.
        mine: how many of their cards wait.
        now: the moment.
    """
    if row is not None and (trouble := row.trouble(now)) is not None:
        return NotEntered(f"card-{trouble}", f"this card is {trouble}; ask at the desk")
    owner = row.user if row is not None else waiting.user if waiting is not None else None
    if owner is not None and owner.lower() != user.lower():
        return NotEntered("card-used", "this card is somebody else's")
    if owner is None and mine >= WAITING_MOST:
        return NotEntered(
            "too-many-cards", f"{mine} new cards of yours wait for the centre already"
        )
    return None


def over(card: Provisional, now: datetime, *, known: bool, told: int) -> bool:
    """Say whether a card waits no more.

    Args:
        card: as it is kept.
        now: the moment.
        known: the directory says something of it, whatever it says.
        told: how far the centre has the stream of jobs.
    """
    if known or now - card.at >= WAITING_LONGEST:
        return True
    return card.told_at is not None and told >= card.seq and now - card.told_at >= CONFIRMED_WITHIN
