"""What pages show of the coordinator that is not in the books, and where they are shown."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Protocol

if TYPE_CHECKING:
    import asyncio
    from collections.abc import Callable, Sequence

    from broker.exporters.figures import IngestTally
    from central.store.books import Books


@dataclass(frozen=True, slots=True)
class Shown:
    """A coordinator, as pages see it."""

    books: Books
    tally: IngestTally
    """What it has counted."""
    troubles: Callable[[], Sequence[str]]
    """What keeps it from its work, a sentence each; asked in the loop."""
    follow: Callable[[Callable[[], None]], None]
    """Given what to call, in the loop, when the books may have changed."""


@dataclass(frozen=True, slots=True)
class Ports:
    """Where everything is served."""

    api: int | None
    """Of the interface alone, if it has a port of its own."""
    web: int | None
    """Of the pages, if there are any."""


class Serving(Protocol):
    """Whoever serves pages and interface."""

    async def serve(
        self, shown: Shown, stop: asyncio.Event, ready: Callable[[Ports], None]
    ) -> None:
        """Serve until `stop` is set or this is cancelled; answers under way are finished.

        Args:
            shown: the coordinator.
            stop: set it to end.
            ready: called when all that the settings ask for is served; perhaps again.

        Raises:
            CannotListen: an address or a certificate cannot be had.
        """
