"""Promises of finding jobs: all filters, page by page, the same as looking at every job."""

from __future__ import annotations

import random
from typing import TYPE_CHECKING
from uuid import UUID

import pytest
from sqlalchemy import func, insert, select

from central.store import job_search, jobs
from central.store.job_search import Which
from central.store.tables import charge, instant, job
from tests.integration.books_lab import euros, open_books
from tests.integration.jobs_lab import at

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from central.store.books import Books, Transaction
    from central.store.lists import ListedJob

COUNT = 400
USERS = ("ana", "bob", "eva")
NODES = ("north", "south", "west")


def fill(tx: Transaction) -> None:
    """Enter jobs of ten days, some told late, in all states."""
    dice = random.Random(7)  # noqa: S311  the same jobs in every run
    rows, paid = [], []
    for n in range(1, COUNT + 1):
        state = dice.choice(("completed",) * 8 + ("canceled", "pending-held", "processing"))
        copied, node = dice.random() < 0.1, dice.choice(NODES)
        cost = dice.choice((0, 5, 100))
        charged = str(UUID(int=COUNT + n)) if state == "completed" and cost else None
        # west was alone: what it tells now is days old
        day = n / 40 if node != "west" else max(0.0, n / 40 - 3)
        rows.append(
            {
                "n": n,
                "job": str(UUID(int=n)),
                "node": node,
                "user": dice.choice(USERS),
                "queue": "" if copied else "pull",
                "name": "Copies" if copied else dice.choice(("Thesis.pdf", "Été 100%.odt")),
                "state": state,
                "printer": None if state == "pending-held" else f"{node}-{dice.choice('12')}",
                "attempt": 1,
                "counts": "[]",
                "impressions": 3 if state == "completed" else None,
                "charge": charged,
                "detail": "",
                "flag": "dispute" if dice.random() < 0.05 else None,
                "refused": "denied" if state == "pending-held" and dice.random() < 0.5 else None,
                "received_at": at(day),
                "at": instant(at(day)),
                "updated_at": at(n / 40),
            }
        )
        if charged:
            paid.append(
                {
                    "charge": charged,
                    "entry": None,
                    "node": node,
                    "content": "",
                    "job": str(UUID(int=n)),
                    "attempt": 1,
                    "user": "ana",
                    "printer": "x",
                    "service": "print",
                    "tariff_version": 1,
                    "source": "analysis",
                    "paid": f'[{{"account":"user:ana","unit":"EUR","micros":{cost * 10_000}}}]',
                    "printed_above": 0,
                    "alone": False,
                    "settled_at": at(0),
                }
            )
    stored = [{"n": row["n"], "received_at": row.pop("at")} for row in rows]
    tx.sql.execute(insert(job), rows)
    tx.sql.execute(insert(charge), paid)
    for begin in range(0, COUNT, 50):
        jobs._count_days(tx, stored[begin : begin + 50])


@pytest.fixture
def books(monkeypatch: pytest.MonkeyPatch) -> Iterator[Books]:
    """Return books with jobs; runs of a day end after a few others."""
    monkeypatch.setattr(jobs, "_APART", 20)
    opened = open_books()
    with opened.write() as tx:
        fill(tx)
    yield opened
    opened.close()


def everything(books: Books, which: Which, look: int, limit: int = 7) -> list[int]:
    """Return what is found page by page; pages only go down."""
    found: list[int] = []
    before: int | None = None
    with books.read() as tx:
        for _ in range(3 * COUNT):
            page = job_search.search(tx, which, before=before, limit=limit, look=look)
            found += [each.n for each in page.jobs]
            assert len(page.jobs) <= limit
            if page.before is None:
                return found
            assert before is None or page.before < before
            before = page.before
    raise AssertionError("it has no end")


def cost_of(each: ListedJob) -> int:
    """Return what a job cost."""
    return sum(part["micros"] for part in each.paid)


CASES: list[tuple[Which, Callable[[ListedJob], bool]]] = [
    (Which(), lambda _: True),
    (Which(user="ana"), lambda e: e.job.user == "ana"),
    (Which(nodes=frozenset({"north"})), lambda e: e.job.node == "north"),
    (Which(nodes=frozenset({"north", "west"})), lambda e: e.job.node in {"north", "west"}),
    # nobody's scope
    (Which(nodes=frozenset()), lambda _: False),
    (Which(printer="north-1"), lambda e: e.job.printer == "north-1"),
    (Which(state="completed"), lambda e: e.job.state == "completed"),
    (Which(state="canceled"), lambda e: e.job.state == "canceled"),
    (Which(service="copy"), lambda e: e.job.service == "copy"),
    (Which(service="print"), lambda e: e.job.service == "print"),
    (Which(flagged=True), lambda e: e.job.flag is not None),
    (Which(refused=True), lambda e: e.job.refused is not None),
    (Which(name="THESIS"), lambda e: e.job.name == "Thesis.pdf"),
    # no pattern: a percent sign is one
    (Which(name="100%."), lambda e: e.job.name.startswith("Été")),
    (Which(since=at(3), until=at(4)), lambda e: at(3) <= (e.job.received_at or at(0)) < at(4)),
    (Which(since=at(9)), lambda e: (e.job.received_at or at(0)) >= at(9)),
    (Which(cost_from=euros("1.00")), lambda e: cost_of(e) >= euros("1.00")),
    (Which(cost_to=0, state="completed"), lambda e: not cost_of(e) and e.job.state == "completed"),
    (
        Which(user="bob", nodes=frozenset({"south"}), since=at(2), state="canceled"),
        lambda e: (
            (e.job.user, e.job.node, e.job.state) == ("bob", "south", "canceled")
            and (e.job.received_at or at(0)) >= at(2)
        ),
    ),
    (
        Which(flagged=True, user="eva", service="print"),
        lambda e: e.job.flag is not None and e.job.user == "eva" and e.job.service == "print",
    ),
]


@pytest.mark.parametrize("number", range(len(CASES)))
def test_a_search_finds_what_looking_at_every_job_finds(books: Books, number: int) -> None:
    """Whatever is asked, and however little is looked at in one call; the newest first."""
    which, holds = CASES[number]
    with books.read() as tx:
        every = job_search.search(tx, Which(), limit=COUNT).jobs
    wanted = [each.n for each in every if holds(each)]
    assert len(every) == COUNT
    for look in (10_000, 13):
        assert everything(books, which, look) == wanted
    with books.read() as tx:
        sums = job_search.totals(tx, which)
    assert sums.jobs == len(wanted)
    assert sums.cost.get("EUR", 0) == sum(cost_of(e) for e in every if e.n in set(wanted))
    assert sums.whole


def test_totals_of_too_many_say_that_they_are_of_the_newest(books: Books) -> None:
    """Never late: what is more than can be added up at once is said to be."""
    with books.read() as tx:
        sums = job_search.totals(tx, Which(), at_most=100)
        assert (sums.jobs, sums.whole) == (100, False)


def test_each_day_is_found_by_its_runs_of_numbers(books: Books) -> None:
    """Late jobs do not make an old day as wide as all that came since."""
    with books.read() as tx:
        runs = job_search._runs(tx, Which(since=at(1), until=at(1.5)), None)
        covered = sum(last - first + 1 for first, last in runs)
        assert len(runs) > 1
        assert covered < COUNT / 2
        numbers = tx.sql.execute(select(func.count()).select_from(job)).scalar_one()
        assert numbers == COUNT
