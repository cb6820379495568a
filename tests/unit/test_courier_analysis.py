"""The written analysis of courier codes names tests that are there, and figures that are right."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from config.policy.courier import DIGITS, INDEXES, MOST_STEPS, Parts, read
from edge.tries import SITE_TRIES, USER_TRIES

ROOT = Path(__file__).parents[2]
TEXT = (ROOT / "docs" / "courier-codes.md").read_text()


def test_every_test_that_is_named_is_there() -> None:
    """A case without its test would be a claim."""
    files = list((ROOT / "tests").rglob("test_*.py"))
    known = {path.stem for path in files}
    for path in files:
        known.update(re.findall(r"^(?:async )?def (test_\w+)", path.read_text(), re.MULTILINE))
    named = set(re.findall(r"`(test_\w+)`", TEXT))
    assert len(named) > 20
    assert named <= known


@pytest.mark.parametrize(
    ("said", "sites", "years", "accounts"),
    [
        ("4.1 · 10⁻⁹", 1, 1, 1),
        ("1.7 · 10⁻⁸", 1, 1, 4),
        ("8.3 · 10⁻⁸", 1, 1, 20),
        ("1.7 · 10⁻⁴", 1000, 10, 4),
    ],
)
def test_the_figures_follow_from_the_limits(
    said: str, sites: int, years: int, accounts: int
) -> None:
    """The table is worked out from the tries that are allowed and the bits that there are."""
    chance = sites * years * 365 * SITE_TRIES * accounts / 2**42
    digits = "⁰¹²³⁴⁵⁶⁷⁸⁹"
    mantissa, exponent = f"{chance:.1e}".split("e-")
    power = "".join(digits[int(each)] for each in exponent.lstrip("0"))
    assert said == f"{mantissa} · 10⁻{power}"
    assert said in TEXT


def test_the_code_in_the_example_brings_what_is_asked_for() -> None:
    """People compare their screen with ours: the digits shown are of a code for 2.50."""
    shown = re.findall(r"((?:\d{4} ){4}\d{4})", TEXT)
    assert len(shown) == 2
    found = {read(each) for each in shown}
    assert [each.steps for each in found if isinstance(each, Parts)] == [25]


def test_the_bounds_are_those_of_the_code() -> None:
    """What people read of digits, amounts and tries is what the program does."""
    for figure in (
        f"{DIGITS} digits",
        f"{INDEXES:,} codes",
        f"{MOST_STEPS:,} steps",
        f"{USER_TRIES} tries a person and hour, {SITE_TRIES} a site and",
    ):
        assert figure in TEXT
