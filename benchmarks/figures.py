"""Questions about figures over the totals of five million jobs, and what rolling up costs ingest.

The totals are made as those jobs would leave them: 100,000 people at 100 sites with 2,000 printers,
over two years. On SQLite, and on PostgreSQL where it is installed.
"""

from __future__ import annotations

import gc
import tempfile
import time
from contextlib import contextmanager
from datetime import date, timedelta
from pathlib import Path
from statistics import median
from typing import TYPE_CHECKING, Final

from sqlalchemy import text

from benchmarks.ingest import _books, _charges, _park
from benchmarks.result import Result, absolute, compared
from broker.stream import place
from central.figures.asking import Ask, By, Table, Where
from central.figures.folding import MEASURES, View
from central.figures.periods import Grain, Period, span
from central.figuring import Figuring
from central.fleet import Fleet
from central.store import facts, streams
from central.store.books import Books, sqlite_url
from central.store.figures_of import figures_of
from central.store.intake import Run, take_in
from demo.postgres import PrivatePostgres, programs
from tests.integration.books_lab import MemoryEdge

if TYPE_CHECKING:
    from collections.abc import Iterator

    from sqlalchemy import Connection

JOBS: Final = 5_000_000
USERS: Final = 100_000
NODES: Final = 100
PRINTERS: Final = 20
COHORTS: Final = 60
FIRST: Final = date(2025, 1, 1)
DAYS: Final = 730
ROUNDS: Final = 5
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
        with _server() as url:
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


@contextmanager
def _server() -> Iterator[str]:
    with tempfile.TemporaryDirectory(prefix="pm-bench-") as directory:
        Path(directory).chmod(0o711)
        server = PrivatePostgres(Path(directory) / "server").start()
        try:
            yield server.url()
        finally:
            server.stop()


# ── the totals ──────────────────────────────────────────────────────────────────────────────

_SUMS: Final = ", ".join(f"sum({name})" for name in MEASURES)
#: The month, quarter and year of a day's span.
_LONGER: Final = (
    "span / 100 * 100",
    "span / 10000 * 10000 + 9000 + (span / 100 % 100 + 2) / 3 * 100",
    "span / 10000 * 10000",
)
_FIRST_OPEN: Final = span(FIRST + timedelta(days=DAYS - OPEN), Grain.DAY)
#: (view, columns: key, node, cohort, service).
_VIEWS: Final = (
    (View.SITE, "'', node, 0, service"),
    (View.PRINTER, "printer, node, 0, service"),
    (View.COHORT, "'', node, cohort, service"),
    (View.USER, "person, node, cohort, ''"),
)


def _fill(books: Books) -> None:
    """Write the totals that the jobs leave; without the jobs, which nobody asks here."""
    with books.write() as tx:
        sql = tx.sql
        _calendar(sql)
        sql.execute(text(_JOBS))
        for view, columns in _VIEWS:
            sql.execute(
                text(
                    f"INSERT INTO fact SELECT {int(view)}, day, {columns}, 'EUR', {_SUMS} "  # noqa: S608  our own names
                    "FROM bench_job GROUP BY 2, 3, 4, 5, 6"
                )
            )
            for longer in _LONGER:
                sql.execute(
                    text(
                        f"INSERT INTO fact SELECT view, {longer}, key, node, cohort, "  # noqa: S608  as above
                        f"service, unit, {_SUMS} FROM fact WHERE view = {int(view)} "
                        f"AND span % 100 <> 0 AND span < {_FIRST_OPEN} "
                        "GROUP BY 1, 2, 3, 4, 5, 6, 7"
                    )
                )
        for number in range(1, COHORTS + 1):
            values = {"id": number, "digest": str(number), "group": f"group {number % 12}"}
            sql.execute(text("INSERT INTO cohort VALUES (:id, :digest, '[]', '')"), values)
            sql.execute(
                text('INSERT INTO cohort_group ("group", cohort) VALUES (:group, :id)'), values
            )
        facts.begin_anew(tx)
        sql.execute(text("UPDATE fact_mark SET doomed = (1 = 0)"))
        sql.execute(
            text(
                "INSERT INTO fact_day "
                "SELECT day, CASE is_closed WHEN 1 THEN 5 ELSE 0 END FROM bench_day"
            )
        )
        sql.execute(text("DROP TABLE bench_job"))
        sql.execute(text("DROP TABLE bench_day"))
    with books.write() as tx:
        tx.sql.execute(text("ANALYZE fact"))


def _calendar(sql: Connection) -> None:
    sql.execute(text("CREATE TABLE bench_day (n BIGINT PRIMARY KEY, day BIGINT, is_closed BIGINT)"))
    rows = []
    for n in range(DAYS):
        day = span(FIRST + timedelta(days=n), Grain.DAY)
        rows.append({"n": n, "day": day, "closed": int(n < DAYS - OPEN)})
    sql.execute(text("INSERT INTO bench_day VALUES (:n, :day, :closed)"), rows)


#: Each job by arithmetic on its number, so that both databases have the same.
_JOBS: Final = f"""
CREATE TABLE bench_job AS
WITH RECURSIVE number (i) AS (SELECT 0 UNION ALL SELECT i + 1 FROM number WHERE i < {JOBS - 1}),
spread (i, a, b) AS (
  SELECT i, i * 2654435761 % 4294967296 / 1024, i * 2246822519 % 4294967296 / 1024 FROM number
)
SELECT
  day,
  'site-' || (a % {USERS} % {NODES}) AS node,
  'printer-' || (a % {USERS} % {NODES}) || '-' || (b % {PRINTERS}) AS printer,
  'user' || (a % {USERS}) AS person,
  a % {USERS} % {COHORTS} + 1 AS cohort,
  CASE WHEN b % 10 = 0 THEN 'copy' ELSE 'print' END AS service,
  1 AS jobs, b % 12 + 1 AS impressions, b % 3 AS color, b % 9 + 1 AS sheets,
  b % 3 AS two_sided, (b % 12 + 1) * 30000 AS charged, 0 AS refunded, 0 AS corrected
FROM spread JOIN bench_day ON n = b / 7 % {DAYS}
"""  # noqa: S608  our own numbers


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
