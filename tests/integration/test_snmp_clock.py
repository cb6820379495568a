"""The time of day is set while machines are asked: nobody waits for it to come again."""

from __future__ import annotations

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
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as deaf:
        deaf.bind(("127.0.0.1", 0))
        profile = SnmpProfile.model_validate({"timeout": "300ms", "retries": 0})
        snmp = Snmp({"lab": profile})
        took = []
        for _ in range(2):
            began = time.monotonic()
            target = Target("127.0.0.1", deaf.getsockname()[1], "lab")
            got = await Objects(snmp).get(target, [oids.SYS_UP_TIME])
            assert isinstance(got, NoAnswer)
            took.append(time.monotonic() - began)
            monkeypatch.setattr(
                "pysnmp.carrier.asyncio.dispatch.time", lambda: time.time() + hours * 3600
            )
        await snmp.close()
    assert max(took) < 1.5
