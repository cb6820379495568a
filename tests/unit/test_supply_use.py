"""For how long a supply lasts: known after some days of use, never invented."""

from __future__ import annotations

from datetime import date, timedelta

from hypothesis import given
from hypothesis import strategies as st

from edge.devices.supply_use import DAYS, Use, days_left, noted
from tests.unit.device_lab import toner

DAY = date(2026, 3, 2)


def after(levels: list[int]) -> tuple[Use, int]:
    """Return the use after so many days with these levels, and the last level."""
    use: Use = {}
    for number, level in enumerate(levels):
        use = noted(use, (toner(level),), DAY + timedelta(days=number))
    return use, levels[-1]


def left(levels: list[int]) -> int | None:
    """Return the days left after days with these levels."""
    use, level = after(levels)
    return days_left(use, (toner(level),)).get("1")


def test_use_of_days_says_how_long_it_lasts() -> None:
    """Two percent a day and twenty left are ten days; a refill is no use."""
    assert left([30, 28, 26, 24, 22, 20]) == 10
    assert left([10, 8, 100, 98, 96]) == 64
    assert left([50, 48]) is None
    assert left([50, 50, 50, 50, 50]) is None


def test_a_level_within_a_day_replaces_the_one_before() -> None:
    """A day has one level, its last; many looks cost no memory."""
    use: Use = {}
    for level in range(100, 0, -1):
        use = noted(use, (toner(level),), DAY)
    assert use == {"1": ((DAY.toordinal(), 1),)}
    assert noted(use, (toner(1),), DAY) is use


@given(st.lists(st.tuples(st.integers(-40, 40), st.integers(0, 100)), min_size=1, max_size=120))
def test_whatever_the_clock_does_what_is_kept_is_bounded(steps: list[tuple[int, int]]) -> None:
    """Days go back and forth: at most 28 are kept, in order, and days left are never negative."""
    use: Use = {}
    for day, level in steps:
        use = noted(use, (toner(level),), DAY + timedelta(days=day))
        days = [each for each, _ in use["1"]]
        assert days == sorted(set(days))
        assert len(days) <= DAYS + 1
        assert all(0 <= each <= 3650 for each in days_left(use, (toner(level),)).values())


def test_machines_that_rename_their_supplies_fill_no_memory() -> None:
    """At most 32 supplies of one machine are remembered."""
    use: Use = {}
    for number in range(500):
        use = noted(use, (toner(50, str(number)),), DAY + timedelta(days=number))
    assert len(use) == 32
