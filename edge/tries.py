"""How often something secret may be tried, and by which clock; pure, the store keeps the tries.

Turning the clock buys nothing: while the edge runs, time goes on by the monotonic clock alone, and
it begins at the wall clock or at the newest try, whichever is later. So a clock set back makes the
wait longer, and one set forward does nothing until the edge is started again.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import TYPE_CHECKING, Final, Literal

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

#: Wrong codes of one person, and of everybody at the site (PROTOCOL 3).
USER_TRIES: Final = 5
USER_WINDOW: Final = timedelta(hours=1)
SITE_TRIES: Final = 50
SITE_WINDOW: Final = timedelta(days=1)


@dataclass(frozen=True, slots=True)
class Limit:
    """So many tries in so long a time."""

    tries: int
    """At most."""
    window: timedelta
    """Any such time."""


#: The longest window of a PIN or password; tries that are older count nowhere.
PIN_WINDOW: Final = timedelta(days=1)
_OF_ONE: Final = (Limit(5, timedelta(minutes=15)), Limit(20, PIN_WINDOW))
#: Wrong PINs and passwords: 20 a day open a PIN of four digits after 250 days on average. A
#: terminal bears more, for many people stand there.
PIN_LIMITS: Final[Mapping[str, tuple[Limit, ...]]] = {
    "user": _OF_ONE,
    "card": _OF_ONE,
    "terminal": (Limit(20, timedelta(minutes=15)), Limit(200, PIN_WINDOW)),
}


@dataclass(frozen=True, slots=True)
class Try:
    """One code that was tried and was not right, as far as is known."""

    user: str
    """Who, in lower case."""
    at: datetime
    """When, by the steady clock."""


@dataclass(frozen=True, slots=True)
class PinTry:
    """One PIN or password that was tried and was not right, as far as is known."""

    user: str
    """Digest of the name as it was typed, in lower case: people type PINs there by mistake."""
    card: str
    """The card's key; empty without a card."""
    terminal: str
    """Node."""
    at: datetime
    """When, by the steady clock."""


@dataclass(frozen=True, slots=True)
class Permitted:
    """One more try may be made."""

    left: int
    """How many more after it."""


@dataclass(frozen=True, slots=True)
class Wait:
    """No try may be made now."""

    whose: Literal["user", "site", "card", "terminal"]
    """Whose tries are used up."""
    rest: timedelta
    """How long until there is one again."""


class SteadyClock:
    """A time of day that only goes on. Monotonic times are seconds."""

    def __init__(self, wall: datetime, newest: datetime | None, monotonic: float) -> None:
        """Begin.

        Args:
            wall: the time of day as the machine has it.
            newest: the newest try that is stored; its time has been.
            monotonic: the monotonic clock at the same moment.
        """
        self._begin = wall if newest is None else max(wall, newest)
        self._monotonic = monotonic

    def at(self, monotonic: float) -> datetime:
        """Return the time."""
        return self._begin + timedelta(seconds=monotonic - self._monotonic)


def leave(times: Iterable[datetime], limit: Limit, now: datetime) -> int | timedelta:
    """Return how many tries a limit leaves, or how long until it leaves one.

    Args:
        times: of the tries that count towards it; those outside the window do not.
        limit: the limit.
        now: by the steady clock.
    """
    recent = sorted(at for at in times if now - at < limit.window)
    if len(recent) >= limit.tries:
        return recent[-limit.tries] + limit.window - now
    return limit.tries - len(recent)


def permission(tries: Iterable[Try], user: str, now: datetime) -> Permitted | Wait:
    """Say whether a person may try a code now.

    Args:
        tries: all that are stored; those outside their window do not count.
        user: who, in lower case.
        now: by the steady clock.
    """
    known = list(tries)
    site = leave((each.at for each in known), Limit(SITE_TRIES, SITE_WINDOW), now)
    if isinstance(site, timedelta):
        return Wait("site", site)
    times = (each.at for each in known if each.user == user)
    own = leave(times, Limit(USER_TRIES, USER_WINDOW), now)
    if isinstance(own, timedelta):
        return Wait("user", own)
    return Permitted(min(own, site) - 1)


def pin_permission(tries: Iterable[PinTry], asked: PinTry) -> Permitted | Wait:
    """Say whether a PIN or password may be tried now.

    Args:
        tries: all that are stored; those outside their window do not count.
        asked: the try that is to be made: whose, where, when.
    """
    known = list(tries)
    subjects: tuple[tuple[Literal["user", "card", "terminal"], str], ...] = (
        ("user", asked.user),
        ("card", asked.card),
        ("terminal", asked.terminal),
    )
    waits: list[Wait] = []
    left: list[int] = []
    for whose, name in subjects:
        times = [each.at for each in known if name and getattr(each, whose) == name]
        for limit in PIN_LIMITS[whose]:
            found = leave(times, limit, asked.at)
            if isinstance(found, timedelta):
                waits.append(Wait(whose, found))
            else:
                left.append(found)
    if waits:
        return max(waits, key=lambda each: each.rest)
    return Permitted(min(left) - 1)
