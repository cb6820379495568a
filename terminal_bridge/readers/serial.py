"""Readers on a serial line, of this machine or over the network, by pySerial."""

from __future__ import annotations

from contextlib import suppress
from typing import TYPE_CHECKING, Final, Protocol, cast

from terminal_bridge.readers.listening import SourceLostError

if TYPE_CHECKING:
    import threading
    from collections.abc import Callable

    from config.terminal_settings import ReaderSettings
    from terminal_bridge.readers.listening import Hearer

#: Seconds a read waits; the longest that an end of listening takes.
_WAIT: Final = 0.25
#: After so many octets …
_BREATH_AFTER: Final = 256
#: … so many seconds are let pass: 50 kB/s, more than any reader's, less than any flood's.
_BREATH: Final = 0.005
_PARITIES: Final = {"none": "N", "even": "E", "odd": "O"}


class SerialPort(Protocol):
    """What is used of pySerial's ports."""

    @property
    def in_waiting(self) -> int:
        """Octets that can be read at once; of a socket 1 stands for some."""

    def read(self, size: int) -> bytes:
        """Read up to so many octets, waiting for the first as long as the port was told."""

    def close(self) -> None:
        """Close it."""


class SerialSource:
    """One port, opened anew by each `listen`. What had been sent before is not read.

    A card that was swiped while nobody listened must not sign anybody in later.
    """

    def __init__(self, settings: ReaderSettings) -> None:
        framing = settings.framing
        silent = not framing.end and framing.length is None
        self._wait = min(_WAIT, framing.gap.total_seconds()) if silent else _WAIT
        self._settings = settings
        self._open: Callable[..., SerialPort] | None = None

    def prepare(self) -> None:
        """Import pySerial: only here, most processes have no reader."""
        from serial import serial_for_url  # noqa: PLC0415

        self._open = serial_for_url

    def listen(self, hearer: Hearer, stop: threading.Event) -> None:
        """Open the port and tell what comes until `stop`; raises SourceLostError."""
        port = self._opened()
        try:
            hearer.opened()
            self._read(port, hearer, stop)
        except (OSError, TypeError, ValueError, _termios_error()) as error:
            # pySerial's own is an OSError; a line that is pulled while it is read gives the others
            raise SourceLostError(f"{self._settings.device}: {error}") from error
        finally:
            # pySerial forgets a socket whose other end was reset, and leaves it open
            socket = getattr(port, "_socket", None)
            with suppress(OSError):
                port.close()
            if socket is not None:
                socket.close()

    def _opened(self) -> SerialPort:
        if self._open is None:
            self.prepare()
        settings = self._settings
        try:
            port = cast("Callable[..., SerialPort]", self._open)(
                settings.device,
                baudrate=settings.speed,
                bytesize=settings.data_bits,
                parity=_PARITIES[settings.parity],
                stopbits=settings.stop_bits,
                timeout=self._wait,
                exclusive=settings.device.startswith("/") or None,
            )
        except (OSError, ValueError, _termios_error()) as error:
            raise SourceLostError(f"{settings.device} cannot be opened: {error}") from error
        return port

    def _read(self, port: SerialPort, hearer: Hearer, stop: threading.Event) -> None:
        since = 0
        while not stop.is_set():
            data = port.read(1)
            if not data:
                hearer.silence()
                continue
            waiting = port.in_waiting
            if waiting > 1:
                data += port.read(min(waiting, _BREATH_AFTER))
            hearer.octets(data)
            since += len(data)
            if since >= _BREATH_AFTER:
                since = 0
                stop.wait(_BREATH)


def _termios_error() -> type[Exception]:
    """Return what a terminal's settings fail with: no OSError, and not on every system."""
    try:
        from termios import error  # noqa: PLC0415
    except ImportError:  # pragma: no cover
        return OSError
    return error
