"""The site's command line and an edge that is only just starting: no question gets lost."""

from __future__ import annotations

import asyncio
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING
from uuid import UUID

import pytest
from pydantic import SecretStr

from broker import topics
from broker.codec import Received, decode, encode
from broker.credentials import CredentialMemory
from broker.link import Arrived, Link, LinkDown, TimedOut
from broker.listeners import Listener
from broker.messages import CoordinatorStatus, Reply, StatusRequest
from broker.server import BrokerServer
from broker.topics import Party
from config.settings import CoordinatorSettings, EdgeSettings, LinkSettings, SiteBroker
from edge import asking

if TYPE_CHECKING:
    from collections.abc import AsyncIterator
    from pathlib import Path

    from broker.messages import Message

SESSION = UUID(int=7)
PATIENCE = 10.0


class Site:
    """A site's broker, and what its edge would say there."""

    def __init__(self, settings: EdgeSettings, edge: Link) -> None:
        self.settings = settings
        self._edge = edge

    async def say(self, *, online: bool, session: UUID = SESSION) -> None:
        """Say as the edge whether it is on line."""
        status = CoordinatorStatus(online=online, session=session, epoch=0)
        topic = topics.ALL_COORDINATOR
        await self._edge.publish(topic.of(), _written(status), retain=topic.retain)

    async def answer(self, within: float) -> bool:
        """Answer one question; False when none came."""
        try:
            async with asyncio.timeout(within):
                async for event in self._edge.events():
                    if isinstance(event, Arrived) and (found := topics.REQUEST.match(event.topic)):
                        asked = decode(event.payload, (StatusRequest,))
                        assert isinstance(asked, Received)
                        reply = Reply(corr=asked.message.corr, status="ok")
                        topic = topics.REPLY.of(node=found["node"], corr=str(reply.corr))
                        await self._edge.publish(topic, _written(reply))
                        return True
        except TimeoutError:
            pass
        return False


def _written(message: Message) -> bytes:
    return encode(message, source="north", id_=UUID(int=9), now=datetime.now(UTC))


def _question() -> StatusRequest:
    return StatusRequest(corr=UUID(int=11), expires_at=datetime.now(UTC) + timedelta(seconds=60))


@pytest.fixture
async def site(tmp_path: Path) -> AsyncIterator[Site]:
    """Return a site whose edge is connected and has not said that it is on line."""
    known = CredentialMemory()
    secret = known.add(topics.COORDINATOR, Party.COORDINATOR)
    (tmp_path / asking.OPERATOR_SECRET).write_text(known.add(asking.OPERATOR, Party.NODE))
    async with BrokerServer([Listener("127.0.0.1", 0)], known.authenticate) as broker:
        link = LinkSettings(host="127.0.0.1", port=broker.port(), secret=SecretStr(secret))
        settings = EdgeSettings(
            node="north",
            site="North",
            data=tmp_path,
            coordinator=CoordinatorSettings(incarnation=UUID(int=1)),
            link=link,
            site_broker=SiteBroker(port=broker.port()),
        )
        filters = (topics.COORDINATOR_SUBSCRIPTION,)
        async with Link(link, topics.COORDINATOR, subscriptions=filters) as edge:
            await asyncio.wait_for(edge.connected.wait(), PATIENCE)
            yield Site(settings, edge)


async def test_a_question_waits_for_the_edge(site: Site) -> None:
    """A question put before the edge is on line is asked once it is, and answered."""
    asker = asking.Asker(site.settings)
    await asker.open()
    try:
        asked = asyncio.create_task(asker.ask("status", _question(), seconds=PATIENCE))
        assert not await site.answer(0.3)
        await site.say(online=True)
        assert await site.answer(PATIENCE)
        assert (await asked).status == "ok"
    finally:
        await asker.close()


async def test_an_edge_that_went_is_not_asked(site: Site, monkeypatch: pytest.MonkeyPatch) -> None:
    """After the edge's farewell, which the broker keeps, nobody waits long for an answer."""
    monkeypatch.setattr(asking, "_CONNECT_SECONDS", 0.5)
    await site.say(online=True)
    await site.say(online=False)
    asker = asking.Asker(site.settings)
    await asker.open()
    try:
        with pytest.raises(asking.NoAnswer):
            await asyncio.wait_for(asker.ask("status", _question(), seconds=60), PATIENCE)
    finally:
        await asker.close()


async def test_a_question_that_broke_off_is_asked_again(
    site: Site, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The connection breaks as a question goes out: it is asked again when the edge is there."""
    broke = asyncio.Event()
    whole = Link.request

    async def request(
        link: Link, topic: str, payload: bytes, *, corr: UUID, within: float
    ) -> bytes | TimedOut:
        if not broke.is_set():
            broke.set()
            raise LinkDown("the connection broke off")
        return await whole(link, topic, payload, corr=corr, within=within)

    monkeypatch.setattr(Link, "request", request)
    await site.say(online=True)
    asker = asking.Asker(site.settings)
    await asker.open()
    try:
        asked = asyncio.create_task(asker.ask("status", _question(), seconds=PATIENCE))
        await asyncio.wait_for(broke.wait(), PATIENCE)
        await site.say(online=True)  # as the broker does to whoever connects again
        assert await site.answer(PATIENCE)
        assert (await asked).status == "ok"
    finally:
        await asker.close()


async def test_a_late_farewell_of_an_older_session_means_nothing(site: Site) -> None:
    """The will of a session that is over does not silence the one that is on line."""
    await site.say(online=True)
    asker = asking.Asker(site.settings)
    await asker.open()
    try:
        first = asyncio.create_task(asker.ask("status", _question(), seconds=PATIENCE))
        assert await site.answer(PATIENCE)
        await first
        await site.say(online=False, session=UUID(int=1))
        again = asyncio.create_task(asker.ask("status", _question(), seconds=PATIENCE))
        assert await site.answer(PATIENCE)
        assert (await again).status == "ok"
    finally:
        await asker.close()
