"""How often somebody may try a courier code, and by which clock; pure, the store keeps the tries.

Turning the clock buys nothing: while the edge runs, time goes on by the monotonic clock alone, and
it begins at the wall clock or at the newest try, whichever is later. So a clock set back makes the
wait longer, and one set forward does nothing until the edge is started again.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import TYPE_CHECKING, Final, Literal

if TYPE_CHECKING:
    from collections.abc import Iterable

#: Wrong codes of one person, and of everybody at the site (PROTOCOL 3).
USER_TRIES: Final = 5
USER_WINDOW: Final = timedelta(hours=1)
SITE_TRIES: Final = 50
SITE_WINDOW: Final = timedelta(days=1)


@dataclass(frozen=True, slots=True)
class Try:
    """One code that was tried and was not right, as far as is known."""

    user: str
    """Who, in lower case."""
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

    whose: Literal["user", "site"]
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


def permission(tries: Iterable[Try], user: str, now: datetime) -> Permitted | Wait:
    """Say whether a person may try a code now.

    Args:
        tries: all that are stored; those outside their window do not count.
        user: who, in lower case.
        now: by the steady clock.
    """
    known = sorted(tries, key=lambda each: each.at)
    recent = [each.at for each in known if now - each.at < SITE_WINDOW]
    if len(recent) >= SITE_TRIES:
        return Wait("site", recent[-SITE_TRIES] + SITE_WINDOW - now)
    own = [each.at for each in known if each.user == user and now - each.at < USER_WINDOW]
    if len(own) >= USER_TRIES:
        return Wait("user", own[-USER_TRIES] + USER_WINDOW - now)
    return Permitted(min(USER_TRIES - len(own), SITE_TRIES - len(recent)) - 1)
