"""Deleting what has been kept long enough, a slice at a time: names, jobs, texts of events, acts.

What stays is accounting: entries, postings and charges (who paid, when, for how many pages, where),
which figures are made of; and the digests of erased events. Pages of an SQLite file that a slice
empties are overwritten (`secure_delete`).
"""

from __future__ import annotations

from contextlib import contextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from sqlalchemy import bindparam, delete, insert, select, update

from central.store import audit, audit_chain, privacy
from central.store.bulk import run_all
from central.store.privacy import Names
from central.store.tables import (
    decision,
    job,
    job_span,
    refund_request,
    retention_mark,
)

if TYPE_CHECKING:
    from collections.abc import Iterator
    from datetime import datetime, timedelta

    from central.store.books import Transaction

#: Rows that one transaction looks at: nobody waits long for the only writer.
SLICE: Final = 400
_COUNT: Final = "count "
#: In this order: texts before the jobs they tell of, so that nothing is left to tell.
_KINDS: Final = ("names", "texts", "jobs", "acts")


@dataclass(frozen=True, slots=True)
class Terms:
    """How long what is kept; None: for ever."""

    names: timedelta | None = None
    jobs: timedelta | None = None
    audit: timedelta | None = None

    @property
    def nothing(self) -> bool:
        """Whether nothing is ever deleted."""
        return self.names is None and self.jobs is None and self.audit is None


@dataclass(frozen=True, slots=True)
class Step:
    """What one slice did."""

    kind: str
    """names, texts, jobs or acts; empty: there was nothing to do."""
    changed: int
    over: bool
    """There is nothing left to do now."""


def step(tx: Transaction, terms: Terms, limit: int = SLICE) -> Step:
    """Do the next slice of what is due; the last one writes down how much was deleted in all."""
    with _overwriting(tx):
        for kind, work in (
            ("names", _names),
            ("texts", _texts),
            ("jobs", _jobs),
            ("acts", _acts),
        ):
            changed, more = work(tx, terms, limit)
            if changed:
                _add(tx, _COUNT + kind, changed)
            if changed or more:
                return Step(kind, changed, over=False)
    _tell(tx, terms)
    return Step("", 0, over=True)


def due(tx: Transaction, terms: Terms) -> dict[str, int]:
    """Return how many jobs and acts are old enough, up to a hundred thousand of each.

    Pure reads; what was treated before is not counted.
    """
    counts: dict[str, int] = {}
    if terms.jobs is not None:
        counts["jobs"] = _older(tx, tx.now - terms.jobs)
    if terms.names is not None:
        counts["names"] = _older(tx, tx.now - terms.names, after=_mark(tx, "names"))
    if terms.audit is not None:
        counts["acts"] = audit_chain.older(tx, tx.now - terms.audit)
    return counts


def deleted_before(tx: Transaction) -> datetime | None:
    """Return the moment before which jobs may be gone; None: none is."""
    query = select(retention_mark.c.older_than).where(retention_mark.c.what == "jobs")
    found: datetime | None = tx.sql.execute(query).scalar_one_or_none()
    return found


# ── one slice of each kind: how many rows it changed, and whether there is more ───────────────


def _names(tx: Transaction, terms: Terms, limit: int) -> tuple[int, bool]:
    if terms.names is None:
        return 0, False
    cutoff = tx.now - terms.names
    hide = Names("hide", "")
    upto = _mark(tx, "names")
    done = privacy.treat_jobs(tx, hide, upto, limit, cutoff)
    if done.upto != upto:
        _set_mark(tx, "names", done.upto, cutoff)
        return done.changed, not done.over
    return _streams(tx, "names", ("jobs",), cutoff, limit, everything=False)


def _texts(tx: Transaction, terms: Terms, limit: int) -> tuple[int, bool]:
    if terms.jobs is None:
        return 0, False
    cutoff = tx.now - terms.jobs
    return _streams(tx, "texts", ("jobs", "ledger"), cutoff, limit, everything=True)


def _streams(
    tx: Transaction,
    what: str,
    names: tuple[str, ...],
    cutoff: datetime,
    limit: int,
    *,
    everything: bool,
) -> tuple[int, bool]:
    """Erase texts of one stream after the other; each run begins with the first again."""
    here = _mark(tx, f"{what} at")
    for stream in privacy.streams_up(tx, *names):
        if stream < here:
            continue
        upto = _mark(tx, f"{what} {stream}")
        done = privacy.treat_events(tx, stream, upto, limit, cutoff, everything=everything)
        if done.upto != upto:
            _set_mark(tx, f"{what} {stream}", done.upto, cutoff)
            if stream != here:
                _set_mark(tx, f"{what} at", stream, None)
            return done.changed, True
    if here:
        _set_mark(tx, f"{what} at", 0, None)
    return 0, False


def _jobs(tx: Transaction, terms: Terms, limit: int) -> tuple[int, bool]:
    """Delete the oldest jobs; one that was heard of lately among them waits."""
    if terms.jobs is None:
        return 0, False
    cutoff = tx.now - terms.jobs
    rows = tx.sql.execute(
        select(job.c.n, job.c.job, job.c.updated_at).order_by(job.c.n).limit(limit)
    ).all()
    old = [row for row in rows if row.updated_at < cutoff]
    if not old:
        return 0, False
    # first: whoever compares figures with jobs must know from when on some are gone
    _set_mark(tx, "jobs", old[-1].n, cutoff)
    names = [{"job_": row.job} for row in old]
    for statement in (_NO_DECISION, _NO_REQUEST):
        run_all(tx, statement, names)
    tx.sql.execute(delete(job).where(job.c.n.in_([row.n for row in old])))
    lowest = tx.sql.execute(select(job.c.n).order_by(job.c.n).limit(1)).scalar_one_or_none()
    gone = job_span.c.last < (old[-1].n + 1 if lowest is None else lowest)
    tx.sql.execute(delete(job_span).where(gone))
    return len(old), True


_NO_DECISION: Final = delete(decision).where(decision.c.job == bindparam("job_"))
_NO_REQUEST: Final = delete(refund_request).where(refund_request.c.job == bindparam("job_"))


def _acts(tx: Transaction, terms: Terms, limit: int) -> tuple[int, bool]:
    if terms.audit is None:
        return 0, False
    gone = audit_chain.prune(tx, tx.now - terms.audit, limit)
    return gone, gone == limit


# ── marks ───────────────────────────────────────────────────────────────────────────────────


def _mark(tx: Transaction, what: str) -> int:
    query = select(retention_mark.c.upto).where(retention_mark.c.what == what)
    return tx.sql.execute(query).scalar_one_or_none() or 0


def _set_mark(tx: Transaction, what: str, upto: int, older_than: datetime | None) -> None:
    values = {"upto": upto, "older_than": older_than}
    known = update(retention_mark).where(retention_mark.c.what == what).values(**values)
    if tx.sql.execute(known).rowcount == 0:
        tx.sql.execute(insert(retention_mark).values(what=what, **values))


def _add(tx: Transaction, what: str, number: int) -> None:
    _set_mark(tx, what, _mark(tx, what) + number, None)


def _tell(tx: Transaction, terms: Terms) -> None:
    """Write down what was deleted since the last time, if anything was."""
    counts = {kind: n for kind in _KINDS if (n := _mark(tx, _COUNT + kind))}
    if not counts:
        return
    for kind in counts:
        tx.sql.execute(delete(retention_mark).where(retention_mark.c.what == _COUNT + kind))
    kept = {"names": terms.names, "jobs": terms.jobs, "acts": terms.audit}
    detail: dict[str, object] = {"deleted": counts}
    detail["older_than"] = {k: tx.now - span for k, span in kept.items() if span is not None}
    audit.note(tx, author=tx.identity.node, act="retention", target="books", detail=detail)


def _older(tx: Transaction, cutoff: datetime, *, after: int = 0) -> int:
    """Count jobs from the oldest on that are older; stops at the first page that has none."""
    count, at = 0, after
    while count < _MOST:
        rows = tx.sql.execute(
            select(job.c.n, job.c.updated_at).where(job.c.n > at).order_by(job.c.n).limit(_PAGE)
        ).all()
        old = sum(row.updated_at < cutoff for row in rows)
        if not old:
            break
        count, at = count + old, rows[-1].n
    return count


_MOST: Final = 100_000
#: What SQLite answers → what it is told.
_SECURE: Final = ("OFF", "ON", "FAST")
_PAGE: Final = 2000


@contextmanager
def _overwriting(tx: Transaction) -> Iterator[None]:
    """Have SQLite write zeros over what is deleted; elsewhere VACUUM takes it away."""
    if tx.sql.dialect.name != "sqlite":
        yield
        return
    before = tx.sql.exec_driver_sql("PRAGMA secure_delete").scalar_one()
    tx.sql.exec_driver_sql("PRAGMA secure_delete = ON")
    try:
        yield
    finally:
        tx.sql.exec_driver_sql(f"PRAGMA secure_delete = {_SECURE[before]}")
