"""The chain: keys that cannot be confused, events that cannot be changed unseen."""

from __future__ import annotations

from hashlib import sha256
from uuid import UUID

import pytest
from hypothesis import given
from hypothesis import strategies as st

from broker.codec import EVENT_LIMIT
from broker.messages import Batch, Envelope, Position
from broker.stream import (
    MAX_BATCH_BYTES,
    StreamKey,
    digest,
    erased,
    follows,
    place,
    seal,
    start,
    wire_bytes,
)
from broker.stream_outbound import fitting

KEY = StreamKey("north", UUID(int=1), "coordinator", UUID(int=2), "ledger")
OTHER = StreamKey("north", UUID(int=3), "coordinator", UUID(int=2), "ledger")


def test_stream_hash_is_what_the_protocol_says() -> None:
    """Another implementation, written from PROTOCOL 1 alone, gets the same hash."""
    parts = (b"north", UUID(int=1).bytes, b"coordinator", UUID(int=2).bytes, b"ledger")
    key = b"".join(bytes([0, len(part)]) + part for part in parts)
    previous = sha256(key).digest()
    inner = sha256("één".encode()).digest()
    expected = sha256(key + (1).to_bytes(8, "big") + previous + inner).hexdigest()
    assert start(KEY) == Position(seq=0, hash=previous.hex())
    assert seal(KEY, start(KEY), "één").hash == expected


def test_stream_keys_with_shifted_letters_differ() -> None:
    """Moving a letter from one field to the next makes another key."""
    one = StreamKey("ab", UUID(int=1), "c", UUID(int=2), "jobs")
    two = StreamKey("a", UUID(int=1), "bc", UUID(int=2), "jobs")
    assert bytes(one) != bytes(two)


@given(st.lists(st.text(), min_size=1, max_size=6), st.data())
def test_stream_chain_notices_any_change(texts: list[str], data: st.DataObject) -> None:
    """A changed text, another order or another key breaks the chain; the true one holds."""
    head, chain = start(KEY), []
    for text in texts:
        chain.append(seal(KEY, head, text))
        assert follows(KEY, head, chain[-1])
        assert not follows(OTHER, head, chain[-1])
        head = place(chain[-1])
    index = data.draw(st.integers(0, len(chain) - 1))
    before = place(chain[index - 1]) if index else start(KEY)
    changed = chain[index].model_copy(update={"data": texts[index] + "!"})
    assert not follows(KEY, before, changed)
    assert follows(KEY, before, erased(chain[index]))
    assert not follows(KEY, before, erased(changed))
    assert not follows(KEY, head, chain[index])


def test_stream_event_without_data_and_digest_follows_nothing() -> None:
    """An event that was erased without leaving its digest proves nothing."""
    event = seal(KEY, start(KEY), "x")
    bare = Envelope(seq=1, hash=event.hash, data=None)
    lying = Envelope(seq=1, hash=event.hash, data="x", digest=digest("y"))
    assert not follows(KEY, start(KEY), bare)
    assert not follows(KEY, start(KEY), lying)


@pytest.mark.parametrize(
    "text",
    [
        "x" * EVENT_LIMIT,
        '"' * EVENT_LIMIT,  # each quote is escaped inside a batch
        "\\" * EVENT_LIMIT,  # so is each backslash
        "é" * (EVENT_LIMIT // 2),  # two bytes a letter
    ],
)
def test_stream_size_estimate_is_never_too_small(text: str) -> None:
    """An event takes no more room in a batch than was counted for it, and always fits alone."""
    event = erased(seal(KEY, start(KEY), text)).model_copy(update={"data": text, "seq": 2**63 - 1})
    assert len(event.model_dump_json().encode()) <= wire_bytes(text) <= MAX_BATCH_BYTES


def test_stream_fitting_fills_a_message_and_always_moves() -> None:
    """As many leading events as fit are taken; one that is too big goes alone."""
    events, head = [], start(KEY)
    for text in ["a" * 20_000] * 4:
        events.append(seal(KEY, head, text))
        head = place(events[-1])
    assert fitting(events) == tuple(events[:3])
    assert fitting(events, limit=10) == tuple(events[:1])
    assert fitting([]) == ()


def test_stream_batch_of_the_largest_fits_a_payload() -> None:
    """What `fitting` lets through is within the 64 KiB of one MQTT message."""
    head, events = start(KEY), []
    for number in range(100):
        events.append(seal(KEY, head, f'{{"n":{number},"pad":"{"x" * 600}"}}'))
        head = place(events[-1])
    batch = Batch(
        stream="ledger",
        sender_incarnation=UUID(int=1),
        receiver_incarnation=UUID(int=2),
        events=fitting(events),
    )
    assert 60 < len(batch.events) < 100
    assert len(batch.model_dump_json().encode()) < 63 * 1024
