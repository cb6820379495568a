"""Lets events wait while somebody stands at a printer: people first, history after."""

from __future__ import annotations

import asyncio
from contextlib import contextmanager, suppress
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from collections.abc import Iterator


#: Lists and pictures come after the paper that somebody waits for, at most so many seconds late.
AFTER_PAPER: Final = 0.1


class Calm:
    """Knows whether a person is being served right now."""

    def __init__(self) -> None:
        self._served = 0
        self._quiet = asyncio.Event()
        self._quiet.set()
        self._released = 0
        self._printed = asyncio.Event()
        self._printed.set()

    @contextmanager
    def releasing(self, linger: float) -> Iterator[None]:
        """Somebody waits for paper: a release is answered, and so many seconds later it prints."""
        self._released += 1
        self._printed.clear()
        try:
            with self.serving(linger):
                yield
        finally:
            asyncio.get_running_loop().call_later(linger, self._begun)

    def _begun(self) -> None:
        self._released -= 1
        if not self._released:
            self._printed.set()

    @contextmanager
    def serving(self, linger: float = 0) -> Iterator[None]:
        """Somebody waits for an answer, and then for so many seconds for paper."""
        self._served += 1
        self._quiet.clear()
        try:
            yield
        finally:
            if linger:
                asyncio.get_running_loop().call_later(linger, self._leave)
            else:
                self._leave()

    def _leave(self) -> None:
        self._served -= 1
        if not self._served:
            self._quiet.set()

    async def wait(self, seconds: float) -> None:
        """Wait until nobody is served, but never longer: a busy site must merge as well."""
        await _within(seconds, self._quiet)

    async def paper(self, seconds: float) -> None:
        """Wait until what was released prints, but never longer."""
        await _within(seconds, self._printed)


async def _within(seconds: float, event: asyncio.Event) -> None:
    if event.is_set():
        return
    with suppress(TimeoutError):
        async with asyncio.timeout(seconds):
            await event.wait()
