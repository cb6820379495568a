"""The line on which printers are told of: the edge's own to the centre's broker."""

from __future__ import annotations

from typing import TYPE_CHECKING

from broker import topics

if TYPE_CHECKING:
    from collections.abc import Callable
    from datetime import datetime, timedelta

    from broker.link import Link
    from broker.messages import DeviceState, Note
    from edge.ports import Clock
    from edge.voice import Voice


class DeviceLine:
    """What watching says; see `Line`."""

    def __init__(
        self,
        link: Link,
        voice: Voice,
        *,
        note: Callable[[Note], None],
        centre_now: Callable[[], datetime],
        clock: Clock,
    ) -> None:
        """Take the ways out.

        Args:
            link: to the centre's broker.
            voice: of this node on it.
            note: keeps a note until the centre hears it.
            centre_now: the centre's time of day, our own while it is not known.
            clock: our own.
        """
        self._link = link
        self._voice = voice
        self.note = note
        """Tell the centre of something, now or when it is there."""
        self._centre_now = centre_now
        self._clock = clock

    async def state(self, state: DeviceState) -> None:
        """Publish how a printer is, retained."""
        await self._voice.say(topics.DEVICE, state, device=state.device)

    async def gone(self, device: str) -> None:
        """Take it back: an empty message is retained by nobody (MQTT 3.1.1 §3.3.1.3)."""
        where = topics.DEVICE.of(node=self._voice.node, device=device)
        await self._link.publish(where, b"", qos=1, retain=True)

    def off(self) -> timedelta:
        """Return our time of day less the centre's."""
        return self._clock() - self._centre_now()
