"""IPP messages, bytes to values and back (RFC 8010); nothing here sends them."""

from __future__ import annotations

import struct
from dataclasses import dataclass
from enum import IntEnum
from typing import TYPE_CHECKING, Final, TypeAlias

from config.errors import PrintmeshError

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence

CONTENT_TYPE: Final = "application/ipp"
_VERSION: Final = (2, 0)
_HEADER: Final = struct.Struct(">BBHI")
_LENGTH: Final = struct.Struct(">H")
_INTEGER: Final = struct.Struct(">i")
_RANGE: Final = struct.Struct(">ii")
_LENGTH_BOUND: Final = 0x7FFF


class IppMalformedError(PrintmeshError):
    """Bytes that are no IPP message."""


class Operation(IntEnum):
    """Operation codes used here (RFC 8011 §5.4.15, RFC 3995, CUPS's own from 0x4001)."""

    CANCEL_JOB = 0x0008
    GET_JOB_ATTRIBUTES = 0x0009
    GET_JOBS = 0x000A
    GET_PRINTER_ATTRIBUTES = 0x000B
    HOLD_JOB = 0x000C
    RELEASE_JOB = 0x000D
    PAUSE_PRINTER = 0x0010
    RESUME_PRINTER = 0x0011
    SET_JOB_ATTRIBUTES = 0x0014
    CREATE_PRINTER_SUBSCRIPTIONS = 0x0016
    GET_SUBSCRIPTIONS = 0x0019
    CANCEL_SUBSCRIPTION = 0x001B
    CUPS_GET_PRINTERS = 0x4002
    CUPS_ADD_MODIFY_PRINTER = 0x4003
    CUPS_DELETE_PRINTER = 0x4004
    CUPS_ACCEPT_JOBS = 0x4008
    CUPS_REJECT_JOBS = 0x4009
    CUPS_MOVE_JOB = 0x400D
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
    """Value tags (RFC 8010 §3.5.2) that are written here."""

    INTEGER = 0x21
    BOOLEAN = 0x22
    ENUM = 0x23
    RANGE = 0x33
    TEXT = 0x41
    NAME = 0x42
    KEYWORD = 0x44
    URI = 0x45
    CHARSET = 0x47
    LANGUAGE = 0x48
    MIME_TYPE = 0x49


_BEGIN_COLLECTION: Final = 0x34
_TEXT_WITH_LANGUAGE: Final = 0x35
_NAME_WITH_LANGUAGE: Final = 0x36
_END_COLLECTION: Final = 0x37
_MEMBER_NAME: Final = 0x4A
_OUT_OF_BAND: Final = range(0x10, 0x20)

#: What an attribute may hold: a number, a flag, a text, a range, raw bytes (dates, resolutions),
#: a collection, or None for the out-of-band values (unknown, no-value, unsupported).
Value: TypeAlias = "int | bool | str | tuple[int, int] | bytes | Mapping[str, object] | None"
Attributes: TypeAlias = "dict[str, list[Value]]"


@dataclass(frozen=True, slots=True)
class Field:
    """One attribute to send: its name, how its values are written, and the values."""

    name: str
    tag: Tag
    values: Sequence[int | bool | str | tuple[int, int]]

    @classmethod
    def one(cls, name: str, tag: Tag, value: int | bool | str | tuple[int, int]) -> Field:  # noqa: FBT001  a value
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


def request(
    operation: Operation,
    number: int,
    target: Iterable[Field],
    groups: Iterable[tuple[Group, Iterable[Field]]] = (),
) -> bytes:
    """Return a request's bytes.

    Args:
        operation: what to do.
        number: the request-id, 1 or more.
        target: the operation attributes after charset and language, the target's URI first
            (RFC 8011 §4.1.5 wants this order).
        groups: further groups.
    """
    out = bytearray(_HEADER.pack(*_VERSION, operation, number))
    opening = (
        Field.one("attributes-charset", Tag.CHARSET, "utf-8"),
        Field.one("attributes-natural-language", Tag.LANGUAGE, "en"),
        *target,
    )
    for group, fields in ((Group.OPERATION, opening), *groups):
        out.append(group)
        for field in fields:
            _write(out, field)
    out.append(Group.END)
    return bytes(out)


def _write(out: bytearray, field: Field) -> None:
    name = field.name.encode()
    for value in field.values:
        data = _encoded(field.tag, value)
        if max(len(name), len(data)) > _LENGTH_BOUND:
            raise IppMalformedError(f"{field.name} is too long to send: {len(data)} bytes")
        out.append(field.tag)
        out += _LENGTH.pack(len(name)) + name + _LENGTH.pack(len(data)) + data
        name = b""  # further values of a set carry no name (RFC 8010 §3.1.5)


def _encoded(tag: Tag, value: int | bool | str | tuple[int, int]) -> bytes:  # noqa: FBT001  a value
    match tag, value:
        case (Tag.BOOLEAN, bool()):
            return b"\x01" if value else b"\x00"
        case (Tag.INTEGER | Tag.ENUM, int()):
            return _INTEGER.pack(value)
        case (Tag.RANGE, (int(low), int(high))):
            return _RANGE.pack(low, high)
        case (Tag.INTEGER | Tag.ENUM | Tag.BOOLEAN | Tag.RANGE, _):
            pass
        case (_, str()):
            return value.encode()
    raise IppMalformedError(f"{value!r} cannot be sent as {tag.name}")


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
            if tag < _OUT_OF_BAND.start:
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
    if tag in _OUT_OF_BAND:
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
