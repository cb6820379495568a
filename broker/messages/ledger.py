"""Ledger events, inside streams: money given to an edge, spent there, given back."""

from __future__ import annotations

from typing import Annotated, ClassVar, Literal
from uuid import UUID

from pydantic import AwareDatetime, Field

from broker.messages.base import Count, Line, Message, Name, Part, Sequence, StreamName
from config.ids import AccountKey, NodeId
from config.policy.jobs import Source
from config.policy.money import Micros, PositiveMicros, Unit


class AccountAmount(Part):
    """A sum on one account."""

    account: AccountKey
    """`kind:name`."""
    unit: Unit
    """Currency code or `page`."""
    micros: Micros
    """Millionths of the unit."""


class Opening(Message):
    """The first event of every new pair of incarnations: what the sender starts from."""

    TYPE: ClassVar[str] = "printmesh.opening.v1"
    balances: tuple[AccountAmount, ...] = ()
    """Money known at the start; empty for a fresh journal."""


class Counted(Part):
    """One source's word on how much was printed."""

    source: Source
    """Who counted."""
    impressions: Count | None
    """Sides with marks asked for; none when the source does not know (never 0 for unknown)."""
    color_impressions: Count | None = None
    """Of these, in colour."""
    sheets: Count | None = None
    """Media sheets."""


class Charged(Message):
    """Money spent at the edge for one job. Self-contained: it waits for no other stream."""

    TYPE: ClassVar[str] = "printmesh.charged.v1"
    charge: UUID
    """Names this charge for ever."""
    job: UUID
    """job-uuid."""
    attempt: Annotated[int, Field(ge=1)]
    """Which release of the job."""
    user: Name
    """Who was charged (job-originating-user-name or the person who released)."""
    printer: NodeId
    """Device id of the point of print."""
    service: Literal["print", "copy"]
    """What was done."""
    tariff_version: Sequence
    """The tariff that priced it."""
    counted: Counted
    """The figure the charge rests on."""
    postings: Annotated[tuple[AccountAmount, ...], Field(min_length=1)]
    """What each account paid; positive."""
    printed_above: Count = 0
    """Impressions beyond what was held for: recorded, not charged."""
    alone: bool
    """The link to the centre was down when it was released."""
    settled_at: AwareDatetime
    """When the evidence was in, by the edge's clock."""


class Returned(Message):
    """The edge's answer to a reclaim: what it gives back, possibly 0."""

    TYPE: ClassVar[str] = "printmesh.returned.v1"
    reclaim: UUID
    """The reclaim that is answered, once."""
    account: AccountKey
    """Whose money."""
    unit: Unit
    """Its unit."""
    micros: Annotated[int, Field(strict=True, ge=0)]
    """min(asked, free here)."""


class Granted(Message):
    """The centre posted `account → account@edge`; the edge may spend it from now on."""

    TYPE: ClassVar[str] = "printmesh.granted.v1"
    grant: UUID
    """Names the grant; the same id is the ledger entry's reference."""
    account: AccountKey
    """Whose money."""
    unit: Unit
    """Its unit."""
    micros: PositiveMicros
    """How much."""
    reason: Literal["parked", "requested", "reclaimed"]
    """Why: standing allocation, asked from the pool, or taken over from another site."""
    request: UUID | None = None
    """The funds request it answers."""


class Reclaim(Message):
    """The centre asks for money back; answered by Returned in the other ledger stream."""

    TYPE: ClassVar[str] = "printmesh.reclaim.v1"
    reclaim: UUID
    """Names the reclaim; one open per account and edge."""
    account: AccountKey
    """Whose money."""
    unit: Unit
    """Its unit."""
    up_to: PositiveMicros
    """At most this much."""
    request: UUID | None = None
    """The funds request it serves."""


class Rejected(Message):
    """An event from the node that the books could not accept; it is quarantined at the centre."""

    TYPE: ClassVar[str] = "printmesh.rejected.v1"
    stream: StreamName
    """The node's stream."""
    seq: Sequence
    """The event's place in it."""
    reason: Line
    """Why, for people."""


LEDGER_UP: tuple[type[Message], ...] = (Opening, Charged, Returned)
LEDGER_DOWN: tuple[type[Message], ...] = (Opening, Granted, Reclaim, Rejected)
