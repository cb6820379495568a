"""Days past in the demo: told like any site's, and the books hold with them."""

from __future__ import annotations

from datetime import timedelta

from central.store import job_search, refund_requests
from central.store.books import Books
from central.store.verify import Counts, verify
from demo import past
from tests.integration.dialects import books_url


def test_weeks_are_told_and_the_books_hold() -> None:
    """Each job is charged on the day it was printed, and nothing is wrong with the books."""
    books = Books.open(books_url())
    jobs = past.fill(books)
    assert jobs > past.DAYS
    with books.read() as tx:
        found = job_search.search(tx, job_search.Which(state="completed"), limit=1000)
        assert len(found.jobs) == jobs
        days = {each.job.received_at.date() for each in found.jobs if each.job.received_at}
        assert max(days) - min(days) > timedelta(days=past.DAYS - 4)
        assert all(each.paid for each in found.jobs)
        assert len(refund_requests.every(tx, refund_requests.Which(state="open"))) == 2
        assert list(verify(tx, Counts(), lambda _done, _all: None)) == []
