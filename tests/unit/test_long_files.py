"""The order in which files of tests are begun: nothing long is left for the end."""

from __future__ import annotations

from pathlib import Path

from tests.conftest import LONG, pytest_collection_modifyitems

TESTS = Path(__file__).parents[1]


def test_every_long_file_is_there() -> None:
    """A file that was renamed would be begun last again, without a word."""
    names = {path.name for path in TESTS.rglob("test_*.py")}
    assert LONG.keys() - names == set()


class Item:
    """As much of an item as the order reads."""

    def __init__(self, name: str) -> None:
        self.name = name
        self.path = TESTS / name.partition("::")[0]

    def get_closest_marker(self, _name: str) -> None:
        """Say that it has no such mark."""


def test_the_longest_begin_and_what_waits_goes_on_beside_what_works() -> None:
    """Long before short, real processes and others at one rate, and in a file nothing moves."""
    files = (
        "acceptance/test_link_cut.py",
        "unit/test_ids.py::a",
        "unit/test_ids.py::b",
        "acceptance/test_edge_killed.py",
        "integration/test_counts_match.py",
        "integration/test_analysis.py",
    )
    items = [Item(name) for name in files]
    pytest_collection_modifyitems(items)  # type: ignore[arg-type]  # as much as it reads
    assert [item.name for item in items] == [files[each] for each in (3, 4, 0, 5, 1, 2)]
