"""Jobs: what became of them and who paid."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated
from uuid import UUID  # noqa: TC003  FastAPI reads it at run time

from fastapi import APIRouter, Query
from pydantic import StringConstraints

from central.store import lists
from central.store.lists import JobFilter
from central.web.answers import Amount, Count, Job, Payment
from central.web.paging import TEXT, NumberPage, Page, page_of
from central.web.problems import NOT_FOUND, NotFound
from central.web.reading import Read  # noqa: TC001  FastAPI reads it at run time
from config.ids import NodeId  # noqa: TC001  pydantic reads it at run time
from config.policy.jobs import JobState

if TYPE_CHECKING:
    from central.store.books import Transaction
    from central.store.lists import ListedJob

routes = APIRouter(prefix="/jobs", tags=["jobs"])


class JobsAsked(NumberPage):
    """Which jobs; filters that are left out let all through."""

    user: Annotated[str, StringConstraints(max_length=255, pattern=TEXT)] | None = None
    """job-originating-user-name, exactly as the job has it."""
    node: NodeId | None = None
    """The edge."""
    state: JobState | None = None
    """job-state (RFC 8011 §5.3.7)."""


@routes.get("")
async def list_jobs(page: Annotated[JobsAsked, Query()], read: Read) -> Page[Job]:
    """List jobs in the order in which the books first heard of them."""
    return await read.ask(lambda tx: _jobs(tx, page))


@routes.get("/{uuid}", responses=NOT_FOUND)
async def show_job(uuid: UUID, read: Read) -> Job:
    """Show one job."""
    return await read.ask(lambda tx: _job(tx, uuid))


def _jobs(tx: Transaction, page: JobsAsked) -> Page[Job]:
    which = JobFilter(page.user, page.node, page.state)
    rows = lists.jobs(tx, which, after=page.after, limit=page.limit + 1)
    return page_of(rows, page.limit, show=_shown, key=lambda row: row.n)


def _job(tx: Transaction, uuid: UUID) -> Job:
    found = lists.job(tx, uuid)
    if found is None:
        raise NotFound(f"There is no job {uuid}; /api/v1/jobs lists those the books heard of.")
    return _shown(found)


def _shown(row: ListedJob) -> Job:
    job = row.job
    return Job(
        uuid=job.job,
        node=job.node,
        user=job.user,
        queue=job.queue,
        service=job.service,
        name=job.name,
        state=JobState(job.state),
        printer=job.printer,
        attempt=job.attempt,
        counts=tuple(
            Count(
                source=each.source,
                impressions=each.impressions,
                color_impressions=each.color_impressions,
                sheets=each.sheets,
                by=each.by,
            )
            for each in job.counts
        ),
        impressions=job.impressions,
        charge=job.charge,
        paid=tuple(
            Payment(
                account=each["account"], amount=Amount(micros=each["micros"], unit=each["unit"])
            )
            for each in row.paid
        ),
        detail=job.detail,
        flag=job.flag,
        received_at=job.received_at,
        updated_at=row.updated_at,
    )
