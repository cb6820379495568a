"""What the books know of a job after each event of its life: a pure fold, for lists and reports."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Final, TypeAlias

from broker.messages import (
    CopyBegan,
    JobCanceled,
    JobFlagged,
    JobHeld,
    JobRefused,
    JobReleased,
    JobSettled,
)

if TYPE_CHECKING:
    from datetime import datetime
    from uuid import UUID

    from broker.messages import AccountAmount, Because, Counted
    from config.policy.tariffs import Service

JobEvent: TypeAlias = (
    JobHeld | JobRefused | JobReleased | JobSettled | JobCanceled | JobFlagged | CopyBegan
)
JOB_EVENTS: Final = (
    JobHeld,
    JobRefused,
    JobReleased,
    JobSettled,
    JobCanceled,
    JobFlagged,
    CopyBegan,
)
#: What copies are called in lists; a copy has no queue and no document.
COPIES: Final = "Copies"

#: What became of a release → IPP job-state (RFC 8011 §5.3.7).
_STATES: Final = {
    "completed": "completed",
    "stopped": "aborted",
    "aborted": "aborted",
    "canceled": "canceled",
    "unknown": "processing",
}


@dataclass(frozen=True, slots=True)
class Decided:
    """The last decision on a job, as its edge recorded it."""

    released: bool
    """False: refused, or something was to be answered first."""
    printer: str | None
    """Device id."""
    reason: str = ""
    """Of a refusal."""
    redirected_from: str | None = None
    """Where it was asked for, when a rule chose another printer."""
    attempt: int = 0
    """Which release; 0 for a refusal."""
    rules_version: int = 0
    """0: none."""
    tariff_version: int = 0
    """0: none."""
    conversions: tuple[tuple[str, str], ...] = ()
    """IPP attributes that rules changed, with their new values."""
    because: tuple[Because, ...] = ()
    """Why, line by line."""
    held: tuple[AccountAmount, ...] = ()
    """What was set aside."""


@dataclass(frozen=True, slots=True)
class JobRecord:
    """One job as its edge has told it so far."""

    job: UUID
    """job-uuid."""
    node: str
    """The edge."""
    user: str = ""
    """job-originating-user-name."""
    queue: str = ""
    """Where it was printed to."""
    name: str = ""
    """job-name."""
    state: str = "pending-held"
    """IPP job-state."""
    printer: str | None = None
    """Device id of the last release."""
    attempt: int = 0
    """Releases so far."""
    counts: tuple[Counted, ...] = ()
    """Every figure of every source, the newest settlement's if there is one."""
    impressions: int | None = None
    """Billed."""
    charge: UUID | None = None
    """Its charge in the ledger."""
    detail: str = ""
    """The last sentence for people: why it was refused, canceled or cannot be printed."""
    flag: str | None = None
    """Why somebody should look at it."""
    received_at: datetime | None = None
    """When the spooler took it."""
    refused: str | None = None
    """Reason code of the last refusal, while nothing was released since."""
    life: str = ""
    """Its moments so far, a line each (`central.job_moments`)."""
    decided: Decided | None = None
    """By the events just folded; none where they held no decision with reasons."""

    @property
    def service(self) -> Service:
        """Whether it was printed or copied: only a copy comes by no queue under that name."""
        return "copy" if self.name == COPIES and not self.queue else "print"


@dataclass(frozen=True, slots=True)
class ForeignJob:
    """The job is another edge's: this one may not speak for it."""

    reason: str
    """One sentence for people."""


def fold(  # noqa: PLR0911  one return for each kind of event
    before: JobRecord | None, event: JobEvent, node: str
) -> JobRecord | ForeignJob:
    """Return the job after one event; events may tell of a job whose beginning was not heard."""
    if before is not None and before.node != node:
        return ForeignJob(f"job {event.job} belongs to {before.node}")
    job = before or JobRecord(job=event.job, node=node)
    match event:
        case JobHeld():
            return replace(
                job,
                user=event.user,
                queue=event.queue,
                name=event.name,
                counts=(event.counted,) if event.counted else (),
                detail=event.problem or "",
                received_at=event.received_at,
            )
        case JobRefused():
            return replace(job, detail=event.detail, refused=event.reason, decided=_refused(event))
        case JobReleased():
            return replace(
                job,
                state="processing",
                user=job.user or event.user,
                printer=event.printer,
                attempt=event.attempt,
                detail="",
                refused=None,
                decided=_released(event),
            )
        case CopyBegan():
            return replace(
                job,
                state="processing",
                user=event.user,
                name=COPIES,
                printer=event.printer,
                attempt=1,
                detail="",
                refused=None,
                received_at=event.began_at,
                decided=_began(event),
            )
        case JobSettled():
            return replace(
                job,
                state=_STATES[event.disposition],
                printer=event.printer,
                attempt=event.attempt,
                counts=event.counts,
                impressions=event.billed.impressions,
                charge=event.charge or job.charge,
                flag=event.flag or job.flag,
            )
        case JobCanceled():
            return replace(job, state="canceled", detail=event.detail)
        case JobFlagged():
            return replace(job, flag=f"{event.cause}: {event.detail}")


def _refused(event: JobRefused) -> Decided | None:
    if not event.because:
        return None
    return Decided(
        released=False,
        printer=event.printer,
        reason=event.reason,
        rules_version=event.rules_version,
        because=event.because,
    )


def _released(event: JobReleased) -> Decided | None:
    if not event.because:
        return None  # of a version that recorded no reasons
    return Decided(
        released=True,
        printer=event.printer,
        redirected_from=event.redirected_from,
        attempt=event.attempt,
        rules_version=event.rules_version,
        tariff_version=event.tariff_version,
        conversions=tuple(event.conversions.items()),
        because=event.because,
        held=event.held,
    )


def _began(event: CopyBegan) -> Decided | None:
    if not event.because:
        return None
    return Decided(
        released=True,
        printer=event.printer,
        attempt=1,
        rules_version=event.rules_version,
        tariff_version=event.tariff_version,
        because=event.because,
        held=event.held,
    )


def feed_state(event: JobEvent) -> str:
    """Return the word the feed has for what just happened."""
    words = ("held", "refused", "released", "settled", "canceled", "flagged", "released")
    return next(w for w, kind in zip(words, JOB_EVENTS, strict=True) if isinstance(event, kind))
