"""How much of an account's money should sit at which site: pure arithmetic, one question each.

Everything free is parked, chunk by chunk, where it makes most covered jobs likelier; nothing stays
idle at the centre, and a cut-off site's money is left alone.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from datetime import timedelta
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from collections.abc import Mapping

#: Money is moved in steps of a hundredth; what is left over goes along with the last chunk.
QUANTUM: Final = 10_000
_NO_TIME: Final = timedelta()
#: A visit counts half after this time.
HALF_LIFE: Final = timedelta(days=60)
#: Visits' worth of the site where a person is seen most: people go home.
HOME_VISITS: Final = 2.5
#: A site nobody was seen at still gets so many visits' worth, times how popular it is.
PRIOR_VISITS: Final = 0.4
#: Money is placed in chunks: a fortieth of it, and no less than this (or one quantum).
CHUNKS: Final = 40
LEAST_CHUNK: Final = 50_000
#: Money is taken from one site for another only if more than this moves (or one quantum) …
LEAST_MOVE: Final = 40_000
#: … and more than this share of all that may move.
LEAST_SHARE: Final = 0.15
#: What a job costs on average where an account has no history; in `page`, eight of them.
MEAN_COST: Final = 390_000
MEAN_PAGES: Final = 8_000_000
#: So many charges make a history, whose mean then stands for the account's jobs.
ENOUGH_CHARGES: Final = 20
#: Costs are lognormal with this sigma of the logarithm: the median is two thirds of the mean.
_SIGMA: Final = 0.9
#: What is not needed for the next job serves later ones: worth so much for each e-fold of it. A
#: compromise: where every site covers a job, it shares the rest by rates.
_LATER: Final = 0.05


@dataclass(frozen=True, slots=True)
class Habits:
    """Where a person comes and what their jobs cost: all that parking knows of them."""

    visits: Mapping[str, float]
    """How often the account was charged at each site, older visits worth less."""
    popularity: Mapping[str, float] | None = None
    """How busy each site is, the busiest 1.0; None: all alike."""
    mean_cost: int = MEAN_COST
    """Micros of an average job."""

    def rates(self, sites: frozenset[str]) -> dict[str, float]:
        """Return how likely a visit is, site by site, in visits' worth."""
        known = {site: value for site, value in self.visits.items() if value > 0}
        # home is where they are seen most, be it linked or not; ties by name
        home = min(known, key=lambda site: (-known[site], site), default=None)
        popular = self.popularity or {}
        return {
            site: known.get(site, 0.0)
            + (HOME_VISITS if site == home else PRIOR_VISITS * popular.get(site, 1.0))
            for site in sorted(sites)
        }


@dataclass(frozen=True, slots=True)
class Moves:
    """What is to move; positive micros by site."""

    grants: dict[str, int]
    """From the centre; they sum to what was free there."""
    reclaims: dict[str, int]
    """To ask back, to be parked elsewhere when it has come."""


def park(
    free: int,
    visits: Mapping[str, float] | Habits,
    here: Mapping[str, int],
    linked: frozenset[str],
    quantum: int = QUANTUM,
) -> dict[str, int]:
    """Say how much more to grant to each linked site, chunk by chunk where it does most good.

    Args:
        free: micros at the centre that may be moved; nothing is moved unless positive.
        visits: where the person comes, older visits worth less; or all that is known of them.
        here: micros that sit at each site already.
        linked: the sites that can be reached.
        quantum: grants are whole multiples of it, but for one.

    Returns:
        Positive micros by site. They sum to `free`, or to nothing when no site is linked.
    """
    if free <= 0 or not linked:
        return {}
    habits = visits if isinstance(visits, Habits) else Habits(visits)
    have = {site: max(here.get(site, 0), 0) for site in linked}
    return _greedy(free, habits, have, free + sum(have.values()), quantum)


def repark(
    free: int,
    habits: Habits,
    here: Mapping[str, int],
    linked: frozenset[str],
    quantum: int = QUANTUM,
) -> Moves:
    """Say what to grant, and what to ask back because it would do more good elsewhere.

    Arguments as of `park`. Nothing is asked back for little.
    """
    if not linked:
        return Moves({}, {})
    free = max(free, 0)
    have = {site: max(here.get(site, 0), 0) for site in linked}
    whole = free + sum(have.values())
    wanted = _greedy(whole, habits, dict.fromkeys(linked, 0), whole, quantum)
    excess = {
        site: (have[site] - wanted.get(site, 0)) // quantum * quantum for site in sorted(have)
    }
    excess = {site: micros for site, micros in excess.items() if micros > 0}
    moving = sum(excess.values())
    if moving <= max(LEAST_MOVE, LEAST_SHARE * whole) or moving < quantum:
        return Moves(_greedy(free, habits, have, whole, quantum), {})
    # what is free already goes where most is lacking; the rest follows when it has come back
    lacking = {site: max(0, wanted.get(site, 0) - have[site]) for site in sorted(have)}
    rates = habits.rates(linked)
    grants: dict[str, int] = {}
    for site in sorted(lacking, key=lambda site: (-rates[site], site)):
        part = min(lacking[site], free)
        if part > 0:
            grants[site], free = part, free - part
    return Moves(grants, excess)


def park_in_proportion(
    free: int,
    visits: Mapping[str, float],
    here: Mapping[str, int],
    linked: frozenset[str],
    quantum: int = QUANTUM,
) -> dict[str, int]:
    """Say the same as `park` by the simple rule, in proportion to visits: to compare with.

    Arguments and return as of `park`.
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
    return faded(value, age) + 1.0


def faded(value: float, age: timedelta) -> float:
    """Return what a visit counter is worth so long after the last visit."""
    return value * math.pow(0.5, max(age, _NO_TIME) / HALF_LIFE)


def covered(micros: int, mean_cost: int) -> float:
    """Return the probability that so much covers a random job."""
    if micros <= 0:
        return 0.0
    deviations = (math.log(micros / max(mean_cost, 1)) + _SIGMA**2 / 2) / _SIGMA
    return 0.5 * math.erfc(-deviations / math.sqrt(2.0))


def _greedy(
    free: int, habits: Habits, have: Mapping[str, int], whole: int, quantum: int
) -> dict[str, int]:
    """Place `free` on top of what sites have; floats choose the site, integers are moved."""
    if free <= 0:
        return {}
    rates = habits.rates(frozenset(have))
    chunk = max(LEAST_CHUNK, quantum, -(-whole // CHUNKS))
    chunk = -(-chunk // quantum) * quantum
    at = dict(have)
    odd = free % quantum
    left, given = free - odd, dict.fromkeys(rates, 0)
    worth = {site: _worth(rate, at[site], chunk, habits) for site, rate in rates.items()}
    last = max(worth, key=worth.__getitem__)
    while left > 0:
        part = min(chunk, left)
        # the first of equals by name: dictionaries here are in that order
        last = max(worth, key=worth.__getitem__)
        given[last] += part
        at[last] += part
        left -= part
        worth[last] = _worth(rates[last], at[last], chunk, habits)
    given[last] += odd
    return {site: micros for site, micros in given.items() if micros > 0}


def _worth(rate: float, there: int, chunk: int, habits: Habits) -> float:
    """Return what one more chunk is worth at a site."""
    mean = max(habits.mean_cost, 1)
    gain = covered(there + chunk, mean) - covered(there, mean)
    return rate * (gain + _LATER * math.log((there + chunk + mean) / (there + mean)))
