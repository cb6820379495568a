"""What a site of the random histories says of its jobs, in the words of the wire."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from broker.messages import AccountAmount, Charged, JobHeld, JobRefused, JobSettled
from edge.jobs import counted

if TYPE_CHECKING:
    from datetime import datetime
    from uuid import UUID

    from config.policy.jobs import Figures
    from edge.jobs import JobRecord

#: The one printer of a site.
PRINTER: Final = "printer"


def held(record: JobRecord, figures: Figures) -> JobHeld:
    """Return the event that says that a job was counted and waits."""
    return JobHeld(
        job=record.job,
        queue=record.queue,
        user=record.user,
        name=record.name,
        received_at=record.received_at,
        counted=counted(figures),
    )


def refused(record: JobRecord, reason: str, detail: str, *, alone: bool) -> JobRefused:
    """Return the event that says why a job may not be printed."""
    return JobRefused(
        job=record.job,
        user=record.user,
        printer=PRINTER,
        reason=reason,
        detail=detail[:1000],
        alone=alone,
    )


def settled(record: JobRecord, billed: Figures, charge: Charged | None) -> JobSettled:
    """Return the event that says what became of a job."""
    return JobSettled(
        job=record.job,
        attempt=record.attempt,
        printer=PRINTER,
        disposition="completed",
        counts=(),
        billed=counted(billed),
        charge=charge.charge if charge else None,
    )


def charged(
    record: JobRecord,
    amounts: tuple[AccountAmount, ...],
    billed: Figures,
    *,
    charge: UUID,
    at: datetime,
) -> Charged:
    """Return the event that says what a job cost."""
    return Charged(
        charge=charge,
        job=record.job,
        attempt=record.attempt,
        user=record.user,
        printer=PRINTER,
        service="print",
        tariff_version=1,
        counted=counted(billed),
        postings=amounts,
        alone=record.alone,
        settled_at=at,
    )
