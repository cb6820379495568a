"""Jobs in IPP's words: what was asked, what state it is in, how much it puts on paper.

Reading a spooler's raw attributes is in `attributes.py`; counting a document is the edge's.
"""

from __future__ import annotations

from enum import StrEnum
from typing import TYPE_CHECKING, Annotated, Literal, Self

from pydantic import ConfigDict, Field, model_validator

from config.described import Described

if TYPE_CHECKING:
    from collections.abc import Collection, Iterator

COPIES_MAX = 9999
NUMBER_UP = (1, 2, 4, 6, 9, 16)
Orientation = Literal[3, 4, 5, 6]
ORIENTATIONS: tuple[Orientation, ...] = (3, 4, 5, 6)
#: name(MAX) of RFC 8011 §5.1.3: 255 octets.
NAME_OCTETS = 255
#: the upper end of an open range, and of IPP's integers (RFC 8011 §5.1.5).
PAGE_MAX = 2**31 - 1


class Sides(StrEnum):
    """How sheets are printed on (RFC 8011 §5.2.8)."""

    ONE_SIDED = "one-sided"
    TWO_SIDED_LONG_EDGE = "two-sided-long-edge"
    TWO_SIDED_SHORT_EDGE = "two-sided-short-edge"

    @property
    def two_sided(self) -> bool:
        """Both edges of binding cost the same paper."""
        return self is not Sides.ONE_SIDED


class ColorMode(StrEnum):
    """What `print-color-mode` may ask for here (PWG 5100.13 §5.2.4)."""

    AUTO = "auto"
    COLOR = "color"
    MONOCHROME = "monochrome"


class JobState(StrEnum):
    """The keyword of each job-state (RFC 8011 §5.3.7); `number` is its enum on the wire."""

    PENDING = "pending"
    PENDING_HELD = "pending-held"
    PROCESSING = "processing"
    PROCESSING_STOPPED = "processing-stopped"
    CANCELED = "canceled"
    ABORTED = "aborted"
    COMPLETED = "completed"

    @property
    def number(self) -> int:
        """The enum value: pending is 3, completed is 9."""
        return list(JobState).index(self) + 3

    @property
    def terminal(self) -> bool:
        """Nothing more happens to a job in this state."""
        return self in {JobState.CANCELED, JobState.ABORTED, JobState.COMPLETED}

    @classmethod
    def of(cls, number: int) -> JobState | None:
        """Return the state of an enum value, None for one that the RFC does not know."""
        states = list(cls)
        return states[number - 3] if 0 <= number - 3 < len(states) else None


class Source(StrEnum):
    """Where a figure comes from; every figure keeps its provenance."""

    ANALYSIS = "analysis"
    """Counted in the document, with the job's attributes applied."""
    DEVICE_JOB = "device-job"
    """The printer's own counters of this job (PWG 5100.7)."""
    DEVICE_METER = "device-meter"
    """The difference of the printer's meters while it had nothing else to do."""
    SPOOLER = "spooler"
    """What the spooler says; never billed from."""
    OPERATOR = "operator"
    """Entered by a person."""


class RangesSelect(StrEnum):
    """What `page-ranges` numbers when pages are also put several-up."""

    IMPRESSIONS = "impressions"
    """Finished sides: what CUPS does (pdftopdf of cups-filters 1.x and 2.x)."""
    PAGES = "pages"
    """Pages of the document, before they are put together."""


_PageNumber = Annotated[int, Field(strict=True, ge=1, le=PAGE_MAX)]
PageRange = tuple[_PageNumber, _PageNumber]


class JobAttributes(Described):
    """What a person asked for, in range; everything else was refused on the way in."""

    model_config = ConfigDict(frozen=True, extra="forbid", defer_build=True)

    copies: Annotated[int, Field(strict=True, ge=1, le=COPIES_MAX)] = 1
    """RFC 8011 §5.2.5."""
    sides: Sides = Sides.ONE_SIDED
    """RFC 8011 §5.2.8."""
    number_up: Literal[1, 2, 4, 6, 9, 16] = 1
    """Pages put on one impression (RFC 8011 §5.2.9)."""
    orientation_requested: Orientation | None = None
    """3 portrait, 4 landscape, 5 and 6 reversed (RFC 8011 §5.2.10); texts break pages by it."""
    page_ranges: tuple[PageRange, ...] = ()
    """Ascending and apart, both ends included; empty means all (RFC 8011 §5.2.7)."""
    media: str | None = None
    """The media class asked for, such as `iso_a4`; None: as the document (RFC 8011 §5.2.11)."""
    print_color_mode: ColorMode = ColorMode.AUTO
    """Monochrome makes every impression monochrome; the others print as the document is."""
    job_name: str = ""
    """For people only; without control characters, at most 255 octets."""
    user: str | None = None
    """job-originating-user-name (RFC 8011 §5.3.6); None: the client named nobody."""
    document_format: str | None = None
    """The MIME type the client declared; a hint, never believed."""

    @model_validator(mode="after")
    def _ranges_ascend(self) -> Self:
        if not ascending(self.page_ranges):
            raise ValueError("page-ranges must ascend and not overlap, like 1-3,7-7")
        return self


class Figures(Described):
    """How much a job puts, or put, on paper, all copies included."""

    model_config = ConfigDict(frozen=True, extra="forbid", defer_build=True)

    impressions: Annotated[int, Field(strict=True, ge=0)]
    """Printed sides of sheets; blank backs are not counted."""
    color_impressions: Annotated[int, Field(strict=True, ge=0)]
    """Impressions with colour on them."""
    monochrome_impressions: Annotated[int, Field(strict=True, ge=0)]
    """The other impressions."""
    sheets: Annotated[int, Field(strict=True, ge=0)]
    """Media sheets."""
    media: str | None
    """Media class, None when nothing is known of it."""
    sides: Sides
    """As in the job's attributes."""
    source: Source
    """Who counted."""

    @model_validator(mode="after")
    def _agree(self) -> Self:
        if self.color_impressions + self.monochrome_impressions != self.impressions:
            raise ValueError("colour and monochrome impressions do not add up to impressions")
        fewest = -(-self.impressions // 2) if self.sides.two_sided else self.impressions
        if not fewest <= self.sheets <= self.impressions:
            raise ValueError(
                f"{self.impressions} impressions {self.sides} do not fit {self.sheets} sheets"
            )
        return self


def ascending(ranges: Collection[tuple[int, int]]) -> bool:
    """Say whether ranges ascend, each with its lower end first, none touching another's pages."""
    last = 0
    for lower, upper in ranges:
        if not last < lower <= upper:
            return False
        last = upper
    return True


def figures(
    pages: int,
    colour_pages: Collection[int],
    attributes: JobAttributes,
    *,
    document_media: str | None = None,
    ranges_select: RangesSelect = RangesSelect.IMPRESSIONS,
) -> Figures:
    """Return what a document puts on paper under these attributes.

    Args:
        pages: pages of the document, at least 0.
        colour_pages: numbers (from 1) of its pages with colour; others than its own are ignored.
        attributes: copies, sides, number-up, page-ranges and print-color-mode decide.
        document_media: media class of the document, used when the attributes name none.
        ranges_select: what page-ranges numbers; differs from its default only where something
            other than CUPS imposes the pages.
    """
    one_copy = list(_impressions(pages, set(colour_pages), attributes, ranges_select))
    per_sheet = 2 if attributes.sides.two_sided else 1
    monochrome = attributes.print_color_mode is ColorMode.MONOCHROME
    color = 0 if monochrome else sum(one_copy) * attributes.copies
    impressions = len(one_copy) * attributes.copies
    return Figures(
        impressions=impressions,
        color_impressions=color,
        monochrome_impressions=impressions - color,
        # each copy begins on a fresh sheet, so rounding is per copy
        sheets=-(-len(one_copy) // per_sheet) * attributes.copies,
        media=attributes.media or document_media,
        sides=attributes.sides,
        source=Source.ANALYSIS,
    )


def converted(planned: Figures, before: JobAttributes, after: JobAttributes) -> Figures:
    """Return what a job puts on paper when its attributes are changed; equal to `figures` anew.

    Every copy of a job is alike, so nothing more than its figures is needed.

    Args:
        planned: what the analysis found under `before`.
        before: the attributes as they were.
        after: the same but for copies, sides, and print-color-mode made monochrome.

    Raises:
        ValueError: something else differs, or monochrome is taken back: only the document knows
            what that comes to.
    """
    changed = {"copies": after.copies, "sides": after.sides}
    changed["print_color_mode"] = after.print_color_mode
    if before.model_copy(update=changed) != after:
        raise ValueError("only copies, sides and print-color-mode can be changed")
    grey = after.print_color_mode is ColorMode.MONOCHROME
    if not grey and before.print_color_mode is ColorMode.MONOCHROME:
        raise ValueError("a job made monochrome does not say what colour it had")
    one_copy = planned.impressions // before.copies
    per_sheet = 2 if after.sides.two_sided else 1
    impressions = one_copy * after.copies
    color = 0 if grey else planned.color_impressions // before.copies * after.copies
    return planned.model_copy(
        update={
            "impressions": impressions,
            "color_impressions": color,
            "monochrome_impressions": impressions - color,
            "sheets": -(-one_copy // per_sheet) * after.copies,
            "sides": after.sides,
        }
    )


def came_out(
    planned: Figures, impressions: int, source: Source, color_impressions: int | None = None
) -> Figures:
    """Return the figures of a job of which only so many impressions came out.

    Never more impressions, colour or sheets than planned. What the evidence leaves open is
    settled for the person who pays: monochrome impressions are taken to have come first, and
    sheets to be full.

    Args:
        planned: what the analysis found.
        impressions: what the evidence says; below 0 counts as 0.
        source: whose evidence.
        color_impressions: how many of these had colour, when the evidence says.
    """
    count = min(max(impressions, 0), planned.impressions)
    if color_impressions is None:
        color = max(0, count - planned.monochrome_impressions)
    else:
        color = min(max(color_impressions, 0), planned.color_impressions, count)
    fewest = -(-count // 2) if planned.sides.two_sided else count
    return Figures(
        impressions=count,
        color_impressions=color,
        monochrome_impressions=count - color,
        sheets=planned.sheets if count == planned.impressions else min(fewest, planned.sheets),
        media=planned.media,
        sides=planned.sides,
        source=source,
    )


def _impressions(
    pages: int, colour: set[int], attributes: JobAttributes, select: RangesSelect
) -> Iterator[bool]:
    """Yield, for each impression of one copy in order, whether it has colour."""
    up = attributes.number_up
    if select is RangesSelect.PAGES:
        chosen = list(_chosen(pages, attributes.page_ranges))
        for first in range(0, len(chosen), up):
            yield not colour.isdisjoint(chosen[first : first + up])
        return
    for number in _chosen(-(-pages // up), attributes.page_ranges):
        first = (number - 1) * up + 1
        yield not colour.isdisjoint(range(first, min(first + up, pages + 1)))


def _chosen(total: int, ranges: tuple[tuple[int, int], ...]) -> Iterator[int]:
    """Yield the numbers from 1 to `total` that lie in the ranges (all, when there are none)."""
    for lower, upper in ranges or ((1, total),):
        yield from range(lower, min(upper, total) + 1)
