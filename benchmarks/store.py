"""The edge's store: durable transactions, start-up and memory, beside the bare disk and TinyDB."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import tempfile
import time
from datetime import timedelta
from functools import partial
from pathlib import Path
from statistics import median, quantiles
from typing import TYPE_CHECKING
from uuid import UUID

from tinydb import TinyDB, where
from tinydb.storages import JSONStorage

from benchmarks.result import absolute, compared
from broker.stream import StreamKey
from edge.store.database import EdgeDatabase
from edge.store.disk import DirectoryDisk

if TYPE_CHECKING:
    from collections.abc import Callable

    from benchmarks.result import Result

KEY = StreamKey("edge-a", UUID(int=1), "central", UUID(int=2), "ledger")
INDEXES = {
    "users": ("name",),
    "cards": ("card",),
    "accounts": ("key",),
    "jobs": ("job", "phase"),
}
#: About what a charge weighs as CloudEvents JSON.
EVENT = json.dumps({"type": "printmesh.charged.v1", "data": {"padding": "x" * 420}})
DEBITS = 400
BACKLOG = 640_000
MEBIBYTE = 1024 * 1024


def measure() -> list[Result]:
    """Measure the store in a directory of its own, on the disk of the temporary directory."""
    with tempfile.TemporaryDirectory(prefix="printmesh-bench-") as directory:
        place = Path(directory)
        return [
            *debits(place),
            beside_json_storage(place),
            *starts(place),
            *backlog(place),
        ]


def filled(path: Path, users: int) -> EdgeDatabase:
    """Return a store with so many users, each with a card and an allocation."""
    database = EdgeDatabase.at(path, indexes=INDEXES)
    database.open_stream("ledger", KEY)
    for first in range(0, users, 5000):
        numbers = range(first, min(first + 5000, users))
        with database.transaction():
            database.table("users").insert_multiple(
                {"name": f"user{n}", "full_name": f"Person Number {n}", "department": n % 97}
                for n in numbers
            )
            database.table("cards").insert_multiple(
                {"card": f"{n * 2654435761 % 2**32:08x}", "user": f"user{n}"} for n in numbers
            )
            database.table("accounts").insert_multiple(
                {"key": f"user:user{n}", "unit": "EUR", "balance": 5_000_000, "held": 0}
                for n in numbers
            )
    database.checkpoint()
    return database


def debit(database: EdgeDatabase, number: int, users: int) -> None:
    """Charge an account, change its job, append the event: one record."""
    accounts, jobs = database.table("accounts"), database.table("jobs")
    with database.transaction() as transaction:
        account = accounts.find("key", f"user:user{number * 7919 % users}")
        if account is None:
            raise LookupError(number)
        accounts.amend(account, {"balance": account["balance"] - 10})
        job = jobs.find("job", f"job-{number % 50}")
        if job is None:
            jobs.insert({"job": f"job-{number % 50}", "phase": "held", "charged": 0})
        else:
            jobs.amend(job, {"phase": "settled", "charged": number})
        transaction.append("ledger", EVENT)


def timed(work: Callable[[], object]) -> float:
    """Return how many microseconds it took."""
    began = time.perf_counter()
    work()
    return (time.perf_counter() - began) * 1e6


def debits(place: Path) -> list[Result]:
    """Interleave debits at three sizes with a bare append of as many bytes."""
    sizes = (100, 10_000, 100_000)
    stores = {users: filled(place / f"debit-{users}", users) for users in sizes}
    for database in stores.values():
        for number in range(60):
            debit(database, number, 100)
    before = tail_bytes(place / "debit-10000")
    for number in range(50):
        debit(stores[10_000], number, 10_000)
    record = os.urandom((tail_bytes(place / "debit-10000") - before) // 50)
    took: dict[int, list[float]] = {users: [] for users in sizes}
    bare: list[float] = []
    descriptor = os.open(place / "bare", os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o600)
    try:
        for number in range(DEBITS):
            for users, database in stores.items():
                took[users].append(timed(partial(debit, database, number, users)))
            bare.append(timed(partial(append, descriptor, record)))
    finally:
        os.close(descriptor)
    for database in stores.values():
        database.close()
    middle = {users: median(values) for users, values in took.items()}
    return [
        compared(
            "durable debit + job + event, 10,000 users, p50",
            middle[10_000],
            "µs",
            baseline=f"bare append + fdatasync of {len(record)} bytes, p50",
            baseline_value=median(bare),
            samples=DEBITS,
            at_most=1.5,
        ),
        compared(
            "durable debit + job + event, 100,000 users, p50",
            middle[100_000],
            "µs",
            baseline="the same at 100 users",
            baseline_value=middle[100],
            samples=DEBITS,
            at_most=1.3,
        ),
    ]


def append(descriptor: int, record: bytes) -> None:
    """Do what any durable record costs at least."""
    os.write(descriptor, record)
    os.fdatasync(descriptor)


def tail_bytes(path: Path) -> int:
    """Return how many bytes of records all segments hold."""
    disk = DirectoryDisk(path)
    return sum(disk.size(file.name) for file in path.glob("journal-*.log"))


def beside_json_storage(place: Path) -> Result:
    """One update at 10,000 documents, beside TinyDB as it comes."""
    documents = [{"key": f"user:user{n}", "balance": 5_000_000} for n in range(10_000)]
    plain = TinyDB(place / "plain.json", storage=JSONStorage)
    plain.insert_multiple(documents)
    database = EdgeDatabase.at(place / "journalled", indexes=INDEXES)
    database.table("accounts").insert_multiple(documents)
    ours, theirs = [], []
    for number in range(12):
        wanted = where("key") == f"user:user{number * 800}"
        fields = {"balance": number}
        theirs.append(timed(partial(plain.update, fields, wanted)))
        ours.append(timed(partial(database.table("accounts").update, fields, wanted)))
    plain.close()
    database.close()
    return compared(
        "durable update of one of 10,000 documents, p50",
        median(ours),
        "µs",
        baseline="TinyDB JSONStorage, p50",
        baseline_value=median(theirs),
        samples=len(ours),
        at_most=0.1,
    )


#: Opens a store and says how long that took and what the process weighs.
OPENER = """
import json, sys, time
from pathlib import Path
from benchmarks.store import INDEXES, resident
from edge.store.database import EdgeDatabase
light = resident()
began = time.perf_counter()
database = EdgeDatabase.at(Path(sys.argv[1]), indexes=INDEXES)
took = time.perf_counter() - began
print(json.dumps([took, light, resident(), database.recovered.replayed]))
"""


def resident() -> float:
    """Return this process's resident memory in MiB."""
    pages = int(Path("/proc/self/statm").read_text().split()[1])
    return pages * os.sysconf("SC_PAGE_SIZE") / MEBIBYTE


def opened_elsewhere(path: Path) -> list[float]:
    """Open a store in a fresh process and return what it says."""
    return said_by(OPENER, path)


def said_by(program: str, path: Path) -> list[float]:
    """Run a program in a fresh process and return the figures it prints."""
    done = subprocess.run(
        [sys.executable, "-c", program, str(path)], check=True, capture_output=True, text=True
    )
    said: list[float] = json.loads(done.stdout)
    return said


def starts(place: Path) -> list[Result]:
    """Open in fresh processes, with as much log to replay as there can be before a checkpoint."""
    results = []
    for users, seconds, weight in ((1000, 1.0, 80.0), (100_000, 3.0, 300.0)):
        path = place / f"start-{users}"
        database = filled(path, users)
        fill_log(database, users)
        if users == 100_000:
            results.append(slices(database))
            fill_log(database, users)
        database.close()
        said = [opened_elsewhere(path) for _ in range(5)]
        results += [
            absolute(
                f"store start-up, {users:,} users, cards, accounts and 16 MiB of log",
                median(one[0] for one in said),
                "s",
                samples=len(said),
                at_most=seconds,
            ),
            absolute(
                f"resident memory with {users:,} users, cards and accounts, indexed",
                median(one[2] for one in said),
                "MiB",
                samples=len(said),
                at_most=weight,
            ),
        ]
    return results


def fill_log(database: EdgeDatabase, users: int) -> None:
    """Charge accounts until a checkpoint is due."""
    accounts = database.table("accounts")
    number = 0
    while not database.checkpoint_due:
        with database.transaction() as transaction:
            for number in range(number, number + 50):  # noqa: B020 - goes on counting
                accounts.update({"held": number}, doc_ids=[number % users + 1])
                transaction.append("ledger", EVENT)


def slices(database: EdgeDatabase) -> Result:
    """Checkpoint 300,000 rows in slices of 5 ms and return the 99th percentile of their length."""
    took: list[float] = []
    done = False
    while not done:
        began = time.perf_counter()
        done = database.checkpoint_step(timedelta(milliseconds=5))
        took.append((time.perf_counter() - began) * 1e3)
        time.sleep(0.0005)
    return absolute(
        "checkpoint of 300,000 rows, slice of 5 ms, p99",
        quantiles(took, n=100)[98],
        "ms",
        samples=len(took),
        at_most=5.0,  # PROTOCOL 5: slices of at most 5 ms
    )


#: Appends the backlog and says what it added, how fast it was written and read back.
APPENDER = """
import json, sys
from pathlib import Path
from benchmarks.store import appended
print(json.dumps(appended(Path(sys.argv[1]))))
"""


def appended(path: Path) -> list[float]:
    """Append the backlog; return MiB added, events a second written, and read."""
    database = EdgeDatabase.at(path, indexes=INDEXES)
    database.open_stream("ledger", KEY)
    light = resident()
    began = time.perf_counter()
    for _ in range(BACKLOG // 100):
        with database.transaction() as transaction:
            for _ in range(100):
                transaction.append("ledger", EVENT[:300])
    wrote = time.perf_counter() - began
    grown = resident() - light
    began = time.perf_counter()
    count = sum(1 for _ in database.events("ledger", 1, 100_000))
    read = time.perf_counter() - began
    database.checkpoint()
    database.close()
    return [grown, BACKLOG / wrote, count / read]


def backlog(place: Path) -> list[Result]:
    """Weigh 640,000 events: what a site has to say after a fortnight without its link."""
    path = place / "backlog"
    EdgeDatabase.at(path, indexes=INDEXES).close()
    empty = opened_elsewhere(path)
    grown, wrote, read = said_by(APPENDER, path)
    full = opened_elsewhere(path)
    return [
        absolute("memory added by appending 640,000 events", grown, "MiB", at_most=50),
        absolute(
            "memory added by 640,000 events after a start", full[2] - empty[2], "MiB", at_most=50
        ),
        absolute("start-up with 640,000 events", full[0], "s", at_most=1),
        absolute("events appended, 100 a transaction", wrote, "1/s", samples=BACKLOG // 100),
        absolute("events read back from disk in order", read, "1/s", samples=100_000),
    ]
