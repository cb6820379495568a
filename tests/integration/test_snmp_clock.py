"""The time of day is set while machines are asked: nobody waits for it to come again."""

from __future__ import annotations

import asyncio
import socket
import time

import pytest

from config.settings_devices import SnmpProfile
from edge.devices import oids
from edge.devices.objects import Objects
from edge.devices.snmp import Snmp
from edge.devices.words import NoAnswer, Target


@pytest.mark.parametrize("hours", [-24 * 365, 24 * 365])
async def test_a_clock_that_is_set_stops_no_timer(
    monkeypatch: pytest.MonkeyPatch, hours: int
) -> None:
    """A lost question is given up in its own time, before and after, whichever way it is set."""
    monkeypatch.setattr("edge.devices.snmp._GUARD", 60.0)  # nobody else gives it up
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as deaf:
        deaf.bind(("127.0.0.1", 0))
        profile = SnmpProfile.model_validate({"timeout": "300ms", "retries": 0})
        snmp = Snmp({"lab": profile})
        target = Target("127.0.0.1", deaf.getsockname()[1], "lab")
        for _ in range(2):
            async with asyncio.timeout(20):
                assert isinstance(await Objects(snmp).get(target, [oids.SYS_UP_TIME]), NoAnswer)
            monkeypatch.setattr(
                "pysnmp.carrier.asyncio.dispatch.time", lambda: time.time() + hours * 3600
            )
        await snmp.close()
