"""The simulator's slim balances move exactly as the books of the centre and of the sites do."""

from __future__ import annotations

import random
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

import pytest
from structlog.testing import capture_logs

from benchmarks.simulation import placing
from benchmarks.simulation.hunt import template
from benchmarks.simulation.purse import Purse, Traffic
from benchmarks.simulation.world import CENT, UNIT, quieten
from central.store import parking
from config.policy.jobs import Figures, Sides, Source

if TYPE_CHECKING:
    from benchmarks.simulation.world import World
    from central.sizing import Habits

ANA = "user:ana"
SITES = 3
STEPS = 30


def paper(cents: int) -> Figures:
    """Return a job that costs so many cents."""
    return Figures(
        impressions=cents,
        color_impressions=0,
        monochrome_impressions=cents,
        sheets=cents,
        media="iso_a4",
        sides=Sides.ONE_SIDED,
        source=Source.ANALYSIS,
    )


@dataclass
class Twins:
    """The same person in the production books and in the slim model."""

    world: World
    purse: Purse = field(default_factory=Purse)
    traffic: Traffic = field(default_factory=Traffic)
    asked: dict[str, float] = field(default_factory=dict)

    def __post_init__(self) -> None:
        """Begin with what the books have."""
        assert quieten(self.world)
        places = self.places()
        self.purse.centre = places.pop("", 0)
        self.purse.at = places

    def places(self) -> dict[str, int]:
        """Return where the money is: at the centre by its books, at sites by their own."""
        with self.world.books.read() as tx:
            rows = tx.sql.exec_driver_sql(
                "SELECT place, micros FROM location WHERE account = ?", (ANA,)
            )
            found: dict[str, int] = dict(tuple(row) for row in rows)
        for node, site in self.world.sites.items():
            here = {each.account: each.micros for each in site.books.balances()}.get(ANA, 0)
            assert not site.connected or here == found.get(node, 0)
            found[node] = here
        return {place: micros for place, micros in found.items() if micros}

    @property
    def linked(self) -> frozenset[str]:
        """Return the sites that can be reached."""
        return frozenset(name for name, site in self.world.sites.items() if site.connected)

    def habits(self) -> Habits:
        """Return what the centre knows of the person."""
        with self.world.books.read(self.world.wall()) as tx:
            return parking.habits(tx, ANA, UNIT, {})

    def top_up(self, cents: int) -> None:
        """Pay in."""
        self.world.top_up("ana", cents)
        assert quieten(self.world)
        self.purse.centre += cents * CENT
        self.park()

    def print(self, node: str, cents: int) -> None:
        """Print, fetching what is missing where that can be."""
        site = self.world.sites[node]
        site.print("ana", paper(cents))
        site.pump()
        assert quieten(self.world)
        site.settle(1.0)
        site.pump()
        assert quieten(self.world)
        missing = self.purse.spend(node, cents * CENT)
        if missing and site.connected:
            fetched = self.purse.fetch(node, missing, self.linked, self.traffic)
            missing = self.purse.spend(node, cents * CENT) if fetched else missing
        if missing is None and site.connected:
            self.repark()

    def carry(self, node: str, tenths: int) -> None:
        """Fetch a courier code and type it."""
        before = len(self.world.codes)
        self.world.code(node, "ana", tenths)
        assert quieten(self.world)
        linked = self.linked - {node}
        brought = self.purse.carry(node, 10 * tenths * CENT, linked, self.traffic)
        assert brought == (len(self.world.codes) > before)
        for where, user, digits in self.world.codes[before:]:
            self.world.sites[where].redeem(digits, user)

    def park(self) -> None:
        """Spread what is free, as the centre does."""
        if self.purse.centre > 0 and self.linked:
            habits = self.habits()
            grants = placing.greedily(self.purse.centre, habits, self.purse.at, self.linked)
            self.purse.grant(grants, self.traffic)

    def repark(self) -> None:
        """Fetch back what does more good elsewhere, but not again soon."""
        habits = self.habits()
        wrong = placing.misplaced(self.purse.centre, habits, self.purse.at, self.linked)
        for name, micros in wrong.items():
            if self.world.now - self.asked.get(name, -placing.QUIET) >= placing.QUIET:
                self.asked[name] = self.world.now
                self.purse.reclaim(name, micros, self.traffic)
        self.park()

    def same(self) -> None:
        """Compare."""
        slim = {"": self.purse.centre, **self.purse.at}
        assert self.places() == {place: micros for place, micros in slim.items() if micros}


@pytest.mark.parametrize("seed", range(4))
def test_the_slim_model_moves_as_the_books_do(seed: int) -> None:
    """After each top-up, job, reclaim, cut and code both have the same money at the same places."""
    dice = random.Random(seed)  # noqa: S311  the same run every time
    with capture_logs():
        twins = Twins(template(SITES).world(seed))
        names = list(twins.world.sites)
        for step in range(STEPS):
            what = dice.random()
            if step == STEPS // 2:
                twins.world.sites[names[-1]].disconnect()
                assert quieten(twins.world)
            elif what < 0.2:
                twins.top_up(dice.choice((20, 100, 300)))
            elif what < 0.3 and step > STEPS // 2:
                twins.carry(names[-1], dice.randint(1, 8))
            else:
                twins.print(dice.choice(names), dice.choice((4, 20, 45, 130)))
            twins.world.now += 1.0
            twins.same()
