"""Everybody who can say how a printer is: SNMP, IPP, and CUPS; the public face of reading.

Nothing here raises for what an outsider sends, and everything ends within its bounds.
"""

from __future__ import annotations

import asyncio
import time
from dataclasses import replace
from typing import TYPE_CHECKING, Final
from urllib.parse import urlsplit

from edge.devices import ipp_source
from edge.devices.words import Origin, Reading, Target
from edge.ports import is_spoolers_own

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from config.settings import PrinterSettings
    from config.settings_devices import DeviceSettings, SnmpProfile
    from edge.devices.snmp import Snmp
    from edge.devices.snmp_source import SnmpSource
    from edge.devices.words import Look
    from edge.ports import PrinterSeen

_NONE: Final = "none"


class Sources:
    """Looks at the printers of a site, some at a time."""

    def __init__(
        self,
        profiles: Mapping[str, SnmpProfile],
        settings: DeviceSettings,
        *,
        seen: Callable[[], Mapping[str, PrinterSeen]] = dict,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        """Remember how printers are asked; nothing is opened yet.

        Args:
            profiles: SNMP profiles by name.
            settings: how many at once.
            seen: printers' queues as the spooler last said, by queue; read from memory.
            clock: seconds that only go forward.
        """
        self._profiles = profiles
        self._settings = settings
        self._seen = seen
        self._clock = clock
        self._room = asyncio.Semaphore(settings.at_once)
        self._snmp: Snmp | None = None
        self._by_snmp: SnmpSource | None = None

    async def look(self, printer: PrinterSettings) -> tuple[Look, ...]:
        """Return what each source says now: SNMP where a profile is set, IPP, and CUPS."""
        async with self._room:
            asked = [_by_ipp(printer.uri)]
            if (target := self.target(printer)) is not None:
                asked.insert(0, self._source().look(target))
            found = list(await asyncio.gather(*asked))
        told = any(isinstance(each, Reading) and each.origin is Origin.CUPS for each in found)
        if not told and (queue := self._seen().get(printer.queue)) is not None:
            found.append(of_queue(queue))
        return tuple(found)

    async def meters(self, printer: PrinterSettings) -> Look:
        """Return identity, state and counters: by SNMP where a profile is set, else by IPP."""
        async with self._room:
            if (target := self.target(printer)) is not None:
                return await self._source().meters(target)
            return await _by_ipp(printer.uri)

    async def look_at(self, target: Target) -> Look:
        """Read one machine by SNMP, of the settings or not."""
        async with self._room:
            return await self._source().look(target)

    def target(self, printer: PrinterSettings) -> Target | None:
        """Return where a printer is asked by SNMP; None: it is not."""
        if printer.snmp is None:
            return None
        host = printer.address or urlsplit(printer.uri).hostname or "localhost"
        return Target(host, self._profiles[printer.snmp].port, printer.snmp)

    async def close(self) -> None:
        """Let go of sockets."""
        if self._snmp is not None:
            await self._snmp.close()
            self._snmp = self._by_snmp = None

    def _source(self) -> SnmpSource:
        """Load what speaks SNMP when the first printer is asked by it: it takes 0.3 s."""
        if self._by_snmp is None:
            from edge.devices import vendors  # noqa: PLC0415  as above
            from edge.devices.objects import Objects  # noqa: PLC0415
            from edge.devices.snmp import Snmp  # noqa: PLC0415
            from edge.devices.snmp_source import SnmpSource  # noqa: PLC0415

            self._snmp = Snmp(self._profiles, at_once=self._settings.at_once)
            self._by_snmp = SnmpSource(
                Objects(self._snmp),
                slow=self._settings.snapshot.total_seconds(),
                clock=self._clock,
                makers=vendors.load(),
            )
        return self._by_snmp


async def _by_ipp(uri: str) -> Look:
    """Ask over IPP; where the spooler itself answers, it is its word and not the machine's."""
    found = await ipp_source.look(uri)
    if isinstance(found, Reading) and is_spoolers_own(uri):
        # it counts what it sent, and runs for as long as it likes
        return replace(found, origin=Origin.CUPS, meters=(), up_for=None)
    return found


def of_queue(seen: PrinterSeen) -> Reading:
    """Return what the spooler says of a printer's queue."""
    reasons = tuple(each for each in seen.reasons if each != _NONE)
    return Reading(origin=Origin.CUPS, state=seen.state, reasons=reasons)
