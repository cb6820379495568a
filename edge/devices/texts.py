"""Texts that machines give, made fit for people and keys: names, serial numbers, IEEE 1284 ids."""

from __future__ import annotations

import re
from typing import Final

_NAME: Final = 255
_LINE: Final = 1000
#: Control characters, and what turns the direction of lines.
_CONTROL: Final = re.compile(r"[\x00-\x1f\x7f-\x9f\u200b-\u200f\u2028-\u202e\u2066-\u2069\ufeff]+")
_SPACES: Final = re.compile(r"\s+")
#: What makers put where a serial number was never written.
_NO_SERIAL: Final = frozenset(
    {"unknown", "none", "n/a", "na", "not available", "default", "serial number", "null", "empty"}
)


def decoded(value: object) -> str:
    """Return text: UTF-8 where it is, else Latin-1; without control characters, on one line."""
    if isinstance(value, bytes):
        value = value.split(b"\0\0", 1)[0]
        try:
            text = value.decode("utf-8")
        except UnicodeDecodeError:
            text = value.decode("latin-1")
    else:
        text = str(value)
    return _SPACES.sub(" ", _CONTROL.sub(" ", text)).strip()


def name(value: object) -> str:
    """Return text of at most 255 characters."""
    return decoded(value)[:_NAME]


def line(value: object) -> str:
    """Return text of at most 1,000 characters."""
    return decoded(value)[:_LINE]


def serial_number(value: object) -> str | None:
    """Return a serial number; None where it is empty, one character repeated, or a placeholder."""
    text = name(value)
    if not text or len(set(text.replace(" ", ""))) == 1 or text.lower() in _NO_SERIAL:
        return None
    return text


#: Longer names of an IEEE 1284 device id and the short ones (IEEE 1284-2000 §7.6).
_LONG: Final = {
    "MANUFACTURER": "MFG",
    "MODEL": "MDL",
    "COMMAND SET": "CMD",
    "SERIALNUMBER": "SN",
    "SERN": "SN",
    "SERIAL": "SN",
    "DESCRIPTION": "DES",
    "CLASS": "CLS",
}


def device_id(value: object) -> dict[str, str]:
    """Read an IEEE 1284 device id, such as `MFG:Maker;MDL:Model;SN:123;`; keys are the short ones.

    Its two octets of length (IEEE 1284-2000 §7.6) may stand before it.
    """
    if isinstance(value, bytes) and len(value) > 2 and value[:1] < b" ":  # noqa: PLR2004
        value = value[2:]
    found: dict[str, str] = {}
    for part in decoded(value).split(";"):
        key, colon, text = part.partition(":")
        key = key.strip().upper()
        if colon and key and text.strip():
            found.setdefault(_LONG.get(key, key), text.strip()[:_NAME])
    return found
