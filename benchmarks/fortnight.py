"""The 14-day cut: a site of 600 devices comes back with 640,000 events; `make fortnight`.

Its line was down for two weeks, its printers went on. Now the line is back: how long the merge
takes, whether anything is lost or doubled, what it weighs, and what people at another site feel.
"""

from __future__ import annotations

import argparse
import asyncio
import json
import shutil
import sqlite3
import tempfile
import time
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import TYPE_CHECKING, Final

from rich.console import Console

from benchmarks.__main__ import shown
from benchmarks.books import held, mint, released, settled
from benchmarks.computers import set_apart
from benchmarks.edge import resident
from benchmarks.reconnect import EVENTS_A_JOB, p99, print_all, release
from benchmarks.result import absolute, compared
from config.settings import EdgeSettings, load
from demo import documents
from demo.lab import Lab, Person, Plan
from edge.store.books import INDEXES, Books
from edge.store.database import EdgeDatabase

if TYPE_CHECKING:
    from benchmarks.result import Result
    from demo.site import Site

EVENTS: Final = 640_000
DEVICES: Final = 600
DAYS: Final = 14
AWAY: Final = "north"
LIVE: Final = "south"
DEVICE: Final = f"{LIVE}-1"
#: Releases that are timed before and during the merge; the next job waits so long.
RELEASES: Final = 100
PAUSE: Final = 1.0
PATIENCE: Final = 1200.0
ANA: Final = Person("ana", "04A1B2", "500.00")
#: They print at the site that is cut, from what was parked there before.
CREW: Final = tuple(Person(f"crew{n}", f"04C{n:03X}", "2000.00") for n in range(40))
_SEE: Final = 0.25


@dataclass(slots=True)
class Weight:
    """The most that processes were seen to weigh."""

    most: dict[str, float] = field(default_factory=dict)
    """Resident MiB by name."""

    async def watch(self, pids: dict[str, int]) -> None:
        """Look at them until cancelled."""
        while True:
            for name, pid in pids.items():
                self.most[name] = max(self.most.get(name, 0.0), resident(pid))
            await asyncio.sleep(_SEE)


async def measure_merge(events: int, console: Console) -> list[Result]:
    """Cut, print for two weeks, restore, and look at all of it."""
    plan = Plan(sites=(AWAY, LIVE), printers=1, people=(ANA, *CREW), direct_queues=False)
    async with Lab(plan) as lab:
        away, live = lab.sites[AWAY], lab.sites[LIVE]
        waiting = await print_all(live, documents.pdf(lab.root / "page.pdf", 1))
        console.print(set_apart(live.root))
        idle = [await paced(live, job) for job in waiting[:RELEASES]]
        away.line.cut()
        await asyncio.to_thread(away.edge.stop)
        console.print(f"printing {events:,} events at {DEVICES} devices while the line is down …")
        began = time.perf_counter()
        charges = await asyncio.to_thread(two_weeks, load(EdgeSettings, away.config), events)
        console.print(f"printed in {time.perf_counter() - began:.0f} s; the line is restored")
        away.start_edge()
        await away.until_ready()
        set_apart(live.root)  # who was started since
        behind = (await away.status())["waiting"]
        pids = {"edge": away.edge.pid, "centre": lab.program("central").pid}
        before = {name: resident(pid) for name, pid in pids.items()}
        weight = Weight()
        watching = asyncio.create_task(weight.watch(pids))
        merging = asyncio.create_task(merged(away, behind, console))
        away.line.restore()
        busy = await paced_while(live, waiting[RELEASES:], merging)
        seconds = await merging
        watching.cancel()
        booked = lines_of(lab.root, charges)
        await lab.central("verify", "--edges")
    lost, doubled = len(charges - booked.keys()), sum(n > 1 for n in booked.values())
    return [
        absolute(f"merge of {behind:,} events", seconds, "s", samples=behind),
        absolute("rate of the merge", behind / seconds, "events/s", samples=behind),
        absolute("charges lost", lost, "", samples=len(charges), at_most=0),
        absolute("charges doubled", doubled, "", samples=len(charges), at_most=0),
        compared(
            "release at another site during the merge, p99",
            p99(busy),
            "ms",
            baseline="the same before it, p99",
            baseline_value=p99(idle),
            samples=len(busy),
            at_most=2,
        ),
        *(
            absolute(
                f"memory that the merge adds to the {name}, at most",
                weight.most[name] - before[name],
                "MiB",
                samples=1,
                at_most=100,
            )
            for name in pids
        ),
    ]


async def paced(site: Site, job: str) -> float:
    """Release a job, and let the moment pass that its printer works."""
    took = await release(site, job, DEVICE)
    await asyncio.sleep(PAUSE)
    return took


async def paced_while(site: Site, jobs: list[str], merging: asyncio.Task[float]) -> list[float]:
    """Release a job a second while the merge lasts."""
    took: list[float] = []
    for job in jobs:
        if merging.done():
            break
        took.append(await release(site, job, DEVICE))
        await asyncio.wait([merging], timeout=PAUSE)
    return took


async def merged(site: Site, behind: int, console: Console) -> float:
    """Return how long the merge takes, from the line's return to the last committed event."""
    began, said = time.perf_counter(), 0.0
    while (left := (await site.status())["waiting"]) > 0:
        took = time.perf_counter() - began
        if took > PATIENCE:
            raise TimeoutError(f"{left} of {behind} events still wait")
        if took - said > 10:
            said = took
            console.print(f"{took:4.0f} s: {behind - left:,} of {behind:,} events are in the books")
        await asyncio.sleep(_SEE)
    return time.perf_counter() - began


def two_weeks(settings: EdgeSettings, events: int) -> set[str]:
    """Let a stopped edge have printed for two weeks: its own books; return the charges' ids."""
    journal, charges = settings.data / "journal", set()
    memory = Path("/dev/shm")  # noqa: S108  a directory of our own is made in it
    with tempfile.TemporaryDirectory(dir=memory if memory.is_dir() else None) as directory:
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
        jobs = events // EVENTS_A_JOB
        first = datetime.now(UTC) - timedelta(days=DAYS)
        for number in range(jobs):
            now = first + timedelta(days=DAYS) * number / jobs
            charges.add(print_one(books, number, now))
        database.close()
        shutil.rmtree(journal)
        shutil.copytree(copy, journal)
    return charges


def print_one(books: Books, number: int, now: datetime) -> str:
    """Hold, release and settle one job; return its charge's id."""
    record, event = held(number, CREW[number % len(CREW)].user)
    books.hold(record, event.model_copy(update={"received_at": now}), now)
    after, intent = released(record, f"device-{number % DEVICES}")
    books.release(after, intent, now)
    ended, outcome, charged = settled(after)
    charged = charged.model_copy(update={"settled_at": now, "alone": True})
    books.settle(ended, after.hold.amounts if after.hold else (), outcome, charged, now)
    return str(charged.charge)


def lines_of(root: Path, charges: set[str]) -> dict[str, int]:
    """Return how often each of these charges stands in the centre's ledger."""
    found: dict[str, int] = {}
    path = next(root.rglob("books.db"))
    with sqlite3.connect(f"file:{path}?mode=ro", uri=True) as sql:
        for (charge,) in sql.execute("SELECT id FROM entry WHERE kind = 'charge'"):
            if charge in charges:
                found[charge] = found.get(charge, 0) + 1
    return found


def main() -> int:
    """Run it; exit status 1 when something was lost or doubled, or the others felt it."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.fortnight", description=__doc__)
    parser.add_argument("--events", type=int, default=EVENTS, help=f"default {EVENTS}")
    parser.add_argument("--json", type=Path, help="write the figures there")
    asked = parser.parse_args()
    console = Console(width=max(Console().width, 150))
    results = asyncio.run(measure_merge(asked.events, console))
    console.print(shown(results))
    if asked.json:
        lines = [result.as_json() for result in results]
        asked.json.write_text(json.dumps(lines, indent=1, ensure_ascii=False) + "\n")
    return 0 if all(result.holds is not False for result in results) else 1


if __name__ == "__main__":
    raise SystemExit(main())
