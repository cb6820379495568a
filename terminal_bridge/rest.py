"""Waiting until a session rests: nothing is left to be decided, or nobody decides any more."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable


class Rest:
    """Wakes whoever waits, as often as something was decided."""

    def __init__(self) -> None:
        """Begin."""
        self._moved = asyncio.Event()
        self._over = False

    def moved(self) -> None:
        """Have everybody who waits look again."""
        before, self._moved = self._moved, asyncio.Event()
        before.set()

    def over(self) -> None:
        """Let nobody wait, now or later: what they wait for does not come."""
        self._over = True
        self.moved()

    async def until(self, holds: Callable[[], bool]) -> None:
        """Wait until something holds, or it is over."""
        while not (self._over or holds()):
            await self._moved.wait()
