"""Events per second into the books: durable, posted by double entry, acknowledged.

Directly, and from an edge through each broker to the coordinator's process; beside bare sqlite3
inserting the same rows in transactions of the same size.
"""

from __future__ import annotations

import asyncio
import gc
import os
import shutil
import signal
import sqlite3
import subprocess
import sys
import tempfile
import time
from contextlib import contextmanager
from pathlib import Path
from statistics import median
from typing import TYPE_CHECKING, Final

from pydantic import SecretStr

from benchmarks.result import Result, absolute, compared
from broker.credentials import CredentialFile
from broker.stream import place
from broker.stream_outbound import Pace
from broker.topics import Party
from central.store import accounts, funds, nodes, streams
from central.store.books import Books, sqlite_url
from central.store.intake import Run, take_in
from config.policy.money import Money
from config.settings import LinkSettings
from demo.ports import answers, free_port
from tests.integration.books_lab import CODE, MemoryEdge
from tests.integration.wire_edge import WireEdge

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from broker.messages import Charged, Envelope

PEOPLE: Final = 200
ROUNDS: Final = 5
#: events in one transaction → events in one round. 400: eight messages of 50, as many as the
#: coordinator takes in one transaction when they wait (`central.mailboxes.BYTES_A_ROUND`).
SIZES: Final = {1: 200, 50: 3000, 400: 6000}
_A_ROUND: Final = 400
#: events in one message → events sent over the wire in one round
OVER_THE_WIRE: Final = {1: 500, 50: 5000}
WIRE_ROUNDS: Final = 3
PATIENCE: Final = 90.0
#: What one event leaves behind: everything but the bookkeeping of the stream.
TABLES: Final = ("event", "entry", "posting", "charge")


def measure() -> list[Result]:
    """Measure all of it."""
    results = []
    with tempfile.TemporaryDirectory() as directory:
        for size, count in SIZES.items():
            ours, theirs = _directly(Path(directory), size, count)
            results.append(
                compared(
                    f"ingest, {size} a transaction",
                    median(ours),
                    "events/s",
                    baseline="bare sqlite3, same rows",
                    baseline_value=median(theirs),
                    samples=len(ours),
                    at_least=0.25,
                )
            )
            if size == _A_ROUND:
                name = f"ingest, {size} a transaction, absolute"
                results.append(
                    absolute(name, median(ours), "events/s", samples=len(ours), at_least=10_000)
                )
    for broker in ("amqtt", "mosquitto"):
        if broker == "mosquitto" and _mosquitto() is None:
            continue
        for size, count in OVER_THE_WIRE.items():
            with tempfile.TemporaryDirectory() as directory:
                wired, beside = asyncio.run(_over_the_wire(Path(directory), broker, size, count))
            results.append(
                compared(
                    f"ingest through {broker}, {size} a message",
                    median(wired),
                    "events/s",
                    baseline="bare sqlite3, same rows",
                    baseline_value=median(beside),
                    samples=len(wired),
                    at_least=0.25 if size > 1 else None,
                )
            )
    return results


# ── directly ────────────────────────────────────────────────────────────────────────────────


def _directly(directory: Path, size: int, count: int) -> tuple[list[float], list[float]]:
    """Return rates of ours and of the bare database, taken in turns."""
    path = directory / f"books-{size}.db"
    books = _books(path)
    edge = MemoryEdge(books)
    edge.join()
    _park(books)
    edge.listen()
    ours, theirs = [], []
    bare = _Bare(directory / f"bare-{size}.db", path)
    envelopes = edge.say()
    _take(books, edge, envelopes, 1)
    for _ in range(ROUNDS):
        envelopes = edge.say(*_charges(edge, count))
        # the journal of the edge is no burden of the centre, whose process freezes what stands
        gc.collect()
        gc.freeze()
        ours.append(count / _take(books, edge, envelopes, size))
        theirs.append(count / bare.copy(size, count))
    books.close()
    bare.close()
    return ours, theirs


def _charges(edge: MemoryEdge, count: int) -> list[Charged]:
    return [edge.charge(1000, f"user:u{number % PEOPLE}") for number in range(count)]


def _take(books: Books, edge: MemoryEdge, envelopes: Sequence[Envelope], size: int) -> float:
    with books.write() as tx:
        state = streams.open_stream(tx, edge.node, edge.incarnation, "up", "ledger")
    began = time.perf_counter()
    for first in range(0, len(envelopes), size):
        some = envelopes[first : first + size]
        (done,) = take_in(books, [Run(state, some)], frozenset({edge.node}))
        at = place(some[-1])
        state = streams.StreamState(state.id, state.key, at, at)
        if getattr(done, "quarantined", True):
            raise RuntimeError(f"the workload was refused: {done}")
    return time.perf_counter() - began


class _Bare:
    """The same rows into the same tables by plain sqlite3."""

    def __init__(self, path: Path, ours: Path) -> None:
        self._ours = sqlite3.connect(ours)
        self._sql = sqlite3.connect(path, isolation_level=None)
        for pragma in ("journal_mode = WAL", "synchronous = FULL", "cache_size = -16000"):
            self._sql.execute(f"PRAGMA {pragma}")
        marks = ", ".join("?" * len((*TABLES, "location")))
        made = self._ours.execute(
            f"SELECT sql FROM sqlite_master WHERE tbl_name IN ({marks}) AND sql IS NOT NULL "  # noqa: S608  question marks
            "ORDER BY type DESC",
            (*TABLES, "location"),
        )
        for (text,) in made.fetchall():
            self._sql.execute(text)
        rows = self._ours.execute("SELECT * FROM location").fetchall()
        self._sql.executemany("INSERT INTO location VALUES (?, ?, ?, ?, ?, ?)", rows)

    def copy(self, size: int, count: int) -> float:
        """Insert the newest `count` events' rows, `size` events a transaction; return seconds."""
        rows = {table: self._newest(table, count) for table in TABLES}
        inserts = {
            table: f"INSERT INTO {table} VALUES ({', '.join('?' * len(some[0]))})"  # noqa: S608  our own names
            for table, some in rows.items()
        }
        began = time.perf_counter()
        for first in range(0, count, size):
            self._sql.execute("BEGIN IMMEDIATE")
            moved = []
            for table, some in rows.items():
                each = len(some) // count
                part = some[first * each : (first + size) * each]
                self._sql.executemany(inserts[table], part)
                if table == "posting":
                    moved = [(micros, location) for _, location, micros in part]
            self._sql.executemany("UPDATE location SET micros = micros + ? WHERE id = ?", moved)
            self._sql.execute("COMMIT")
        return time.perf_counter() - began

    def close(self) -> None:
        """Close both."""
        self._ours.close()
        self._sql.close()

    def _newest(self, table: str, count: int) -> list[tuple[object, ...]]:
        key = {"event": "seq", "entry": "n", "posting": "entry", "charge": "entry"}[table]
        only = "WHERE stream = (SELECT id FROM stream WHERE direction = 'up' AND name = 'ledger')"
        query = (
            f"SELECT * FROM {table} {only if table == 'event' else ''} ORDER BY {key} DESC LIMIT ?"  # noqa: S608  our own names
        )
        found = self._ours.execute(query, (count * (2 if table == "posting" else 1),)).fetchall()
        return found[::-1]


# ── over the wire ───────────────────────────────────────────────────────────────────────────


async def _over_the_wire(
    directory: Path, broker: str, size: int, count: int
) -> tuple[list[float], list[float]]:
    """Return rates from an edge's journal to its acks, and of the bare database, taken in turns.

    Broker and coordinator are processes of their own.
    """
    books = _books(directory / "books.db")
    credentials = CredentialFile(directory / "credentials.json")
    secret = credentials.add(books.identity.node, Party.COORDINATOR)
    port = free_port()
    with books.write() as tx:
        nodes.add(tx, "north", site="north", role="remote", kind="edge", code=CODE)
    settings = LinkSettings(port=port, secret=SecretStr(credentials.add("north", Party.NODE)))
    (directory / "broker.toml").write_text(
        f'port = {port}\ncredentials = "{directory / "credentials.json"}"\n'
    )
    (directory / "central.toml").write_text(
        f'data = "{directory}"\ncredentials = "{directory / "credentials.json"}"\n'
        f'[broker]\nport = {port}\nsecret = "{secret}"\n'
    )
    pace = Pace(batch=size, worth_sending=min(20, size))
    edge = WireEdge(MemoryEdge(books), settings, code=CODE, pace=pace)
    try:
        with (
            _broker(directory, broker, port),
            _program(directory, "central", "run", "--config", str(directory / "central.toml")),
        ):
            async with asyncio.timeout(PATIENCE), edge:
                await edge.until(lambda: len(edge.memory.here) == PEOPLE)
                await edge.say(*_charges(edge.memory, size))
                await edge.until(edge.all_acked)
                bare = _Bare(directory / "bare.db", directory / "books.db")
                ours, theirs = [], []
                for _ in range(WIRE_ROUNDS):
                    edge.memory.say(*_charges(edge.memory, count))
                    began = time.perf_counter()
                    await edge.flush()
                    await edge.until(edge.all_acked)
                    ours.append(count / (time.perf_counter() - began))
                    theirs.append(count / bare.copy(size, count))
                bare.close()
                return ours, theirs
    finally:
        books.close()


@contextmanager
def _broker(directory: Path, broker: str, port: int) -> Iterator[None]:
    if broker == "amqtt":
        words = ("broker", "run", "--config", str(directory / "broker.toml"))
        with _program(directory, *words):
            _until_open(port)
            yield
        return
    configuration = directory / "mosquitto.conf"
    user = "user root\n" if os.geteuid() == 0 else ""
    configuration.write_text(
        f"listener {port} 127.0.0.1\nallow_anonymous true\npersistence false\n"
        f"set_tcp_nodelay true\n{user}"
    )
    with _process(directory, [str(_mosquitto()), "-c", str(configuration)], "mosquitto"):
        _until_open(port)
        yield


def _mosquitto() -> str | None:
    return shutil.which("mosquitto", path=f"{os.environ.get('PATH', '')}:/usr/sbin")


@contextmanager
def _program(directory: Path, *words: str) -> Iterator[subprocess.Popen[bytes]]:
    with _process(directory, [sys.executable, "-m", "printmesh", *words], words[0]) as process:
        yield process


@contextmanager
def _process(directory: Path, words: list[str], name: str) -> Iterator[subprocess.Popen[bytes]]:
    with (directory / f"{name}.log").open("wb") as log:
        process = subprocess.Popen(words, stdout=log, stderr=log)
        try:
            yield process
        finally:
            process.send_signal(signal.SIGTERM)
            try:
                process.wait(10)
            except subprocess.TimeoutExpired:
                process.kill()
                process.wait()


def _until_open(port: int) -> None:
    deadline = time.monotonic() + PATIENCE
    while not answers(port):
        if time.monotonic() > deadline:
            raise RuntimeError(f"nothing listens at port {port}")
        time.sleep(0.05)


# ── people and money ────────────────────────────────────────────────────────────────────────


def _books(path: Path) -> Books:
    books = Books.open(sqlite_url(path))
    with books.write() as tx:
        for number in range(PEOPLE):
            accounts.put(tx, f"user:u{number}", "EUR", floor=0, enabled=True)
            money = Money.parse("1000.00", "EUR")
            accounts.top_up(tx, f"user:u{number}", money, note="", author="benchmark")
    return books


def _park(books: Books) -> None:
    more = True
    while more:
        with books.write() as tx:
            _, more = funds.park_free(tx, frozenset({"north"}))
