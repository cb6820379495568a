"""How often somebody may try to sign in, and when a session ends; pure, the store keeps the state.

Wrong tries are counted for each name and for each address. The first few cost nothing; then each
doubles the wait, up to a bound: a name can be kept waiting by others for so long at most. Time
forgives them one by one. A try is counted before it is checked, so that many at once are no way
around it.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import timedelta
from typing import TYPE_CHECKING, Final, Literal, TypeAlias

if TYPE_CHECKING:
    from datetime import datetime

#: asking: wishes to be let in, of an address; each counts, right or not.
Whose: TypeAlias = Literal["name", "address", "factor", "asking"]

_FIRST_WAIT: Final = timedelta(seconds=2)
#: Whole buildings share an address: guessing there may not keep all of them out.
_LONGEST_WAIT: Final[dict[Whose, timedelta]] = {
    "name": timedelta(minutes=15),
    "address": timedelta(minutes=1),
    "factor": timedelta(minutes=15),
    "asking": timedelta(minutes=15),
}
#: One try is forgiven for each such time without any.
_FORGIVEN: Final[dict[Whose, timedelta]] = {
    "name": timedelta(hours=1),
    "address": timedelta(minutes=1),
    "factor": timedelta(hours=1),
    "asking": timedelta(minutes=1),
}
#: Doublings beyond this make no difference.
_DOUBLINGS: Final = 20
#: Nobody remembers tries that long after the last of them.
FORGET_AFTER: Final = timedelta(hours=24)
#: Tries that cost nothing. Many people share an address behind a router.
FREE: Final[dict[Whose, int]] = {"name": 5, "address": 50, "factor": 5, "asking": 20}


@dataclass(frozen=True, slots=True)
class Tries:
    """What was tried under one name or from one address, and was not right as far as is known."""

    failures: int
    """How many, since the last that was right or since they were forgotten."""
    last_at: datetime
    """When the last was made."""


@dataclass(frozen=True, slots=True)
class Go:
    """A try may be made; `then` is to be kept before it is checked."""

    then: Tries


@dataclass(frozen=True, slots=True)
class Wait:
    """No try may be made now."""

    rest: timedelta
    """How long until one may be."""


def permission(whose: Whose, before: Tries | None, now: datetime) -> Go | Wait:
    """Say whether one more try may be made.

    Args:
        whose: what the tries are counted for.
        before: what is kept of it; None: nothing.
        now: the time. A clock that was set back makes nobody wait longer than the bound.
    """
    if before is None or now - before.last_at >= FORGET_AFTER:
        return Go(Tries(1, now))
    rest = min(before.last_at, now) + wait_after(whose, before.failures) - now
    if rest > timedelta(0):
        return Wait(rest)
    forgiven = max(now - before.last_at, timedelta(0)) // _FORGIVEN[whose]
    return Go(Tries(max(0, before.failures - forgiven) + 1, now))


def wait_after(whose: Whose, failures: int) -> timedelta:
    """Return how long to wait after so many tries in a row that were wrong."""
    beyond = failures - FREE[whose]
    if beyond < 0:
        return timedelta(0)
    return min(_LONGEST_WAIT[whose], _FIRST_WAIT * (1 << min(beyond, _DOUBLINGS)))


# ── sessions ────────────────────────────────────────────────────────────────────────────────


@dataclass(frozen=True, slots=True)
class Habits:
    """How long sessions last."""

    staff_idle: timedelta = timedelta(minutes=30)
    """Of staff, without a page."""
    staff_longest: timedelta = timedelta(hours=12)
    """Of staff, in any case."""
    people_idle: timedelta = timedelta(hours=12)
    """Of everybody else, without a page."""
    people_longest: timedelta = timedelta(hours=24)
    """Of everybody else, in any case."""
    remembered: timedelta = timedelta(days=30)
    """Of somebody else who asked to be remembered, both."""
    half_way: timedelta = timedelta(minutes=10)
    """From the password to the second factor."""


@dataclass(frozen=True, slots=True)
class Lasting:
    """How long one session lasts."""

    idle: timedelta
    """Without a page."""
    longest: timedelta
    """In any case."""


def lasting(habits: Habits, *, staff: bool, remember: bool, half_way: bool) -> Lasting:
    """Return how long a session lasts; judged anew at each request, since roles change."""
    if half_way:
        return Lasting(habits.half_way, habits.half_way)
    if staff:
        return Lasting(habits.staff_idle, habits.staff_longest)
    if remember:
        return Lasting(habits.remembered, habits.remembered)
    return Lasting(habits.people_idle, habits.people_longest)


def over(made_at: datetime, seen_at: datetime, now: datetime, how: Lasting) -> bool:
    """Say whether a session has ended."""
    return now - seen_at >= how.idle or now - made_at >= how.longest
