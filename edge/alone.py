"""For how long this site has not heard the centre, kept in its journal over a reboot."""

from __future__ import annotations

import asyncio
import json
import time
from contextlib import suppress
from datetime import datetime, timedelta
from typing import TYPE_CHECKING, Final

from config.logs import logger
from edge.age import STORE_EVERY, Age, Kept
from edge.store.errors import StoreUnwritableError

if TYPE_CHECKING:
    from collections.abc import Callable

    from edge.ports import Clock
    from edge.store.books import Books

_log = logger("edge.alone")

_KEY: Final = "alone"


def boot_time() -> float:
    """Return seconds since the machine was started, those it was suspended for included."""
    return time.clock_gettime(time.CLOCK_BOOTTIME)


class Alone:
    """The site's age without the centre."""

    def __init__(self, books: Books, *, clock: Clock, monotonic: Callable[[], float]) -> None:
        """Go on from what was stored.

        Args:
            books: the journal.
            clock: the time of day.
            monotonic: seconds, those of a suspended machine included.
        """
        self._books = books
        self._clock = clock
        self._monotonic = monotonic
        stored = books.note(_KEY)
        self._age = Age(_read(stored) if stored else None, clock(), monotonic())
        self._ended = asyncio.Event()

    def heard(self) -> None:
        """Something came from the centre."""
        if self.for_() >= STORE_EVERY:
            self._ended.set()  # stored at once: a start that does not know would add all of it
        self._age.heard(self._monotonic())

    def for_(self) -> timedelta:
        """Return how long ago that was."""
        return self._age.at(self._monotonic())

    def store(self) -> None:
        """Store what must outlive a reboot.

        Raises:
            StoreUnwritableError: the age goes on; store it again.
        """
        kept = self._age.keep(self._clock(), self._monotonic())
        text = json.dumps([kept.age.total_seconds(), kept.mark.isoformat()])
        self._books.remember(_KEY, text)

    async def run(self) -> None:
        """Store it again and again, and when a long time alone is over."""
        while True:
            self._ended.clear()
            try:
                self.store()
            except StoreUnwritableError as error:
                _log.warning("the age is not stored", action="age-unstored", why=str(error))
            with suppress(TimeoutError):
                async with asyncio.timeout(STORE_EVERY.total_seconds()):
                    await self._ended.wait()


def _read(text: str) -> Kept:
    seconds, mark = json.loads(text)
    return Kept(timedelta(seconds=seconds), datetime.fromisoformat(mark))
