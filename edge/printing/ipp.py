"""IPP messages: bytes to values (RFC 8010), which pycups cannot do; `pycups` writes requests."""

from __future__ import annotations

import struct
from dataclasses import dataclass
from enum import IntEnum
from typing import TYPE_CHECKING, Final, TypeAlias

from config.errors import PrintmeshError

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

CONTENT_TYPE: Final = "application/ipp"
#: Status codes from here are errors (RFC 8011 §B.1).
FIRST_ERROR: Final = 0x0400
_HEADER: Final = struct.Struct(">BBHI")
#: An answer has a group for each job; more than any site holds is no answer.
_GROUPS_MAX: Final = 100_000
_LENGTH: Final = struct.Struct(">H")
_INTEGER: Final = struct.Struct(">i")
_RANGE: Final = struct.Struct(">ii")


class IppMalformedError(PrintmeshError):
    """Bytes that are no IPP message, or a value that none can be made of."""


class Operation(IntEnum):
    """What is asked without pycups's own calls (RFC 8011 §5.4.15; CUPS's own from 0x4001)."""

    GET_JOB_ATTRIBUTES = 0x0009
    GET_JOBS = 0x000A
    GET_PRINTER_ATTRIBUTES = 0x000B
    SET_JOB_ATTRIBUTES = 0x0014
    CUPS_GET_DOCUMENT = 0x4027


class Group(IntEnum):
    """Delimiter tags (RFC 8010 §3.5.1)."""

    OPERATION = 0x01
    JOB = 0x02
    END = 0x03
    PRINTER = 0x04
    UNSUPPORTED = 0x05
    SUBSCRIPTION = 0x06
    EVENT_NOTIFICATION = 0x07


class Tag(IntEnum):
    """Value tags (RFC 8010 §3.5.2); sent are integers, booleans, names, keywords and URIs."""

    INTEGER = 0x21
    BOOLEAN = 0x22
    ENUM = 0x23
    RANGE = 0x33
    TEXT = 0x41
    NAME = 0x42
    KEYWORD = 0x44
    URI = 0x45
    MIME_TYPE = 0x49


_BEGIN_COLLECTION: Final = 0x34
_TEXT_WITH_LANGUAGE: Final = 0x35
_NAME_WITH_LANGUAGE: Final = 0x36
_END_COLLECTION: Final = 0x37
_MEMBER_NAME: Final = 0x4A
#: Tags of values that say there is none: unknown, no-value, unsupported (RFC 8010 §3.5.2).
OUT_OF_BAND: Final = range(0x10, 0x20)

#: What an attribute may hold: a number, a flag, a text, a range, raw bytes (dates, resolutions),
#: a collection, or None for the out-of-band values (unknown, no-value, unsupported).
Value: TypeAlias = "int | bool | str | tuple[int, int] | bytes | Mapping[str, object] | None"
Attributes: TypeAlias = "dict[str, list[Value]]"


@dataclass(frozen=True, slots=True)
class Field:
    """One attribute to send: its name, how its values are written, and the values."""

    name: str
    tag: Tag
    values: Sequence[int | bool | str]

    @classmethod
    def one(cls, name: str, tag: Tag, value: int | bool | str) -> Field:  # noqa: FBT001  a value
        """Return an attribute of a single value."""
        return cls(name, tag, (value,))


@dataclass(frozen=True, slots=True)
class Message:
    """An answer or an event: its code and its groups in order; names map to lists of values."""

    code: int
    """An answer's status code, a request's operation."""
    groups: tuple[tuple[int, Attributes], ...]
    rest: bytes = b""
    """What follows the attributes: a document, or the next message."""

    def all_of(self, group: Group) -> list[Attributes]:
        """Return every group of one kind, such as one per job."""
        return [attributes for tag, attributes in self.groups if tag == group]

    def first_of(self, group: Group) -> Attributes:
        """Return the first group of one kind, empty if there is none."""
        return next(iter(self.all_of(group)), {})


def parse(data: bytes) -> Message:
    """Read one message.

    Raises:
        IppMalformedError: the bytes end early or break the grammar of RFC 8010 §3.
    """
    try:
        return _Reader(data).message()
    except (struct.error, IndexError, UnicodeDecodeError, RecursionError) as error:
        raise IppMalformedError(f"not an IPP message ({len(data)} bytes): {error}") from error


class _Reader:
    """A cursor over one message's bytes."""

    def __init__(self, data: bytes) -> None:
        self._data = data
        self._at = 0

    def message(self) -> Message:
        _, _, code, _ = _HEADER.unpack_from(self._data)
        self._at = _HEADER.size
        groups: list[tuple[int, Attributes]] = []
        values: list[Value] = []
        while (tag := self._byte()) != Group.END:
            if tag < OUT_OF_BAND.start:
                if len(groups) >= _GROUPS_MAX:
                    raise IppMalformedError(f"more than {_GROUPS_MAX:,} groups in one message")
                groups.append((tag, {}))
                continue
            name, value = self._attribute(tag)
            if not groups:
                raise IppMalformedError(f"{name!r} stands before any group")
            if name:
                values = groups[-1][1].setdefault(name, [])
            values.append(value)
        return Message(code, tuple(groups), self._data[self._at :])

    def _byte(self) -> int:
        self._at += 1
        return self._data[self._at - 1]

    def _counted(self) -> bytes:
        (length,) = _LENGTH.unpack_from(self._data, self._at)
        start = self._at + _LENGTH.size
        self._at = start + length
        if self._at > len(self._data):
            raise IndexError("a value ends beyond the message")
        return self._data[start : self._at]

    def _attribute(self, tag: int) -> tuple[str, Value]:
        name = self._counted().decode()
        data = self._counted()
        if tag == _BEGIN_COLLECTION:
            return name, self._collection()
        return name, _decoded(tag, data)

    def _collection(self) -> dict[str, object]:
        members: dict[str, list[Value]] = {}
        values: list[Value] = []
        while (tag := self._byte()) != _END_COLLECTION:
            self._counted()  # member values carry no name of their own
            data = self._counted()
            if tag == _MEMBER_NAME:
                values = members.setdefault(data.decode(), [])
            elif tag == _BEGIN_COLLECTION:
                values.append(self._collection())
            else:
                values.append(_decoded(tag, data))
        self._counted()
        self._counted()
        return dict(members)


def _decoded(tag: int, data: bytes) -> Value:
    value: Value = data
    if tag in OUT_OF_BAND:
        value = None
    elif tag in {Tag.INTEGER, Tag.ENUM}:
        (value,) = _INTEGER.unpack(data)
    elif tag == Tag.BOOLEAN:
        value = data != b"\x00"
    elif tag == Tag.RANGE:
        low, high = _RANGE.unpack(data)
        value = (low, high)
    elif tag in {_TEXT_WITH_LANGUAGE, _NAME_WITH_LANGUAGE}:
        (language,) = _LENGTH.unpack_from(data)
        value = data[2 * _LENGTH.size + language :].decode(errors="replace")
    elif Tag.TEXT <= tag <= Tag.MIME_TYPE:
        value = data.decode(errors="replace")
    return value
