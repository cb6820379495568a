"""What pages show of the coordinator that is not in the books, and where they are shown."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
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
