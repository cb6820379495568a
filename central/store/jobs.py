"""Jobs as the books list them: rows folded from the edges' job events."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any
from uuid import UUID

from sqlalchemy import bindparam, func, select, update

from broker.messages import Counted
from central.job_fold import ForeignJob, JobRecord, fold
from central.store.bulk import insert_all, run_all
from central.store.tables import instant
from central.store.tables import job as job_table

if TYPE_CHECKING:
    from collections.abc import Sequence

    from sqlalchemy import Row

    from central.job_fold import JobEvent
    from central.store.books import Transaction


def record(tx: Transaction, node: str, events: Sequence[JobEvent]) -> list[str | None]:
    """Fold events into their jobs' rows; return for each why it was not accepted, or None."""
    ids = [str(event.job) for event in events]
    found = tx.sql.execute(select(job_table).where(job_table.c.job.in_(set(ids))))
    numbers: dict[UUID, int] = {}
    jobs: dict[UUID, JobRecord] = {}
    for row in found:
        numbers[UUID(row.job)] = row.n
        jobs[UUID(row.job)] = record_of(row)
    reasons: list[str | None] = []
    touched: dict[UUID, JobRecord] = {}
    for event in events:
        after = fold(jobs.get(event.job), event, node)
        if isinstance(after, ForeignJob):
            reasons.append(after.reason)
            continue
        jobs[event.job] = touched[event.job] = after
        reasons.append(None)
    _store(tx, touched, numbers)
    return reasons


def record_of(row: Row[Any]) -> JobRecord:
    """Return a row of the job table as a value."""
    return JobRecord(
        job=UUID(row.job),
        node=row.node,
        user=row.user,
        queue=row.queue,
        name=row.name,
        state=row.state,
        printer=row.printer,
        attempt=row.attempt,
        counts=tuple(Counted.model_validate(each) for each in json.loads(row.counts)),
        impressions=row.impressions,
        charge=UUID(row.charge) if row.charge else None,
        detail=row.detail,
        flag=row.flag,
        received_at=row.received_at,
    )


def _store(tx: Transaction, jobs: dict[UUID, JobRecord], numbers: dict[UUID, int]) -> None:
    old = [_row(job, tx) | {"n_": numbers[id_]} for id_, job in jobs.items() if id_ in numbers]
    new = [_row(job, tx) for id_, job in jobs.items() if id_ not in numbers]
    if old:
        run_all(tx, _UPDATE, old)
    if new:
        last = tx.sql.execute(select(func.max(job_table.c.n))).scalar() or 0
        rows = [row | {"n": n} for n, row in enumerate(new, last + 1)]
        insert_all(tx, job_table, rows)


def _row(job: JobRecord, tx: Transaction) -> dict[str, Any]:
    return {
        "job": str(job.job),
        "node": job.node,
        "user": job.user,
        "queue": job.queue,
        "name": job.name,
        "state": job.state,
        "printer": job.printer,
        "attempt": job.attempt,
        "counts": json.dumps([each.model_dump() for each in job.counts]),
        "impressions": job.impressions,
        "charge": str(job.charge) if job.charge else None,
        "detail": job.detail,
        "flag": job.flag,
        "received_at": instant(job.received_at) if job.received_at else None,
        "updated_at": instant(tx.now),
    }


_UPDATE = (
    update(job_table)
    .where(job_table.c.n == bindparam("n_"))
    .values({c.name: bindparam(c.name) for c in job_table.c if c.name != "n"})
)
