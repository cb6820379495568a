"""A reader beside a panel that reads courier codes too: they bring money, and are no cards."""

from __future__ import annotations

from typing import TYPE_CHECKING, Self

from config.policy.courier import NotACode, read
from terminal_bridge.ports import CardGone, CardHeld

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Callable
    from types import TracebackType

    from terminal_bridge.ports import Reader, ReaderEvent


class Scanning:
    """A reader like the one inside, but for codes."""

    def __init__(self, reader: Reader, take: Callable[[str], bool]) -> None:
        """Listen to a reader.

        Args:
            reader: not opened yet.
            take: told of a code; says whether somebody is there whom it can bring something.
        """
        self._reader = reader
        self._take = take

    async def __aenter__(self) -> Self:
        """Open the reader."""
        await self._reader.__aenter__()
        return self

    async def __aexit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        """Close it."""
        await self._reader.__aexit__(kind, error, trace)

    async def events(self) -> AsyncIterator[ReaderEvent]:
        """Give what the reader tells of cards."""
        taken = False
        async for event in self._reader.events():
            if isinstance(event, CardHeld):
                taken = not isinstance(read(event.number), NotACode) and self._take(event.number)
            # what ends as a code was scanned is no card that left
            if not (taken and isinstance(event, CardHeld | CardGone)):
                yield event
