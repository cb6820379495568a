"""The site's working day: follows the spooler's events, sweeps, ends disputes, keeps the store."""

from __future__ import annotations

import asyncio
from datetime import timedelta
from typing import TYPE_CHECKING

from broker.messages import Note
from config.logs import logger
from edge.ports import EventsMissed, JobSeen, SpoolerRefusedError, SpoolerUnavailableError
from edge.release import Phase
from edge.store.errors import StoreUnwritableError

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable, Sequence

    from config.ids import JobId
    from edge.intake import Intake
    from edge.leftovers import Leftovers
    from edge.ports import Clock, PeopleQueue, PrinterQueue, SpooledJob, Spooler
    from edge.releasing import Releasing
    from edge.store.books import Books
    from edge.store.database import EdgeDatabase

_log = logger("edge.floor")

_SLICE = timedelta(milliseconds=5)
_BETWEEN_SLICES = 0.02
_TIDY_EVERY = 5.0
_AFTER_TROUBLE = 2.0
#: Records of ended jobs are kept in the tables this long: to list them and to notice reprints.
_RECORDS_KEPT = timedelta(days=30)


class Floor:
    """What goes on at the site by itself."""

    def __init__(
        self,
        *,
        spooler: Spooler,
        intake: Intake,
        releasing: Releasing,
        books: Books,
        databases: Sequence[EdgeDatabase],
        prune: Callable[[], None],
        leftovers: Leftovers,
        note: Callable[[Note], None],
        poll_every: timedelta,
        clock: Clock,
    ) -> None:
        self._spooler = spooler
        self._intake = intake
        self._releasing = releasing
        self._books = books
        self._databases = databases
        self._prune = prune
        self._leftovers = leftovers
        self._note = note
        self._poll_every = poll_every.total_seconds()
        self._clock = clock
        self._sweep_now = asyncio.Event()
        self._newest: dict[JobId, SpooledJob] = {}
        self._troubled: dict[str, str] = {}
        self._forgot_at = clock()
        self.prepared = False
        """The queues are as declared: people can print."""

    async def keep(self, people: Sequence[PeopleQueue], printers: Sequence[PrinterQueue]) -> None:
        """Bring the queues in order and look at all jobs again and again."""
        async with asyncio.TaskGroup() as work:
            # one new printer that is off keeps `prepare` busy; the jobs do not wait for it
            work.create_task(self.prepare(people, printers), name="queues")
            work.create_task(self.sweep(), name="jobs")

    async def prepare(
        self, people: Sequence[PeopleQueue], printers: Sequence[PrinterQueue]
    ) -> None:
        """Bring the queues in order; again and again until the spooler does it."""
        while not await self._sound("queues", self._spooler.set_up(people, printers)):  # noqa: ASYNC110  no event
            await asyncio.sleep(_AFTER_TROUBLE)
        self.prepared = True

    def sweep_soon(self) -> None:
        """Look at all jobs now: something has changed that lets more of them be released."""
        self._sweep_now.set()

    async def follow(self) -> None:
        """Look at each job the spooler speaks of; however often it does, one look at a time."""
        self._newest.clear()
        async with asyncio.TaskGroup() as looks:
            async for event in self._spooler.events():
                match event:
                    case EventsMissed():
                        self._sweep_now.set()
                    case JobSeen(job=spooled):
                        known = spooled.job in self._newest
                        self._newest[spooled.job] = spooled
                        if not known:
                            looks.create_task(self._look(spooled.job), name=f"look {spooled.job}")

    async def sweep(self) -> None:
        """Look at all jobs: when events may have been missed, and now and then in any case."""
        while True:
            self._sweep_now.clear()
            sound = await self._sound("jobs", self._intake.sweep())
            pause = self._poll_every if sound else _AFTER_TROUBLE
            try:
                async with asyncio.timeout(pause):
                    await self._sweep_now.wait()
            except TimeoutError:
                continue

    async def tidy(self) -> None:
        """End disputes, checkpoint in slices, drop what is old enough."""
        while True:
            await asyncio.sleep(_TIDY_EVERY)
            await self._sound("disputes", self._releasing.end_disputes())
            await self._sound("store", self._tidy())

    async def _tidy(self) -> None:
        for database in self._databases:
            while database.checkpoint_due and not database.checkpoint_step(_SLICE):  # noqa: ASYNC110  no event
                await asyncio.sleep(_BETWEEN_SLICES)
        before = self._clock() - _RECORDS_KEPT
        ended = self._books.jobs(Phase.SETTLED, Phase.CANCELED) if self._due_to_forget() else []
        old = [record.job for record in ended if record.ended_at and record.ended_at < before]
        if old:
            self._books.forget(old)
        self._prune()
        self._leftovers.sweep(asyncio.get_running_loop().time())

    def _due_to_forget(self) -> bool:
        """Once an hour is enough to look through every record."""
        now = self._clock()
        if now - self._forgot_at < timedelta(hours=1):
            return False
        self._forgot_at = now
        return True

    async def _look(self, job: JobId) -> None:
        seen: SpooledJob | None = None
        while (newest := self._newest[job]) is not seen:
            seen = newest
            if not await self._sound("jobs", self._intake.follow(seen)):
                self._sweep_now.set()
        del self._newest[job]

    async def _sound(self, area: str, work: Awaitable[object]) -> bool:
        """Do it; say once when the spooler or the disk is in trouble, and once when it is over."""
        try:
            await work
        except SpoolerUnavailableError as error:
            return self._trouble(area, "spooler-unavailable", str(error))
        except SpoolerRefusedError as error:
            return self._trouble(area, "spooler-refused", str(error))
        except StoreUnwritableError as error:
            detail = f"{error}; jobs stay held, nothing is charged"
            return self._trouble(area, "store-unwritable", detail)
        except Exception:  # noqa: BLE001  one job that fails must not stop the others
            _log.exception("work on the jobs failed", action="floor-error", area=area)
            return False
        if code := self._troubled.pop(area, None):
            detail = "over: this works again"
            self._note(Note(severity="info", code=code, subject=area, detail=detail, cleared=True))
        return True

    def _trouble(self, area: str, code: str, detail: str) -> bool:
        if self._troubled.get(area) != code:
            self._troubled[area] = code
            note = Note(severity="critical", code=code, subject=area, detail=detail[:1000])
            self._note(note)
        return False
