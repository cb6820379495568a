"""Looks for printers that are not where they were, by serial number: one search at a time."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING, Final, Protocol

from config.logs import logger

if TYPE_CHECKING:
    from collections.abc import Callable, Collection, Mapping

_log = logger("edge.devices.looking_for")

#: Between two searches for one printer: at first, and, twice as long each time, at most.
_FIRST: Final = 900.0
_LONGEST: Final = 6 * 3600.0
#: A search that takes longer is given up.
_PATIENCE: Final = 600.0


class Search(Protocol):
    """Finds printers in the ranges of the settings."""

    async def __call__(self, serials: Collection[str]) -> Mapping[str, str]:
        """Return at which address each of these was found."""


class LookingFor:
    """What is looked for at a site."""

    def __init__(self, search: Search | None, *, monotonic: Callable[[], float]) -> None:
        """Begin with nothing missing."""
        self._search = search
        self._monotonic = monotonic
        self._wanted: dict[str, str] = {}
        self._tries: dict[tuple[str, str], tuple[int, float]] = {}
        self._wake = asyncio.Event()

    def want(self, device: str, serial: str) -> None:
        """Look for a printer, unless that was done a short while ago."""
        tries, at = self._tries.get((device, serial), (0, 0.0))
        pause = min(_FIRST * 2.0 ** min(tries - 1, 10), _LONGEST)
        if self._search is not None and (not tries or self._monotonic() - at >= pause):
            self._wanted[device] = serial
            self._wake.set()

    async def run(self, found: Callable[[str, str | None], None]) -> None:
        """Look for what is wanted until canceled.

        Args:
            found: called with each device and where it was found; None: nowhere.
        """
        while True:
            self._wake.clear()
            wanted, self._wanted = self._wanted, {}
            if wanted and self._search is not None:
                await self._look(wanted, self._search, found)
            await self._wake.wait()

    async def _look(
        self, wanted: Mapping[str, str], search: Search, found: Callable[[str, str | None], None]
    ) -> None:
        addresses: Mapping[str, str] = {}
        try:
            async with asyncio.timeout(_PATIENCE):
                addresses = await search(frozenset(wanted.values()))
        except TimeoutError:
            _log.warning("a search took too long", action="search-long")
        except Exception:  # noqa: BLE001  once a search
            _log.exception("a search failed", action="search-error")
        now = self._monotonic()
        for device, serial in wanted.items():
            key = device, serial
            tries, _ = self._tries.get(key, (0, now))
            self._tries = {each: it for each, it in self._tries.items() if each[0] != device}
            if serial not in addresses:
                self._tries[key] = tries + 1, now
            found(device, addresses.get(serial))
