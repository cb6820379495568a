"""How long a site has been without the centre: no clock can be turned to make it shorter."""

from __future__ import annotations

import asyncio
from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from edge.age import STORE_EVERY, Age, Kept, too_old
from edge.alone import Alone
from edge.store.memory_disk import MemoryDisk
from tests.unit.edge_lab import open_books

NOON = datetime(2026, 1, 5, 12, tzinfo=UTC)
HOUR = timedelta(hours=1)


def test_it_counts_from_the_last_receipt() -> None:
    """Each message of the centre begins it anew; the wall clock has no say while it runs."""
    age = Age(None, NOON, 100.0)
    assert age.at(160.0) == timedelta(minutes=1)
    age.heard(200.0)
    assert age.at(200.0) == timedelta(0)
    age.keep(NOON + 400 * HOUR, 210.0)
    age.keep(NOON - 400 * HOUR, 220.0)
    assert age.at(230.0) == timedelta(seconds=30)


@pytest.mark.parametrize(
    ("wall", "expected"),
    [
        (NOON + HOUR, 3 * HOUR),  # off for an hour, and the clock says so
        (NOON - 100 * HOUR, 2 * HOUR + STORE_EVERY),  # set back: counts from the highest time
        (NOON, 2 * HOUR + STORE_EVERY),  # so soon: what may not have been stored
        (NOON + 100 * HOUR, 102 * HOUR),  # set forward: costs availability, never money
    ],
)
def test_a_reboot_buys_nothing(wall: datetime, expected: timedelta) -> None:
    """After a reboot it is as old as it was, and older by whatever the clock admits."""
    assert Age(Kept(2 * HOUR, NOON), wall, 5.0).at(5.0) == expected


def test_a_clock_set_back_stays_back_for_the_mark() -> None:
    """The highest time that was seen is kept, though the clock says less by now."""
    age = Age(None, NOON, 0.0)
    age.keep(NOON + 10 * HOUR, 1.0)
    kept = age.keep(NOON - 10 * HOUR, 3600.0)
    assert kept == Kept(HOUR, NOON + 10 * HOUR)


@given(
    st.lists(
        st.tuples(
            st.sampled_from(["runs", "reboots", "stores"]),
            st.integers(0, 100_000),
            st.integers(-(10**6), 10**6),
        ),
        max_size=30,
    )
)
def test_running_time_always_counts(steps: list[tuple[str, int, int]]) -> None:
    """However often it is rebooted, with whatever clock, the time it ran in between adds up."""
    monotonic, wall, kept = 0.0, NOON, Age(None, NOON, 0.0).keep(NOON, 0.0)
    age, stored, ran = Age(kept, NOON, 0.0), 0, 0
    for kind, seconds, shift in steps:
        match kind:
            case "runs":
                monotonic += seconds
                ran += seconds
            case "stores":
                kept, stored = age.keep(wall, monotonic), ran
            case _:
                # what was not stored is lost, but never more than it is stored after
                ran = stored + min(ran - stored, int(STORE_EVERY.total_seconds()))
                wall += timedelta(seconds=shift)
                age, monotonic, stored = Age(kept, wall, 0.0), 0.0, ran
                kept = age.keep(wall, 0.0)
        assert age.at(monotonic) >= timedelta(seconds=ran)


def test_the_limit_is_reached_not_passed_by() -> None:
    """At the limit it is over; without one it never is."""
    assert not too_old(HOUR - timedelta(seconds=1), HOUR)
    assert too_old(HOUR, HOUR)
    assert not too_old(10_000 * HOUR, None)


def test_the_journal_keeps_it() -> None:
    """A crash, a suspended machine and a clock set back: the age goes on from what was stored."""
    disk, now, ticks = MemoryDisk(), [NOON], [0.0]
    books = open_books(disk)
    alone = Alone(books, clock=lambda: now[0], monotonic=lambda: ticks[0])
    ticks[0] += 7200  # a clock that counts while the machine is suspended
    alone.store()
    now[0] -= 1000 * HOUR
    ticks[0] = 3.0
    again = Alone(
        open_books(disk.crash(lambda _: 0)), clock=lambda: now[0], monotonic=lambda: ticks[0]
    )
    assert again.for_() == 2 * HOUR + STORE_EVERY
    again.heard()
    assert again.for_() == timedelta(0)


async def test_a_contact_after_a_long_cut_outlives_a_crash() -> None:
    """Line and power often fail together: what was heard between two cuts counts at the start."""
    disk, ticks = MemoryDisk(), [0.0]
    alone = Alone(open_books(disk), clock=lambda: NOON, monotonic=lambda: ticks[0])
    running = asyncio.create_task(alone.run())
    await asyncio.sleep(0)
    ticks[0] += 3600 * 70
    alone.store()
    alone.heard()
    for _ in range(5):
        await asyncio.sleep(0)
    running.cancel()
    again = Alone(open_books(disk.crash(lambda _: 0)), clock=lambda: NOON, monotonic=lambda: 0.0)
    assert again.for_() == STORE_EVERY
