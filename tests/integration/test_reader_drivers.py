"""Readers that type and smart card readers, on doubles of their libraries; learning a reader."""

from __future__ import annotations

import asyncio
import os
import socket
import sys
import threading
import tomllib
from dataclasses import dataclass, field
from types import SimpleNamespace
from typing import TYPE_CHECKING, Any

import pytest

from config.terminal_settings import ReaderSettings
from terminal_bridge import cli
from terminal_bridge.drivers import DriverMissingError
from terminal_bridge.ports import CardGone, CardHeld, ReaderBack, ReaderEvent, ReaderLost
from terminal_bridge.readers import reader_of, source_of
from terminal_bridge.readers.keyboard import LAYOUT, KeyboardSource
from terminal_bridge.readers.listening import ThreadReader
from terminal_bridge.readers.pcsc import PcscSource

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Iterator
    from pathlib import Path

DEADLINE = 10.0


async def following(events: AsyncIterator[ReaderEvent]) -> ReaderEvent:
    """Return the next event."""
    return await asyncio.wait_for(anext(events), DEADLINE)


class Keyboard:
    """A double of `evdev.InputDevice`: keys are octets of a pipe, code and value."""

    def __init__(self) -> None:
        self.fd, self.ours = os.pipe()
        self.grabbed = False
        self.closed = False

    def grab(self) -> None:
        """Note it."""
        self.grabbed = True

    def read(self) -> Iterator[SimpleNamespace]:
        """Give events of the kernel's shape; an end of the pipe is an unplugged device."""
        octets = os.read(self.fd, 512)
        if not octets:
            raise OSError(19, "No such device")
        for code, value in zip(octets[::2], octets[1::2], strict=True):
            yield SimpleNamespace(type=1, code=code, value=value)
            yield SimpleNamespace(type=0, code=0, value=0)

    def close(self) -> None:
        """Note it."""
        if not self.closed:
            self.closed = True
            os.close(self.fd)

    def press(self, text: str) -> None:
        """Press and let go the keys of a text, held long enough to repeat."""
        keys = {
            shown: (code, bool(n)) for code, row in LAYOUT.items() for n, shown in enumerate(row)
        }
        for character in text:
            code, shifted = keys[character]
            turns = bytes([code, 1, code, 2, code, 0])
            os.write(self.ours, bytes([42, 1]) + turns + bytes([42, 0]) if shifted else turns)


async def test_a_reader_that_types_is_read() -> None:
    """Keys become the card's number, shift and repeats as on a keyboard; nobody else hears."""
    device = Keyboard()
    settings = ReaderSettings.model_validate({"kind": "keyboard", "device": "/dev/input/event0"})
    source = KeyboardSource(settings)
    source.prepare = lambda: None  # type: ignore[method-assign]
    source._open = lambda _: device
    async with ThreadReader(settings, source, dice=lambda: 1.0) as reader:
        events = aiter(reader.events())
        assert await following(events) == ReaderBack()
        assert device.grabbed
        device.press("%04aB;9?\r")
        assert await following(events) == CardHeld("%04AB;9?")
        os.close(device.ours)
        assert isinstance(await following(events), ReaderLost)
    assert device.closed


@dataclass
class Pcsc:
    """A double of `smartcard.scard`, of what is used of it; the library's own values."""

    SCARD_S_SUCCESS = 0
    SCARD_E_TIMEOUT = 0x8010000A
    SCARD_SCOPE_USER = 0
    SCARD_STATE_UNAWARE = 0
    SCARD_STATE_CHANGED = 2
    SCARD_STATE_UNKNOWN = 4
    SCARD_STATE_UNAVAILABLE = 8
    SCARD_STATE_EMPTY = 0x10
    SCARD_STATE_PRESENT = 0x20
    SCARD_SHARE_SHARED = 2
    SCARD_PROTOCOL_T0 = 1
    SCARD_PROTOCOL_T1 = 2
    SCARD_PCI_T0 = "T0"
    SCARD_PCI_T1 = "T1"
    SCARD_LEAVE_CARD = 0
    names: list[str] = field(default_factory=lambda: ["Door 00 00", "Desk Reader 00 00"])
    answer: list[int] = field(default_factory=list)
    state: int = 0x10
    turned: threading.Condition = field(default_factory=threading.Condition)
    released: int = 0

    def turn(self, state: int, answer: list[int] | None = None) -> None:
        """Lay a card there, or take it away; every 0x10000 is one more of these."""
        with self.turned:
            self.answer = answer or []
            self.state = (self.state & ~0xFFFF) + 0x10000 | state
            self.turned.notify_all()

    def SCardEstablishContext(self, scope: int) -> tuple[int, int]:  # noqa: N802
        """Make a context."""
        return 0, 7

    def SCardReleaseContext(self, context: int) -> int:  # noqa: N802
        """Give it back."""
        self.released += 1
        return 0

    def SCardListReaders(self, context: int, groups: list[str]) -> tuple[int, list[str]]:  # noqa: N802
        """Name the readers."""
        return (0, self.names) if self.names else (0x8010002E, [])

    def SCardGetErrorMessage(self, status: int) -> str:  # noqa: N802
        """Say what a status is."""
        return f"status {status:#x}"

    def SCardGetStatusChange(  # noqa: N802
        self, context: int, wait: int, states: list[tuple[str, int]]
    ) -> tuple[int, list[tuple[str, int, list[int]]]]:
        """Wait for a change of the one reader that is asked about."""
        ((name, known),) = states
        with self.turned:
            if not self.turned.wait_for(lambda: self.state != known, wait / 1000):
                return self.SCARD_E_TIMEOUT, []
            return 0, [(name, self.state | self.SCARD_STATE_CHANGED, [])]

    def SCardConnect(  # noqa: N802
        self, context: int, name: str, mode: int, protocols: int
    ) -> tuple[int, int, int]:
        """Connect to the card."""
        return 0, 9, self.SCARD_PROTOCOL_T1

    def SCardTransmit(self, card: int, header: object, apdu: list[int]) -> tuple[int, list[int]]:  # noqa: N802
        """Answer the one question."""
        assert header == self.SCARD_PCI_T1
        assert apdu == [0xFF, 0xCA, 0, 0, 0]
        return 0, self.answer

    def SCardDisconnect(self, card: int, what: int) -> int:  # noqa: N802
        """Let the card go."""
        return 0


def smart(pcsc: Pcsc, **settings: object) -> ThreadReader:
    """Return a smart card reader on the double."""
    made = ReaderSettings.model_validate({"kind": "pcsc", "longest_pause": "100ms", **settings})
    source = PcscSource(made)
    source.prepare = lambda: None  # type: ignore[method-assign]
    source._lib = pcsc
    return ThreadReader(made, source, dice=lambda: 0.05)


async def test_a_smart_card_comes_and_goes() -> None:
    """A card gives its UID once and is told when it leaves; one without a UID is noise."""
    pcsc = Pcsc()
    async with smart(pcsc, device="desk") as reader:
        events = aiter(reader.events())
        assert await following(events) == ReaderBack()
        for _ in range(2):
            pcsc.turn(pcsc.SCARD_STATE_PRESENT, [0x04, 0xA1, -78, 0xC3, 0x90, 0x00])
            assert await following(events) == CardHeld("04A1B2C3")
            pcsc.turn(pcsc.SCARD_STATE_EMPTY)
            assert await following(events) == CardGone()
        pcsc.turn(pcsc.SCARD_STATE_PRESENT, [0x6A, 0x81])
        pcsc.turn(pcsc.SCARD_STATE_UNAVAILABLE)
        while not isinstance(event := await following(events), ReaderLost):
            assert event == CardGone()
        assert "Desk Reader 00 00 is gone" in event.reason
    assert pcsc.released > 0


async def test_a_card_that_lay_there_before_signs_nobody_in() -> None:
    """What lies on the reader when the program starts is taken only when it is laid there anew."""
    pcsc = Pcsc(state=0x20, answer=[0x04, 0x90, 0x00])
    async with smart(pcsc) as reader:
        events = aiter(reader.events())
        assert await following(events) == ReaderBack()
        pcsc.turn(pcsc.SCARD_STATE_EMPTY)
        assert await following(events) == CardGone()
        pcsc.turn(pcsc.SCARD_STATE_PRESENT, [0x04, 0x90, 0x00])
        assert await following(events) == CardHeld("04")


async def test_a_smart_card_reader_that_is_not_there_is_said() -> None:
    """Without the reader that is wanted one reads which there are; it is found when it comes."""
    pcsc = Pcsc(names=["Door 00 00"])
    async with smart(pcsc, device="desk") as reader:
        events = aiter(reader.events())
        lost = await following(events)
        assert lost == ReaderLost("there is no reader 'desk'; there are: Door 00 00")
        pcsc.names = ["Desk 00 00"]
        assert await following(events) == ReaderBack()


@pytest.mark.parametrize(
    ("kind", "module", "extra"),
    [("keyboard", "evdev", "evdev"), ("pcsc", "smartcard.scard", "pcsc")],
)
async def test_a_library_that_is_missing_names_its_extra(
    kind: str, module: str, extra: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A reader whose library is not installed raises when it is opened, with what to install."""
    monkeypatch.setitem(sys.modules, module, None)
    settings = ReaderSettings.model_validate({"kind": kind, "device": "/dev/input/event0"})
    with pytest.raises(DriverMissingError, match=rf"printmesh\[{extra}\]"):
        await reader_of(settings).__aenter__()


def test_serial_urls_of_other_schemes_are_refused() -> None:
    """Of pySerial's addresses only those of lines are taken, and none of its options that log."""
    for device in ("loop://", "spy:///dev/ttyS0", "socket://h:1?logging=debug", "ttyS0", ""):
        with pytest.raises(ValueError, match="socket://host:port"):
            ReaderSettings(device=device)
    assert source_of(ReaderSettings(device="rfc2217://10.0.0.7:4001"))


@pytest.fixture
def wire() -> Iterator[tuple[str, list[bytes]]]:
    """Serve the swipes of a reader over TCP, a pause after each."""
    swipes: list[bytes] = []
    stop = threading.Event()
    server = socket.create_server(("127.0.0.1", 0))

    def serve() -> None:
        client, _ = server.accept()
        with client:
            stop.wait(0.3)  # pySerial drops what arrives while it connects
            for swipe in swipes:
                client.sendall(swipe)
                if stop.wait(0.4):  # the pause between two swipes is what is read here
                    return
            stop.wait(DEADLINE)

    thread = threading.Thread(target=serve)
    thread.start()
    yield f"socket://127.0.0.1:{server.getsockname()[1]}", swipes
    stop.set()
    thread.join()
    server.close()


CONFIG = '[[terminals]]\nid = "one"\n\n[terminals.reader]\ndevice = "/dev/ttyS0"\n'


def test_learning_shows_and_writes_a_reader(
    wire: tuple[str, list[bytes]], tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """From swipes and one known number to a file of settings that reads them."""
    device, swipes = wire
    swipes += [b"\x020F03029A7CE8\x03", b"\x020F03029A7DE9\x03"]
    config = tmp_path / "terminal.toml"
    config.write_text(CONFIG)
    config.chmod(0o640)
    words = ["learn", "--device", device, "--cards", "2", "--number", "0000170620"]
    assert cli.main([*words, "--config", str(config), "--terminal", "one", "--write"]) == 0
    said = capsys.readouterr().out
    assert "02 30 46 30 33" in said
    assert "start 02, end 03" in said
    table: dict[str, Any] = tomllib.loads(config.read_text())["terminals"][0]["reader"]
    settings = ReaderSettings.model_validate(table)
    assert settings.device == device
    assert settings.framing.checksum == "hex-xor"
    assert settings.number.bits == 24
    assert config.stat().st_mode & 0o777 == 0o640


def test_learning_writes_nothing_unless_told(
    wire: tuple[str, list[bytes]], tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """A dry run shows the settings and leaves the file; an unknown number is said."""
    device, swipes = wire
    swipes += [b"04A1B2C3\r\n"]
    config = tmp_path / "terminal.toml"
    config.write_text(CONFIG)
    words = ["learn", "--device", device, "--cards", "1", "--number", "4711"]
    assert cli.main([*words, "--config", str(config), "--terminal", "one"]) == 1
    said = capsys.readouterr()
    assert "77705923" in said.out
    assert "nothing makes 4711" in said.err
    assert config.read_text() == CONFIG


def test_learning_from_silence_is_said(capsys: pytest.CaptureFixture[str]) -> None:
    """A reader that is not there, and a command line that is not whole, end in words."""
    assert cli.main(["learn", "--device", "socket://127.0.0.1:1", "--seconds", "2"]) == 1
    assert "cannot be opened" in capsys.readouterr().err
    assert cli.main(["learn", "--device", "loop://"]) == 1
    assert "socket://host:port" in capsys.readouterr().err
    assert cli.main(["learn", "--device", "/dev/null", "--write"]) == 2
