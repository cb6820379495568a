"""Card readers, each in a thread of its own; `reader_of` makes the one that settings name."""

from __future__ import annotations

from typing import TYPE_CHECKING, assert_never

from terminal_bridge.readers.listening import ThreadReader

if TYPE_CHECKING:
    from config.terminal_settings import ReaderSettings
    from terminal_bridge.readers.listening import Source


def reader_of(settings: ReaderSettings, name: str = "") -> ThreadReader:
    """Return a reader, not opened yet; `name` stands in logs (the terminal's id)."""
    return ThreadReader(settings, source_of(settings), name=name)


def source_of(settings: ReaderSettings) -> Source:
    """Return the driver of a kind; its library is imported when it is opened."""
    match settings.kind:
        case "serial":
            from terminal_bridge.readers.serial import SerialSource  # noqa: PLC0415

            return SerialSource(settings)
        case "keyboard":
            from terminal_bridge.readers.keyboard import KeyboardSource  # noqa: PLC0415

            return KeyboardSource(settings)
        case "pcsc":
            from terminal_bridge.readers.pcsc import PcscSource  # noqa: PLC0415

            return PcscSource(settings)
        case _:
            assert_never(settings.kind)
