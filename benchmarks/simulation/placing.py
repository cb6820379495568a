"""How money is spread over the sites that can be reached: the production's ways, called slimly."""

from __future__ import annotations

from functools import lru_cache
from typing import TYPE_CHECKING, Final

from central import sizing

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping
    from typing import TypeAlias

    #: (at the centre, habits, money by site, linked sites) → grants by site, micros.
    Placing: TypeAlias = Callable[
        [int, sizing.Habits, Mapping[str, int], frozenset[str]], dict[str, int]
    ]

# remembered, not changed: a year asks the same question a hundred million times
sizing.covered = lru_cache(maxsize=1 << 18)(sizing.covered)

#: A site is quietly asked for an account's money at most this often (`central.store.reclaims`).
QUIET: Final = 600.0


def in_proportion(
    free: int, habits: sizing.Habits, here: Mapping[str, int], linked: frozenset[str]
) -> dict[str, int]:
    """Spread what is at the centre in proportion to visits."""
    return sizing.park_in_proportion(free, habits.visits, here, linked)


def greedily(
    free: int, habits: sizing.Habits, here: Mapping[str, int], linked: frozenset[str]
) -> dict[str, int]:
    """Put it where it makes most covered jobs likelier."""
    return sizing.park(free, habits, here, linked)


def misplaced(
    free: int, habits: sizing.Habits, here: Mapping[str, int], linked: frozenset[str]
) -> dict[str, int]:
    """Return what does more good elsewhere, by the site that should give it back."""
    return sizing.repark(free, habits, here, linked).reclaims if len(linked) > 1 else {}
