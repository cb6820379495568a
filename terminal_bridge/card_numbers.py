"""Makes card numbers of what readers send: frames, transforms, one swipe for one card.

Nothing here reads a clock or a device. A number is a secret: it is in no exception and no log.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from config.terminal_settings import WIEGAND_BITS
from terminal_bridge.framing import Dropped, Frames

if TYPE_CHECKING:
    from config.terminal_settings import NumberSettings, ReaderSettings

#: What a request may hold (`Secret` in `broker.messages.terminals`).
_LONGEST_NUMBER: Final = 255
_PARITY_BITS: Final = WIEGAND_BITS + 2


class CardNumbers:
    """One reader's cards. Bounded: it keeps one frame, one number, and counts."""

    def __init__(self, settings: ReaderSettings) -> None:
        self.dropped = Dropped()
        self.cards = 0
        """Swipes so far."""
        self.repeats = 0
        """Frames of a card that was only held on."""
        self._settings = settings
        self._frames = Frames(settings.framing, self.dropped)
        self._same = settings.same_card.total_seconds()
        self._last: str | None = None
        self._seen = 0.0

    def feed(self, data: bytes, now: float) -> list[str]:
        """Take octets; return the numbers of cards that were swiped, in order."""
        return self._cards(self._frames.feed(data, now), now)

    def silence(self, now: float) -> list[str]:
        """Return the numbers that a silence up to `now` completed."""
        return self._cards(self._frames.silence(now), now)

    def due(self) -> float | None:
        """Return when `silence` is to be called if nothing arrives; None: never."""
        return self._frames.due()

    def whole(self, payload: bytes, now: float) -> list[str]:
        """Take what a reader without frames says of a card."""
        return self._cards([payload], now)

    def cut(self) -> None:
        """The line was cut: half a card before it and half one behind it are none."""
        self._frames.cut()
        self.gone()

    def gone(self) -> None:
        """The card left: held again, it is a swipe again."""
        self._last = None

    def _cards(self, frames: list[bytes], now: float) -> list[str]:
        found = []
        for frame in frames:
            number = card_number(frame, self._settings.number)
            if number is None:
                self.dropped.unreadable += 1
                continue
            again = number == self._last and now - self._seen < self._same
            self._last, self._seen = number, now
            if again:
                self.repeats += 1
            else:
                self.cards += 1
                found.append(number)
        return found


def card_number(payload: bytes, settings: NumberSettings) -> str | None:
    """Return the number of a frame's payload; None: what was sent is no such number."""
    if settings.read == "text":
        text = _text(payload, settings)
        return None if text is None else _written(text, settings)
    read = _read(payload, settings)
    if read is None:
        return None
    value, width = read  # width: in bits
    if settings.octets is not None:
        if value.bit_length() > settings.octets * 8:
            return None
        width = settings.octets * 8
    if settings.reverse:
        value = int.from_bytes(value.to_bytes(width // 8, "big"), "little")
    if settings.wiegand is not None:
        body = wiegand_body(value) if settings.wiegand == _PARITY_BITS else value
        if body is None or body.bit_length() > WIEGAND_BITS:
            return None
        value, width = body, WIEGAND_BITS
    value >>= settings.skip
    width = max(width - settings.skip, 1)
    if settings.bits is not None:
        value &= (1 << settings.bits) - 1
        width = settings.bits
    if settings.mask is not None:
        value &= int(settings.mask, 16)
    return _shown(value, width, settings)


def wiegand_body(value: int) -> int | None:
    """Take the parity off 26 bits: even over the first 13, odd over the last 13; None: wrong."""
    half = _PARITY_BITS // 2
    high, low = value >> half, value & ((1 << half) - 1)
    if value.bit_length() > _PARITY_BITS or high.bit_count() % 2 or not low.bit_count() % 2:
        return None
    return (value >> 1) & ((1 << WIEGAND_BITS) - 1)


def _text(payload: bytes, settings: NumberSettings) -> str | None:
    """Return what was sent as text; None: it is none, or empty."""
    try:
        text = payload.decode("ascii")
    except UnicodeDecodeError:
        return None
    text = text.strip().translate({ord(each): None for each in settings.remove})
    return text if text and text.isprintable() else None


def _read(payload: bytes, settings: NumberSettings) -> tuple[int, int] | None:
    """Return the value that was sent and its width in bits, a multiple of eight."""
    if settings.read == "octets":
        return (int.from_bytes(payload, "big"), len(payload) * 8) if payload else None
    text = _text(payload, settings)
    if text is None or not text.isalnum() or len(text) > _LONGEST_NUMBER:
        return None
    try:
        value = int(text, 10 if settings.read == "decimal" else 16)
    except ValueError:
        return None
    digits = len(text) if settings.read == "hex" else len(f"{value:x}")
    return value, (digits + 1) // 2 * 8


def _shown(value: int, width: int, settings: NumberSettings) -> str | None:
    """Write a number of so many bits."""
    write = settings.write or ("decimal" if settings.read == "decimal" else "hex")
    if write == "facility":
        if value.bit_length() > WIEGAND_BITS:
            return None
        return _written(f"{value >> 16:03}{settings.between}{value & 0xFFFF:05}", settings)
    return _written(f"{value:0{(width + 3) // 4}x}" if write == "hex" else str(value), settings)


def _written(text: str, settings: NumberSettings) -> str | None:
    text = text.rjust(settings.pad, "0")
    text = text.upper() if settings.upper else text
    return text if len(text) <= _LONGEST_NUMBER else None
