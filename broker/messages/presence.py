"""Presence: status, birth and what the coordinator answers to it."""

from __future__ import annotations

from typing import Annotated, ClassVar, Final
from uuid import UUID

from pydantic import Field, StringConstraints

from broker.messages.base import Digest, Message, Name, Part, Role, Sequence, StreamName

#: The vocabulary of this program: 1 began it; 2 added terms, codes, collections, rules' reasons;
#: 3 copies, cards entered at terminals, PINs; 4 people's wishes of their held jobs as commands;
#: 5 documents that people sent to the centre; 6 the terminals of a site.
WIRE: Final = 6


def _unsaid(value: object) -> bool:
    return value is None


class Status(Message):
    """Whether a node is on line; retained, and left as its will."""

    TYPE: ClassVar[str] = "printmesh.status.v1"
    online: bool
    """False in the will and on a clean goodbye."""
    session: UUID
    """Minted at each connect; an `offline` of another session is ignored."""
    incarnation: UUID | None = None
    """The journal that speaks; none for nodes without streams (terminals, dashboards)."""
    site: Annotated[Name | None, Field(exclude_if=lambda site: site is None)] = None
    """What people call the place, so that whoever watches can; of an edge."""


class CoordinatorStatus(Message):
    """Whether the coordinator listens; retained. Nothing goes up a stream unless it says online."""

    TYPE: ClassVar[str] = "printmesh.coordinator.v1"
    online: bool
    """True only after the coordinator's own subscriptions were confirmed."""
    session: UUID
    """A new one makes every node send its birth again."""
    epoch: Sequence
    """Raised by each restore; lower ones are refused for ever after."""


class Position(Part):
    """A place in a stream: the hash chain up to and with `seq`."""

    seq: Sequence
    """0 before the first event."""
    hash: Digest
    """The chain's hash at `seq`; at 0 the hash of the stream's key."""


class UpHeads(Part):
    """What a node says of a stream it sends."""

    sent: Position
    """The last event in its journal."""
    acked: Position
    """The last event it knows to be committed at the coordinator."""


class DirectoryCursor(Part):
    """How far a node's directory replica goes."""

    epoch: Sequence
    """The epoch under which `n` was assigned."""
    n: Sequence
    """The last version applied without a gap."""
    digest: Digest | None = None
    """Digest over all rows at that version; compared at equal version only."""


class Birth(Message):
    """A node introduces itself: on every connect and when the coordinator's session changes."""

    TYPE: ClassVar[str] = "printmesh.birth.v1"
    corr: UUID
    """The answer comes as a Reply on `res/{corr}`, its data a BirthAccepted."""
    session: UUID
    """The session of the node's status."""
    incarnation: UUID
    """The node's journal; a new one needs an enrolment code."""
    software: Name
    """Name and version of the program."""
    role: Role
    """What an edge is now, by its journal; a new journal is what its settings say."""
    enrolment: Annotated[str, StringConstraints(max_length=64)] | None = None
    """The one-use code, only while this incarnation is not known to be accepted."""
    epoch: Sequence
    """The highest epoch of the coordinator this node has seen."""
    up: dict[StreamName, UpHeads]
    """Each stream this node sends."""
    down: dict[StreamName, Position]
    """Each stream this node receives: what it has applied."""
    directory: DirectoryCursor | None = None
    """Its directory replica; none asks for a snapshot."""
    wire: Annotated[int, Field(ge=1, lt=1000)] = 1
    """The newest vocabulary it understands (`WIRE`); what is newer is not sent to it."""


class BirthAccepted(Part):
    """The coordinator's answer to a birth. Under a higher epoch it may lower watermarks."""

    epoch: Sequence
    """The coordinator's epoch."""
    incarnation: UUID
    """The coordinator's books."""
    up: dict[StreamName, Position]
    """What the coordinator has committed of each stream of the node."""
    down: dict[StreamName, Position]
    """The coordinator's own last event of each stream to the node."""
    wire: Annotated[int, Field(ge=1, lt=1000, exclude_if=lambda wire: wire == 1)] = 1
    """The newest vocabulary the coordinator understands."""
    courier_key: Annotated[
        str | None, StringConstraints(pattern=r"^[0-9a-f]{64}$"), Field(exclude_if=_unsaid)
    ] = None
    """The key that makes and checks courier codes of this incarnation; 32 bytes in hexadecimal."""
