"""The link on real brokers, ours and Mosquitto: it comes back, and promises only what is true."""

from __future__ import annotations

import asyncio
from contextlib import asynccontextmanager
from typing import TYPE_CHECKING
from uuid import UUID

import pytest

from broker.link import (
    Arrived,
    Connected,
    Disconnected,
    Link,
    LinkDown,
    LinkEvent,
    LinkRefused,
    TimedOut,
    Timing,
    Will,
)
from config.settings import LinkSettings
from demo.proxy import CuttableProxy
from tests.contract.mqtt.wire import PATIENCE, SILENCE, Client, Site

if TYPE_CHECKING:
    from collections.abc import AsyncIterator

#: Like the real ones, only quicker.
QUICK = Timing(first_pause=0.02, pause=0.05, refused_pause=0.05, longest_pause=0.1, steady=0.5)
UP, DOWN = "pm/v1/up/edge-1/log/ledger", "pm/v1/down/edge-1/log/ledger"
STATUS = "pm/v1/up/edge-1/status"


def last_word(session: UUID) -> Will:
    """Return a will that carries the session."""
    return Will(STATUS, f"gone {session}".encode())


@asynccontextmanager
async def linked(
    site: Site, port: int | None = None, *, timing: Timing = QUICK, node: str = "edge-1"
) -> AsyncIterator[tuple[Link, AsyncIterator[LinkEvent]]]:
    """Give a link of a node and its events."""
    settings = LinkSettings(port=port or site.port, secret=site.secrets[node])
    async with Link(
        settings,
        node,
        subscriptions=(f"pm/v1/down/{node}/#", "pm/v1/all/#"),
        will=last_word if node == "edge-1" else None,
        timing=timing,
    ) as link:
        yield link, link.events()


async def soon(events: AsyncIterator[LinkEvent]) -> LinkEvent:
    """Return the next event."""
    async with asyncio.timeout(PATIENCE):
        return await anext(events)


async def centre_of(site: Site) -> Client:
    """Return the coordinator, hearing everything that goes up."""
    client = await Client.login(site, "coordinator")
    await client.subscribe("pm/v1/up/#")
    return client


async def test_link_says_connected_when_it_can_hear(site: Site) -> None:
    """A message sent right after Connected arrives: the subscription stands by then."""
    centre = await centre_of(site)
    async with linked(site) as (link, events):
        first = await soon(events)
        assert isinstance(first, Connected)
        assert link.connected.is_set()
        await centre.publish_surely(DOWN, b"hello")
        assert await soon(events) == Arrived(DOWN, b"hello", qos=1)
        await link.publish(UP, b"hello yourself")
        assert (await centre.message()).payload == b"hello yourself"


async def test_link_comes_back_under_a_new_session_and_hears(site: Site) -> None:
    """Each cut is told, then each new connection, and nothing is deaf afterwards."""
    centre = await centre_of(site)
    async with CuttableProxy(site.port) as proxy, linked(site, proxy.port) as (link, events):
        sessions = set()
        for number in range(5):
            up = await soon(events)
            assert isinstance(up, Connected)
            sessions.add(up.session)
            await centre.publish_surely(DOWN, b"%d" % number)
            assert await soon(events) == Arrived(DOWN, b"%d" % number, qos=1)
            proxy.cut()
            assert isinstance(await soon(events), Disconnected)
            assert not link.connected.is_set()
            proxy.restore()
        assert len(sessions) == 5


async def test_link_never_queues_while_it_is_down(site: Site) -> None:
    """What could not be sent is refused at once and never turns up later by itself."""
    centre = await centre_of(site)
    async with CuttableProxy(site.port) as proxy, linked(site, proxy.port) as (link, events):
        with pytest.raises(LinkDown):
            await link.publish(UP, b"too early")
        await soon(events)
        proxy.cut()
        under_way = [asyncio.create_task(link.publish(UP, b"lost")) for _ in range(3)]
        results = await asyncio.gather(*under_way, return_exceptions=True)
        assert [type(result) for result in results] == [LinkDown] * 3
        assert isinstance(await soon(events), Disconnected)
        with pytest.raises(LinkDown):
            await link.publish(UP, b"too late")
        proxy.restore()
        assert isinstance(await soon(events), Connected)
        await link.publish(UP, b"now")
        heard = [(await centre.message()).payload for _ in range(2)]
        assert heard[0].startswith(b"gone "), "the will"
        assert heard[1] == b"now"


@pytest.mark.parametrize("clean", [True, False])
async def test_link_leaves_its_last_word(site: Site, clean: bool) -> None:  # noqa: FBT001
    """Cut off or closed in order: the will of this very session is published, and retained."""
    centre = await centre_of(site)
    async with CuttableProxy(site.port) as proxy, linked(site, proxy.port) as (_, events):
        up = await soon(events)
        assert isinstance(up, Connected)
        if not clean:
            proxy.cut()
            assert (await centre.message()).payload == f"gone {up.session}".encode()
    if clean:
        assert (await centre.message()).payload == f"gone {up.session}".encode()
    late = await Client.login(site, "wall")
    await late.subscribe("pm/v1/up/+/status")
    assert (await late.message()).payload.startswith(b"gone ")


async def test_link_keeps_order_through_bursts(site: Site) -> None:
    """Many messages each way at once arrive in the order they were sent."""
    centre = await centre_of(site)
    count = 250  # within what the broker keeps for one client here
    async with linked(site, timing=Timing(window=200)) as (link, events):
        await soon(events)
        texts = [b"%d" % number for number in range(count)]
        sending = [asyncio.create_task(link.publish(UP, text)) for text in texts]
        assert [(await centre.message()).payload for _ in range(count)] == texts
        await asyncio.gather(*sending)
        for text in texts[:200]:
            centre.publish(DOWN, text, qos=1)
        assert [await soon(events) for _ in range(200)] == [
            Arrived(DOWN, text, qos=1) for text in texts[:200]
        ]


async def test_link_is_refused_with_a_wrong_secret_and_does_not_hammer(site: Site) -> None:
    """A wrong secret never connects, is tried again only now and then, and harms nobody."""
    async with linked(site) as (link, events), CuttableProxy(site.port) as proxy:
        await soon(events)
        wrong = LinkSettings(port=proxy.port, secret="0" * 64)
        slow = Timing(refused_pause=30.0)
        async with Link(wrong, "edge-1", subscriptions=(), timing=slow) as other:
            await asyncio.sleep(SILENCE)  # nothing must happen
            assert not other.connected.is_set()
            with pytest.raises(LinkDown):
                await other.publish(UP, b"forged")
        assert link.connected.is_set(), "the victim notices nothing"


async def test_link_asks_and_gets_the_answer_of_its_question(site: Site) -> None:
    """The answer on `res/{corr}` comes back to who asked; without one, the time runs out."""
    centre = await centre_of(site)
    one, two = UUID(int=1), UUID(int=2)
    question = "pm/v1/up/edge-1/req/funds"
    async with linked(site) as (link, events):
        with pytest.raises(LinkDown):
            await link.request(question, b"?", corr=one, within=PATIENCE)
        await soon(events)
        asking = asyncio.create_task(link.request(question, b"?", corr=one, within=PATIENCE))
        assert (await centre.message()).payload == b"?"
        await centre.publish_surely(f"pm/v1/down/edge-1/res/{two}", b"of another")
        await centre.publish_surely(f"pm/v1/down/edge-1/res/{one}", b"!")
        assert await asking == b"!"
        assert await link.request(question, b"?", corr=two, within=SILENCE) == TimedOut()
        await centre.publish_surely(f"pm/v1/down/edge-1/res/{two}", b"too late")
        heard = [await soon(events), await soon(events)]
        assert [event.payload for event in heard if isinstance(event, Arrived)] == [
            b"of another",
            b"too late",
        ]


def test_link_refused_is_a_kind_of_down() -> None:
    """Who catches ConnectionError or LinkDown catches every way of being without a link."""
    assert issubclass(LinkRefused, LinkDown)
    assert issubclass(LinkDown, ConnectionError)
