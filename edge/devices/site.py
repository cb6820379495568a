"""The printers of a site put together: who asks them, who watches, whose job is alone where."""

from __future__ import annotations

import asyncio
import time
from typing import TYPE_CHECKING, Final

from config.logs import logger
from edge.devices.addresses import NotAnAddressError
from edge.devices.discovery import SerialSearch
from edge.devices.job_meters import JobMeters
from edge.devices.keeping import KeptFiles
from edge.devices.line import DeviceLine
from edge.devices.sources import Sources
from edge.devices.watching import Watching
from edge.devices.windows import Windows
from edge.release import Phase
from edge.voice import Voice

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable, Mapping
    from datetime import datetime
    from uuid import UUID

    from broker.link import Link
    from broker.messages import Message
    from config.settings import EdgeSettings
    from edge.calm import Calm
    from edge.devices.counters import MeterCount
    from edge.jobs import JobRecord
    from edge.ports import Clock, PrinterSeen
    from edge.store.books import Books
    from edge.uplink import Uplink


_log = logger("edge.devices.site")

#: Seconds after which a printer is looked at where something of a job happened.
_LATER: Final = 2.0


def _search(settings: EdgeSettings) -> SerialSearch | None:
    if not settings.devices.search:
        return None
    try:
        return SerialSearch(settings.snmp, settings.devices)
    except NotAnAddressError as error:
        # printers are watched all the same
        _log.error("no printer is searched for", action="search-wrong", why=str(error))
        return None


class SiteDevices:
    """What an edge knows of its printers, and how."""

    def __init__(
        self,
        settings: EdgeSettings,
        *,
        books: Books,
        calm: Calm,
        seen: Callable[[], Mapping[str, PrinterSeen]],
        mint: Callable[[datetime], UUID],
        clock: Clock,
    ) -> None:
        """Put it together; nothing is asked yet.

        Args:
            settings: of the site.
            books: jobs under way, and the readings of the meters.
            calm: whether somebody is being served.
            seen: printers' queues as the print system last saw them.
            mint: makes ids.
            clock: the time.
        """
        self._settings = settings
        self._mint = mint
        self._clock = clock
        self._sources = Sources(settings.snmp, settings.devices, seen=seen)
        windows = Windows()
        for each in books.jobs(Phase.RELEASING):
            windows.began(each.printer or "", each.job, sure=False)
        self._meters = JobMeters(
            settings.printers,
            sources=self._sources,
            windows=windows,
            calm=calm,
            clock=clock,
            lately=lambda device: self.watching.meters(device),  # noqa: PLW0108  it comes below
        )
        self.watching = Watching(
            settings,
            sources=self._sources,
            books=books,
            files=KeptFiles(settings.data / "devices"),
            windows=windows,
            search=_search(settings),
            calm=calm,
            clock=clock,
            monotonic=time.monotonic,
        )

    def on_job(self, record: JobRecord, event: Message) -> None:
        """Follow a job; called after each record that changed it."""
        self._meters.on_job(record, event)
        if record.printer is not None:
            # not now: a release and its first byte have the loop for themselves
            loop = asyncio.get_running_loop()
            loop.call_later(_LATER, self.watching.nudge, record.printer)

    async def metered(self, device: str, job: UUID) -> MeterCount | None:
        """Return how far a printer's meters went on for a job; None: nobody can say."""
        return await self._meters.count(device, job)

    def tasks(self, link: Link, uplink: Uplink) -> dict[str, Callable[[], Awaitable[None]]]:
        """Return the task that watches, by name; it tells on this link."""
        voice = Voice(link, self._settings.node, mint=self._mint, clock=self._clock)
        uplink.on_connected = self.watching.on_connected
        line = DeviceLine(
            link, voice, note=uplink.note, centre_now=uplink.centre_now, clock=self._clock
        )
        return {"devices": lambda: self.watching.run(line)}

    async def close(self) -> None:
        """Let go of what is asked."""
        await self._meters.close()
        await self._sources.close()
