"""Tells how the printers are: what changed at once, the newest only, and all anew when asked to.

Live state never waits behind events: it has a way of its own, and what could not be said when it
was so is not said later.
"""

from __future__ import annotations

import asyncio
from contextlib import suppress
from typing import TYPE_CHECKING, Final, assert_never

from broker.codec import MessageTooLarge
from config.logs import logger
from edge.devices.pace import AtOnce, Later, NoNews, when_told

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable

    from broker.messages import DeviceState

_log = logger("edge.devices.telling")

#: So many in a row, then others have the loop and the line for a moment.
_SLICE: Final = 20
_BETWEEN: Final = 0.02
#: Seconds after which a line that was down is tried again, if nobody says sooner that it is up.
_AGAIN: Final = 5.0
#: What is left of a state that is too large for one message.
_FEW: Final = 8
_SHORT: Final = 100


class Telling:
    """The states of a site's printers on their way out."""

    def __init__(self, *, snapshot: float, monotonic: Callable[[], float]) -> None:
        """Begin with nothing said.

        Args:
            snapshot: what changes slowly is told at most once in so many seconds.
            monotonic: seconds, on a clock that never jumps.
        """
        self._snapshot = snapshot
        self._monotonic = monotonic
        self.newest: dict[str, DeviceState] = {}
        """How each printer is now, told or not."""
        self._said: dict[str, tuple[DeviceState, float]] = {}
        self._due: dict[str, float] = {}
        self._wake = asyncio.Event()
        self._audience = 0
        """Goes up with each new one: what was told to the one before was told to nobody."""

    def put(self, state: DeviceState) -> None:
        """Tell of a printer, when it is time."""
        self.newest[state.device] = state
        now = self._monotonic()
        before, said = self._said.get(state.device, (None, 0.0))
        when = when_told(before, state, said=said, now=now, snapshot=self._snapshot)
        match when:
            case AtOnce():
                self._due[state.device] = now
                self._wake.set()
            case Later(at=at):
                self._due.setdefault(state.device, at)
                self._wake.set()
            case NoNews():
                self._due.pop(state.device, None)
            case _:
                assert_never(when)

    def anew(self) -> None:
        """Tell all of it: who listens has heard nothing yet, or has forgotten it."""
        self._audience += 1
        self._said.clear()
        now = self._monotonic()
        self._due = dict.fromkeys(self.newest, now)
        self._wake.set()

    async def run(self, say: Callable[[DeviceState], Awaitable[None]]) -> None:
        """Tell what is due until canceled.

        Args:
            say: publishes one; raises ConnectionError while the line is down.
        """
        while True:
            self._wake.clear()
            pause = await self._say_due(say)
            with suppress(TimeoutError):
                async with asyncio.timeout(pause):
                    await self._wake.wait()

    async def _say_due(self, say: Callable[[DeviceState], Awaitable[None]]) -> float | None:
        """Tell what is due now; return for how long nothing will be, None: until something is."""
        now = self._monotonic()
        due = [device for device, at in self._due.items() if at <= now]
        for number, device in enumerate(due, start=1):
            state, audience = self.newest[device], self._audience
            try:
                await _fitting(say, state)
            except ConnectionError:
                return _AGAIN
            except Exception:  # noqa: BLE001  once a message
                _log.exception("a state could not be told", action="telling-error", device=device)
            if self._audience != audience:
                return 0.0
            if self.newest[device] is state:
                self._due.pop(device, None)
            self._said[device] = state, self._monotonic()
            if number % _SLICE == 0:
                await asyncio.sleep(_BETWEEN)
        if not self._due:
            return None
        return max(0.0, min(self._due.values()) - self._monotonic())


async def _fitting(say: Callable[[DeviceState], Awaitable[None]], state: DeviceState) -> None:
    try:
        await say(state)
    except MessageTooLarge:
        await say(smaller(state))


def smaller(state: DeviceState) -> DeviceState:
    """Return what matters most of a state that fits no message: a machine may list anything."""
    return state.model_copy(
        update={
            "reasons": tuple(each[:_SHORT] for each in state.reasons[:_FEW]),
            "message": state.message and state.message[:_SHORT],
            "supplies": state.supplies[:_FEW],
            "trays": state.trays[:_FEW],
            "covers": state.covers[:_FEW],
            "meters": state.meters[:_FEW],
            "troubles": tuple(
                each.model_copy(update={"detail": each.detail[:_SHORT]})
                for each in state.troubles[:_FEW]
            ),
            "can": None,
        }
    )
