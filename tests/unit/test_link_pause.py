"""How long a link waits before it tries again."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from broker.link import timing_of
from broker.link_events import Timing, doublings_left, reconnect_pause
from config.settings import LinkSettings

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


@pytest.mark.parametrize(
    ("attempt", "held", "left"),
    [
        (5, 0.0, 5),  # never connected
        (5, 0.9, 5),  # fell over as soon as everybody was back
        (5, 2.5, 3),  # each second takes one back
        (5, 3600.0, 0),  # held: the next try is a first one
        (0, 3600.0, 0),
    ],
)
def test_a_connection_that_held_shortens_the_next_pause(
    attempt: int, held: float, left: int
) -> None:
    """A broker that is killed now and then does not keep its clients waiting ever longer."""
    assert doublings_left(attempt, held=held, timing=TIMING) == left


@pytest.mark.parametrize(
    ("settings", "longest"),
    [
        ({"host": "127.0.0.1"}, 1.0),
        ({"host": "::1"}, 1.0),
        ({"host": "localhost"}, 1.0),
        ({"host": "books.example.org"}, 60.0),
        ({"host": "192.0.2.7"}, 60.0),
        ({"host": "127.0.0.1", "longest_pause": "20s"}, 20.0),  # what is said is done
        ({"host": "books.example.org", "longest_pause": "500ms"}, 0.5),
    ],
)
def test_a_broker_on_this_machine_is_tried_every_second(
    settings: dict[str, str], longest: float
) -> None:
    """The longest pause is what the settings say; else it is short where no crowd can form."""
    link = LinkSettings.model_validate({"secret": "s", **settings})
    assert timing_of(link).longest_pause == longest


def test_a_pause_that_is_none_is_refused() -> None:
    """No setting makes a link try without a pause."""
    with pytest.raises(ValueError, match="at least 100ms"):
        LinkSettings.model_validate({"secret": "s", "longest_pause": "0s"})
