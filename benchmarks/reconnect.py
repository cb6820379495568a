"""A site comes back: a backlog of 100,000 events is merged while people go on releasing jobs."""

from __future__ import annotations

import asyncio
import shutil
import tempfile
import time
from datetime import UTC, datetime
from pathlib import Path
from statistics import median, quantiles
from typing import TYPE_CHECKING, Any, Final

from benchmarks.books import held, mint, released, settled
from benchmarks.result import absolute, compared
from config.settings import EdgeSettings, load
from demo import documents
from demo.lab import Lab, Person, Plan
from edge.store.books import INDEXES, Books
from edge.store.database import EdgeDatabase

if TYPE_CHECKING:
    from benchmarks.result import Result
    from demo.site import Site

EVENTS: Final = 100_000
#: A job says that it was held, released, settled and charged.
EVENTS_A_JOB: Final = 4
LIVE: Final = 100
SITE: Final = "north"
DEVICE: Final = f"{SITE}-1"
ANA: Final = Person("ana", "04A1B2", "500.00")
#: Printed the backlog.
BEN: Final = Person("ben", "04B3C4", "9000.00")
PATIENCE: Final = 300.0
#: Files that cost nothing to sync, where the backlog is made.
_MEMORY: Final = Path("/dev/shm")  # noqa: S108  a directory of our own is made in it


def measure() -> list[Result]:
    """Measure in a lab of one site."""
    return asyncio.run(_measure())


async def _measure() -> list[Result]:
    plan = Plan(sites=(SITE,), printers=1, people=(ANA, BEN), direct_queues=False)
    async with Lab(plan) as lab:
        site = lab.sites[SITE]
        jobs = await print_all(site, documents.pdf(lab.root / "page.pdf", 1))
        idle = [await release(site, job) for job in jobs[:LIVE]]
        site.line.cut()
        await asyncio.to_thread(site.edge.stop)
        await asyncio.to_thread(fall_behind, load(EdgeSettings, site.config))
        site.start_edge()
        await site.until_ready()
        behind = (await site.status())["waiting"]
        drain = asyncio.create_task(drained(site, behind))
        site.line.restore()
        busy = await release_while(site, jobs[LIVE:], drain)
        seconds = await drain
    return [
        absolute(
            f"reconnect: a backlog of {behind:,} events merged",
            behind / seconds,
            "events/s",
            samples=behind,
        ),
        compared(
            "release answered while the backlog is merged, p99",
            p99(busy),
            "ms",
            baseline="the same with an idle link, p99",
            baseline_value=p99(idle),
            samples=len(busy),
            at_most=2,
        ),
        compared(
            "release answered while the backlog is merged, p50",
            median(busy),
            "ms",
            baseline="the same with an idle link, p50",
            baseline_value=median(idle),
            samples=len(busy),
        ),
    ]


def p99(values: list[float]) -> float:
    """Return the 99th percentile."""
    return quantiles(values, n=100, method="inclusive")[98]


async def print_all(site: Site, document: Path) -> list[str]:
    """Print what is released live, and wait until all of it is held."""
    for number in range(2 * LIVE):
        await site.print(document, user=ANA.user, title=f"live {number}")
    deadline = time.monotonic() + PATIENCE
    rows: list[dict[str, Any]] = []
    while len(rows) < 2 * LIVE:
        if time.monotonic() > deadline:
            raise TimeoutError(f"{len(rows)} of {2 * LIVE} jobs are held")
        await asyncio.sleep(0.5)
        rows = [row for row in await site.jobs(held_only=True) if row["phase"] == "held"]
    return [row["job"] for row in rows]


async def release(site: Site, job: str, device: str = DEVICE) -> float:
    """Release a job; return after how many milliseconds that was answered."""
    began = time.perf_counter()
    reply = await site.release(job, device, card=ANA.card)
    if reply.status != "ok":
        raise RuntimeError(f"the release was refused: {reply.problem}")
    return (time.perf_counter() - began) * 1e3


async def release_while(site: Site, jobs: list[str], drain: asyncio.Task[float]) -> list[float]:
    """Release jobs one after another, as long as the drain lasts."""
    await site.until_linked()
    took: list[float] = []
    for job in jobs:
        if drain.done():
            break
        took.append(await release(site, job))
    return took


async def drained(site: Site, behind: int) -> float:
    """Return how long the merge takes, from the first committed event to the last."""
    began: float | None = None
    deadline = time.monotonic() + PATIENCE
    while (waiting := (await site.status())["waiting"]) > 0:
        if began is None and waiting < behind:
            began = time.perf_counter()
        if time.monotonic() > deadline:
            raise TimeoutError(f"{waiting} of {behind} events still wait")
        await asyncio.sleep(0.05)
    if began is None:
        raise RuntimeError("the backlog was gone before anybody looked")
    return time.perf_counter() - began


def fall_behind(settings: EdgeSettings) -> None:
    """Let a stopped edge have printed for a long time: its own books, its own journal."""
    journal = settings.data / "journal"
    with tempfile.TemporaryDirectory(dir=_MEMORY if _MEMORY.is_dir() else None) as directory:
        copy = Path(directory) / "journal"
        shutil.copytree(journal, copy)
        database = EdgeDatabase.at(copy, indexes=INDEXES)
        books = Books(
            database,
            node=settings.node,
            coordinator=settings.coordinator.node,
            coordinator_incarnation=settings.coordinator.incarnation,
            mint=mint,
        )
        for number in range(EVENTS // EVENTS_A_JOB):
            print_one(books, number)
        database.close()
        shutil.rmtree(journal)
        shutil.copytree(copy, journal)


def print_one(books: Books, number: int) -> None:
    """Hold, release and settle one job of Ben's."""
    now = datetime.now(UTC)
    record, event = held(number, BEN.user)
    books.hold(record, event, now)
    after, intent = released(record, DEVICE)
    books.release(after, intent, now)
    ended, outcome, charged = settled(after)
    books.settle(ended, after.hold.amounts if after.hold else (), outcome, charged, now)
