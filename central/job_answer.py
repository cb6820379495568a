"""What became of a job in one sentence's worth of facts, and which figure counted and why; pure."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Final, Literal, TypeAlias

from config.policy.money import Money

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from datetime import datetime

    from broker.messages import Counted
    from central.job_fold import JobRecord
    from central.job_moments import Moment
    from config.policy.money import Unit

Kind: TypeAlias = Literal[
    "paid", "free", "given-back", "held", "refused", "printing", "canceled", "not-printed"
]


@dataclass(frozen=True, slots=True)
class Answer:
    """The first thing that somebody wants to know of a job; every face has its own words."""

    kind: Kind
    paid: tuple[Money, ...] = ()
    """Charged, less what was given back; by unit."""
    given_back: tuple[Money, ...] = ()
    """By refunds."""
    pages: int | None = None
    """Billed; of what waits, counted."""
    color: int | None = None
    """Of these, in colour."""
    sheets: int | None = None
    two_sided: bool | None = None
    """None: not known."""
    copies: bool = False
    """Copied at a machine, not printed."""
    printer: str = ""
    """What people call it."""
    at: datetime | None = None
    """When that was, by the edge's clock where it is known."""
    reason: str = ""
    """Why it was refused, canceled or is being looked at."""


@dataclass(frozen=True, slots=True)
class Figure:
    """What one source says."""

    source: str
    impressions: int | None
    color: int | None
    sheets: int | None
    chosen: bool
    """It is what was billed."""


#: Why a source is taken: how a site settles (`edge.release.settle`), for people.
WHY_CHOSEN: Final[Mapping[str, str]] = {
    "device-job": "the printer's own count of this job comes before all others",
    "device-meter": "the printer does not count this job, and its meters moved while it was alone",
    "analysis": "nobody but the document itself says how many pages came out",
    "spooler": "it ended before anything was sent to the printer",
    "operator": "a person entered it",
}
#: A charge is never more than what was counted and set aside before.
MOST: Final = "more came out than was counted beforehand: the rest is the house's"


def figures(job: JobRecord, billed_by: str | None) -> tuple[Figure, ...]:
    """Return what each source says, and which one counted.

    Args:
        job: with its counts.
        billed_by: the source that was billed from; None: not settled.
    """
    return tuple(
        Figure(
            each.source,
            each.impressions,
            each.color_impressions,
            each.sheets,
            chosen=each.source == billed_by,
        )
        for each in job.counts
    )


def why_chosen(billed_by: str | None, flag: str | None, printed_above: int) -> str:
    """Say why the figure that was billed is the one; empty while nothing was."""
    if billed_by is None:
        return ""
    if flag is not None and flag.endswith("by policy"):
        return f"sources disagreed for a day, and the site's policy decided ({flag})"
    why = WHY_CHOSEN.get(billed_by, "")
    return f"{why}; {MOST}" if printed_above else why


def answer(
    job: JobRecord,
    *,
    billed: Counted | None,
    paid: Mapping[Unit, int],
    given_back: Mapping[Unit, int],
    printer: str,
    moments: Sequence[Moment],
    at: datetime | None,
) -> Answer:
    """Return what became of a job.

    Args:
        job: as folded.
        billed: the figures of its newest charge; None: nothing was charged.
        paid: charged, by unit, in micros.
        given_back: of these, by refunds.
        printer: what people call its printer.
        moments: of its life.
        at: the moment that belongs to the answer.
    """
    counted = billed or _counted(job)
    net = {unit: micros - given_back.get(unit, 0) for unit, micros in paid.items()}
    return Answer(
        kind=_kind(job, paid, net),
        paid=tuple(Money(micros, unit) for unit, micros in sorted(net.items()) if micros),
        given_back=tuple(Money(micros, unit) for unit, micros in sorted(given_back.items())),
        pages=job.impressions if job.impressions is not None else _pages(counted),
        color=None if counted is None else counted.color_impressions,
        sheets=None if counted is None else counted.sheets,
        two_sided=_two_sided(counted),
        copies=job.service == "copy",
        printer=printer,
        at=at,
        reason=_reason(job, moments),
    )


def _kind(job: JobRecord, paid: Mapping[Unit, int], net: Mapping[Unit, int]) -> Kind:
    if any(paid.values()):
        return "paid" if any(net.values()) else "given-back"
    if job.state == "canceled" and not job.attempt:
        return "canceled"
    if job.refused is not None:
        return "refused"
    if job.state == "pending-held":
        return "held"
    if job.state == "processing" and job.impressions is None:
        return "printing"
    return "free" if job.impressions else "not-printed"


def _reason(job: JobRecord, moments: Sequence[Moment]) -> str:
    if job.flag:
        return job.flag
    if job.detail:
        return job.detail
    last = moments[-1].told if moments else {}
    return str(last.get("detail", ""))


def _counted(job: JobRecord) -> Counted | None:
    return next((each for each in job.counts if each.source == "analysis"), None)


def _pages(counted: Counted | None) -> int | None:
    return None if counted is None else counted.impressions


def _two_sided(counted: Counted | None) -> bool | None:
    if counted is None or not counted.impressions or counted.sheets is None:
        return None
    return counted.sheets < counted.impressions
