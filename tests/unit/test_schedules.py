"""Promises of central.schedules: due on time by local clocks, each period once."""

from __future__ import annotations

from datetime import UTC, date, datetime, time, timedelta
from itertools import pairwise
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st

from central.schedules import Change, Moment, Plan, change_of, due, following

ZONES = ("Europe/Paris", "America/New_York", "Australia/Lord_Howe", "Pacific/Apia", "UTC")
PLANS = st.builds(
    Plan,
    every=st.sampled_from(["daily", "weekly", "monthly"]),
    zone=st.sampled_from(ZONES),
    at=st.builds(time, st.integers(0, 23), st.integers(0, 59)),
    weekday=st.integers(1, 7),
    day=st.integers(1, 31),
)
INSTANTS = st.datetimes(datetime(2005, 1, 1), datetime(2035, 1, 1)).map(  # noqa: DTZ001
    lambda naive: naive.replace(tzinfo=UTC)
)


def utc(year: int, month: int, day: int, hour: int = 0, minute: int = 0) -> datetime:
    """Return a moment in UTC."""
    return datetime(year, month, day, hour, minute, tzinfo=UTC)


@pytest.mark.parametrize(
    ("plan", "after", "moments"),
    [
        # every day, in winter an hour ahead of UTC
        (
            Plan("daily", "Europe/Paris", time(0, 0)),
            utc(2026, 11, 22, 12),
            [utc(2026, 11, 22, 23), utc(2026, 11, 23, 23)],
        ),
        # 02:30 does not exist on that day: the first instant after is 03:00 summer time
        (
            Plan("daily", "Europe/Paris", time(2, 30)),
            utc(2027, 3, 27, 12),
            [utc(2027, 3, 28, 1, 0), utc(2027, 3, 29, 0, 30)],
        ),
        # 02:30 comes twice on that day: the first counts, the second is no moment
        (
            Plan("daily", "Europe/Paris", time(2, 30)),
            utc(2026, 10, 24, 12),
            [utc(2026, 10, 25, 0, 30), utc(2026, 10, 26, 1, 30)],
        ),
        # half an hour is left out at Lord Howe
        (
            Plan("daily", "Australia/Lord_Howe", time(2, 15)),
            utc(2026, 10, 3, 0),
            [utc(2026, 10, 3, 15, 30), utc(2026, 10, 4, 15, 15)],
        ),
        # Samoa left the whole of 30 December 2011 out: the 31st follows the 29th
        (
            Plan("daily", "Pacific/Apia", time(8, 0)),
            utc(2011, 12, 28, 20),
            [utc(2011, 12, 29, 18), utc(2011, 12, 30, 10), utc(2011, 12, 30, 18)],
        ),
        # Sundays
        (
            Plan("weekly", "UTC", time(6, 0), weekday=7),
            utc(2026, 11, 22, 6),
            [utc(2026, 11, 29, 6), utc(2026, 12, 6, 6)],
        ),
        # the 31st is the last day of a shorter month, also in a leap year
        (
            Plan("monthly", "UTC", time(0, 0), day=31),
            utc(2028, 1, 30),
            [utc(2028, 1, 31), utc(2028, 2, 29), utc(2028, 3, 31)],
        ),
        # only the days named
        (
            Plan("term", "UTC", time(0, 0), days=(date(2027, 1, 10), date(2027, 4, 20))),
            utc(2026, 1, 1),
            [utc(2027, 1, 10), utc(2027, 4, 20)],
        ),
    ],
)
def test_a_plan_is_due_by_the_clocks_of_its_zone(
    plan: Plan, after: datetime, moments: list[datetime]
) -> None:
    """Holes, doubled hours, month ends and named days come out as written down here."""
    found = [moment.at for moment in due(plan, after, moments[-1])]
    assert found == moments


def test_a_day_that_is_left_out_has_its_grant_at_the_leap_once() -> None:
    """At midnight the day left out and the day after are one instant, and one moment."""
    plan = Plan("daily", "Pacific/Apia", time(0, 0))
    found = list(due(plan, utc(2011, 12, 28, 12), utc(2011, 12, 31, 12)))
    assert [moment.at for moment in found] == [
        utc(2011, 12, 29, 10),
        utc(2011, 12, 30, 10),
        utc(2011, 12, 31, 10),
    ]


@given(plan=PLANS, after=INSTANTS, cuts=st.lists(st.integers(0, 4000), max_size=5))
def test_it_does_not_matter_in_how_many_looks(plan: Plan, after: datetime, cuts: list[int]) -> None:
    """However often one looks, the same moments are found, each once, ascending."""
    until = after + timedelta(hours=4000)
    whole = list(due(plan, after, until))
    parts: list[Moment] = []
    at = after
    for cut in [*sorted(cuts), 4000]:
        upto = after + timedelta(hours=cut)
        parts.extend(due(plan, at, upto))
        at = max(at, upto)
    assert whole == parts
    assert all(a.at < b.at and a.period < b.period for a, b in pairwise(whole))
    assert all(after < moment.at <= until for moment in whole)
    assert following(plan, after) == (whole[0] if whole else following(plan, after))


@given(plan=PLANS, after=INSTANTS)
def test_a_moment_is_the_first_instant_not_before_the_local_time(
    plan: Plan, after: datetime
) -> None:
    """At the moment the zone's clocks show at least the time wanted, a second before they do not.

    Only a whole day that a zone leaves out is later than that.
    """
    moment = following(plan, after)
    assert moment is not None
    zone = ZoneInfo(plan.zone)
    wanted = datetime.combine(moment.period, plan.at)
    assert moment.at.astimezone(zone).replace(tzinfo=None) >= wanted
    before = (moment.at - timedelta(seconds=1)).astimezone(zone).replace(tzinfo=None)
    assert before < wanted


def test_a_plan_without_days_is_never_due() -> None:
    """A term plan ends with its last day, and a daily one goes on."""
    assert following(Plan("term", "UTC", time(0, 0)), utc(2026, 1, 1)) is None
    assert following(Plan("daily", "UTC", time(0, 0)), utc(9995, 1, 1)) is None


@pytest.mark.parametrize(
    ("change", "expected"),
    [
        # what is missing is posted
        (change_of("set", 500, None, known=120, centre=0), Change(380)),
        # what is too much is taken back
        (change_of("set", 500, None, known=700, centre=700), Change(-200)),
        # but never what sits at sites
        (change_of("set", 500, None, known=700, centre=50), Change(-50, 150)),
        # an overdrawn centre has nothing free
        (change_of("set", 500, None, known=700, centre=-100), Change(0, 200)),
        # a debt is paid by it
        (change_of("set", 500, None, known=-100, centre=-100), Change(600)),
        # all of it without a cap
        (change_of("add", 500, None, known=10_000, centre=0), Change(500)),
        # up to the cap
        (change_of("add", 500, 2000, known=1800, centre=0), Change(200)),
        # above the cap nothing, and nothing is taken
        (change_of("add", 500, 2000, known=2500, centre=2500), Change(0)),
    ],
)
def test_what_a_period_posts(change: Change, expected: Change) -> None:
    """Each row's comment is its promise."""
    assert expected == change


@given(
    micros=st.integers(0, 10**15),
    known=st.integers(-(10**15), 10**15),
    centre=st.integers(-(10**15), 10**15),
)
def test_set_takes_only_what_is_free(micros: int, known: int, centre: int) -> None:
    """It ends at the amount, or as near as the money at the centre lets it come."""
    change = change_of("set", micros, None, known=known, centre=centre)
    assert known + change.micros - change.kept == micros
    assert change.micros >= -max(0, centre)
    assert change.kept >= 0
