"""How much of an account's money should sit at which site: pure arithmetic, one question each.

Everything free is spread over the linked sites by where the person is likely to come (the simple
form of "park all": nothing stays idle at the centre, a cut-off site's money is left alone).
"""

from __future__ import annotations

import math
from datetime import timedelta
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from collections.abc import Mapping

#: Money is moved in steps of a hundredth; what is left over goes to the neediest site.
QUANTUM: Final = 10_000
#: A site nobody was seen at still gets so many visits' worth.
PRIOR_VISITS: Final = 0.4
#: A visit counts half after this time.
_NO_TIME: Final = timedelta()
HALF_LIFE: Final = timedelta(days=60)


def park(
    free: int,
    visits: Mapping[str, float],
    here: Mapping[str, int],
    linked: frozenset[str],
    quantum: int = QUANTUM,
) -> dict[str, int]:
    """Say how much more to grant to each linked site.

    Args:
        free: micros at the centre that may be moved; nothing is moved unless positive.
        visits: how often the account was charged at each site, older visits worth less.
        here: micros that sit at each site already.
        linked: the sites that can be reached.
        quantum: grants are whole multiples of it, but for one.

    Returns:
        Positive micros by site. They sum to `free`, or to nothing when no site is linked.
    """
    if free <= 0 or not linked:
        return {}
    weight = {site: max(visits.get(site, 0.0), 0.0) + PRIOR_VISITS for site in sorted(linked)}
    whole = free + sum(max(here.get(site, 0), 0) for site in weight)
    total = sum(weight.values())
    lacking = {
        site: max(0.0, whole * share / total - max(here.get(site, 0), 0))
        for site, share in weight.items()
    }
    scale = sum(lacking.values()) or 1.0
    # floats choose proportions only; the sum is exact because the rest goes to one site
    given = {
        site: min(free, int(free * lack / scale)) // quantum * quantum
        for site, lack in lacking.items()
    }
    neediest = max(lacking, key=lambda site: (lacking[site] - given[site], site))
    given[neediest] += free - sum(given.values())
    return {site: micros for site, micros in given.items() if micros > 0}


def visited(value: float, age: timedelta) -> float:
    """Return a visit counter after one more visit, so long after the last one.

    A clock set back, an age below nothing, forgets nothing.
    """
    return value * math.pow(0.5, max(age, _NO_TIME) / HALF_LIFE) + 1.0
