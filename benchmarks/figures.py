"""Questions about figures over the totals of five million jobs, and what rolling up costs ingest.

The totals are as many as those jobs would leave: of 100,000 people at 100 sites with 2,000
printers, over two years. On SQLite, and on PostgreSQL where it is installed.
"""

from __future__ import annotations

import gc
import tempfile
import time
from dataclasses import dataclass
from datetime import date, timedelta
from pathlib import Path
from statistics import median
from typing import TYPE_CHECKING, Final

from sqlalchemy import text

from benchmarks.ingest import _books, _charges, _park
from benchmarks.result import Result, absolute, compared
from benchmarks.servers import passing_server
from broker.stream import place
from central.figures.asking import Ask, By, Table, Where
from central.figures.folding import View
from central.figures.periods import Grain, Period, span
from central.figuring import Figuring
from central.fleet import Fleet
from central.store import facts, streams
from central.store.books import Books, sqlite_url
from central.store.figures_of import figures_of
from central.store.intake import Run, take_in
from demo.postgres import programs
from tests.integration.books_lab import MemoryEdge

if TYPE_CHECKING:
    from sqlalchemy import Connection

USERS: Final = 100_000
NODES: Final = 100
PRINTERS: Final = 2000
COHORTS: Final = 60
FIRST: Final = date(2025, 1, 1)
DAYS: Final = 730
ROUNDS: Final = 3
#: Days that are in no longer span yet.
OPEN: Final = 2
WHOLE: Final = Period(FIRST, FIRST + timedelta(days=DAYS - 1))
#: From the middle of a month to the middle of another: long spans and many single days.
ODD: Final = Period(date(2025, 2, 14), date(2026, 11, 17))
EVENTS: Final = 6000
A_TRANSACTION: Final = 50
#: What a page asks: name, question, and how long it may take in all.
PAGES: Final = (
    ("all, by site", Ask(WHOLE, By.SITE)),
    ("all, by person", Ask(WHOLE, By.USER)),
    ("all, by printer", Ask(WHOLE, By.PRINTER)),
    ("all, by group", Ask(WHOLE, By.GROUP)),
    ("all, by month", Ask(WHOLE, By.MONTH)),
    ("odd ends, by person", Ask(ODD, By.USER, compare=False)),
    ("odd ends, by printer", Ask(ODD, By.PRINTER, compare=False)),
    ("a group, by month", Ask(WHOLE, By.MONTH, Where(group="group 7"))),
    ("one person, by month", Ask(WHOLE, By.MONTH, Where(user="user4711"))),
    ("a year, by day", Ask(Period.year(FIRST), By.DAY, limit=366)),
)


def measure() -> list[Result]:
    """Measure all of it."""
    results = []
    with tempfile.TemporaryDirectory() as directory:
        results += _asked("SQLite", sqlite_url(Path(directory) / "books.db"))
    if programs() is not None:
        with passing_server() as url:
            results += _asked("PostgreSQL", url)
    with tempfile.TemporaryDirectory() as directory:
        results += _beside_ingest(Path(directory))
    return results


def _asked(database: str, url: str) -> list[Result]:
    books = Books.open(url)
    _fill(books)
    results = []
    for name, ask in PAGES:
        took = []
        for _ in range(ROUNDS):
            began = time.perf_counter()
            with books.read() as tx:
                table = figures_of(tx, ask)
            took.append(time.perf_counter() - began)
            if not isinstance(table, Table) or not table.lines:
                raise RuntimeError(f"{name}: {table}")
        results.append(
            absolute(
                f"figures on {database}: {name}",
                median(took),
                "s",
                samples=len(took),
                at_most=1.0,
            )
        )
    books.close()
    return results


# ── the totals ──────────────────────────────────────────────────────────────────────────────


@dataclass(frozen=True, slots=True)
class _Shape:
    """How many totals of a view the jobs leave in each span."""

    view: View
    most: int
    """Of one span, i being the number of each."""
    columns: str
    """Key, node, cohort, service."""
    percent: tuple[int, int]
    """How many of them have a job in one month, and on one day."""


#: A person prints about twice a month, at one site; a printer ten times a day with all services.
_SHAPES: Final = (
    _Shape(
        View.SITE,
        2 * NODES,
        f"'', 'site-' || (i % {NODES}), 0, CASE i / {NODES} WHEN 0 THEN 'print' ELSE 'copy' END",
        (100, 100),
    ),
    _Shape(
        View.PRINTER,
        2 * PRINTERS,
        f"'printer-' || (i / 2), 'site-' || (i / 2 % {NODES}), 0, "
        "CASE i % 2 WHEN 0 THEN 'print' ELSE 'copy' END",
        (95, 70),
    ),
    _Shape(
        View.COHORT,
        2 * COHORTS * NODES,
        f"'', 'site-' || (i % {NODES}), i / {NODES} % {COHORTS} + 1, "
        f"CASE i / {NODES * COHORTS} WHEN 0 THEN 'print' ELSE 'copy' END",
        (95, 50),
    ),
    _Shape(
        View.USER,
        USERS,
        f"'user' || i, 'site-' || (i % {NODES}), i % {COHORTS} + 1, ''",
        (88, 7),
    ),
)


def _fill(books: Books) -> None:
    """Write the totals that are read here: single days only where a question has odd ends."""
    days = [FIRST + timedelta(days=n) for n in range(DAYS)]
    ends = [day for day in days if day <= ODD.first.replace(day=28) or day >= days[-61]]
    with books.write() as tx:
        sql = tx.sql
        for shape in _SHAPES:
            alone = days if shape.view is View.SITE else ends
            for grain in (Grain.YEAR, Grain.QUARTER, Grain.MONTH, Grain.DAY):
                wanted = sorted(
                    {span(day, grain) for day in (alone if grain is Grain.DAY else days)}
                )
                month, day_ = shape.percent
                percent = {Grain.DAY: day_, Grain.MONTH: month}.get(grain, 100)
                _put(sql, shape, wanted, percent)
        for number in range(1, COHORTS + 1):
            values = {"id": number, "digest": str(number), "group": f"group {number % 12}"}
            sql.execute(text("INSERT INTO cohort VALUES (:id, :digest, '[]', '')"), values)
            member = 'INSERT INTO cohort_group ("group", cohort) VALUES (:group, :id)'
            sql.execute(text(member), values)
        facts.begin_anew(tx)
        sql.execute(text("UPDATE fact_mark SET doomed = (1 = 0)"))
        closed = [
            {"day": span(day, Grain.DAY), "closed": int(max(View)) if day < days[-OPEN] else 0}
            for day in days
        ]
        sql.execute(text("INSERT INTO fact_day VALUES (:day, :closed)"), closed)
    with books.write() as tx:
        tx.sql.execute(text("ANALYZE fact"))


def _put(sql: Connection, shape: _Shape, wanted: list[int], percent: int) -> None:
    sql.execute(text("CREATE TEMPORARY TABLE bench_span (span BIGINT)"))
    sql.execute(text("INSERT INTO bench_span VALUES (:span)"), [{"span": n} for n in wanted])
    sql.execute(
        text(
            "INSERT INTO fact WITH RECURSIVE number (i) AS (SELECT 0 UNION ALL "  # noqa: S608  our own numbers
            f"SELECT i + 1 FROM number WHERE i < {shape.most - 1}) "
            f"SELECT {int(shape.view)}, span, {shape.columns}, 'EUR', "
            "2, 7 + i % 5, 2, 5, 2, 900000 + i, 0, 0 FROM bench_span, number "
            f"WHERE (i * 7919 + span * 31) % 100 < {percent}"
        )
    )
    sql.execute(text("DROP TABLE bench_span"))


# ── ingest ──────────────────────────────────────────────────────────────────────────────────


def _beside_ingest(directory: Path) -> list[Result]:
    """Measure ingest with and without somebody who rolls up beside it, in turns."""
    books = _books(directory / "books.db")
    edge = MemoryEdge(books)
    edge.join()
    _park(books)
    edge.listen()
    fleet = Fleet(books)
    figuring = Figuring(fleet)
    _take(books, edge, fleet, figuring, 1000)
    alone, beside, rolled = [], [], []
    for _ in range(ROUNDS):
        alone.append(EVENTS / _take(books, edge, None, None, EVENTS))
        _take(books, edge, fleet, figuring, A_TRANSACTION)
        beside.append(EVENTS / _take(books, edge, fleet, figuring, EVENTS))
        with books.read() as tx:
            behind = facts.mark(tx).behind
        began = time.perf_counter()
        facts.catch_up(books, lambda *_: None)
        rolled.append(behind / (time.perf_counter() - began))
    books.close()
    return [
        compared(
            "ingest beside rolling up",
            median(beside),
            "events/s",
            baseline="the same without",
            baseline_value=median(alone),
            samples=ROUNDS,
            at_least=0.9,
        ),
        absolute("rolling up, nobody waiting", median(rolled), "charges/s", samples=ROUNDS),
    ]


def _take(
    books: Books, edge: MemoryEdge, fleet: Fleet | None, figuring: Figuring | None, count: int
) -> float:
    envelopes = edge.say(*_charges(edge, count))
    gc.collect()
    gc.freeze()
    with books.write() as tx:
        state = streams.open_stream(tx, edge.node, edge.incarnation, "up", "ledger")
    began = time.perf_counter()
    for first in range(0, len(envelopes), A_TRANSACTION):
        some = envelopes[first : first + A_TRANSACTION]
        (done,) = take_in(books, [Run(state, some)], frozenset({edge.node}))
        at = place(some[-1])
        state = streams.StreamState(state.id, state.key, at, at)
        if getattr(done, "quarantined", True):
            raise RuntimeError(f"the workload was refused: {done}")
        if figuring is not None and fleet is not None:
            fleet.tally.rounds += 1
            figuring.look(time.monotonic())
    return time.perf_counter() - began
