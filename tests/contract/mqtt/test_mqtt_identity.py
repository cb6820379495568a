"""Who gets in and what they may say and hear, on our broker and on Mosquitto as we export it."""

from __future__ import annotations

import asyncio
import json
import shutil
from typing import TYPE_CHECKING

import pytest

from broker.topics import dashboard_subscriptions
from tests.contract.mqtt.wire import PATIENCE, Client, text

if TYPE_CHECKING:
    from tests.contract.mqtt.wire import Site

STATUS = "pm/v1/up/{}/status"
LEDGER = "pm/v1/up/{}/log/ledger"


async def test_the_right_secret_opens_and_nothing_else_does(site: Site) -> None:
    """Only a known name with its own secret is let in; a refusal is answered, then closed."""
    right = await Client.login(site, "edge-1")
    assert right.code == 0
    for name, secret in [
        ("edge-2", "wrong"),
        ("edge-2", ""),
        ("edge-2", site.secrets["wall"]),
        ("stranger", "x"),
    ]:
        refused = await Client.login(site, name, secret=secret)
        assert refused.code in {4, 5}, (name, secret)
        assert await refused.ended()


async def test_a_wrong_secret_does_nothing_to_the_client_it_names(site: Site) -> None:
    """A CONNECT with another's id and a wrong secret leaves the victim connected and heard."""
    centre = await Client.login(site, "coordinator")
    await centre.subscribe("pm/v1/up/#")
    victim = await Client.login(site, "edge-1")
    await victim.subscribe("pm/v1/down/edge-1/#")
    for clean in (True, False):
        attack = await Client.login(site, "edge-1", secret="wrong", clean=clean)
        assert attack.code != 0
    await centre.publish_surely("pm/v1/down/edge-1/dir", b"still there")
    assert (await victim.message()).payload == b"still there"
    await victim.publish_surely(LEDGER.format("edge-1"), b"still heard")
    assert (await centre.message()).payload == b"still heard"


async def test_another_users_client_id_cannot_be_taken(site: Site) -> None:
    """A valid user who comes with another's client id does not disturb that client."""
    victim = await Client.login(site, "edge-1")
    await victim.subscribe("pm/v1/down/edge-1/#")
    await Client.login(site, "edge-2", client_id="edge-1")  # refused, or renamed: not the victim
    centre = await Client.login(site, "coordinator")
    await centre.publish_surely("pm/v1/down/edge-1/dir", b"mine")
    assert (await victim.message()).payload == b"mine"


async def test_a_node_speaks_under_its_own_name_only(site: Site) -> None:
    """What a node publishes under another's name, or as the centre, reaches nobody."""
    centre = await Client.login(site, "coordinator")
    await centre.subscribe("pm/v1/up/#")
    other = await Client.login(site, "edge-2")
    await other.subscribe("pm/v1/down/edge-2/#")
    await other.subscribe("pm/v1/all/#")
    forger = await Client.login(site, "edge-1")
    for topic in (
        LEDGER.format("edge-2"),
        "pm/v1/up/edge-1/not-in-the-table",
        "pm/v1/down/edge-2/dir",
        "pm/v1/all/coordinator",
        "pm/v1/feed/jobs",
        "elsewhere",
    ):
        forger.publish(topic, b"forged", qos=1)
    await forger.publish_surely(LEDGER.format("edge-1"), b"genuine")
    assert (await centre.message()).payload == b"genuine"
    assert await other.nothing()


async def test_a_dashboard_only_listens(site: Site) -> None:
    """Nothing that a dashboard publishes goes anywhere."""
    centre = await Client.login(site, "coordinator")
    await centre.subscribe("pm/v1/up/#")
    wall = await Client.login(site, "wall")
    wall.publish(STATUS.format("wall"), b"forged", qos=1)
    wall.publish("pm/v1/feed/jobs", b"forged", qos=1)
    assert await wall.alive()
    assert await centre.nothing()


@pytest.mark.parametrize(
    "asked",
    [
        "#",
        "pm/v1/#",
        "pm/v1/down/#",
        "pm/v1/down/+/#",
        "pm/v1/down/+/dir",
        "pm/v1/down/edge-2/#",
        "pm/v1/up/#",
        "+/v1/down/edge-2/dir",
        "$share/group/pm/v1/down/edge-2/#",
    ],
)
async def test_a_wide_filter_brings_nothing_of_others(site: Site, asked: str) -> None:
    """A node that asks for more than its own hears nothing meant for another node."""
    nosy = await Client.login(site, "edge-1")
    code = await nosy.subscribe(asked)
    assert site.kind == "mosquitto" or code == 0x80, "Mosquitto says yes and delivers nothing"
    centre = await Client.login(site, "coordinator")
    await centre.publish_surely("pm/v1/down/edge-2/dir", b"for edge-2")
    assert await nosy.nothing()


async def test_wildcard_grants_do_not_stretch(site: Site) -> None:
    """Holding `up/+/status` does not open `up/#` or `up/+/log/+` to a dashboard."""
    wall = await Client.login(site, "wall")
    assert await wall.subscribe("pm/v1/up/+/status") == 1
    for wider in ("pm/v1/up/#", "pm/v1/up/+/#", "pm/v1/up/+/log/+"):
        await wall.subscribe(wider)
    node = await Client.login(site, "edge-1")
    await node.publish_surely(LEDGER.format("edge-1"), b"money")
    await node.publish_surely(STATUS.format("edge-1"), b"status")
    assert (await wall.message()).payload == b"status"
    assert await wall.nothing()


async def test_retained_messages_reach_only_who_asked_for_them(site: Site) -> None:
    """Connecting brings nothing; a subscription brings what it matches and may read, once."""
    centre = await Client.login(site, "coordinator")
    await centre.subscribe("pm/v1/up/#")  # amqtt shows newcomers what others' filters match
    node = await Client.login(site, "edge-1")
    await node.publish_surely(STATUS.format("edge-1"), b"online", retain=True)
    await node.publish_surely("pm/v1/up/edge-1/dev/p1", b"toner low", retain=True)
    wall = await Client.login(site, "wall")
    other = await Client.login(site, "edge-2")
    await other.subscribe("pm/v1/up/#")
    await other.subscribe("pm/v1/down/edge-2/#")
    assert await other.nothing()
    assert await wall.nothing()
    await wall.subscribe("pm/v1/up/+/status")
    shown = await wall.message()
    assert (shown.topic, shown.payload, shown.flags & 1) == (STATUS.format("edge-1"), b"online", 1)
    assert await wall.nothing()
    await node.publish_surely(STATUS.format("edge-1"), b"", retain=True)  # cleared
    assert (await wall.message()).payload == b""
    late = await Client.login(site, "coordinator")
    await late.subscribe(STATUS.format("edge-1"))
    assert await late.nothing()


async def test_a_will_is_said_when_its_client_vanishes(site: Site) -> None:
    """A connection that breaks publishes the will, retained if asked; a goodbye does not."""
    centre = await Client.login(site, "coordinator")
    await centre.subscribe("pm/v1/up/#")
    will = (STATUS.format("edge-1"), b"offline", 1, True)
    polite = await Client.login(site, "edge-1", will=will)
    polite.bye()
    assert await centre.nothing()
    (await Client.login(site, "edge-1", will=will)).vanish()
    assert (await centre.message()).payload == b"offline"
    wall = await Client.login(site, "wall")
    await wall.subscribe("pm/v1/up/+/status")
    assert (await wall.message()).payload == b"offline"


async def test_a_forged_will_is_never_said(site: Site) -> None:
    """A will on a topic its client may not write is published for nobody."""
    centre = await Client.login(site, "coordinator")
    await centre.subscribe("pm/v1/up/#")
    forged = await Client.login(site, "edge-1", will=(STATUS.format("edge-2"), b"forged", 1, True))
    forged.vanish()
    late = await Client.login(site, "wall")
    await late.subscribe("pm/v1/up/+/status")
    assert await centre.nothing()
    assert await late.nothing()


async def test_a_version_5_client_is_answered(site: Site) -> None:
    """A CONNECT of version 5 with a user name gets a CONNACK at once; ours says 0x01 and closes."""
    client = await Client.open(site.port)
    login = text("edge-1") + text("edge-1") + text(site.secrets["edge-1"])
    client.send(0x10, text("MQTT") + b"\5\xc2\0\x3c\0" + login)
    answer = await client.packet()
    assert answer is not None
    assert answer.kind == 2
    if site.kind == "amqtt":
        assert answer.body == b"\0\1"
        assert await client.ended()


async def test_many_refused_logins_leave_the_door_working(site: Site) -> None:
    """A hundred wrong secrets at once do not keep a right one out."""
    attempts = [Client.login(site, "edge-2", secret="wrong") for _ in range(100)]
    async with asyncio.timeout(PATIENCE):
        refused = await asyncio.gather(*attempts)
    assert all(client.code != 0 for client in refused)
    assert (await Client.login(site, "edge-2")).code == 0


async def test_a_dashboard_hears_what_it_subscribes_to(site: Site) -> None:
    """Feed, status, devices and what is said to all arrive by the filters of the table."""
    wall = await Client.login(site, "wall")
    for each in dashboard_subscriptions():
        assert await wall.subscribe(each) in {0, 1}
    centre = await Client.login(site, "coordinator")
    node = await Client.login(site, "edge-1")
    for who, topic in (
        (centre, "pm/v1/all/coordinator"),
        (centre, "pm/v1/feed/jobs"),
        (node, STATUS.format("edge-1")),
        (node, "pm/v1/up/edge-1/dev/p1"),
    ):
        await who.publish_surely(topic, topic.encode())
        assert (await wall.message()).payload == topic.encode()


@pytest.mark.parametrize(
    "asked",
    [
        "#",
        "pm/v1/#",
        "pm/v1/up/#",
        "pm/v1/up/edge-1/#",
        "pm/v1/up/+/ops",
        "pm/v1/up/+/log/+",
        "pm/v1/up/+/req/+",
        "pm/v1/down/#",
        "pm/v1/down/wall/#",
        "pm/v1/down/+/cmd/+",
        "$SYS/#",
    ],
)
async def test_a_dashboard_hears_nothing_more(site: Site, asked: str) -> None:
    """Money, jobs in the streams, questions, answers and commands never reach a dashboard."""
    wall = await Client.login(site, "wall")
    code = await wall.subscribe(asked)
    assert site.kind == "mosquitto" or code == 0x80, "Mosquitto says yes and delivers nothing"
    node = await Client.login(site, "edge-1")
    for topic in (LEDGER.format("edge-1"), "pm/v1/up/edge-1/ops", "pm/v1/up/edge-1/req/funds"):
        await node.publish_surely(topic, b"not for walls")
    centre = await Client.login(site, "coordinator")
    for topic in ("pm/v1/down/edge-1/dir", "pm/v1/down/wall/dir", "pm/v1/down/edge-1/cmd/1"):
        await centre.publish_surely(topic, b"not for walls")
    assert await wall.nothing()


async def test_a_dashboard_leaves_nothing_behind(site: Site) -> None:
    """Neither its retained messages nor its will come to anybody, dashboards among them."""
    wall = await Client.login(site, "wall")
    for topic in (STATUS.format("edge-1"), "pm/v1/up/wall/dev/p1", "pm/v1/all/coordinator"):
        wall.publish(topic, b"forged", qos=1, retain=True)
    wall.publish("homeassistant/device/printmesh_x/config", b"forged", qos=1, retain=True)
    assert await wall.alive()
    will = (STATUS.format("wall"), b"forged", 1, True)
    if (dying := await Client.login(site, "wall", will=will)).code == 0:  # ours refuses the will
        dying.vanish()
    late = await Client.login(site, "coordinator")
    await late.subscribe("pm/v1/up/#")
    assert await late.nothing()
    other = await Client.login(site, "wall")
    for each in dashboard_subscriptions():
        await other.subscribe(each)
    assert await other.nothing()


@pytest.mark.mosquitto
async def test_mosquitto_sub_is_a_dashboard(site: Site) -> None:
    """Anybody's own client shows the fleet with a dashboard's name and secret, and no more."""
    program = shutil.which("mosquitto_sub")
    if program is None:
        pytest.skip("mosquitto_sub is not installed")
    node = await Client.login(site, "edge-1")
    told = json.dumps({"data": {"device": "p1", "state": "idle"}})
    await node.publish_surely("pm/v1/up/edge-1/dev/p1", told.encode(), retain=True)
    words = ["-p", str(site.port), "-i", "wall", "-u", "wall", "-P", site.secrets["wall"]]
    filters = [word for each in dashboard_subscriptions() for word in ("-t", each)]
    process = await asyncio.create_subprocess_exec(
        *(program, *words, *filters, "-v", "-C", "2", "-W", "10"),
        stdout=asyncio.subprocess.PIPE,
    )
    assert process.stdout is not None
    async with asyncio.timeout(PATIENCE):
        first = (await process.stdout.readline()).decode()
        await node.publish_surely(LEDGER.format("edge-1"), b"money")
        centre = await Client.login(site, "coordinator")
        await centre.publish_surely("pm/v1/feed/jobs", b"a job")
        second = (await process.stdout.readline()).decode()
        assert await process.wait() == 0
    assert first == f"pm/v1/up/edge-1/dev/p1 {told}\n"
    assert second == "pm/v1/feed/jobs a job\n"
