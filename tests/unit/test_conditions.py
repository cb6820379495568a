"""Conditions of rules: when each holds, and what the clock on the wall says."""

from __future__ import annotations

import re
from datetime import UTC, datetime, timedelta
from typing import Any
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import ValidationError

from config.policy.conditions import Balance, Case, Purse, Range, When, Window, holds, matches
from config.policy.jobs import ColorMode, JobAttributes, Sides
from tests.unit.policy_cases import EUR, case

TWO_SIDED = JobAttributes(sides=Sides.TWO_SIDED_SHORT_EDGE, copies=3, job_name="Re: lunch")


@pytest.mark.parametrize(
    ("when", "yes", "no"),
    [
        # no difference between small and large letters in names of people
        ({"users": ["Ana"]}, case(user="ana"), case(user="bob")),
        ({"groups": ["staff", "Students"]}, case(groups=("students",)), case(groups=())),
        ({"not_groups": ["Staff"]}, case(groups=("x",)), case(groups=("x", "staff"))),
        ({"queues": ["pull"]}, case(queue="pull"), case(queue=None)),
        ({"printers": ["desk"]}, case(printer="desk"), case(printer="copier")),
        ({"tags": ["a", "b"]}, case(tags=("b", "c")), case(tags=("c",))),
        ({"services": ["copy"]}, case(service="copy"), case(service="print")),
        ({"color": True}, case(4, 1), case(4)),
        ({"color": False}, case(4), case(4, 1)),
        # what comes out counts, not what is in the document
        (
            {"color": False},
            case(4, 4, attributes=JobAttributes(print_color_mode=ColorMode.MONOCHROME)),
            case(4, 4),
        ),
        # both ends are included
        ({"pages": {"min": 3, "max": 4}}, case(4), case(5)),
        ({"pages": {"min": 3}}, case(3), case(2)),
        ({"impressions": {"min": 6}}, case(2, attributes=TWO_SIDED), case(2)),
        ({"sheets": {"max": 3}}, case(2, attributes=TWO_SIDED), case(3, attributes=TWO_SIDED)),
        ({"copies": {"min": 2}}, case(attributes=TWO_SIDED), case()),
        ({"sides": "two-sided"}, case(attributes=TWO_SIDED), case()),
        ({"sides": "one-sided"}, case(), case(attributes=TWO_SIDED)),
        ({"media": ["iso_a4"]}, case(), case(attributes=JobAttributes(media="iso_a3"))),
        ({"formats": ["image/*"]}, case(document_format="image/png"), case()),
        ({"formats": ["*"]}, case(), case(document_format=None)),  # unknown fits nothing
        ({"names": ["re: *", "*.eml"]}, case(name="RE: lunch"), case(name="Are: x")),
        ({"balance": {"unit": "EUR", "below": EUR}}, case(purse=Purse("EUR", 1)), case()),
        ({"balance": {"unit": "EUR", "above": EUR}}, case(), case(purse=Purse("EUR", EUR))),
        # without limit is above everything and below nothing
        (
            {"balance": {"unit": "EUR", "above": EUR}},
            case(purse=Purse("EUR", None)),
            case(purse=Purse("EUR", 0)),
        ),
        # all of them have to hold
        ({"groups": ["students"], "pages": {"min": 9}}, case(9), case(8)),
    ],
)
def test_each_condition_holds_and_does_not(when: dict[str, Any], yes: Case, no: Case) -> None:
    """A table of one case that meets the condition and one that does not."""
    made = When.model_validate(when)
    assert holds(made, yes)
    assert not holds(made, no)


@pytest.mark.parametrize("purse", [Purse("page", 0), Purse(None, 0), Purse("EUR", None)])
def test_a_balance_is_low_only_in_its_own_unit(purse: Purse) -> None:
    """Pages, no account at all, and an account without limit are not below two euros."""
    assert not Balance(unit="EUR", below=2 * EUR).holds(purse)


def test_no_condition_always_holds() -> None:
    """A rule without conditions is meant for everything, and can be told from others."""
    assert holds(When(), case())
    assert When().always
    assert When(color=None).always
    assert not When(color=False).always


def test_time_must_be_told() -> None:
    """A rule that asks for the time is never passed over because nobody looked at the clock."""
    with pytest.raises(ValueError, match="asks for the time"):
        holds(When(time=(Window(days=("mon",)),)), case(now=None))


MADRID = ZoneInfo("Europe/Madrid")


@pytest.mark.parametrize(
    ("window", "utc", "inside"),
    [
        # Madrid is one hour ahead in winter; the end is not included
        (Window(start="08:00", end="18:00"), "2026-11-25T07:00", True),
        (Window(start="08:00", end="18:00"), "2026-11-25T06:59", False),
        (Window(start="08:00", end="18:00"), "2026-11-25T17:00", False),
        # a named zone stands above the site's
        (Window(start="08:00", end="18:00", zone="America/New_York"), "2026-11-25T07:00", False),
        # Wednesday only; local midnight decides
        (Window(days=("wed",)), "2026-11-24T23:00", True),
        (Window(days=("wed",)), "2026-11-25T23:00", False),
        # open ends
        (Window(start="20:00"), "2026-11-25T22:59", True),
        (Window(end="06:00"), "2026-11-25T04:59", True),
        (Window(end="06:00"), "2026-11-25T05:00", False),
        # over midnight: Friday's night ends on Saturday, and Thursday's is not meant
        (Window(days=("fri",), start="22:00", end="06:00"), "2026-11-27T21:00", True),
        (Window(days=("fri",), start="22:00", end="06:00"), "2026-11-28T04:59", True),
        (Window(days=("fri",), start="22:00", end="06:00"), "2026-11-28T05:00", False),
        (Window(days=("fri",), start="22:00", end="06:00"), "2026-11-27T04:59", False),
        # the clock goes from 02:00 to 03:00 on 2026-03-29: what ends in the gap ends with it
        (Window(start="01:00", end="02:30"), "2026-03-29T00:59", True),
        (Window(start="01:00", end="02:30"), "2026-03-29T01:00", False),
        # … what starts in the gap starts after it
        (Window(start="02:30", end="04:00"), "2026-03-29T00:59", False),
        (Window(start="02:30", end="04:00"), "2026-03-29T01:00", True),
        # … and over midnight into that day
        (Window(days=("sat",), start="23:00", end="03:30"), "2026-03-29T01:29", True),
        (Window(days=("sat",), start="23:00", end="03:30"), "2026-03-29T01:30", False),
        # 02:30 comes twice on 2026-10-25, and counts both times
        (Window(start="02:00", end="03:00"), "2026-10-25T00:30", True),
        (Window(start="02:00", end="03:00"), "2026-10-25T01:30", True),
        (Window(start="02:00", end="03:00"), "2026-10-25T02:00", False),
    ],
)
def test_windows_go_by_the_clock_on_the_wall(window: Window, utc: str, inside: bool) -> None:  # noqa: FBT001
    """Days and hours of the zone, over midnight, and on the two days with a different length."""
    assert inside == window.holds(datetime.fromisoformat(utc).replace(tzinfo=UTC), MADRID)


def test_a_night_in_the_gap_never_comes() -> None:
    """A window within the hour that is skipped holds at no moment of that day."""
    window = Window(start="02:10", end="02:50")
    midnight = datetime(2026, 3, 28, 23, tzinfo=UTC)
    moments = [midnight + timedelta(minutes=each) for each in range(23 * 60)]
    assert not any(window.holds(now, MADRID) for now in moments)


@given(st.datetimes(datetime(2026, 1, 1), datetime(2027, 1, 1), timezones=st.just(UTC)))  # noqa: DTZ001
def test_a_window_and_its_complement_share_out_the_year(now: datetime) -> None:
    """At every moment exactly one of a night and its day holds."""
    night, day = Window(start="22:00", end="06:00"), Window(start="06:00", end="22:00")
    assert night.holds(now, MADRID) != day.holds(now, MADRID)


@given(st.text("ab*?", max_size=7), st.text("abAB", max_size=8))
def test_patterns_fit_like_their_meaning(pattern: str, text: str) -> None:
    """Against regular expressions as an oracle: `*` any text, `?` one character, letters alike."""
    words = {"*": ".*", "?": "."}
    shape = "".join(words.get(each, re.escape(each)) for each in pattern)
    assert matches(pattern, text) == bool(re.fullmatch(shape, text, re.IGNORECASE))


def test_a_vicious_pattern_ends() -> None:
    """What takes a regular expression for ever takes a pattern at most len times len steps."""
    assert not matches("*a" * 60 + "b", "a" * 255)
    # nothing that could be looked for beforehand: `?b` fits in many places, but not at the end
    assert not matches("*a" * 60 + "?b", "a" * 250 + "bba")


@pytest.mark.parametrize(
    ("made", "words"),
    [
        (Range, "must have min, max"),
        (lambda: Range(min=3, max=2), "can never be: min 3 is above max 2"),
        (lambda: Window(start="08:00", end="08:00"), "can never be: it ends"),
        (lambda: Window(zone="Mars/Base"), "no time zone"),
        (lambda: Window(zone="../etc/passwd"), "no time zone"),
        (lambda: Window(start="25:00"), "pattern"),
        (lambda: Balance(unit="EUR"), "must have below"),
        (lambda: Balance(unit="EUR", below=5, above=4), "can never be"),
        (lambda: When(groups=("a",), not_groups=("A", "b")), "can never be"),
        (lambda: When(media=("iso_a9",)), "is none of iso_a2"),
        (lambda: When(groups=()), "at least 1"),
    ],
)
def test_what_can_never_be_is_no_condition(made: Any, words: str) -> None:  # noqa: ANN401
    """Empty ranges, windows and lists are refused where they are written."""
    with pytest.raises(ValidationError, match=words):
        made()
