"""One line to the edge for all who use a terminal at once: its own screen, and people's phones."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING, Protocol, Self, assert_never

from broker.messages import SiteState
from terminal_bridge.edge_line import EdgeGone, EdgeHere, Said

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Mapping
    from types import TracebackType
    from typing import Any

    from broker.messages import Reply
    from terminal_bridge.edge_line import LineEvent


class Line(Protocol):
    """What a session needs of the edge: questions, and what is heard of it."""

    async def __aenter__(self) -> Self: ...

    async def __aexit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None: ...

    async def ask(self, method: str, fields: Mapping[str, Any]) -> Reply | None:
        """Put one question; None when there is no answer, though the edge may have acted on it."""

    def events(self) -> AsyncIterator[LineEvent]:
        """Give what happens on the line, in order, for one listener."""


class SharedLine:
    """A line with any number of listeners; `run` it while it is shared."""

    def __init__(self, line: Line) -> None:
        """Share a line, not opened yet."""
        self._line = line
        self._taps: set[Tap] = set()
        self.here = False
        """The edge listens."""
        self.site: SiteState | None = None
        """Its last word on itself."""

    async def run(self) -> None:
        """Keep the line open and tell everybody what is heard, until canceled."""
        async with self._line as line:
            async for event in line.events():
                match event:
                    case EdgeHere():
                        self.here = True
                    case EdgeGone():
                        self.here = False
                    case Said(message=message):
                        if isinstance(message, SiteState):
                            self.site = message
                    case _:
                        assert_never(event)
                for tap in tuple(self._taps):
                    tap.hear(event)

    def tap(self) -> Tap:
        """Return one listener's part of the line."""
        return Tap(self)

    def join(self, tap: Tap) -> None:
        """Tell a listener how things are, and from now on whatever happens."""
        self._taps.add(tap)
        if self.here:
            tap.hear(EdgeHere())
        if self.site is not None:
            tap.hear(Said(self.site))

    def leave(self, tap: Tap) -> None:
        """Tell it nothing more."""
        self._taps.discard(tap)

    async def ask(self, method: str, fields: Mapping[str, Any]) -> Reply | None:
        """Put one question, as the line does."""
        return await self._line.ask(method, fields)


class Tap:
    """One listener of a shared line; a `Line` like any other."""

    def __init__(self, shared: SharedLine) -> None:
        """Belong to a shared line."""
        self._shared = shared
        self._heard: asyncio.Queue[LineEvent] = asyncio.Queue()

    async def __aenter__(self) -> Self:
        """Begin to listen."""
        self._shared.join(self)
        return self

    async def __aexit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        """Listen no more; the line goes on for the others."""
        self._shared.leave(self)

    def hear(self, event: LineEvent) -> None:
        """Be told of something."""
        self._heard.put_nowait(event)

    async def ask(self, method: str, fields: Mapping[str, Any]) -> Reply | None:
        """Put one question."""
        return await self._shared.ask(method, fields)

    async def events(self) -> AsyncIterator[LineEvent]:
        """Give what happens on the line, in order, for one listener."""
        while True:
            yield await self._heard.get()
