"""What time it is at the centre: learned from its answers, by a clock that never jumps."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from edge.centre_time import FURTHEST, LONGEST_ROUND, CentreTime

NOON = datetime(2026, 1, 5, 12, tzinfo=UTC)


def learned(offset: timedelta, *, round_trip: float = 0.2) -> CentreTime:
    """Return what is known after one answer; our own clock says noon at 100."""
    time = CentreTime()
    said = NOON + offset - timedelta(seconds=round_trip / 2)
    time.learn(said, asked=100.0 - round_trip, answered=100.0, wall=NOON)
    return time


def test_it_is_our_own_while_nothing_is_known() -> None:
    """Before the first answer a deadline is as good as our own clock."""
    assert CentreTime().now(NOON, 5.0) == NOON


@pytest.mark.parametrize("hours", [-20_000, -1, 1, 24 * 365 * 56])
def test_a_wrong_clock_is_made_good(hours: int) -> None:
    """However far off our clock is, a minute later the centre's is known to the second."""
    offset = timedelta(hours=hours)
    expected = NOON + offset + timedelta(minutes=1)
    assert abs(learned(offset).now(NOON, 160.0) - expected) < timedelta(seconds=1)


@given(
    st.integers(-(10**8), 10**8),
    st.lists(st.tuples(st.floats(0, 9), st.floats(0, 1), st.floats(0, 1000)), min_size=1),
)
def test_it_is_never_further_off_than_half_a_round(
    offset: int, rounds: list[tuple[float, float, float]]
) -> None:
    """Wherever within the round the answer was written, the error is bounded by the best one."""
    time, centre, at, best = CentreTime(), NOON + timedelta(seconds=offset), 0.0, 1e9
    for length, part, pause in rounds:
        asked = at + pause
        written = centre + timedelta(seconds=asked + part * length)
        at = asked + length
        time.learn(written, asked=asked, answered=at, wall=NOON)
        best = min(best, length / 2)
    error = time.now(NOON, at) - (centre + timedelta(seconds=at))
    assert abs(error.total_seconds()) <= best + at * 1e-4 + 1e-3


def test_a_clock_that_was_set_is_followed() -> None:
    """When the centre's clock is put right, its new time holds, though an older one was closer."""
    time = learned(timedelta(0), round_trip=0.01)
    later = NOON + timedelta(hours=3)
    time.learn(later, asked=110.0, answered=111.0, wall=NOON)
    assert abs(time.now(NOON, 111.0) - later) <= timedelta(seconds=1)


@pytest.mark.parametrize(
    ("said", "round_trip"),
    [
        (NOON + 2 * FURTHEST, 0.1),  # no clock is that wrong
        (NOON, LONGEST_ROUND + 1),  # it says too little
        (NOON, -1.0),  # an answer before its question
    ],
)
def test_what_cannot_be_is_not_learned(said: datetime, round_trip: float) -> None:
    """An absurd answer changes nothing."""
    time = CentreTime()
    time.learn(said, asked=100.0 - round_trip, answered=100.0, wall=NOON)
    assert time.now(NOON, 200.0) == NOON
