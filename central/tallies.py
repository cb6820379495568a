"""What was billed at a device so far, as running totals: pure, and moved by settlements only.

Two totals kept beside two readings of a machine's meters say exactly what was billed in between,
however many jobs that was.
"""

from __future__ import annotations

from dataclasses import dataclass, fields
from operator import add, attrgetter, sub
from typing import TYPE_CHECKING, Final, Self

from config.policy.jobs import Source

if TYPE_CHECKING:
    from collections.abc import Iterable

    from broker.messages import Counted, JobSettled
    from central.job_fold import JobRecord

#: Who stands at the machine itself: what they counted came out.
_WITNESSES: Final = frozenset({Source.DEVICE_JOB, Source.DEVICE_METER})


@dataclass(frozen=True, slots=True)
class Tally:
    """Totals since the books began to count; differences of two are what happened in between."""

    prints: int = 0
    """Impressions billed as printed."""
    print_color: int = 0
    """Of these, in colour."""
    print_sheets: int = 0
    """Sheets of these."""
    copies: int = 0
    """Impressions billed as copied."""
    copy_color: int = 0
    """Of these, in colour."""
    copy_sheets: int = 0
    """Sheets of these."""
    large: int = 0
    """Impressions of both on large paper, where the edge says so."""
    unbilled: int = 0
    """Impressions that the machine put out and nobody paid: beyond a hold, refunded."""
    doubtful: int = 0
    """Impressions that may have come out and were not billed: nobody could tell."""

    def __add__(self, other: Tally) -> Self:
        """Return both together."""
        return type(self)(*map(add, _FIGURES(self), _FIGURES(other)))

    def __sub__(self, other: Tally) -> Self:
        """Return what happened since the other."""
        return type(self)(*map(sub, _FIGURES(self), _FIGURES(other)))


NOTHING: Final = Tally()
NAMES: Final = tuple(each.name for each in fields(Tally))
_FIGURES: Final = attrgetter(*NAMES)


def together(some: Iterable[Tally]) -> Tally:
    """Return the sum of many, in a fraction of the time that adding one to another takes."""
    return Tally(*map(sum, zip(*map(_FIGURES, some), strict=True)))


def settled(before: JobRecord | None, after: JobRecord, event: JobSettled) -> Tally:
    """Return what one settlement adds to the totals of its device.

    Args:
        before: the job as it was; None when its beginning was not heard.
        after: the job with the settlement.
        event: the settlement. Told once more of the same release, as the other branch of a forked
            journal may, it adds only what it bills beyond the first.
    """
    billed = event.billed
    impressions = billed.impressions or 0
    if before is not None and before.attempt == event.attempt and before.state != "processing":
        more = impressions - (before.impressions or 0)
        return Tally(copies=more) if after.service == "copy" else Tally(prints=more)
    color = billed.color_impressions or 0
    sheets = impressions if billed.sheets is None else billed.sheets
    if after.service == "copy":
        # a copy's own figure is what was counted at the machine, whoever counted
        made = max(_planned(event) - impressions, 0)
        return Tally(
            copies=impressions,
            copy_color=color,
            copy_sheets=sheets,
            large=event.large,
            unbilled=made,
        )
    out = _came_out(event.counts)
    unbilled = max(0, out - impressions) if out is not None else 0
    nobody_knows = out is None and (event.disposition == "unknown" or event.flag is not None)
    doubtful = max(0, _planned(event) - impressions) if nobody_knows else 0
    return Tally(
        prints=impressions,
        print_color=color,
        print_sheets=sheets,
        large=event.large,
        unbilled=unbilled,
        doubtful=doubtful,
    )


def _planned(event: JobSettled) -> int:
    """Return the most that any source says."""
    return max((each.impressions or 0 for each in event.counts), default=0)


def _came_out(counts: tuple[Counted, ...]) -> int | None:
    """Return what came out by the machine's own word; None when it said nothing."""
    most = None
    for each in counts:
        count = each.impressions
        if count is not None and each.source in _WITNESSES and (most is None or count > most):
            most = count
    return most
