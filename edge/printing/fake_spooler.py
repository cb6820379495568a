"""The spooler's twin in memory: same behaviour, no CUPS; for tests of what stands on the port."""

from __future__ import annotations

import asyncio
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING
from uuid import UUID

from config.ids import JobId
from config.policy.jobs import JobState
from edge.ports import (
    EventsMissed,
    JobSeen,
    PrinterSeen,
    SpooledJob,
    SpoolerRefusedError,
    SpoolerUnavailableError,
)
from edge.release import Evidence

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Mapping, Sequence
    from datetime import datetime
    from pathlib import Path

    from edge.ports import PeopleQueue, PrinterQueue, SpoolerEvent

_WAITING = frozenset({JobState.PENDING, JobState.PENDING_HELD})


@dataclass(frozen=True, slots=True)
class PrinterBehaviour:
    """What a printer does with a job that is let go."""

    state: JobState = JobState.COMPLETED
    """How the job ends; PROCESSING: not yet, until `end`."""
    impressions: int | None = 1
    """What its own record says came out; None: it keeps no record."""


@dataclass(slots=True)
class _Job:
    spooled: SpooledJob
    document: bytes
    evidence: Evidence | None = None


@dataclass(slots=True)
class FakeSpooler:
    """A `Spooler` that a test can print to, make fail and look into."""

    down: bool = False
    """Every call is answered with `SpoolerUnavailableError`."""
    behaviour: PrinterBehaviour = PrinterBehaviour()
    """Of all its printers."""
    printed: list[tuple[str, JobId]] = field(default_factory=list)
    """Each time a document went to a printer: the printer's queue, the job."""
    _people: set[str] = field(default_factory=set)
    _printers: set[str] = field(default_factory=set)
    _jobs: dict[JobId, _Job] = field(default_factory=dict)
    _submitted: int = 0
    _listeners: list[asyncio.Queue[SpoolerEvent]] = field(default_factory=list)

    # ── what a test does ────────────────────────────────────────────────────────────────────

    def submit(
        self,
        queue: str,
        document: bytes,
        *,
        user: str,
        name: str = "document",
        attributes: Mapping[str, object] | None = None,
        created_at: datetime | None = None,
        held: bool = True,
    ) -> JobId:
        """Print to a people's queue; `held` False is a client that asks for no hold.

        Raises:
            SpoolerRefusedError: no such queue, or one that people may not use.
        """
        if queue not in self._people:
            raise SpoolerRefusedError(f"people may not print to {queue!r}")
        asked = {"job-name": name, "job-originating-user-name": user, **(attributes or {})}
        state = JobState.PENDING_HELD if held else JobState.PENDING
        job = self._next()
        spooled = SpooledJob(job, queue, state, user, name, 1, created_at, asked)
        self._jobs[job] = _Job(spooled, document)
        self._tell(JobSeen(spooled))
        return job

    def end(
        self, job: JobId, state: JobState, impressions: int | None, *, color: int | None = None
    ) -> None:
        """End a job at its printer, which may say how many impressions had colour."""
        there = self._jobs[job]
        there.evidence = Evidence(
            spooler_state=state,
            spooler_impressions=impressions,
            device_state=None if impressions is None else state,
            device_impressions=impressions,
            device_color_impressions=color,
        )
        self._put(there, state=state)

    def lose(self, job: JobId) -> None:
        """Forget a job as a spooler does whose disk was lost."""
        del self._jobs[job]

    # ── the port ────────────────────────────────────────────────────────────────────────────

    async def set_up(self, people: Sequence[PeopleQueue], printers: Sequence[PrinterQueue]) -> None:
        """Know these queues."""
        await self._answer()
        self._people |= {queue.name for queue in people}
        self._printers |= {printer.name for printer in printers}

    async def printers(self) -> Mapping[str, PrinterSeen]:
        """Say that every printer's queue is idle."""
        await self._answer()
        return {name: PrinterSeen("idle", ("none",)) for name in self._printers}

    async def jobs(self) -> tuple[SpooledJob, ...]:
        """Return all jobs that have not ended, oldest first."""
        await self._answer()
        return tuple(job.spooled for job in self._jobs.values() if not job.spooled.state.terminal)

    async def job(self, job: JobId) -> SpooledJob | None:
        """Return how a job stands."""
        await self._answer()
        there = self._jobs.get(job)
        return there.spooled if there else None

    async def fetch(self, job: JobId, into: Path) -> bool:
        """Write the job's document."""
        await self._answer()
        there = self._jobs.get(job)
        if there is None:
            return False
        into.write_bytes(there.document)  # noqa: ASYNC240  a twin for tests, small documents
        return True

    async def hold(self, job: JobId) -> None:
        """Put a hold on a job that waits."""
        await self._answer()
        there = self._jobs.get(job)
        if there is not None and there.spooled.state is JobState.PENDING:
            self._put(there, state=JobState.PENDING_HELD)

    async def move(self, job: JobId, queue: str) -> None:
        """Move a waiting job, held, to a printer's queue."""
        await self._answer()
        there = self._jobs.get(job)
        if there is None or there.spooled.state not in _WAITING or there.spooled.queue == queue:
            return
        if queue not in self._printers:
            raise SpoolerRefusedError(f"there is no printer's queue {queue!r}")
        there.spooled = replace(there.spooled, queue=queue)
        self._put(there, state=JobState.PENDING_HELD)

    async def resume(self, job: JobId, changes: Mapping[str, str | int]) -> None:
        """Take the hold off; on a printer's queue the job prints at once."""
        await self._answer()
        there = self._jobs.get(job)
        if there is None or there.spooled.state is not JobState.PENDING_HELD:
            return
        if there.spooled.queue not in self._printers:
            self._put(there, state=JobState.PENDING)
            return
        if there.spooled.documents > 1:
            await self.cancel(job)
            return
        asked = {**there.spooled.attributes, **changes}
        there.spooled = replace(there.spooled, attributes=asked)
        self.printed.append((there.spooled.queue, job))
        if self.behaviour.state.terminal:
            self.end(job, self.behaviour.state, self.behaviour.impressions)
        else:
            self._put(there, state=self.behaviour.state)

    async def release(self, seen: SpooledJob, queue: str, changes: Mapping[str, str | int]) -> None:
        """Move a job and let it go."""
        await self.move(seen.job, queue)
        await self.resume(seen.job, changes)

    async def cancel(self, job: JobId) -> None:
        """End a job."""
        await self._answer()
        there = self._jobs.get(job)
        if there is not None and not there.spooled.state.terminal:
            self._put(there, state=JobState.CANCELED)

    async def put_back(
        self,
        job: JobId,
        queue: str,
        *,
        user: str,
        changes: Mapping[str, str | int | None],
        mark: str,
    ) -> JobId | None:
        """Submit an ended job's document again, once."""
        await self._answer()
        for each in self._jobs.values():
            if each.spooled.mark == mark and not each.spooled.state.terminal:
                return each.spooled.job
        there = self._jobs.get(job)
        if there is None:
            return None
        if queue not in self._people:
            raise SpoolerRefusedError(f"people may not print to {queue!r}")
        old = there.spooled
        rest = self._next()
        mine = {"job-name": old.name, "job-originating-user-name": user}
        asked = {k: v for k, v in {**old.attributes, **changes, **mine}.items() if v is not None}
        held = JobState.PENDING_HELD
        spooled = SpooledJob(rest, queue, held, user, old.name, 1, None, asked, mark)
        self._jobs[rest] = _Job(spooled, there.document)
        self._tell(JobSeen(spooled))
        return rest

    async def take_in(
        self,
        document: Path,
        queue: str,
        *,
        user: str,
        name: str,
        options: Mapping[str, str],
        mark: str,
    ) -> JobId:
        """Submit a document as somebody, once."""
        there = await self.marked(mark)
        if there is not None:
            return there
        if queue not in self._people:
            raise SpoolerRefusedError(f"people may not print to {queue!r}")
        job, octets = self._next(), document.read_bytes()  # noqa: ASYNC240  a twin for tests
        asked = {"job-name": name, "job-originating-user-name": user, **options}
        held = JobState.PENDING_HELD
        spooled = SpooledJob(job, queue, held, user, name, 1, None, asked, mark)
        self._jobs[job] = _Job(spooled, octets)
        self._tell(JobSeen(spooled))
        return job

    async def marked(self, mark: str) -> JobId | None:
        """Return the job with a mark, also one that has ended."""
        await self._answer()
        marks = {each.spooled.mark: each.spooled.job for each in self._jobs.values()}
        return marks.get(mark)

    async def forget(self, job: JobId) -> None:
        """Remove a job and its document."""
        await self._answer()
        self._jobs.pop(job, None)

    async def evidence(self, job: JobId) -> Evidence:
        """Say what became of a job."""
        await self._answer()
        there = self._jobs.get(job)
        if there is None:
            return Evidence(spooler_state=None)
        return there.evidence or Evidence(spooler_state=there.spooled.state)

    async def events(self) -> AsyncIterator[SpoolerEvent]:
        """Yield what happens, `EventsMissed` first."""
        mine: asyncio.Queue[SpoolerEvent] = asyncio.Queue()
        mine.put_nowait(EventsMissed())
        self._listeners.append(mine)
        try:
            while True:
                yield await mine.get()
        finally:
            self._listeners.remove(mine)

    async def close(self) -> None:
        """Nothing to let go of."""

    # ── below ───────────────────────────────────────────────────────────────────────────────

    async def _answer(self) -> None:
        """Give way as a real call does, then fail if down."""
        await asyncio.sleep(0)
        if self.down:
            raise SpoolerUnavailableError("the fake spooler was told to be down")

    def _next(self) -> JobId:
        self._submitted += 1
        return JobId(UUID(int=0xFA4E << 112 | self._submitted << 64 | 1 << 63))

    def _put(self, there: _Job, *, state: JobState) -> None:
        there.spooled = replace(there.spooled, state=state)
        self._tell(JobSeen(there.spooled))

    def _tell(self, event: SpoolerEvent) -> None:
        for listener in self._listeners:
            listener.put_nowait(event)
