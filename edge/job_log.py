"""The canonical line of a job: one for each thing that happened to it, the same keys each time."""

from __future__ import annotations

from typing import TYPE_CHECKING

from broker.messages import (
    CopyBegan,
    JobFlagged,
    JobHeld,
    JobRefused,
    JobReleased,
    JobSettled,
)
from config.logs import job_line, logger
from config.policy.money import Money

if TYPE_CHECKING:
    from collections.abc import Iterable

    from broker.messages import AccountAmount, Message
    from edge.jobs import JobRecord

_log = logger("edge.jobs")


def tell(record: JobRecord, event: Message) -> None:
    """Write what happened to a job; `record` is how it stands after it."""
    figures = record.billed or record.planned
    began, ended = record.released_at, record.ended_at
    settled = isinstance(event, JobSettled)
    job_line(
        _log,
        action=action_of(event),
        job=record.job,
        user=record.user or None,
        queue=record.queue,
        printer=record.printer,
        attempt=record.attempt or None,
        impressions=figures.impressions if figures else None,
        sheets=figures.sheets if figures else None,
        price=_price(record, event),
        reason=_reason(event),
        online=not event.alone if isinstance(event, JobReleased | JobRefused | CopyBegan) else None,
        took=ended - began if settled and began and ended else None,
    )


def action_of(event: Message) -> str:
    """Return `job-held` for `printmesh.job-held.v1`."""
    return event.TYPE.removeprefix("printmesh.").rpartition(".")[0]


def _price(record: JobRecord, event: Message) -> str | None:
    match event:
        case JobReleased(held=held) | CopyBegan(held=held):
            return _sum(held)
        case JobSettled():
            return _sum(record.charged)
        case _:
            return None


def _reason(event: Message) -> str | None:
    match event:
        case JobHeld(problem=problem):
            return problem
        case JobRefused(reason=reason):
            return reason
        case JobSettled(flag=flag):
            return flag
        case JobFlagged(cause=cause):
            return cause
        case _:
            return None


def _sum(amounts: Iterable[AccountAmount]) -> str:
    return ", ".join(str(Money(each.micros, each.unit)) for each in amounts) or "free"
