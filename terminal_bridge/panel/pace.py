"""How fast phones ask the edge: each so much, and all of a panel leave room for its screen."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING, Final, Self
from uuid import UUID

from broker.messages import Problem, Reply

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Mapping
    from types import TracebackType
    from typing import Any

    from terminal_bridge.edge_line import LineEvent
    from terminal_bridge.shared_line import Line

#: Questions of one phone at once: a list of 100 jobs with a picture of each, and half as many more.
BURST: Final = 160
#: And so many a second from then on.
RATE: Final = 8.0
#: Seconds that a question waits for its turn; it is refused where that would be longer.
_LONGEST: Final = 5.0
#: Questions of one phone that are under way: as many as its browser has connections.
AT_ONCE: Final = 6
#: Of all phones of a panel: the edge answers 32 of one terminal, the others are the screen's.
ALL_AT_ONCE: Final = 24
#: Takes less than it brings: whoever leaves is not kept.
_FREE: Final = frozenset({"sign-off"})
_NOBODY: Final = UUID(int=0)


class Bucket:
    """So many at once, so many a second after that."""

    def __init__(self, burst: float = BURST, rate: float = RATE) -> None:
        """Begin full."""
        self._burst = burst
        self._rate = rate
        self._left = burst
        self._at = float("-inf")

    def take(self, now: float) -> float | None:
        """Take one: return for how many seconds to wait for it; None: that is too long."""
        left = min(self._burst, self._left + (now - self._at) * self._rate)
        wait = max(0.0, (1.0 - left) / self._rate)
        if wait > _LONGEST:
            return None
        self._left, self._at = left - 1.0, now
        return wait


class Paced:
    """A line that one phone asks over; all its taps share one bucket."""

    def __init__(
        self, line: Line, bucket: Bucket, own: asyncio.Semaphore, all_: asyncio.Semaphore
    ) -> None:
        """Pace a line.

        Args:
            line: of the panel.
            bucket: of this phone.
            own: what this phone may have under way.
            all_: what all phones may.
        """
        self._line = line
        self._bucket = bucket
        self._own = own
        self._all = all_

    async def __aenter__(self) -> Self:
        """Begin to listen."""
        await self._line.__aenter__()
        return self

    async def __aexit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        """Listen no more."""
        await self._line.__aexit__(kind, error, trace)

    def events(self) -> AsyncIterator[LineEvent]:
        """Give what happens on the line."""
        return self._line.events()

    async def ask(self, method: str, fields: Mapping[str, Any]) -> Reply | None:
        """Put one question when it is its turn; a phone that asks without end is told so."""
        if method in _FREE:
            return await self._line.ask(method, fields)
        wait = self._bucket.take(asyncio.get_running_loop().time())
        if wait is None:
            problem = Problem(code="wait-a-moment", detail="Too much was asked for at once here.")
            return Reply(corr=_NOBODY, status="failed", problem=problem)
        if wait:
            await asyncio.sleep(wait)
        async with self._own, self._all:
            return await self._line.ask(method, fields)
