"""People at terminals: a card at a reader to the list of jobs, and twenty terminals at one edge.

Over the site's real broker, with 20,000 people in the site's directory and 100 jobs of one person.
"""

from __future__ import annotations

import asyncio
import os
import time
from contextlib import AsyncExitStack, suppress
from pathlib import Path
from statistics import median
from typing import TYPE_CHECKING, Any, Final

from pydantic import SecretStr

from benchmarks.reconnect import p99
from benchmarks.result import absolute
from broker.credentials import CredentialFile
from broker.directory import AccountRow, CardRow, UserRow, card_digest, keyed_digest
from broker.topics import Party
from central.opening import open_books
from central.store import cards, directory
from config.settings import CentralSettings, LinkSettings, load
from demo import documents
from demo.lab import Lab, Person, Plan
from terminal_bridge.edge_line import EdgeLine

if TYPE_CHECKING:
    from benchmarks.result import Result
    from demo.site import Site

SITE: Final = "north"
PEOPLE: Final = 20_000
JOBS: Final = 100
LOOKS: Final = 40
TERMINALS: Final = 20
PRINTERS: Final = 2
#: Seconds from one release of a terminal to its next, and how many there are.
PACE: Final = 5.0
ROUNDS: Final = 6
PATIENCE: Final = 300.0
ANA: Final = Person("ana", "04A1B2C3", "500.00")
#: One at each terminal.
CROWD: Final = tuple(
    Person(f"crowd{number}", f"04D0{number:04d}", "50.00") for number in range(TERMINALS)
)


def measure() -> list[Result]:
    """Measure in a lab of one site."""
    return asyncio.run(_measure())


async def _measure() -> list[Result]:
    plan = Plan(sites=(SITE,), printers=PRINTERS, people=(ANA, *CROWD), direct_queues=False)
    async with Lab(plan) as lab, AsyncExitStack() as stack:
        site = lab.sites[SITE]
        await asyncio.to_thread(fill, lab.root / "central.toml")
        await until_known(site)
        await print_all(site, documents.pdf(lab.root / "page.pdf", 1))
        lines = await stand_up(site, stack)
        began = processor(site.edge.pid)
        linked = [await look(lines[0]) for _ in range(LOOKS)]
        own = (processor(site.edge.pid) - began) * 1e3 / LOOKS
        # the edge alone on one core; clients, print system and printers have the others
        os.sched_setaffinity(site.edge.pid, {0})
        waits = await releases(lines)
        site.line.cut()
        await site.until_alone()
        alone = [await look(lines[0]) for _ in range(LOOKS)]
    what = f"card at the reader → {JOBS} jobs listed, {PEOPLE:,} people known"
    return [
        absolute(f"{what}, p50", median(linked), "ms", samples=LOOKS, at_most=150),
        absolute("of which processor of the edge, its broker included", own, "ms", samples=LOOKS),
        absolute(f"{what}, line cut, p50", median(alone), "ms", samples=LOOKS, at_most=150),
        absolute(
            f"release answered at {TERMINALS} terminals, each every {PACE:g} s, p99",
            p99(waits),
            "ms",
            samples=len(waits),
            at_most=500,
        ),
        absolute(
            f"release answered at {TERMINALS} terminals, each every {PACE:g} s, p50",
            median(waits),
            "ms",
            samples=len(waits),
        ),
    ]


def processor(pid: int) -> float:
    """Return how many seconds a process has had of the processor: a busy machine adds none."""
    fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")


# ── what is there ───────────────────────────────────────────────────────────────────────────


def fill(config: Path) -> None:
    """Enter people, each with an account and a card, as a university has them."""
    names = [f"user{number}" for number in range(PEOPLE)]
    books = open_books(load(CentralSettings, config))
    with books.write() as tx:
        key = cards.key_in_force(tx)
        if key is None:
            raise RuntimeError("books without a card key")
        keys = {name: f"user:{name}" for name in names}
        users = {name: UserRow(name=name, display=name, accounts=(keys[name],)) for name in names}
        accounts = {each: AccountRow(account=each, unit="EUR") for each in keys.values()}
        found = {keyed_digest(card_digest(name), key): CardRow(user=name) for name in names}
        directory.put_all(tx, "user", users)
        directory.put_all(tx, "account", accounts)
        directory.put_all(tx, "card", found)
    books.close()


async def until_known(site: Site) -> None:
    """Wait until the site has all of them."""
    deadline = time.monotonic() + PATIENCE
    while (await site.status())["directory"] < 3 * PEOPLE:
        if time.monotonic() > deadline:
            raise TimeoutError("the people do not come")
        await asyncio.sleep(0.5)


async def print_all(site: Site, document: Path) -> None:
    """Print what is listed and what is released, and wait until all of it is held."""
    wanted = [ANA.user] * JOBS + [each.user for each in CROWD] * ROUNDS
    for number, user in enumerate(wanted):
        await site.print(document, user=user, title=f"document {number}.pdf")
    deadline = time.monotonic() + PATIENCE
    while (await site.status())["jobs"].get("held", 0) < len(wanted):
        if time.monotonic() > deadline:
            raise TimeoutError("not all jobs are held")
        await asyncio.sleep(0.5)


async def stand_up(site: Site, stack: AsyncExitStack) -> list[EdgeLine]:
    """Let terminals in at the site's broker, and wait until each hears the edge."""
    file = site.root / "terminals.json"
    known = CredentialFile(file)
    names = [f"terminal-{number}" for number in range(TERMINALS)]
    secrets = {name: known.add(name, Party.NODE) for name in names}
    await asyncio.to_thread(site.edge.stop)
    port = f"[site_broker]\nport = {site.broker_port}\n"
    text = site.config.read_text()
    site.config.write_text(text.replace(port, f'{port}credentials = "{file}"\n'))
    site.start_edge()
    await site.until_ready()
    await site.until_linked()
    lines = []
    for name, secret in secrets.items():
        link = LinkSettings(port=site.broker_port, secret=SecretStr(secret))
        line = await stack.enter_async_context(EdgeLine(link, name))
        reading = asyncio.create_task(listen(line))
        stack.callback(reading.cancel)
        lines.append(line)
    deadline = time.monotonic() + PATIENCE
    while not all(line.here for line in lines):
        if time.monotonic() > deadline:
            raise TimeoutError("not all terminals hear the edge")
        await asyncio.sleep(0.05)
    return lines


async def listen(line: EdgeLine) -> None:
    """Hear what the edge says unasked."""
    with suppress(ConnectionError):
        async for _ in line.events():
            pass


# ── what people do ──────────────────────────────────────────────────────────────────────────


async def asked(line: EdgeLine, method: str, **fields: Any) -> dict[str, Any]:  # noqa: ANN401  of the question
    """Ask, and be answered with what was asked for."""
    reply = await line.ask(method, fields)
    if reply is None or reply.status != "ok":
        raise RuntimeError(f"{method}: {reply.problem if reply else 'no answer'}")
    return reply.data


async def sign_in(line: EdgeLine, person: Person) -> dict[str, Any]:
    """Hold a card to the reader; return who asks from then on."""
    return {"session": (await asked(line, "identify", card=person.card))["session"]}


async def look(line: EdgeLine) -> float:
    """Hold Ana's card to the reader; return after how many ms all her jobs are there."""
    began = time.perf_counter()
    person = await sign_in(line, ANA)
    listed, more, after = 0, True, None
    while more:
        page = await asked(line, "jobs", person=person, printer=f"{SITE}-1", after=after)
        listed, more = listed + len(page["jobs"]), page["more"]
        after = page["jobs"][-1]["job"]
    took = (time.perf_counter() - began) * 1e3
    if listed != JOBS:
        raise RuntimeError(f"{listed} jobs are listed")
    return took


async def releases(lines: list[EdgeLine]) -> list[float]:
    """Let a person at each terminal release a job again and again; return ms of each answer."""
    waits: list[float] = []

    async def stand(number: int, line: EdgeLine) -> None:
        person = CROWD[number]
        loop = asyncio.get_running_loop()
        # not all at once: people come when they come
        due = loop.time() + PACE * number / len(lines)
        who = await sign_in(line, person)
        jobs = (await asked(line, "jobs", person=who))["jobs"]
        for job in jobs[:ROUNDS]:
            await asyncio.sleep(max(0.0, due - loop.time()))
            began = time.perf_counter()
            await asked(
                line,
                "release",
                person=who,
                job=job["job"],
                printer=f"{SITE}-{number % PRINTERS + 1}",
            )
            waits.append((time.perf_counter() - began) * 1e3)
            due += PACE

    async with asyncio.TaskGroup() as crowd:
        for number, line in enumerate(lines):
            crowd.create_task(stand(number, line))
    return waits
