"""Promises of comparing meters with what was billed: like with like, never a charge by guess."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, date, datetime, timedelta
from itertools import pairwise
from typing import TYPE_CHECKING, Any
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st

from broker.messages import Meter
from central.meter_moves import NotCompared, Read
from central.reconciling import (
    Copied,
    Day,
    Limits,
    Stretch,
    compare,
    copied,
    day_of,
    first_day,
)
from central.tallies import Tally

if TYPE_CHECKING:
    from collections.abc import Sequence

NOON = datetime(2026, 11, 22, 12, tzinfo=UTC)
TODAY = date(2026, 11, 22)
SMALL = st.integers(0, 500)
_REST = ("impressions", "snmp:x")


def read(n: int = 1, tally: Tally | None = None, *, m: Sequence[tuple[Any, ...]]) -> Read:
    """Return a reading that shows (name, value), (name, value, unit) or (…, source)."""
    shown = [(*each, *_REST[len(each) - 2 :]) for each in m]
    return Read(
        n=n,
        serial="XKL-1",
        read_at=NOON + timedelta(hours=n),
        meters=tuple(
            Meter.model_validate({"name": name, "value": value, "unit": unit, "source": source})
            for name, value, unit, source in shown
        ),
        continues=True,
        tally=Tally() if tally is None else tally,
    )


def stretch(*found: object) -> Stretch:
    """Return the one stretch that two readings must make."""
    (one,) = found
    assert isinstance(one, Stretch), one
    return one


# ── which figure ────────────────────────────────────────────────────────────────────────────


@pytest.mark.parametrize(
    ("before", "after", "metered"),
    [
        # the machine's total, whatever else it tells
        ([("total", 10), ("print", 5)], [("total", 30), ("print", 6)], 20),
        # no total: its colours
        ([("total-mono", 10), ("total-color", 1)], [("total-mono", 20), ("total-color", 4)], 13),
        # neither: the sum of its services on paper; scans put nothing on it
        (
            [("print", 1), ("copy", 1), ("fax", 0), ("scan", 0)],
            [("print", 5), ("copy", 3), ("fax", 2), ("scan", 9)],
            8,
        ),
        # a total in sheets stands behind services in impressions
        (
            [("total", 10, "sheets"), ("print-mono", 1)],
            [("total", 13, "sheets"), ("print-mono", 5)],
            4,
        ),
    ],
)
def test_one_figure_stands_for_the_machine(
    before: list[Any], after: list[Any], metered: int
) -> None:
    """The first of total, colours, services and sheets that both readings have."""
    found = stretch(compare(read(1, m=before), read(2, m=after)))
    assert (found.unit, found.metered) == ("impressions", metered)


def test_sheets_are_compared_with_sheets() -> None:
    """A machine that counts sheets is held against the sheets that were billed."""
    billed = Tally(prints=10, print_sheets=5, copies=4, copy_sheets=4)
    found = stretch(
        compare(
            read(1, m=[("total", 100, "sheets")]), read(2, billed, m=[("total", 110, "sheets")])
        )
    )
    assert (found.unit, found.prints, found.copies, found.left) == ("sheets", 5, 4, 1)


@pytest.mark.parametrize(
    ("before", "after", "why"),
    [
        # went round or was reset: nothing is known, and nothing is charged
        ([("total", 999_990)], [("total", 5)], "went back from 999990 to 5"),
        # another unit
        ([("total", 5)], [("total", 9, "sheets")], "counts sheets now, impressions before"),
        # another source of the same figure
        (
            [("total", 5)],
            [("total", 9, "impressions", "ipp:y")],
            "is told by ipp:y now, by snmp:x before",
        ),
        # nothing in common
        ([("total", 5)], [("print", 9)], "no counter of pages in common"),
        # a unit of its own
        ([("total", 5, "other")], [("total", 9, "other")], "no counter of pages in common"),
    ],
)
def test_what_is_not_alike_is_not_compared(before: list[Any], after: list[Any], why: str) -> None:
    """Instead of a figure there is a sentence."""
    found = compare(read(1, m=before), read(2, m=after))
    assert isinstance(found, NotCompared)
    assert why in found.reason


@pytest.mark.parametrize(
    ("changes", "why"),
    [
        ({"continues": False, "detail": "it was switched off"}, "it was switched off"),
        ({"serial": "XKL-2"}, "another machine stands there: XKL-2, before XKL-1"),
        ({"read_at": NOON}, "not in the order"),
        ({"tally": None}, "was told late"),
    ],
)
def test_readings_that_do_not_go_on_are_said_so(changes: dict[str, Any], why: str) -> None:
    """Resets, other machines and late readings end a stretch."""
    before = read(1, m=[("total", 1), ("copy", 1)])
    after = read(2, m=[("total", 9), ("copy", 9)])
    after = replace(after, **changes)
    for found in (compare(before, after), copied(before, after)):
        assert isinstance(found, NotCompared)
        assert why in found.reason
    assert isinstance(compare(None, after), NotCompared)


def test_other_services_explain_by_their_own_meters() -> None:
    """Fax and reports are nobody's jobs; scans only where the total has them in it."""
    before = [("total", 100), ("print", 50), ("copy", 30), ("fax", 15), ("report", 5), ("scan", 70)]
    after = [("total", 120), ("print", 60), ("copy", 34), ("fax", 20), ("report", 6), ("scan", 99)]
    found = stretch(compare(read(1, m=before), read(2, Tally(prints=10, copies=4), m=after)))
    assert found.others == {"fax": 5, "report": 1}
    assert found.left == 0
    assert found.by_service == {"print": (10, 10), "copy": (4, 4)}
    with_scans = [(name, value + 99 if name == "total" else value) for name, value in after]
    older = [(name, value + 70 if name == "total" else value) for name, value in before]
    found = stretch(compare(read(1, m=older), read(2, Tally(prints=10, copies=4), m=with_scans)))
    assert found.others == {"fax": 5, "report": 1, "scan": 29}
    assert found.left == 0


def test_a_further_marker_explains_nothing() -> None:
    """Its impressions are those of the total once more, and no service."""
    before, after = [("total", 10), ("marker-1.2", 10)], [("total", 60), ("marker-1.2", 60)]
    found = stretch(compare(read(1, m=before), read(2, Tally(prints=20), m=after)))
    assert (found.others, found.left) == ({}, 30)


def test_large_paper_counts_as_often_as_the_machine_does() -> None:
    """A machine that counts a side of A3 twice is not accused of it."""
    billed = Tally(prints=10, large=4)
    found = compare(read(1, m=[("total", 0)]), read(2, billed, m=[("total", 14)]), factor=2)
    assert stretch(found).left == 0


# ── a day ───────────────────────────────────────────────────────────────────────────────────


@st.composite
def stretches(draw: st.DrawFn) -> Stretch:
    """Return any stretch in impressions."""
    return Stretch(
        "impressions",
        draw(SMALL),
        draw(SMALL),
        draw(SMALL),
        draw(SMALL),
        draw(SMALL),
        {"fax": draw(SMALL)},
        draw(SMALL),
    )


@given(st.lists(stretches(), max_size=4), st.integers(-100, 3000))
def test_explanations_never_turn_the_sign(found: list[Stretch], entered: int) -> None:
    """What is explained is never negative and never more than is left; the rest adds up."""
    day = day_of("north", "lobby", TODAY, found, entered=entered)
    left = sum(each.left for each in found)
    assert 0 <= day.explained <= abs(left)
    assert left * day.unexplained >= 0
    assert abs(day.unexplained) + day.explained == abs(left)
    assert day.metered == sum(each.metered for each in found)
    assert not (day.over(Limits()) and abs(day.unexplained) <= day.tolerance)


@given(st.lists(SMALL, min_size=1, max_size=6), st.lists(SMALL, min_size=1, max_size=6))
def test_stretches_add_up(moves: list[int], bills: list[int]) -> None:
    """However often a machine is read, the sum of the stretches is what lies between the ends."""
    reads = [read(0, Tally(), m=[("total", 0)])]
    total, billed = 0, Tally()
    for n, (move, bill) in enumerate(zip(moves, bills, strict=False), 1):
        total, billed = total + move, billed + Tally(prints=bill)
        reads.append(read(n, billed, m=[("total", total)]))
    day = day_of(
        "north",
        "lobby",
        TODAY,
        [compare(one, two) for one, two in pairwise(reads)],
    )
    whole = stretch(compare(reads[0], reads[-1]))
    assert (day.metered, day.prints, day.unexplained) == (whole.metered, whole.prints, whole.left)


def test_a_day_in_two_units_is_told_in_the_last() -> None:
    """Impressions and sheets are never added."""
    day = day_of(
        "north",
        "lobby",
        TODAY,
        [Stretch("sheets", 5, 4, 0), NotCompared("it was reset"), Stretch("impressions", 9, 8, 0)],
    )
    assert (day.unit, day.metered, day.unexplained) == ("impressions", 9, 1)
    assert day.breaks == ("it was reset", "5 sheets were counted in another unit")


@pytest.mark.parametrize(
    ("metered", "billed", "tolerance", "over"),
    [
        (121, 100, 0, True),  # 21 pages, 17 %
        (120, 100, 0, False),  # 20 pages
        (100, 121, 0, True),  # billed beyond the machine
        (10_100, 10_000, 0, False),  # 100 pages, 1 %
        (150, 100, 40, False),  # jobs under way may be the rest
    ],
)
def test_an_alert_needs_pages_and_percent(
    metered: int, billed: int, tolerance: int, *, over: bool
) -> None:
    """Beyond both bounds, and beyond what nobody can tell."""
    day = Day("n", "d", TODAY, (Stretch("impressions", metered, billed, 0, tolerance=tolerance),))
    assert day.over(Limits(20, 2.0)) is over


# ── copies by the meter ─────────────────────────────────────────────────────────────────────


@pytest.mark.parametrize(
    ("before", "after", "expected"),
    [
        # colours told apart
        (
            [("copy-mono", 1), ("copy-color", 1)],
            [("copy-mono", 5), ("copy-color", 3)],
            Copied(4, 2),
        ),
        # a total and one colour
        ([("copy", 1), ("copy-color", 1)], [("copy", 9), ("copy-color", 3)], Copied(6, 2)),
        # no colour told: in black
        ([("copy", 1)], [("copy", 9)], Copied(8, 0)),
        # nothing was copied
        ([("copy", 1)], [("copy", 1)], Copied(0, 0)),
    ],
)
def test_copies_by_their_own_meters(before: list[Any], after: list[Any], expected: Copied) -> None:
    """What the machine does not call colour is priced as black."""
    assert copied(read(1, m=before), read(2, m=after)) == expected


def test_a_machine_that_tells_no_copies_has_none() -> None:
    """A total alone is nobody's copies."""
    found = copied(read(1, m=[("total", 1)]), read(2, m=[("total", 900)]))
    assert isinstance(found, NotCompared)


def test_a_copy_meter_that_went_back_books_nothing() -> None:
    """Though the other colour moved."""
    found = copied(
        read(1, m=[("copy-mono", 9), ("copy-color", 1)]),
        read(2, m=[("copy-mono", 1), ("copy-color", 5)]),
    )
    assert isinstance(found, NotCompared)


@given(
    st.lists(st.tuples(SMALL, SMALL, SMALL, SMALL), min_size=1, max_size=8),
)
def test_copies_are_never_booked_beyond_the_meters(moves: list[tuple[int, int, int, int]]) -> None:
    """All that was billed by terminals and booked together is what the meters moved, or less.

    Only what terminals billed beyond the meters is open in the end, and the next copies are its.
    """
    mono = color = 0
    billed, booked, carried = Tally(), 0, 0
    before = read(0, billed, m=[("copy-mono", 0), ("copy-color", 0)])
    for n, (more_mono, more_color, billed_mono, billed_color) in enumerate(moves, 1):
        mono, color = mono + more_mono, color + more_color
        billed += Tally(copies=billed_mono + billed_color, copy_color=billed_color)
        after = read(n, billed, m=[("copy-mono", mono), ("copy-color", color)])
        found = copied(before, after, carried)
        assert isinstance(found, Copied)
        assert found.monochrome >= 0 <= found.color
        assert found.carried <= 0
        booked, carried = booked + found.monochrome + found.color, found.carried
        before = after
        assert booked + billed.copies + carried == mono + color


# ── the running day ─────────────────────────────────────────────────────────────────────────


@pytest.mark.parametrize(
    ("began", "seen", "zone", "day"),
    [
        # nothing is known of the site: by the zone that is given
        ("2026-11-22T23:30+00:00", None, "UTC", "2026-11-22"),
        ("2026-11-22T23:30+00:00", None, "Europe/Madrid", "2026-11-23"),
        # another device of the site saw the 22nd end: it is the 23rd there, whatever it is here
        ("2026-11-22T15:30+00:00", "2026-11-22", "UTC", "2026-11-23"),
        ("2026-11-23T05:00+00:00", "2026-11-21", "UTC", "2026-11-22"),
        # that is long ago: it says nothing of today
        ("2026-11-22T12:00+00:00", "2026-11-02", "UTC", "2026-11-22"),
    ],
)
def test_a_first_day_is_the_sites_own(began: str, seen: str | None, zone: str, day: str) -> None:
    """What other devices of the site saw end says which; without them, the given zone."""
    ended = None if seen is None else date.fromisoformat(seen)
    found = first_day(datetime.fromisoformat(began), ended, ZoneInfo(zone))
    assert found == date.fromisoformat(day)


def test_nobody_is_called_before_a_day_has_ended() -> None:
    """However much is left of a day so far, it is not over the bounds."""
    much = compare(read(1, m=[("total", 0)]), read(2, m=[("total", 500)]))
    assert day_of("north", "north-1", TODAY, [much]).over(Limits())
    assert not day_of("north", "north-1", TODAY, [much], whole=False).over(Limits())
