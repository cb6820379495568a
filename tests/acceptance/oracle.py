"""Compares, job by job, what printers kept with what the books say; knows when what was killed."""

from __future__ import annotations

import json
import sqlite3
from collections import Counter
from dataclasses import dataclass, field
from datetime import UTC, datetime
from itertools import groupby
from typing import TYPE_CHECKING, Any

from demo.audit import audit
from demo.lab_error import LabError

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence
    from uuid import UUID

    from demo.lab import Lab
    from tests.acceptance.crowd import Crowd


@dataclass(frozen=True, slots=True)
class Kill:
    """Something was killed."""

    at: datetime
    site: str | None
    """Whose jobs it may have hurt; None: nobody's."""

    @classmethod
    def now(cls, site: str | None) -> Kill:
        """Say that it is about to be killed."""
        return cls(datetime.now(UTC), site)


@dataclass(slots=True)
class Life:
    """What the books know of one job."""

    job: str
    node: str
    name: str
    flag: str | None
    billed: int = 0
    charges: int = 0
    released_at: datetime | None = None
    ended_at: datetime | None = None

    def in_flight(self, kill: Kill) -> bool:
        """Say whether it was released and not settled when this happened."""
        return (
            kill.site == self.node
            and self.released_at is not None
            and self.released_at <= kill.at
            and (self.ended_at is None or kill.at <= self.ended_at)
        )


@dataclass(slots=True)
class Tally:
    """What came of it."""

    jobs: int = 0
    printed: int = 0
    billed: int = 0
    flags: Counter[str] = field(default_factory=Counter)
    in_flight: int = 0
    """Jobs that were under way at some kill that may have hurt them."""
    problems: list[str] = field(default_factory=list)


class Books:
    """The books by their own file, read by nothing of the code that wrote them."""

    def __init__(self, lab: Lab) -> None:
        self._sql = sqlite3.connect(f"file:{lab.root / 'books' / 'books.db'}?mode=ro", uri=True)
        self._sql.row_factory = sqlite3.Row

    def close(self) -> None:
        """Let go of the file."""
        self._sql.close()

    def all(self, query: str, *values: object) -> list[sqlite3.Row]:
        """Return every row."""
        return self._sql.execute(query, values).fetchall()

    def crooked_prefixes(self) -> list[str]:
        """Fold the postings entry by entry; return each state that no commit may leave behind."""
        problems = []
        micros: Counter[int] = Counter()
        rows = self.all(
            "SELECT entry, location, posting.micros AS change, floor, unit FROM posting "
            "JOIN location ON location.id = location ORDER BY entry"
        )
        for entry, group in groupby(rows, key=lambda row: int(row["entry"])):
            units: Counter[str] = Counter()
            for row in group:
                units[row["unit"]] += row["change"]
                micros[row["location"]] += row["change"]
                if row["floor"] is not None and micros[row["location"]] < row["floor"]:
                    problems.append(f"entry {entry} leaves {micros[row['location']]} micros")
            problems += [f"entry {entry} sums to {units}"] if any(units.values()) else []
        return problems

    def lives(self, mark: str) -> dict[str, Life]:
        """Return the jobs whose title begins so, by job-uuid."""
        found = {
            row["job"]: Life(row["job"], row["node"], row["name"], row["flag"])
            for row in self.all("SELECT * FROM job WHERE name LIKE ?", f"{mark}-%")
        }
        for row in self.all("SELECT job, impressions FROM charge"):
            if row["job"] in found:
                found[row["job"]].billed += row["impressions"] or 0
                found[row["job"]].charges += 1
        for row in self.all(
            "SELECT data FROM event WHERE type LIKE '%.job-%' ORDER BY stream, seq"
        ):
            event = json.loads(row["data"])
            life = found.get(event["data"]["job"])
            if life is not None:
                _live(life, event)
        return found


def _live(life: Life, event: dict[str, Any]) -> None:
    at = datetime.fromisoformat(event["time"])
    kind = event["type"].split(".")[1]
    if kind == "job-released":
        life.released_at = life.released_at or at
    elif kind in {"job-settled", "job-flagged", "job-canceled"}:
        life.ended_at = at


async def judge(lab: Lab, crowd: Crowd, kills: Sequence[Kill]) -> Tally:
    """Compare everything once all is at rest: merged, nothing under way.

    Args:
        lab: the fleet.
        crowd: whose jobs.
        kills: what was killed, and when.
    """
    for site in lab.sites.values():
        await site.until_merged()
    books = Books(lab)
    try:
        lives = books.lives(crowd.mark)
    finally:
        books.close()
    paper = _paper(lab)
    tally = Tally(jobs=len(lives))
    for life in lives.values():
        _judge_job(tally, life, paper, kills)
    titles = {life.name for life in lives.values()}
    tally.problems += [
        f"{title} was printed, the books never heard of it"
        for title in crowd.printed.keys() - titles
    ]
    tally.problems += list(_broken_promises(crowd.promised, lives))
    tally.problems += [
        f"{life.name} never ended"
        for life in lives.values()
        if life.name in crowd.printed and life.ended_at is None
    ]
    tally.problems += await everything_agrees(lab)
    print(f"{len(kills)} kills, refusals {dict(crowd.refusals)}, {tally}")  # noqa: T201
    return tally


async def everything_agrees(lab: Lab) -> list[str]:
    """Return what the audit and both `verify` commands find wrong."""
    report = await audit(lab, seconds=0, may_flag=True)
    problems = list(report.problems)
    commands: list[tuple[str, ...]] = [("central", "verify", "--edges")]
    commands += [("edge", "verify", "--config", str(site.config)) for site in lab.sites.values()]
    for words in commands:
        try:
            await lab.command(*words)
        except LabError as error:
            problems.append(str(error))
    return problems


def paper_of(lab: Lab, job: str) -> int:
    """Return the sides that printers kept of one job."""
    return _paper(lab)[job.replace("-", "")[:12]]


def _paper(lab: Lab) -> Counter[str | None]:
    """Count the sides that printers kept, by the tag of the job; None: of no job."""
    paper: Counter[str | None] = Counter()
    for site in lab.sites.values():
        for printer in site.printers.values():
            for kept in printer.kept():
                paper[kept.tag] += kept.impressions or 0
    return paper


def _judge_job(tally: Tally, life: Life, paper: Counter[str | None], kills: Sequence[Kill]) -> None:
    printed = paper[life.job.replace("-", "")[:12]]
    tally.printed += printed
    tally.billed += life.billed
    hurt = any(life.in_flight(kill) for kill in kills)
    tally.in_flight += hurt
    if life.charges > 1:
        tally.problems.append(f"{life.name} was charged {life.charges} times")
    if life.flag:
        tally.flags[life.flag] += 1
        if not hurt:
            tally.problems.append(f"{life.name} is flagged ({life.flag}); nothing hurt it")
    elif printed != life.billed:
        tally.problems.append(
            f"{life.name} ({life.job}): {printed} printed, {life.billed} billed, no flag"
        )


def _broken_promises(promised: Iterable[UUID], lives: dict[str, Life]) -> Iterable[str]:
    for job in promised:
        life = lives.get(str(job))
        if life is None or life.released_at is None:
            yield f"the release of {job} was promised; the books do not know of it"
        elif life.ended_at is None:
            yield f"the release of {life.name} was promised and never ended"
