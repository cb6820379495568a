"""Meters from an edge over a real broker: taken in once, judged, told to dashboards, asked for."""

from __future__ import annotations

import asyncio
import re
from typing import TYPE_CHECKING

from broker import topics
from broker.codec import Received, decode
from broker.link import Arrived, Link
from broker.messages import CommandState, Counted, DeviceState, FeedAlert, FeedDevice
from broker.topics import Party
from central.cli import main
from central.store import devices
from tests.integration.meters_lab import DEVICE, MIDNIGHT, meters, reading, settled
from tests.integration.test_coordinator import SECRET, Centre
from tests.integration.wire_edge import PATIENCE, WireEdge

if TYPE_CHECKING:
    from pathlib import Path

    import pytest

    from broker.messages import Command, Message

TOLD = Counted(source="analysis", impressions=60, color_impressions=0, sheets=60)


class Reading(WireEdge):
    """An edge that reads a meter when it is asked."""

    async def _command(self, command: Command) -> None:
        if command.command != "read-meters":
            await super()._command(command)
            return
        shown = meters(total=1300)
        await self.say(reading(1, *shown, why="asked", device=command.args["device"]), name="jobs")
        state = CommandState(id=command.id, state="successful")
        await self.publish(topics.COMMAND_STATE, state, id=str(command.id))


async def test_a_night_of_meters_reaches_the_dashboard(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """State and alert are on the feed once; `reconcile` has the day; a reading comes when asked."""
    centre = Centre(tmp_path)
    await centre.start()
    plain = centre.edge("north")
    north = Reading(plain.memory, centre.link("north"), code=plain.code)
    board = Link(centre.link("board", Party.DASHBOARD), "board", subscriptions=("pm/v1/feed/+",))
    heard: list[Message] = []

    async def listen(kind: type[Message], count: int) -> None:
        async for event in board.events():
            if isinstance(event, Arrived):
                read = decode(event.payload, topics.FEED.messages)
                assert isinstance(read, Received)
                heard.append(read.message)
            if sum(isinstance(each, kind) for each in heard) >= count:
                return

    async with north, board:
        async with asyncio.timeout(PATIENCE):
            await board.connected.wait()
            await north.until(lambda: north.accepted is not None)
        state = DeviceState(device=DEVICE, name="Lobby", state="idle", updated_at=MIDNIGHT)
        await north.publish(topics.DEVICE, state, device=DEVICE)
        async with asyncio.timeout(PATIENCE):
            await listen(FeedDevice, 1)
        await north.say(
            reading(0, *meters(total=1000), continues=False),
            settled(north.memory.mint(), TOLD),
            reading(1, *meters(total=1160)),
            name="jobs",
        )
        async with asyncio.timeout(PATIENCE):
            await north.until(north.all_acked)
            await listen(FeedAlert, 1)
        (alert,) = [each for each in heard if isinstance(each, FeedAlert)]
        assert (alert.node, alert.note.code, alert.note.subject) == (
            "north",
            "unexplained-pages",
            DEVICE,
        )
        assert alert.note.detail.startswith("Lobby: 100 pages (62.5 %)")
        settings = tmp_path / "central.toml"
        settings.write_text(
            f'data = "{tmp_path}"\ncredentials = "{tmp_path}/credentials.json"\n'
            f'[broker]\nsecret = "{SECRET}"\nport = 1\n'
        )
        words = ["device", "read", DEVICE, "--wait", "20", "--config", str(settings)]
        assert await asyncio.to_thread(main, words) == 0
        assert re.search(r"Lobby \(north\): read at .*: total 1300\.", capsys.readouterr().out)
    await centre.stop()
    with centre.books.read() as tx:
        assert [each.state for each in devices.every(tx)] == [state]
    assert sum(isinstance(each, FeedAlert) for each in heard) == 1
    status = main(["device", "read", DEVICE, "--config", str(settings)])
    assert status == 1
    assert "not linked" in capsys.readouterr().err
    centre.books.close()
