"""A terminal's line to its site's edge: questions and answers, whether it is there, its news."""

from __future__ import annotations

import asyncio
import secrets
from contextlib import suppress
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Final, Self, TypeAlias

from pydantic import ValidationError

from broker import topics
from broker.codec import Unreadable, decode, encode
from broker.link import Arrived, Connected, Disconnected, Link, TimedOut, Timing, Will
from broker.messages import (
    CoordinatorStatus,
    Message,
    PersonNews,
    Problem,
    Reply,
    SiteState,
    Status,
)
from config.ids import uuid7
from config.logs import logger

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Callable, Mapping
    from types import TracebackType
    from typing import Any
    from uuid import UUID

    from broker.messages import Request
    from config.settings import LinkSettings

_log = logger("terminal.line")

#: How long an answer is waited for: a release at a slow spooler takes some seconds.
PATIENCE: Final = 20.0
#: Put again, with the same id, until they are answered: the edge acts once, and an answer that got
#: lost on its way would leave money set aside for a copy that nobody makes.
_INSISTED: Final = frozenset({"copy-begin"})
#: So often while the edge listens.
_TIMES: Final = 3
#: Seconds between tries on a line that takes none.
_PAUSE: Final = 0.2


@dataclass(frozen=True, slots=True)
class EdgeHere:
    """The edge listens."""


@dataclass(frozen=True, slots=True)
class EdgeGone:
    """It does not, or cannot be reached."""


@dataclass(frozen=True, slots=True)
class Said:
    """It said something that nobody asked for."""

    message: PersonNews | SiteState


LineEvent: TypeAlias = EdgeHere | EdgeGone | Said


def _now() -> datetime:
    return datetime.now(UTC)


class EdgeLine:
    """One terminal's connection, as its own node, made again whenever it is lost.

    `async with EdgeLine(…) as line:`; somebody has to read `events` all the time. A terminal whose
    clock is wrong is understood all the same: deadlines are given by the edge's clock.
    """

    def __init__(
        self,
        settings: LinkSettings,
        node: str,
        *,
        clock: Callable[[], datetime] = _now,
        dice: Callable[[int], bytes] = secrets.token_bytes,
        timing: Timing | None = None,
    ) -> None:
        self._node = node
        self._clock = clock
        self._dice = dice
        self._link = Link(
            settings,
            node,
            subscriptions=topics.node_subscriptions(node),
            will=self._will,
            timing=timing,
        )
        self._session: UUID | None = None
        """The edge's, while it listens."""
        self._waits: set[asyncio.Timeout] = set()
        """For answers: over as soon as the edge is gone."""
        self._back = asyncio.Event()
        self._ahead = timedelta()
        """Of our clock: the edge's."""

    async def __aenter__(self) -> Self:
        """Start connecting."""
        await self._link.__aenter__()
        return self

    async def __aexit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        """Say goodbye and disconnect."""
        await self._link.__aexit__(kind, error, trace)

    @property
    def here(self) -> bool:
        """Whether the edge listens."""
        return self._back.is_set()

    async def ask(
        self, method: str, fields: Mapping[str, Any], *, seconds: float = PATIENCE
    ) -> Reply | None:
        """Put one question; None when there is no answer, though the edge may have acted on it.

        What is no question at all (a card number of 300 characters) is answered here: `invalid`.
        """
        reply = await self._ask(method, fields, seconds)
        if reply is not None and reply.status == "expired":
            # our clock was wrong; from this answer we know by how much
            reply = await self._ask(method, fields, seconds)
        return reply

    async def events(self) -> AsyncIterator[LineEvent]:
        """Give what happens on the line, in order, for one listener; ends with the context."""
        async for event in self._link.events():
            match event:
                case Connected(session=session):
                    with suppress(ConnectionError):
                        await self._say_status(Status(online=True, session=session))
                case Disconnected():
                    if self.here:
                        self._lost()
                        yield EdgeGone()
                case Arrived():
                    for told in self._hear(event):
                        yield told

    # ── parts ───────────────────────────────────────────────────────────────────────────────

    async def _ask(self, method: str, fields: Mapping[str, Any], seconds: float) -> Reply | None:
        now = self._clock()
        corr = uuid7(now, self._dice(10))
        until = now + self._ahead + timedelta(seconds=seconds)
        try:
            question = topics.METHODS[method](corr=corr, expires_at=until, **fields)
        except ValidationError as error:
            wrong = ", ".join(str(each["loc"][0]) for each in error.errors() if each["loc"])
            problem = Problem(code="invalid", detail=f"This cannot be asked: {wrong or method}.")
            return Reply(corr=corr, status="invalid", problem=problem)
        if not self.here:
            return None
        put = self._insist if method in _INSISTED else self._put
        answer = await put(method, question, seconds)
        if answer is None:
            return None
        received = decode(answer, (Reply,))
        if isinstance(received, Unreadable):
            _log.warning("unreadable answer", action="line-unreadable", reason=received.reason)
            return None
        self._ahead = received.time - self._clock()
        return received.message

    async def _insist(self, method: str, question: Request, seconds: float) -> bytes | None:
        """Put a question until it is answered, over a line that is lost meanwhile too."""
        loop = asyncio.get_running_loop()
        end = loop.time() + seconds
        while (left := end - loop.time()) > 0:
            with suppress(TimeoutError):
                async with asyncio.timeout(left):
                    await self._back.wait()
                    answer = await self._put(method, question, seconds / _TIMES)
                    if answer is not None:
                        return answer
                    await asyncio.sleep(_PAUSE)
        return None

    async def _put(self, method: str, question: Request, seconds: float) -> bytes | None:
        """Wait for the answer, but not for an edge that is gone."""
        if not self.here:
            return None
        topic = topics.REQUEST.of(node=self._node, method=method)
        payload = self._written(question)
        # in the asker's own task: it is on its way before anything else has its turn
        try:
            async with asyncio.timeout(None) as wait:
                self._waits.add(wait)
                answer = await self._link.request(
                    topic, payload, corr=question.corr, within=seconds
                )
        except (ConnectionError, TimeoutError):
            return None
        finally:
            self._waits.discard(wait)
        return None if isinstance(answer, TimedOut) else answer

    def _hear(self, arrived: Arrived) -> tuple[LineEvent, ...]:
        if arrived.topic == topics.ALL_COORDINATOR.of():
            return self._edge_says(arrived)
        for topic, model in ((topics.NEWS, PersonNews), (topics.ALL_SITE, SiteState)):
            if topic.match(arrived.topic) is not None:
                said = decode(arrived.payload, (model,))
                if isinstance(said, Unreadable):
                    _log.warning("unreadable", action="line-unreadable", reason=said.reason)
                elif isinstance(said.message, PersonNews | SiteState):
                    return (Said(said.message),)
        return ()  # an answer that came too late, or what only edges are told

    def _edge_says(self, arrived: Arrived) -> tuple[LineEvent, ...]:
        """Follow whether the edge is there; the farewell of an older session means nothing."""
        said = decode(arrived.payload, (CoordinatorStatus,))
        if isinstance(said, Unreadable):
            return ()
        ahead = said.time - self._clock()
        # a status that a broker kept is old: it only shows a clock of ours that is behind
        if not arrived.retained or ahead > self._ahead:
            self._ahead = ahead
        was, status = self._session, said.message
        if not status.online:
            if status.session != was:
                return ()
            self._lost()
            return (EdgeGone(),)
        if status.session == was:
            return ()
        # another session is another process, which knows nobody who was signed in
        self._lost()
        self._session = status.session
        self._back.set()
        return (EdgeHere(),) if was is None else (EdgeGone(), EdgeHere())

    def _lost(self) -> None:
        self._session = None
        self._back.clear()
        for wait in self._waits:
            wait.reschedule(0)
        self._waits.clear()

    async def _say_status(self, status: Status) -> None:
        await self._link.publish(
            topics.STATUS.of(node=self._node), self._written(status), retain=True
        )

    def _written(self, message: Message) -> bytes:
        now = self._clock()
        id_ = uuid7(now, self._dice(10))
        return encode(message, source=self._node, id_=id_, now=now)

    def _will(self, session: UUID) -> Will:
        last = Status(online=False, session=session)
        return Will(topics.STATUS.of(node=self._node), self._written(last))
