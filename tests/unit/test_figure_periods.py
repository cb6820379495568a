"""Promises of periods: their spans are all of their days, each once, and few."""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st

from central.figures.periods import (
    Days,
    Grain,
    Period,
    buckets,
    first_day,
    grain_of,
    span,
    spans,
)

days = st.dates(date(2020, 1, 1), date(2029, 12, 31))
periods = st.tuples(days, st.integers(0, 1500)).map(
    lambda given: Period(given[0], given[0] + timedelta(days=given[1]))
)


def days_of(number: int) -> list[date]:
    """Return every day of a span, found by looking at each day there is."""
    grain = grain_of(number)
    at = first_day(number)
    found = []
    while span(at, grain) == number:
        found.append(at)
        at += timedelta(days=1)
    return found


@given(days, st.sampled_from(Grain))
def test_a_span_says_what_it_is_and_where_it_begins(day: date, grain: Grain) -> None:
    """Each number is read back as it was made."""
    number = span(day, grain)
    assert grain_of(number) is grain
    assert span(first_day(number), grain) == number
    assert first_day(number) <= day
    assert day in days_of(number)


@given(periods, st.sampled_from(Grain))
def test_the_spans_of_a_period_are_its_days_each_once(period: Period, coarsest: Grain) -> None:
    """Nothing is left out at the ends, and nothing counted twice where long and short meet."""
    found = [day for number in spans(period, coarsest) for day in days_of(number)]
    assert sorted(found) == sorted(set(found))
    assert len(found) == period.days
    assert min(found) == period.first
    assert max(found) == period.last
    assert all(grain_of(number) <= coarsest for number in spans(period, coarsest))


@given(periods, st.lists(days, max_size=5, unique=True))
def test_an_open_day_stands_for_itself(period: Period, open_days: list[date]) -> None:
    """A day that is in no longer span yet is named once where it lies in the period."""
    found = spans(period, Grain.YEAR, open_days)
    assert len(found) == len(set(found))
    for day in open_days:
        assert (span(day, Grain.DAY) in found) == (day in period) or day in period
    assert {n for n in found if grain_of(n) is Grain.DAY} >= {
        span(day, Grain.DAY) for day in open_days if day in period
    }


def test_two_years_take_two_spans_and_odd_ends_few() -> None:
    """However long the period, few totals are read."""
    whole = Period(date(2025, 1, 1), date(2026, 12, 31))
    assert spans(whole, Grain.YEAR) == [20250000, 20260000]
    odd = Period(date(2024, 2, 2), date(2026, 12, 30))
    assert len(spans(odd, Grain.YEAR)) < 28 + 3 + 1 + 3 + 2 + 30 + 5


@given(periods, st.sampled_from(Grain))
def test_buckets_follow_one_another(period: Period, grain: Grain) -> None:
    """Parts in time are the whole period, in order."""
    at = period.first
    for number, part in buckets(period, grain):
        assert part.first == at
        assert span(part.first, grain) == span(part.last, grain) == number
        at = part.last + timedelta(days=1)
    assert at == period.last + timedelta(days=1)


@pytest.mark.parametrize(
    ("given_", "before"),
    [
        # a month
        (("2026-11-01", "2026-11-30"), ("2026-10-01", "2026-10-31")),
        # March, after a short one
        (("2026-03-01", "2026-03-31"), ("2026-02-01", "2026-02-28")),
        # two months
        (("2026-09-01", "2026-10-31"), ("2026-07-01", "2026-08-31")),
        # a year
        (("2026-01-01", "2026-12-31"), ("2025-01-01", "2025-12-31")),
        # a month under way
        (("2026-11-01", "2026-11-23"), ("2026-10-01", "2026-10-23")),
        # longer than the one before it
        (("2026-03-01", "2026-03-30"), ("2026-02-01", "2026-02-28")),
        # a year under way
        (("2026-01-01", "2026-11-23"), ("2025-01-01", "2025-11-23")),
        # to the end of a February that is longer
        (("2028-01-01", "2028-05-31"), ("2027-01-01", "2027-05-31")),
        # any days
        (("2026-11-10", "2026-11-16"), ("2026-11-03", "2026-11-09")),
        # one
        (("2026-11-23", "2026-11-23"), ("2026-11-22", "2026-11-22")),
    ],
)
def test_a_period_is_compared_with_the_one_before(
    given_: tuple[str, str], before: tuple[str, str]
) -> None:
    """Months with months, years with years, days with as many days."""
    period = Period(*map(date.fromisoformat, given_))
    assert period.before == Period(*map(date.fromisoformat, before))


def test_what_has_no_days_is_no_period() -> None:
    """The wrong way round, and longer than anybody can mean."""
    with pytest.raises(ValueError, match="no days"):
        Period(date(2026, 11, 2), date(2026, 11, 1))
    with pytest.raises(ValueError, match="ten years"):
        Period(date(2000, 1, 1), date(2026, 11, 1))


@given(
    st.datetimes(datetime(1980, 1, 1), datetime(2040, 1, 1)),  # noqa: DTZ001  hypothesis wants them so
    st.sampled_from(("UTC", "Europe/Madrid", "Asia/Kathmandu", "Australia/Lord_Howe")),
)
def test_a_moment_lies_in_the_day_of_its_zone(moment: datetime, zone: str) -> None:
    """Whatever the zone's quarter of an hour."""
    at = moment.replace(tzinfo=UTC)
    micros = (at - datetime(1970, 1, 1, tzinfo=UTC)) // timedelta(microseconds=1)
    local = at.astimezone(ZoneInfo(zone)).date()
    assert Days(ZoneInfo(zone)).of(micros) == span(local, Grain.DAY)


def test_a_clock_that_was_never_set_does_no_harm() -> None:
    """What is before 1970 is the first day there is."""
    assert Days(ZoneInfo("America/New_York")).of(-(10**17)) == 19691231
