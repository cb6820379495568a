"""Compares paper, edges and books by another hand.

Plain SQL and counted files; nothing of the code that made what is compared.
"""

from __future__ import annotations

import asyncio
import json
import sqlite3
from collections import Counter
from dataclasses import asdict, dataclass, field
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from demo.lab import Lab
    from demo.site import Site


#: Seconds that an event which a site had written may still take to the books.
_ON_ITS_WAY = 10.0
#: An event of a job whose attributes rules have changed.
_CONVERTED = (
    "type LIKE '%job-released%' AND data IS NOT NULL "
    "AND json_extract(data, '$.data.conversions') NOT IN ('{}')"
)


@dataclass(frozen=True, slots=True)
class Machine:
    """One printer: what came out against what was billed."""

    printer: str
    jobs: int
    printed: int
    """Sides in the files it kept."""
    billed: int
    flagged: int
    """Impressions of jobs that carry a flag instead of a bill."""


@dataclass(frozen=True, slots=True)
class AtSite:
    """One site: what it did in its role."""

    role: str
    jobs: int
    """Jobs of it that the books know."""
    alone: int
    """Charged jobs that were released while it worked alone."""
    refused: int
    """Releases that it refused."""
    beyond_micros: int
    """Charged past the money that was there, collected since or not."""


@dataclass(frozen=True, slots=True)
class Account:
    """One account: what the books say against its postings."""

    account: str
    unit: str
    places: dict[str, int]
    """Where the money sits: centre (empty) or node → micros."""
    folded: dict[str, int]
    """The same, added up from the postings."""

    @property
    def agrees(self) -> bool:
        """Whether each balance is the sum of its postings."""
        return {k: v for k, v in self.places.items() if v} == {
            k: v for k, v in self.folded.items() if v
        }


@dataclass(frozen=True, slots=True)
class Report:
    """What came of it; `holds` is the promise."""

    jobs: int
    """Jobs the books know."""
    impressions_printed: int
    """Sides in the files the printers kept."""
    impressions_billed: int
    """Sides charged for in the ledger."""
    billed_micros: int
    """Sum of all charges, whoever bore them."""
    overspend_micros: int
    """What was spent beyond the money that was there, over all accounts and places."""
    events_lost: int
    """Events in an edge's journal that the books have not got."""
    events_duplicated: int
    """Events or charges that took effect twice."""
    offline_jobs: int
    """Charged jobs that were released while their site worked alone."""
    refused_jobs: int
    """Releases that were refused."""
    courier_codes: int
    """Codes that brought money to a site."""
    conversions: int
    """Releases of jobs that rules had changed."""
    exposure_micros: int
    """Charged past the money that was there, and not collected yet."""
    seconds: float
    """The story without set-up."""
    roles: dict[str, AtSite] = field(default_factory=dict)
    """What each site did, by site."""
    machines: tuple[Machine, ...] = ()
    accounts: tuple[Account, ...] = ()
    problems: tuple[str, ...] = field(default=())
    """What does not hold, one sentence each."""

    @property
    def holds(self) -> bool:
        """Printed = billed, nothing lost, doubled or overspent, every balance its postings."""
        return not self.problems

    def figures(self) -> dict[str, Any]:
        """Return what `--report` writes."""
        return {**asdict(self), "holds": self.holds}


async def audit(lab: Lab, *, seconds: float, may_flag: bool = False) -> Report:
    """Count everything again.

    Args:
        lab: at rest: merged, nothing under way.
        seconds: how long the story took.
        may_flag: jobs that were in flight at a crash may carry a flag instead of a bill.
    """
    books = _books(lab)
    heads = {}
    for name, site in lab.sites.items():
        heads[name] = (await site.status())["streams"]
    lost = await _lost_for_good(books, heads)
    machines = tuple(_machine(books, *each) for site in lab.sites.values() for each in _made(site))
    accounts = _accounts(books)
    charges = books.all("SELECT charge, job, attempt, impressions, paid, alone FROM charge")
    income = books.one(
        "SELECT coalesce(sum(posting.micros), 0) AS micros FROM posting "
        "JOIN entry ON entry.n = entry JOIN location ON location.id = location "
        "WHERE entry.kind = 'charge' AND location.account LIKE 'income:%'"
    )
    doubled = _doubled(books, charges)
    overspent = sum(-micros for each in accounts for micros in each.places.values() if micros < 0)
    refused = books.one("SELECT count(*) AS n FROM event WHERE type LIKE '%job-refused%'")["n"]
    printed = sum(machine.printed for machine in machines)
    billed = sum(row["impressions"] or 0 for row in charges)
    problems = [
        f"{machine.printer} printed {machine.printed} impressions and billed {machine.billed}"
        for machine in machines
        if machine.printed != machine.billed
        and not (may_flag and abs(machine.printed - machine.billed) <= machine.flagged)
    ]
    problems += [f"{a.account}: the balance is not its postings" for a in accounts if not a.agrees]
    problems += [f"{lost} events were lost"] if lost else []
    problems += [f"{doubled} events took effect twice"] if doubled else []
    problems += [f"{overspent} micros were overspent"] if overspent else []
    crooked = books.all(
        "SELECT entry, unit, sum(posting.micros) AS micros FROM posting "
        "JOIN location ON location.id = location GROUP BY entry, unit HAVING sum(posting.micros)"
    )
    problems += [f"entry {row['entry']} sums to {row['micros']} {row['unit']}" for row in crooked]
    quarantined = books.all("SELECT reason FROM event WHERE state = 'quarantined'")
    problems += [f"quarantined: {row['reason']}" for row in quarantined]
    return Report(
        jobs=books.one("SELECT count(*) AS n FROM job")["n"],
        impressions_printed=printed,
        impressions_billed=billed,
        billed_micros=income["micros"],
        overspend_micros=overspent,
        events_lost=lost,
        events_duplicated=doubled,
        offline_jobs=sum(1 for row in charges if row["alone"]),
        refused_jobs=refused,
        courier_codes=_number(books, "code WHERE state = 'redeemed'"),
        conversions=_number(books, f"event WHERE {_CONVERTED}"),
        exposure_micros=_owed(books, "micros - collected"),
        roles={name: _at_site(books, name) for name in lab.sites},
        seconds=round(seconds, 1),
        machines=machines,
        accounts=accounts,
        problems=tuple(problems),
    )


async def at_rest(lab: Lab) -> None:
    """Wait until everything is merged and no money is on its way."""
    books = _books(lab)

    async def resting() -> bool:
        if _number(books, "reclaim WHERE state = 'open'"):
            return False
        states = [await site.status() for site in lab.sites.values()]
        return all(each["linked"] and not each["waiting"] for each in states)

    await lab.until_async(resting, "all sites to be merged and all money to have arrived")


def _made(site: Site) -> Iterator[tuple[str, int, int]]:
    """Yield each machine of a site, the sides it put on paper, and the jobs it kept."""
    for device, printer in site.printers.items():
        copied = site.panel.copier.total if site.panel and site.panel.device == device else 0
        yield device, printer.impressions() + copied, len(printer.kept())
    if site.terminal is not None:
        yield site.terminal.device, site.terminal.copier.total, 0


class Rows:
    """The books, read only and by their own file."""

    def __init__(self, path: Path) -> None:
        self._sql = sqlite3.connect(f"file:{path}?mode=ro", uri=True)
        self._sql.row_factory = sqlite3.Row

    def all(self, query: str, *values: object) -> list[sqlite3.Row]:
        """Return every row."""
        return self._sql.execute(query, values).fetchall()

    def one(self, query: str, *values: object) -> sqlite3.Row:
        """Return the only row."""
        (row,) = self.all(query, *values)
        return row


def _books(lab: Lab) -> Rows:
    return Rows(lab.root / "books" / "books.db")


def _number(books: Rows, what: str, *values: object) -> int:
    query = f"SELECT count(*) AS n FROM {what}"  # noqa: S608  our own words
    return int(books.one(query, *values)["n"])


def _owed(books: Rows, what: str, where: str = "true", *values: object) -> int:
    query = f"SELECT coalesce(sum({what}), 0) AS n FROM owed WHERE {where}"  # noqa: S608  as above
    return int(books.one(query, *values)["n"])


def _at_site(books: Rows, node: str) -> AtSite:
    return AtSite(
        role=books.one("SELECT role FROM node WHERE id = ?", node)["role"],
        jobs=_number(books, "job WHERE node = ?", node),
        alone=_number(books, "charge WHERE node = ? AND alone", node),
        refused=_number(
            books,
            "event JOIN stream ON stream.id = stream "
            "WHERE type LIKE '%job-refused%' AND stream.node = ?",
            node,
        ),
        beyond_micros=_owed(books, "micros", "node = ?", node),
    )


def _machine(books: Rows, device: str, printed: int, jobs: int) -> Machine:
    billed = books.one(
        "SELECT coalesce(sum(impressions), 0) AS n FROM charge WHERE printer = ?", device
    )
    flagged = books.all("SELECT counts FROM job WHERE printer = ? AND flag IS NOT NULL", device)
    return Machine(device, jobs, printed, billed["n"], sum(_most(row["counts"]) for row in flagged))


def _most(counts: str) -> int:
    return max((each.get("impressions") or 0 for each in json.loads(counts)), default=0)


def _accounts(books: Rows) -> tuple[Account, ...]:
    places: dict[tuple[str, str], dict[str, int]] = {}
    folded: dict[tuple[str, str], Counter[str]] = {}
    for row in books.all(
        "SELECT account.key, location.unit, place, location.micros, "
        "(SELECT coalesce(sum(p.micros), 0) FROM posting p WHERE p.location = location.id) AS sum "
        "FROM location JOIN account ON account.key = location.account ORDER BY 1, 2, 3"
    ):
        key = (row["key"], row["unit"])
        places.setdefault(key, {})[row["place"]] = row["micros"]
        folded.setdefault(key, Counter())[row["place"]] += row["sum"]
    return tuple(
        Account(account, unit, places[account, unit], dict(folded[account, unit]))
        for account, unit in places
    )


async def _lost_for_good(books: Rows, heads: dict[str, dict[str, int]]) -> int:
    """Count again until nothing is missing: a site at rest may still answer a reclaim."""
    loop = asyncio.get_running_loop()
    deadline = loop.time() + _ON_ITS_WAY
    while (lost := _lost(books, heads)) and loop.time() < deadline:  # noqa: ASYNC110  no event
        await asyncio.sleep(0.1)
    return lost


def _lost(books: Rows, heads: dict[str, dict[str, int]]) -> int:
    """Count what is in the edges' journals and not, gap-free, in the books."""
    lost = 0
    for node, streams in heads.items():
        for name in ("ledger", "jobs"):
            stored = books.one(
                "SELECT count(*) AS n FROM event JOIN stream ON stream.id = stream "
                "JOIN node ON node.id = stream.node AND node.incarnation = stream.incarnation "
                "WHERE stream.node = ? AND stream.name = ? AND stream.direction = 'up'",
                node,
                name,
            )
            lost += max(0, streams[name] - stored["n"])
    return lost


def _doubled(books: Rows, charges: list[sqlite3.Row]) -> int:
    """Count charges of one release beyond the first, and events stored under two seqs."""
    releases = Counter((row["job"], row["attempt"]) for row in charges)
    twice = books.one(
        "SELECT count(*) - count(DISTINCT json_extract(data, '$.id')) AS n FROM event "
        "WHERE data IS NOT NULL"
    )
    return sum(count - 1 for count in releases.values()) + int(twice["n"])
