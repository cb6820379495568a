"""People who copy while everything fails around them, and what befalls the terminals there."""

from __future__ import annotations

import asyncio
from contextlib import suppress
from typing import TYPE_CHECKING

from demo.chaos.doing import kill
from demo.chaos.kinds import Kind

if TYPE_CHECKING:
    import random
    from collections.abc import Mapping, Sequence

    from demo.card_terminal import CardTerminal
    from demo.chaos.arena import Arena
    from demo.chaos.doing import Deed
    from demo.chaos.kinds import Planned

_MOST_PAGES = 6
#: Nobody waits longer in front of a copier that is not let.
_PATIENCE = 4.0
#: A card that is held again sooner is still the same swipe.
_SAME_CARD = 1.2
#: How long who wants to strike in mid-copy waits for one.
_MID_COPY = 3.0


async def copy_until(
    done: asyncio.Event, terminal: CardTerminal, cards: Sequence[str], dice: random.Random
) -> None:
    """Copy, one person after the other; some leave without a word, to the next or the time-out."""
    copier, card = terminal.copier, cards[0]
    while not done.is_set():
        card = dice.choice(cards)
        terminal.reader.hold(card)
        swiped = asyncio.get_running_loop().time()
        if await copier.until(enabled=True, seconds=_PATIENCE):
            await copier.copies(dice.randint(1, _MOST_PAGES), seconds=2 * _PATIENCE)
        if dice.random() < 0.7:  # noqa: PLR2004  most people sign off
            held = asyncio.get_running_loop().time() - swiped
            await asyncio.sleep(max(0.0, _SAME_CARD - held))
            terminal.reader.hold(card)
        with suppress(TimeoutError):
            async with asyncio.timeout(dice.uniform(0.2, 2 * _SAME_CARD)):
                await done.wait()
    if copier.enabled:  # the last one need not be waited for
        terminal.reader.hold(card)


class TerminalFaults:
    """Strikes terminals, in the middle of a copy wherever there is one."""

    def __init__(self, arena: Arena, cards: Sequence[str]) -> None:
        self._arena = arena
        self._cards = cards

    def deeds(self) -> Mapping[Kind, Deed]:
        """Return who does what."""
        return {
            Kind.KILL_TERMINAL: self._kill,
            Kind.CUT_TERMINAL: self._cut,
            Kind.TWO_CARDS: self._two_cards,
            Kind.HALF_CARD: self._half_card,
        }

    async def _kill(self, planned: Planned) -> None:
        """Kill it; what its copier had told, and it had not written down, is gone."""
        terminal = await self._copying(planned)
        self._arena.torn[planned.site] += 1
        await kill(terminal.program)
        terminal.run()

    async def _cut(self, planned: Planned) -> None:
        terminal = await self._copying(planned)
        terminal.line.cut()
        await asyncio.sleep(planned.seconds)
        terminal.line.restore()

    async def _two_cards(self, planned: Planned) -> None:
        terminal = await self._copying(planned)
        terminal.reader.hold(*self._cards[:2])

    async def _half_card(self, planned: Planned) -> None:
        """Send half a card, hang up, and send its other half on the next line."""
        terminal = await self._copying(planned)
        terminal.reader.half(self._cards[0])
        terminal.reader.hang_up()
        await asyncio.sleep(planned.seconds)
        terminal.reader.send(self._cards[0].encode("ascii")[-2:] + b"\x03")

    async def _copying(self, planned: Planned) -> CardTerminal:
        """Return the terminal, in the middle of a copy if one comes soon."""
        terminal = self._arena.lab.sites[planned.site].terminal
        if terminal is None:
            raise ValueError(f"{planned.site} has no terminal")
        if await terminal.copier.until(enabled=True, seconds=_MID_COPY):
            await asyncio.sleep(planned.figure / 2)
        return terminal
