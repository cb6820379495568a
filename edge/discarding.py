"""Throws away jobs that wait: for who owns them, for their age, for what they take up."""

from __future__ import annotations

import asyncio
from dataclasses import dataclass
from typing import TYPE_CHECKING

from broker.messages import JobCanceled
from config.ids import JobId
from config.logs import logger
from edge.open_jobs import WAITING
from edge.ports import SpoolerRefusedError, SpoolerUnavailableError
from edge.release import Phase
from edge.standing import spoken
from edge.store.errors import StoreUnwritableError

if TYPE_CHECKING:
    from collections.abc import Callable
    from contextlib import AbstractAsyncContextManager
    from datetime import timedelta
    from uuid import UUID

    from edge.jobs import JobRecord
    from edge.open_jobs import OpenJobs
    from edge.ports import Clock, Spooler
    from edge.store.books import Books

#: Who cancels what nobody asked to be canceled (`JobCanceled.by`).
EDGE = "edge"
#: Seconds for which a job has to be too old before it goes: a clock that was wrong for a moment
#: throws nothing away.
PATIENCE = 600.0
_EVERY = 60.0

_log = logger("edge.discarding")


@dataclass(frozen=True, slots=True)
class WaitingLimits:
    """What may wait at a site."""

    jobs: int = 200
    """Jobs of one person."""
    octets: int = 2 << 30
    """Their documents together."""

    def passed(self, jobs: int, octets: int) -> str | None:
        """Say for people which limit these are over, None when they are within."""
        if jobs > self.jobs:
            return (
                f"{self.jobs} jobs of yours wait here already, which is the most; "
                "print or delete some, then print this one again"
            )
        if octets > self.octets:
            return (
                f"with this document yours here would take {_megabytes(octets)}, "
                f"{_megabytes(self.octets)} is the most; print or delete some, "
                "then print this one again"
            )
        return None


class Discarding:
    """Cancels jobs that wait, spooler first."""

    def __init__(self, books: Books, spooler: Spooler, *, clock: Clock) -> None:
        self._books = books
        self._spooler = spooler
        self._clock = clock

    async def discard(self, record: JobRecord, by: str, detail: str) -> JobRecord:
        """Cancel a job that waits, alone with it; return its record.

        Args:
            record: held or unreadable.
            by: who wants it: a user, a node, or `EDGE`.
            detail: why, for people.
        """
        # the spooler first: a job that is canceled here but prints there would be free
        await self._spooler.cancel(JobId(record.job))
        now = self._clock()
        after = record.with_(phase=Phase.CANCELED, ended_at=now)
        self._books.cancel(after, JobCanceled(job=record.job, by=by, detail=detail), now)
        await self._spooler.forget(JobId(record.job))
        return after


class Expiry:
    """Throws away what waits for too long."""

    def __init__(
        self,
        books: Books,
        open_jobs: OpenJobs,
        discarding: Discarding,
        *,
        alone_with: Callable[[UUID], AbstractAsyncContextManager[None]],
        after: timedelta,
        clock: Clock,
    ) -> None:
        """Take what it looks at.

        Args:
            books: the jobs.
            open_jobs: which of them wait, and since when.
            discarding: cancels them.
            alone_with: lets only one task at a time act on a job.
            after: how long a job may wait.
            clock: the time.
        """
        self._books = books
        self._open_jobs = open_jobs
        self._discarding = discarding
        self._alone_with = alone_with
        self._after = after
        self._clock = clock
        self._overdue: dict[UUID, float] = {}

    async def run(self) -> None:
        """Look now and then, until canceled; what fails is tried again the next time."""
        while True:
            await asyncio.sleep(_EVERY)
            try:
                await self.sweep(asyncio.get_running_loop().time())
            except (SpoolerUnavailableError, StoreUnwritableError) as error:
                _log.warning("jobs that are too old stay", action="expiry-waits", why=str(error))

    async def sweep(self, now: float) -> int:
        """Cancel what has been too old for a while; return how many.

        A job that the spooler will not cancel stays, and keeps no other one.

        Args:
            now: on a clock that never jumps, seconds.

        Raises:
            SpoolerUnavailableError: the rest is canceled next time.
        """
        overdue = self._open_jobs.received_before(self._clock() - self._after)
        self._overdue = {job: self._overdue.get(job, now) for job in overdue}
        due = [job for job, since in self._overdue.items() if now - since >= PATIENCE]
        ended = 0
        for job in due:
            try:
                await self._end(job)
            except SpoolerRefusedError as error:
                _log.warning("a job that is too old stays", action="expiry-waits", why=str(error))
                continue
            del self._overdue[job]
            ended += 1
        return ended

    async def _end(self, job: UUID) -> None:
        async with self._alone_with(job):
            record = self._books.job(job)
            if record is not None and record.phase in WAITING:
                detail = f"nobody printed it within {spoken(self._after)}"
                await self._discarding.discard(record, EDGE, detail)


def _megabytes(octets: int) -> str:
    return f"{octets / (1 << 20):.0f} MB"
