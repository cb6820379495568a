"""Promises of what follows an attempt: days of patience, more of it where it is asked for."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING

import pytest

from central.webhooks.retrying import (
    PAUSES,
    Again,
    Answered,
    Delivered,
    GivenUp,
    Unreached,
    after,
)

if TYPE_CHECKING:
    from central.webhooks.retrying import Outcome

NOW = datetime(2026, 11, 22, 8, 0, tzinfo=UTC)
SOON = timedelta(milliseconds=20)


@pytest.mark.parametrize("status", [200, 201, 204, 299])
def test_what_is_answered_well_has_arrived(status: int) -> None:
    """Any of the two hundreds."""
    assert after(Answered(status, SOON), 3, NOW, 0.5) == Delivered()


@pytest.mark.parametrize(
    "outcome",
    [
        Answered(100, SOON),
        Answered(301, SOON),
        Answered(307, SOON),
        Answered(400, SOON),
        Answered(404, SOON),
        Answered(429, SOON),
        Answered(500, SOON),
        Answered(503, SOON),
        Unreached("no answer within 15 s", SOON),
    ],
)
def test_all_else_is_tried_again(outcome: Outcome) -> None:
    """After ever longer pauses, and in the end given up; each time it says why."""
    at = NOW
    for failures in range(len(PAUSES)):
        following = after(outcome, failures, at, 0.5)
        assert isinstance(following, Again)
        assert following.why
        assert following.at - at == PAUSES[failures]
        at = following.at
    assert isinstance(after(outcome, len(PAUSES), at, 0.5), GivenUp)
    assert timedelta(days=3) < at - NOW < timedelta(days=4)


def test_pauses_are_spread() -> None:
    """Not everybody comes back at once, and nobody much earlier or later."""
    early, late = (after(Answered(500, SOON), 4, NOW, share) for share in (0.0, 1.0))
    assert isinstance(early, Again)
    assert isinstance(late, Again)
    assert early.at - NOW == PAUSES[4] * 0.9
    assert late.at - NOW == PAUSES[4] * 1.1


@pytest.mark.parametrize(
    ("header", "seconds"),
    [
        ("120", 120),
        (" 120 ", 120),
        ("Sun, 22 Nov 2026 08:10:00 GMT", 600),
        ("999999999999", 86_400),  # a day at most
        ("Wed, 22 Nov 2099 08:10:00 GMT", 86_400),
        ("0", 5),
        ("", 5),
        ("soon", 5),
        ("-5", 5),
        ("²", 5),
        ("Mon, 99 Nov 2026 08:10:00 GMT", 5),
        ("Sun, 22 Nov 2020 08:10:00 GMT", 5),
    ],
)
def test_a_receiver_may_ask_for_patience(header: str, seconds: int) -> None:
    """`Retry-After` in seconds or as a moment; what is neither changes nothing."""
    following = after(Answered(503, SOON, header), 0, NOW, 0.5)
    assert isinstance(following, Again)
    assert following.at == NOW + timedelta(seconds=seconds)


def test_who_wants_nothing_more_gets_nothing_more() -> None:
    """410 ends it at once."""
    assert isinstance(after(Answered(410, SOON), 0, NOW, 0.5), GivenUp)
