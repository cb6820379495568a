"""Two readings of a printer: their difference where it is certain, a reason where it is not."""

from __future__ import annotations

from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from edge.devices.counters import ROUNDS, Counted, Unknown, Why, alone, difference, restarted
from tests.unit.device_lab import meter, taken

VALUES = st.integers(min_value=0, max_value=2**40)


def why(before: int, after: int, *, minutes: float = 10, up: float | None = 1000) -> Why | int:
    """Return how far a counter went on, or why nobody knows."""
    up_then = 1000.0 if up is not None else None
    then = taken(meter(before), up=up_then)
    now = taken(meter(after), minutes=minutes, up=None if up is None else up)
    found = difference(then, now)
    return found.counted[0].count if found.counted else found.unknown[0].why


@pytest.mark.parametrize(
    ("before", "after", "up", "expected"),
    [
        (100, 100, 1000.0, 0),
        (100, 130, 1000.0, 30),
        (100, 130, None, 30),  # it says no time; counters that go on are believed
        (5000, 4991, -5000.0, Why.WENT_BACK),  # lost at power off
        (5000, 4000, 1000.0, Why.WENT_BACK),
        (5000, 4000, -5000.0, Why.RESET),  # a board was changed
        (5000, 3, 1000.0, Why.RESET),
        (999_990, 5, 1000.0, 15),  # it went round at six digits
        (999_990, 5, None, Why.RESET),  # nobody says that it was not switched off
        (999_990, 5, -5000.0, Why.RESET),
        (700_000, 5, 1000.0, Why.RESET),  # nowhere near its limit
        (2**32 - 3, 2, 1000.0, 5),
        (2**31 - 3, 2, 1000.0, Why.RESET),  # no counter of RFC 2578 ends there
        (100, 2**31, 1000.0, Why.JUMPED),
    ],
)
def test_what_became_of_a_counter(
    before: int, after: int, up: float | None, expected: Why | int
) -> None:
    """A counter that fell went round only where nothing else is possible."""
    assert why(before, after, up=up) == expected


def test_what_cannot_be_compared_has_its_reason() -> None:
    """Another unit, source or machine, or a figure that one reading lacks, is no difference."""
    then = taken(meter(10), meter(5, "copy"), meter(7, "fax"))
    now = taken(
        meter(20, unit="sheets"), meter(9, "copy", source="snmp:other"), meter(1, "scan"), minutes=1
    )
    reasons = {each.name: each.why for each in difference(then, now).unknown}
    assert reasons == {
        "total": Why.OTHER_UNIT,
        "copy": Why.OTHER_SOURCE,
        "fax": Why.HALF_READ,
        "scan": Why.HALF_READ,
    }
    assert not difference(then, now).continues
    swapped = difference(taken(meter(10)), taken(meter(20), minutes=1, who="SN-2"))
    assert [each.why for each in swapped.unknown] == [Why.OTHER_SERIAL]


def test_a_figure_given_twice_is_none() -> None:
    """Where two rows of a table bear one name, nobody knows which is meant."""
    found = difference(taken(meter(1), meter(9)), taken(meter(2), meter(10), minutes=1))
    assert not found.counted


@given(before=VALUES, after=VALUES, minutes=st.floats(0, 100_000), up=st.floats(0, 1e7))
def test_a_difference_is_never_negative_nor_invented(
    before: int, after: int, minutes: float, up: float
) -> None:
    """What went on went on by what was read, or round a limit; it is never more than possible."""
    then, now = taken(meter(before)), taken(meter(after), minutes=minutes, up=up)
    found = difference(then, now)
    assert len(found.counted) + len(found.unknown) == 1
    for each in found.counted:
        assert isinstance(each, Counted)
        possible = {after - before, *(limit - before + after for limit in ROUNDS)}
        assert each.count in possible
        assert 0 <= each.count <= 1000 + 500 * minutes
        assert each.wrapped == (after < before)
    if after < before and found.continues:
        pytest.fail("a stretch over a counter that fell cannot be compared plainly")


@given(values=st.lists(VALUES, min_size=2, max_size=6))
def test_a_machine_that_is_swapped_counts_for_nobody(values: list[int]) -> None:
    """Between two serial numbers nothing is a difference, whatever the figures are."""
    for before, after in pairwise(values):
        found = difference(taken(meter(before)), taken(meter(after), minutes=1, who="SN-2"))
        assert not found.counted
        assert all(isinstance(each, Unknown) for each in found.unknown)


def test_switched_off_in_between_is_known_by_its_own_clock() -> None:
    """It fell: certain. It ran on as long as passed: certain too. Else nobody knows."""
    then = taken(meter(1))
    assert restarted(then, taken(meter(1), minutes=60)) is False
    assert restarted(then, taken(meter(1), minutes=60, up=-4000)) is True
    # it was off for half of the time, and on again for longer than before
    assert restarted(then, taken(meter(1), minutes=600, up=-20_000)) is None
    assert restarted(then, taken(meter(1), minutes=60, up=None)) is None


@pytest.mark.parametrize(
    ("change", "expected"),
    [
        ({}, 4),
        ({"who": "SN-2"}, None),
        ({"up": -5000.0}, None),
        ({"up": None}, None),
    ],
)
def test_a_job_alone_is_counted_only_on_one_machine_that_ran_on(
    change: dict[str, object], expected: int | None
) -> None:
    """Another serial or a restart between the readings leaves no evidence."""
    after = taken(meter(104), minutes=1, **change)  # type: ignore[arg-type]
    found = alone(taken(meter(100)), after)
    assert (found.impressions if found else None) == expected


def test_a_copy_in_between_leaves_no_evidence() -> None:
    """Where the machine splits services, a copy at the same time takes the job's figure away."""
    then = taken(meter(100), meter(50, "copy-mono"))
    assert alone(then, taken(meter(104), meter(50, "copy-mono"), minutes=1)) is not None
    assert alone(then, taken(meter(104), meter(51, "copy-mono"), minutes=1)) is None


def test_sheets_are_no_impressions() -> None:
    """A machine that counts sheets says nothing of what a job comes to."""
    then, now = taken(meter(1, unit="sheets")), taken(meter(3, unit="sheets"), minutes=1)
    assert alone(then, now) is None
