"""Which line of a tariff applies, which tariff is in force, and what is no tariff."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import ValidationError

from config.policy.jobs import Sides
from config.policy.tariffs import Color, Service, Tariff, TariffLine, in_force

NEW_YEAR = datetime(2026, 1, 1, tzinfo=UTC)


def tariff(*lines: dict[str, Any], version: int = 1, since: datetime = NEW_YEAR) -> Tariff:
    """Make a tariff in euros."""
    return Tariff.model_validate(
        {"version": version, "unit": "EUR", "effective_from": since, "lines": lines}
    )


def found(
    asked: Tariff,
    service: Service = "print",
    color: Color = "monochrome",
    media: str | None = "iso_a4",
    sides: Sides = Sides.ONE_SIDED,
    printer: str = "p1",
) -> int | None:
    """Return the sheet price of the line that wins, which names it in these tests."""
    line = asked.line_for(service=service, color=color, media=media, sides=sides, printer=printer)
    return line.per_sheet if line else None


def test_the_line_that_names_most_wins() -> None:
    """However the lines are ordered."""
    lines: list[dict[str, Any]] = [
        {"per_sheet": 0},
        {"color": "color", "per_sheet": 1},
        {"color": "color", "media": "iso_a3", "per_sheet": 2},
        {"color": "color", "media": "iso_a3", "printer": "p1", "per_sheet": 3},
    ]
    for listed in (lines, lines[::-1]):
        asked = tariff(*listed)
        assert [
            found(asked),
            found(asked, color="color"),
            found(asked, color="color", media="iso_a3", printer="p2"),
            found(asked, color="color", media="iso_a3"),
        ] == [0, 1, 2, 3]


def test_between_equals_the_first_listed_wins() -> None:
    """Two lines that name as many fields: the operator's order decides."""
    colour = {"color": "color", "per_sheet": 1}
    large = {"media": "iso_a3", "per_sheet": 2}
    assert found(tariff(colour, large), color="color", media="iso_a3") == 1
    assert found(tariff(large, colour), color="color", media="iso_a3") == 2


def test_a_silent_tariff_has_no_line() -> None:
    """No line applies, none is made up; an unknown medium fits open lines only."""
    assert None is found(tariff())
    assert None is found(tariff({"service": "copy"}))
    assert None is found(tariff({"media": "iso_a4"}), media=None)
    assert found(tariff({"per_sheet": 7}), media=None) == 7


@pytest.mark.parametrize("sides", [Sides.TWO_SIDED_LONG_EDGE, Sides.TWO_SIDED_SHORT_EDGE])
def test_both_bindings_are_two_sided(sides: Sides) -> None:
    """A line for two-sided paper covers both."""
    asked = tariff({"sides": "two-sided", "per_sheet": 1}, {"sides": "one-sided", "per_sheet": 2})
    assert found(asked, sides=sides) == 1
    assert found(asked) == 2


lines = st.builds(
    TariffLine,
    service=st.sampled_from(["print", "copy", "*"]),
    color=st.sampled_from(["monochrome", "color", "*"]),
    media=st.sampled_from(["iso_a4", "iso_a3", "*"]),
    sides=st.sampled_from(["one-sided", "two-sided", "*"]),
    printer=st.sampled_from(["p1", "*"]),
)


@given(
    st.lists(lines, unique_by=lambda line: line.fields, max_size=8),
    st.sampled_from(["print", "copy"]),
    st.sampled_from(["monochrome", "color"]),
    st.sampled_from(["iso_a4", "iso_a3", "iso_a5", None]),
    st.sampled_from(Sides),
    st.sampled_from(["p1", "p2"]),
)
def test_the_order_of_lines_is_total(
    listed: list[TariffLine],
    service: Service,
    color: Color,
    media: str | None,
    sides: Sides,
    printer: str,
) -> None:
    """Scanning by number of named fields, then as listed, finds the same line."""
    asked = Tariff(version=1, unit="EUR", effective_from=NEW_YEAR, lines=tuple(listed))
    got = asked.line_for(service=service, color=color, media=media, sides=sides, printer=printer)
    expected = None
    for named in (5, 4, 3, 2, 1, 0):
        for line in listed:
            fits = (
                line.service in (service, "*")
                and line.color in (color, "*")
                and line.media in (media, "*")
                and (line.sides == "*" or (line.sides == "two-sided") == sides.two_sided)
                and line.printer in (printer, "*")
            )
            if expected is None and fits and sum(f != "*" for f in line.fields) == named:
                expected = line
    assert expected == got


@pytest.mark.parametrize(
    ("line", "expected"),
    [
        ({"per_impression": -1}, "greater than or equal to 0"),
        ({"per_impression": 0.05}, "valid integer"),
        ({"per_sheet": 10**16}, "less than or equal"),
        ({"service": "scan"}, "'print', 'copy'"),
        ({"media": "A4"}, "none of iso_a2"),
        ({"printer": "p1\n"}, "match pattern"),
        ({"colour": "color"}, "Extra inputs"),  # a typing error must not become `any colour`
    ],
)
def test_a_wrong_line_is_refused(line: dict[str, Any], expected: str) -> None:
    """A tariff with such a line is none, and the message says what would do."""
    with pytest.raises(ValidationError, match=expected):
        tariff(line)


def test_two_lines_for_the_same_are_refused() -> None:
    """The message names both by their place."""
    with pytest.raises(ValidationError, match="lines 1 and 3 are for the same: print"):
        tariff({"service": "print"}, {}, {"service": "print", "per_sheet": 1})


@pytest.mark.parametrize(
    "change", [{"version": 0}, {"unit": "eur"}, {"effective_from": "2026-01-01T00:00:00"}]
)
def test_a_wrong_head_is_refused(change: dict[str, Any]) -> None:
    """A version from 1, a unit, and a moment with its zone."""
    sound = {"version": 1, "unit": "EUR", "effective_from": NEW_YEAR, "lines": ()}
    with pytest.raises(ValidationError):
        Tariff.model_validate(sound | change)


def test_the_last_to_have_begun_is_in_force() -> None:
    """From its very moment on; among equals the highest version; before the first, none."""
    day = timedelta(days=1)
    old, new = tariff(), tariff(version=2, since=NEW_YEAR + day)
    corrected = tariff(version=3, since=NEW_YEAR + day)
    assert None is in_force([old, new], NEW_YEAR - day)
    assert old == in_force([new, old], NEW_YEAR)
    assert new == in_force([new, old], NEW_YEAR + day)
    assert corrected == in_force([corrected, new, old], NEW_YEAR + day)


def test_a_tariff_survives_the_wire() -> None:
    """What is written as JSON reads back as the same tariff."""
    sent = tariff({"color": "color", "per_impression": 250_000, "per_sheet": 10_000})
    assert sent == Tariff.model_validate_json(sent.model_dump_json())
