"""Streams: envelopes in a hash chain, batches of them, acknowledgements."""

from __future__ import annotations

from typing import Annotated, ClassVar
from uuid import UUID

from pydantic import Field

from broker.messages.base import Digest, Message, Part, Sequence, StreamName


class Envelope(Part):
    """One event in a stream: its place, its hash and the sender's exact text."""

    seq: Annotated[int, Field(ge=1, lt=2**63)]
    """1, 2, 3 … without gaps."""
    hash: Digest
    """SHA-256(stream key ‖ seq ‖ previous hash ‖ SHA-256(data))."""
    data: str | None
    """The event as CloudEvents JSON, exactly as the sender wrote it; none once erased."""
    digest: Digest | None = None
    """SHA-256 of the data, given when the data was erased."""


class Batch(Message):
    """Consecutive events of one stream."""

    TYPE: ClassVar[str] = "printmesh.batch.v1"
    stream: StreamName
    """Which stream between these two nodes."""
    sender_incarnation: UUID
    """Whose journal these come from."""
    receiver_incarnation: UUID
    """For whose books they are meant."""
    epoch: Sequence = 0
    """The coordinator's epoch on the way down; 0 on the way up."""
    events: Annotated[tuple[Envelope, ...], Field(min_length=1, max_length=500)]
    """In order, without a gap."""


class Ack(Message):
    """The receiver has durably applied a stream up to here. Never lowers a watermark."""

    TYPE: ClassVar[str] = "printmesh.ack.v1"
    stream: StreamName
    """Which stream."""
    incarnation: UUID
    """The sender's incarnation that is acknowledged."""
    epoch: Sequence = 0
    """The coordinator's epoch on the way down; on the way up the highest one seen."""
    upto: Sequence
    """Highest contiguous seq applied."""
    hash: Digest
    """The chain's hash there."""
    one_at_a_time: bool = False
    """The last batch was unreadable: send single events until it is passed."""
