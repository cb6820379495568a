"""Reads a printer's meters before and after a job that was there alone: evidence, never a wait.

Only where the printer is asked by SNMP. The reading before is taken beside the release, once people
and paper have had the loop; where it cannot be had in time there is none, and nobody waited for it.
By then a fast printer may have counted: it is believed only where it shows what was read last
before the release, and where no job of ours had ended so shortly before that its pages may still
be coming.
"""

from __future__ import annotations

import asyncio
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final, Protocol

from broker.messages import CopyBegan, JobReleased
from config.logs import logger
from edge.devices.counters import Taken, alone, stood_still
from edge.devices.words import Origin, Reading
from edge.release import Phase

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping
    from uuid import UUID

    from broker.messages import Message
    from config.settings import PrinterSettings
    from edge.calm import Calm
    from edge.devices.counters import MeterCount
    from edge.devices.windows import Windows
    from edge.devices.words import Look
    from edge.jobs import JobRecord
    from edge.ports import Clock

_log = logger("edge.devices.job_meters")

#: The first byte is on its way by then, where nobody stands at the printer either.
_BEGINS: Final = 0.05
#: A release and its first byte come first, for so long.
_PEOPLE_FIRST: Final = 0.25
#: Seconds after a job of ours in which some machines have not counted all of it.
_LAG: Final = 5.0
#: A reading that takes longer is none.
_PATIENCE: Final = 3.0
#: Seconds between the looks at a printer that may still be putting out the last page.
_AFTER: Final = (0.0, 0.5, 1.0, 2.0)


@dataclass(frozen=True, slots=True)
class _Busy:
    """It does something, or stands still in the middle of it."""


class MetersSource(Protocol):
    """Where meters are read quickly."""

    async def meters(self, printer: PrinterSettings) -> Look:
        """Read identity, state and counters only."""


class JobMeters:
    """The meters around the jobs of a site."""

    def __init__(
        self,
        printers: Iterable[PrinterSettings],
        *,
        sources: MetersSource,
        windows: Windows,
        calm: Calm,
        clock: Clock,
        lately: Callable[[str], Taken | None],
    ) -> None:
        """Take what is read.

        Args:
            printers: of the site; those without SNMP are left alone.
            sources: reads them.
            windows: which jobs are where.
            calm: whether somebody is being served.
            clock: the time.
            lately: what a printer's meters showed when they were read last, by its id.
        """
        self._printers: Mapping[str, PrinterSettings] = {
            each.id: each for each in printers if each.snmp is not None
        }
        self._sources = sources
        self._windows = windows
        self._calm = calm
        self._clock = clock
        self._lately = lately
        self._after: dict[str, Taken] = {}
        """What a printer's meters showed after the last job that was alone there."""
        self._ended: dict[str, float] = {}
        """When the last job of ours ended at a printer, on the clock of the event loop."""
        self._tasks: set[asyncio.Task[None]] = set()

    def on_job(self, record: JobRecord, event: Message) -> None:
        """Follow where jobs are; called after each record."""
        device = record.printer
        if device is None:
            return
        if record.phase is Phase.RELEASING:
            loop, earlier = asyncio.get_running_loop(), self._earlier(device)
            # a flag while it is there: something else went on than was thought
            came = isinstance(event, JobReleased | CopyBegan)
            rested = device not in self._ended or loop.time() - self._ended[device] >= _LAG
            self._windows.began(device, record.job, sure=came and rested)
            if isinstance(event, JobReleased) and device in self._printers and earlier:
                work = self._before(self._printers[device], record.job, earlier)
                task = loop.create_task(work, name=f"meters {device}")
                self._tasks.add(task)
                task.add_done_callback(self._tasks.discard)
        elif self._windows.over(device, record.job):
            self._ended[device] = asyncio.get_running_loop().time()

    async def count(self, device: str, job: UUID) -> MeterCount | None:
        """Return what the meters say of a job that has ended; None: nobody can say."""
        printer, before = self._printers.get(device), self._windows.before(device, job)
        if printer is None or before is None:
            return None
        for pause in _AFTER:
            await asyncio.sleep(pause)
            after = await self._read(printer)
            if self._windows.before(device, job) is None:
                return None  # somebody else's job has come since
            if isinstance(after, Taken):
                self._after[device] = after
                return alone(before, after)
            if after is None:
                return None
        return None

    async def close(self) -> None:
        """End what is being read."""
        for task in tuple(self._tasks):
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)

    def _earlier(self, device: str) -> tuple[Taken, ...]:
        """Return what was read last of a printer's meters: after a job, and at a look."""
        return tuple(each for each in (self._after.get(device), self._lately(device)) if each)

    async def _before(
        self, printer: PrinterSettings, job: UUID, earlier: tuple[Taken, ...]
    ) -> None:
        await asyncio.sleep(_BEGINS)
        await self._calm.wait(_PEOPLE_FIRST)
        before = await self._read(printer)
        # a meter only goes up: if it shows what any reading before the release showed, none counted
        if isinstance(before, Taken) and any(stood_still(each, before) for each in earlier):
            self._windows.read(printer.id, job, before)

    async def _read(self, printer: PrinterSettings) -> Taken | _Busy | None:
        """Return the meters of a printer that stands idle; None: it does not say."""
        try:
            async with asyncio.timeout(_PATIENCE):
                look = await self._sources.meters(printer)
        except TimeoutError:
            return None
        except Exception:  # noqa: BLE001  once a reading: no settlement waits for what failed
            _log.exception("meters could not be read", action="meters-error", device=printer.id)
            return None
        if not isinstance(look, Reading) or look.origin is not Origin.SNMP or look.state is None:
            return None
        if not look.metered:
            return None  # what is remembered is no reading
        if look.state != "idle":
            return _Busy()
        return Taken(look.meters, look.serial, self._clock(), look.up_for)
