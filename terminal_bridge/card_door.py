"""Where cards come in: keeps a terminal's reader open, takes what it tells for swipes."""

from __future__ import annotations

import asyncio
import os
from hashlib import blake2b
from typing import TYPE_CHECKING, Final, assert_never

from config.errors import PrintmeshError
from config.logs import logger
from terminal_bridge.events import CardRemoved, CardSeen
from terminal_bridge.ports import CardGone, CardHeld, ReaderBack, ReaderLost
from terminal_bridge.swipes import Swipes

if TYPE_CHECKING:
    from collections.abc import Callable

    from terminal_bridge.events import Event
    from terminal_bridge.ports import Reader, ReaderEvent

_log = logger("terminal.cards")

#: Seconds before a reader that failed is made again.
_TRY_AGAIN: Final = 5.0


async def keep_open(
    name: str, make: Callable[[], Reader], take: Callable[[ReaderEvent], None]
) -> None:
    """Keep a reader open until canceled; other parts of its terminal go on while it is not.

    Args:
        name: the terminal, for logs.
        make: makes the reader, again after it failed.
        take: told what happens.
    """
    while True:
        try:
            async with make() as reader:
                async for event in reader.events():
                    take(event)
            reason = "it ended by itself"
        except (OSError, PrintmeshError) as error:
            reason = str(error)[:200]
        take(ReaderLost(reason))
        _log.error("the reader failed", action="terminal-reader", terminal=name, reason=reason)
        await asyncio.sleep(_TRY_AGAIN)


class CardDoor:
    """One terminal's."""

    def __init__(
        self,
        name: str,
        *,
        happens: Callable[[Event], None],
        room: Callable[[], bool],
        on_lost: Callable[[str], None],
    ) -> None:
        """Open nothing yet.

        Args:
            name: the terminal, for logs.
            happens: told of cards.
            room: whether one more may wait.
            on_lost: told why the reader cannot be heard; empty: it can.
        """
        self._name = name
        self._happens = happens
        self._room = room
        self._on_lost = on_lost
        self._key = os.urandom(16)
        self._swipes = Swipes()

    def take(self, event: ReaderEvent) -> None:
        """Take what the reader tells."""
        match event:
            case CardHeld(number=number):
                self._swiped(number)
            case CardGone():
                self._swipes.gone()
                self._happens(CardRemoved())
            case ReaderLost(reason=reason):
                self._on_lost(reason)
            case ReaderBack():
                self._on_lost("")
            case _:
                assert_never(event)

    def _swiped(self, number: str) -> None:
        """Take a card for a swipe, or count it: thousands are no people and no lines of the log."""
        now, mark = asyncio.get_running_loop().time(), self._mark(number)
        if self._swipes.taken(mark, now) and self._room():
            self._happens(CardSeen(number, mark))
        if (refused := self._swipes.report(now)) is not None:
            _log.info(
                "a reader told of more cards than people hold",
                action="reader-flood",
                terminal=self._name,
                repeats=refused.repeats,
                flood=refused.flood,
            )

    def _mark(self, number: str) -> bytes:
        """Return what tells the same card again, and is good for nothing outside this process."""
        return blake2b(number.encode(), key=self._key, digest_size=16).digest()
