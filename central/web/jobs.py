"""Jobs: what became of them and who paid."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated, Any, Final

from pydantic import StringConstraints

from central.rights import Right
from central.store import lists
from central.store.lists import JobFilter
from central.web.answers import Amount, Count, Job, Payment
from central.web.api.table import Call, Example, Route
from central.web.paging import TEXT, Asked, NumberPage, Page, page_of, paged
from central.web.problems import NotFound
from config.ids import NodeId  # noqa: TC001  pydantic reads it at run time
from config.policy.jobs import JobState

if TYPE_CHECKING:
    from uuid import UUID

    from central.store.books import Transaction
    from central.store.lists import ListedJob


class JobsAsked(NumberPage):
    """Which jobs; filters that are left out let all through."""

    user: Annotated[str, StringConstraints(max_length=255, pattern=TEXT)] | None = None
    """job-originating-user-name, exactly as the job has it."""
    node: NodeId | None = None
    """The edge."""
    state: JobState | None = None
    """job-state (RFC 8011 §5.3.7)."""


def every(tx: Transaction, call: Call[None, JobsAsked]) -> Page[Job]:
    """List jobs in the order in which the books first heard of them."""
    page, sites = call.asked, call.sites
    which = JobFilter(page.user, page.node, page.state, sites)
    rows = lists.jobs(tx, which, after=page.after, limit=page.limit + 1)
    return page_of(rows, page.limit, show=shown, key=lambda row: row.n)


def one(tx: Transaction, call: Call[None, Asked]) -> Job:
    """Show one job."""
    return shown(known(tx, call, call.path["uuid"]))


def known(
    tx: Transaction, call: Call[Any, Any], uuid: UUID, right: Right | None = None
) -> ListedJob:
    """Return a job at whose site the caller has the route's right, or another one.

    Raises:
        NotFound: there is none, or it is at a site that the token does not reach.
    """
    found = lists.job(tx, uuid)
    missing = f"There is no job {uuid}; /api/v1/jobs lists those the books heard of."
    if found is None or not call.reaches(found.job.node, right):
        raise NotFound(missing)
    return found


def shown(row: ListedJob) -> Job:
    """Return a job as it is told."""
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


_COUNT: Final = {
    "source": "analysis",
    "impressions": 3,
    "color_impressions": 0,
    "sheets": 2,
    "by": None,
}
JOB: Final = {
    "uuid": "019aaba6-0b12-7000-8000-000000000006",
    "node": "north",
    "user": "ana",
    "queue": "pull",
    "service": "print",
    "name": "letter.pdf",
    "state": "completed",
    "printer": "north-1",
    "attempt": 1,
    "counts": [_COUNT],
    "impressions": 3,
    "charge": "019aaba6-0b12-7000-8000-000000000003",
    "paid": [{"account": "user:ana", "amount": {"micros": 1_200_000, "unit": "EUR"}}],
    "detail": "",
    "flag": None,
    "received_at": "2026-11-22T08:00:00Z",
    "updated_at": "2026-11-22T08:00:09Z",
}

ROUTES: Final = (
    Route(
        method="GET",
        path="/jobs",
        right=Right.SEE_JOBS,
        do=every,
        gives=paged(Job),
        asks=JobsAsked,
        example=Example({"items": [JOB], "next": None}, asked={"user": "ana"}),
    ),
    Route(
        method="GET",
        path="/jobs/{uuid}",
        right=Right.SEE_JOBS,
        do=one,
        gives=Job,
        example=Example(JOB),
    ),
)
