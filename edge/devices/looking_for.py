"""Looks for printers that are not where they were, by serial number: one search at a time."""

from __future__ import annotations

import asyncio
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final, Protocol

from config.logs import logger

if TYPE_CHECKING:
    from collections.abc import Callable, Collection, Mapping

_log = logger("edge.devices.looking_for")

#: Between two searches for one printer: at first, and, twice as long each time, at most.
_FIRST: Final = 900.0
_LONGEST: Final = 6 * 3600.0
#: After so long without a search the next one is a first one.
_FORGOTTEN: Final = 2 * _LONGEST
#: A search that takes longer is given up.
_PATIENCE: Final = 600.0


class Search(Protocol):
    """Finds printers in the ranges of the settings."""

    async def __call__(self, serials: Collection[str]) -> Mapping[str, str]:
        """Return at which address each of these was found."""


@dataclass(frozen=True, slots=True)
class _Wanted:
    """What is looked for."""

    serial: str
    instead: str | None
    """Who stands where it was."""


class LookingFor:
    """What is looked for at a site."""

    def __init__(self, search: Search | None, *, monotonic: Callable[[], float]) -> None:
        """Begin with nothing missing."""
        self._search = search
        self._monotonic = monotonic
        self._wanted: dict[str, _Wanted] = {}
        self._going: Mapping[str, _Wanted] = {}
        """What is being looked for at this moment, by device."""
        self._tries: dict[str, tuple[_Wanted, int, float]] = {}
        """What was looked for last, by device; how often, and when."""
        self._wake = asyncio.Event()

    def want(self, device: str, serial: str, instead: str | None = None) -> None:
        """Look for a printer, unless that was done a short while ago.

        Args:
            device: its id.
            serial: its serial number.
            instead: the serial number that stands where it was, if one does: who was looked for in
                vain while it was silent is looked for once more before another takes its place.
        """
        wanted = _Wanted(serial, instead)
        if self._search is None or self._going.get(device) == wanted:
            return
        before, tries, at = self._tries.get(device, (wanted, 0, 0.0))
        pause = min(_FIRST * 2.0 ** min(tries - 1, 10), _LONGEST)
        # found counts like not found: one that answers a search may not answer a look
        if before != wanted or not tries or self._monotonic() - at >= pause:
            self._wanted[device] = wanted
            self._wake.set()

    async def run(self, found: Callable[[str, str | None], None]) -> None:
        """Look for what is wanted until canceled.

        Args:
            found: called with each device and where it was found; None: nowhere.
        """
        while True:
            self._wake.clear()
            self._going, self._wanted = self._wanted, {}
            if self._going and self._search is not None:
                await self._look(self._going, self._search, found)
            self._going = {}
            await self._wake.wait()

    async def _look(
        self,
        wanted: Mapping[str, _Wanted],
        search: Search,
        found: Callable[[str, str | None], None],
    ) -> None:
        addresses: Mapping[str, str] = {}
        try:
            async with asyncio.timeout(_PATIENCE):
                addresses = await search(frozenset(each.serial for each in wanted.values()))
        except TimeoutError:
            _log.warning("a search took too long", action="search-long")
        except Exception:  # noqa: BLE001  once a search, in the task that makes them
            _log.exception("a search failed", action="search-error")
        now = self._monotonic()
        for device, each in wanted.items():
            before, tries, at = self._tries.get(device, (each, 0, now))
            again = before == each and now - at < _FORGOTTEN
            self._tries[device] = each, tries + 1 if again else 1, now
            found(device, addresses.get(each.serial))
