"""CUPS as the site's spooler: the port's methods, each carried out in a thread of a small pool."""

from __future__ import annotations

import asyncio
from concurrent.futures import ThreadPoolExecutor
from contextlib import aclosing, suppress
from functools import partial
from typing import TYPE_CHECKING, Final, TypeVar

from config.policy.jobs import JobState
from edge.ports import (
    EventsMissed,
    JobSeen,
    SpoolerRefusedError,
    SpoolerUnavailableError,
)
from edge.printing.calls import CupsCalls
from edge.printing.ipp import Field, Tag
from edge.printing.job_map import spooled_job
from edge.printing.listener import listen
from edge.printing.subscription import subscribe, unsubscribe

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Callable, Mapping, Sequence
    from pathlib import Path

    from config.ids import JobId
    from edge.ports import PeopleQueue, PrinterQueue, SpooledJob, SpoolerEvent
    from edge.release import Evidence

Result = TypeVar("Result")

#: Calls under way at once; each of these threads keeps its connection open.
_CALLS: Final = 4
_DEVICE_PAUSE: Final = 0.25
_HELD: Final = Field.one("job-hold-until", Tag.KEYWORD, "indefinite")
_GO: Final = Field.one("job-hold-until", Tag.KEYWORD, "no-hold")


class CupsSpooler:
    """The `Spooler` of a site, on the CUPS whose domain socket this is.

    The process must be a member of that CUPS's SystemGroup; see `operation_policy`.
    """

    def __init__(
        self,
        socket: Path,
        *,
        listening: Path | None = None,
        default_media: str = "iso_a4",
        poll: float = 30,
        timeout: float = 30,
        patience: float = 20,
    ) -> None:
        """Name the spooler; nothing is opened before the first call.

        Args:
            socket: path of the domain socket cupsd listens on.
            listening: where to make the socket that CUPS's notifier pushes events to, in a
                directory that CUPS's user may enter; None: events by polling alone.
            default_media: class of the paper plain text is laid out for; as in the analysis.
            poll: seconds between looks at everything.
            timeout: seconds of silence after which CUPS counts as unavailable.
            patience: seconds that `evidence` waits for a printer to finish what CUPS calls ended.
        """
        self._calls = CupsCalls(socket, timeout=timeout, default_media=default_media)
        self._pool = ThreadPoolExecutor(_CALLS, thread_name_prefix="spooler")
        self._listening = listening
        self._poll = poll
        self._patience = patience

    async def set_up(self, people: Sequence[PeopleQueue], printers: Sequence[PrinterQueue]) -> None:
        """Make these queues, or bring them in order."""
        await self._run(lambda: self._calls.set_up(people, printers))

    async def jobs(self) -> tuple[SpooledJob, ...]:
        """Return all jobs that have not ended, oldest first."""
        found = await self._run(lambda: self._calls.jobs("not-completed"))
        read = (spooled_job(each) for each in found)
        return tuple(each for each in read if each is not None)

    async def job(self, job: JobId) -> SpooledJob | None:
        """Return how a job stands."""
        found = await self._run(lambda: self._calls.find(job))
        return None if found is None else spooled_job(found)

    async def fetch(self, job: JobId, into: Path) -> bool:
        """Write the job's first document to `into`."""
        return await self._run(lambda: self._calls.fetch(job, into))

    async def hold(self, job: JobId) -> None:
        """Put a hold on a job that waits."""
        await self._run(lambda: self._calls.change(job, (_HELD,), frozenset({JobState.PENDING})))

    async def move(self, job: JobId, queue: str, changes: Mapping[str, str | int]) -> None:
        """Move a waiting job, held, to a printer's queue."""
        await self._run(lambda: self._calls.move(job, queue, changes))

    async def resume(self, job: JobId) -> None:
        """Take the hold off."""
        await self._run(lambda: self._calls.let_go(job, (_GO,)))

    async def cancel(self, job: JobId) -> None:
        """End a job."""
        await self._run(lambda: self._calls.end(job, purge=False))

    async def forget(self, job: JobId) -> None:
        """Remove an ended job and its document."""
        await self._run(lambda: self._calls.end(job, purge=True))

    async def evidence(self, job: JobId) -> Evidence:
        """Collect what CUPS and the printer say of a job.

        A printer may still be at work on a job that CUPS calls ended (canceled, for instance): its
        figures are waited for, within bounds; then they are what they are, with its state beside.
        """
        found = await self._run(lambda: self._calls.evidence(job))
        with suppress(TimeoutError):
            async with asyncio.timeout(self._patience):
                while _at_work(found):
                    await asyncio.sleep(_DEVICE_PAUSE)
                    found = await self._run(lambda: self._calls.evidence(job))
        return found

    async def events(self) -> AsyncIterator[SpoolerEvent]:
        """Yield what happens, `EventsMissed` first; goes on over failures of CUPS."""
        async with aclosing(listen(self._listening, self._keep_open, self._poll)) as looks:
            async for id_ in looks:
                if id_ is None:
                    yield EventsMissed()
                    continue
                # CUPS gone between event and look: the listener notices, and asks for everything
                with suppress(SpoolerUnavailableError):
                    seen = await self._run(partial(self._calls.at, id_))
                    job = None if seen is None else spooled_job(seen)
                    if job is not None:
                        yield JobSeen(job)

    async def close(self) -> None:
        """End the subscription and close the connections; calls under way end first."""
        if self._listening is not None:
            listening = self._listening
            with suppress(SpoolerUnavailableError, SpoolerRefusedError):
                await self._run(lambda: unsubscribe(self._calls, listening))
        await asyncio.to_thread(self._pool.shutdown)
        self._calls.close()

    async def _keep_open(self) -> bool:
        """Keep the way for jobs open in both directions: queues running, events pushed."""
        await self._run(self._calls.mend)
        listening = self._listening
        if listening is None:
            return False
        return await self._run(lambda: subscribe(self._calls, listening))

    async def _run(self, call: Callable[[], Result]) -> Result:
        return await asyncio.get_running_loop().run_in_executor(self._pool, call)


def _at_work(evidence: Evidence) -> bool:
    """Say whether the printer still works on a job that has ended for the spooler."""
    spooler, device = evidence.spooler_state, evidence.device_state
    return spooler is not None and spooler.terminal and device is not None and not device.terminal
