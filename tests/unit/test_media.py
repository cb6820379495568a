"""Media classes from names and from measures."""

from __future__ import annotations

import pytest

from config.policy.media import SIZES, media_class, media_of_size


@pytest.mark.parametrize("name", SIZES)
def test_every_class_is_its_own_name_and_size(name: str) -> None:
    """A class, its PWG self-describing name and its measures, either way round, are one."""
    short, long = (edge / 2540 * 72 for edge in SIZES[name])
    assert [name] * 4 == [
        media_class(name),
        media_class(f"{name}_1x2mm"),
        media_of_size(short, long),
        media_of_size(long, short),
    ]


@pytest.mark.parametrize(
    ("width", "height", "expected"),
    [
        (595, 842, "iso_a4"),  # rounded points
        (612, 792, "na_letter"),
        (600, 842, "iso_a4"),  # 2 mm too wide
        (595, 800, "custom"),
        (0, 0, "custom"),
    ],
)
def test_sizes_are_met_within_three_millimetres(width: float, height: float, expected: str) -> None:
    """Rounding and trimming do not make a page a custom one; other sizes do."""
    assert expected == media_of_size(width, height)


@pytest.mark.parametrize(
    ("name", "expected"),
    [
        ("A4", "iso_a4"),
        ("upper,A4", "iso_a4"),  # CUPS takes them in any order
        ("iso_a4_210x297mm.fullbleed", "iso_a4"),
        ("custom_100x100_100x100mm", "custom"),
        ("om_folio_210x330mm", None),  # not in the table
        ("", None),
        ("iso_a4_", None),
    ],
)
def test_names(name: str, expected: str | None) -> None:
    """Old names and new ones find their class; others find none."""
    assert expected == media_class(name)
