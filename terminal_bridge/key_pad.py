"""A terminal's key pad, on which the PIN beside a card is typed: what its keys mean."""

from __future__ import annotations

from datetime import timedelta
from typing import TYPE_CHECKING, Final, assert_never

from config.terminal_settings import FramingSettings, NumberSettings, ReaderSettings
from terminal_bridge.events import Digit, Key
from terminal_bridge.ports import CardGone, CardHeld, ReaderBack, ReaderLost

if TYPE_CHECKING:
    from collections.abc import Callable

    from config.terminal_settings import KeyPadSettings
    from terminal_bridge.events import Event
    from terminal_bridge.ports import ReaderEvent

_ENTER: Final = frozenset("\r\n#")
#: `*` where there is no key for it, backspace, delete, and what stands beside zero.
_CLEAR: Final = frozenset("*\b\x7f.-")


def as_reader(settings: KeyPadSettings) -> ReaderSettings:
    """Return the key pad as a reader on which every key is a card: the same lines, one octet each.

    A key pressed twice is two keys, so no card is ever the same one held on.
    """
    return ReaderSettings(
        kind=settings.kind,
        device=settings.device,
        speed=settings.speed,
        framing=FramingSettings(end=(), length=1),
        number=NumberSettings(read="octets", write="hex"),
        same_card=timedelta(),
    )


def pressed(code: str) -> Digit | Key | None:
    """Return what a key means, None for one that means nothing.

    Args:
        code: its octet in hexadecimal.
    """
    key = bytes.fromhex(code).decode("latin-1")
    if key in _ENTER:
        return Key("enter")
    if key in _CLEAR:
        return Key("clear")
    return Digit(key) if key.isascii() and key.isdigit() else None


class KeyPad:
    """Takes what a key pad tells."""

    def __init__(
        self,
        *,
        happens: Callable[[Event], None],
        room: Callable[[], bool],
        on_lost: Callable[[str], None],
    ) -> None:
        """Take whom to tell; arguments as of `CardDoor`."""
        self._happens = happens
        self._room = room
        self._on_lost = on_lost

    def take(self, event: ReaderEvent) -> None:
        """Take one."""
        match event:
            case CardHeld(number=code):
                key = pressed(code)
                if key is not None and self._room():
                    self._happens(key)
            case ReaderLost(reason=reason):
                self._on_lost(reason)
            case ReaderBack():
                self._on_lost("")
            case CardGone():
                pass
            case _:
                assert_never(event)
