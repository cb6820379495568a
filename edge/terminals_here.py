"""The terminals of a site, as its edge tells the centre: who is on line at the broker there."""

from __future__ import annotations

import asyncio
from contextlib import suppress
from typing import TYPE_CHECKING, Final

from broker.codec import Unreadable, decode
from broker.messages import SiteTerminals, Status, TerminalHere

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable

    from edge.ports import Clock

#: Terminals that are told of; of more nothing is kept.
MOST: Final = 500
#: Changes are told together, so many seconds apart.
_APART: Final = 5.0
#: And all is told anew so often: a broker that was started anew has forgotten it.
_ANEW: Final = 600.0


class TerminalsHere:
    """Who is on line at the site's broker; forgotten with the process, since all is retained."""

    def __init__(self, clock: Clock, *, besides: frozenset[str]) -> None:
        """Begin with none.

        Args:
            clock: the time of day.
            besides: names that are no terminals: our own.
        """
        self._clock = clock
        self._besides = besides
        self._known: dict[str, TerminalHere] = {}
        self._wake = asyncio.Event()

    def heard(self, node: str, payload: bytes) -> None:
        """Take in what a terminal's status says; an empty message: it is no more."""
        if node in self._besides:
            return
        if not payload:
            if self._known.pop(node, None) is not None:
                self._wake.set()
            return
        read = decode(payload, (Status,))
        if isinstance(read, Unreadable) or (node not in self._known and len(self._known) >= MOST):
            return
        before, online = self._known.get(node), read.message.online
        if before is None or before.online != online:
            self._known[node] = TerminalHere(terminal=node, online=online, since=self._clock())
            self._wake.set()

    def state(self) -> SiteTerminals:
        """Return them as they are told of."""
        known = tuple(self._known[name] for name in sorted(self._known))
        return SiteTerminals(terminals=known, updated_at=self._clock())

    async def run(self, say: Callable[[SiteTerminals], Awaitable[None]]) -> None:
        """Tell what changed until canceled.

        Args:
            say: publishes it; raises ConnectionError while the line is down.
        """
        while True:
            await asyncio.sleep(_APART)
            with suppress(TimeoutError):
                async with asyncio.timeout(_ANEW):
                    await self._wake.wait()
            self._wake.clear()
            try:
                await say(self.state())
            except ConnectionError:
                self._wake.set()
