"""Figures: whose days they are of, and making their totals anew."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from central.acts.by import By, signed
from central.store import audit, facts
from central.store.ledger import Refused

if TYPE_CHECKING:
    from central.store.books import Transaction


@dataclass(frozen=True, slots=True)
class Anew:
    """The totals are being made anew; the coordinator goes on with it."""

    zone: str
    """Whose days they will be of."""
    entries: int
    """How many entries are read for it."""


def rebuild(tx: Transaction, by: By, *, zone: str | None = None) -> Anew | Refused:
    """Have all totals made anew, by the days of another time zone if one is given."""
    before = facts.mark(tx)
    if zone is not None and not _is_zone(zone):
        return Refused(f"{zone!r} is no time zone such as Europe/Madrid")
    if before.doomed and zone in {None, before.zone}:
        return Refused("they are being made anew already")
    facts.begin_anew(tx, zone)
    after = facts.mark(tx)
    audit.note(
        signed(tx, by),
        author=by.author,
        act="figures rebuild",
        target="figures",
        before={"zone": before.zone},
        after={"zone": after.zone},
    )
    return Anew(after.zone, after.behind)


def _is_zone(name: str) -> bool:
    try:
        ZoneInfo(name)
    except (ZoneInfoNotFoundError, ValueError, OSError):
        return False
    return True
