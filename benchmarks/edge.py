"""The whole edge as a process: how soon it answers, and what it weighs."""

from __future__ import annotations

import asyncio
import compileall
import os
import subprocess
import sys
import tempfile
import time
from datetime import UTC, datetime, timedelta
from pathlib import Path
from statistics import median
from typing import TYPE_CHECKING, Final

from benchmarks.books import CENTRE, NOW, down, mint, opened
from benchmarks.result import absolute
from benchmarks.store import BACKLOG, EVENT, MEBIBYTE
from broker.directory import AccountRow, CardRow, UserRow, card_digest
from broker.messages import DirectoryRows, Granted, Opening, StatusRequest
from config.settings import EdgeSettings, load
from demo.ports import answers, free_port
from edge.asking import OPERATOR_SECRET, Asker, NoAnswer
from edge.store import books as books_room
from edge.store import replica as replica_room
from edge.store.database import EdgeDatabase
from edge.store.replica import NeedSnapshot, Replica, rows_of

if TYPE_CHECKING:
    from pydantic import BaseModel

    from benchmarks.result import Result
    from broker.messages import Message
    from edge.store.books import Books

NODE: Final = "north"
STARTS: Final = 5
PATIENCE: Final = 60.0
#: users → seconds and MiB aimed at
SIZES: Final = {1000: (1.0, 80.0), 100_000: (3.0, 300.0)}
_ROWS_A_SLICE: Final = 1500
_GRANTS_A_BATCH: Final = 500
_EVENTS_A_RECORD: Final = 100
_PAUSE: Final = 0.005


def measure() -> list[Result]:
    """Measure edges without a centre and without a print system: what is theirs alone."""
    results: list[Result] = []
    # an installed program has its bytecode; here it may be missing for what was edited last
    for room in ("broker", "config", "edge"):
        compileall.compile_dir(Path(__file__).parents[1] / room, quiet=1)
    with tempfile.TemporaryDirectory(prefix="printmesh-bench-") as directory:
        for users, (seconds, weight) in SIZES.items():
            config = furnish(Path(directory) / str(users), users)
            started = [asyncio.run(start(config)) for _ in range(STARTS)]
            results += [
                absolute(
                    f"edge from spawn to its first answer, {users:,} users",
                    median(took for took, _ in started),
                    "s",
                    samples=STARTS,
                    at_most=seconds,
                ),
                absolute(
                    f"edge, resident memory with {users:,} users",
                    median(weighs for _, weighs in started),
                    "MiB",
                    samples=STARTS,
                    at_most=weight,
                ),
            ]
            if users == min(SIZES):
                light = median(weighs for _, weighs in started)
                add_backlog(config)
                behind = [asyncio.run(start(config)) for _ in range(STARTS)]
    return [
        *results,
        absolute(
            f"edge, memory added by a backlog of {BACKLOG:,} events",
            median(weighs for _, weighs in behind) - light,
            "MiB",
            samples=STARTS,
            at_most=50,
        ),
        absolute(
            f"edge from spawn to its first answer, a backlog of {BACKLOG:,} events",
            median(took for took, _ in behind),
            "s",
            samples=STARTS,
            at_most=1,
        ),
    ]


# ── what the edge finds ─────────────────────────────────────────────────────────────────────


def furnish(root: Path, users: int) -> Path:
    """Make an edge's data as it would be: directory and money; return its settings."""
    data = root / "data"
    journal = EdgeDatabase.at(data / "journal", indexes=books_room.INDEXES)
    fund(opened(journal, node=NODE), users)
    journal.close()
    directory = EdgeDatabase.at(data / "directory", indexes=replica_room.INDEXES, durable=False)
    copy_directory(Replica(directory), users)
    directory.close()
    return write_settings(root, data)


def fund(books: Books, users: int) -> None:
    """Give each user 5 euros at this site."""
    messages: list[Message] = [Opening()]
    for number in range(users):
        messages.append(
            Granted(
                grant=mint(NOW),
                account=f"user:user{number}",
                unit="EUR",
                micros=5_000_000,
                reason="parked",
            )
        )
        if len(messages) == _GRANTS_A_BATCH or number == users - 1:
            books.apply(down(books, messages), NOW)
            messages = []


def copy_directory(replica: Replica, users: int) -> None:
    """Take in a snapshot of users, each with an account and a card."""
    rows: list[tuple[str, str, int, BaseModel | None]] = []
    for number in range(users):
        user, n = f"user{number}", 3 * number
        card = card_digest(f"{number * 2654435761 % 2**32:08x}")
        row = UserRow(name=user, display=f"Person Number {number}", accounts=(f"user:{user}",))
        rows += [
            ("user", user, n + 1, row),
            ("account", f"user:{user}", n + 2, AccountRow(account=f"user:{user}", unit="EUR")),
            ("card", card, n + 3, CardRow(user=user)),
        ]
    snapshot = mint(NOW)
    for part, first in enumerate(range(0, len(rows), _ROWS_A_SLICE)):
        message = DirectoryRows(
            epoch=0,
            kind="snapshot",
            upto=len(rows),
            snapshot=snapshot,
            part=part,
            last=first + _ROWS_A_SLICE >= len(rows),
            rows=rows_of(rows[first : first + _ROWS_A_SLICE]),
        )
        outcome = replica.apply(message)
        if isinstance(outcome, NeedSnapshot):
            raise RuntimeError(outcome.reason)  # noqa: TRY004  a value, not a wrong type


def write_settings(root: Path, data: Path) -> Path:
    """Write settings of an edge whose centre and print system are not there."""
    secret = root / "edge.secret"
    secret.write_text("nobody asks for it")
    secret.chmod(0o600)
    config = root / "edge.toml"
    config.write_text(
        f'node = "{NODE}"\nsite = "North"\ndata = "{data}"\n'
        f'[coordinator]\nnode = "central"\nincarnation = "{CENTRE}"\n'
        f'[link]\nport = {free_port()}\nsecret_file = "{secret}"\n'
        f"[site_broker]\nport = {free_port()}\n"
        f'[cups]\nserver = "{root / "nothing.sock"}"\n'
        '[[queues]]\nname = "print2me"\nkind = "pull"\n'
    )
    config.chmod(0o600)
    return config


def add_backlog(config: Path) -> None:
    """Append what a site has to say after a fortnight alone."""
    data = load(EdgeSettings, config).data
    database = EdgeDatabase.at(data / "journal", indexes=books_room.INDEXES)
    for _ in range(BACKLOG // _EVENTS_A_RECORD):
        with database.transaction() as transaction:
            for _ in range(_EVENTS_A_RECORD):
                transaction.append("ledger", EVENT[:300])
    database.checkpoint()
    database.close()


# ── the process ─────────────────────────────────────────────────────────────────────────────


async def start(config: Path) -> tuple[float, float]:
    """Run the edge until it has answered; return seconds from its spawn, and MiB."""
    settings = load(EdgeSettings, config)
    secret = settings.data / OPERATOR_SECRET
    secret.unlink(missing_ok=True)
    began = time.perf_counter()
    with (config.parent / "edge.log").open("w") as log:
        process = subprocess.Popen(  # noqa: ASYNC220  starts at once
            [sys.executable, "-m", "printmesh", "edge", "run", "--config", str(config)],
            stdin=subprocess.DEVNULL,
            stdout=log,
            stderr=log,
        )
    try:
        await first_answer(process, settings, secret)
        return time.perf_counter() - began, resident(process.pid)
    finally:
        process.terminate()
        process.wait(PATIENCE)


async def first_answer(
    process: subprocess.Popen[bytes], settings: EdgeSettings, secret: Path
) -> None:
    """Ask the edge how it is, again and again until it answers."""
    deadline = time.monotonic() + PATIENCE
    while not (os.path.exists(secret) and answers(settings.site_broker.port)):  # noqa: ASYNC240, PTH110  at once
        if process.poll() is not None or time.monotonic() > deadline:
            raise RuntimeError("the edge did not start; see edge.log")
        await asyncio.sleep(_PAUSE)
    asker = Asker(settings)
    await asker.open()
    try:
        patience = 0.2
        while True:
            patience *= 2  # an early question may find nobody who listens
            now = datetime.now(UTC)
            question = StatusRequest(corr=mint(now), expires_at=now + timedelta(seconds=5))
            try:
                reply = await asker.ask("status", question, seconds=patience)
            except NoAnswer:
                if time.monotonic() > deadline:
                    raise
                continue
            if reply.status != "ok":
                raise RuntimeError(f"the edge answered {reply.problem}")
            return
    finally:
        await asker.close()


def resident(pid: int) -> float:
    """Return a process's resident memory in MiB."""
    pages = int(Path(f"/proc/{pid}/statm").read_text().split()[1])
    return pages * os.sysconf("SC_PAGE_SIZE") / MEBIBYTE
