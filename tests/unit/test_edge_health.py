"""Promises of an edge's health: what is wrong is said, and what is not wrong is not."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest

from edge.health import LEAST_FREE, Vital, checks, judged

WELL = Vital(
    disk_bytes=10 * LEAST_FREE,
    disk_free=LEAST_FREE,
    journal=True,
    spooler=True,
    broker=True,
    linked=True,
    alone=True,
    out_of_service=False,
)


def test_a_well_edge_has_nothing_to_say() -> None:
    """No reason, no note, every check is well."""
    assert judged(WELL).healthy
    assert judged(WELL).notes == ()
    assert set(checks(WELL).values()) == {True}


@pytest.mark.parametrize(
    ("change", "check", "word"),
    [
        ({"disk_free": LEAST_FREE - 1}, "disk", "volume"),
        ({"journal": False}, "journal", "journal"),
        ({"spooler": False}, "spooler", "print system"),
        ({"broker": False}, "broker", "broker"),
        ({"linked": False, "alone": False}, "link", "centre"),
        ({"out_of_service": True}, "service", "out of service"),
    ],
)
def test_each_trouble_is_one_reason(change: dict[str, Any], check: str, word: str) -> None:
    """One thing that is wrong is one sentence about it, and one check that is not well."""
    vital = replace(WELL, **change)
    found = judged(vital)
    assert not found.healthy
    assert [word in reason for reason in found.reasons] == [True]
    assert [name for name, well in checks(vital).items() if not well] == [check]


def test_working_alone_is_no_trouble() -> None:
    """A remote site without its line does its work: that is a note."""
    found = judged(replace(WELL, linked=False))
    assert found.healthy
    assert found.notes == ("The site works alone.",)


def test_an_agents_lost_line_is_said_once() -> None:
    """An agent without its line is out of service because of it: one reason."""
    vital = replace(WELL, linked=False, alone=False, out_of_service=True)
    assert len(judged(vital).reasons) == 1


def test_a_disk_that_nobody_can_measure_is_not_full() -> None:
    """No figure is no trouble: what cannot be written shows by the journal itself."""
    assert judged(replace(WELL, disk_bytes=0, disk_free=0)).healthy
