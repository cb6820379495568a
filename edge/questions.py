"""The edge's questions to the centre: asked with a deadline by its clock, joined with answers."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING

from broker import topics
from edge.centre_time import CentreTime

if TYPE_CHECKING:
    from datetime import datetime
    from uuid import UUID

    from broker.messages import Reply, Request
    from edge.ports import Clock
    from edge.voice import Voice

#: Births that nobody has answered and that are still remembered.
_BIRTHS = 8


class Questions:
    """What was asked and is not answered; and what time it is there."""

    def __init__(self, voice: Voice, *, clock: Clock) -> None:
        self._voice = voice
        self._clock = clock
        self._open: dict[UUID, asyncio.Future[Reply]] = {}
        self._asked: dict[UUID, float] = {}
        self._time = CentreTime()

    def centre_now(self) -> datetime:
        """Return the centre's time, as far as it is known."""
        return self._time.now(self._clock(), asyncio.get_running_loop().time())

    async def ask(self, method: str, question: Request, *, seconds: float) -> Reply | None:
        """Ask; None when the link is down or nobody answers in time.

        Args:
            method: of the topic.
            question: its deadline by our own clock; who judges it has another.
            seconds: how long to wait.
        """
        loop = asyncio.get_running_loop()
        future: asyncio.Future[Reply] = loop.create_future()
        corr = question.corr
        deadline = question.expires_at + (self.centre_now() - self._clock())
        self._open[corr], self._asked[corr] = future, loop.time()
        try:
            async with asyncio.timeout(seconds):
                judged = question.model_copy(update={"expires_at": deadline})
                await self._voice.say(topics.REQUEST, judged, method=method)
                return await future
        except (TimeoutError, ConnectionError):
            return None
        finally:
            self._open.pop(corr, None)
            self._asked.pop(corr, None)

    def begun(self, birth: UUID) -> None:
        """Note that a birth is said now: its answer tells the time before anything is asked."""
        births = [corr for corr in self._asked if corr not in self._open]
        for corr in births[: -_BIRTHS + 1]:
            del self._asked[corr]
        self._asked[birth] = asyncio.get_running_loop().time()

    def learn(self, reply: Reply, said: datetime) -> None:
        """Take the centre's time from an answer: it was written between question and answer."""
        asked = self._asked.pop(reply.corr, None)
        if asked is not None:
            answered = asyncio.get_running_loop().time()
            self._time.learn(said, asked=asked, answered=answered, wall=self._clock())

    def answered(self, reply: Reply) -> None:
        """Give an answer to who waits for it; nobody may."""
        future = self._open.get(reply.corr)
        if future is not None and not future.done():
            future.set_result(reply)
