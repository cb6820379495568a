"""Copies that a terminal lost, settled by the machine's own meters: never free, never above."""

from __future__ import annotations

from datetime import timedelta
from typing import TYPE_CHECKING

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from broker.messages import CopyCounts, CopyState, MeterReading
from edge.copy_difference import NoMore, Uncounted, difference, read, told_late
from edge.copy_meter import KINDS, Meter, Terms, of
from edge.release import Phase
from edge.wishes import Wish
from tests.unit.copies_lab import PATIENCE, PRICES, TERMINAL, CopySite
from tests.unit.edge_lab import CENT, euros, figures, grant, held_job

if TYPE_CHECKING:
    from uuid import UUID

    from broker.messages import Charged


def total(number: int) -> MeterReading:
    """Return a reading of a machine that does not tell kinds apart."""
    return MeterReading(total=number)


async def begun(site: CopySite, reading: MeterReading | None, device: str = "lib-1") -> CopyState:
    """Begin a copy of Ana's with what the machine says."""
    state = await site.copying.begin(TERMINAL, Wish(device, "ana"), reading)
    assert isinstance(state, CopyState)
    return state


def charged_for(site: CopySite, copy: UUID) -> Charged:
    """Return the charge of a copy."""
    return next(each for each in site.charged() if each.job == copy)


async def flags_of(site: CopySite, copy: UUID) -> str:
    """Return what its settlement was flagged with."""
    return next(each.flag or "" for each in site.settled() if each.job == copy)


async def test_a_copy_whose_terminal_died_is_settled_by_the_difference() -> None:
    """Two were counted, the machine made five: the terminal's next beginning settles five."""
    site = CopySite()
    grant(site.books, euros("100"))
    lost = await begun(site, total(1000))
    site.copying.count(TERMINAL, lost.copy_id, CopyCounts(monochrome=2), total(1002))
    site.crash()
    again = await begun(site, total(1005))
    assert again.copy_id != lost.copy_id
    charged = charged_for(site, lost.copy_id)
    assert charged.postings[0].micros == 25 * CENT
    assert charged.counted.impressions == 5
    assert "copy-meter: the machine's meters say 5, its terminal counted 2" in (
        await flags_of(site, lost.copy_id)
    )


def figures_of(site: CopySite, copy: UUID) -> list[tuple[str | None, int | None]]:
    """Return who counted what of it, in what the centre hears."""
    (event,) = [each for each in site.settled() if each.job == copy]
    return [(each.by, each.impressions) for each in event.counts]


async def test_pulses_and_totalisers_are_kept_apart() -> None:
    """Each figure has its source: what the terminal counted, and what the machine's meters say."""
    site = CopySite()
    grant(site.books, euros("100"))
    blind = await begun(site, None)
    site.copying.end(TERMINAL, blind.copy_id, CopyCounts(monochrome=2), "signed off")
    agreed = await begun(site, total(1000))
    site.copying.end(TERMINAL, agreed.copy_id, CopyCounts(monochrome=3), "", total(1003))
    late = await begun(site, total(1003))
    site.copying.end(TERMINAL, late.copy_id, CopyCounts(monochrome=2), "", total(1004))
    site.now += timedelta(minutes=1)  # what came before is over
    lost = await begun(site, total(1005))
    site.copying.end(TERMINAL, lost.copy_id, CopyCounts(monochrome=1), "", total(1009))
    odd = await begun(site, total(1009))
    site.copying.end(TERMINAL, odd.copy_id, CopyCounts(monochrome=1), "", total(90_000))
    assert [figures_of(site, each.copy_id) for each in (blind, agreed, late, lost, odd)] == [
        [("terminal", 2)],
        [("terminal", 3), ("totaliser", 3)],
        [("terminal", 2), ("totaliser", 1)],
        [("terminal", 1), ("totaliser", 4)],
        [("terminal", 1)],
    ]


async def test_an_end_after_a_restart_is_settled_by_the_difference_by_kind() -> None:
    """A terminal that comes back with older totals, and the machine's meters, ends with these."""
    site = CopySite()
    grant(site.books, euros("100"))
    before = MeterReading(kinds=CopyCounts(monochrome=70, color=30))
    state = await begun(site, before)
    site.copying.count(TERMINAL, state.copy_id, CopyCounts(monochrome=1))
    after = MeterReading(kinds=CopyCounts(monochrome=71, color=33))
    done = site.copying.end(TERMINAL, state.copy_id, CopyCounts(monochrome=1), "", after)
    assert isinstance(done, CopyState)
    assert done.cost[0].micros == 65 * CENT
    assert charged_for(site, state.copy_id).counted.color_impressions == 3


async def test_what_the_machine_said_last_settles_a_copy_that_is_given_up() -> None:
    """A reading that is durable counts like a count when nobody comes back; the flag tells both."""
    site = CopySite()
    grant(site.books, euros("100"))
    state = await begun(site, total(50))
    site.copying.count(TERMINAL, state.copy_id, CopyCounts(), total(53))
    site.crash()
    site.copying.sweep()
    site.seconds += PATIENCE.total_seconds()
    assert site.copying.sweep() == 1
    assert charged_for(site, state.copy_id).postings[0].micros == 15 * CENT
    flag = await flags_of(site, state.copy_id)
    assert "copy-abandoned" in flag
    assert "copy-meter" in flag


async def test_a_difference_costs_no_more_than_was_set_aside() -> None:
    """What the meters say beyond the hold is recorded and flagged, and charged to nobody."""
    site = CopySite()
    grant(site.books, euros("2"))
    state = await begun(site, total(0))
    grant(site.books, euros("10"))
    done = site.copying.end(TERMINAL, state.copy_id, CopyCounts(color=1), "", total(60))
    assert isinstance(done, CopyState)
    assert done.cost[0].micros == euros("2")
    assert site.here() == euros("10")
    assert (
        charged_for(site, state.copy_id).printed_above == 20
    )  # one in colour, 19 in black and white


@pytest.mark.parametrize(
    ("last", "why"),
    [
        (total(900), "fell"),  # another machine, a new board
        (total(1500), "more than one copy can come to"),
    ],
)
async def test_a_meter_that_cannot_be_right_is_flagged_and_not_charged(
    last: MeterReading, why: str
) -> None:
    """Where a difference makes no sense, what was counted stands."""
    site = CopySite()
    grant(site.books, euros("100"))
    state = await begun(site, total(1000))
    done = site.copying.end(TERMINAL, state.copy_id, CopyCounts(monochrome=2), "", last)
    assert isinstance(done, CopyState)
    assert done.cost[0].micros == 10 * CENT
    assert why in await flags_of(site, state.copy_id)


@pytest.mark.parametrize(("more", "flagged"), [(10, False), (11, True)])
async def test_a_meter_that_prints_moved_meanwhile_charges_nobody(
    more: int, *, flagged: bool
) -> None:
    """A print of ten at the same machine explains ten; what is beyond is flagged, not charged."""
    site = CopySite()
    grant(site.books, euros("100"))
    state = await begun(site, total(1000))
    there = held_job().with_(phase=Phase.RELEASING, printer="lib-1", planned=figures(10))
    site.books.keep(there)
    counts = CopyCounts(monochrome=2)
    done = site.copying.end(TERMINAL, state.copy_id, counts, "", total(1002 + more))
    assert isinstance(done, CopyState)
    assert done.cost[0].micros == 10 * CENT
    assert ("copy-meter" in await flags_of(site, state.copy_id)) is flagged


async def test_a_lost_copy_that_the_meters_know_of_is_not_gone_on_with() -> None:
    """Nothing was counted, but the machine made three: the next copy is another one."""
    site = CopySite()
    grant(site.books, euros("100"))
    lost = await begun(site, total(10))
    again = await begun(site, total(13))
    assert again.copy_id != lost.copy_id
    assert charged_for(site, lost.copy_id).postings[0].micros == 15 * CENT
    assert (await begun(site, total(13))).copy_id == again.copy_id


async def test_counts_that_come_late_are_those_the_meters_told_already() -> None:
    """Only what goes beyond the difference was charged to nobody; said again it changes nothing."""
    site = CopySite()
    grant(site.books, euros("100"))
    state = await begun(site, total(0))
    site.copying.end(TERMINAL, state.copy_id, CopyCounts(monochrome=2), "", total(5))
    site.copying.count(TERMINAL, state.copy_id, CopyCounts(monochrome=2, color=3))
    assert site.flags() == []
    for _ in range(2):
        site.copying.count(TERMINAL, state.copy_id, CopyCounts(monochrome=2, color=4))
    assert site.flags() == ["copy-late"]


_SOME = st.integers(0, 30)
_COUNTS = st.builds(CopyCounts, **dict.fromkeys(KINDS, _SOME))


def _meter(allowed: tuple[bool, ...] = (True,) * 4) -> Meter:
    terms = {
        kind: Terms(allowed=may, each=PRICES[kind] * CENT)
        for kind, may in zip(KINDS, allowed, strict=True)
    }
    return Meter(terminal="t", unit="EUR", terms=terms, most=10_000, margin=4)


@given(base=_COUNTS, early=_COUNTS, lost=_COUNTS, whole=st.booleans())
@settings(max_examples=60, deadline=None)
def test_the_difference_is_what_was_not_counted(
    base: CopyCounts, early: CopyCounts, lost: CopyCounts, *, whole: bool
) -> None:
    """Whenever the first reading was taken: what was made and not counted, and nothing else."""

    def reading(*parts: CopyCounts) -> MeterReading:
        sums = CopyCounts(**{kind: sum(of(each, kind) for each in parts) for kind in KINDS})
        return MeterReading(total=sums.total) if whole else MeterReading(kinds=sums)

    meter = read(_meter(), reading(base, early), early).model_copy(update={"counts": early})
    meter = read(meter, reading(base, early, lost), early)
    found = difference(meter, others=None)
    if not lost.total:
        assert isinstance(found, NoMore)
        return
    assert isinstance(found, Uncounted)
    assert found.more == (CopyCounts(monochrome=lost.total) if whole else lost)


def test_pages_of_no_known_kind_are_the_cheapest_that_may_be_made() -> None:
    """A machine with one totaliser, where black and white is not allowed, made small colour."""
    meter = read(_meter((False, True, False, True)), total(1), CopyCounts())
    found = difference(read(meter, total(3), CopyCounts()), others=None)
    assert isinstance(found, Uncounted)
    assert found.more == CopyCounts(color=2)


@given(uncounted=_COUNTS, late=st.lists(_COUNTS, max_size=4))
@settings(max_examples=60, deadline=None)
def test_late_counts_are_paid_once_by_the_difference(
    uncounted: CopyCounts, late: list[CopyCounts]
) -> None:
    """However they come: what nobody paid is what goes beyond the difference, each page once."""
    meter = _meter().model_copy(update={"uncounted": uncounted})
    beyond = 0
    for counts in late:
        meter, more = told_late(meter, counts)
        beyond += more
    assert beyond == max(0, meter.counts.total - uncounted.total)
