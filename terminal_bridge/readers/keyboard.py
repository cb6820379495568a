"""Readers that type like a keyboard, heard at the kernel's input device by evdev (Linux only).

The device is grabbed: what the reader types reaches no other program and no console.
"""

from __future__ import annotations

import select
from contextlib import suppress
from typing import TYPE_CHECKING, Final, Protocol, cast

from terminal_bridge.drivers import driver
from terminal_bridge.readers.listening import SourceLostError

if TYPE_CHECKING:
    import threading
    from collections.abc import Callable, Iterable

    from config.terminal_settings import ReaderSettings
    from terminal_bridge.readers.listening import Hearer

_WAIT: Final = 0.25
#: linux/input-event-codes.h: EV_KEY, and the value of a key that goes down.
_KEY: Final = 1
_DOWN: Final = 1
_UP: Final = 0
_SHIFTS: Final = frozenset({42, 54})


def _layout() -> dict[int, tuple[str, str]]:
    """Return code → (plain, shifted), of the US layout, which readers type by default."""
    rows = {
        2: ("1234567890-=", "!@#$%^&*()_+"),
        16: ("qwertyuiop[]", "QWERTYUIOP{}"),
        30: ("asdfghjkl;'`", 'ASDFGHJKL:"~'),
        43: ("\\zxcvbnm,./", "|ZXCVBNM<>?"),
        71: ("789-456+1230.", "789-456+1230."),  # the keypad
    }
    found = {
        first + number: (plain, shifted)
        for first, (row, upper) in rows.items()
        for number, (plain, shifted) in enumerate(zip(row, upper, strict=True))
    }
    other = {15: "\t", 28: "\r", 55: "*", 57: " ", 96: "\r", 98: "/"}
    return found | {code: (key, key) for code, key in other.items()}


#: Key code → what it types.
LAYOUT: Final = _layout()


class KeyEvent(Protocol):
    """What is used of `evdev.InputEvent`."""

    type: int
    code: int
    value: int


class InputDevice(Protocol):
    """What is used of `evdev.InputDevice`."""

    fd: int

    def grab(self) -> None:
        """Keep its events from everybody else."""

    def read(self) -> Iterable[KeyEvent]:
        """Read what is there."""

    def close(self) -> None:
        """Close it."""


class Typing:
    """What keys that go down and up type; pure."""

    def __init__(self) -> None:
        self._shifts: set[int] = set()

    def key(self, event: KeyEvent) -> bytes:
        """Return what an event typed: an octet, or none."""
        if event.type != _KEY:
            return b""
        if event.code in _SHIFTS:
            (self._shifts.discard if event.value == _UP else self._shifts.add)(event.code)
            return b""
        if event.value != _DOWN or event.code not in LAYOUT:
            return b""
        return LAYOUT[event.code][bool(self._shifts)].encode("ascii")


class KeyboardSource:
    """One input device, opened anew by each `listen`."""

    def __init__(self, settings: ReaderSettings) -> None:
        framing = settings.framing
        silent = not framing.end and framing.length is None
        self._wait = min(_WAIT, framing.gap.total_seconds()) if silent else _WAIT
        self._device = settings.device
        self._open: Callable[[str], InputDevice] | None = None

    def prepare(self) -> None:
        """Import evdev; raises DriverMissingError."""
        self._open = driver("evdev", extra="evdev").InputDevice

    def listen(self, hearer: Hearer, stop: threading.Event) -> None:
        """Grab the device and tell what is typed until `stop`; raises SourceLostError."""
        if self._open is None:
            self.prepare()
        try:
            device = cast("Callable[[str], InputDevice]", self._open)(self._device)
        except OSError as error:
            raise SourceLostError(f"{self._device} cannot be opened: {error}") from error
        try:
            device.grab()
            hearer.opened()
            typing = Typing()
            while not stop.is_set():
                if select.select([device.fd], [], [], self._wait)[0]:
                    hearer.octets(b"".join(map(typing.key, device.read())))
                else:
                    hearer.silence()
        except OSError as error:
            raise SourceLostError(f"{self._device}: {error}") from error
        finally:
            with suppress(OSError):
                device.close()  # lets go of it too
