"""What a card reader and a copier at a terminal are told; the processes' settings use these."""

from __future__ import annotations

import re
from datetime import timedelta
from typing import Annotated, Literal, Self

from pydantic import AfterValidator, Field, StringConstraints, model_validator

from config.settings_parts import Duration, Part

#: How many bits the body of a card of the Wiegand 26-bit format has: facility 8, number 16.
WIEGAND_BITS = 24
_LAST_OCTET = 0xFF

_SERIAL = re.compile(r"/.+|(socket|rfc2217)://[^/?#@\s]+:[0-9]{1,5}")


def _is_octets(text: str) -> str:
    if any(ord(character) > _LAST_OCTET for character in text):
        raise ValueError(r'octets as text, U+0000 to U+00FF, such as "\u0002" for 02')
    return text


#: Octets as text, each character one: TOML writes the unprintable ones as `\u0002`.
OctetText = Annotated[str, StringConstraints(max_length=16), AfterValidator(_is_octets)]
#: GPIO number of the Broadcom chip, as gpiozero counts.
Pin = Annotated[int, Field(ge=0, le=53)]
#: As CopyCounts names them.
Kind = Literal["monochrome", "color", "monochrome_large", "color_large"]
Checksum = Literal["none", "xor", "sum", "hex-xor", "hex-sum"]


class FramingSettings(Part):
    """Where one card begins and ends in what a reader sends."""

    start: OctetText = ""
    """Octets before each card; empty: none are sent."""
    end: tuple[OctetText, ...] = ("\r", "\n")
    """Any of these ends a card; empty: it has a fixed `length`, or ends by `gap`."""
    length: Annotated[int, Field(ge=1, le=256)] | None = None
    """Octets between start and end, checksum included; none: any."""
    longest: Annotated[int, Field(ge=1, le=256)] = 64
    """A longer one is noise; whatever `length` says fits."""
    gap: Duration = timedelta(seconds=1)
    """A silence of so long drops half a card, or ends one that nothing else does."""
    checksum: Checksum = "none"
    """Last octet (`xor`, `sum`), or last two hexadecimal digits, over all before it."""

    @model_validator(mode="after")
    def _ends_somewhere(self) -> Self:
        if any(not end for end in self.end):
            raise ValueError("ends that are not empty; end = [] for none")
        if self.gap < timedelta(milliseconds=5):
            raise ValueError("a gap of at least 5ms")
        if not self.end and self.length is None and self.start:
            raise ValueError("an end or a length wherever there is a start")
        return self


class NumberSettings(Part):
    """How what a reader sends becomes the card's number, in the order of these keys.

    The same card has to give the same number at every reader: what is enrolled is this number.
    """

    remove: str = ""
    """Characters to leave out, such as `:-`; white space around goes in any case."""
    read: Literal["text", "hex", "decimal", "octets"] = "text"
    """What was sent: text as it is, hexadecimal or decimal digits, or bare octets."""
    octets: Annotated[int, Field(ge=1, le=64)] | None = None
    """The number's width; a number that needs more is refused. None: as sent."""
    reverse: bool = False
    """Last octet first; of decimal digits only with `octets`."""
    wiegand: Literal[24, 26] | None = None
    """Facility 8 bits, number 16: bare (24), or between parity bits that are checked (26)."""
    skip: Annotated[int, Field(ge=0, le=511)] = 0
    """Bits to leave out at the low end, …"""
    bits: Annotated[int, Field(ge=1, le=512)] | None = None
    """… and how many above them to keep; none: all."""
    mask: Annotated[str, StringConstraints(pattern=r"^[0-9A-Fa-f]{1,128}$")] | None = None
    """Hexadecimal; bits that are not set in it become nothing."""
    write: Literal["text", "hex", "decimal", "facility"] | None = None
    """None: as read (octets: hex). `facility`: 8 bits and 16 bits in decimal, `123-45678`."""
    between: Annotated[str, StringConstraints(max_length=4)] = "-"
    """Between facility and number."""
    pad: Annotated[int, Field(ge=0, le=128)] = 0
    """Zeros in front, up to so many characters."""
    upper: bool = True
    """Letters in capitals."""

    @model_validator(mode="after")
    def _is_possible(self) -> Self:
        computed = self.reverse or self.wiegand or self.skip or self.bits or self.mask
        if self.read == "text" and (computed or self.octets or self.write not in {None, "text"}):
            raise ValueError("read = hex, decimal or octets wherever the number is computed with")
        if self.read != "text" and self.write == "text":
            raise ValueError("write = hex, decimal or facility wherever a number is read")
        if self.read == "decimal" and self.reverse and self.octets is None:
            raise ValueError("octets wherever decimal digits are reversed")
        if self.wiegand and (self.skip or self.bits):
            raise ValueError("wiegand, or skip and bits")
        return self


class ReaderSettings(Part):
    """A card reader."""

    kind: Literal["serial", "keyboard", "pcsc"] = "serial"
    """`serial` also over the network; `keyboard`: one that types; `pcsc`: a smart card reader."""
    device: str = ""
    """serial: /dev/serial/by-id/…, socket://host:port or rfc2217://host:port; keyboard:
    /dev/input/by-id/…-event-kbd; pcsc: part of the reader's name, empty: the first."""
    speed: Annotated[int, Field(ge=50, le=4_000_000)] = 9600
    """serial: bits a second."""
    data_bits: Literal[5, 6, 7, 8] = 8
    """serial."""
    parity: Literal["none", "even", "odd"] = "none"
    """serial."""
    stop_bits: Literal[1, 2] = 1
    """serial."""
    framing: FramingSettings = FramingSettings()
    """Where a card begins and ends; a keyboard's Enter is `\\r`. Not of pcsc."""
    number: NumberSettings = NumberSettings()
    """What the card's number is; pcsc gives the UID as text in hexadecimal."""
    same_card: Duration = timedelta(seconds=2)
    """The same card again within so long of when it was last seen is still the same swipe."""
    longest_pause: Duration = timedelta(seconds=30)
    """Longest wait between two tries at a reader that is gone."""

    @model_validator(mode="after")
    def _has_a_device(self) -> Self:
        if self.kind == "keyboard" and not self.device.startswith("/"):
            raise ValueError("device = the path of an input device, /dev/input/by-id/…-event-kbd")
        if self.kind == "serial" and not _SERIAL.fullmatch(self.device):
            # no other scheme of pySerial's, and none of its options that write octets into logs
            raise ValueError("device = a path, socket://host:port or rfc2217://host:port")
        return self


class KeyPadSettings(Part):
    """A key pad for the PIN beside a card: digits, then # or Enter; * or Backspace clears."""

    kind: Literal["serial", "keyboard"] = "keyboard"
    """How it is connected; `serial`: one octet a key."""
    device: str
    """As of a reader of that kind."""
    speed: Annotated[int, Field(ge=50, le=4_000_000)] = 9600
    """serial: bits a second."""

    @model_validator(mode="after")
    def _has_a_device(self) -> Self:
        ReaderSettings(kind=self.kind, device=self.device)
        return self


class EnableLine(Part):
    """An output that lets the copier copy."""

    pin: Pin
    """GPIO number."""
    active: Literal["high", "low"] = "high"
    """The level that enables."""
    kinds: tuple[Kind, ...] = ()
    """On when one of these may be copied; empty: any."""


class PulseLine(Part):
    """An input on which the copier counts."""

    pin: Pin
    """GPIO number."""
    kind: Kind = "monochrome"
    """What one pulse is."""
    impressions: Annotated[int, Field(ge=1, le=8)] = 1
    """How many impressions of it."""
    active: Literal["high", "low"] = "low"
    """The level of a pulse."""
    pull: Literal["up", "down", "none"] = "up"
    """The resistor in the chip; `none` wherever the wiring has its own."""


class CopierSettings(Part):
    """A copier's interface for foreign devices, on GPIO pins."""

    enable: tuple[EnableLine, ...]
    """Outputs; all are off when the program starts and ends."""
    pulses: tuple[PulseLine, ...]
    """Inputs."""
    debounce: Duration = timedelta(milliseconds=10)
    """A level has to last so long to count: shorter ones are bounce or noise."""
    heartbeat: Pin | None = None
    """Output that changes while copying is let, for a relay that falls when it stands still."""
    heartbeat_every: Duration = timedelta(milliseconds=100)
    """How often it changes."""

    @model_validator(mode="after")
    def _pins_are_one_things(self) -> Self:
        if not self.enable or not self.pulses:
            raise ValueError("at least one enable line and one pulse line")
        pins = [each.pin for each in self.enable] + [each.pin for each in self.pulses]
        pins += [] if self.heartbeat is None else [self.heartbeat]
        twice = sorted({pin for pin in pins if pins.count(pin) > 1})
        if twice:
            raise ValueError(f"every pin once; twice: {', '.join(map(str, twice))}")
        if not timedelta() < self.debounce <= timedelta(seconds=1):
            raise ValueError("a debounce above 0ms and up to 1s")
        if self.heartbeat_every < timedelta(milliseconds=10):
            raise ValueError("a heartbeat every 10ms or slower")
        return self
