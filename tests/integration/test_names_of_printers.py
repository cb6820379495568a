"""Names of printers that nobody answers for: looked up aside, and given up in time."""

from __future__ import annotations

import asyncio
import socket
from threading import Event
from typing import TYPE_CHECKING

from config.settings_devices import SnmpProfile
from edge.devices import ipp_source, oids
from edge.devices.addresses import resolved
from edge.devices.objects import Objects
from edge.devices.snmp import Snmp
from edge.devices.words import NoAnswer, Target

if TYPE_CHECKING:
    import pytest


async def test_names_that_hang_take_no_thread_of_anybody_else(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """A site whose name server is beyond a line that is down goes on analysing jobs."""
    over = Event()
    monkeypatch.setattr(socket, "getaddrinfo", lambda *_, **__: over.wait(60) or [])
    profile = SnmpProfile.model_validate({"timeout": "200ms", "retries": 0})
    snmp = Snmp({"lab": profile})
    monkeypatch.setattr(ipp_source, "_NAME", 0.2)
    asked = [
        Objects(snmp).get(Target(f"printer-{number}.invalid", 161, "lab"), [oids.SYS_UP_TIME])
        for number in range(40)
    ]
    looked = [ipp_source.look(f"ipp://printer-{number}.invalid/ipp/print") for number in range(40)]
    try:
        waiting = asyncio.gather(*asked, *looked)
        await asyncio.sleep(0.1)
        async with asyncio.timeout(10):
            assert await asyncio.to_thread(lambda: "read") == "read"
        async with asyncio.timeout(10):
            answers = await waiting
    finally:
        over.set()
        await snmp.close()
    assert all(isinstance(each, NoAnswer) for each in answers)
    assert {each.reason.rpartition(": ")[2] for each in answers if isinstance(each, NoAnswer)} == {
        "its name is not found in time"
    }


async def test_a_name_is_found_again_after_that() -> None:
    """What hung before is forgotten."""
    assert await resolved("localhost", 161, 5.0) == ("127.0.0.1", 161)
