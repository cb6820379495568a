"""People who print, release and top up while everything fails around them; what they were told."""

from __future__ import annotations

import asyncio
from collections import Counter
from contextlib import suppress
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any
from uuid import UUID

from broker.messages import Person, ReleaseRequest
from config.policy.money import Money
from demo import documents
from demo.lab_error import LabError
from demo.lp import LpError
from demo.site import PULL
from edge.asking import NoAnswer

if TYPE_CHECKING:
    import random
    from collections.abc import Sequence
    from pathlib import Path

    from demo.lab import Lab
    from demo.lab import Person as Somebody
    from demo.site import Site

MARK = "chaos"
#: An answer that is not here by then was lost with whoever should have given it.
_ANSWER_SECONDS = 3.0
_PAUSE = 0.2
_AT_ONCE = 3
#: A person who got no answer, or was refused, does not hammer on the panel.
_BETWEEN_TRIES = 1.0
_AFTER_REFUSAL = 3.0
_LOOK_AGAIN = 1.0
_MOST_PAGES = 3
#: Part of the jobs that go to a printer's own queue where there is a shared one too.
_DIRECT = 0.2
FINAL = frozenset({"settled", "disputed", "canceled"})


@dataclass(slots=True)
class Told:
    """What people know."""

    receipts: Counter[str] = field(default_factory=Counter)
    """Account → all that was ever paid in, in micros; at least what the books got."""
    printed: dict[str, str] = field(default_factory=dict)
    """Title → site, of each job that a spooler took."""
    promised: set[UUID] = field(default_factory=set)
    """Jobs whose release was answered with ok."""
    refusals: Counter[str] = field(default_factory=Counter)
    """How often a release was refused, by the code of the reason."""


@dataclass(slots=True)
class People:
    """Prints, releases, tops up, remembers."""

    lab: Lab
    dice: random.Random
    everybody: Sequence[Somebody]
    holding: frozenset[str]
    """Sites that hold jobs for release; at others people print to a printer's own queue."""
    told: Told = field(default_factory=Told)
    _number: int = 0

    def __post_init__(self) -> None:
        """Count what everybody begins with."""
        for person in self.everybody:
            self.told.receipts[f"user:{person.user}"] += Money.parse(person.credit, "EUR").micros

    async def print_until(self, done: asyncio.Event, *, every: float) -> None:
        """Print at random moments, one job in so many seconds on average."""
        papers = await asyncio.to_thread(self._papers)
        under_way: set[asyncio.Task[None]] = set()
        while not await _set_within(done, self.dice.uniform(0, 2 * every)):
            site = self.dice.choice(list(self.lab.sites.values()))
            self._number += 1
            title = f"{MARK}-{self._number:05d}"
            queue = PULL
            if site.name not in self.holding or self.dice.random() < _DIRECT:
                queue = f"direct-{self.dice.choice(list(site.printers))}"
            person = self.dice.choice(self.everybody)
            paper = self.dice.choice(papers)
            task = asyncio.create_task(self._print(site, paper, title, person.user, queue))
            under_way.add(task)
            task.add_done_callback(under_way.discard)
        if under_way:
            await asyncio.gather(*under_way)

    async def release_until(self, done: asyncio.Event, site: Site) -> None:
        """Release whatever is held at a site, at any printer."""
        clock = asyncio.get_running_loop().time
        again: dict[str, float] = {}
        at_once = asyncio.Semaphore(_AT_ONCE)

        async def release(row: dict[str, Any]) -> None:
            async with at_once:
                refused = await self._release(site, row)
                again[row["job"]] = clock() + (_AFTER_REFUSAL if refused else _BETWEEN_TRIES)

        while not await _set_within(done, _PAUSE):
            due = [row for row in await self._held(site) if again.get(row["job"], 0) < clock()]
            async with asyncio.TaskGroup() as tasks:
                for row in due:
                    tasks.create_task(release(row))

    async def pay_in(self, user: str, amount: str) -> None:
        """Top an account up; tried again while the books are away."""
        while True:
            # even what is said to have failed may be in the books
            self.told.receipts[f"user:{user}"] += Money.parse(amount, "EUR").micros
            try:
                await self.lab.central("topup", f"user:{user}", amount)
            except LabError:
                await asyncio.sleep(_LOOK_AGAIN)
            else:
                return

    async def until_final(self, *, seconds: float) -> dict[str, Any]:
        """Wait until nothing is under way any more; return what still is when the time is up."""
        clock = asyncio.get_running_loop().time
        deadline = clock() + seconds
        while True:
            left = await self._unfinished()
            if not left or clock() > deadline:
                return left
            await asyncio.sleep(_LOOK_AGAIN)

    async def _unfinished(self) -> dict[str, Any]:
        left: dict[str, Any] = dict(self.told.printed)
        for site in self.lab.sites.values():
            try:
                rows = await site.jobs()
            except NoAnswer:
                return left
            for row in rows:
                left.pop(row["name"], None)
                if row["phase"] not in FINAL and not _has_no_document(row):
                    left[row["job"]] = row
        return left

    def _papers(self) -> list[Path]:
        papers = []
        for pages in range(1, _MOST_PAGES + 1):
            for colour in ((), (1,)):
                path = self.lab.root / f"paper-{pages}-{len(colour)}.pdf"
                papers.append(documents.pdf(path, pages, colour=colour))
        return papers

    async def _print(self, site: Site, paper: Path, title: str, user: str, queue: str) -> None:
        while True:
            try:
                await site.print(paper, user=user, title=title, queue=queue)
            except LpError:
                # the spooler is away; what it had not taken is not lost
                await asyncio.sleep(_PAUSE)
            else:
                self.told.printed[title] = site.name
                return

    async def _held(self, site: Site) -> list[dict[str, Any]]:
        with suppress(NoAnswer):
            return [row for row in await site.jobs(held_only=True) if row["phase"] == "held"]
        return []

    async def _release(self, site: Site, row: dict[str, Any]) -> bool:
        """Ask for one release; say whether it was refused."""
        card = next(person.card for person in self.everybody if person.user == row["user"])
        job = UUID(row["job"])
        with suppress(NoAnswer):
            reply = await site.ask(
                "release",
                ReleaseRequest,
                seconds=_ANSWER_SECONDS,
                job=job,
                printer=self.dice.choice(list(site.printers)),
                person=Person(card=card),
            )
            if reply.status == "ok":
                self.told.promised.add(job)
            elif reply.problem is not None:
                self.told.refusals[reply.problem.code] += 1
                return True
        return False


async def _set_within(event: asyncio.Event, seconds: float) -> bool:
    """Wait so long; say whether the event came."""
    with suppress(TimeoutError):
        async with asyncio.timeout(seconds):
            await event.wait()
    return event.is_set()


def _has_no_document(row: dict[str, Any]) -> bool:
    """Say whether `lp` died with the spooler before it sent the document: it was told so."""
    return row["phase"] == "unreadable" and "of 0 documents" in (row["problem"] or "")
