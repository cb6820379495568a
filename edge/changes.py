"""What a person changes of a held job at the machine, pure: its attributes, its figures, the words.

Done before the rules look at the job, so that the price is of what is really printed.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from broker.messages import JobChanges
from config.policy.jobs import NAME_OCTETS, ColorMode, Sides, ascending, converted, figures

if TYPE_CHECKING:
    from collections.abc import Collection, Iterable, Mapping

    from config.policy.jobs import Figures, JobAttributes, PageRange
    from config.policy.rules import PointOfPrint
    from edge.jobs import JobRecord

#: Ranges of colour pages kept with a job; of one with more, other pages cannot be chosen.
RANGES_KEPT = 256
#: Octets of `page-ranges` as CUPS is told: name(MAX) of RFC 8011 §5.1.3.
_TEXT_MAX = NAME_OCTETS


@dataclass(frozen=True, slots=True)
class Changed:
    """The job as it is to be printed."""

    attributes: JobAttributes
    figures: Figures
    """What that puts on paper."""
    told: Mapping[str, str] = field(default_factory=dict)
    """IPP attributes that differ from how it came, with their new values."""


@dataclass(frozen=True, slots=True)
class NotChanged:
    """It cannot be printed like that."""

    detail: str
    """A sentence for people."""


def changed(record: JobRecord, planned: Figures, wanted: JobChanges) -> Changed | NotChanged:
    """Return a held job as a person wants it.

    Args:
        record: the job, with its attributes as it came.
        planned: what the analysis found under these.
        wanted: what is to be different; what is like that already changes nothing.
    """
    before = record.attributes
    update: dict[str, object] = {}
    if wanted.copies is not None and wanted.copies != before.copies:
        update["copies"] = wanted.copies
    if wanted.sides is not None and wanted.sides is not before.sides:
        update["sides"] = wanted.sides
    mode = wanted.print_color_mode
    if mode is not None and mode is not before.print_color_mode:
        if before.print_color_mode is ColorMode.MONOCHROME:
            return NotChanged("this job was sent in black and white; for colour, print it again")
        update["print_color_mode"] = mode
    after = before.model_copy(update=update)
    told = {name.replace("_", "-"): str(value) for name, value in update.items()}
    if wanted.page_ranges is None:
        return Changed(after, converted(planned, before, after), told)
    chosen = _chosen(record, wanted.page_ranges)
    if isinstance(chosen, NotChanged):
        return chosen
    if chosen is None:
        return Changed(after, converted(planned, before, after), told)
    after = after.model_copy(update={"page_ranges": chosen})
    text = text_of(chosen)
    if len(text) > _TEXT_MAX:
        return NotChanged("these are too many ranges of pages for one print")
    colour = [page for low, high in record.colour or () for page in range(low, high + 1)]
    found = figures(record.pages, colour, after, document_media=planned.media)
    return Changed(after, found, {**told, "page-ranges": text})


def _chosen(
    record: JobRecord, wanted: tuple[PageRange, ...]
) -> tuple[PageRange, ...] | NotChanged | None:
    """Return the pages to print, counted as CUPS does; None when they are those of the job."""
    if not record.pages or record.colour is None:
        detail = "which pages of this job have colour is not known here; print those you want again"
        return NotChanged(detail)
    if not ascending(wanted):
        return NotChanged("ranges of pages have to ascend and must not overlap, such as 1-3,7")
    total = -(-record.pages // record.attributes.number_up)
    whole = ((1, total),)
    chosen = _within(wanted or whole, total)
    if not chosen:
        return NotChanged(f"none of these pages is in the document, which has {total}")
    return None if chosen == _within(record.attributes.page_ranges or whole, total) else chosen


def _within(ranges: Iterable[PageRange], total: int) -> tuple[PageRange, ...]:
    """Return ranges cut to the document, those that touch joined."""
    found: list[PageRange] = []
    for low, upper in ranges:
        high = min(upper, total)
        if low > high:
            continue
        if found and found[-1][1] + 1 == low:
            found[-1] = found[-1][0], high
        else:
            found.append((low, high))
    return tuple(found)


def compact(pages: Collection[int]) -> tuple[PageRange, ...] | None:
    """Return numbers of pages as ranges, to be kept; None when they are too many."""
    found: list[PageRange] = []
    for page in sorted(pages):
        if found and found[-1][1] + 1 == page:
            found[-1] = found[-1][0], page
        else:
            found.append((page, page))
    return tuple(found) if len(found) <= RANGES_KEPT else None


def text_of(ranges: Iterable[PageRange]) -> str:
    """Return ranges as people and CUPS write them: `1-3,7`."""
    return ",".join(str(low) if low == high else f"{low}-{high}" for low, high in ranges)


def suited(planned: Figures, point: PointOfPrint) -> JobChanges | None:
    """Return what a printer that is the only choice has to leave out of a job; None: nothing."""
    grey = bool(planned.color_impressions) and not point.color
    single = planned.sides.two_sided and not point.two_sided
    if not (grey or single):
        return None
    return JobChanges(
        print_color_mode=ColorMode.MONOCHROME if grey else None,
        sides=Sides.ONE_SIDED if single else None,
    )
