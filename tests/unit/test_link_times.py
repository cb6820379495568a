"""From when to when a node was cut off: gaps, and how they fall on days."""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta
from zoneinfo import ZoneInfo

from hypothesis import given
from hypothesis import strategies as st

from central.link_times import Change, Gap, by_day, gaps

NOON = datetime(2026, 11, 10, 12, tzinfo=UTC)
HOUR = timedelta(hours=1)
DAY = timedelta(days=1)


def test_a_gap_is_from_a_loss_to_the_next_word() -> None:
    """A loss that is told twice began with the first."""
    changes = [
        Change(NOON, linked=True),
        Change(NOON + HOUR, linked=False),
        Change(NOON + 2 * HOUR, linked=False),
        Change(NOON + 3 * HOUR, linked=True),
        Change(NOON + 9 * HOUR, linked=False),
    ]
    assert gaps(changes, NOON, NOON + 10 * HOUR) == (
        Gap(NOON + HOUR, NOON + 3 * HOUR),
        Gap(NOON + 9 * HOUR, NOON + 10 * HOUR, lasts=True),
    )


def test_what_began_before_is_told_from_the_beginning_of_the_time_asked_for() -> None:
    """The last change before it says how it was; what nothing is known of is not told."""
    before = [Change(NOON - DAY, linked=False), Change(NOON + HOUR, linked=True)]
    assert gaps(before, NOON, NOON + DAY) == (Gap(NOON, NOON + HOUR),)
    assert gaps([Change(NOON + HOUR, linked=True)], NOON, NOON + DAY) == ()
    assert gaps([], NOON, NOON + DAY) == ()


def test_a_day_has_as_many_hours_as_its_zone_says() -> None:
    """A night over midnight falls on both days; the day the clocks are set back has 25 hours."""
    zone = ZoneInfo("Europe/Paris")
    night = Gap(datetime(2026, 11, 9, 22, tzinfo=UTC), datetime(2026, 11, 10, 1, tzinfo=UTC))
    assert list(by_day([night], date(2026, 11, 9), date(2026, 11, 11), zone)) == [
        (date(2026, 11, 9), HOUR),
        (date(2026, 11, 10), 2 * HOUR),
        (date(2026, 11, 11), timedelta()),
    ]
    long = Gap(datetime(2026, 10, 20, tzinfo=UTC), datetime(2026, 10, 30, tzinfo=UTC))
    (autumn,) = by_day([long], date(2026, 10, 25), date(2026, 10, 25), zone)
    assert autumn[1] == 25 * HOUR


@given(st.lists(st.tuples(st.integers(0, 40 * 24 * 60), st.booleans()), max_size=30))
def test_days_add_up_to_the_gaps(told: list[tuple[int, bool]]) -> None:
    """Nothing is counted twice, nothing is lost, whatever was told in which order."""
    since = datetime(2026, 10, 1, tzinfo=UTC)
    changes = [Change(since + timedelta(minutes=m), linked) for m, linked in sorted(told)]
    now = since + 41 * DAY
    found = gaps(changes, since, now)
    days = by_day(found, since.date(), now.date(), UTC)
    assert sum((time for _, time in days), timedelta()) == sum(
        (each.time for each in found), timedelta()
    )
