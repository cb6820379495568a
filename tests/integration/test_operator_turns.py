"""The site's command line: one operator, however many commands run at once."""

from __future__ import annotations

import asyncio
import fcntl
from typing import TYPE_CHECKING
from uuid import UUID

import pytest

from broker.messages import StatusRequest
from config.settings import CoordinatorSettings, EdgeSettings, LinkSettings, SiteBroker
from edge import asking

if TYPE_CHECKING:
    from pathlib import Path


async def test_a_command_asks_alone(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """While one command is connected no other connects: they would end each other's connection."""
    secret = tmp_path / asking.OPERATOR_SECRET
    secret.write_text("s" * 43)
    monkeypatch.setattr(asking, "_CONNECT_SECONDS", 0.5)
    free: list[bool] = []

    def connected(_: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        with secret.open("rb") as other:
            try:
                fcntl.flock(other, fcntl.LOCK_EX | fcntl.LOCK_NB)
                free.append(True)
            except BlockingIOError:
                free.append(False)
        writer.close()

    async with await asyncio.start_server(connected, "127.0.0.1", 0) as server:
        port = server.sockets[0].getsockname()[1]
        settings = EdgeSettings(
            node="north",
            site="North",
            data=tmp_path,
            coordinator=CoordinatorSettings(incarnation=UUID(int=1)),
            link=LinkSettings.model_validate({"secret": "s" * 43}),
            site_broker=SiteBroker(port=port),
        )
        with pytest.raises(asking.NoAnswer):
            await asking.ask(settings, "status", StatusRequest, {})

    assert free
    assert not any(free)
    with secret.open("rb") as after:
        fcntl.flock(after, fcntl.LOCK_EX | fcntl.LOCK_NB)
