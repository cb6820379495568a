"""Jobs on their way in: what the spooler shows is counted and held; what is ours goes on.

One door for events and for repair: `look` takes what the spooler says of one job and brings our
books in line; `sweep` does so for all, so a lost event costs time and nothing else.
"""

from __future__ import annotations

import asyncio
from dataclasses import dataclass
from datetime import timedelta
from typing import TYPE_CHECKING

from broker.messages import JobCanceled, JobFlagged, JobHeld
from config.ids import JobId
from config.policy.attributes import AttributesRefused, read_attributes
from config.policy.jobs import JobState
from edge.changes import compact
from edge.discarding import EDGE
from edge.jobs import JobRecord
from edge.ports import SpoolerUnavailableError, Unreadable
from edge.release import Phase
from edge.rest import whole_of
from edge.standing import PASSING
from edge.store.documents import upload_of
from edge.store.errors import StoreUnwritableError
from edge.wishes import Wish

if TYPE_CHECKING:
    from collections.abc import Awaitable, Mapping
    from contextlib import AbstractAsyncContextManager
    from pathlib import Path

    from edge.discarding import Discarding, WaitingLimits
    from edge.open_jobs import OpenJobs
    from edge.ports import Analyst, Clock, SpooledJob, Spooler
    from edge.releasing import Releasing
    from edge.store.books import Books

#: Documents that are counted at the same time: each may keep a core busy.
_AT_ONCE = 2
#: A job comes before its document does (IPP Create-Job, Send-Document), and no event tells of the
#: document. It is looked for at these pauses, in seconds, then at each sweep while it is young.
_FIRST_PAUSE = 0.02
_LONGEST_PAUSE = 1.0
_PAUSES = 60
_STILL_COMING = timedelta(minutes=10)
#: Why a job was thrown away as it came (`JobRecord.cause`).
OVER_LIMIT = "over-limit"
_AT_WORK = frozenset({JobState.PENDING, JobState.PROCESSING, JobState.PROCESSING_STOPPED})


@dataclass(frozen=True, slots=True)
class Queue:
    """A queue people print to."""

    name: str
    printer: str | None
    """Device id for a direct queue; None for a pull queue."""


class Intake:
    """Brings the spooler's jobs into the books."""

    def __init__(
        self,
        *,
        books: Books,
        spooler: Spooler,
        analyst: Analyst,
        releasing: Releasing,
        queues: Mapping[str, Queue],
        open_jobs: OpenJobs,
        discarding: Discarding,
        limits: WaitingLimits,
        work: Path,
        clock: Clock,
    ) -> None:
        self._open_jobs = open_jobs
        self._discarding = discarding
        self._limits = limits
        self._books = books
        self._spooler = spooler
        self._analyst = analyst
        self._releasing = releasing
        self._queues = queues
        self._work = work
        self._clock = clock
        self._counting = asyncio.Semaphore(_AT_ONCE)

    async def sweep(self) -> int:
        """Look at every job the spooler or our books hold open; return how many.

        Raises:
            SpoolerUnavailableError: nothing was looked at, or not all.
            StoreUnwritableError: likewise.
            Exception: what went wrong with one job; all others were looked at.
        """
        seen = await self._spooler.jobs()
        open_here = self._books.jobs(Phase.HELD, Phase.UNREADABLE, Phase.RELEASING)
        shown = {spooled.job for spooled in seen}
        missing = [
            record for record in open_here if record.job not in shown and record.service == "print"
        ]
        failed: list[Exception] = []
        for spooled in seen:
            if not self._still_comes(spooled):
                await _apart(self.look(spooled), failed)
        for record in missing:
            await _apart(self._search(JobId(record.job)), failed)
        if failed:
            raise failed[0]
        return len(seen) + len(missing)

    async def follow(self, spooled: SpooledJob) -> None:
        """Look at a job the spooler speaks of, once its document is there."""
        pause = _FIRST_PAUSE
        found: SpooledJob | None = spooled
        for _ in range(_PAUSES):
            if found is None:
                return
            if not self._still_comes(found):
                await self.look(found)
                return
            await asyncio.sleep(pause)
            pause = min(pause * 2, _LONGEST_PAUSE)
            found = await self._spooler.job(found.job)

    def _still_comes(self, spooled: SpooledJob) -> bool:
        """Say whether a job's document is on its way; one that never came is shown as it is."""
        return (
            not spooled.documents
            and not spooled.state.terminal
            and spooled.created_at is not None
            and self._clock() - spooled.created_at < _STILL_COMING
        )

    async def look(self, spooled: SpooledJob) -> None:
        """Bring our books in line with what the spooler says of one job."""
        async with self._releasing.alone_with(spooled.job):
            record = self._books.job(spooled.job)
            if record is None:
                await self._arrived(spooled)
            elif record.phase is Phase.RELEASING:
                await self._releasing.advance(record)
            elif record.phase in {Phase.HELD, Phase.UNREADABLE}:
                await self._waits(record, spooled)
            elif record.phase.final:
                await self._again(record, spooled)

    async def _search(self, job: JobId) -> None:
        """Find out what became of a job that is open here and not among the spooler's."""
        async with self._releasing.alone_with(job):
            await self._ended(job, await self._spooler.job(job))

    async def _arrived(self, spooled: SpooledJob) -> None:
        queue = self._queues.get(spooled.queue)
        if queue is None or spooled.state.terminal:
            return  # not where people print, or thrown away before anybody looked
        if spooled.state is not JobState.PENDING_HELD:
            await self._spooler.hold(spooled.job)
        record = await self._count(spooled, queue, await self._whole(spooled))
        if record is None:
            return  # gone while it was counted
        over = self._over(record)
        if over is not None:
            record = record.with_(phase=Phase.UNREADABLE, problem=over, cause=OVER_LIMIT)
        event = JobHeld(
            job=record.job,
            queue=record.queue,
            user=record.user,
            name=record.name,
            received_at=record.received_at,
            counted=record.counted,
            rest_of=record.rest_of,
            problem=record.problem or self._releasing.standing.waits(record),
        )
        upload = None if spooled.mark is None else upload_of(spooled.mark)
        self._books.hold(record, event, self._clock(), upload=upload)
        if over is not None:
            await self._discarding.discard(record, EDGE, over)
            return
        await self._at_once(record)

    async def _whole(self, spooled: SpooledJob) -> JobRecord | None:
        """Return the job whose rest one is that comes; None: of none, whatever it says.

        That one is settled first: what is paid there and what is left here are one decision.
        """
        job = whole_of(spooled.mark)
        whole = None if job is None else self._books.job(job)
        if whole is None or whole.rest is None or whole.rest.mark != spooled.mark:
            return None
        if not whole.phase.final:
            # a job with a record waits for no other's turn, so neither waits for ever
            async with self._releasing.alone_with(whole.job):
                whole = self._books.job(whole.job)
                if whole is not None and whole.phase is Phase.RELEASING:
                    await self._releasing.advance(whole)
                    whole = self._books.job(whole.job)
        return whole if whole is not None and whole.rest_job == spooled.job else None

    def _over(self, record: JobRecord) -> str | None:
        """Say for people which limit a job that comes would pass; None when it may stay."""
        if record.rest_of is not None:
            return None  # it was here before
        jobs, octets = self._open_jobs.waiting(record.user, direct=record.direct)
        return self._limits.passed(jobs + 1, octets + record.octets)

    async def _at_once(self, record: JobRecord) -> None:
        """Release a direct queue's job, once: until somebody has had an answer.

        Again, when what stood in the way was the site itself and is over.
        """
        queue = self._queues.get(record.queue)
        if queue is None or queue.printer is None:
            return
        if not record.answered or self._works_again(record):
            wish = Wish(queue.printer, record.user or None, unattended=True)
            await self._releasing.release_here(record, wish)

    def _works_again(self, record: JobRecord) -> bool:
        return record.refused in PASSING and self._releasing.standing.refuses(record) is None

    async def _count(
        self, spooled: SpooledJob, queue: Queue, whole: JobRecord | None
    ) -> JobRecord | None:
        """Count the document: facts from it and from the job's attributes, nothing from claims."""
        read = read_attributes(spooled.attributes)
        # what people gave it may be anything: cut to what fits an event, or left out
        named = read_attributes({"job-name": spooled.name})
        owned = read_attributes({"job-originating-user-name": spooled.user})
        base = JobRecord(
            job=spooled.job,
            queue=queue.name,
            direct=queue.printer is not None,
            user="" if isinstance(owned, AttributesRefused) else owned.user or "",
            name="" if isinstance(named, AttributesRefused) else named.job_name,
            received_at=spooled.created_at or self._clock(),
            phase=Phase.UNREADABLE,
            role=whole.role if whole else self._releasing.standing.role().name,
            rest_of=whole.job if whole else None,
            answered=whole is not None,  # the printer of a direct queue is the one that failed
        )
        if isinstance(read, AttributesRefused):
            return base.with_(problem="; ".join(map(str, read.refusals))[:500])
        if spooled.documents != 1:
            return base.with_(problem=_several(spooled.documents))
        if self._over(base) is not None:
            return base  # as it will not stay, it need not be counted
        async with self._counting, self._fetched(spooled.job) as path:
            if path is None:
                return None
            answer = await self._analyst(path, read)
            base = base.with_(octets=_octets(path))
        if isinstance(answer, Unreadable):
            return base.with_(attributes=read, problem=answer.reason[:500])
        return base.with_(
            attributes=read,
            planned=answer.figures,
            pages=answer.pages,
            colour=compact(answer.colour_pages),
            document_format=answer.document_format,
            phase=Phase.HELD,
        )

    def _fetched(self, job: JobId) -> AbstractAsyncContextManager[Path | None]:
        return _Fetched(self._spooler, job, self._work / f"{job}.document")

    async def _waits(self, record: JobRecord, spooled: SpooledJob) -> None:
        """Follow what others did to a job that waits."""
        if spooled.state.terminal:
            await self._ended(JobId(record.job), spooled)
        elif record.cause == OVER_LIMIT:  # we died before it was thrown away
            await self._discarding.discard(record, EDGE, record.problem or "")
        elif spooled.queue == record.queue and spooled.state is not JobState.PENDING_HELD:
            await self._spooler.hold(spooled.job)
        elif spooled.documents > 1 and record.phase is Phase.HELD:
            self._grown(record, spooled.documents)
        elif spooled.queue != record.queue and record.cause is None:
            self._flag(record, "moved-elsewhere", _elsewhere(spooled))
        elif spooled.queue == record.queue and record.phase is Phase.HELD:
            await self._at_once(record)  # we died, or could not write, before it was answered

    async def _ended(self, job: JobId, spooled: SpooledJob | None) -> None:
        record = self._books.job(job)
        if record is None or record.phase.final:
            return
        if record.phase is Phase.RELEASING:
            await self._releasing.advance(record)
            return
        if spooled is not None and not spooled.state.terminal:
            return
        if spooled is not None and spooled.state is JobState.COMPLETED and record.cause is None:
            record = self._flag(record, "moved-elsewhere", _elsewhere(spooled))
        detail = f"{spooled.state} in the queue" if spooled else "the spooler no longer knows it"
        now = self._clock()
        after = record.with_(phase=Phase.CANCELED, ended_at=now)
        by = record.user if spooled else "spooler"
        self._books.cancel(after, JobCanceled(job=job, by=by, detail=detail), now)

    async def _again(self, record: JobRecord, spooled: SpooledJob) -> None:
        """Notice an ended job that prints once more: not by us, so never charged (PROTOCOL 4)."""
        if spooled.state not in _AT_WORK or record.cause == "reprint":
            return
        # what was seen may be from before it was settled here: only what is so now counts
        now = await self._spooler.job(spooled.job)
        if now is not None and now.state in _AT_WORK:
            detail = f"printing on {now.queue} after it was {record.phase}; not charged"
            self._flag(record, "reprint", detail)

    def _grown(self, record: JobRecord, documents: int) -> None:
        """Take back what was counted of a job to which more was sent afterwards."""
        problem = _several(documents)
        after = record.with_(
            phase=Phase.UNREADABLE, planned=None, problem=problem, cause="document-added"
        )
        event = JobFlagged(job=record.job, cause="document-added", detail=problem)
        self._books.flag(after, event, self._clock())

    def _flag(self, record: JobRecord, cause: str, detail: str) -> JobRecord:
        after = record.with_(cause=cause)
        self._books.flag(
            after, JobFlagged(job=record.job, cause=cause, detail=detail), self._clock()
        )
        return after


async def _apart(work: Awaitable[None], failed: list[Exception]) -> None:
    """Do it; what is wrong with one job must not keep the next ones waiting."""
    try:
        await work
    except (SpoolerUnavailableError, StoreUnwritableError):
        raise  # so it is with all of them
    except Exception as error:  # noqa: BLE001  once a job; reported by who asked for the sweep
        failed.append(error)


def _elsewhere(spooled: SpooledJob) -> str:
    return f"{spooled.state} on {spooled.queue} by somebody else's hand; it was not released here"


def _octets(path: Path) -> int:
    try:
        return path.stat().st_size
    except FileNotFoundError:
        return 0


def _several(documents: int) -> str:
    return f"a job of {documents} documents is not counted; print each by itself"


class _Fetched:
    """A held document as a file that is gone afterwards."""

    def __init__(self, spooler: Spooler, job: JobId, path: Path) -> None:
        self._spooler = spooler
        self._job = job
        self._path = path

    async def __aenter__(self) -> Path | None:
        try:
            return self._path if await self._spooler.fetch(self._job, self._path) else None
        except BaseException:
            self._path.unlink(missing_ok=True)  # half of it: on a full disk every byte counts
            raise

    async def __aexit__(self, *_: object) -> None:
        self._path.unlink(missing_ok=True)
