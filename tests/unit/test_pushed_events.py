"""Events as the notifier pushes them: bytes in any pieces, job-ids out."""

from __future__ import annotations

import struct

import pytest
from hypothesis import given
from hypothesis import strategies as st

from edge.printing.ipp import Group, IppMalformedError, Tag
from edge.printing.subscription import PushedEvents
from tests.unit.ipp_bytes import attribute, integer, message


def event(job: int | None) -> bytes:
    """Write an event as CUPS does: a request without a target."""
    fields = [attribute(Tag.KEYWORD, b"notify-subscribed-event", b"job-created")]
    if job is not None:
        fields.append(integer(b"notify-job-id", job))
    return message(Group.EVENT_NOTIFICATION, fields)


@given(
    st.lists(st.none() | st.integers(1, 10**6), max_size=8),
    st.lists(st.integers(1, 60), max_size=40),
)
def test_pieces(jobs: list[int | None], sizes: list[int]) -> None:
    """However the bytes are cut, each event is told once and in order."""
    data = b"".join(event(job) for job in jobs)
    pushed = PushedEvents()
    found: list[int | None] = []
    for size in sizes:
        found += pushed.feed(data[:size])
        data = data[size:]
    found += pushed.feed(data)

    assert found == jobs


def test_endless_message() -> None:
    """What never becomes a message is given up at 1 MiB, not gathered for ever."""
    pushed = PushedEvents()
    pushed.feed(struct.pack(">BBHI", 2, 0, 0, 1) + b"\x07" * 1_000_000)
    with pytest.raises(IppMalformedError):
        pushed.feed(b"\x07" * 200_000)
