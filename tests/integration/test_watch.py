"""Promises of `printmesh watch`: what it shows of a real broker, once or live, and how it ends."""

from __future__ import annotations

import asyncio
import fcntl
import json
import os
import pty
import re
import signal
import struct
import sys
import termios
from contextlib import asynccontextmanager
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any, Self
from uuid import uuid4

import pytest

from broker import topics
from broker.codec import encode
from broker.credentials import CredentialMemory
from broker.link import Link
from broker.listeners import Listener
from broker.messages import DeviceState, DeviceTrouble, FeedJob, Status
from broker.server import BrokerServer
from broker.topics import Party
from config.settings import LinkSettings
from tests.contract.mqtt.wire import free_port

if TYPE_CHECKING:
    from collections.abc import AsyncIterator
    from pathlib import Path

    from broker.messages import Message

SECRET = "the-secret-of-the-wall"
NOW = datetime.now(UTC)


@asynccontextmanager
async def fleet(port: int) -> AsyncIterator[Link]:
    """Run a broker with a site on it that has told its state."""
    people = CredentialMemory()
    people.add("wall", Party.DASHBOARD, SECRET)
    secret = people.add("north-1", Party.NODE)
    async with (
        BrokerServer([Listener(port=port)], people.authenticate),
        Link(LinkSettings(port=port, secret=secret), "north-1", subscriptions=()) as node,
    ):
        await node.connected.wait()
        await say(node, topics.STATUS, Status(online=True, session=uuid4()), node="north-1")
        jam = DeviceTrouble(code="jam", severity="critical", detail="Paper jam", since=NOW)
        state = DeviceState(
            device="p1", name="Library", state="stopped", updated_at=NOW, troubles=(jam,)
        )
        await say(node, topics.DEVICE, state, node="north-1", device="p1")
        yield node


async def say(link: Link, topic: topics.Topic, message: Message, **levels: str) -> None:
    """Publish one message, acknowledged by the broker whatever the topic's QoS."""
    payload = encode(message, source="test", id_=uuid4(), now=datetime.now(UTC))
    await link.publish(topic.of(**levels), payload, qos=1, retain=topic.retain)


def words(port: int, tmp_path: Path, *more: str) -> list[str]:
    """Return the command."""
    file = tmp_path / "secret"
    file.write_text(SECRET)
    program = [sys.executable, "-m", "printmesh", "watch"]
    where = ["--broker", f"127.0.0.1:{port}", "--user", "wall", "--secret-file", str(file)]
    return [*program, *where, *more]


async def told(command: list[str]) -> tuple[int, str, str]:
    """Run to the end; return status, output and errors."""
    process = await asyncio.create_subprocess_exec(
        *command, stdout=asyncio.subprocess.PIPE, stderr=asyncio.subprocess.PIPE
    )
    out, err = await process.communicate()
    return process.returncode or 0, out.decode(), err.decode()


async def test_once_as_json_has_the_fleet(tmp_path: Path) -> None:
    """What the broker kept is there for machines: sites, printers, troubles; exit status 0."""
    port = free_port()
    async with fleet(port):
        status, out, err = await told(words(port, tmp_path, "--once", "--json"))
    assert (status, err) == (0, "")
    found: dict[str, Any] = json.loads(out)
    assert found["answer"] == "The site is linked. 1 of 1 printers needs a hand."
    assert [(each["node"], each["state"]) for each in found["sites"]] == [("north-1", "linked")]
    assert found["printers"][0]["troubles"][0]["code"] == "jam"


async def test_once_does_not_wait_for_a_busy_feed_to_end(tmp_path: Path) -> None:
    """News that never stops does not keep it: what the broker kept is what it waits for."""
    port = free_port()
    async with fleet(port) as node:

        async def chatter() -> None:
            state = DeviceState(device="p9", name="Busy", state="idle", updated_at=NOW)
            while True:
                await say(node, topics.DEVICE, state, node="north-1", device="p9")
                await asyncio.sleep(0.05)

        talking = asyncio.create_task(chatter())
        command = words(port, tmp_path, "--once", "--json", "--patience", "60")
        async with asyncio.timeout(30):
            status, out, _ = await told(command)
        talking.cancel()
    assert status == 0
    assert "Paper jam" in out


async def test_once_fits_eighty_columns(tmp_path: Path) -> None:
    """For people it is the same in words, no line wider than a small terminal."""
    port = free_port()
    async with fleet(port):
        status, out, _ = await told(words(port, tmp_path, "--once"))
    assert status == 0
    assert "Paper jam" in out
    assert max(map(len, out.splitlines())) <= 80


async def test_a_printer_stands_where_people_know_it(tmp_path: Path) -> None:
    """Beside a printer stands its site as people call it, not the id of a program."""
    port = free_port()
    async with fleet(port) as node:
        here = Status(online=True, session=uuid4(), site="Campus")
        await say(node, topics.STATUS, here, node="north-1")
        status, out, _ = await told(words(port, tmp_path, "--once"))
    assert status == 0
    (row,) = [line for line in out.splitlines() if "Library" in line]
    assert row.split()[1:3] == ["Library", "Campus"]


async def test_nobody_there_is_said_and_fails(tmp_path: Path) -> None:
    """Without a broker, or with a wrong secret, it ends with 1 and says why."""
    port = free_port()
    status, out, err = await told(words(port, tmp_path, "--once", "--patience", "1"))
    assert (status, out) == (1, "")
    assert f"no line to 127.0.0.1:{port}" in err
    async with fleet(port):
        command = words(port, tmp_path, "--once", "--patience", "2")
        (tmp_path / "secret").write_text("wrong")
        status, _, err = await told(command)
    assert status == 1
    assert "the broker says" in err


async def test_a_pipe_is_no_screen(tmp_path: Path) -> None:
    """Without a terminal the live picture is refused, with what would do instead."""
    status, _, err = await told(words(1, tmp_path))
    assert status == 2
    assert "--once" in err


class Screen:
    """A terminal of 80 by 24 with the program on it."""

    def __init__(self, process: asyncio.subprocess.Process, terminal: int) -> None:
        self.seen = ""
        self.process, self._terminal = process, terminal

    @classmethod
    async def open(cls, command: list[str]) -> Self:
        """Start the program."""
        terminal, its = pty.openpty()
        fcntl.ioctl(terminal, termios.TIOCSWINSZ, struct.pack("HHHH", 24, 80, 0, 0))
        process = await asyncio.create_subprocess_exec(
            *command, stdin=its, stdout=its, stderr=its, env=os.environ | {"TERM": "xterm"}
        )
        os.close(its)
        os.set_blocking(terminal, False)
        return cls(process, terminal)

    async def shows(self, pattern: str) -> None:
        """Wait until it has shown this since the last wait."""
        async with asyncio.timeout(30):
            while not (found := re.search(pattern, self.seen)):
                try:
                    self.seen += os.read(self._terminal, 65536).decode(errors="replace")
                except BlockingIOError:
                    await asyncio.sleep(0.05)  # a terminal gives no event here
        self.seen = self.seen[found.end() :]

    async def close(self) -> None:
        """End it in any case."""
        if self.process.returncode is None:
            self.process.kill()
            await self.process.wait()
        os.close(self._terminal)


@pytest.mark.slow
async def test_live_it_follows_a_lost_line_and_ends_on_ctrl_c(tmp_path: Path) -> None:
    """News shows as it comes, a lost line is said and found again, Ctrl-C restores the terminal."""
    port = free_port()
    screen = await Screen.open(words(port, tmp_path))
    try:
        await screen.shows("no line to")
        async with fleet(port) as node:
            await screen.shows("Paper jam")
            away = Status(online=False, session=uuid4())
            await say(node, topics.STATUS, away, node="north-1")
            state = DeviceState(device="p2", name="Attic", state="idle", updated_at=NOW)
            await say(node, topics.DEVICE, state, node="north-1", device="p2")
            await screen.shows("Attic")
        await screen.shows("no line to .* since")
        async with fleet(port):
            await screen.shows("listening at")
            assert "Unspecified" not in screen.seen
            screen.process.send_signal(signal.SIGINT)
            await screen.shows(re.escape("\x1b[?1049l"))  # the screen that was there before
            async with asyncio.timeout(15):
                assert await screen.process.wait() == 0
    finally:
        await screen.close()


def test_a_dashboard_may_not_say_what_it_shows() -> None:
    """The line only subscribes: the table grants a dashboard no topic to write."""
    writes, reads = topics.grants(Party.DASHBOARD, "wall")
    assert writes == frozenset()
    assert set(topics.dashboard_subscriptions()) == reads
    assert FeedJob in topics.FEED.messages
