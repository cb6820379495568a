"""IPP messages written by hand, as printers and the notifier send them."""

from __future__ import annotations

import struct
from typing import TYPE_CHECKING

from edge.printing.ipp import Group, Tag

if TYPE_CHECKING:
    from collections.abc import Iterable

HEAD = struct.pack(">BBHI", 2, 0, 0, 1)
"""Of an answer that says ok."""
NO_VALUE = 0x13
UNKNOWN = 0x12
NAME_WITH_LANGUAGE = 0x36
DATE_TIME = 0x31
BEGIN_COLLECTION = 0x34
END_COLLECTION = 0x37
MEMBER_NAME = 0x4A


def attribute(tag: int, name: bytes, value: bytes) -> bytes:
    """Write one attribute (RFC 8010 §3.1.4)."""
    head = bytes([tag]) + struct.pack(">H", len(name)) + name
    return head + struct.pack(">H", len(value)) + value


def integer(name: bytes, value: int) -> bytes:
    """Write an integer; without a name it is one more value."""
    return attribute(Tag.INTEGER, name, struct.pack(">i", value))


def size_collection(name: bytes, width: int) -> bytes:
    """Write a collection in a collection: `media-size` with an `x-dimension`."""
    inner = attribute(MEMBER_NAME, b"", b"x-dimension") + integer(b"", width)
    return (
        attribute(BEGIN_COLLECTION, name, b"")
        + attribute(MEMBER_NAME, b"", b"media-size")
        + attribute(BEGIN_COLLECTION, b"", b"")
        + inner
        + attribute(END_COLLECTION, b"", b"")
        + attribute(END_COLLECTION, b"", b"")
    )


#: One value of each kind that printers send and pycups cannot read.
BEYOND_PYCUPS = {
    "no-value": attribute(NO_VALUE, b"job-impressions-completed", b""),
    "unknown": attribute(UNKNOWN, b"job-impressions-completed", b""),
    "name with language": attribute(NAME_WITH_LANGUAGE, b"job-name", b"\0\2en\0\4Name"),
    "date": attribute(DATE_TIME, b"date-time-at-creation", b"0123456789a"),
    "collection": size_collection(b"media-col", 21000),
}


def message(group: Group, attributes: Iterable[bytes]) -> bytes:
    """Write an answer with one group."""
    return HEAD + bytes([group]) + b"".join(attributes) + bytes([Group.END])
