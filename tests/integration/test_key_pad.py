"""A key pad on a real line beside a reader: the PIN that is typed signs its card's owner in."""

from __future__ import annotations

import asyncio
import logging
from functools import partial
from typing import TYPE_CHECKING

import pytest
from pydantic import ValidationError

from broker.messages import Problem, Reply
from config.terminal_settings import KeyPadSettings
from demo.card_copier import CardReader
from terminal_bridge.bridge import Bridge
from terminal_bridge.card_numbers import CardNumbers
from terminal_bridge.durable import OpenCopies
from terminal_bridge.edge_line import EdgeLine
from terminal_bridge.events import Digit, Key
from terminal_bridge.key_pad import as_reader, pressed
from terminal_bridge.phases import Habits, Identified, PinNeeded
from terminal_bridge.readers import reader_of
from tests.integration.terminal_lab import PATIENCE, QUICK, HandReader, SmallEdge, site_of

if TYPE_CHECKING:
    from pathlib import Path

    from broker.messages import IdentifyRequest

SERIAL = KeyPadSettings(kind="serial", device="socket://127.0.0.1:1")


def keys(octets: bytes) -> list[Digit | Key | None]:
    """Return what a key pad's octets mean."""
    return [pressed(code) for code in CardNumbers(as_reader(SERIAL)).feed(octets, 1.0)]


@pytest.mark.parametrize(
    ("octets", "wanted"),
    [
        # the same key twice is two keys
        (b"11#", [Digit("1"), Digit("1"), Key("enter")]),
        (b"0\r", [Digit("0"), Key("enter")]),
        (b"\x08*\x7f", [Key("clear")] * 3),
        # neither digits nor keys of ours
        (b"aA/ \xff", [None] * 5),
    ],
)
def test_what_keys_mean(octets: bytes, wanted: list[Digit | Key | None]) -> None:
    """Each octet is a key; what is no key of a PIN is nothing."""
    assert wanted == keys(octets)


@pytest.mark.parametrize("device", ["ttyUSB0", "http://127.0.0.1:1", ""])
def test_a_key_pad_has_a_device(device: str) -> None:
    """What is no device of its kind is said when settings are read."""
    with pytest.raises(ValidationError):
        KeyPadSettings(kind="serial", device=device)


async def test_card_and_typed_pin_sign_in(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    """The edge asks for the PIN, a wrong one is asked for again; no digit is in any log."""
    caplog.set_level(logging.DEBUG)
    wrong = Problem(code="no-identity", detail="the PIN is wrong; 4 tries are left for now")
    needed = Problem(code="pin-needed", detail="type the PIN as well")
    changed = asyncio.Event()
    pad, reader = await CardReader().start(), HandReader()
    settings = as_reader(KeyPadSettings(kind="serial", device=f"socket://127.0.0.1:{pad.port}"))
    async with site_of() as site, SmallEdge(site.edge()) as edge:

        def identify(question: IdentifyRequest) -> Reply:
            pin = question.pin.get_secret_value() if question.pin else None
            if pin == "4711":
                return edge.answer(question)
            problem, left = (wrong, {"tries_left": 4}) if pin else (needed, {})
            return Reply(corr=question.corr, status="refused", problem=problem, data=left)

        edge.answers["identify"] = identify
        bridge = Bridge(
            "terminal-1",
            habits=Habits(printer="copier-1", at_card="choose"),
            line=EdgeLine(site.terminal("terminal-1"), "terminal-1", timing=QUICK),
            copies=OpenCopies(tmp_path / "copies.json"),
            reader=lambda: reader,
            key_pad=partial(reader_of, settings),
            on_change=lambda _: changed.set(),
        )

        async def is_in(phase: type) -> None:
            async with asyncio.timeout(PATIENCE):
                while not isinstance(bridge.terminal.phase, phase):
                    changed.clear()
                    await changed.wait()

        work = asyncio.create_task(bridge.run())
        try:
            async with asyncio.timeout(PATIENCE):
                while not (bridge.terminal.edge and pad.heard):  # noqa: ASYNC110  a thread calls
                    await asyncio.sleep(0.01)
            reader.hold("0417")
            await is_in(PinNeeded)
            pad.send(b"9999\r")
            await edge.until(lambda: edge.methods() == ["identify"] * 2)
            await is_in(PinNeeded)
            pad.send(b"93*4711\r")
            await is_in(Identified)
        finally:
            work.cancel()
            await asyncio.gather(work, return_exceptions=True)
            await pad.stop()
    assert "4711" not in caplog.text
    assert "9999" not in caplog.text
