"""What a person changes at the machine: what it comes to is what the document would come to."""

from __future__ import annotations

from itertools import pairwise
from typing import TYPE_CHECKING

from hypothesis import given
from hypothesis import strategies as st

from broker.messages import JobChanges
from config.policy.jobs import ColorMode, JobAttributes, Sides, figures
from config.policy.rules import PointOfPrint
from edge.changes import RANGES_KEPT, Changed, NotChanged, changed, compact, suited, text_of
from tests.unit.edge_lab import held_job

if TYPE_CHECKING:
    from edge.jobs import JobRecord

PAGES = st.integers(1, 40)


def ranges(edges: set[int]) -> tuple[tuple[int, int], ...]:
    """Return ranges between edges, every second gap left out."""
    return tuple((a, b - 1) for n, (a, b) in enumerate(pairwise(sorted(edges))) if n % 2 == 0)


def job(pages: int, colour: set[int], **attributes: object) -> JobRecord:
    """Return a held document as the intake enters it."""
    asked = JobAttributes.model_validate(attributes)
    return held_job().with_(
        pages=pages,
        attributes=asked,
        planned=figures(pages, colour, asked, document_media="iso_a4"),
        colour=compact(colour),
    )


def as_changed(record: JobRecord, **changes: object) -> Changed | NotChanged:
    """Change a job."""
    assert record.planned is not None
    return changed(record, record.planned, JobChanges.model_validate(changes))


@given(
    PAGES,
    st.sets(st.integers(1, 40)),
    st.sampled_from([1, 2, 4]),
    st.integers(1, 3),
    st.sampled_from(Sides),
    st.none() | st.integers(1, 5),
    st.none() | st.sampled_from(Sides),
    st.booleans(),
    st.none() | st.sets(st.integers(1, 30), min_size=2).map(ranges),
)
def test_figures_are_those_of_the_document_under_the_new_attributes(
    pages: int,
    colour: set[int],
    up: int,
    copies: int,
    sides: Sides,
    new_copies: int | None,
    new_sides: Sides | None,
    grey: bool,  # noqa: FBT001  drawn
    wanted: tuple[tuple[int, int], ...] | None,
) -> None:
    """However it is changed, the price is of what a fresh analysis would find."""
    colour = {page for page in colour if page <= pages}
    record = job(pages, colour, copies=copies, sides=sides, number_up=up)
    found = as_changed(
        record,
        copies=new_copies,
        sides=new_sides,
        print_color_mode="monochrome" if grey else None,
        page_ranges=wanted,
    )
    attributes = record.attributes.model_copy(
        update={
            "copies": new_copies or copies,
            "sides": new_sides or sides,
            "page_ranges": wanted or (),
            "print_color_mode": ColorMode.MONOCHROME if grey else ColorMode.AUTO,
        }
    )
    anew = figures(pages, colour, attributes, document_media="iso_a4")
    if isinstance(found, NotChanged):
        assert anew.impressions == 0
    else:
        assert found.figures == anew


def test_what_is_like_that_already_is_no_change() -> None:
    """The printer is told nothing that it was told before."""
    record = job(5, {1}, copies=2)
    found = as_changed(record, copies=2, sides="one-sided", page_ranges=((1, 99),))
    assert isinstance(found, Changed)
    assert found.told == {}
    assert found.figures == record.planned


def test_changes_are_told_in_ipp_words() -> None:
    """Attribute by attribute, with the value that the spooler is given."""
    found = as_changed(
        job(9, set()), copies=3, sides="two-sided-long-edge", page_ranges=((1, 2), (3, 3), (7, 7))
    )
    assert isinstance(found, Changed)
    assert found.told == {"copies": "3", "sides": "two-sided-long-edge", "page-ranges": "1-3,7"}


def test_all_pages_can_be_taken_of_a_job_that_came_with_some() -> None:
    """Back to the whole document, which is counted anew."""
    found = as_changed(job(6, {5}, page_ranges=((1, 2),)), page_ranges=())
    assert isinstance(found, Changed)
    assert (found.figures.impressions, found.figures.color_impressions) == (6, 1)
    assert found.told == {"page-ranges": "1-6"}


def test_what_is_not_known_is_refused_in_words() -> None:
    """Pages of an older record, colour of a grey job, pages that are not there, ranges crossed."""
    older = job(6, {5}).with_(colour=None)
    grey = job(6, set(), print_color_mode="monochrome")
    for found, says in (
        (as_changed(older, page_ranges=((1, 2),)), "print those you want again"),
        (as_changed(grey, print_color_mode="color"), "black and white"),
        (as_changed(job(6, set()), page_ranges=((7, 9),)), "which has 6"),
        (as_changed(job(6, set()), page_ranges=((3, 4), (1, 2))), "ascend"),
        (
            as_changed(job(9000, set()), page_ranges=tuple((n * 99, n * 99) for n in range(9, 73))),
            "too many",
        ),
    ):
        assert isinstance(found, NotChanged)
        assert says in found.detail
    assert isinstance(as_changed(older, copies=2), Changed)


@given(st.sets(st.integers(1, 60)))
def test_kept_ranges_are_the_pages(pages: set[int]) -> None:
    """What is kept of the analysis is neither more nor less than it found."""
    found = compact(pages)
    assert found is not None
    assert {page for low, high in found for page in range(low, high + 1)} == pages


def test_a_document_with_too_many_ranges_keeps_none() -> None:
    """A journal record stays small whatever somebody prints."""
    assert compact(range(1, 2 * RANGES_KEPT + 2, 2)) is None
    assert text_of(((1, 1), (3, 5))) == "1,3-5"


def test_only_what_the_printer_lacks_is_left_out() -> None:
    """A direct queue's printer gets what it can print, and everything else as it was."""
    planned = job(4, {1}, sides="two-sided-long-edge").planned
    assert planned is not None
    assert suited(planned, PointOfPrint()) is None
    grey = suited(planned, PointOfPrint(color=False))
    assert grey == JobChanges(print_color_mode=ColorMode.MONOCHROME)
    single = suited(planned, PointOfPrint(two_sided=False))
    assert single == JobChanges(sides=Sides.ONE_SIDED)
