"""Ledger events, inside streams: money given to an edge, spent there, given back."""

from __future__ import annotations

from typing import Annotated, ClassVar, Literal
from uuid import UUID

from pydantic import AwareDatetime, Field

from broker.messages.base import Count, Line, Message, Name, Part, Role, Sequence, StreamName
from config.ids import AccountKey, NodeId
from config.policy.accounts import CoveredBy
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
    covered_by: Annotated[CoveredBy, Field(exclude_if=lambda by: by == "allocation")] = "allocation"
    """What stands behind a hold or a charge; not written when it is the allocation."""


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
    by: Annotated[Name | None, Field(exclude_if=lambda by: by is None)] = None
    """Of a copy, by which of a machine's meters: `terminal`, the pulses that its terminal counted,
    or `totaliser`, its own counters before and after."""


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
    rules_version: Annotated[Sequence, Field(exclude_if=lambda version: version == 0)] = 0
    """The rules it was decided by; 0: none."""
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


class GaveBack(Message):
    """The edge gives back of itself what it may or need not keep; nobody had asked."""

    TYPE: ClassVar[str] = "printmesh.gave-back.v1"
    id: UUID
    """Names the return for ever."""
    account: AccountKey
    """Whose money."""
    unit: Unit
    """Its unit."""
    micros: PositiveMicros
    """How much."""
    why: Literal["job-over", "role"]
    """A job's own grant was not all used, or the new role keeps no allocation."""
    job: UUID | None = None
    """The job whose grant it was."""


class CodeMark(Part):
    """Which courier code: one index of one epoch, used at most once (PROTOCOL 3)."""

    epoch: Annotated[int, Field(ge=1, lt=2**63)]
    """Under which it was issued."""
    index: Annotated[int, Field(ge=0, lt=4096)]
    """Its number within the epoch."""


class Redeemed(Message):
    """A courier code was accepted at the edge, maybe before its grant arrived."""

    TYPE: ClassVar[str] = "printmesh.redeemed.v1"
    code: CodeMark
    """Which; one that was never issued freezes the edge."""
    account: AccountKey
    """Whose money."""
    unit: Unit
    """Its unit."""
    micros: PositiveMicros
    """How much it is worth."""
    user: Name
    """Who stood there."""
    redeemed_at: AwareDatetime
    """When, by the edge's clock."""


class UncoveredCap(Part):
    """How much may be charged past the allocation, in one unit, until it is collected."""

    unit: Unit
    """Its unit."""
    site: PositiveMicros | None = None
    """At most so much outstanding at the site; none: without limit."""
    user: PositiveMicros | None = None
    """At most so much outstanding on one account; none: as much as the site's."""


class SetTerms(Message):
    """What the centre wants a site to be and to bear; taken by its own TermsTaken."""

    TYPE: ClassVar[str] = "printmesh.set-terms.v1"
    terms: Annotated[int, Field(ge=1, lt=2**63)]
    """Ascends; the highest holds."""
    role: Role
    """The role wished for."""
    uncovered: tuple[UncoveredCap, ...] = ()
    """Past the allocation: a tracker at any time, a remote (its float) only while alone."""
    offline_seconds: Annotated[int, Field(ge=60)] | None = None
    """After so long without the centre nothing is released; none: without limit."""


class TermsTaken(Message):
    """The edge lives by these terms from here on in its ledger stream."""

    TYPE: ClassVar[str] = "printmesh.terms-taken.v1"
    terms: Annotated[int, Field(ge=1, lt=2**63)]
    """Which."""
    role: Role
    """Its role from now on."""


class Collected(Message):
    """What was charged past the allocation is paid: so much of the cap is free again."""

    TYPE: ClassVar[str] = "printmesh.collected.v1"
    id: UUID
    """Names the collection; the same id is the ledger entry's."""
    account: AccountKey
    """Who had owed it."""
    unit: Unit
    """Its unit."""
    micros: PositiveMicros
    """How much."""


class CodesFrom(Message):
    """From here on codes are made under this epoch; those of earlier ones are void."""

    TYPE: ClassVar[str] = "printmesh.codes-from.v1"
    epoch: Annotated[int, Field(ge=1, lt=2**63)]
    """Ascends at each contact."""


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
    reason: Literal["parked", "requested", "reclaimed", "courier"]
    """Why: standing allocation, asked from the pool, taken over from another site, or a code."""
    request: UUID | None = None
    """The funds request it answers."""
    job: Annotated[UUID | None, Field(exclude_if=lambda job: job is None)] = None
    """Only for this job: what it does not use goes back (role agent)."""
    code: Annotated[CodeMark | None, Field(exclude_if=lambda code: code is None)] = None
    """The courier code that may have brought it already; then it is not credited again."""


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


LEDGER_UP: tuple[type[Message], ...] = (
    Opening,
    Charged,
    Returned,
    GaveBack,
    Redeemed,
    TermsTaken,
)
LEDGER_DOWN: tuple[type[Message], ...] = (
    Opening,
    Granted,
    Reclaim,
    Rejected,
    SetTerms,
    Collected,
    CodesFrom,
)
#: What a node must speak WIRE 2 for to be sent.
SINCE_2: frozenset[type[Message]] = frozenset({SetTerms, Collected, CodesFrom})
