"""A result says by itself whether its target was met (benchmarks)."""

from __future__ import annotations

from benchmarks.__main__ import figure, modules
from benchmarks.result import absolute, compared


def test_a_comparison_is_judged_by_its_ratio() -> None:
    """The ratio decides, whichever way the target points."""
    slower = compared("x", 30, "µs", baseline="y", baseline_value=20, samples=5, at_most=1.4)
    assert (slower.ratio, slower.target, slower.holds) == (1.5, "ratio ≤ 1.4", False)
    faster = compared("x", 30, "1/s", baseline="y", baseline_value=20, samples=5, at_least=1.4)
    assert faster.holds is True


def test_an_absolute_figure_is_judged_by_its_value_or_not_at_all() -> None:
    """Without a target nothing is claimed."""
    assert absolute("x", 50, "MiB", at_most=50).holds is True
    assert absolute("x", 50, "MiB").holds is None


def test_every_field_of_the_results_file_is_there() -> None:
    """The file's readers count on these names."""
    assert list(absolute("x", 1, "s").as_json()) == [
        "name",
        "value",
        "unit",
        "baseline",
        "baseline_value",
        "ratio",
        "target",
        "holds",
        "samples",
        "machine",
    ]


def test_what_measures_is_found_and_figures_are_short() -> None:
    """A new benchmark needs no list to be put on; three places are enough for a ratio."""
    assert "store" in modules()
    assert "result" not in modules()
    assert [figure(None), figure(0.012345), figure(12345.6)] == ["", "0.0123", "12,346"]
