"""What administrators do at a bad moment: another role for a site, while jobs and money move."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING

from demo.chaos.kinds import Kind
from demo.lab_error import LabError

if TYPE_CHECKING:
    from collections.abc import Mapping

    from demo.chaos.arena import Arena
    from demo.chaos.doing import Deed
    from demo.chaos.kinds import Planned

#: A site that holds jobs goes on holding them. A tracker stays one and may owe less for a while.
_OTHER = {
    "remote": ("agent",),
    "agent": ("remote",),
    "tracker": ("tracker", "--uncovered", "EUR:2:0.50"),
}
_LOOK_AGAIN = 1.0


class RoleFaults:
    """Changes roles."""

    def __init__(self, arena: Arena, roles: Mapping[str, str]) -> None:
        self._arena = arena
        self._roles = roles

    def deeds(self) -> Mapping[Kind, Deed]:
        """Return who does what."""
        return {Kind.ROLE: self._change}

    async def _change(self, planned: Planned) -> None:
        role = self._roles[planned.site]
        await self._set(planned.site, *_OTHER[role])
        await asyncio.sleep(planned.seconds)
        await self._set(planned.site, role)

    async def _set(self, site: str, *words: str) -> None:
        while True:
            try:
                async with self._arena.books:
                    await self._arena.lab.central("role", site, *words)
            except LabError:  # the books are away, or their writes are refused
                await asyncio.sleep(_LOOK_AGAIN)
            else:
                return
