"""What is delivered, when and to whom, and what clients may cost; on our broker and Mosquitto."""

from __future__ import annotations

import asyncio
import contextlib
import time
from pathlib import Path

import pytest

from tests.contract.mqtt.wire import PUBCOMP, PUBREC, Client, Site, length, text

STATUS = "pm/v1/up/edge-1/status"
LEDGER = "pm/v1/up/edge-1/log/ledger"
DOWN = "pm/v1/down/edge-1/dir"
MIB = 1024 * 1024


async def pair(site: Site, qos: int = 1) -> tuple[Client, Client]:
    """Return a coordinator that hears all and an edge."""
    centre = await Client.login(site, "coordinator")
    assert await centre.subscribe("pm/v1/up/#", qos) == qos
    return centre, await Client.login(site, "edge-1")


@pytest.mark.parametrize(
    ("published", "subscribed", "delivered"),
    [(0, 0, 0), (0, 1, 0), (1, 0, 0), (1, 1, 1)],
)
async def test_delivery_has_the_lesser_qos(
    site: Site, published: int, subscribed: int, delivered: int
) -> None:
    """A message comes with the smaller of the publisher's and the subscriber's QoS."""
    centre, edge = await pair(site, subscribed)
    edge.publish(LEDGER, b"m", qos=published)
    assert (await centre.message()).qos == delivered


async def test_overlapping_filters_deliver_once(site: Site) -> None:
    """Three filters that match the same topic bring one copy; ours with the best QoS (§3.3.5)."""
    centre, edge = await pair(site, 0)
    await centre.subscribe("pm/v1/up/+/log/+", 1)
    await centre.subscribe("pm/v1/up/edge-1/#", 0)
    edge.publish(LEDGER, b"once", qos=1)
    assert (await centre.message()).qos == 1 or site.kind == "mosquitto", "it takes the first"
    assert await centre.nothing()


async def test_unsubscribing_ends_delivery_at_once(site: Site) -> None:
    """After UNSUBACK nothing comes on that filter."""
    centre, edge = await pair(site)
    centre.send(0xA2, b"\0\x09" + text("pm/v1/up/#"))
    assert (await centre.wait_for(11)).body == b"\0\x09"
    await edge.publish_surely(LEDGER, b"unheard")
    assert await centre.nothing()


async def test_messages_of_one_client_keep_their_order(site: Site) -> None:
    """A thousand messages arrive in the order they were published, none missing or doubled."""
    centre, edge = await pair(site)
    for number in range(250):
        edge.publish(LEDGER, str(number).encode(), qos=1)
    assert [int((await centre.message()).payload) for _ in range(250)] == list(range(250))


async def test_exactly_once_runs_its_four_steps(site: Site) -> None:
    """A QoS 2 publish repeated before its PUBREL is passed on once."""
    centre, edge = await pair(site)
    for first in (0x34, 0x3C):
        edge.send(first, text(LEDGER) + b"\0\x07" + b"two")
        assert (await edge.wait_for(PUBREC)).body == b"\0\x07"
    edge.send(0x62, b"\0\x07")
    assert (await edge.wait_for(PUBCOMP)).body == b"\0\x07"
    assert (await centre.message()).payload == b"two"
    assert await centre.nothing()


async def test_a_dollar_topic_makes_no_zombie(site: Site) -> None:
    """After a publish to `$x/…` the client is gone, or its later messages still arrive."""
    centre, edge = await pair(site)
    edge.publish("$x/y", b"odd", qos=1)
    edge.publish("$SYS/broker/x", b"odd", qos=1)
    try:
        await edge.publish_surely(LEDGER, b"after")
    except (AssertionError, ConnectionError):
        return
    assert (await centre.message()).payload == b"after"


async def test_a_frozen_client_is_noticed(site: Site) -> None:
    """Silence for one and a half keep alives ends a client and publishes its will."""
    centre, _ = await pair(site)
    began = time.monotonic()
    frozen = await Client.login(
        site, "edge-2", keep_alive=1, will=("pm/v1/up/edge-2/status", b"offline", 1, True)
    )
    assert (await centre.message()).payload == b"offline"
    assert time.monotonic() - began > 1.4
    assert await frozen.ended()


async def test_a_client_that_pings_is_kept(site: Site) -> None:
    """Pings at the keep alive keep a client that says nothing else."""
    centre = await Client.login(site, "coordinator", keep_alive=1)
    for _ in range(4):
        await asyncio.sleep(0.7)  # the passing of time is what is tested
        assert await centre.alive()


async def test_half_a_packet_is_silence_too(site: Site) -> None:
    """A client that stalls inside a packet is ended as one that says nothing."""
    stalled = await Client.login(site, "edge-1", keep_alive=1)
    stalled.writer.write(b"\x30\x64\0\x05a")
    assert await stalled.ended()


async def test_a_newer_connection_takes_over_and_hears(site: Site) -> None:
    """The same node over a half-open connection: the old one is cut, the new one is not deaf."""
    centre, old = await pair(site)
    await old.subscribe("pm/v1/down/edge-1/#")
    for clean in (True, False, False):
        new = await Client.login(site, "edge-1", clean=clean)
        assert new.code == 0
        assert await old.ended()
        await new.subscribe("pm/v1/down/edge-1/#")
        await centre.publish_surely(DOWN, b"hear me")
        assert (await new.message()).payload == b"hear me"
        await new.publish_surely(LEDGER, b"heard")
        assert (await centre.message()).payload == b"heard"
        old = new


async def test_ten_takeovers_at_once_leave_one_hearing_client(site: Site) -> None:
    """However many connections of one node race, exactly one remains and it works."""
    centre = await Client.login(site, "coordinator")
    racers = await asyncio.gather(*(Client.login(site, "edge-1") for _ in range(10)))
    last = await Client.login(site, "edge-1")
    assert all([await racer.ended() for racer in racers])
    await last.subscribe("pm/v1/down/edge-1/#")
    await centre.publish_surely(DOWN, b"one")
    assert (await last.message()).payload == b"one"


async def test_a_kept_session_gets_what_it_was_owed(site: Site) -> None:
    """With clean_session off, unacknowledged and missed QoS 1 messages come after a break."""
    centre = await Client.login(site, "coordinator")
    edge = await Client.login(site, "edge-1", clean=False)
    await edge.subscribe("pm/v1/down/edge-1/#")
    edge.acknowledging = False
    await centre.publish_surely(DOWN, b"unacknowledged")
    assert (await edge.message()).payload == b"unacknowledged"
    edge.vanish()
    await centre.publish_surely(DOWN, b"missed")
    back = await Client.login(site, "edge-1", clean=False)
    assert back.resumed
    first, second = await back.message(), await back.message()
    assert [first.payload, second.payload] == [b"unacknowledged", b"missed"]
    assert first.flags & 8, "DUP"
    assert await back.nothing()


async def test_a_clean_session_starts_with_nothing(site: Site) -> None:
    """With clean_session on, neither subscriptions nor messages outlive the connection."""
    centre = await Client.login(site, "coordinator")
    edge = await Client.login(site, "edge-1")
    await edge.subscribe("pm/v1/down/edge-1/#")
    edge.vanish()
    await centre.publish_surely(DOWN, b"missed")
    back = await Client.login(site, "edge-1", clean=False)
    assert not back.resumed
    await centre.publish_surely(DOWN, b"still not subscribed")
    assert await back.nothing()


async def test_a_huge_packet_ends_its_sender_alone(site: Site) -> None:
    """Ten megabytes are refused by their header; memory stays, and others are served."""
    centre, edge = await pair(site)
    before = resident(site)
    edge.writer.write(b"\x30" + length(10 * MIB))
    with contextlib.suppress(ConnectionError):
        for _ in range(160):
            edge.writer.write(bytes(65_536))
            await edge.writer.drain()
    assert await edge.ended()
    again = await Client.login(site, "edge-1")
    await again.publish_surely(LEDGER, bytes(100_000))
    assert len((await centre.message()).payload) == 100_000
    assert resident(site) - before < 6 * MIB


@pytest.mark.parametrize("qos", [0, 1])
async def test_a_slow_subscriber_costs_bounded_memory(site: Site, qos: int) -> None:
    """A client that stops reading is cut off (ours) or starved (Mosquitto); the rest goes on."""
    centre = await Client.login(site, "coordinator")
    edge = await Client.login(site, "edge-1")
    await edge.subscribe("pm/v1/down/edge-1/#", qos)
    healthy = await Client.login(site, "edge-2")
    await healthy.subscribe("pm/v1/down/edge-2/#")
    edge.writer.transport.pause_reading()  # type: ignore[attr-defined]
    before = resident(site)
    for _ in range(400):
        await centre.publish_surely(DOWN, bytes(60_000))
    await centre.publish_surely("pm/v1/down/edge-2/dir", b"on time")
    assert (await healthy.message()).payload == b"on time"
    if site.server is not None:
        assert "edge-1" not in {identity.name for identity in site.server.connected()}
    assert resident(site) - before < 24 * MIB, "24 MB were sent, 2 may be kept, sockets hold some"


@pytest.mark.parametrize(
    "nonsense",
    [
        b"GET / HTTP/1.1\r\n\r\n",
        b"\x10\xff\xff\xff\xff\x7f",
        b"\x00\x00",
        b"\xf0\x00",
        b"\x30\x05\x00\x01ab",  # a publish before CONNECT
        b"\x10\x02\x00\x04",
        b"\x10\x0a\x00\x04MQTT\x04\x03\x00\x3c",  # reserved flag set, payload missing
    ],
)
async def test_nonsense_before_connect_only_ends_itself(site: Site, nonsense: bytes) -> None:
    """Bytes that are no CONNECT end their connection; the broker goes on."""
    stranger = await Client.open(site.port)
    stranger.writer.write(nonsense)
    with contextlib.suppress(OSError):  # it may be gone before
        stranger.writer.write_eof()
    assert await stranger.ended()
    assert await (await Client.login(site, "edge-1")).alive()


@pytest.mark.parametrize(
    ("first", "body"),
    [
        (0x36, text(LEDGER) + b"\0\1x"),  # QoS 3
        (0x32, text(LEDGER) + b"\0\0x"),  # packet id 0
        (0x30, b"\0\xffab"),  # the topic is cut short
        (0x30, b"\0\2\xff\xfe"),  # not UTF-8
        (0x30, text("a/+/b") + b"x"),  # a wildcard in a topic
        (0x82, b"\0\1"),  # subscribe to nothing
        (0x82, b"\0\1" + text("a") + b"\3"),  # QoS 3
        (0x80, b"\0\1" + text("a") + b"\1"),  # wrong flags
        (0x40, b""),
        (0x10, b"\0\4MQTT\4\2\0\x3c\0\0"),  # a second CONNECT
        (0x20, b"\0\0"),  # what only a broker says
        (0xF0, b""),
    ],
)
async def test_nonsense_after_connect_ends_that_client(site: Site, first: int, body: bytes) -> None:
    """A client that breaks the protocol is ended, its will is said, and the broker goes on."""
    centre = await Client.login(site, "coordinator")
    await centre.subscribe("pm/v1/up/#")
    broken = await Client.login(site, "edge-1", will=(STATUS, b"offline", 1, False))
    broken.send(first, body)
    assert await broken.ended()
    if site.kind == "amqtt" or first != 0x10:  # Mosquitto forgets the will at a second CONNECT
        assert (await centre.message()).payload == b"offline"


def resident(site: Site) -> int:
    """Return the resident memory of the broker's process, in bytes (ours: of this process)."""
    pages = Path(f"/proc/{site.pid or 'self'}/statm").read_text().split()[1]
    return int(pages) * 4096
