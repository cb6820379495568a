"""SNMP versions 1 and 2c as octets, for agents: questions in, answers out, no library between.

BER as RFC 3417 §8 narrows it, PDUs as RFC 3416 §3. What is no question is None: never raises. A
second hand beside the library that asks, and some thousand answers a second on one core.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Final, TypeAlias

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

Oid: TypeAlias = tuple[int, ...]
#: Tag and content: a number, octets, or an object identifier.
Object: TypeAlias = "tuple[int, int | bytes | Oid]"

INTEGER, OCTETS, NULL, OBJECT_ID = 0x02, 0x04, 0x05, 0x06
COUNTER32, GAUGE32, TIME_TICKS, COUNTER64 = 0x41, 0x42, 0x43, 0x46
NO_SUCH_INSTANCE, END_OF_MIB_VIEW = 0x81, 0x82
GET, GET_NEXT, RESPONSE, GET_BULK = 0xA0, 0xA1, 0xA2, 0xA5
_SEQUENCE: Final = 0x30
#: Lengths below are one octet, as are parts of identifiers.
_SHORT: Final = 128
_V1, _V2C = 0, 1
_NOTHING: Final[Object] = (NULL, b"")


@dataclass(frozen=True, slots=True)
class Question:
    """GetRequest, GetNextRequest or GetBulkRequest."""

    version: int
    """0: version 1, 1: version 2c."""
    community: bytes
    kind: int
    number: int
    """request-id."""
    once: int
    """non-repeaters of a GetBulk."""
    rows: int
    """max-repetitions of a GetBulk."""
    oids: tuple[Oid, ...]


def version(datagram: bytes) -> int | None:
    """Return which SNMP this is; None: none at all."""
    try:
        tag, body, _ = _take(datagram, 0)
        number, value, _ = _take(body, 0)
    except (IndexError, ValueError):
        return None
    return _number(value) if (tag, number) == (_SEQUENCE, INTEGER) else None


def question(datagram: bytes) -> Question | None:
    """Read a question of version 1 or 2c; None: something else."""
    try:
        _, body, _ = _take(datagram, 0)
        _, said, at = _take(body, 0)
        _, community, at = _take(body, at)
        kind, pdu, _ = _take(body, at)
        if kind not in {GET, GET_NEXT, GET_BULK} or _number(said) not in {_V1, _V2C}:
            return None
        numbers, at = [], 0
        for _ in range(3):
            _, value, at = _take(pdu, at)
            numbers.append(_number(value))
        _, bound, _ = _take(pdu, at)
        oids, at = [], 0
        while at < len(bound):
            _, pair, at = _take(bound, at)
            _, name, _ = _take(pair, 0)
            oids.append(_identifier(name))
    except (IndexError, ValueError):
        return None
    number, once, rows = numbers
    return Question(_number(said), community, kind, number, once, rows, tuple(oids))


def answer(
    asked: Question,
    bound: Iterable[tuple[Oid, Object]],
    *,
    status: int = 0,
    index: int = 0,
    number: int | None = None,
) -> bytes:
    """Write a response; `number` other than asked for is a fault to order."""
    pairs = b"".join(
        tlv(_SEQUENCE, tlv(OBJECT_ID, oid_octets(oid)) + object_octets(each)) for oid, each in bound
    )
    named = asked.number if number is None else number
    pdu = b"".join(tlv(INTEGER, int_octets(each)) for each in (named, status, index))
    message = tlv(INTEGER, int_octets(asked.version)) + tlv(OCTETS, asked.community)
    return tlv(_SEQUENCE, message + tlv(RESPONSE, pdu + tlv(_SEQUENCE, pairs)))


def object_octets(found: Object) -> bytes:
    """Write a value."""
    tag, content = found
    if isinstance(content, int):
        return tlv(tag, int_octets(content))
    return tlv(tag, oid_octets(content) if isinstance(content, tuple) else content)


def unanswered(oids: Sequence[Oid]) -> list[tuple[Oid, Object]]:
    """Return the bindings of a question, for an error of version 1."""
    return [(oid, _NOTHING) for oid in oids]


def tlv(tag: int, content: bytes) -> bytes:
    """Write tag, length and content."""
    length = len(content)
    if length < _SHORT:
        return bytes((tag, length)) + content
    octets = length.to_bytes((length.bit_length() + 7) // 8)
    return bytes((tag, _SHORT | len(octets))) + octets + content


def int_octets(number: int) -> bytes:
    """Write a number in two's complement, as short as can be."""
    return number.to_bytes((number + (number < 0)).bit_length() // 8 + 1, signed=True)


def oid_octets(oid: Oid) -> bytes:
    """Write an object identifier."""
    out = bytearray([oid[0] * 40 + oid[1]] if len(oid) > 1 else [0])
    for part in oid[2:]:
        if part < _SHORT:
            out.append(part)
            continue
        some = [part & 0x7F]
        while part := part >> 7:
            some.append(part & 0x7F | _SHORT)
        out += bytes(reversed(some))
    return bytes(out)


def _take(octets: bytes, at: int) -> tuple[int, bytes, int]:
    """Return tag, content, and where the next begins.

    Raises:
        IndexError, ValueError: it ends too soon.
    """
    tag, length, at = octets[at], octets[at + 1], at + 2
    if length >= _SHORT:
        count = length & 0x7F
        length = int.from_bytes(octets[at : at + count])
        at += count
    end = at + length
    if end > len(octets):
        raise ValueError("cut short")
    return tag, octets[at:end], end


def _number(content: bytes) -> int:
    return int.from_bytes(content, signed=True)


def _identifier(content: bytes) -> Oid:
    first = content[0]
    parts, value = [min(first // 40, 2), first - 40 * min(first // 40, 2)], 0
    for octet in content[1:]:
        value = value << 7 | octet & 0x7F
        if octet < _SHORT:
            parts.append(value)
            value = 0
    return tuple(parts)
