"""MQTT bytes: cut at any point they give the same frames, and what breaks the rules is refused."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from broker import frames
from broker.frames import Frame, FrameReader, Message, ProtocolViolation

topics = st.text(st.characters(exclude_characters="+#\0", codec="utf-8"), min_size=1, max_size=40)
messages = st.builds(Message, topics, st.binary(max_size=300), st.integers(0, 2), st.booleans())


def cut(data: bytes, pieces: list[int], limit: int = 4096) -> list[Frame]:
    """Feed data in pieces of those sizes; return every frame."""
    reader, found = FrameReader(limit), []
    for size in [*pieces, len(data)]:
        reader.feed(data[:size])
        data = data[size:]
        while (frame := reader.next()) is not None:
            found.append(frame)
    return found


@given(st.lists(messages, max_size=6), st.lists(st.integers(0, 50), max_size=30))
def test_messages_survive_any_cutting(sent: list[Message], pieces: list[int]) -> None:
    """What `publish` writes is read back the same, however the bytes were split."""
    data = b"".join(frames.publish(m, m.qos, 7, retain=m.retain) for m in sent)
    found = [frames.parse_publish(frame.flags, frame.body) for frame in cut(data, pieces)]
    assert [(m, 7 if m.qos else 0) for m in sent] == found


@given(st.binary(max_size=200), st.lists(st.integers(0, 20), max_size=20))
def test_any_bytes_are_frames_or_a_violation(data: bytes, pieces: list[int]) -> None:
    """No input, however cut, raises anything but a violation."""
    try:
        for frame in cut(data, pieces):
            if frame.kind == frames.PUBLISH:
                frames.parse_publish(frame.flags, frame.body)
            elif frame.kind == frames.CONNECT:
                frames.speaks_3_1_1(frame)
            else:
                frames.packet_id_of(frame.body)
    except ProtocolViolation:
        pass


def test_a_big_packet_is_refused_by_its_header() -> None:
    """The limit holds before a single byte of the body has come."""
    reader = FrameReader(100)
    reader.feed(b"\x30\xe5\x00")  # 101
    with pytest.raises(ProtocolViolation, match="101 bytes"):
        reader.next()


@pytest.mark.parametrize(
    "data",
    [
        b"\x30\xff\xff\xff\xff\x01",  # a length of five bytes
        b"\x80\x00",  # SUBSCRIBE needs flags 2
        b"\x60\x02\x00\x01",  # PUBREL too
        b"\xc1\x00",  # PINGREQ has none
        b"\x00\x00",  # no such kind
        b"\x20\x02\x00\x00",  # CONNACK is the broker's
    ],
)
def test_headers_that_may_not_be_are_refused(data: bytes) -> None:
    """Wrong kinds, flags and lengths are violations (MQTT 3.1.1 §2.2)."""
    with pytest.raises(ProtocolViolation):
        cut(data, [])


@pytest.mark.parametrize(
    ("body", "speaks"),
    [
        (b"\0\4MQTT\4\2\0\x3c", True),
        (b"\0\4MQTT\5\2\0\x3c", False),  # version 5
        (b"\0\6MQIsdp\3\2\0\x3c", False),  # version 3.1
        (b"\0\4MQTT\6\2\0\x3c", False),
    ],
)
def test_the_version_is_told_before_the_rest_is_read(*, body: bytes, speaks: bool) -> None:
    """Only 3.1.1 goes on; other versions are to be answered, not left waiting."""
    assert speaks is frames.speaks_3_1_1(Frame(frames.CONNECT, 0, body))


@pytest.mark.parametrize("body", [b"", b"\0\4HTTP\4\2\0\x3c", b"\0\4MQTT", b"\0\4MQTT\4\x20\0\x3c"])
def test_what_is_no_connect_is_a_violation(body: bytes) -> None:
    """Another protocol, a stump, or will bits without a will end the connection."""
    with pytest.raises(ProtocolViolation):
        frames.speaks_3_1_1(Frame(frames.CONNECT, 0, body))
