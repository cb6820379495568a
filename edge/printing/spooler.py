"""CUPS as the site's spooler: the port's methods, each carried out in a thread of a small pool."""

from __future__ import annotations

import asyncio
from contextlib import aclosing, suppress
from functools import partial
from typing import TYPE_CHECKING, Final, TypeVar

from edge.ports import (
    EventsMissed,
    JobSeen,
    SpoolerRefusedError,
    SpoolerUnavailableError,
)
from edge.printing import queues
from edge.printing.calls import CupsCalls
from edge.printing.crew import Crew
from edge.printing.job_map import spooled_job
from edge.printing.listener import Lull, listen
from edge.printing.putting_back import put_back
from edge.printing.subscription import subscribe, unsubscribe
from edge.printing.taking_in import take_in, taken_in

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Callable, Mapping, Sequence
    from pathlib import Path

    from config.ids import JobId
    from edge.ports import PeopleQueue, PrinterQueue, PrinterSeen, SpooledJob, SpoolerEvent
    from edge.release import Evidence

Result = TypeVar("Result")

#: Calls under way at once; each of these threads keeps its connection open.
_CALLS: Final = 4
_DEVICE_PAUSE: Final = 0.25
#: Calls that may hang before all are refused.
_HANGING: Final = 8
_MADE_PAUSES: Final = (0.1, 0.5)
_ALONE_PAUSES: Final = (0.15, 0.3, 0.6)


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
        timeout: float = 15,
        patience: float = 20,
        made_within: float = 30,
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
            made_within: seconds that a new printer may take to say what it is, before `set_up`
                names it as missing.

        Raises:
            CupsMissingError: pycups is not installed; the text says how to get it.
        """
        self._socket = socket
        self._calls = CupsCalls(socket, timeout=timeout, default_media=default_media)
        self._crew = Crew(_CALLS, patience=timeout, out_at_most=_HANGING)
        self._listening = listening
        self._lull = Lull()
        self._poll = poll
        self._patience = patience
        self._made_within = made_within

    async def set_up(self, people: Sequence[PeopleQueue], printers: Sequence[PrinterQueue]) -> None:
        """Make these queues, or bring them in order.

        Each printer has about a second to answer before the next is asked; one that takes longer
        holds up nobody, and its queue works as soon as it has answered.

        Raises:
            SpoolerRefusedError: naming each printer that has no queue; all the rest is set up.
        """
        cups = self._calls.cups
        for queue in people:
            await self._run(partial(queues.people_queue, cups, queue))
        missing: list[PrinterQueue] = []
        for printer in printers:
            await self._run(partial(queues.begin, cups, printer))
            # one after the other, and left alone meanwhile: see `queues.begin`
            for pause in _ALONE_PAUSES:
                await asyncio.sleep(pause)
                if not await self._finished([printer]):
                    break
            else:
                missing.append(printer)
        pause = _MADE_PAUSES[0]
        with suppress(TimeoutError):
            async with asyncio.timeout(self._made_within):
                while missing := await self._finished(missing):
                    await asyncio.sleep(pause)
                    pause = min(2 * pause, _MADE_PAUSES[1])
        if missing:
            raise SpoolerRefusedError(
                "; ".join(
                    f"no queue could be made for printer {each.name!r}: nothing that speaks "
                    f"IPP Everywhere answered at {each.uri}"
                    for each in missing
                )
            )

    async def printers(self) -> Mapping[str, PrinterSeen]:
        """Return how the printers' queues are, by name."""
        return await self._run(lambda: queues.seen(self._calls.cups))

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
        await self._run(lambda: self._calls.hold(job))

    async def move(self, job: JobId, queue: str) -> None:
        """Move a waiting job, held, to a printer's queue."""
        self._lull.begin(self._calls.id_of(job))
        await self._run(lambda: self._calls.move(job, queue))

    async def resume(self, job: JobId, changes: Mapping[str, str | int]) -> None:
        """Set what was decided and take the hold off."""
        self._lull.begin(self._calls.id_of(job))
        await self._run(lambda: self._calls.let_go(job, changes))

    async def release(self, seen: SpooledJob, queue: str, changes: Mapping[str, str | int]) -> None:
        """Move a job that was looked at just now and let it go."""
        self._lull.begin(self._calls.id_of(seen.job))
        await self._run(lambda: self._calls.release(seen, queue, changes))

    async def cancel(self, job: JobId) -> None:
        """End a job."""
        await self._run(lambda: self._calls.end(job, purge=False))

    async def put_back(
        self,
        job: JobId,
        queue: str,
        *,
        user: str,
        changes: Mapping[str, str | int | None],
        mark: str,
    ) -> JobId | None:
        """Put an ended job's document into a people's queue, held."""
        calls, socket = self._calls, self._socket
        return await self._run(
            lambda: put_back(calls, socket, job, queue, user=user, changes=changes, mark=mark)
        )

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
        """Put a document into a people's queue, held, unless a job with this mark is there."""
        calls, socket = self._calls, self._socket
        return await self._run(
            lambda: take_in(
                calls, socket, document, queue, user=user, name=name, options=options, mark=mark
            )
        )

    async def marked(self, mark: str) -> JobId | None:
        """Return the job with a mark, also one that has ended."""
        return await self._run(lambda: taken_in(self._calls, mark))

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
        async with aclosing(
            listen(self._listening, self._keep_open, self._poll, self._lull)
        ) as looks:
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
        """End the subscription and close the connections, once no call is under way."""
        if self._listening is not None:
            listening = self._listening
            with suppress(SpoolerUnavailableError, SpoolerRefusedError):
                await self._run(lambda: unsubscribe(self._calls, listening))
        self._crew.close()
        self._calls.close()

    async def _finished(self, waiting: list[PrinterQueue]) -> list[PrinterQueue]:
        """Open the queues that are made; return those that are not."""
        missing = await self._run(lambda: queues.finish(self._calls.cups, waiting))
        if len(missing) < len(waiting):
            await self._run(self._calls.mend)
        return missing

    async def _keep_open(self) -> bool:
        """Keep the way for jobs open in both directions: queues running, events pushed."""
        await self._run(self._calls.mend)
        listening = self._listening
        if listening is None:
            return False
        return await self._run(lambda: subscribe(self._calls, listening))

    async def _run(self, call: Callable[[], Result]) -> Result:
        return await self._crew.run(call)


def _at_work(evidence: Evidence) -> bool:
    """Say whether the printer still works on a job that has ended for the spooler."""
    spooler, device = evidence.spooler_state, evidence.device_state
    return spooler is not None and spooler.terminal and device is not None and not device.terminal
