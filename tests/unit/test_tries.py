"""Tries of courier codes: few, and no clock that is turned makes them more."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from edge.tries import (
    SITE_TRIES,
    SITE_WINDOW,
    USER_TRIES,
    USER_WINDOW,
    Permitted,
    SteadyClock,
    Try,
    Wait,
    permission,
)

NOW = datetime(2026, 1, 5, 8, 0, tzinfo=UTC)


def tries(count: int, user: str = "ana", ago: timedelta = timedelta(0)) -> list[Try]:
    """Return so many tries of a person at one moment."""
    return [Try(user, NOW - ago)] * count


@pytest.mark.parametrize(
    ("known", "expected"),
    [
        # nobody has tried anything
        ([], Permitted(USER_TRIES - 1)),
        # the last one of the hour
        (tries(4), Permitted(0)),
        (tries(5), Wait("user", USER_WINDOW)),
        # what was an hour ago does not count any more
        (tries(5, ago=USER_WINDOW), Permitted(4)),
        (tries(5, ago=USER_WINDOW - timedelta(seconds=1)), Wait("user", timedelta(seconds=1))),
        # others' tries are others', but the site's are everybody's
        (tries(5, "bob"), Permitted(4)),
        (tries(48, "bob"), Permitted(1)),
        (tries(50, "bob", timedelta(hours=20)), Wait("site", timedelta(hours=4))),
        (tries(50, "bob", SITE_WINDOW), Permitted(4)),
    ],
)
def test_tries_are_few(known: list[Try], expected: Permitted | Wait) -> None:
    """Five wrong codes a person and hour, fifty a site and day; the answer says how long."""
    assert expected == permission(known, "ana", NOW)


@given(
    st.lists(st.tuples(st.sampled_from(["ana", "bob", "cem"]), st.integers(0, 40)), max_size=300)
)
def test_no_day_has_more_than_the_limits(pauses: list[tuple[str, int]]) -> None:
    """However people take turns, no hour has more tries of one, no day more of all."""
    now, made = NOW, list[Try]()
    for user, minutes in pauses:
        now += timedelta(minutes=minutes)
        if isinstance(permission(made, user, now), Permitted):
            made.append(Try(user, now))
        day = [each for each in made if now - each.at < SITE_WINDOW]
        hour = [each for each in day if now - each.at < USER_WINDOW and each.user == user]
        assert len(day) <= SITE_TRIES
        assert len(hour) <= USER_TRIES


def test_waiting_for_as_long_as_was_said_is_enough() -> None:
    """The rest that is named ends the wait, and a moment less does not."""
    known = [Try("ana", NOW + timedelta(minutes=each)) for each in range(5)]
    now = NOW + timedelta(minutes=5)
    wait = permission(known, "ana", now)
    assert isinstance(wait, Wait)
    assert isinstance(permission(known, "ana", now + wait.rest), Permitted)
    assert isinstance(permission(known, "ana", now + wait.rest - timedelta(seconds=1)), Wait)


def test_a_clock_set_back_over_a_start_stands_where_it_was() -> None:
    """The newest try has been: time never begins before it."""
    clock = SteadyClock(NOW - timedelta(days=400), NOW, 100.0)
    assert clock.at(100.0) == NOW
    assert clock.at(160.0) == NOW + timedelta(minutes=1)


def test_a_clock_set_forward_while_it_runs_is_not_noticed() -> None:
    """Only the monotonic clock counts; the wall clock is read once, at the start."""
    clock = SteadyClock(NOW, None, 0.0)
    assert clock.at(3600.0) == NOW + timedelta(hours=1)


def test_one_wild_clock_does_not_lock_a_site_for_years() -> None:
    """Tries made under a clock far ahead end their window in running time, like any others."""
    far = NOW + timedelta(days=36_500)
    clock = SteadyClock(NOW, far, 0.0)
    known = [Try("ana", far)] * USER_TRIES
    assert isinstance(permission(known, "ana", clock.at(60.0)), Wait)
    assert isinstance(permission(known, "ana", clock.at(3600.0)), Permitted)
