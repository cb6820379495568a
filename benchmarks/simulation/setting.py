"""The world that is simulated: people, their visits, what they print, and when sites are cut off.

Everything is drawn from the seed alone, never from what a policy does: policies are compared on
the same year. Money is integer micros, time is seconds since Monday 00:00 of the first week.
"""

from __future__ import annotations

import math
import random
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Final, NamedTuple

if TYPE_CHECKING:
    from collections.abc import Iterator

MINUTE: Final = 60.0
HOUR: Final = 3600.0
DAY: Final = 86_400.0
YEAR_DAYS: Final = 364
CENT: Final = 10_000
EURO: Final = 1_000_000

#: Jobs of a person on a working day, in the mean and its spread (lognormal).
_JOBS_MEAN, _JOBS_SIGMA = 0.75, 0.8
#: A job's price in euros: lognormal, cut to its bounds; the mean is 0.39.
_COST_MEAN, _COST_SIGMA = 0.39, 0.9
_COST_LOW, _COST_HIGH = 0.05, 5.00
#: P(home) is Beta around 0.85.
_HOME_ALPHA, _HOME_BETA = 17.0, 3.0
_SECOND_SHARE = 2 / 3
_STAYS = 0.7
_MOVES = 0.15
#: Outages: lognormal with a median of 20 minutes and a 95th percentile of 8 hours; those of more
#: than a day are counted among the long ones, so this kind ends there.
_CUT_MU, _CUT_SIGMA = math.log(20 * MINUTE), math.log(24) / 1.645
#: After topping up so many try again in a quarter of an hour, the others another day. Chosen so
#: that clairvoyant placement comes to the 0.948 of the study this setting is taken from.
_TRIES_AGAIN = 1 / 8
#: Euros; so drawn, a fifth of all balances is below 1.00.
_TOP_UPS = (1, 1, 2, 2, 5)
_WORKING_DAYS = 5
_OPEN, _CLOSE = 8 * HOUR, 20 * HOUR


class Print(NamedTuple):
    """Somebody wants to print; what they would do about a refusal is drawn beforehand."""

    at: float
    person: int
    site: int
    cost: int
    """Micros."""
    top_up: int
    """Micros that they would put on their account, if it is too little in all."""
    again: float
    """Seconds until they would try once more after that; 0: they come another day."""


class Change(NamedTuple):
    """A line goes or comes back."""

    at: float
    place: int
    """A site, or -1 for the centre's own line."""
    up: bool


@dataclass(slots=True)
class Person:
    """Somebody who prints."""

    near_zero: bool
    """Tops up only after a refusal; the others in good time."""
    opening: int
    """Micros to begin with."""
    refill_below: int
    refill: int
    courier: float
    """Draw in 0..1: able to be a courier if it is below the policy's share."""
    rate: float
    """Jobs on a working day."""
    moves_on: int
    """The day of a move to another home; past the year: none."""
    homes: tuple[tuple[float, ...], tuple[float, ...]]
    """Where they print, as cumulative probabilities, before and after the move."""
    dice: random.Random = field(repr=False)


@dataclass(frozen=True, slots=True)
class Setting:
    """How big the world is."""

    sites: int = 5
    people: int = 3000
    days: int = YEAR_DAYS

    @property
    def names(self) -> tuple[str, ...]:
        """Node ids of the sites, the most popular first."""
        return tuple(f"site-{number:02}" for number in range(self.sites))

    @property
    def popularity(self) -> tuple[float, ...]:
        """Share of people at home at each site."""
        weights = [1 / (place + 1) ** 0.7 for place in range(self.sites)]
        return tuple(weight / sum(weights) for weight in weights)


def dice_of(seed: int, *path: object) -> random.Random:
    """Return the dice of one thing in one world: the same whoever else throws."""
    return random.Random(f"{seed}/{'/'.join(map(str, path))}")  # noqa: S311  a simulation


def people(setting: Setting, seed: int) -> list[Person]:
    """Return everybody, as the year begins."""
    return [_person(setting, dice_of(seed, "person", number)) for number in range(setting.people)]


def outages(setting: Setting, seed: int) -> list[Change]:
    """Return when lines go and come back, in order; the centre's own line is place -1."""
    changes: list[Change] = []
    end = setting.days * DAY
    for place in range(-1, setting.sites):
        dice = dice_of(seed, "outages", place)
        spans = list(_short_cuts(dice, end, 30.0 if place >= 0 else 60.0))
        if place >= 0:
            for half in range(2):
                begin = (half + dice.random()) * end / 2
                spans.append((begin, begin + dice.uniform(1, 4) * DAY))
        for begin, until in _joined(spans):
            changes += (Change(begin, place, up=False), Change(until, place, up=True))
    return sorted(change for change in changes if change.at < end)


def prints_of_day(everybody: list[Person], day: int) -> list[Print]:
    """Return what everybody wants to print on a day, in order; to be called day by day."""
    if day % 7 >= _WORKING_DAYS:
        return []
    wanted: list[Print] = []
    for number, person in enumerate(everybody):
        dice = person.dice
        count = _poisson(dice, person.rate)
        if not count:
            continue
        places = person.homes[day >= person.moves_on]
        site = _drawn(dice, places)
        for at in sorted(dice.uniform(_OPEN, _CLOSE) for _ in range(count)):
            if dice.random() >= _STAYS:
                site = _drawn(dice, places)
            top_up = dice.choice(_TOP_UPS) * EURO
            again = dice.uniform(2, 15) * MINUTE if dice.random() < _TRIES_AGAIN else 0.0
            wanted.append(Print(day * DAY + at, number, site, _cost(dice), top_up, again))
    wanted.sort()
    return wanted


def _person(setting: Setting, dice: random.Random) -> Person:
    near_zero = dice.random() < 1 / 2
    home = _drawn(dice, _cumulative(setting.popularity))
    at_home = dice.betavariate(_HOME_ALPHA, _HOME_BETA)
    next_home = _elsewhere(setting, dice, {home})
    moves_on = dice.randrange(setting.days) if dice.random() < _MOVES else setting.days
    mu = math.log(_JOBS_MEAN) - _JOBS_SIGMA**2 / 2
    return Person(
        near_zero=near_zero,
        opening=round(dice.uniform(0, 2) if near_zero else dice.uniform(3, 20)) * EURO,
        refill_below=0 if near_zero else dice.choice((2, 3, 5)) * EURO,
        refill=dice.choice((10, 20)) * EURO,
        courier=dice.random(),
        rate=dice.lognormvariate(mu, _JOBS_SIGMA),
        moves_on=moves_on,
        homes=(
            _places(setting, dice, home, at_home),
            _places(setting, dice, home if next_home is None else next_home, at_home),
        ),
        dice=dice,
    )


def _places(setting: Setting, dice: random.Random, home: int, at_home: float) -> tuple[float, ...]:
    """Return cumulative probabilities of a person's sites: home, one second site, the rest."""
    shares = [0.0] * setting.sites
    second = _elsewhere(setting, dice, {home})
    if second is None:
        return _cumulative([1.0])
    shares[home] = at_home
    rest = {
        place: share
        for place, share in enumerate(setting.popularity)
        if place not in {home, second}
    }
    to_second = 1 - at_home if not rest else (1 - at_home) * _SECOND_SHARE
    shares[second] = to_second
    for place, share in rest.items():
        shares[place] = (1 - at_home - to_second) * share / sum(rest.values())
    return _cumulative(shares)


def _elsewhere(setting: Setting, dice: random.Random, without: set[int]) -> int | None:
    weights = [0.0 if place in without else share for place, share in enumerate(setting.popularity)]
    if not sum(weights):
        return None
    return dice.choices(range(setting.sites), weights)[0]


def _cumulative(shares: tuple[float, ...] | list[float]) -> tuple[float, ...]:
    total, found = 0.0, []
    for share in shares:
        total += share
        found.append(total)
    return tuple(found)


def _drawn(dice: random.Random, cumulative: tuple[float, ...]) -> int:
    thrown = dice.random() * cumulative[-1]
    for place, upto in enumerate(cumulative):
        if thrown < upto:
            return place
    return len(cumulative) - 1


def _poisson(dice: random.Random, mean: float) -> int:
    limit, product, count = math.exp(-mean), dice.random(), 0
    while product > limit:
        count += 1
        product *= dice.random()
    return count


def _cost(dice: random.Random) -> int:
    mu = math.log(_COST_MEAN) - _COST_SIGMA**2 / 2
    euros = min(max(dice.lognormvariate(mu, _COST_SIGMA), _COST_LOW), _COST_HIGH)
    return round(euros * 100) * CENT


def _short_cuts(
    dice: random.Random, end: float, every_days: float
) -> Iterator[tuple[float, float]]:
    at = dice.expovariate(1 / (every_days * DAY))
    while at < end:
        yield at, at + min(dice.lognormvariate(_CUT_MU, _CUT_SIGMA), DAY)
        at += dice.expovariate(1 / (every_days * DAY))


def _joined(spans: list[tuple[float, float]]) -> Iterator[tuple[float, float]]:
    """Yield spans that do not touch each other."""
    begin, until = -1.0, -1.0
    for start, stop in sorted(spans):
        if start > until:
            if until > begin:
                yield begin, until
            begin, until = start, stop
        else:
            until = max(until, stop)
    if until > begin:
        yield begin, until
