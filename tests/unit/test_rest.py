"""What has not come out of a job that failed: each page once, on whichever printer."""

from __future__ import annotations

from datetime import timedelta
from typing import TYPE_CHECKING

import pytest
from hypothesis import given
from hypothesis import strategies as st

from config.policy.attributes import AttributesRefused, read_attributes
from config.policy.jobs import ColorMode, JobAttributes, JobState, Sides, figures
from edge.changes import text_of
from edge.release import Evidence, Phase, Settled, settle
from edge.rest import Rest, put_back_as, rest_of
from tests.unit.edge_lab import NOW, held_job

if TYPE_CHECKING:
    from edge.jobs import JobRecord

ABORTED, COMPLETED, CANCELED = JobState.ABORTED, JobState.COMPLETED, JobState.CANCELED
STOPPED_AT_5 = Evidence(ABORTED, device_state=ABORTED, device_impressions=5)


def released(
    pages: int, attributes: JobAttributes | None = None, **changes: str | int
) -> JobRecord:
    """Return a job of so many pages that is under way."""
    asked = attributes or JobAttributes()
    printed = asked.model_copy(update={"copies": int(changes.get("copies", asked.copies))})
    if "page-ranges" in changes:
        low, high = str(changes["page-ranges"]).split("-")
        printed = printed.model_copy(update={"page_ranges": ((int(low), int(high)),)})
    return held_job().with_(
        phase=Phase.RELEASING,
        attributes=asked,
        pages=pages,
        planned=figures(pages, (), asked),
        converted=figures(pages, (), printed),
        changes=changes,
    )


def sides_of(attributes: JobAttributes, pages: int) -> list[int]:
    """Return the finished sides of one copy, one by one."""
    total = -(-pages // attributes.number_up)
    ranges = attributes.page_ranges or ((1, total),)
    return [n for low, high in ranges for n in range(low, min(high, total) + 1)]


_RANGES = st.lists(st.integers(1, 40), min_size=0, max_size=8, unique=True).map(
    lambda ends: tuple(zip(sorted(ends)[::2], sorted(ends)[1::2], strict=False))
)
_ATTRIBUTES = st.builds(
    JobAttributes,
    sides=st.sampled_from(Sides),
    number_up=st.sampled_from((1, 2, 4)),
    page_ranges=_RANGES,
    print_color_mode=st.sampled_from(ColorMode),
)


@given(pages=st.integers(1, 60), attributes=_ATTRIBUTES, count=st.integers(1, 60))
def test_each_side_comes_out_once_and_is_paid_once(
    pages: int, attributes: JobAttributes, count: int
) -> None:
    """What came out and the rest are the job: n-up, ranges and two sides change nothing in that."""
    record = released(pages, attributes)
    whole = sides_of(attributes, pages)
    count = min(count, len(whole))
    evidence = Evidence(ABORTED, device_state=ABORTED, device_impressions=count)
    rest = rest_of(record, evidence)
    if count == len(whole):
        assert rest is None or not whole
        return
    assert rest is not None
    said = {k: v for k, v in put_back_as(record, rest).items() if v is not None}
    again = read_attributes(said)
    assert not isinstance(again, AttributesRefused)
    assert whole[:count] + sides_of(again, pages) == whole
    paid = settle(record.expected, evidence, now=NOW, patience=timedelta(0))  # type: ignore[arg-type]
    assert isinstance(paid, Settled)
    due = paid.billed.impressions + figures(pages, (), again).impressions
    assert due == len(whole)


def test_a_two_sided_job_goes_on_behind_the_side_that_was_counted() -> None:
    """Five of twelve sides: the back of the third sheet begins the rest, on a sheet of its own."""
    asked = JobAttributes(sides=Sides.TWO_SIDED_LONG_EDGE)
    rest = rest_of(released(12, asked), STOPPED_AT_5)
    assert rest == Rest(page_ranges=((6, 12),))


def test_what_the_person_chose_at_the_machine_is_what_is_left_of() -> None:
    """Of pages 3 to 9, chosen at release, five came out: 8 and 9 are left."""
    record = released(12, None, **{"page-ranges": "3-9"})
    assert rest_of(record, STOPPED_AT_5) == Rest(page_ranges=((8, 9),))


def test_nothing_came_out_so_the_whole_job_is_left_as_it_came() -> None:
    """All copies, the own ranges and colours; nothing of what was changed for the release."""
    asked = JobAttributes(copies=3, page_ranges=((2, 4),), print_color_mode=ColorMode.COLOR)
    record = released(5, asked, copies=2, **{"print-color-mode": "monochrome"})
    rest = rest_of(record, Evidence(ABORTED, device_state=ABORTED, device_impressions=0))
    assert rest == Rest()
    told = put_back_as(record, rest)
    assert (told["copies"], told["page-ranges"], told["print-color-mode"]) == (3, "2-4", "color")
    assert told["sides"] is None


@pytest.mark.parametrize(
    "evidence",
    [
        Evidence(COMPLETED, device_state=COMPLETED, device_impressions=5),  # not failed
        Evidence(CANCELED, device_state=CANCELED, device_impressions=5),  # somebody wished it so
        Evidence(ABORTED, device_state=JobState.PROCESSING, device_impressions=5),  # goes on
        Evidence(ABORTED, spooler_impressions=7),  # nobody says what came out
        Evidence(ABORTED, device_restarted=True),  # nor here
        Evidence(None),  # nor what became of it
        Evidence(ABORTED, device_state=ABORTED, device_impressions=12),  # all of it
        Evidence(ABORTED, device_state=ABORTED, device_impressions=15),
    ],
)
def test_where_nobody_knows_what_is_left_nothing_is(evidence: Evidence) -> None:
    """No guess prints a page twice, and what somebody canceled does not come back."""
    assert rest_of(released(12), evidence) is None


@pytest.mark.parametrize(
    ("evidence", "early", "rest"),
    [
        (Evidence(CANCELED, device_state=CANCELED, device_impressions=5), False, ((6, 12),)),
        (Evidence(CANCELED, device_state=CANCELED, device_impressions=0), False, ()),
        (Evidence(CANCELED), True, ()),  # it stood behind others
        (Evidence(CANCELED), False, None),  # nobody says what came out
        (Evidence(CANCELED, spooler_impressions=3), True, None),  # it began after all
        (Evidence(CANCELED, device_state=JobState.PROCESSING_STOPPED), True, None),  # may go on
        (Evidence(COMPLETED, device_state=COMPLETED, device_impressions=12), False, None),
    ],
)
def test_what_a_person_took_off_its_printer_is_left_where_it_is_known(
    evidence: Evidence, *, early: bool, rest: tuple[tuple[int, int], ...] | None
) -> None:
    """Canceled by our hand the rest waits; by anybody else's it does not."""
    record = released(12).with_(stopped_by="ana", stopped_early=early)
    assert rest_of(record, evidence) == (None if rest is None else Rest(page_ranges=rest))
    if evidence.spooler_state is CANCELED:
        assert rest_of(released(12), evidence) is None


@pytest.mark.parametrize(
    "record",
    [
        released(12, JobAttributes(copies=2)),  # page by page, or copy by copy
        released(12, copies=2),
        released(12).with_(pages=0),  # from before pages were kept
        released(12).with_(planned=None, converted=None),
    ],
)
def test_a_part_of_what_does_not_come_in_order_is_not_known(record: JobRecord) -> None:
    """With several copies nobody knows which pages are out; so it is settled as it was."""
    assert rest_of(record, STOPPED_AT_5) is None


def test_a_rest_of_too_many_ranges_is_none() -> None:
    """What CUPS could not be told is not put back."""
    ranges = tuple((2 * n + 1, 2 * n + 1) for n in range(200))
    asked = JobAttributes(page_ranges=ranges)
    assert len(text_of(ranges)) > 255
    assert rest_of(released(500, asked), STOPPED_AT_5) is None
