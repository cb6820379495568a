"""A site's broker with a small edge on it, and terminals with hardware of a test's own."""

from __future__ import annotations

import asyncio
from contextlib import asynccontextmanager, suppress
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any, Self
from uuid import UUID, uuid4, uuid5

from broker import topics
from broker.codec import Unreadable, decode, encode
from broker.credentials import CredentialMemory
from broker.link import Arrived, Connected, Link, Timing
from broker.listeners import Listener
from broker.messages import CoordinatorStatus, Message, Problem, Reply, Request
from broker.messages.copies import (
    CopyBeginRequest,
    CopyCountRequest,
    CopyCounts,
    CopyEndRequest,
    CopyState,
)
from broker.messages.terminals import (
    IdentifyAnswer,
    IdentifyRequest,
)
from broker.server import BrokerServer
from config.settings import LinkSettings
from terminal_bridge.ports import CardGone, CardHeld, ReaderBack

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Callable
    from pathlib import Path

    from edge.requests import Requests
    from terminal_bridge.ports import CopyKind, ReaderEvent

PATIENCE = 15.0
QUICK = Timing(first_pause=0.02, pause=0.05, refused_pause=0.05, longest_pause=0.1, steady=0.5)
EDGE = "coordinator"
NAMES = UUID("018f0000-0000-7000-8000-000000000000")


class SmallEdge:
    """Knows cards and copies, prices nothing; answers on a broker as the real edge does."""

    def __init__(self, settings: LinkSettings, *, budget: int = 100) -> None:
        self.cards = {"0417": "ana", "0533": "bea"}
        self.budget = budget
        self.open: dict[UUID, CopyCounts] = {}
        self.settled: dict[UUID, CopyCounts] = {}
        self.asked: list[Request] = []
        self.answers: dict[str, Callable[[Any], Reply | None]] = {}
        """What a test answers instead, by method; None: nothing is said."""
        self.real: Requests | None = None
        """The real edge's answers about copies, instead of ours."""
        self.changed = asyncio.Condition()
        self.session = UUID(int=0)
        self.clock: Callable[[], datetime] = lambda: datetime.now(UTC)
        self._link = Link(
            settings, EDGE, subscriptions=(topics.COORDINATOR_SUBSCRIPTION,), timing=QUICK
        )
        self._work: asyncio.Task[None] | None = None

    async def __aenter__(self) -> Self:
        """Listen."""
        await self._link.__aenter__()
        self._work = asyncio.create_task(self._serve())
        return self

    async def __aexit__(self, *exc: object) -> None:
        """Go without a word."""
        if self._work is not None:
            self._work.cancel()
        await self._link.__aexit__(None, None, None)

    async def until(self, holds: Callable[[], bool]) -> None:
        """Wait until something holds, looked at after each question."""
        async with asyncio.timeout(PATIENCE), self.changed:
            await self.changed.wait_for(holds)

    def methods(self) -> list[str]:
        """Return the kinds of what was asked, in order."""
        names = {model: method for method, model in topics.METHODS.items()}
        return [names[type(question)] for question in self.asked]

    async def say_online(self, *, online: bool = True) -> None:
        """Say whether the edge listens."""
        if online:
            self.session = uuid4()
        status = CoordinatorStatus(online=online, session=self.session, epoch=0)
        await self.say(topics.ALL_COORDINATOR, status)

    async def say(self, topic: topics.Topic, message: Message, **levels: str) -> None:
        """Publish as the edge."""
        payload = encode(message, source="edge-1", id_=uuid4(), now=self.clock())
        where = topic.of(**levels)
        await self._link.publish(where, payload, qos=topic.qos, retain=topic.retain)

    async def _serve(self) -> None:
        async for event in self._link.events():
            with suppress(ConnectionError):  # the asker will ask again
                if isinstance(event, Connected):
                    await self.say_online()
                elif isinstance(event, Arrived):
                    found = topics.REQUEST.match(event.topic)
                    if found is not None:
                        await self._answer(found["node"], found["method"], event.payload)

    async def _answer(self, node: str, method: str, payload: bytes) -> None:
        received = decode(payload, (topics.METHODS[method],))
        assert not isinstance(received, Unreadable)
        question = received.message
        reply: Reply | None
        if question.expires_at <= self.clock():
            problem = Problem(code="expired", detail="too late")
            reply = Reply(corr=question.corr, status="expired", problem=problem)
        elif self.real is not None and method.startswith("copy-"):
            told = await self.real.answer(node, method, payload)
            reply = told if isinstance(told, Reply) else None
        elif method in self.answers:
            reply = self.answers[method](question)
        else:
            reply = self.answer(question)
        async with self.changed:
            self.asked.append(question)
            self.changed.notify_all()
        if reply is not None:
            await self.say(topics.REPLY, reply, node=node, corr=str(question.corr))

    def answer(self, question: Request) -> Reply:
        """Answer as an edge would."""
        match question:
            case IdentifyRequest():
                return self._identity(question)
            case CopyBeginRequest():
                copy = uuid4()
                self.open[copy] = CopyCounts()
                return self._state(question, copy)
            case CopyCountRequest(copy_id=copy, counts=counts) if copy in self.open:
                self.open[copy] = counts
                return self._state(question, copy)
            case CopyEndRequest(copy_id=copy, counts=counts) if copy in self.open:
                del self.open[copy]
                self.settled[copy] = counts
                return self._state(question, copy)
            case CopyCountRequest() | CopyEndRequest():
                return _no(question, "not-found")
        return _yes(question, {})

    def _identity(self, question: IdentifyRequest) -> Reply:
        user = self.cards.get(question.card.get_secret_value()) if question.card else None
        if user is None:
            return _no(question, "unknown-card")
        session = uuid5(NAMES, user)
        answer = IdentifyAnswer(session=session, user=user, display=user, idle_seconds=60)
        return _yes(question, answer.model_dump(mode="json"))

    def _state(self, question: Request, copy: UUID) -> Reply:
        counts = self.open.get(copy) or self.settled.get(copy) or CopyCounts()
        left = max(0, self.budget - counts.total)
        state = CopyState(
            copy_id=copy,
            go_on=copy in self.open and left > 0,
            settled=copy in self.settled,
            counts=counts,
            pages_left=CopyCounts(monochrome=left),
        )
        return _yes(question, state.model_dump(mode="json"))


def _yes(question: Request, data: dict[str, Any]) -> Reply:
    return Reply(corr=question.corr, status="ok", data=data)


def _no(question: Request, code: str) -> Reply:
    problem = Problem(code=code, detail=f"This is {code}.")
    return Reply(corr=question.corr, status="refused", problem=problem)


class LoneSite:
    """A broker that can be stopped and begun again on the same port."""

    def __init__(self) -> None:
        self.known = CredentialMemory()
        self.secrets: dict[str, str] = {EDGE: self.known.add(EDGE, topics.Party.COORDINATOR)}
        self.port = 0
        self.server: BrokerServer | None = None

    def terminal(self, name: str) -> LinkSettings:
        """Return how a terminal connects."""
        if name not in self.secrets:
            self.secrets[name] = self.known.add(name, topics.Party.NODE)
        return self._link(name)

    def edge(self) -> LinkSettings:
        """Return how the edge does."""
        return self._link(EDGE)

    async def start(self) -> None:
        """Run the broker."""
        self.server = BrokerServer([Listener(port=self.port)], self.known.authenticate)
        await self.server.__aenter__()
        self.port = self.server.port()

    async def stop(self) -> None:
        """End it."""
        if self.server is not None:
            await self.server.__aexit__(None, None, None)
            self.server = None

    def _link(self, name: str) -> LinkSettings:
        return LinkSettings.model_validate({"port": self.port, "secret": self.secrets[name]})


@asynccontextmanager
async def site_of() -> AsyncIterator[LoneSite]:
    """Give a site whose broker runs."""
    site = LoneSite()
    await site.start()
    try:
        yield site
    finally:
        await site.stop()


class HandReader:
    """A reader that a test holds cards against."""

    def __init__(self) -> None:
        self.queue: asyncio.Queue[ReaderEvent] = asyncio.Queue()

    async def __aenter__(self) -> Self:
        """Be heard."""
        self.queue.put_nowait(ReaderBack())
        return self

    async def __aexit__(self, *exc: object) -> None:
        """Be heard no more."""

    async def events(self) -> AsyncIterator[ReaderEvent]:
        """Give what the test did."""
        while True:
            yield await self.queue.get()

    def hold(self, number: str) -> None:
        """Hold a card against it, and take it away."""
        self.queue.put_nowait(CardHeld(number))
        self.queue.put_nowait(CardGone())


class HandCopier:
    """A copier whose pages a test makes."""

    def __init__(self, tell: Callable[[str], None] = lambda _: None) -> None:
        self.enabled = False
        self.log: list[str] = []
        self.broken = False
        self._tell = tell
        self._totals = CopyCounts()
        self._grew = asyncio.Event()
        self._switched = asyncio.Event()

    async def __aenter__(self) -> Self:
        """Open."""
        if self.broken:
            raise OSError("the pins are gone")
        self._totals = CopyCounts()
        self._grew.clear()
        return self

    async def __aexit__(self, *exc: object) -> None:
        """Close."""
        self.disable()

    def enable(self, kinds: frozenset[CopyKind]) -> None:
        """Let it."""
        self._switch("enable", on=True)

    def disable(self) -> None:
        """Stop it."""
        self._switch("disable", on=False)

    def make(self, pages: int) -> None:
        """Make so many pages."""
        self._totals = CopyCounts(monochrome=self._totals.monochrome + pages)
        self._grew.set()

    def breaks(self) -> None:
        """Fail."""
        self.broken = True
        self._grew.set()

    async def pulses(self) -> AsyncIterator[CopyCounts]:
        """Give the totals when they grew."""
        while True:
            await self._grew.wait()
            self._grew.clear()
            if self.broken:
                raise OSError("the pins are gone")
            yield self._totals

    async def until(self, *, enabled: bool) -> None:
        """Wait until it is let, or not."""
        async with asyncio.timeout(PATIENCE):
            while self.enabled != enabled:
                self._switched.clear()
                await self._switched.wait()

    def _switch(self, word: str, *, on: bool) -> None:
        if self.enabled != on:
            self._tell(word)
        self.enabled = on
        self.log.append(word)
        self._switched.set()


def terminal_table(site: LoneSite, data: Path, *names: str, **extra: Any) -> dict[str, Any]:  # noqa: ANN401
    """Return settings of terminals at a site, as from a file."""
    for name in names:
        site.terminal(name)
    return {
        "data": str(data),
        "broker": {"port": site.port, "longest_pause": "100ms"},
        "terminals": [
            {
                "id": name,
                "secret": site.secrets[name],
                "printer": "copier-1",
                "run_out": "50ms",
                "reader": {"device": "socket://127.0.0.1:1"},
                "copier": {"enable": [{"pin": 17}], "pulses": [{"pin": 27}]},
                **extra,
            }
            for name in names
        ],
    }
