"""The broker's sessions: who sits where, who hears what, what is retained. No socket, no clock."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Protocol

from broker.outbox import Outbox
from broker.routing import Retained, Subscriptions
from config.logs import logger

if TYPE_CHECKING:
    from broker.acl import Authoriser, Identity
    from broker.frames import Message

_log = logger("broker.exchange")

#: The return code of a refused SUBSCRIBE (MQTT 3.1.1 §3.9.3).
REFUSED = 0x80


@dataclass(frozen=True, slots=True)
class Limits:
    """What one client, and all of them, may cost."""

    max_packet_bytes: int = 128 * 1024
    """A longer packet ends its connection before its body is read."""
    max_queued_messages: int = 10_000
    """QoS 1 and 2 messages owed to one client, in flight or waiting; beyond it is cut off."""
    max_queued_bytes: int = 32 * 1024 * 1024
    """The same in bytes; also what may wait in one connection's socket."""
    max_in_flight: int = 1000
    """Unacknowledged messages to one client; more wait their turn."""
    max_filters: int = 100
    """Subscriptions of one client."""
    max_retained: int = 100_000
    """Topics with a retained message."""
    max_retained_bytes: int = 64 * 1024 * 1024
    """The same in bytes."""
    max_connections: int = 10_000
    """Connections of one listener."""
    connect_seconds: float = 10.0
    """From the connection to a whole CONNECT."""
    session_seconds: float = 24 * 3600.0
    """How long a session that is not clean waits for its client."""


class Connection(Protocol):
    """What a session needs of the connection that has it."""

    def write(self, data: bytes) -> None:
        """Send soon."""

    def abort(self) -> None:
        """Cut at once."""


@dataclass(slots=True, eq=False)
class Seat:
    """A session (MQTT 3.1.1 §3.1.2.4); unless it is clean it outlives its connection."""

    client_id: str
    identity: Identity
    clean: bool
    outbox: Outbox
    will: Message | None = None
    """Published when the connection ends without a DISCONNECT."""
    received: set[int] = field(default_factory=set)
    """Packet ids of QoS 2 messages that came and are not released yet."""
    connection: Connection | None = None
    left_at: float = 0.0
    """When its connection ended, by the caller's clock."""
    warned: bool = False
    """Whether a refused publish of it is in the log already."""


class Exchange:
    """Every session, subscription and retained message of one broker."""

    def __init__(self, authorise: Authoriser, limits: Limits) -> None:
        self._authorise = authorise
        self._limits = limits
        self._seats: dict[str, Seat] = {}
        self._subscriptions: Subscriptions[Seat] = Subscriptions()
        self._retained = Retained(
            max_messages=limits.max_retained, max_bytes=limits.max_retained_bytes
        )

    def may_leave_will(self, identity: Identity, will: Message) -> bool:
        """Say whether a will would be passed on; asked before anything else happens."""
        return self._may_publish(identity, will.topic)

    def sit(
        self,
        client_id: str,
        identity: Identity,
        connection: Connection,
        *,
        clean: bool,
        will: Message | None,
        now: float,
    ) -> tuple[Seat, bool]:
        """Give a proven client its session; say whether it is one that waited for it.

        A connection that still has it is cut off, its will published first (§3.1.4-2). Nothing
        here may run before the client has proved who it is.
        """
        seat = self._seats.get(client_id)
        if seat is not None and seat.connection is not None:
            _log.info("taken over", action="mqtt-takeover", node=client_id)
            seat.connection.abort()
            self.leave(seat, seat.connection, said_goodbye=False, now=now)
            seat = self._seats.get(client_id)
        if seat is not None and (clean or seat.identity != identity):
            self._forget(seat)
            seat = None
        resumed = seat is not None
        if seat is None:
            limits = self._limits
            outbox = Outbox(
                max_messages=limits.max_queued_messages,
                max_bytes=limits.max_queued_bytes,
                window=limits.max_in_flight,
            )
            seat = self._seats[client_id] = Seat(client_id, identity, clean, outbox)
        seat.will, seat.connection = will, connection
        return seat, resumed

    def leave(self, seat: Seat, connection: Connection, *, said_goodbye: bool, now: float) -> None:
        """End a connection's hold on a session; a no-op if another has it already."""
        if seat.connection is not connection:
            return
        seat.connection, seat.left_at = None, now
        will, seat.will = seat.will, None
        if seat.clean:
            self._forget(seat)
        if will is not None and not said_goodbye:
            self._publish(will)

    def expire(self, before: float) -> None:
        """Forget sessions whose clients left before that time."""
        for seat in [*self._seats.values()]:
            if seat.connection is None and seat.left_at < before:
                self._forget(seat)

    def cut_off(self, client_id: str) -> bool:
        """Cut a client's connection and forget its session; say whether there was one."""
        seat = self._seats.get(client_id)
        if seat is None:
            return False
        self._evict(seat, "cut off")
        return True

    def keep_quiet(self) -> None:
        """Forget every will: the broker itself is going, and nobody's end is news."""
        for seat in self._seats.values():
            seat.will = None

    def connected(self) -> list[Identity]:
        """Return who is connected."""
        return [seat.identity for seat in self._seats.values() if seat.connection is not None]

    def accept(self, seat: Seat, message: Message) -> None:
        """Pass a message on, if its sender may say it; else drop just this one.

        A refused message is acknowledged like any other (3.1.1 knows no refusal but cutting the
        connection, which would repeat for ever) and the log says so once a session.
        """
        if self._may_publish(seat.identity, message.topic):
            self._publish(message)
        elif not seat.warned:
            seat.warned = True
            _log.warning(
                "publish refused",
                action="mqtt-refused",
                node=seat.identity.name,
                topic=message.topic[:200],
            )

    def subscribe(self, seat: Seat, topic_filter: str, qos: int) -> int:
        """Return the QoS granted, or 0x80.

        Shared subscriptions are refused: 3.1.1 has none, and granting one that never delivers is
        worse than saying no.
        """
        if (
            topic_filter.startswith("$share")
            or not self._authorise.may_subscribe(seat.identity, topic_filter)
            or (
                self._subscriptions.count(seat) >= self._limits.max_filters
                and not self._subscriptions.holds(seat, topic_filter)
            )
        ):
            _log.warning(
                "subscription refused",
                action="mqtt-refused",
                node=seat.identity.name,
                filter=topic_filter[:200],
            )
            return REFUSED
        self._subscriptions.add(seat, topic_filter, qos)
        return qos

    def unsubscribe(self, seat: Seat, topic_filter: str) -> None:
        """Forget a subscription; one that is not there changes nothing."""
        self._subscriptions.remove(seat, topic_filter)

    def show_retained(self, seat: Seat, topic_filter: str, qos: int) -> None:
        """Send what is retained under a new subscription to its subscriber alone."""
        for message in self._retained.matching(topic_filter):
            self._deliver(seat, message, min(qos, message.qos), retain=True)

    def _may_publish(self, identity: Identity, topic: str) -> bool:
        return not topic.startswith("$") and self._authorise.may_publish(identity, topic)

    def _publish(self, message: Message) -> None:
        if message.retain and not self._retained.put(message):
            _log.error("no room to retain", action="mqtt-retain", topic=message.topic)
        for seat, qos in self._subscriptions.reached(message.topic).items():
            self._deliver(seat, message, min(qos, message.qos))

    def _deliver(self, seat: Seat, message: Message, qos: int, *, retain: bool = False) -> None:
        if seat.connection is not None:
            seat.connection.write(seat.outbox.send(message, qos, retain=retain))
        elif qos:
            seat.outbox.keep(message, qos, retain=retain)
        if seat.outbox.full:
            self._evict(seat, "owed more than it may be")

    def evict_slow(self, seat: Seat) -> None:
        """End the session of a client that does not take what it subscribed to."""
        self._evict(seat, "reads too slowly")

    def _evict(self, seat: Seat, why: str) -> None:
        if self._seats.get(seat.client_id) is not seat:
            return
        _log.warning("session ended", action="mqtt-evicted", node=seat.client_id, why=why)
        connection, will = seat.connection, seat.will
        seat.connection = seat.will = None
        self._forget(seat)
        if connection is not None:
            connection.abort()
            if will is not None:
                self._publish(will)

    def _forget(self, seat: Seat) -> None:
        self._subscriptions.drop(seat)
        if self._seats.get(seat.client_id) is seat:
            del self._seats[seat.client_id]
