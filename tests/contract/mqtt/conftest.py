"""Both brokers from the same credentials and limits: ours, and Mosquitto as we export it."""

from __future__ import annotations

import asyncio
import os
import shutil
from typing import TYPE_CHECKING

import pytest

from broker import mosquitto
from broker.credentials import CredentialFile
from broker.exchange import Limits
from broker.listeners import Listener
from broker.server import BrokerServer
from broker.topics import Party
from tests.contract.mqtt.wire import PATIENCE, Client, Site, close_all, free_port

if TYPE_CHECKING:
    from collections.abc import AsyncIterator
    from pathlib import Path

PEOPLE = {
    "coordinator": Party.COORDINATOR,
    "edge-1": Party.NODE,
    "edge-2": Party.NODE,
    "wall": Party.DASHBOARD,
}
#: Small, so that a test reaches them soon.
LIMITS = Limits(max_queued_messages=300, max_queued_bytes=2 * 1024 * 1024, max_in_flight=50)


@pytest.fixture(
    params=["amqtt", pytest.param("mosquitto", marks=pytest.mark.mosquitto)],
)
async def site(request: pytest.FixtureRequest, tmp_path: Path) -> AsyncIterator[Site]:
    """Give a running broker with a coordinator, two edges and a dashboard."""
    store = CredentialFile(tmp_path / "credentials.json")
    secrets = {name: store.add(name, party) for name, party in PEOPLE.items()}
    if request.param == "amqtt":
        async with BrokerServer([Listener()], store.authenticate, limits=LIMITS) as server:
            yield Site("amqtt", server.port(), secrets, server)
            close_all()
        return
    program = shutil.which("mosquitto", path=f"{os.environ.get('PATH', '')}:/usr/sbin")
    if program is None:
        pytest.skip("mosquitto is not installed")
    port, home = free_port(), tmp_path / "export"
    lines = mosquitto.password_lines(store.entries(), secrets, "", os.urandom)
    export = mosquitto.compose(home, [Listener(port=port)], LIMITS, store.entries(), lines)
    mosquitto.write(home, export, force=False)
    if os.geteuid() == 0:  # else it becomes the user `mosquitto`, who may not read tmp_path
        with (home / mosquitto.CONFIGURATION).open("a") as file:
            file.write("user root\n")
    process = await asyncio.create_subprocess_exec(
        program,
        "-c",
        str(home / mosquitto.CONFIGURATION),
        stderr=asyncio.subprocess.DEVNULL,
    )
    try:
        await until_open(port)
        yield Site("mosquitto", port, secrets, pid=process.pid)
    finally:
        close_all()
        process.terminate()
        await process.wait()


async def until_open(port: int) -> None:
    """Wait until something listens (Mosquitto has no other sign of being ready)."""
    async with asyncio.timeout(PATIENCE):
        while True:
            try:
                (await Client.open(port)).writer.close()
            except ConnectionError:
                await asyncio.sleep(0.02)
            else:
                return
