"""The order in which files of tests are begun: nothing long is left for the end."""

from __future__ import annotations

from pathlib import Path
from types import SimpleNamespace

from tests.conftest import LONG, pytest_collection_modifyitems

TESTS = Path(__file__).parents[1]


def test_every_long_file_is_there() -> None:
    """A file that was renamed would be begun last again, without a word."""
    names = {path.name for path in TESTS.rglob("test_*.py")}
    assert LONG.keys() - names == set()


def test_the_longest_begin_and_real_processes_come_last() -> None:
    """Long before short, acceptance after the rest, and within a file nothing moves."""
    files = (
        "acceptance/test_link_cut.py",
        "unit/test_ids.py::a",
        "unit/test_ids.py::b",
        "acceptance/test_edge_killed.py",
        "integration/test_counts_match.py",
    )
    items = [
        SimpleNamespace(path=TESTS / name.partition("::")[0], name=name, get_closest_marker=_no)
        for name in files
    ]
    pytest_collection_modifyitems(items)  # type: ignore[arg-type]  # as much of an item as it reads
    assert [item.name for item in items] == [files[4], files[1], files[2], files[3], files[0]]


def _no(_name: str) -> None:
    """Say that an item has no such mark."""
