"""The codec: what is written is read again, and whatever is wrong comes back as a value."""

from __future__ import annotations

import json
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any
from uuid import UUID

import pytest
from hypothesis import given
from hypothesis import strategies as st

from broker import codec
from broker.codec import EVENT_LIMIT, PAYLOAD_LIMIT, MessageTooLarge, Received, Unreadable
from broker.messages import Birth, CoordinatorStatus, Note, Opening, Reply, Status

if TYPE_CHECKING:
    from collections.abc import Mapping

    from broker.messages import Message

NOW = datetime(2026, 11, 22, 9, 30, 15, 250000, tzinfo=UTC)
ID = UUID("019aabcd-0000-7000-8000-000000000001")
NOTE = Note(severity="warning", code="disk-full", subject="edge-1", detail="no space left")
GOOD = {
    "specversion": "1.0",
    "id": str(ID),
    "source": "/edge-1",
    "type": Note.TYPE,
    "time": "2026-11-22T09:30:15.25Z",
    "datacontenttype": "application/json",
    "data": {"severity": "warning", "code": "disk-full", "detail": "no space left"},
}


def encoded(message: Message) -> bytes:
    """Encode with a fixed source, id and time."""
    return codec.encode(message, source="edge-1", id_=ID, now=NOW)


def wire(envelope: object) -> bytes:
    """Write any JSON as a payload."""
    return json.dumps(envelope).encode()


def without(key: str) -> dict[str, Any]:
    """Return a good envelope that lacks one field."""
    return {name: value for name, value in GOOD.items() if name != key}


def data_of_size(size: int) -> Note:
    """Return a note that is encoded into exactly so many bytes, with one-byte characters."""
    subject = NOTE.model_copy(update={"subject": ""})
    filling = size - len(encoded(subject))
    # model_copy does not validate: the sizes that matter here are beyond a subject's own limit
    return NOTE.model_copy(update={"subject": "x" * filling})


def test_what_is_written_is_read_again() -> None:
    """Message, id, source and time come back as they went in."""
    assert codec.decode(encoded(NOTE), (Note,)) == Received(NOTE, str(ID), "/edge-1", NOW)


def test_the_envelope_is_cloudevents() -> None:
    """A payload has the attributes of CloudEvents 1.0 that its JSON format asks for."""
    event = json.loads(encoded(NOTE))
    assert {"specversion": "1.0", "id": str(ID), "source": "/edge-1", "type": Note.TYPE} == {
        name: event[name] for name in ("specversion", "id", "source", "type")
    }
    assert (event["time"], event["datacontenttype"]) == (NOW.isoformat(), "application/json")


@given(st.text(max_size=200))
def test_any_text_survives(detail: str) -> None:
    """Quotes, controls, separators and every script arrive as they were sent."""
    note = Note(severity="info", code="c", detail=detail)
    received = codec.decode(encoded(note), (Note,))
    assert isinstance(received, Received)
    assert detail == received.message.detail


def test_the_payload_limit_is_exact() -> None:
    """64 KiB is written and taken; one byte more is neither."""
    full = data_of_size(PAYLOAD_LIMIT)
    assert len(encoded(full)) == PAYLOAD_LIMIT
    # refused for the subject's length, which shows that it was read
    assert codec.decode(encoded(full), (Note,)) != Unreadable(
        f"{PAYLOAD_LIMIT} bytes, the limit is {PAYLOAD_LIMIT}"
    )
    with pytest.raises(MessageTooLarge, match=f"{Note.TYPE} is {PAYLOAD_LIMIT + 1} bytes"):
        encoded(data_of_size(PAYLOAD_LIMIT + 1))
    beyond = encoded(full) + b" "
    assert codec.decode(beyond, (Note,)) == Unreadable(
        f"{PAYLOAD_LIMIT + 1} bytes, the limit is {PAYLOAD_LIMIT}"
    )


def test_ten_megabytes_are_refused_unread() -> None:
    """A huge payload is refused by its length alone, even if it is valid JSON."""
    huge = b'{"data":"' + b"x" * 10_000_000 + b'"}'
    assert codec.decode(huge, (Note,)) == Unreadable(
        f"{len(huge)} bytes, the limit is {PAYLOAD_LIMIT}"
    )


def test_an_event_has_its_own_limit() -> None:
    """Text inside a stream is held to the limit it is read with."""
    text = encoded(NOTE).decode()
    assert isinstance(codec.decode(text, (Note,), limit=EVENT_LIMIT), Received)
    assert isinstance(codec.decode(text, (Note,), limit=len(text) - 1), Unreadable)


@pytest.mark.parametrize(
    ("payload", "said"),
    [
        (b"", "EOF"),
        (b"\xff\xfe\x00", "Invalid JSON"),  # not UTF-8
        (b"\xef\xbb\xbf" + wire(GOOD), "Invalid JSON"),  # byte order mark
        (wire(GOOD)[:-1], "Invalid JSON"),  # torn
        (wire(GOOD) + b"{}", "Invalid JSON"),  # two objects
        (b"null", "payload: Input should be an object"),
        (wire([GOOD]), "payload: Input should be an object"),  # a batch of CloudEvents
        (wire(without("data")), "data: Field required"),
        (wire(without("id")), "id: Field required"),
        (wire(without("time")), "time: Field required"),
        (wire({**GOOD, "specversion": "0.3"}), "specversion"),
        (wire({**GOOD, "time": "2026-11-22T09:30:15"}), "timezone"),  # a naive time
        (wire({**GOOD, "time": "yesterday"}), "time"),
        (wire({**GOOD, "data": []}), "data: Input should be an object"),
        (wire({**GOOD, "data": {}}), "severity: Field required (and 2 more)"),
        (wire({**GOOD, "data": {**NOTE.model_dump(), "severity": "loud"}}), "severity"),
        (wire({**GOOD, "data": {**NOTE.model_dump(), "detail": "x" * 1001}}), "detail"),
    ],
)
def test_bad_bytes_are_a_value(*, payload: bytes, said: str) -> None:
    """Bytes that are no message of ours never raise; the reason says what is wrong."""
    found = codec.decode(payload, (Note,))
    assert isinstance(found, Unreadable)
    assert said in found.reason


@pytest.mark.parametrize(
    "payload",
    [
        b"[" * 60_000,
        b'{"data":' * 7_000 + b"1" + b"}" * 7_000,
        wire(GOOD)[:-2] + b',"x":' + b"[" * 20_000 + b"]" * 20_000 + b"}}",
    ],
)
def test_deep_nesting_is_a_value(*, payload: bytes) -> None:
    """Nesting that would exhaust a stack is refused, where fields are ignored too."""
    assert isinstance(codec.decode(payload, (Note,)), Unreadable)


@given(st.binary(max_size=200))
def test_any_bytes_are_decided_without_an_error(payload: bytes) -> None:
    """Noise is always Unreadable, never an exception."""
    assert isinstance(codec.decode(payload, (Note,)), Unreadable)


@given(
    st.recursive(
        st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=5),
        lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=5), inner),
        max_leaves=8,
    ),
    st.sampled_from(["severity", "code", "detail", "cleared", "subject"]),
)
def test_any_json_in_a_field_is_decided_without_an_error(value: object, name: str) -> None:
    """Whatever stands where a field should be is taken or refused, never an exception."""
    data = {"severity": "info", "code": "c", "detail": "d", name: value}
    found = codec.decode(wire({**GOOD, "data": data}), (Note,))
    assert isinstance(found, Received | Unreadable)


def test_an_unknown_type_is_named() -> None:
    """A type nobody expects here is refused with what was expected instead."""
    found = codec.decode(encoded(NOTE), (Status, Opening))
    assert found == Unreadable(
        f"unknown type {Note.TYPE!r}; expected {Status.TYPE}, {Opening.TYPE}"
    )


def test_the_type_chooses_the_model() -> None:
    """Of several expected kinds the one that the envelope names is read."""
    found = codec.decode(encoded(NOTE), (Opening, Note, Status))
    assert isinstance(found, Received)
    assert found.message == NOTE


@pytest.mark.parametrize(
    "envelope",
    [
        {**GOOD, "traceparent": "00-ab"},  # an extension attribute of CloudEvents
        {**GOOD, "data": {**NOTE.model_dump(), "shelf": 3, "later": {"a": [1]}}},
    ],
)
def test_unknown_fields_are_ignored(*, envelope: Mapping[str, object]) -> None:
    """What a later version adds does not keep this one from understanding the rest."""
    found = codec.decode(wire(envelope), (Note,))
    assert isinstance(found, Received)
    assert found.message.code == "disk-full"


@pytest.mark.parametrize(
    "envelope",
    [
        {**GOOD, "type": "\x1b[31m\nall is well" * 50},
        {**GOOD, "data": {"\x1b[31m\nsecret": 1}},
        {**GOOD, "data": {"severity": "\x1b[31m\nsecret" * 50, "code": "c", "detail": "d"}},
    ],
)
def test_a_reason_is_one_short_line(*, envelope: Mapping[str, object]) -> None:
    """A sender cannot write into our logs: no control characters, no content, at most 300 long."""
    found = codec.decode(wire(envelope), (Note,))
    assert isinstance(found, Unreadable)
    assert found.reason.isprintable()
    assert "secret" not in found.reason
    assert len(found.reason) <= 300


def test_keys_of_a_sender_do_not_reach_the_reason_raw() -> None:
    """A model keyed by name reports a wrong key without its control characters."""
    birth = {
        **{name: str(ID) for name in ("corr", "session", "incarnation")},
        "software": "printmesh 1",
        "role": "remote",
        "epoch": 0,
        "down": {},
        "up": {"\x1b[31m\nall is well": {}},
    }
    found = codec.decode(wire({**GOOD, "type": Birth.TYPE, "data": birth}), (Birth,))
    assert isinstance(found, Unreadable)
    assert found.reason.startswith("up.")
    assert found.reason.isprintable()


@pytest.mark.parametrize("epoch", ["9223372036854775808", "-1", "1.5", "1e400", "9" * 5000])
def test_figures_beyond_63_bits_are_refused(*, epoch: str) -> None:
    """A number that the books could not hold is refused at the border."""
    text = wire({**GOOD, "type": CoordinatorStatus.TYPE, "data": {}}).decode()
    data = f'"data": {{"online": true, "session": "{ID}", "epoch": {epoch}}}'
    found = codec.decode(text.replace('"data": {}', data), (CoordinatorStatus,))
    assert isinstance(found, Unreadable)


def test_text_is_written_in_one_order() -> None:
    """The same message gives the same text: it is what a stream's hash is made over."""
    reply = Reply(corr=ID, status="ok", data={"b": 1, "a": 2})
    texts = {codec.text_of(reply, source="a", id_=ID, now=NOW) for _ in range(3)}
    expected = (
        f'{{"specversion":"1.0","id":"{ID}","source":"/a","type":"{Reply.TYPE}",'
        f'"time":"{NOW.isoformat()}","datacontenttype":"application/json",'
        f'"data":{{"corr":"{ID}","status":"ok","problem":null,"data":{{"b":1,"a":2}}}}}}'
    )
    assert texts == {expected}
