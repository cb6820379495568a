"""Peers that send garbage: a sweep over them reads the good printers among them, and ends."""

from __future__ import annotations

import asyncio
import os
import time
from contextlib import AsyncExitStack
from functools import partial
from typing import TYPE_CHECKING, Final

import pytest
from pydantic import SecretStr

from config.settings_devices import DeviceSettings, SnmpProfile
from demo import snmp_wire as wire
from edge.devices.sources import Sources
from edge.devices.words import Reading, Target
from tests.integration.snmp_lab import recordings

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

pytestmark = pytest.mark.timeout(120)
_SYS_OBJECT: Final = (1, 3, 6, 1, 2, 1, 1, 2, 0)


class Peer(asyncio.DatagramProtocol):
    """Answers each question in its own way."""

    def __init__(self, replies: Callable[[bytes], Iterable[bytes]]) -> None:
        self._replies = replies
        self._transport: asyncio.DatagramTransport | None = None
        self.asked = 0

    def connection_made(self, transport: asyncio.DatagramTransport) -> None:  # type: ignore[override]
        """Remember where answers go."""
        self._transport = transport

    def datagram_received(self, data: bytes, addr: tuple[str, int]) -> None:
        """Answer."""
        self.asked += 1
        for each in self._replies(data):
            assert self._transport is not None
            self._transport.sendto(each, addr)


def _answered(data: bytes, *bound: tuple[wire.Oid, wire.Object], status: int = 0) -> list[bytes]:
    asked = wire.question(data)
    return [] if asked is None else [wire.answer(asked, bound, status=status)]


def _every_octet_wrong(data: bytes) -> list[bytes]:
    """Return a good answer with each octet turned in its place, one datagram each."""
    good = _answered(data, (_SYS_OBJECT, (wire.OBJECT_ID, (1, 3, 6, 1, 4, 1, 11))))[0]
    return [good[:at] + bytes([good[at] ^ 0xFF]) + good[at + 1 :] for at in range(len(good))]


def _everything(data: bytes) -> list[bytes]:
    """Answer whatever is asked with objects that are all after the one asked for."""
    asked = wire.question(data)
    if asked is None:
        return []
    bound = [((*oid, 1), (wire.INTEGER, 7)) for oid in asked.oids]
    return [wire.answer(asked, bound * max(1, min(asked.rows, 20)))]


PEERS: Final[dict[str, Callable[[bytes], Iterable[bytes]]]] = {
    "noise": lambda _: [os.urandom(200)],
    "echo": lambda data: [data],
    "nothing but a header": lambda _: [b"\x30\x84\x7f\xff\xff\xff", b"\x30\x80", b"\x30", b""],
    "deep": lambda _: [b"\x30\x80" * 5_000],
    "long": lambda _: [b"\x30\x83\x00\xf0\x00" + bytes(61_000)],
    "flood": lambda _: [os.urandom(60) for _ in range(300)],
    "cut short": lambda data: [data[: len(data) // 2]],
    "turned octets": _every_octet_wrong,
    "nothing bound": _answered,
    "too big, always": lambda data: _answered(data, status=1),
    "an error nobody knows": lambda data: _answered(data, status=99),
    "another object": lambda data: _answered(data, ((1, 3), (wire.INTEGER, 1))),
    "tables without end": _everything,
    "zero-length identifier": lambda data: [
        answer.replace(b"\x06\x01\x00", b"\x06\x00")
        for answer in _answered(data, ((0,), (wire.NULL, b"")))
    ],
    "version 3 from nowhere": lambda _: [
        wire.tlv(0x30, wire.tlv(2, b"\x03") + wire.tlv(0x30, bytes(40)))
    ],
}


async def test_garbage_stops_no_sweep(makers: int) -> None:
    """Good printers are read among peers that send garbage; each of those ends as no reading."""
    loop = asyncio.get_running_loop()
    good = [name for name in recordings() if name not in {"no-printer", "odd-half"}]
    profiles = {name: SnmpProfile(port=makers, community=SecretStr(name)) for name in good} | {
        "bad": SnmpProfile.model_validate({"timeout": "300ms", "retries": 0})
    }
    async with AsyncExitStack() as stack:
        peers: dict[str, tuple[Peer, int]] = {}
        for name, replies in PEERS.items():
            transport, peer = await loop.create_datagram_endpoint(
                partial(Peer, replies),
                local_addr=("127.0.0.1", 0),
            )
            stack.callback(transport.close)
            peers[name] = (peer, transport.get_extra_info("sockname")[1])
        sources = Sources(profiles, DeviceSettings())
        stack.push_async_callback(sources.close)
        began = time.monotonic()
        bad = [Target("127.0.0.1", port, "bad") for _, port in peers.values()]
        fine = [Target("127.0.0.1", makers, name) for name in good]
        looks = await asyncio.gather(*map(sources.look_at, [*bad, *fine]))
        took = time.monotonic() - began
    readings = dict(zip([*peers, *good], looks, strict=True))
    assert {name for name in good if not isinstance(readings[name], Reading)} == set()
    for name, (peer, _) in peers.items():
        found = readings[name]
        assert peer.asked, name
        # one that answers objects without end may pass for a printer, but has no figure
        assert not isinstance(found, Reading) or not found.meters, (name, found)
    assert took < 60
