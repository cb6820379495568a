"""Guesses how a reader is set up from what it sent: framing, checksum, and the number's making."""

from __future__ import annotations

from dataclasses import dataclass
from itertools import product
from typing import TYPE_CHECKING, Any, Final

from pydantic import ValidationError

from config.terminal_settings import FramingSettings, NumberSettings
from terminal_bridge.card_numbers import card_number
from terminal_bridge.framing import Frames, without_checksum

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from config.terminal_settings import Checksum

#: What a frame may be surrounded with: no letter, no digit.
_LONGEST_END: Final = 2
#: By chance one payload in 256 has a checksum that fits.
_ENOUGH_FOR_CHECKSUM: Final = 2
#: Octets that decimal digits may stand for.
_WIDTHS: Final = (None, 4, 5, 7, 8)


@dataclass(frozen=True, slots=True)
class Guess:
    """How frames begin and end, and what is in them."""

    framing: FramingSettings
    payloads: tuple[bytes, ...]
    """One for each swipe."""


def framing_of(bursts: Sequence[bytes]) -> Guess | None:
    """Return the first framing that explains every swipe; None: no octets, or none explains all."""
    if not bursts:
        return None
    for framing in _framings(bursts):
        payloads = [_one(framing, burst) for burst in bursts]
        whole = [each for each in payloads if each is not None]
        if len(whole) == len(bursts):
            checksum = _checksum_of(whole)
            stripped = [without_checksum(each, checksum) for each in whole]
            return Guess(
                framing.model_copy(update={"checksum": checksum}),
                tuple(each for each in stripped if each is not None),
            )
    return None


def numbers_of(payload: bytes) -> Iterator[tuple[NumberSettings, str]]:
    """Yield each number that could be made of a payload, simplest way first, each number once."""
    seen: set[str] = set()
    for settings in _numberings():
        number = card_number(payload, settings)
        if number is not None and number not in seen:
            seen.add(number)
            yield settings, number


def making_of(payload: bytes, known: str) -> NumberSettings | None:
    """Return how a payload becomes the number that is known of its card, from print or a list."""
    wanted = known.strip().upper()
    for settings, number in numbers_of(payload):
        if number == wanted:
            return settings
        if number == wanted.lstrip("0"):
            return settings.model_copy(update={"pad": len(wanted)})
    return None


def _framings(bursts: Sequence[bytes]) -> Iterator[FramingSettings]:
    starts = [""]
    first = {burst[:1] for burst in bursts}
    if len(first) == 1 and not (begin := next(iter(first))).isalnum():
        starts.insert(0, begin.decode("latin-1"))
    ends: list[tuple[str, ...]] = []
    for size in range(1, _LONGEST_END + 1):
        last = {burst[-size:] for burst in bursts}
        tail = next(iter(last))
        if len(last) == 1 and not any(chr(octet).isalnum() for octet in tail):
            ends.append((tail.decode("latin-1"),))
    lines = ("\r", "\n")
    if ends and all(octet in b"\r\n" for octet in ends[-1][0].encode("latin-1")):
        ends.append(lines)
    sizes = {len(burst) for burst in bursts}
    for start, end in product(starts, reversed(ends)):
        if start not in lines and (start or end != lines or len(bursts[0]) > 1):
            yield FramingSettings(start=start, end=end)
    if len(sizes) == 1:
        yield FramingSettings(end=(), length=min(sizes.pop(), 256))
    yield FramingSettings.model_validate({"end": (), "gap": "100ms"})


def _one(framing: FramingSettings, burst: bytes) -> bytes | None:
    """Return the payload of a burst: one frame, or the same one again while the card is held."""
    frames = Frames(framing)
    found = frames.feed(burst, 0.0)
    found += frames.silence(framing.gap.total_seconds() + 1)
    whole = found and not frames.dropped.total and len(set(found)) == 1
    return found[0] if whole else None


def _checksum_of(payloads: Sequence[bytes]) -> Checksum:
    """Return the checksum that fits all; none when too few differ to tell it from chance."""
    text = all(each.isalnum() for each in payloads)
    kinds: tuple[Checksum, ...] = ("hex-xor", "hex-sum") if text else ("xor", "sum")
    if len(set(payloads)) >= _ENOUGH_FOR_CHECKSUM:
        for kind in kinds:
            if all(without_checksum(each, kind) for each in payloads):
                return kind
    return "none"


def _numberings() -> Iterator[NumberSettings]:
    """Yield ways to make a number, the simplest first."""
    yield NumberSettings()
    ways = product(
        ("hex", "decimal", "octets"),
        (None, 26, 24),
        (False, True),
        (None, 24, 32),
        _WIDTHS,
        ("decimal", "hex", "facility"),
    )
    for read, wiegand, reverse, bits, octets, write in ways:
        given: dict[str, Any] = {"read": read, "write": write}
        given |= {"reverse": True} if reverse else {}
        given |= {} if wiegand is None else {"wiegand": wiegand}
        given |= {} if bits is None else {"bits": bits}
        given |= {} if octets is None else {"octets": octets}
        try:
            yield NumberSettings.model_validate(given)
        except ValidationError:  # such as both wiegand and bits
            continue
