"""The life of a job at the site, pure: which step comes next, and what it costs in the end.

The shell writes the intent down, carries out one step after another and asks again; after a crash
it asks the same question with what the spooler says, so recovery is not a second code path.
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum
from typing import TYPE_CHECKING, assert_never

from config.policy.jobs import Figures, JobState, Source, came_out

if TYPE_CHECKING:
    from datetime import datetime, timedelta


class Phase(StrEnum):
    """Where a job stands in our own books; what the spooler says may be a step behind."""

    UNREADABLE = "unreadable"
    """Held, cannot be counted, so it cannot be released."""
    HELD = "held"
    """Counted, waits for its owner."""
    RELEASING = "releasing"
    """The hold on the money and the intent are durable; steps may or may not be done."""
    DISPUTED = "disputed"
    """Ended in a way nobody can bill; the hold on the money stays until the deadline."""
    SETTLED = "settled"
    """Billed or refunded; final."""
    CANCELED = "canceled"
    """Thrown away before release; final."""

    @property
    def final(self) -> bool:
        """Nothing more will be booked for it."""
        return self in {Phase.SETTLED, Phase.CANCELED}


@dataclass(frozen=True, slots=True)
class Spooled:
    """What the spooler says of a job."""

    queue: str
    """The queue it is in now."""
    state: JobState
    """Its job-state."""


# ── which step comes next ───────────────────────────────────────────────────────────────────


@dataclass(frozen=True, slots=True)
class Move:
    """Move it from the pull queue to the printer's queue; it stays held there."""


@dataclass(frozen=True, slots=True)
class Resume:
    """Let the printer's queue print it."""


@dataclass(frozen=True, slots=True)
class Watch:
    """It is under way: nothing to do until it ends."""


@dataclass(frozen=True, slots=True)
class Gather:
    """It has ended: collect the evidence and settle."""


@dataclass(frozen=True, slots=True)
class Hold:
    """It waits on the pull queue without a hold of ours: put the hold back."""


@dataclass(frozen=True, slots=True)
class Stray:
    """It is where we never sent it: somebody else moved it; watched and flagged, never moved."""

    queue: str


@dataclass(frozen=True, slots=True)
class Withdraw:
    """Its printer is no longer at this site, and it has not begun to print: end it."""


@dataclass(frozen=True, slots=True)
class Stop:
    """Somebody wants it off its printer: end it there, however far it is."""


Step = Move | Resume | Watch | Gather | Hold | Stray | Withdraw | Stop


def next_step(
    source_queue: str,
    printer_queue: str | None,
    spooled: Spooled | None,
    *,
    stopped: bool = False,
) -> Step:
    """Say what a job with a durable release intent needs next.

    Each step is idempotent in effect: it is chosen from what the spooler says now, so a step that
    was done before a crash is not asked for again, and a job that left the pull queue is never
    submitted a second time (PROTOCOL 4).

    Args:
        source_queue: where people printed it to.
        printer_queue: the queue of the printer it was released at; None when that is not at this
            site any more.
        spooled: the spooler's word; None when it no longer knows the job.
        stopped: somebody wants it off its printer.
    """
    if spooled is None or spooled.state.terminal or stopped:
        return Gather() if spooled is None or spooled.state.terminal else Stop()
    if printer_queue is None and spooled.state is JobState.PENDING_HELD:
        return Withdraw()
    if spooled.queue == source_queue:
        return Move() if spooled.state is JobState.PENDING_HELD else Hold()
    if printer_queue is None:
        return Watch()
    if spooled.queue != printer_queue:
        return Stray(spooled.queue)
    return Resume() if spooled.state is JobState.PENDING_HELD else Watch()


#: Paper that no machine counts twice.
_COUNTED_ONCE = frozenset({"iso_a4", "iso_a5", "iso_a6", "na_letter", "na_invoice"})

# ── what it comes to ────────────────────────────────────────────────────────────────────────


@dataclass(frozen=True, slots=True)
class Evidence:
    """Everything anybody says about a job that has ended; None is "does not say", never 0."""

    spooler_state: JobState | None
    """The spooler's job-state; None when it no longer knows the job."""
    spooler_impressions: int | None = None
    """The spooler's count: kept, never billed from (it counts what it sent)."""
    device_state: JobState | None = None
    """The printer's own job-state (IPP Get-Job-Attributes)."""
    device_impressions: int | None = None
    """job-impressions-completed of the printer (PWG 5100.7)."""
    device_color_impressions: int | None = None
    """Of these, in colour, where the printer splits them (PWG 5100.7-2023, `-col`)."""
    device_sheets: int | None = None
    """job-media-sheets-completed."""
    device_restarted: bool = False
    """The printer was switched on after it got this job, and has no record of it."""
    meter_impressions: int | None = None
    """How far the printer's meters went on while this job was alone at it (SNMP)."""
    meter_color_impressions: int | None = None
    """Of these in colour, where it splits them."""


class Disposition(StrEnum):
    """What became of a released job."""

    COMPLETED = "completed"
    STOPPED = "stopped"
    """Began and did not finish; something came out."""
    ABORTED = "aborted"
    CANCELED = "canceled"
    UNKNOWN = "unknown"


class Verdict(StrEnum):
    """How a dispute ends when its time is up."""

    REFUND = "refund"
    CHARGE = "charge"


@dataclass(frozen=True, slots=True)
class Settled:
    """Final: charge for these figures, give the rest of the hold back."""

    disposition: Disposition
    billed: Figures
    """Never more than planned."""
    printed_above: int = 0
    """Impressions beyond what was planned: recorded, not charged."""
    flag: str | None = None
    """Why a person should look at it."""


@dataclass(frozen=True, slots=True)
class Disputed:
    """Not to be billed yet: the hold stays until the deadline, the job is flagged."""

    disposition: Disposition
    cause: str
    """Code of the flag."""
    detail: str
    """For people."""
    deadline: datetime
    """When policy decides."""


Settlement = Settled | Disputed


def settle(
    planned: Figures, evidence: Evidence, *, now: datetime, patience: timedelta
) -> Settlement:
    """Decide what a released job comes to. Disposition and quantity are separate questions.

    How much came out is said by the printer's own counters of the job, else by its meters, else by
    the analysis. Meters only speak where they help, and a person pays no more than planned: of a
    job on small paper that broke off without the printer saying where (some count large paper
    twice), and of one that it completed and reports nothing of, when the meters went on by all that
    was planned. Some lag, so one that did not move proves nothing, and none takes anything off a
    job that was completed.

    Args:
        planned: the analysis, priced and held before release: the most that may be charged.
        evidence: what spooler and printer say.
        now: the time of this decision; aware.
        patience: how long a dispute may stay open.
    """
    disposition = _disposition(evidence)
    count = evidence.device_impressions
    match disposition:
        case Disposition.UNKNOWN:
            return Disputed(
                disposition,
                "unknown-outcome",
                "the spooler no longer knows this job; whether it printed is not known",
                now + patience,
            )
        case Disposition.COMPLETED:
            return _completed(planned, evidence, now + patience)
        case Disposition.STOPPED | Disposition.ABORTED | Disposition.CANCELED:
            if count is not None:
                billed = came_out(
                    planned, count, Source.DEVICE_JOB, evidence.device_color_impressions
                )
                above = max(0, count - planned.impressions)
                ended = Disposition.STOPPED if billed.impressions else disposition
                return Settled(ended, billed, printed_above=above, flag=_goes_on(evidence, count))
            if not evidence.spooler_impressions:
                return Settled(disposition, came_out(planned, 0, Source.SPOOLER))
            if evidence.meter_impressions and planned.media in _COUNTED_ONCE:
                return _by_meter(planned, evidence, evidence.meter_impressions)
            return Disputed(
                disposition,
                "partly-printed",
                f"{disposition} after the spooler had sent {evidence.spooler_impressions} "
                "impressions; the printer does not say how many came out",
                now + patience,
            )
    assert_never(disposition)


def _goes_on(evidence: Evidence, count: int) -> str | None:
    """Flag a job that the spooler has ended and its printer has not: more of it may come out."""
    if evidence.device_state is None or evidence.device_state.terminal:
        return None
    return f"printer-at-work: still {evidence.device_state} there after {count} impressions"


def _by_meter(planned: Figures, evidence: Evidence, count: int) -> Settled:
    """Settle a job that broke off by the printer's meters, which went on while it was alone."""
    color = evidence.meter_color_impressions
    billed = came_out(planned, count, Source.DEVICE_METER, color)
    above = max(0, count - _room(planned))
    return Settled(Disposition.STOPPED, billed, printed_above=above)


def _room(planned: Figures) -> int:
    """Return what a printer may count of what was planned.

    The blank backs of odd pages, which it may count, fit on the sheets that were planned.
    """
    return 2 * planned.sheets if planned.sides.two_sided else planned.impressions


def resolve(
    planned: Figures, disputed: Disputed, evidence: Evidence, *, verdict: Verdict
) -> Settled:
    """End a dispute whose time is up, by policy; the flag stays."""
    match verdict:
        case Verdict.REFUND:
            billed = came_out(planned, 0, Source.ANALYSIS)
        case Verdict.CHARGE:
            count = evidence.device_impressions or planned.impressions
            billed = came_out(planned, count, Source.ANALYSIS)
        case _:
            assert_never(verdict)
    return Settled(disputed.disposition, billed, flag=f"{disputed.cause}: {verdict} by policy")


def broke_off(evidence: Evidence, *, stopped: bool) -> bool:
    """Say whether a job ended before its time, for good, at a printer that was there throughout.

    Args:
        evidence: what the spooler and the printer say.
        stopped: it was canceled by us; what others cancel is not to come back.
    """
    ended = {Disposition.ABORTED, Disposition.CANCELED} if stopped else {Disposition.ABORTED}
    if _disposition(evidence) not in ended or evidence.device_restarted:
        return False
    return evidence.device_state is None or evidence.device_state.terminal


def _disposition(evidence: Evidence) -> Disposition:
    """Take the spooler's word; the printer's only when it contradicts a completion."""
    state = evidence.device_state or evidence.spooler_state
    if evidence.spooler_state is None and evidence.device_state is None:
        return Disposition.UNKNOWN
    match state:
        case JobState.COMPLETED:
            return Disposition.COMPLETED
        case JobState.CANCELED:
            return Disposition.CANCELED
        case JobState.ABORTED:
            return Disposition.ABORTED
        case _:
            # the printer still works on what the spooler calls ended, or never says
            terminal = evidence.spooler_state
            if terminal is JobState.COMPLETED:
                return Disposition.COMPLETED
            return Disposition.CANCELED if terminal is JobState.CANCELED else Disposition.ABORTED


def _completed(planned: Figures, evidence: Evidence, deadline: datetime) -> Settlement:
    count = evidence.device_impressions
    if evidence.device_restarted:
        # CUPS calls a job completed that a printer no longer knows
        return Disputed(
            Disposition.COMPLETED,
            "printer-restarted",
            "the printer was switched off while it had this job; what came out is not known",
            deadline,
        )
    if count is None:
        # nobody but the document itself can say; CUPS counts what it sent, not what came out
        return Settled(Disposition.COMPLETED, planned)
    if count == 0 and (evidence.meter_impressions or 0) >= planned.impressions > 0:
        billed = came_out(planned, planned.impressions, Source.DEVICE_METER)
        return Settled(Disposition.COMPLETED, billed)
    if count == 0:
        return Disputed(
            Disposition.COMPLETED,
            "zero-reported",
            "the printer completed this job and reports 0 impressions",
            deadline,
        )
    if count < planned.impressions:
        return Disputed(
            Disposition.COMPLETED,
            "counts-differ",
            f"the document has {planned.impressions} impressions, the printer reports {count}",
            deadline,
        )
    above = max(0, count - _room(planned))
    billed = came_out(planned, count, Source.DEVICE_JOB)
    flag = f"printed-above-hold: {above} impressions more than planned" if above else None
    return Settled(Disposition.COMPLETED, billed, printed_above=above, flag=flag)
