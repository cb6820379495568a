"""Promises of the simulator: its worlds are fair, its sums are right, its chart can be read."""

from __future__ import annotations

from statistics import mean
from typing import TYPE_CHECKING
from xml.etree import ElementTree as ET

import pytest

from benchmarks.simulation.chart import chart
from benchmarks.simulation.figures import estimate, line_of, markdown, paired
from benchmarks.simulation.policies import BY_KEY
from benchmarks.simulation.purse import Purse, Traffic
from benchmarks.simulation.setting import (
    CENT,
    DAY,
    EURO,
    Setting,
    outages,
    people,
    prints_of_day,
)
from benchmarks.simulation.tally import Tally
from benchmarks.simulation.year import live

if TYPE_CHECKING:
    from benchmarks.simulation.setting import Print

SMALL = Setting(sites=3, people=12, days=140)


def prints(setting: Setting, seed: int) -> list[Print]:
    """Return all that is printed in a world."""
    everybody = people(setting, seed)
    return [each for day in range(setting.days) for each in prints_of_day(everybody, day)]


def test_a_seed_is_a_world() -> None:
    """The same seed gives the same people, prints and outages; another one gives others."""
    assert prints(SMALL, 1) == prints(SMALL, 1)
    assert outages(SMALL, 1) == outages(SMALL, 1)
    assert prints(SMALL, 1) != prints(SMALL, 2)


def test_the_world_is_the_setting() -> None:
    """Jobs a day, their mean price and the hours they come in are what the setting says."""
    setting = Setting(people=300, days=84)
    wanted = prints(setting, 3)
    working_days = setting.days * 5 / 7
    assert mean(each.cost for each in wanted) / EURO == pytest.approx(0.39, abs=0.03)
    assert len(wanted) / (setting.people * working_days) == pytest.approx(0.75, abs=0.12)
    assert all(8 <= each.at % DAY / 3600 <= 20 for each in wanted)
    assert all(5 * CENT <= each.cost <= 5 * EURO for each in wanted)


def test_lines_go_and_come_back_in_turn() -> None:
    """A line that is cut comes back before it is cut again."""
    for place in range(-1, SMALL.sites):
        ups = [each.up for each in outages(SMALL, 5) if each.place == place]
        assert ups == [number % 2 == 1 for number in range(len(ups))]


@pytest.mark.parametrize("key", ["park", "park-in-proportion", "park-courier-90", "refuse"])
def test_parked_money_is_never_overspent(key: str) -> None:
    """No policy that posts money before it is spent overspends, whatever is cut."""
    tally = live(SMALL, BY_KEY[key], 2)
    assert tally.overspent == 0
    assert tally.cut_allowed <= tally.cut_coverable <= tally.coverable <= tally.jobs


def test_the_float_stays_below_its_cap() -> None:
    """Past the allocation nobody is charged more than the caps leave."""
    tally = live(SMALL, BY_KEY["park-float"], 2)
    cap = BY_KEY["park-float"].float_person
    cuts = sum(not each.up for each in outages(SMALL, 2))
    assert tally.overspent <= cap * cuts * SMALL.people
    assert tally.worst <= cap * cuts


def test_each_help_helps_on_the_same_world() -> None:
    """Refusing is worst, the courier makes parking better, and nothing beats all of it."""
    world = [live(SMALL, BY_KEY[key], 4) for key in ("refuse", "park", "park-courier-90")]
    shares = [each.availability for each in world]
    assert shares == sorted(shares)
    assert shares[0] == 0


def test_money_is_fetched_whole_or_not_at_all() -> None:
    """A request takes from the centre first, then from the site with most; or takes nothing."""
    purse, traffic = Purse(30, {"a": 50, "b": 80, "c": 5}), Traffic()
    assert not purse.fetch("c", 200, frozenset("abc"), traffic)
    assert purse == Purse(30, {"a": 50, "b": 80, "c": 5})
    assert purse.fetch("c", 100, frozenset("abc"), traffic)
    assert purse == Purse(0, {"a": 50, "b": 10, "c": 105})


def test_intervals_are_students() -> None:
    """Of 1, 2, 3 the mean is 2 and the 95 % interval 4.303 / √3 wide to each side."""
    found = estimate([1.0, 2.0, 3.0])
    assert found.mean == pytest.approx(2.0)
    assert found.margin == pytest.approx(4.303 / 3**0.5)
    ours = [Tally(cut_coverable=10, cut_allowed=9), Tally(cut_coverable=10, cut_allowed=8)]
    theirs = [Tally(cut_coverable=10, cut_allowed=10), Tally(cut_coverable=10, cut_allowed=9)]
    assert paired(ours, theirs).mean == pytest.approx(-0.1)
    assert paired(ours, theirs).margin == pytest.approx(0.0)


def test_the_chart_is_svg_with_every_policy() -> None:
    """The chart is well-formed, names each policy and its figures, and knows dark pages."""
    year = Tally(cut_coverable=100, cut_allowed=87, overspent=3 * EURO, jobs=1, coverable=1)
    lines = [line_of(policy, 5, 1000, [year, year]) for policy in BY_KEY.values()]
    drawn = chart(lines)
    texts = {text.text for text in ET.fromstring(drawn).iter() if text.text}  # noqa: S314  ours
    assert {policy.title for policy in BY_KEY.values()} <= texts
    assert {"0.870", "3.00"} <= texts
    assert "prefers-color-scheme: dark" in drawn
    assert markdown(lines).count("\n") == len(lines) + 2
