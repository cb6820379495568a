"""People who print and release at random while parts of the fleet die; what they were promised."""

from __future__ import annotations

import asyncio
import random
import secrets
from collections import Counter
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any
from uuid import UUID

from broker.messages import Person, ReleaseRequest
from demo import documents
from demo.lp import LpError
from edge.asking import NoAnswer

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Sequence
    from pathlib import Path

    from demo.lab import Lab
    from demo.lab import Person as Somebody
    from demo.site import Site

#: An answer that is not here by then was lost with whoever should have given it.
_ANSWER_SECONDS = 3.0
_PAUSE = 0.1
_AT_ONCE = 4
#: A person who got no answer, or was refused, does not hammer on the panel.
_BETWEEN_TRIES = 0.5
_AFTER_REFUSAL = 2.0
FINAL = frozenset({"settled", "disputed", "canceled"})


def dice_of(seed: int | None = None) -> random.Random:
    """Return dice, and print their seed so that a failure can be played again."""
    seed = secrets.randbits(32) if seed is None else seed
    print(f"seed {seed}")  # noqa: T201  pytest shows it where a test fails
    return random.Random(seed)  # noqa: S311  no secret hangs on it


@dataclass(slots=True)
class Crowd:
    """Prints, releases, remembers."""

    lab: Lab
    mark: str
    """How the titles of these jobs begin: tells them from those of other tests."""
    dice: random.Random
    people: Sequence[Somebody]
    pages: tuple[int, int] = (1, 3)
    answer_seconds: float = _ANSWER_SECONDS
    printed: dict[str, str] = field(default_factory=dict)
    """Title → site, of each job that a spooler took."""
    promised: set[UUID] = field(default_factory=set)
    """Jobs whose release was answered with ok."""
    refusals: Counter[str] = field(default_factory=Counter)
    """How often a release was refused, by the code of the reason."""

    async def print_all(self, count: int, *, seconds: float, sites: Sequence[Site]) -> None:
        """Print so many jobs, spread over so much time; a spooler that is away is tried again."""
        papers = self._papers()
        for number in range(count):
            site = self.dice.choice(sites)
            title = f"{self.mark}-{number:03d}"
            await asyncio.sleep(self.dice.uniform(0, 2 * seconds / count))
            await self._print(site, self.dice.choice(papers), title)

    @asynccontextmanager
    async def releasing(self) -> AsyncIterator[None]:
        """Release at every site meanwhile."""
        done = asyncio.Event()
        async with asyncio.TaskGroup() as tasks:
            for site in self.lab.sites.values():
                tasks.create_task(self._release_all(site, done))
            try:
                yield
            finally:
                done.set()

    async def _release_all(self, site: Site, until: asyncio.Event) -> None:
        """Release whatever is held at a site, at any printer, until told to stop."""
        clock = asyncio.get_running_loop().time
        again: dict[str, float] = {}
        at_once = asyncio.Semaphore(_AT_ONCE)

        async def release(row: dict[str, Any]) -> None:
            async with at_once:
                refused = await self._release(site, row)
                again[row["job"]] = clock() + (_AFTER_REFUSAL if refused else _BETWEEN_TRIES)

        while not until.is_set():
            due = [row for row in await self._held(site) if again.get(row["job"], 0) < clock()]
            async with asyncio.TaskGroup() as tasks:
                for row in due:
                    tasks.create_task(release(row))
            await asyncio.sleep(_PAUSE)

    async def until_final(self, *, seconds: float) -> None:
        """Wait until nothing of this crowd is under way any more.

        Raises:
            LabError: something still is; says what.
        """
        waiting: dict[str, Any] = {}

        async def final() -> bool:
            waiting.clear()
            waiting.update(await self._unfinished())
            return not waiting

        try:
            await self.lab.until_async(final, f"jobs of {self.mark} to end", seconds)
        except Exception as error:
            error.add_note(f"these did not: {waiting}")
            raise

    async def _unfinished(self) -> dict[str, Any]:
        left: dict[str, Any] = dict(self.printed)
        for site in self.lab.sites.values():
            try:
                rows = await site.jobs()
            except NoAnswer:
                return left
            for row in rows:
                if self.is_ours(row):
                    left.pop(row["name"], None)
                    if row["phase"] not in FINAL and not _has_no_document(row):
                        left[row["job"]] = row
        return left

    def is_ours(self, row: dict[str, Any]) -> bool:
        """Say whether a job is one of this crowd's."""
        return str(row["name"]).startswith(f"{self.mark}-")

    def _papers(self) -> list[Path]:
        papers = []
        low, high = self.pages
        for pages in range(low, high + 1):
            for colour in ((), (1,)):
                path = self.lab.root / f"paper-{pages}-{len(colour)}.pdf"
                papers.append(documents.pdf(path, pages, colour=colour))
        return papers

    async def _print(self, site: Site, paper: Path, title: str) -> None:
        person = self.dice.choice(self.people)
        while True:
            try:
                await site.print(paper, user=person.user, title=title)
            except LpError:
                await asyncio.sleep(
                    _PAUSE
                )  # the spooler is away; what it had not taken is not lost
            else:
                self.printed[title] = site.name
                return

    async def _held(self, site: Site) -> list[dict[str, Any]]:
        with suppress(NoAnswer):
            rows = await site.jobs(held_only=True)
            return [row for row in rows if row["phase"] == "held" and self.is_ours(row)]
        return []

    async def _release(self, site: Site, row: dict[str, Any]) -> bool:
        """Ask for one release; say whether it was refused."""
        card = next(person.card for person in self.people if person.user == row["user"])
        job = UUID(row["job"])
        with suppress(NoAnswer):
            reply = await site.ask(
                "release",
                ReleaseRequest,
                seconds=self.answer_seconds,
                job=job,
                printer=self.dice.choice(list(site.printers)),
                person=Person(card=card),
            )
            if reply.status == "ok":
                self.promised.add(job)
            elif reply.problem is not None:
                self.refusals[reply.problem.code] += 1
                return True
        return False


def _has_no_document(row: dict[str, Any]) -> bool:
    """Say whether `lp` died with the spooler before it sent the document: it was told so."""
    return row["phase"] == "unreadable" and "of 0 documents" in (row["problem"] or "")
