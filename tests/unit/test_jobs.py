"""Imposition arithmetic against an oracle that prints sheet by sheet, and job states."""

from __future__ import annotations

from dataclasses import dataclass, field

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import ValidationError

from config.policy.jobs import (
    NUMBER_UP,
    ColorMode,
    Figures,
    JobAttributes,
    JobState,
    RangesSelect,
    Sides,
    Source,
    came_out,
    converted,
    figures,
)


@dataclass
class PaperTray:
    """The oracle: a printer that is fed one page after the other and keeps its sheets."""

    sheets: list[list[bool]] = field(default_factory=list)

    def print_copy(self, sides: list[bool], *, two_sided: bool) -> None:
        """Put the sides of one copy on paper, beginning on a fresh sheet."""
        sheet: list[bool] | None = None
        for colour in sides:
            if sheet is not None and two_sided and len(sheet) == 1:
                sheet.append(colour)
            else:
                sheet = [colour]
                self.sheets.append(sheet)


def simulated(
    pages: int, colour: set[int], asked: JobAttributes, select: RangesSelect
) -> tuple[int, int, int]:
    """Return impressions, colour impressions and sheets, printed the slow way."""

    def chosen(number: int) -> bool:
        ranges = asked.page_ranges
        return not ranges or any(low <= number <= high for low, high in ranges)

    document = [number for number in range(1, pages + 1)]  # noqa: C416  spelled out: an oracle
    if select is RangesSelect.PAGES:
        document = [number for number in document if chosen(number)]
    groups: list[list[int]] = []
    for page in document:
        if not groups or len(groups[-1]) == asked.number_up:
            groups.append([])
        groups[-1].append(page)
    if select is RangesSelect.IMPRESSIONS:
        groups = [group for number, group in enumerate(groups, 1) if chosen(number)]
    monochrome = asked.print_color_mode is ColorMode.MONOCHROME
    sides = [not monochrome and any(page in colour for page in group) for group in groups]
    tray = PaperTray()
    for _ in range(asked.copies):
        tray.print_copy(sides, two_sided=asked.sides is not Sides.ONE_SIDED)
    printed = [side for sheet in tray.sheets for side in sheet]
    return len(printed), sum(printed), len(tray.sheets)


@st.composite
def ranges(draw: st.DrawFn) -> tuple[tuple[int, int], ...]:
    """Ascending page ranges."""
    ends = sorted(draw(st.sets(st.integers(1, 30), max_size=6)))
    return tuple(zip(ends[::2], ends[1::2], strict=False))


asked_for = st.builds(
    JobAttributes,
    copies=st.integers(1, 5),
    sides=st.sampled_from(Sides),
    number_up=st.sampled_from(NUMBER_UP),
    page_ranges=ranges(),
    print_color_mode=st.sampled_from(ColorMode),
)
documents = st.integers(0, 24).flatmap(
    lambda pages: st.tuples(st.just(pages), st.sets(st.integers(1, max(pages, 1))))
)


@given(documents, asked_for, st.sampled_from(RangesSelect))
def test_arithmetic_equals_paper(
    document: tuple[int, set[int]], asked: JobAttributes, select: RangesSelect
) -> None:
    """The formula finds what a printer fed page by page has on its sheets."""
    pages, colour = document
    found = figures(pages, colour, asked, ranges_select=select)
    impressions, color, sheets = simulated(pages, colour & set(range(1, pages + 1)), asked, select)
    assert (impressions, color, sheets) == (
        found.impressions,
        found.color_impressions,
        found.sheets,
    )
    assert found.source == Source.ANALYSIS


@pytest.mark.parametrize(
    ("pages", "colour", "asked", "expected"),
    [
        # pages, coloured pages, attributes, (impressions, colour, sheets)
        (7, (), {"sides": "two-sided-long-edge"}, (7, 0, 4)),  # CUPS says 3
        (1, (), {"sides": "two-sided-long-edge"}, (1, 0, 1)),  # CUPS says 0
        (3, (), {"sides": "two-sided-short-edge", "copies": 2}, (6, 0, 4)),  # no blank backs
        (10, (1, 10), {"number_up": 4}, (3, 2, 3)),
        (10, (1, 10), {"print_color_mode": "monochrome"}, (10, 0, 10)),
        (5, (4,), {"page_ranges": ((2, 3),)}, (2, 0, 2)),
        (8, (), {"number_up": 2, "page_ranges": ((2, 5),)}, (3, 0, 3)),  # as pdftopdf does
        (5, (), {"page_ranges": ((9, 12),)}, (0, 0, 0)),  # nothing of it is there
        (0, (), {"copies": 9999}, (0, 0, 0)),
    ],
)
def test_known_cases(
    pages: int,
    colour: tuple[int, ...],
    asked: dict[str, object],
    expected: tuple[int, int, int],
) -> None:
    """The cases that print systems are known to get wrong come out right."""
    found = figures(pages, colour, JobAttributes.model_validate(asked))
    assert expected == (found.impressions, found.color_impressions, found.sheets)


def test_media_is_as_asked_else_as_the_document() -> None:
    """The attributes' media comes first, the document's second."""
    assert figures(1, (), JobAttributes(media="iso_a3"), document_media="iso_a4").media == "iso_a3"
    assert figures(1, (), JobAttributes(), document_media="iso_a4").media == "iso_a4"


@pytest.mark.parametrize(
    "changes",
    [
        {"color_impressions": 1},  # does not add up
        {"sheets": 5},  # more sheets than printed sides
        {"sheets": 3},  # one-sided: as many sheets as sides
        {"impressions": -4, "monochrome_impressions": -4, "sheets": -4},
        {"impressions": 4.0},
    ],
)
def test_figures_that_disagree_are_no_figures(changes: dict[str, object]) -> None:
    """Figures that cannot all be true are refused."""
    sound: dict[str, object] = {
        "impressions": 4,
        "color_impressions": 0,
        "monochrome_impressions": 4,
        "sheets": 4,
        "media": None,
        "sides": Sides.ONE_SIDED,
        "source": Source.ANALYSIS,
    }
    assert Figures.model_validate(sound)
    with pytest.raises(ValidationError):
        Figures.model_validate(sound | changes)


@given(documents, asked_for, st.integers(-3, 200), st.none() | st.integers(-3, 200))
def test_what_came_out_never_exceeds_what_was_planned(
    document: tuple[int, set[int]], asked: JobAttributes, count: int, color: int | None
) -> None:
    """Whatever the evidence claims, no figure that costs more rises above the analysis."""
    planned = figures(*document, asked)
    actual = came_out(planned, count, Source.DEVICE_JOB, color)
    assert actual.impressions == max(0, min(count, planned.impressions))
    assert actual.color_impressions <= planned.color_impressions
    assert actual.sheets <= planned.sheets
    if count >= planned.impressions and color is None:
        assert actual == planned.model_copy(update={"source": Source.DEVICE_JOB})


@pytest.mark.parametrize(
    ("count", "color", "expected"),
    [
        # how many came out, of these in colour, (impressions, colour, sheets)
        (5, None, (5, 0, 3)),  # nobody says which: monochrome first, full sheets
        (8, None, (8, 2, 4)),
        (5, 3, (5, 3, 3)),  # the printer says which
        (9, 0, (9, 0, 6)),  # it printed grey what the document has in colour
        (9, 99, (9, 3, 6)),
        (99, None, (9, 3, 6)),
        (-1, -1, (0, 0, 0)),
    ],
)
def test_doubts_are_settled_for_the_person(
    count: int, color: int | None, expected: tuple[int, int, int]
) -> None:
    """Of three copies of three pages, one in colour, what is not known is not charged."""
    job = JobAttributes(copies=3, sides=Sides.TWO_SIDED_LONG_EDGE)
    actual = came_out(figures(3, {1}, job), count, Source.DEVICE_JOB, color)
    assert expected == (actual.impressions, actual.color_impressions, actual.sheets)


def test_states_have_the_numbers_of_the_rfc() -> None:
    """RFC 8011 numbers the seven states from 3 to 9; the last three are terminal."""
    assert list(JobState) == [JobState.of(number) for number in range(3, 10)]
    assert JobState.PENDING_HELD.number == 4
    assert JobState.COMPLETED.number == 9
    assert [JobState.of(2), JobState.of(10)] == [None, None]
    assert [each for each in JobState if each.terminal] == ["canceled", "aborted", "completed"]


def test_ranges_that_overlap_are_no_attributes() -> None:
    """The model keeps the promise of its reader."""
    with pytest.raises(ValidationError):
        JobAttributes(page_ranges=((1, 3), (3, 4)))


asked_for = st.builds(
    JobAttributes,
    copies=st.integers(1, 9),
    sides=st.sampled_from(Sides),
    number_up=st.sampled_from(NUMBER_UP),
    page_ranges=st.sampled_from([(), ((2, 5),), ((1, 1), (4, 7))]),
    print_color_mode=st.sampled_from(ColorMode),
)


@given(st.integers(0, 40), st.sets(st.integers(1, 40)), asked_for, asked_for)
def test_a_converted_job_is_counted_like_the_document_anew(
    pages: int, colour: set[int], before: JobAttributes, wanted: JobAttributes
) -> None:
    """Copies, sides and monochrome are changed in the figures, without the document."""
    grey = ColorMode.MONOCHROME in {before.print_color_mode, wanted.print_color_mode}
    after = before.model_copy(
        update={
            "copies": wanted.copies,
            "sides": wanted.sides,
            "print_color_mode": ColorMode.MONOCHROME if grey else wanted.print_color_mode,
        }
    )
    planned = figures(pages, colour, before, document_media="iso_a4")
    anew = figures(pages, colour, after, document_media="iso_a4")
    assert anew == converted(planned, before, after)


@pytest.mark.parametrize(
    ("before", "after", "words"),
    [
        (JobAttributes(), JobAttributes(number_up=2), "only copies, sides"),
        (JobAttributes(), JobAttributes(media="iso_a3"), "only copies, sides"),
        (
            JobAttributes(print_color_mode=ColorMode.MONOCHROME),
            JobAttributes(),
            "does not say what colour",
        ),
    ],
)
def test_what_only_the_document_knows_is_not_converted(
    before: JobAttributes, after: JobAttributes, words: str
) -> None:
    """Figures alone do not say what other changes come to, so nobody guesses."""
    with pytest.raises(ValueError, match=words):
        converted(figures(4, {1}, before), before, after)
