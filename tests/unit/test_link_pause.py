"""How long a link waits before it tries again."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from broker.link_events import Timing, reconnect_pause

TIMING = Timing(first_pause=0.5, pause=1.0, refused_pause=5.0, longest_pause=60.0)


@pytest.mark.parametrize(
    ("attempt", "refused", "least", "most"),
    [
        (0, False, 0.0, 0.5),  # a quick first try
        (1, False, 0.0, 2.0),
        (3, False, 0.0, 8.0),
        (10**6, False, 0.0, 60.0),  # the doubling ends
        (0, True, 5.0, 10.0),  # a wrong secret is not tried in a tight loop
        (10**6, True, 5.0, 65.0),
    ],
)
def test_link_pause_bounds(attempt: int, refused: bool, least: float, most: float) -> None:  # noqa: FBT001
    """The whole range is used, so that a thousand nodes do not come back at once."""
    low = reconnect_pause(attempt, refused=refused, dice=0.0, timing=TIMING)
    high = reconnect_pause(attempt, refused=refused, dice=1.0, timing=TIMING)
    assert (low, high) == (least, most)


@given(st.integers(0, 10**9), st.booleans(), st.floats(0, 1, exclude_max=True))
def test_link_pause_is_never_long_nor_negative(
    attempt: int,
    refused: bool,  # noqa: FBT001
    dice: float,
) -> None:
    """However long the outage, a node is back within about a minute of its end."""
    assert 0 <= reconnect_pause(attempt, refused=refused, dice=dice, timing=TIMING) <= 65
