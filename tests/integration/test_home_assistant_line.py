"""Promises of the exporter for Home Assistant between two real brokers."""

from __future__ import annotations

import asyncio
import json
import os
import shutil
import sys
from contextlib import asynccontextmanager
from datetime import UTC, datetime
from typing import TYPE_CHECKING
from uuid import uuid4

import pytest

from broker import mosquitto, topics
from broker.acl import OPEN
from broker.codec import encode
from broker.credentials import CredentialFile, CredentialMemory, anybody
from broker.dashboard.home_assistant_line import HomeAssistantExporter
from broker.exchange import Limits
from broker.link import Arrived, Link
from broker.link_events import Timing
from broker.listeners import Listener
from broker.messages import DeviceState, Status
from broker.server import BrokerServer
from broker.topics import Party
from config.settings import LinkSettings
from config.settings_dashboard import ForeignBroker, HomeAssistantSettings
from tests.contract.mqtt.wire import free_port
from tests.unit.test_home_assistant import check

if TYPE_CHECKING:
    from collections.abc import AsyncIterator
    from pathlib import Path

    from broker.messages import Message

SOON = Timing(first_pause=0.05, pause=0.05, longest_pause=0.1)
CONFIG = "homeassistant/device/printmesh_north-1_p1/config"
AVAILABILITY = "homeassistant/printmesh/ha/availability"


class Home:
    """Home Assistant, as far as its broker goes: the newest message of each topic."""

    def __init__(self) -> None:
        self.there: dict[str, bytes] = {}
        self._changed = asyncio.Event()

    async def listen(self, link: Link) -> None:
        """Follow what stands there."""
        async for event in link.events():
            if isinstance(event, Arrived):
                self.there[event.topic] = event.payload
                self._changed.set()

    async def has(self, topic: str, payload: bytes | None = None) -> bytes:
        """Wait until something, or just this, stands there."""
        async with asyncio.timeout(15):
            while not self._is(topic, payload):
                self._changed.clear()
                await self._changed.wait()
        return self.there[topic]

    def _is(self, topic: str, payload: bytes | None) -> bool:
        found = self.there.get(topic)
        return bool(found) if payload is None else found == payload


@asynccontextmanager
async def home(port: int) -> AsyncIterator[Home]:
    """Run Home Assistant's broker, which lets everybody do everything, and listen there."""
    async with (
        BrokerServer([Listener(port=port)], anybody, authorise=OPEN),
        Link(
            LinkSettings(port=port, secret="x"), "hass", subscriptions=("#",), timing=SOON
        ) as link,
    ):
        await link.connected.wait()
        found = Home()
        listening = asyncio.create_task(found.listen(link))
        try:
            yield found
        finally:
            listening.cancel()
            await asyncio.wait({listening})


@asynccontextmanager
async def ours(port: int, secrets: dict[str, str]) -> AsyncIterator[Link]:
    """Run our broker with a site on it; yield the site's link."""
    people = CredentialMemory()
    people.add("ha", Party.DASHBOARD, secrets["ha"])
    people.add("north-1", Party.NODE, secrets["north-1"])
    settings = LinkSettings(port=port, secret=secrets["north-1"])
    async with (
        BrokerServer([Listener(port=port)], people.authenticate),
        Link(settings, "north-1", subscriptions=(), timing=SOON) as node,
    ):
        await node.connected.wait()
        yield node


@asynccontextmanager
async def exporting(here: int, there: int, secret: str) -> AsyncIterator[None]:
    """Run the exporter between two brokers; end it by its event."""
    settings = HomeAssistantSettings(
        node="ha",
        broker=LinkSettings(port=here, secret=secret),
        home_assistant=ForeignBroker(port=there),
    )
    stop = asyncio.Event()
    task = asyncio.create_task(HomeAssistantExporter(settings, timing=SOON).run(stop))
    try:
        yield
    finally:
        stop.set()
        async with asyncio.timeout(15):
            await task


async def say(link: Link, topic: topics.Topic, message: Message | None, **levels: str) -> bytes:
    """Publish one retained message, or empty its topic; return what was said."""
    now = datetime.now(UTC)
    said = b"" if message is None else encode(message, source="t", id_=uuid4(), now=now)
    await link.publish(topic.of(**levels), said, qos=1, retain=True)
    return said


SECRETS = {"ha": "s" * 30, "north-1": "n" * 30}
STATE = topics.DEVICE.of(node="north-1", device="p1")


def printer(state: str = "idle") -> DeviceState:
    """Return a printer's state."""
    known = {"device": "p1", "name": "Library", "state": state, "updated_at": datetime.now(UTC)}
    return DeviceState.model_validate(known)


async def test_the_fleet_comes_to_home_assistants_own_broker() -> None:
    """Announced as documented, states as they were said, and gone when the printer is."""
    here, there = free_port(), free_port()
    async with home(there) as hass, ours(here, SECRETS) as node:
        status = Status(online=True, session=uuid4())
        await say(node, topics.STATUS, status, node="north-1")
        said = await say(node, topics.DEVICE, printer(), node="north-1", device="p1")
        async with exporting(here, there, SECRETS["ha"]):
            assert await hass.has(STATE) == said
            check(CONFIG, await hass.has(CONFIG))
            await hass.has(AVAILABILITY, b"online")
            said = await say(node, topics.DEVICE, printer("stopped"), node="north-1", device="p1")
            await hass.has(STATE, said)
            await say(node, topics.DEVICE, None, node="north-1", device="p1")
            await hass.has(CONFIG, b"")
            await hass.has(STATE, b"")
        await hass.has(AVAILABILITY, b"offline")


async def test_a_broker_that_forgot_is_told_everything_again() -> None:
    """When Home Assistant's broker comes back empty, all of it stands there again."""
    here, there = free_port(), free_port()
    async with ours(here, SECRETS) as node:
        await say(node, topics.DEVICE, printer(), node="north-1", device="p1")
        async with exporting(here, there, SECRETS["ha"]):
            for _ in range(2):
                async with home(there) as hass:
                    config = json.loads(await hass.has(CONFIG))
                    assert config["device"]["name"] == "Library"
                    await hass.has(AVAILABILITY, b"online")


@pytest.mark.mosquitto
async def test_on_the_same_broker_the_documented_grant_is_enough(tmp_path: Path) -> None:
    """Mosquitto with a few lines more lets us announce, and Home Assistant read our states."""
    program = shutil.which("mosquitto", path=f"{os.environ.get('PATH', '')}:/usr/sbin")
    if program is None:
        pytest.skip("mosquitto is not installed")
    people = CredentialFile(tmp_path / "credentials.json")
    parties = {"ha": Party.DASHBOARD, "hass": Party.DASHBOARD, "north-1": Party.NODE}
    secrets = {name: people.add(name, party) for name, party in parties.items()}
    secrets["announcer"] = people.add("announcer", Party.DASHBOARD)
    port, folder = free_port(), tmp_path / "export"
    lines = mosquitto.password_lines(people.entries(), secrets, "", os.urandom)
    listener = [Listener(port=port)]
    export = mosquitto.compose(folder, listener, Limits(), people.entries(), lines)
    mosquitto.write(folder, export, force=False)
    grant = "user announcer\ntopic readwrite homeassistant/#\n"
    grant += "user hass\ntopic read homeassistant/#\n"
    with (folder / mosquitto.ACL).open("a") as file:
        file.write(grant)
    with (folder / mosquitto.CONFIGURATION).open("a") as file:
        file.write("user root\n" if os.geteuid() == 0 else "")
    broker = await asyncio.create_subprocess_exec(
        program, "-c", str(folder / mosquitto.CONFIGURATION), stderr=asyncio.subprocess.DEVNULL
    )

    def at(name: str) -> LinkSettings:
        return LinkSettings(port=port, secret=secrets[name])

    settings = HomeAssistantSettings(
        node="ha",
        broker=at("ha"),
        home_assistant=ForeignBroker(port=port, username="announcer", secret=secrets["announcer"]),
        states="ours",
    )
    filters = ("homeassistant/#", *topics.dashboard_subscriptions())
    stop = asyncio.Event()
    try:
        async with (
            Link(at("north-1"), "north-1", subscriptions=(), timing=SOON) as node,
            Link(at("hass"), "hass", subscriptions=filters, timing=SOON) as link,
        ):
            await node.connected.wait()
            await link.connected.wait()
            hass = Home()
            tasks = [
                asyncio.create_task(hass.listen(link)),
                asyncio.create_task(HomeAssistantExporter(settings, timing=SOON).run(stop)),
            ]
            said = await say(node, topics.DEVICE, printer(), node="north-1", device="p1")
            found = check(CONFIG, await hass.has(CONFIG))
            assert found["components"]["state"]["state_topic"] == STATE
            assert await hass.has(STATE) == said
            await hass.has(AVAILABILITY, b"online")
            stop.set()
            await hass.has(AVAILABILITY, b"offline")
            await tasks[1]
            tasks[0].cancel()
            await asyncio.wait(tasks)
    finally:
        broker.terminate()
        await broker.wait()


async def test_the_command_runs_until_it_is_told_to_end(tmp_path: Path) -> None:
    """`printmesh broker home-assistant` announces by its settings, and SIGTERM ends it with 0."""
    here, there = free_port(), free_port()
    config = tmp_path / "home-assistant.toml"
    config.write_text(
        f"""
        node = "ha"
        broker = {{ port = {here}, secret = "{SECRETS["ha"]}" }}
        home_assistant = {{ port = {there} }}
        """
    )
    async with home(there) as hass, ours(here, SECRETS) as node:
        await say(node, topics.DEVICE, printer(), node="north-1", device="p1")
        process = await asyncio.create_subprocess_exec(
            *(sys.executable, "-m", "printmesh", "broker", "home-assistant"),
            *("--config", str(config)),
            stderr=asyncio.subprocess.DEVNULL,
        )
        try:
            await hass.has(CONFIG)
            process.terminate()
            await hass.has(AVAILABILITY, b"offline")
            async with asyncio.timeout(15):
                assert await process.wait() == 0
        finally:
            if process.returncode is None:
                process.kill()
                await process.wait()


def test_one_broker_takes_two_names() -> None:
    """The exporter's two connections to one broker under one name would end each other for ever."""
    here = LinkSettings(port=1883, secret="x")
    with pytest.raises(ValueError, match="another username"):
        HomeAssistantSettings(node="ha", broker=here, home_assistant=ForeignBroker(port=1883))
    other = ForeignBroker(port=1883, username="announcer")
    assert HomeAssistantSettings(node="ha", broker=here, home_assistant=other).states == "passed-on"


async def test_our_own_broker_lost_is_unavailable() -> None:
    """While the fleet cannot be heard Home Assistant shows it as unavailable, and then anew."""
    here, there = free_port(), free_port()
    async with home(there) as hass, exporting(here, there, SECRETS["ha"]):
        for _ in range(2):
            async with ours(here, SECRETS) as node:
                await say(node, topics.DEVICE, printer(), node="north-1", device="p1")
                await hass.has(AVAILABILITY, b"online")
                await hass.has(CONFIG)
            await hass.has(AVAILABILITY, b"offline")
