"""For how many days a supply lasts, by its use over recent weeks; pure."""

from __future__ import annotations

from collections.abc import Mapping
from itertools import pairwise
from typing import TYPE_CHECKING, Final, TypeAlias

if TYPE_CHECKING:
    from collections.abc import Iterable
    from datetime import date

    from broker.messages import Supply

#: By key of the supply: days (proleptic ordinals) with the last level of each, oldest first.
Use: TypeAlias = Mapping[str, tuple[tuple[int, int], ...]]

#: Days that are remembered.
DAYS: Final = 28
#: With less than this nobody knows the use: days, and percent used in them.
_FEWEST_DAYS: Final = 3
_LEAST_USED: Final = 3
_LONGEST: Final = 3650
#: Supplies of one machine that are remembered.
_MOST: Final = 32


def noted(use: Use, supplies: Iterable[Supply], today: date) -> Use:
    """Return the use with today's levels; the same object when nothing is new."""
    day = today.toordinal()
    after: dict[str, tuple[tuple[int, int], ...]] = dict(use)
    for each in supplies:
        if each.level is None:
            continue
        known = after.get(each.key, ())
        if known and known[-1] == (day, each.level):
            continue
        # a clock that was set back takes away the days that have not come yet
        earlier = tuple(it for it in known if day - DAYS < it[0] < day)
        after[each.key] = (*earlier, (day, each.level))
    while len(after) > _MOST:
        after.pop(min(after, key=lambda key: after[key][-1][0]))
    return use if after == use else after


def days_left(use: Use, supplies: Iterable[Supply]) -> dict[str, int]:
    """Return for how many days each supply lasts, as far as its use is known, by key."""
    found: dict[str, int] = {}
    for each in supplies:
        days = _days(use.get(each.key, ()), each.level)
        if days is not None:
            found[each.key] = days
    return found


def _days(known: tuple[tuple[int, int], ...], level: int | None) -> int | None:
    if level is None or len(known) < 2:  # noqa: PLR2004  a difference needs two
        return None
    passed = known[-1][0] - known[0][0]
    # a level that rises was filled up; what was used that day is not known
    used = sum(max(0, before - after) for (_, before), (_, after) in pairwise(known))
    if passed < _FEWEST_DAYS or used < _LEAST_USED:
        return None
    return min(level * passed // used, _LONGEST)
