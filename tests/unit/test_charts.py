"""Promises of charts: plain SVG that a strict policy lets through, honest, always the same."""

from __future__ import annotations

import os
from pathlib import Path
from xml.etree import ElementTree as ET

import pytest
from hypothesis import given
from hypothesis import strategies as st

from central.charts import About, Point, Series, Stack, bars, columns, lines, spark, stacked

GOLDEN = Path(__file__).parent.parent / "fixtures" / "golden" / "charts"
SVG = "{http://www.w3.org/2000/svg}"
DAYS = [f"{n} Nov" for n in range(1, 15)]
PAGES = [312, 280, 0, 0, 401, 388, 350, 290, 310, 0, 0, 420, 455, 120]


def whole(number: float) -> str:
    """Write a number with thin groups."""
    return f"{number:,.0f}"


def samples() -> dict[str, str]:
    """Return one chart of each kind."""
    printers = [
        Point("Library 2", 4120, 3800),
        Point("Lobby <left>", 2210, 2600),
        Point("A printer with a very long name indeed", 900),
        Point("Cellar", 0, 12),
    ]
    halves = [Stack("North", (300, 120)), Stack("South", (90, 200)), Stack("West", (0, 0))]
    return {
        "bars": bars(printers, About("Pages by printer", "Library 2 leads."), whole),
        "stacked": stacked(halves, ["black", "colour"], About("Pages by site"), whole),
        "columns": columns(
            [Point(d, p) for d, p in zip(DAYS, PAGES, strict=True)],
            About("Pages by day", "None on Sundays."),
            whole,
        ),
        "lines": lines(
            [
                Series("this month", tuple(PAGES)),
                Series("before", (*PAGES[3:], None, 300, 310)),
            ],
            DAYS,
            About("Pages by day"),
            whole,
        ),
        "spark": spark(PAGES, About("Pages of the last fortnight")),
    }


@pytest.mark.parametrize("name", sorted(samples()))
def test_a_chart_is_the_one_that_was_looked_at(name: str) -> None:
    """Charts are compared with those that people have seen; PRINTMESH_GOLDEN=1 writes them anew."""
    file = GOLDEN / f"{name}.svg"
    if os.environ.get("PRINTMESH_GOLDEN"):
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_text(samples()[name] + "\n")
    assert file.read_text() == samples()[name] + "\n"


numbers = st.floats(0, 1e9, allow_nan=False)
points = st.lists(st.builds(Point, st.text(), numbers, st.none() | numbers), max_size=40)


@given(points)
def test_any_figures_make_a_picture_within_its_frame(some: list[Point]) -> None:
    """Well-formed whatever things are called, no bar negative or beyond the frame."""
    for chart in (bars(some, About("t"), whole), columns(some, About("t"), whole)):
        root = ET.fromstring(chart)  # noqa: S314  ours
        wide = float(str(root.get("viewBox")).split()[2])
        for rect in root.iter(f"{SVG}rect"):
            x, long = float(str(rect.get("x"))), float(str(rect.get("width")))
            assert long >= 0
            assert float(str(rect.get("height"))) >= 0
            assert -0.5 <= x <= x + long <= wide + 0.5


@given(st.lists(numbers, max_size=20), st.integers(1, 3))
def test_lines_and_stacks_of_anything_are_pictures(values: list[float], count: int) -> None:
    """Empty ones too."""
    labels = [str(n) for n in range(len(values))]
    series = [Series(f"s{n}", tuple(values)) for n in range(count)]
    ET.fromstring(lines(series, labels, About("t"), whole))  # noqa: S314  ours
    ET.fromstring(spark(values, About("t")))  # noqa: S314  ours
    some = [Stack(label, (value, value)) for label, value in zip(labels, values, strict=True)]
    ET.fromstring(stacked(some, ["a", "b"], About("t"), whole))  # noqa: S314  ours


@pytest.mark.parametrize("chart", samples().values(), ids=samples())
def test_a_strict_policy_lets_it_through(chart: str) -> None:
    """No inline style, no script, nothing from elsewhere; and it says what it is."""
    root = ET.fromstring(chart)  # noqa: S314  ours
    for each in root.iter():
        assert each.tag not in {f"{SVG}{name}" for name in ("style", "script", "image", "use")}
        assert not {name for name in each.attrib if name == "style" or name.startswith("on")}
        assert not [value for value in each.attrib.values() if "url(" in value]
    assert root.get("role") == "img"
    title = root.find(f"{SVG}title")
    assert title is not None
    assert title.text == root.get("aria-label")


def test_bars_begin_at_zero_and_are_in_proportion() -> None:
    """Twice as much is twice as long."""
    root = ET.fromstring(bars([Point("a", 50), Point("b", 100)], About("t"), whole))  # noqa: S314
    first, second = root.iter(f"{SVG}rect")
    assert first.get("x") == second.get("x")
    assert float(str(second.get("width"))) == pytest.approx(
        2 * float(str(first.get("width"))), abs=0.2
    )


def test_a_gap_breaks_the_line() -> None:
    """What is not known is not drawn as if it were."""
    chart = lines([Series("a", (1, 2, None, 3, 4))], list("abcde"), About("t"), whole)
    (path,) = ET.fromstring(chart).iter(f"{SVG}path")  # noqa: S314  ours
    assert str(path.get("d")).count("M") == 2
