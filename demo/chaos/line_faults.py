"""What happens to the line between a site and the centre."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING

from demo.chaos.kinds import Kind

if TYPE_CHECKING:
    from collections.abc import Mapping

    from demo.chaos.arena import Arena
    from demo.chaos.doing import Deed
    from demo.chaos.kinds import Planned
    from demo.proxy import CuttableProxy

#: A satellite at best, a train in a tunnel at worst.
_DELAYS = (0.05, 0.8)
_RATES = (2_000, 32_000)


class LineFaults:
    """Orders the lab's proxies to fail."""

    def __init__(self, arena: Arena) -> None:
        self._arena = arena

    def deeds(self) -> Mapping[Kind, Deed]:
        """Return who does what."""
        return {
            Kind.CUT: self._cut,
            Kind.DROP: self._drop,
            Kind.HALF_OPEN: self._half_open,
            Kind.DELAY: self._delay,
            Kind.THROTTLE: self._throttle,
            Kind.DUPLICATE: self._duplicate,
        }

    def _line(self, planned: Planned) -> CuttableProxy:
        return self._arena.lab.sites[planned.site].line

    async def _cut(self, planned: Planned) -> None:
        self._line(planned).cut()
        await self._end(planned)

    async def _drop(self, planned: Planned) -> None:
        self._line(planned).drop()

    async def _half_open(self, planned: Planned) -> None:
        self._line(planned).half_open()
        await self._end(planned)

    async def _delay(self, planned: Planned) -> None:
        low, high = _DELAYS
        self._line(planned).slow(delay=low + (high - low) * planned.figure)
        await self._end(planned)

    async def _throttle(self, planned: Planned) -> None:
        low, high = _RATES
        self._line(planned).slow(rate=low + (high - low) * planned.figure)
        await self._end(planned)

    async def _duplicate(self, planned: Planned) -> None:
        self._line(planned).duplicate()

    async def _end(self, planned: Planned) -> None:
        await asyncio.sleep(planned.seconds)
        self._line(planned).restore()
