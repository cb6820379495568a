"""How often a password may be tried, and when a session ends."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from central.signing_in import (
    FORGET_AFTER,
    FREE,
    Go,
    Habits,
    Tries,
    Wait,
    lasting,
    over,
    permission,
    wait_after,
)

NOON = datetime(2026, 3, 2, 12, tzinfo=UTC)
MINUTE = timedelta(minutes=1)


def test_a_few_wrong_passwords_cost_nothing() -> None:
    """Whoever mistypes twice is not made to wait."""
    tries = None
    for _ in range(FREE["name"]):
        found = permission("name", tries, NOON)
        assert isinstance(found, Go)
        tries = found.then
    assert isinstance(permission("name", tries, NOON), Wait)


def test_guessing_gets_slower_and_slower() -> None:
    """A day of guessing at one name is some hundred tries, however quick the guesser."""
    now, tries, made = NOON, None, 0
    while now < NOON + timedelta(days=1):
        match permission("name", tries, now):
            case Go(then):
                tries, made = then, made + 1
            case Wait(rest):
                now += rest
    assert made < 130


def test_nobody_is_kept_out_for_longer_than_a_quarter_of_an_hour() -> None:
    """Whoever guesses at a name cannot lock its person out."""
    assert max(wait_after("name", failures) for failures in range(10_000)) == 15 * MINUTE


def test_a_building_behind_one_address_is_not_kept_out() -> None:
    """A wrong password a minute, all day, by people who share an address: nobody waits for it."""
    tries, now = None, NOON
    for _ in range(24 * 60):
        found = permission("address", tries, now)
        assert isinstance(found, Go)
        tries, now = found.then, now + MINUTE
    assert max(wait_after("address", failures) for failures in range(10_000)) == MINUTE


def test_old_tries_are_forgotten() -> None:
    """A day later one begins anew."""
    found = permission("name", Tries(500, NOON - FORGET_AFTER), NOON)
    assert found == Go(Tries(1, NOON))


@given(st.integers(0, 10**6), st.timedeltas(timedelta(0), timedelta(days=400)))
def test_a_clock_set_back_makes_nobody_wait_longer(failures: int, ahead: timedelta) -> None:
    """The last try may seem to be in the future; the wait has its bound all the same."""
    found = permission("name", Tries(failures, NOON + ahead), NOON)
    assert isinstance(found, Go) or found.rest <= 15 * MINUTE


@pytest.mark.parametrize(
    ("staff", "remember", "idle", "longest"),
    [
        # staff is never remembered
        (True, True, timedelta(minutes=30), timedelta(hours=12)),
        (False, False, timedelta(hours=12), timedelta(hours=24)),
        (False, True, timedelta(days=30), timedelta(days=30)),
    ],
)
def test_sessions_end(*, staff: bool, remember: bool, idle: timedelta, longest: timedelta) -> None:
    """Idle or old, each kind has its bound."""
    how = lasting(Habits(), staff=staff, remember=remember, half_way=False)
    assert not over(NOON, NOON, NOON + idle - MINUTE, how)
    assert over(NOON, NOON, NOON + idle, how)
    assert over(NOON, NOON + longest - MINUTE, NOON + longest, how)


def test_half_way_lasts_minutes() -> None:
    """A password without its second factor is not kept lying about."""
    how = lasting(Habits(), staff=False, remember=True, half_way=True)
    assert over(NOON, NOON, NOON + 10 * MINUTE, how)
