"""MQTT 3.1.1 packets on the broker's fast path: bytes in, frames out, no socket.

amqtt's own codec takes half a dozen awaits and objects a packet and bounds nothing; these few
functions carry PUBLISH and the acknowledgements. The rare packets still go through amqtt.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import NamedTuple

from config.errors import PrintmeshError

CONNECT, PUBLISH, PUBACK, PUBREC, PUBREL, PUBCOMP = 1, 3, 4, 5, 6, 7
SUBSCRIBE, UNSUBSCRIBE, PINGREQ, DISCONNECT = 8, 10, 12, 14

#: Flags that the standard fixes for each kind a client sends (MQTT 3.1.1 §2.2.2), PUBLISH aside.
_FIXED_FLAGS = {
    CONNECT: 0,
    PUBACK: 0,
    PUBREC: 0,
    PUBREL: 2,
    PUBCOMP: 0,
    SUBSCRIBE: 2,
    UNSUBSCRIBE: 2,
    PINGREQ: 0,
    DISCONNECT: 0,
}
_PROTOCOLS = {b"MQTT", b"MQIsdp"}
_MQTT_3_1_1 = (b"MQTT", 4)
_AFTER_NAME_BYTES = 4  # level, flags, two of keep alive
_WILL_FLAG, _WILL_BITS = 0x04, 0x38
_MAX_QOS = 2
_LENGTH_BYTES = 4
_SEVEN_BITS, _MORE = 0x7F, 0x80


class ProtocolViolation(PrintmeshError):
    """The peer broke the protocol or a limit; its connection is closed."""


class Frame(NamedTuple):
    """One packet as it came."""

    kind: int
    """CONNECT … DISCONNECT."""
    flags: int
    """The low four bits of the first byte."""
    body: bytes
    """Variable header and payload."""


class FrameReader:
    """Cuts a byte stream into frames; refuses a big one by its header, before its body comes."""

    def __init__(self, max_bytes: int) -> None:
        self._max_bytes = max_bytes
        self._buffer = bytearray()
        self._start = 0

    def feed(self, data: bytes) -> None:
        """Take in what the socket gave."""
        del self._buffer[: self._start]
        self._start = 0
        self._buffer += data

    def next(self) -> Frame | None:
        """Return the next whole frame, or None until more bytes are fed.

        Raises:
            ProtocolViolation: too long, a length that does not end, or flags that may not be.
        """
        buffer, start = self._buffer, self._start
        length = 0
        for index in range(1, _LENGTH_BYTES + 1):
            if start + index >= len(buffer):
                return None
            byte = buffer[start + index]
            length |= (byte & _SEVEN_BITS) << 7 * (index - 1)
            if not byte & _MORE:
                break
        else:
            raise ProtocolViolation("a remaining length of more than four bytes")
        if length > self._max_bytes:
            raise ProtocolViolation(f"a packet of {length} bytes; {self._max_bytes} are allowed")
        body = start + index + 1
        kind, flags = buffer[start] >> 4, buffer[start] & 0x0F
        if kind != PUBLISH and _FIXED_FLAGS.get(kind) != flags:
            raise ProtocolViolation(f"a packet that starts with {buffer[start]:#04x}")
        if len(buffer) < body + length:
            return None
        self._start = body + length
        return Frame(kind, flags, bytes(buffer[body : body + length]))


def speaks_3_1_1(connect: Frame) -> bool:
    """Say whether a connection opens with MQTT 3.1.1; False asks for CONNACK 0x01 (§3.1.2.2).

    Looked at before amqtt parses it: amqtt waits for ever for the rest of a version 5 CONNECT.

    Raises:
        ProtocolViolation: it is no CONNECT, or one that contradicts itself.
    """
    name_end = 2 + int.from_bytes(connect.body[:2], "big")
    name, rest = connect.body[2:name_end], connect.body[name_end:]
    if connect.kind != CONNECT or name not in _PROTOCOLS or len(rest) < _AFTER_NAME_BYTES:
        raise ProtocolViolation("the first packet is not an MQTT CONNECT")
    if (name, rest[0]) != _MQTT_3_1_1:
        return False
    if not rest[1] & _WILL_FLAG and rest[1] & _WILL_BITS:
        raise ProtocolViolation("will bits without a will")
    return True


@dataclass(slots=True)
class Message:
    """What is published, on its way from one client to others (not frozen: made per message)."""

    topic: str
    payload: bytes
    qos: int
    """As published; a delivery has the lesser of this and the subscription's."""
    retain: bool = False
    """Whether the publisher asked to keep it."""

    @property
    def size(self) -> int:
        """What it weighs in a queue, in bytes."""
        return len(self.topic) + len(self.payload)


def parse_publish(flags: int, body: bytes) -> tuple[Message, int]:
    """Return the message of a PUBLISH and its packet id (0 with QoS 0).

    Raises:
        ProtocolViolation: cut short, QoS 3, packet id 0, or a topic that is none.
    """
    qos = flags >> 1 & 3
    end = 2 + int.from_bytes(body[:2], "big")
    payload = end + 2 if qos else end
    if qos > _MAX_QOS or len(body) < max(payload, 2):
        raise ProtocolViolation("a PUBLISH that is cut short or has QoS 3")
    packet_id = int.from_bytes(body[end:payload], "big")
    if qos and not packet_id:
        raise ProtocolViolation("a PUBLISH with packet id 0")
    try:
        topic = body[2:end].decode()
    except UnicodeDecodeError as error:
        raise ProtocolViolation("a topic that is not UTF-8") from error
    if not topic or "+" in topic or "#" in topic or "\0" in topic:
        raise ProtocolViolation("a PUBLISH to what is no topic")
    return Message(topic, body[payload:], qos, bool(flags & 1)), packet_id


def publish(
    message: Message, qos: int, packet_id: int, *, retain: bool, again: bool = False
) -> bytes:
    """Return the PUBLISH that carries this message; `again` sets DUP."""
    topic = message.topic.encode()
    length = 2 + len(topic) + (2 if qos else 0) + len(message.payload)
    head = bytearray((PUBLISH << 4 | again << 3 | qos << 1 | retain,))
    while length > _SEVEN_BITS:
        head.append(length & _SEVEN_BITS | _MORE)
        length >>= 7
    head.append(length)
    head += len(topic).to_bytes(2, "big")
    head += topic
    if qos:
        head += packet_id.to_bytes(2, "big")
    return bytes(head) + message.payload


def acknowledgement(kind: int, packet_id: int) -> bytes:
    """Return a PUBACK, PUBREC, PUBREL or PUBCOMP."""
    return bytes((kind << 4 | _FIXED_FLAGS[kind], 2)) + packet_id.to_bytes(2, "big")


def packet_id_of(body: bytes) -> int:
    """Return the packet id of an acknowledgement.

    Raises:
        ProtocolViolation: it is not two bytes, or is 0.
    """
    packet_id = int.from_bytes(body, "big")
    if len(body) != len(b"id") or not packet_id:
        raise ProtocolViolation("an acknowledgement without a packet id")
    return packet_id
