"""The schedule of a chaos run: a seed decides it, and every fault fits its place."""

from __future__ import annotations

import random

import pytest
from hypothesis import given
from hypothesis import strategies as st

from demo.chaos.kinds import SHAPES, Kind, Places, Planned, Where, schedule

EVERYWHERE = Places(
    ("north", "south", "east"), own_broker=("south",), small_disk=("north",), terminals=("east",)
)
LATE = {Kind.RESTORE, Kind.RESTORE_WITHOUT, Kind.OLD_RETURNS}


def dice(seed: int) -> random.Random:
    """Return what throws as this seed says."""
    return random.Random(seed)  # noqa: S311  no secret hangs on it


def play(seed: int, faults: int, places: Places = EVERYWHERE) -> tuple[Planned, ...]:
    """Return the schedule of a minute."""
    return schedule(dice(seed), faults=faults, seconds=60, places=places)


def test_the_seed_decides() -> None:
    """The same seed gives the same faults at the same moments; another gives others."""
    assert play(7, 200) == play(7, 200)
    assert play(7, 200) != play(8, 200)


@given(seed=st.integers(0, 2**32), faults=st.integers(0, 300))
def test_as_many_as_asked_in_order_and_in_time(seed: int, faults: int) -> None:
    """There are exactly so many faults, numbered in the order of their moments."""
    planned = play(seed, faults)
    assert [each.number for each in planned] == list(range(1, faults + 1))
    moments = [each.at for each in planned]
    assert moments == sorted(moments)
    assert all(0 <= at <= 60 for at in moments)


@given(seed=st.integers(0, 2**32))
def test_no_kind_is_left_out(seed: int) -> None:
    """A run with room for all kinds has each of them."""
    assert {each.kind for each in play(seed, len(Kind))} == set(Kind)


@given(seed=st.integers(0, 2**32), faults=st.integers(1, 200))
def test_each_fault_fits_its_place(seed: int, faults: int) -> None:
    """A site's broker is killed where it is a process of its own, and so on; durations fit."""
    for each in play(seed, faults):
        shape = SHAPES[each.kind]
        assert shape.low <= each.seconds <= shape.high
        assert (each.site == "") == (shape.where in {Where.CENTRAL, Where.BROKER})
        if shape.where is Where.SITE_BROKER:
            assert each.site == "south"
        if each.kind is Kind.FULL_DISK:
            assert each.site == "north"
        if shape.where is Where.TERMINAL:
            assert each.site == "east"


@given(seed=st.integers(0, 2**32), faults=st.integers(len(Kind), 300))
def test_a_restore_has_something_to_restore(seed: int, faults: int) -> None:
    """The books fall only after a third of the run."""
    for each in play(seed, faults):
        if each.kind in LATE:
            assert each.number > faults // 3


def test_what_cannot_happen_is_not_planned() -> None:
    """Without a small disk none is filled, without a terminal none killed; nothing is refused."""
    bare = Places(("north",))
    kinds = {each.kind for each in play(1, 300, bare)}
    at_terminals = {kind for kind in Kind if SHAPES[kind].where is Where.TERMINAL}
    assert len(at_terminals) == 4
    assert kinds == set(Kind) - {Kind.FULL_DISK, Kind.KILL_SITE_BROKER} - at_terminals
    with pytest.raises(ValueError, match="no fault can happen"):
        schedule(dice(1), faults=1, seconds=1, places=bare, kinds=[Kind.FULL_DISK])
