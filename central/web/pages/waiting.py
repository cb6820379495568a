"""Pages that wait a moment for an answer, before they come again by themselves."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING, Final, TypeVar

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable

T = TypeVar("T")

#: Seconds that a page waits itself, and between two looks.
WAITS: Final = 2.5
_LOOKS: Final = 0.1


async def until(
    over: Callable[[T], bool], look: Callable[[], Awaitable[T]], *, seconds: float = WAITS
) -> T:
    """Look until it is over, or for so long; return what was seen last."""
    loop = asyncio.get_running_loop()
    end = loop.time() + seconds
    while True:
        seen = await look()
        if over(seen) or loop.time() >= end:
            return seen
        await asyncio.sleep(_LOOKS)
