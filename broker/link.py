"""A node's link to its MQTT broker, for asyncio: made again whenever it is lost.

Nothing is ever queued while the link is down: a stream sends again what matters.
"""

from __future__ import annotations

import asyncio
import os
import random
from collections import deque
from contextlib import suppress
from datetime import UTC, datetime
from ipaddress import ip_address
from typing import TYPE_CHECKING, Final, Self

from broker.link_connection import Connection
from broker.link_events import (
    Arrived,
    Connected,
    Disconnected,
    LinkDown,
    LinkEvent,
    LinkRefused,
    TimedOut,
    Timing,
    Will,
    doublings_left,
    reconnect_pause,
)
from config.ids import uuid7
from config.logs import logger

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Callable
    from types import TracebackType
    from uuid import UUID

    from config.settings import LinkSettings

__all__ = [
    "Arrived",
    "Connected",
    "Disconnected",
    "Link",
    "LinkDown",
    "LinkEvent",
    "LinkRefused",
    "TimedOut",
    "Timing",
    "Will",
    "timing_of",
]

_log = logger("broker.link")

#: Seconds to say goodbye in.
_GOODBYE: Final = 2.0
#: To a broker on this machine: nobody far away comes back in the same moment.
_LONGEST_PAUSE_HERE: Final = 1.0


def _mint() -> UUID:
    return uuid7(datetime.now(UTC), os.urandom(10))


def timing_of(settings: LinkSettings) -> Timing:
    """Return the waits towards a broker: as set, or short when it is on this machine."""
    if settings.longest_pause is not None:
        return Timing(longest_pause=settings.longest_pause.total_seconds())
    if settings.host == "localhost":
        return Timing(longest_pause=_LONGEST_PAUSE_HERE)
    try:
        here = ip_address(settings.host).is_loopback
    except ValueError:  # a name
        here = False
    return Timing(longest_pause=_LONGEST_PAUSE_HERE) if here else Timing()


class Link:
    """One node's connection, made again whenever it is lost, while the context is open.

    ``async with Link(…) as link:`` then ``async for event in link.events():`` gives Connected,
    Disconnected and Arrived in the order in which they happened. `publish` never waits for a
    connection: it raises LinkDown.
    """

    def __init__(
        self,
        settings: LinkSettings,
        node: str,
        *,
        subscriptions: tuple[str, ...],
        will: Callable[[UUID], Will] | None = None,
        mint: Callable[[], UUID] = _mint,
        dice: Callable[[], float] = random.random,
        timing: Timing | None = None,
    ) -> None:
        """Describe a link; entering its context starts it.

        Args:
            settings: where the broker is, the secret, TLS, WebSocket.
            node: MQTT user name and client id, unless the settings say otherwise.
            subscriptions: topic filters, asked for on every connect; few (each costs the broker).
            will: the last word for a given session.
            mint: makes the session of each connection.
            dice: numbers from 0 to below 1, for the pauses.
            timing: waits and bounds; None: `timing_of` the settings.
        """
        self.node = settings.username or node
        self.connected = asyncio.Event()
        """Set while connected with every subscription granted."""
        self.trouble = "not tried yet"
        """Why there is no connection, as of the last try; empty while there is one."""
        self._settings = settings
        self._subscriptions = subscriptions
        self._will = will
        self._mint = mint
        self._dice = dice
        self._timing = timing or timing_of(settings)
        self._connection: Connection | None = None
        self._events: deque[tuple[LinkEvent, Callable[[], object] | None]] = deque()
        self._wake = asyncio.Event()
        self._answers: dict[str, asyncio.Future[bytes]] = {}
        self._task: asyncio.Task[None] | None = None
        self._leaving = False

    async def __aenter__(self) -> Self:
        """Start connecting; being connected is an event, not a condition."""
        self._task = asyncio.create_task(self._run(), name=f"link {self.node}")
        self._task.add_done_callback(lambda _: self._wake.set())
        return self

    async def __aexit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        """Say goodbye in our own words (a clean end drops the will) and disconnect."""
        self._leaving = True
        if (connection := self._connection) is not None:
            with suppress(LinkDown, TimeoutError):
                async with asyncio.timeout(_GOODBYE):
                    await connection.goodbye()
        if self._task is not None:
            self._task.cancel()
            with suppress(asyncio.CancelledError):
                await self._task

    async def publish(
        self, topic: str, payload: bytes, *, qos: int = 1, retain: bool = False
    ) -> None:
        """Hand a message to the broker; with QoS 1 return when it has acknowledged.

        The acknowledgement proves nothing about the receiver: only its own ack does.

        Raises:
            LinkDown: not connected, or the connection ended before the acknowledgement.
        """
        if self._connection is None:
            raise LinkDown("not connected to the broker")
        await self._connection.publish(topic, payload, qos=qos, retain=retain)

    async def request(
        self, topic: str, payload: bytes, *, corr: UUID, within: float
    ) -> bytes | TimedOut:
        """Ask, and return the payload that comes on `…/res/{corr}` within so many seconds.

        The answer does not show up among the events; one that comes too late does.

        Raises:
            LinkDown: not connected.
        """
        answer: asyncio.Future[bytes] = asyncio.get_running_loop().create_future()
        self._answers[str(corr)] = answer
        try:
            async with asyncio.timeout(within):
                await self.publish(topic, payload)
                return await answer
        except TimeoutError:
            return TimedOut()
        finally:
            del self._answers[str(corr)]

    async def events(self) -> AsyncIterator[LinkEvent]:
        """Give what happened, in order; for one reader. Ends when the context ends."""
        while True:
            while self._events:
                event, acknowledge = self._events.popleft()
                if acknowledge is not None:
                    acknowledge()
                yield event
            if self._task is not None and self._task.done():
                if not self._task.cancelled():
                    self._task.result()
                return
            self._wake.clear()
            await self._wake.wait()

    async def _run(self) -> None:
        attempt = 0
        while True:
            held, refused, reason = await self._one_connection()
            if self._leaving:
                return
            self.trouble = reason
            attempt = doublings_left(attempt, held=held, timing=self._timing)
            pause = reconnect_pause(
                attempt, refused=refused, dice=self._dice(), timing=self._timing
            )
            tell = _log.error if refused else _log.warning
            tell(
                "the broker refuses us" if refused else "no link to the broker",
                action="link-refused" if refused else "link-down",
                broker=f"{self._settings.host}:{self._settings.port}",
                node=self.node,
                reason=reason,
                retry_in=round(pause, 2),
            )
            attempt += 1
            await asyncio.sleep(pause)

    async def _one_connection(self) -> tuple[float, bool, str]:
        """Connect and stay; return for how many seconds, whether refused, and why it ended."""
        session = self._mint()
        loop = asyncio.get_running_loop()
        connection = Connection(self._settings, self.node, self._timing, self._arrived)
        try:
            will = self._will(session) if self._will is not None else None
            await connection.open(will, self._subscriptions)
            since = loop.time()
            self._connection = connection
            self.connected.set()
            self.trouble = ""
            self._push(Connected(session))
            _log.info("linked", action="link-up", node=self.node, session=str(session))
            reason = await connection.ended
            self._push(Disconnected(reason))
            return loop.time() - since, False, reason
        except LinkDown as down:
            return 0.0, isinstance(down, LinkRefused), str(down)
        finally:
            self._connection = None
            self.connected.clear()
            connection.close("closed here")

    def _push(self, event: LinkEvent, acknowledge: Callable[[], object] | None = None) -> None:
        self._events.append((event, acknowledge))
        self._wake.set()

    def _arrived(self, event: Arrived, acknowledge: Callable[[], object] | None) -> bool:
        """Take a message in; False when too many wait already."""
        answer = self._answers.get(event.topic.rpartition("/res/")[2])
        if answer is not None and not answer.done():
            answer.set_result(event.payload)
            if acknowledge is not None:
                acknowledge()
            return True
        if len(self._events) >= self._timing.backlog:
            return False
        self._push(event, acknowledge)
        return True
