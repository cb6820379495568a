"""What the broker still owes one client: in flight, waiting behind it, bounded. No socket."""

from __future__ import annotations

from collections import deque
from dataclasses import dataclass
from typing import TYPE_CHECKING, NamedTuple

from broker import frames

if TYPE_CHECKING:
    from broker.frames import Message

_LAST_PACKET_ID = 65_535
_EXACTLY_ONCE = 2


class _Owed(NamedTuple):
    message: Message
    qos: int
    retain: bool


@dataclass(slots=True)
class _InFlight:
    owed: _Owed
    released: bool = False
    """QoS 2: PUBREC has come, PUBREL went out, PUBCOMP is awaited."""


class Outbox:
    """Deliveries to one session; it outlives a connection when the session does.

    At most `window` messages are unacknowledged at a time; the rest waits in order. When what is
    owed passes `max_messages` or `max_bytes`, `full` says so and the session is to be ended:
    never is a message dropped while later ones go on.
    """

    def __init__(self, *, max_messages: int, max_bytes: int, window: int) -> None:
        self._max_messages = max_messages
        self._max_bytes = max_bytes
        self._window = min(window, _LAST_PACKET_ID - 1)
        self._waiting: deque[_Owed] = deque()
        self._in_flight: dict[int, _InFlight] = {}
        self._last_id = 0
        self._bytes = 0

    @property
    def full(self) -> bool:
        """Whether more is owed than may be."""
        return (
            self._bytes > self._max_bytes
            or len(self._waiting) + len(self._in_flight) > self._max_messages
        )

    def send(self, message: Message, qos: int, *, retain: bool = False) -> bytes:
        """Take on a delivery to a client that is connected; return what to write now, if anything.

        QoS 0 overtakes what waits behind the window: it promises nothing.
        """
        if not qos:
            return frames.publish(message, 0, 0, retain=retain)
        self.keep(message, qos, retain=retain)
        return self.fill()

    def keep(self, message: Message, qos: int, *, retain: bool = False) -> None:
        """Take on a delivery to a session whose client is away (QoS 1 or 2)."""
        self._waiting.append(_Owed(message, qos, retain))
        self._bytes += message.size

    def fill(self) -> bytes:
        """Move what waits into the window; return the PUBLISH packets to write."""
        if not self._waiting or len(self._in_flight) >= self._window:
            return b""
        out = []
        while self._waiting and len(self._in_flight) < self._window:
            owed = self._waiting.popleft()
            packet_id = self._next_id()
            self._in_flight[packet_id] = _InFlight(owed)
            out.append(frames.publish(owed.message, owed.qos, packet_id, retain=owed.retain))
        return b"".join(out)

    def resume(self) -> bytes:
        """Return what a client that came back is owed, in order (MQTT 3.1.1 §4.4)."""
        out = [
            frames.acknowledgement(frames.PUBREL, packet_id)
            if flight.released
            else frames.publish(
                flight.owed.message,
                flight.owed.qos,
                packet_id,
                retain=flight.owed.retain,
                again=True,
            )
            for packet_id, flight in self._in_flight.items()
        ]
        return b"".join([*out, self.fill()])

    def puback(self, packet_id: int) -> bytes:
        """Settle a QoS 1 delivery; return what may now go out. An unknown id changes nothing."""
        flight = self._in_flight.get(packet_id)
        if flight is None or flight.owed.qos == _EXACTLY_ONCE:
            return b""
        return self._settle(packet_id)

    def pubrec(self, packet_id: int) -> bytes:
        """Release a QoS 2 delivery; return its PUBREL (an unknown id is released again, §4.3.3)."""
        flight = self._in_flight.get(packet_id)
        if flight is not None and flight.owed.qos == _EXACTLY_ONCE:
            flight.released = True
        return frames.acknowledgement(frames.PUBREL, packet_id)

    def pubcomp(self, packet_id: int) -> bytes:
        """Settle a QoS 2 delivery; return what may now go out."""
        flight = self._in_flight.get(packet_id)
        if flight is None or not flight.released:
            return b""
        return self._settle(packet_id)

    def _settle(self, packet_id: int) -> bytes:
        self._bytes -= self._in_flight.pop(packet_id).owed.message.size
        return self.fill()

    def _next_id(self) -> int:
        while True:
            self._last_id = self._last_id % _LAST_PACKET_ID + 1
            if self._last_id not in self._in_flight:
                return self._last_id
