"""Judges a run: paper against bills, journals against books, receipts against charges, by SQL."""

from __future__ import annotations

import json
from collections import Counter
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import TYPE_CHECKING, Any

from demo.audit import Rows, audit
from demo.chaos.copy_oracle import Copies, weigh_copies
from demo.chaos.people import MARK
from demo.lab_error import LabError

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

    from demo.chaos.arena import Arena, Hurt
    from demo.chaos.clock import TurnedClock
    from demo.chaos.people import People, Told
    from demo.lab import Lab
    from demo.printers import KeptJob

#: How far one account may be charged past its money at a tracker, unless terms say otherwise.
LEAVE_MICROS = 20_000_000
#: What a clock and a kill may miss each other by.
_NEAR = timedelta(milliseconds=50)


@dataclass(slots=True)
class Life:
    """What the books know of one job."""

    job: str
    node: str
    name: str
    flag: str | None
    billed: int = 0
    charges: int = 0
    released: list[datetime] = field(default_factory=list)
    """When it was, by the right clock; several where the site's clock does not say."""
    ended: list[datetime] = field(default_factory=list)

    def in_flight(self, hurt: Hurt) -> bool:
        """Say whether it may have been released and not settled when this happened."""
        return (
            hurt.site == self.node
            and bool(self.released)
            and min(self.released) - _NEAR <= hurt.at
            and (not self.ended or hurt.at <= max(self.ended) + _NEAR)
        )


@dataclass(slots=True)
class Verdict:
    """What came of it."""

    jobs: int = 0
    events: int = 0
    """Events of edges in the books."""
    printed: int = 0
    billed: int = 0
    lost: int = 0
    """Jobs, sheets' sides and events that went missing."""
    doubled: int = 0
    """Charges, sides and events that took effect twice."""
    overspent_micros: int = 0
    """What was charged beyond what was paid in or stands as owed; what is below a floor."""
    owed_micros: int = 0
    """Past the allocation, by leave of a site's terms, and not collected yet."""
    past_micros: int = 0
    """All that was ever charged past the allocation, collected since or not."""
    flags: Counter[str] = field(default_factory=Counter)
    in_flight: int = 0
    """Jobs that were under way when something was killed that may have hurt them."""
    copies: dict[str, Copies] = field(default_factory=dict)
    """What copiers made, by device."""
    problems: list[str] = field(default_factory=list)


async def judge(arena: Arena, people: People) -> Verdict:
    """Compare everything once all is at rest: merged, nothing under way."""
    lab = arena.lab
    report = await audit(lab, seconds=0, may_flag=True)
    books = Rows(lab.root / "books" / "books.db")
    verdict = weigh(books, sides_of(lab), arena.hurts, arena.clocks, people.told)
    verdict.lost += report.events_lost
    verdict.doubled += report.events_duplicated
    verdict.overspent_micros += report.overspend_micros
    verdict.problems += report.problems
    for name, site in lab.sites.items():
        if (terminal := site.terminal) is not None:
            made, torn = terminal.copier.total, arena.torn[name]
            copies = weigh_copies(books, terminal.device, made=made, torn=torn)
            verdict.copies[terminal.device] = copies
            verdict.problems += copies.problems
    verdict.problems += await verified(lab)
    return verdict


def weigh(
    books: Rows,
    sides: Counter[str | None],
    hurts: Sequence[Hurt],
    clocks: Mapping[str, TurnedClock],
    told: Told,
) -> Verdict:
    """Compare the books with paper and with what people know.

    Args:
        books: by their own file.
        sides: printed, by the tag of the job.
        hurts: what was killed that may have hurt jobs.
        clocks: of sites whose clock was turned.
        told: what people know.
    """
    verdict = Verdict(events=_count(books, "event WHERE type NOT LIKE '%.opening.%'"))
    lives = _lives(books, clocks)
    verdict.jobs = len(lives)
    for life in lives.values():
        _judge_job(verdict, life, sides, hurts)
    _judge_promises(verdict, lives, told)
    _judge_money(verdict, books, told.receipts)
    if verdict.flags.total() > verdict.in_flight:
        verdict.problems.append(
            f"{verdict.flags.total()} jobs are flagged, {verdict.in_flight} were in flight"
        )
    return verdict


def _count(books: Rows, what: str) -> int:
    return int(books.one(f"SELECT count(*) AS n FROM {what}")["n"])  # noqa: S608  our own words


def _lives(books: Rows, clocks: Mapping[str, TurnedClock]) -> dict[str, Life]:
    """Return the jobs of this run by job-uuid."""
    found = {
        row["job"]: Life(row["job"], row["node"], row["name"], row["flag"])
        for row in books.all("SELECT * FROM job WHERE name LIKE ?", f"{MARK}-%")
    }
    for row in books.all("SELECT job, impressions FROM charge"):
        if row["job"] in found:
            found[row["job"]].billed += row["impressions"] or 0
            found[row["job"]].charges += 1
    for row in books.all(
        "SELECT data FROM event WHERE type LIKE '%.job-%' AND data IS NOT NULL ORDER BY stream, seq"
    ):
        event = json.loads(row["data"])
        life = found.get(event["data"]["job"])
        if life is not None:
            _live(life, event, clocks.get(life.node))
    return found


def _live(life: Life, event: dict[str, Any], clock: TurnedClock | None) -> None:
    told = datetime.fromisoformat(event["time"])
    kind = event["type"].split(".")[1]
    if kind == "job-released":
        life.released += _moments(told, clock)
    elif kind in {"job-settled", "job-flagged", "job-canceled"}:
        life.ended += _moments(told, clock)


def _moments(told: datetime, clock: TurnedClock | None) -> list[datetime]:
    return [told] if clock is None else list(clock.true(told)) or [told]


def paper(lab: Lab) -> Iterator[KeptJob]:
    """Yield what printers kept, at every site."""
    for site in lab.sites.values():
        for printer in site.printers.values():
            yield from printer.kept()


def sides_of(lab: Lab) -> Counter[str | None]:
    """Count the sides that printers kept, by the tag of the job; None: of no job."""
    sides: Counter[str | None] = Counter()
    for kept in paper(lab):
        sides[kept.tag] += kept.impressions or 0
    return sides


def _judge_job(
    verdict: Verdict, life: Life, sides: Counter[str | None], hurts: Sequence[Hurt]
) -> None:
    printed = sides[life.job.replace("-", "")[:12]]
    verdict.printed += printed
    verdict.billed += life.billed
    hurt = any(life.in_flight(each) for each in hurts)
    verdict.in_flight += hurt
    if life.charges > 1:
        verdict.doubled += life.charges - 1
        verdict.problems.append(f"{life.name} was charged {life.charges} times")
    if life.flag:
        verdict.flags[life.flag] += 1
        if not hurt:
            verdict.problems.append(
                f"{life.name} ({life.job}) at {life.node} is flagged ({life.flag}); nothing hurt it"
            )
    elif printed != life.billed:
        verdict.lost += max(0, printed - life.billed)
        verdict.doubled += max(0, life.billed - printed)
        verdict.problems.append(
            f"{life.name} ({life.job}) at {life.node}: {printed} printed, {life.billed} billed, "
            "no flag"
        )


def _judge_promises(verdict: Verdict, lives: Mapping[str, Life], told: Told) -> None:
    titles = {life.name for life in lives.values()}
    for title in told.printed.keys() - titles:
        verdict.lost += 1
        verdict.problems.append(f"{title} was printed, the books never heard of it")
    for job in told.promised:
        life = lives.get(str(job))
        if life is None or not life.released:
            verdict.lost += 1
            verdict.problems.append(
                f"the release of {job} was promised; the books do not know of it"
            )
    for life in lives.values():
        if life.name in told.printed and life.released and not life.ended:
            verdict.problems.append(f"{life.name} ({life.job}) was released and never ended")


def _judge_money(verdict: Verdict, books: Rows, receipts: Mapping[str, int]) -> None:
    """Compare what was charged to each account with what its owner ever paid in."""
    charged: Counter[str] = Counter()
    for row in books.all("SELECT paid FROM charge"):
        for part in json.loads(row["paid"]):
            charged[part["account"]] += part["micros"]
    owing: Counter[tuple[str, str]] = Counter()
    for row in books.all("SELECT account, node, micros, micros - collected AS open FROM owed"):
        charged[row["account"]] -= row["open"]
        verdict.owed_micros += row["open"]
        verdict.past_micros += row["micros"]
        owing[row["account"], row["node"]] += row["open"]
    for (account, node), micros in owing.items():
        if micros > LEAVE_MICROS:
            verdict.overspent_micros += micros - LEAVE_MICROS
            verdict.problems.append(f"{account} owes {micros} micros at {node}: above the leave")
    for account, micros in charged.items():
        beyond = micros - receipts.get(account, 0)
        if beyond > 0:
            verdict.overspent_micros += beyond
            verdict.problems.append(f"{account} was charged {beyond} micros more than was paid in")


async def verified(lab: Lab) -> list[str]:
    """Return what both `verify` commands find wrong."""
    commands: list[tuple[str, ...]] = [("central", "verify", "--edges")]
    commands += [("edge", "verify", "--config", str(site.config)) for site in lab.sites.values()]
    problems = []
    for words in commands:
        try:
            await lab.command(*words)
        except LabError as error:
            problems.append(str(error))
    return problems
