"""Jobs as the books list them: rows folded from the edges' job events."""

from __future__ import annotations

import json
from collections import defaultdict
from dataclasses import replace
from typing import TYPE_CHECKING, Any, Final
from uuid import UUID

from sqlalchemy import bindparam, delete, func, insert, select, update

from broker.messages import AccountAmount, Because, Counted, JobHeld, JobRefused, JobSettled
from central.job_fold import Decided, ForeignJob, JobRecord, fold
from central.job_moments import LONGEST, written
from central.store import privacy, tallies
from central.store.bulk import fetch_one, insert_all, run_all
from central.store.tables import decision as decision_table
from central.store.tables import instant, job_span
from central.store.tables import job as job_table
from central.tallies import settled, together

if TYPE_CHECKING:
    from collections.abc import Sequence
    from datetime import datetime

    from sqlalchemy import Row

    from central.job_fold import JobEvent
    from central.store.books import Transaction
    from central.tallies import Tally


def record(
    tx: Transaction,
    node: str,
    events: Sequence[JobEvent],
    times: Sequence[datetime] | None = None,
) -> list[str | None]:
    """Fold events into their jobs' rows and the totals of their devices.

    Args:
        tx: a writing transaction.
        node: the edge that tells of them.
        events: in order.
        times: when each happened, by the edge's clock; None: now.

    Returns:
        For each why it was not accepted, or None.
    """
    ids = [str(event.job) for event in events]
    found = tx.sql.execute(select(job_table).where(job_table.c.job.in_(set(ids))))
    numbers: dict[UUID, int] = {}
    jobs: dict[UUID, JobRecord] = {}
    for row in found:
        numbers[UUID(row.job)] = row.n
        jobs[UUID(row.job)] = record_of(row)
    reasons: list[str | None] = []
    touched: dict[UUID, JobRecord] = {}
    billed: defaultdict[str, list[Tally]] = defaultdict(list)
    lives: defaultdict[UUID, str] = defaultdict(str)
    names: privacy.Names | None = None
    for event, at in zip(events, times or [tx.now] * len(events), strict=True):
        before = jobs.get(event.job)
        after = fold(before, event, node)
        if isinstance(after, ForeignJob):
            reasons.append(after.reason)
            continue
        if isinstance(event, JobSettled):
            billed[event.printer].append(settled(before, after, event))
        elif isinstance(event, JobHeld):
            names = names or privacy.names(tx)
            if names.mode != "keep":
                after = replace(after, name=names.kept(event.name))
        if not isinstance(event, JobRefused) or len(after.life) < LONGEST:
            lives[event.job] += written(event, instant(at))
        jobs[event.job] = touched[event.job] = after
        reasons.append(None)
    _store(tx, touched, numbers, lives)
    _keep_decisions(tx, touched)
    tallies.add(tx, node, {device: together(some) for device, some in billed.items()})
    return reasons


def beginning(tx: Transaction, text: str, limit: int = 10) -> list[UUID]:
    """Return the jobs whose job-uuid begins with this text, the first of them only."""
    at = job_table.c.job
    query = select(at).where(at >= text, at < text + "g").order_by(at).limit(limit)
    return [UUID(id_) for id_ in tx.sql.execute(query).scalars()]


def find(tx: Transaction, id_: UUID) -> JobRecord | None:
    """Return a job, or None."""
    row = tx.sql.execute(select(job_table).where(job_table.c.job == str(id_))).one_or_none()
    return None if row is None else record_of(row)


def set_flag(tx: Transaction, id_: UUID, flag: str | None) -> None:
    """Say why somebody should look at a job, or that nobody need any more."""
    tx.sql.execute(update(job_table).where(job_table.c.job == str(id_)).values(flag=flag))


def newest(tx: Transaction, count: int) -> list[JobRecord]:
    """Return the jobs that the books heard of last, the newest first."""
    query = select(job_table).order_by(job_table.c.n.desc()).limit(count)
    return [record_of(row) for row in tx.sql.execute(query)]


# made once: a page of requests asks for each
_DECISION: Final = select(decision_table).where(decision_table.c.job == bindparam("job_"))


def decision_of(tx: Transaction, id_: UUID) -> tuple[Decided, datetime] | None:
    """Return the last decision on a job and when the books heard of it; None if none was told."""
    row = tx.sql.execute(_DECISION, {"job_": str(id_)}).one_or_none()
    if row is None:
        return None
    decided = Decided(
        released=row.released,
        printer=row.printer,
        reason=row.reason,
        redirected_from=row.redirected_from,
        attempt=row.attempt,
        rules_version=row.rules_version,
        tariff_version=row.tariff_version,
        conversions=tuple(json.loads(row.conversions).items()),
        because=tuple(Because.model_validate(each) for each in json.loads(row.because)),
        held=tuple(AccountAmount.model_validate(each) for each in json.loads(row.held)),
    )
    return decided, row.at


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
        refused=row.refused,
        life=row.life,
    )


def _store(
    tx: Transaction,
    jobs: dict[UUID, JobRecord],
    numbers: dict[UUID, int],
    lives: defaultdict[UUID, str],
) -> None:
    old = [
        _row(job, tx, lives[id_]) | {"n_": numbers[id_]}
        for id_, job in jobs.items()
        if id_ in numbers
    ]
    new = [_row(job, tx, lives[id_]) for id_, job in jobs.items() if id_ not in numbers]
    if old:
        run_all(tx, _UPDATE, old)
    if new:
        last = tx.sql.execute(select(func.max(job_table.c.n))).scalar() or 0
        rows = [row | {"n": n} for n, row in enumerate(new, last + 1)]
        insert_all(tx, job_table, rows)
        _count_days(tx, rows)


def _count_days(tx: Transaction, rows: Sequence[dict[str, Any]]) -> None:
    """Note under which numbers jobs of a day are to be found."""
    runs: dict[int, tuple[int, int]] = {}
    for row in rows:
        if row["received_at"] is not None:
            day, n = row["received_at"] // _DAY, row["n"]
            runs[day] = runs[day][0] if day in runs else n, n
    for day, (first, last) in runs.items():
        begun, upto = fetch_one(tx, _LAST_RUN, day_=day)
        if begun is not None and first - upto <= _APART:
            run_all(tx, _LONGER, [{"day_": day, "first_": begun, "last_": last}])
        else:
            tx.sql.execute(insert(job_span).values(day=day, first=first, last=last))


def _row(job: JobRecord, tx: Transaction, lived: str) -> dict[str, Any]:
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
        "refused": job.refused,
        "life": job.life + lived,
    }


def _keep_decisions(tx: Transaction, jobs: dict[UUID, JobRecord]) -> None:
    """Keep the last decision of each job that has one."""
    rows = [
        {
            "job": str(id_),
            "released": decided.released,
            "reason": decided.reason,
            "printer": decided.printer,
            "redirected_from": decided.redirected_from,
            "attempt": decided.attempt,
            "rules_version": decided.rules_version,
            "tariff_version": decided.tariff_version,
            "conversions": json.dumps(dict(decided.conversions)),
            "because": json.dumps([each.model_dump() for each in decided.because]),
            "held": json.dumps([each.model_dump() for each in decided.held]),
            "at": instant(tx.now),
        }
        for id_, job in jobs.items()
        if (decided := job.decided) is not None
    ]
    run_all(tx, _FORGET, [{"job_": row["job"]} for row in rows])
    insert_all(tx, decision_table, rows)


#: Microseconds.
_DAY: Final = 86_400_000_000
#: Jobs of one day that are further apart than so many others make two runs.
_APART: Final = 20_000
#: Runs of a day follow one another: the newest has the highest of both.
_LAST_RUN = select(func.max(job_span.c.first), func.max(job_span.c.last)).where(
    job_span.c.day == bindparam("day_")
)
_LONGER = (
    update(job_span)
    .where(job_span.c.day == bindparam("day_"), job_span.c.first == bindparam("first_"))
    .values(last=bindparam("last_"))
)
_FORGET = delete(decision_table).where(decision_table.c.job == bindparam("job_"))
_UPDATE = (
    update(job_table)
    .where(job_table.c.n == bindparam("n_"))
    .values({c.name: bindparam(c.name) for c in job_table.c if c.name != "n"})
)
