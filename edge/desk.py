"""The edge as the coordinator of its own site broker: it listens to terminals and answers them."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING

from broker import topics
from broker.codec import encode
from broker.link import Arrived, Connected
from broker.messages import CoordinatorStatus, Message
from broker.topics import COORDINATOR
from config.logs import logger
from edge.asking import OPERATOR
from edge.calm import AFTER_PAPER
from edge.requests import Unanswered
from edge.terminals_here import TerminalsHere
from edge.voice import Voice

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable, Mapping
    from datetime import datetime
    from uuid import UUID

    from broker.link import Link
    from broker.messages import SiteTerminals
    from edge.calm import Calm
    from edge.ports import Clock
    from edge.requests import Requests

_log = logger("edge.desk")

_STATUS_EVERY = 30.0
#: After a release nothing that can wait shares the processor with what prints for so long.
_PRINTER_BEGINS = 0.05
#: Drawn anew because of a release.
_DRAWN = frozenset({"jobs", "preview"})
#: Seconds between two lines about what one node says and nobody can answer.
_SELDOM = 60.0
#: Questions that are being answered, of all nodes; `requests` sees to each one's share.
_AT_ONCE = 256


class Desk:
    """Answers `req/{method}` on the site's broker and says there that the edge is on line."""

    def __init__(
        self,
        link: Link,
        *,
        node: str,
        calm: Calm,
        mint: Callable[[datetime], UUID],
        clock: Clock,
    ) -> None:
        self._link = link
        self._node = node
        self._calm = calm
        self._mint = mint
        self._clock = clock
        self._session: UUID | None = None
        self._room = asyncio.Semaphore(_AT_ONCE)
        self._mumbled: dict[str, tuple[float, int]] = {}
        """By node: when one was logged, and how many were not since then."""
        self.terminals = TerminalsHere(clock, besides=frozenset({OPERATOR, COORDINATOR}))
        """Who else is on line there."""
        self.on_online: Callable[[], None] = lambda: None
        """Called when the broker is reached, each time."""

    def tasks(
        self, requests: Requests, centre: Link
    ) -> Mapping[str, Callable[[], Awaitable[None]]]:
        """Return what runs here.

        Args:
            requests: what is asked.
            centre: the line on which the centre is told of the terminals.
        """
        voice = Voice(centre, self._node, mint=self._mint, clock=self._clock)

        async def say(state: SiteTerminals) -> None:
            await voice.say(topics.TERMINALS, state)

        return {
            "desk": lambda: self.run(requests),
            "terminals": lambda: self.terminals.run(say),
        }

    async def run(self, requests: Requests) -> None:
        """Serve until canceled; a question that fails stops nobody else's."""
        async with asyncio.TaskGroup() as tasks:
            tasks.create_task(self._beat(), name="desk beat")
            async for event in self._link.events():
                match event:
                    case Connected(session=session):
                        self._session = session
                        await self._say_online()
                        self.on_online()
                    case Arrived(topic=topic, payload=payload):
                        found = topics.REQUEST.match(topic)
                        status = topics.STATUS.match(topic)
                        if status is not None:
                            self.terminals.heard(status["node"], payload)
                        if found is not None:
                            await self._room.acquire()
                            work = self._answer(requests, found, payload)
                            tasks.create_task(work, name=f"answer {found['method']}")
                    case _:
                        self._session = None

    async def _answer(self, requests: Requests, found: dict[str, str], payload: bytes) -> None:
        try:
            method = found["method"]
            if method in _DRAWN:
                await self._calm.paper(AFTER_PAPER)
            releases = method == "release"
            with self._calm.releasing(_PRINTER_BEGINS) if releases else self._calm.serving():
                reply = await requests.answer(found["node"], method, payload)
            if isinstance(reply, Unanswered):
                self._not_answered(found, reply.reason)
                return
            await self.say(topics.REPLY, reply, node=found["node"], corr=str(reply.corr))
        except ConnectionError:
            pass  # the asker will ask again; the answer is kept for that
        except Exception:  # noqa: BLE001  once a message
            _log.exception(
                "a question could not be answered", action="desk-error", node=found["node"]
            )
        finally:
            self._room.release()

    def _not_answered(self, found: dict[str, str], reason: str) -> None:
        """Log it, at most once a minute and node: noise fills no log."""
        node, now = found["node"], asyncio.get_running_loop().time()
        before, more = self._mumbled.get(node, (-_SELDOM, 0))
        if now - before < _SELDOM:
            self._mumbled[node] = before, more + 1
            return
        self._mumbled[node] = now, 0
        _log.warning(
            "a question is not answered",
            action="desk-unanswered",
            node=node,
            method=found["method"][:60],
            reason=reason,
            more=more or None,
        )

    async def _beat(self) -> None:
        while True:
            await asyncio.sleep(_STATUS_EVERY)
            await self._say_online()

    async def _say_online(self) -> None:
        if self._session is None:
            return
        status = CoordinatorStatus(online=True, session=self._session, epoch=0)
        try:
            await self.say(topics.ALL_COORDINATOR, status)
        except ConnectionError:
            self._session = None

    async def say(self, topic: topics.Topic, message: Message, **levels: str) -> None:
        """Publish a message to the site's terminals.

        Raises:
            ConnectionError: the broker cannot be reached.
        """
        now = self._clock()
        payload = encode(message, source=self._node, id_=self._mint(now), now=now)
        await self._link.publish(topic.of(**levels), payload, qos=topic.qos, retain=topic.retain)
