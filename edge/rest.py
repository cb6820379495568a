"""What of a job that broke off has not come out, pure: it stays here, to be printed elsewhere.

Only what is known for sure: the printer says how much came out, has stopped, and one copy comes out
in order. What came out is paid where it did; the rest is a job of its own, counted and paid anew.
"""

from __future__ import annotations

from typing import TYPE_CHECKING
from uuid import UUID

from pydantic import BaseModel, ConfigDict

from config.policy.jobs import NAME_OCTETS, ColorMode, PageRange, Sides
from edge.changes import text_of
from edge.release import broke_off

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from config.policy.jobs import Figures
    from edge.jobs import JobRecord
    from edge.release import Evidence

#: Attributes that are again as the job came, whatever a release set; paper is what was priced.
_OWN = (
    "copies",
    "number-up",
    "orientation-requested",
    "page-ranges",
    "print-color-mode",
    "sides",
)


class Rest(BaseModel):
    """What is put back of a job."""

    model_config = ConfigDict(frozen=True)

    page_ranges: tuple[PageRange, ...] = ()
    """Finished sides of one copy, as CUPS numbers them; none: the whole job as it came."""
    mark: str = ""
    """What the spooler's job is known by; made when it is decided, so nobody can have it before."""


def rest_of(record: JobRecord, evidence: Evidence) -> Rest | None:
    """Return what has not come out of a released job that has ended; None: nothing, or not known.

    Args:
        record: the job as it was released.
        evidence: what the spooler and the printer say.
    """
    count = evidence.device_impressions
    stopped = record.stopped_by is not None
    if record.expected is None or not broke_off(evidence, stopped=stopped):
        return None
    begun = evidence.spooler_impressions or (stopped and not record.stopped_early)
    if count is None and begun:
        return None  # some of it may have been sent, and nobody says what became of that
    return _behind(record, record.expected, count) if count else Rest()


def _behind(record: JobRecord, expected: Figures, count: int) -> Rest | None:
    """Return what is left of a job behind the first so many impressions."""
    if int(record.changes.get("copies", record.attributes.copies)) != 1:
        return None  # a printer may make one page of all copies first, or one copy of all pages
    sides = tuple(_printed(record))
    if _length(sides) != expected.impressions:
        return None  # from before pages were kept
    left = tuple(_after(count, sides))
    fits = bool(left) and len(text_of(left)) <= NAME_OCTETS
    return Rest(page_ranges=left) if fits else None


def marked(rest: Rest, job: UUID, token: UUID) -> Rest:
    """Return a rest with the mark that its job is to carry: of which job it is, and a secret."""
    return rest.model_copy(update={"mark": f"{job}:{token}"})


def whole_of(mark: str | None) -> UUID | None:
    """Return the job whose rest a mark says to be of; None where it is none of ours."""
    try:
        return UUID((mark or "").partition(":")[0])
    except ValueError:
        return None


def put_back_as(record: JobRecord, rest: Rest) -> dict[str, str | int | None]:
    """Return the IPP attributes of the job that is the rest; None: it has no such attribute."""
    asked = record.attributes
    found: dict[str, str | int | None] = dict.fromkeys(_OWN)
    if asked.number_up != 1:
        found["number-up"] = asked.number_up
    if asked.orientation_requested is not None:
        found["orientation-requested"] = asked.orientation_requested
    if asked.print_color_mode is not ColorMode.AUTO:
        found["print-color-mode"] = asked.print_color_mode.value
    if asked.sides is not Sides.ONE_SIDED:
        found["sides"] = asked.sides.value
    if asked.copies != 1 and not rest.page_ranges:
        found["copies"] = asked.copies
    ranges = rest.page_ranges or asked.page_ranges
    if ranges:
        found["page-ranges"] = text_of(ranges)
    return found


def _printed(record: JobRecord) -> Iterator[PageRange]:
    """Yield the finished sides of one copy, as it was released."""
    total = -(-record.pages // record.attributes.number_up)
    changed = record.changes.get("page-ranges")
    ranges = record.attributes.page_ranges if changed is None else _read(str(changed))
    for low, high in ranges or ((1, total),):
        if low <= total:
            yield low, min(high, total)


def _read(text: str) -> Iterable[PageRange]:
    """Return ranges as `text_of` writes them."""
    bounds = (each.split("-") for each in text.split(","))
    return tuple((int(each[0]), int(each[-1])) for each in bounds)


def _length(ranges: Iterable[PageRange]) -> int:
    return sum(high - low + 1 for low, high in ranges)


def _after(count: int, ranges: Iterable[PageRange]) -> Iterator[PageRange]:
    """Yield what is left of ranges behind the first so many."""
    for low, high in ranges:
        skipped = min(count, high - low + 1)
        count -= skipped
        if low + skipped <= high:
            yield low + skipped, high
