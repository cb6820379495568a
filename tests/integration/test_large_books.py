"""Promises of the books that measurements are made on: they are as ingest would have left them."""

from __future__ import annotations

from datetime import UTC, timedelta

from sqlalchemy import func, select

from benchmarks.organisation import Size, fill
from central.store import facts, job_search, overview
from central.store.books import Books
from central.store.tables import charge, fact, job
from central.store.verify import Counts, verify
from tests.integration.dialects import books_url

SIZE = Size(jobs=4000, users=60, days=40, sites=5, printers=10)


def test_they_hold_and_have_something_of_everything() -> None:
    """Balances, chains, charges, the audit and figures hold when folded again; no state is missed.

    Every state of a job is met, every site has printers, and each day finds its jobs.
    """
    books, counts = Books.open(books_url()), Counts()
    fill(books, SIZE)
    with books.read() as tx:
        assert list(verify(tx, counts, lambda *_: None)) == []
        assert facts.mark(tx).behind == 0
        charges = tx.sql.execute(select(func.count()).select_from(charge)).scalar_one()
        years = select(func.sum(fact.c.jobs)).where(fact.c.view == 1, fact.c.span % 10_000 == 0)
        assert 0 < tx.sql.execute(years).scalar_one() < charges
        states = set(tx.sql.execute(select(job.c.state).distinct()).scalars())
        assert states >= {"completed", "canceled", "aborted", "pending-held"}
        assert len(overview.Picture().devices(tx)) == SIZE.printers
        newest = tx.sql.execute(select(func.max(job.c.received_at))).scalar_one()
        newest = newest.replace(tzinfo=UTC) if newest.tzinfo is None else newest
        assert job_search.search(tx, job_search.Which(since=newest - timedelta(hours=1))).jobs
    assert counts.acts > SIZE.users * 2
    assert counts.events > charges
    books.close()
