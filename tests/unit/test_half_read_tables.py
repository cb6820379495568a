"""Promises of readings that lack some counters: half of a figure is none, and never a charge."""

from __future__ import annotations

from typing import Any

import pytest

from central.meter_moves import NotCompared
from central.reconciling import Copied, compare, copied
from central.tallies import Tally
from tests.unit.test_reconciling import read, stretch


@pytest.mark.parametrize(
    ("before", "after", "why"),
    [
        # a service is missing: the rest is no sum of them all
        ([("print", 1), ("copy", 1)], [("print", 9)], "copy is in one of the two"),
        ([("print", 1)], [("print", 9), ("copy", 9)], "copy is in one of the two"),
        # one is read elsewhere now: the same
        (
            [("print", 1), ("copy", 1)],
            [("print", 9), ("copy", 9, "impressions", "snmp:y")],
            "copy is told by snmp:y now",
        ),
        # a colour is missing: the other is not the whole
        (
            [("total-mono", 1), ("total-color", 1)],
            [("total-mono", 9)],
            "no counter of pages in common",
        ),
    ],
)
def test_half_a_table_is_no_figure(before: list[Any], after: list[Any], why: str) -> None:
    """What one of the readings lacks is not taken for pages that were billed and never came."""
    found = compare(read(1, m=before), read(2, Tally(prints=8, copies=8), m=after))
    assert isinstance(found, NotCompared)
    assert why in found.reason


def test_a_total_needs_no_other_counter() -> None:
    """Though a service is missing: it has all of them in it."""
    before, after = [("total", 1), ("copy-color", 1), ("copy-mono", 1)], [("total", 9)]
    assert stretch(compare(read(1, m=before), read(2, m=after))).metered == 8


@pytest.mark.parametrize(
    ("before", "after"),
    [
        # both colours then, black only now, and the other way round
        ([("copy-mono", 1), ("copy-color", 1)], [("copy-mono", 9)]),
        ([("copy-mono", 1)], [("copy-mono", 9), ("copy-color", 9)]),
        # all of them then, those in black only now
        ([("copy", 1), ("copy-mono", 1)], [("copy-mono", 9)]),
        # all of them, their colour not told any more: they are not black because of it
        ([("copy", 1), ("copy-color", 1)], [("copy", 9)]),
    ],
)
def test_copies_of_half_a_table_are_not_booked(before: list[Any], after: list[Any]) -> None:
    """A colour that one of the readings lacks leaves nothing to be priced."""
    found = copied(read(1, m=before), read(2, m=after))
    assert isinstance(found, NotCompared)
    assert "one of the two readings only" in found.reason


def test_more_copies_than_pages_are_not_booked() -> None:
    """A counter that the machine's own total contradicts is no charge; one that lags is."""
    before = [("total", 0), ("copy", 0)]
    wild = copied(read(1, m=before), read(2, m=[("total", 30), ("copy", 5_000)]))
    assert isinstance(wild, NotCompared)
    assert "5000 copies, and 30 pages" in wild.reason
    late = copied(read(1, m=before), read(2, m=[("total", 30), ("copy", 33)]))
    assert late == Copied(33, 0)
