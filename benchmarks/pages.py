"""Pages of a large organisation, asked for by twenty people beside a site that prints.

Books of that size are made once (`--keep DIR` keeps them), then the real service has them: the
coordinator takes jobs in, the process beside it serves pages. Each person asks for the next page a
second after the last answer; then, for a while, at once. `--jobs 5000000` is the size the figures
are promised for.
"""

from __future__ import annotations

import asyncio
import os
import sqlite3
import tempfile
import time
from collections import defaultdict
from contextlib import contextmanager
from datetime import timedelta
from pathlib import Path
from statistics import median, quantiles
from typing import TYPE_CHECKING, Final

import httpx
from pydantic import SecretStr
from rich.console import Console

from benchmarks.ingest import _broker, _mosquitto, _program
from benchmarks.organisation import STAFF, Size, fill
from benchmarks.pages_addresses import Address, addresses
from benchmarks.pages_live import PRINTS_A_SECOND, watched
from benchmarks.pages_service import Service, cpu, resident
from benchmarks.pages_site import Site
from benchmarks.pages_visits import AT_ONCE, Taken, one_by_one, visited
from benchmarks.result import Result, absolute, compared
from broker.credentials import CredentialFile
from broker.topics import Party
from central.store import web_sessions
from central.store.books import Books, sqlite_url
from config.settings import CentralSettings, LinkSettings
from config.settings_web import WebSettings
from demo.ports import free_port
from demo.postgres import PrivatePostgres, programs

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

OPTIONS: Final = ("jobs", "users", "database", "keep")
JOBS: Final = 100_000
USERS: Final = 100_000
JOBS_A_SECOND: Final = 500
#: People at once.
STAFF_AT_ONCE: Final = 15
PEOPLE_AT_ONCE: Final = 5
#: Seconds: ingest alone, and ingest beside pages.
_ALONE: Final = 15.0
_BESIDE: Final = 60.0
#: And as long as everybody asks as fast as they can.
_HURRIED: Final = 10.0
_LIMIT: Final = 200.0
_console: Final = Console(width=150)


def measure(
    jobs: int = JOBS, users: int = USERS, database: str = "both", keep: Path | None = None
) -> list[Result]:
    """Measure all of it.

    Args:
        jobs: in the books.
        users: in the directory.
        database: sqlite, postgresql or both.
        keep: where the books stay, to be found there the next time; None: nowhere.
    """
    size, results = Size(jobs, users), []
    with _directory(keep) as home:
        if database in {"sqlite", "both"}:
            place = home / f"sqlite-{jobs}-{users}"
            place.mkdir(parents=True, exist_ok=True)
            results += _database("SQLite", sqlite_url(place / "books.db"), place, size)
        if database in {"postgresql", "both"} and programs() is not None:
            place = home / f"pg-{jobs}-{users}"
            place.mkdir(parents=True, exist_ok=True)
            home.chmod(0o711)
            place.chmod(0o711)
            with PrivatePostgres(place / "server", quick=False) as server:
                results += _database("PostgreSQL", server.url(), place, size)
    return results


@contextmanager
def _directory(keep: Path | None) -> Iterator[Path]:
    if keep is not None:
        keep.mkdir(parents=True, exist_ok=True)
        yield keep.absolute()
        return
    with tempfile.TemporaryDirectory(prefix="pm-bench-") as directory:
        yield Path(directory)


def _database(name: str, url: str, place: Path, size: Size) -> list[Result]:
    books = Books.open(url)
    try:
        if not (place / "filled").exists():
            began = time.perf_counter()
            fill(books, size, lambda step: _console.print(f"{name}: {step} …"))
            (place / "filled").touch()
            _console.print(
                f"{name}: books of {size.jobs:,} jobs in {time.perf_counter() - began:.0f} s"
            )
        return asyncio.run(_served(name, books, url, place))
    finally:
        books.close()


# ── one run ─────────────────────────────────────────────────────────────────────────────────


async def _served(name: str, books: Books, url: str, place: Path) -> list[Result]:
    credentials, port, web = place / "credentials.json", free_port(), free_port()
    file = CredentialFile(credentials)
    secret = file.add(books.identity.node, Party.COORDINATOR)
    (place / "broker.toml").write_text(f'port = {port}\ncredentials = "{credentials}"\n')
    there = "" if name == "SQLite" else f'database_url = "{url}"\n'
    (place / "central.toml").write_text(
        f'data = "{place}"\ncredentials = "{credentials}"\n{there}'
        f'[broker]\nport = {port}\nsecret = "{secret}"\n[web]\nport = {web}\n'
    )
    (place / "central.toml").chmod(0o600)
    settings = CentralSettings(
        data=place,
        credentials=credentials,
        broker=LinkSettings(port=port, secret=SecretStr(secret)),
        web=WebSettings(port=web),
    )
    with books.read() as tx:
        heavy = tx.sql.exec_driver_sql(
            'SELECT "user" FROM job WHERE n < 2000 GROUP BY "user" ORDER BY count(*) DESC LIMIT 1'
        ).scalar_one()
        asked = addresses(tx, settings, heavy)
    cookies = _sessions(books, heavy)
    site = Site.enter(books, credentials, port)
    broker = "amqtt" if _mosquitto() is None else "mosquitto"
    command = ("central", "run", "--config", str(place / "central.toml"))
    with _broker(place, broker, port), _program(place, *command) as central:
        async with site.edge, httpx.AsyncClient(base_url=f"http://127.0.0.1:{web}") as any_:
            await _up(any_)
            await site.ready()
            service = Service.of(central)
            await service.at_rest()
            seconds = _ALONE + _BESIDE + _HURRIED + 5
            site.write(int(JOBS_A_SECOND * seconds) + 100 * PRINTS_A_SECOND)
            _console.print(f"{name}: {len(asked)} addresses; ingest alone …")
            first = Taken()
            await one_by_one(web, cookies, asked, first)
            alone = await site.print(JOBS_A_SECOND, _ALONE)
            await site.drained()
            _console.print(f"{name}: pages beside ingest …")
            taken, began = Taken(), time.monotonic()
            before = [cpu(service.coordinator), cpu(service.pages)]
            printing = asyncio.create_task(site.print(JOBS_A_SECOND, _BESIDE))
            await visited(web, cookies, asked, taken, _BESIDE)
            beside = await printing
            cores = [
                (cpu(pid) - at) / (time.monotonic() - began)
                for pid, at in zip((service.coordinator, service.pages), before, strict=True)
            ]
            late = await site.drained()
            _console.print(f"{name}: as fast as they can …")
            hurried = Taken()
            printing = asyncio.create_task(site.print(JOBS_A_SECOND, _HURRIED))
            await visited(web, cookies, asked, hurried, _HURRIED, AT_ONCE)
            meanwhile = await printing
            await site.drained()
            viewed = await watched(books, service, web, cookies["ada"][0], site)
            memory = resident(service.pages)
    _shown(name, asked, first, taken)
    bare = _bare(place / "books.db") if name == "SQLite" else None
    what = f"pages on {name}"
    return [
        *_results(name, taken, first, (alone, beside, late), viewed, bare),
        absolute(f"{what}: the coordinator with both", cores[0] * 100, "% of a core"),
        absolute(f"{what}: the pages' process with both", cores[1] * 100, "% of a core"),
        absolute(f"{what}: the pages' process, memory", memory, "MiB"),
        *_hurried(what, hurried, meanwhile),
    ]


def _sessions(books: Books, person: str) -> dict[str, list[str]]:
    """Sign people in, some of them often; return their cookies."""
    cookies: dict[str, list[str]] = defaultdict(list)
    with books.write() as tx:
        for n in range(STAFF_AT_ONCE + PEOPLE_AT_ONCE):
            name = "ada" if n < STAFF_AT_ONCE else person
            cookie = f"{os.urandom(24).hex()}"
            web_sessions.begin(
                tx, cookie, name, stage="full", mark="", proven=True,
                ends_at=tx.now + timedelta(days=1),
            )  # fmt: skip
            cookies["ada" if name in STAFF else "person"].append(cookie)
    return cookies


async def _up(client: httpx.AsyncClient) -> None:
    for _ in range(600):
        try:
            if (await client.get("/sign-in")).status_code == 200:
                return
        except httpx.TransportError:
            pass
        await asyncio.sleep(0.2)
    raise TimeoutError("the pages are not served")


# ── what it came to ─────────────────────────────────────────────────────────────────────────


def _p95(some: Sequence[float]) -> float:
    return max(some, default=0.0) if len(some) < 20 else quantiles(some, n=20)[-1]


def _shown(name: str, asked: Sequence[Address], first: Taken, taken: Taken) -> None:
    """Print how long each address took: alone, and beside the others and ingest."""
    for address in sorted({each.name for each in asked}, key=lambda n: -_p95(taken.by[n] or [0])):
        some, alone = taken.by[address], first.by[address]
        failed = first.failed[address] + taken.failed[address]
        if some and alone:
            _console.print(
                f"{name}  {address:62} alone {median(alone):7.1f}  beside p50 {median(some):7.1f} "
                f"p95 {_p95(some):7.1f} ms  of {len(some)}{f'  FAILED {failed}' if failed else ''}",
                highlight=False,
            )
        else:
            _console.print(f"{name}  {address:62} not there: {failed}", highlight=False)


def _results(
    name: str,
    taken: Taken,
    first: Taken,
    ingest: tuple[float, float, float],
    viewed: tuple[float, float],
    bare: float | None,
) -> list[Result]:
    what = f"pages on {name}"
    every = [took for some in taken.by.values() for took in some]
    worst = max(taken.by, key=lambda each: _p95(taken.by[each]))
    above = [each for each, some in taken.by.items() if _p95(some) > _LIMIT]
    figures = [max(some) for each, some in first.by.items() if each.startswith("/figures")]
    alone, beside, late = ingest

    def ms(of: str, value: float, samples: int, at_most: float | None = None) -> Result:
        return absolute(f"{what}: {of}", value, "ms", samples=samples, at_most=at_most)

    def share(of: str, value: float, at_most: float | None = None) -> Result:
        return absolute(f"{what}: {of}", value * 100, "% of a core", at_most=at_most)

    found = [
        ms("all, p50", median(every), len(every)),
        ms("all, p95", _p95(every), len(every), _LIMIT),
        ms(f"the slowest, {worst}, p95", _p95(taken.by[worst]), len(taken.by[worst]), _LIMIT),
        absolute(f"{what}: addresses above it", len(above), f"of {len(taken.by)}", at_most=0),
        ms("found as one types, p95", _p95(taken.by["typing"]), len(taken.by["typing"]), 50),
        ms("figures, nobody else there, the longest", max(figures), len(figures), 1000),
        compared(
            f"{what}: jobs booked beside them",
            beside,
            "jobs/s",
            baseline="the same alone",
            baseline_value=alone,
            samples=1,
            at_least=0.9,
        ),
        absolute(f"{what}: how far ingest is behind at the end", late, "s"),
        share("live overview, one viewer", viewed[1], 5),
        share("live overview, each of five viewers", viewed[0], 5),
    ]
    if bare is not None:
        found.append(
            compared(
                f"{what}: the list of jobs, nobody else there",
                median(first.by["/jobs"]),
                "ms",
                baseline="bare sqlite3, its rows",
                baseline_value=bare,
                samples=len(first.by["/jobs"]),
            )
        )
    return found


def _hurried(what: str, hurried: Taken, jobs: float) -> list[Result]:
    """Say what comes of people who never look at a page: how much there is at the most."""
    every = [took for some in hurried.by.values() for took in some]
    return [
        absolute(f"{what}: as fast as they can", len(every) / _HURRIED, "pages/s"),
        absolute(f"{what}: as fast as they can, p50", median(every), "ms", samples=len(every)),
        absolute(f"{what}: as fast as they can, p95", _p95(every), "ms", samples=len(every)),
        absolute(f"{what}: jobs booked beside those", jobs, "jobs/s"),
    ]


def _bare(file: Path) -> float:
    """Return the milliseconds that plain sqlite3 takes for the rows of the list of jobs."""
    sql = sqlite3.connect(f"file:{file}?mode=ro", uri=True)
    took = []
    for _ in range(20):
        began = time.perf_counter()
        sql.execute(
            "SELECT job.*, charge.paid FROM job LEFT JOIN charge ON charge.charge = job.charge "
            "ORDER BY job.n DESC LIMIT 51"
        ).fetchall()
        took.append((time.perf_counter() - began) * 1e3)
    sql.close()
    return median(took)
