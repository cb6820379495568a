"""Job events, inside streams: the life of a job as its edge tells it."""

from __future__ import annotations

from typing import Annotated, ClassVar, Literal
from uuid import UUID

from pydantic import AwareDatetime, Field, StringConstraints

from broker.messages.base import Count, Digest, Line, Message, Name, Part, Sequence
from broker.messages.devices import MetersRead
from broker.messages.ledger import AccountAmount, Counted, Opening
from config.ids import NodeId


class Because(Part):
    """One line of why a job cost what it cost, or was refused."""

    code: Name
    """What kind of line: `rule`, `price`, `surcharge`, `account`, `conversion`, `refused` …"""
    text: Annotated[str, StringConstraints(max_length=240)]
    """For people."""
    rule: Annotated[Name | None, Field(exclude_if=lambda rule: rule is None)] = None
    """The rule it stands on, by name."""


#: At most so many lines travel; the last one then says how many were left out.
BECAUSE_MAX = 40
_Why = Annotated[tuple[Because, ...], Field(max_length=BECAUSE_MAX)]


class JobHeld(Message):
    """A job came in, was counted, and waits for its owner."""

    TYPE: ClassVar[str] = "printmesh.job-held.v1"
    job: UUID
    """job-uuid."""
    queue: Name
    """Where it was printed to."""
    user: Name
    """job-originating-user-name."""
    name: Name
    """job-name, control characters taken out."""
    received_at: AwareDatetime
    """When the spooler took it."""
    counted: Counted | None
    """Analysis of the document; none when it cannot be read."""
    problem: Line | None = None
    """Why it cannot be printed, if so."""
    rest_of: Annotated[UUID | None, Field(exclude_if=lambda job: job is None)] = None
    """The job whose rest it is: what had not come out when its printer failed."""


class JobRefused(Message):
    """A release was asked for and denied; the job stays held."""

    TYPE: ClassVar[str] = "printmesh.job-refused.v1"
    job: UUID
    """job-uuid."""
    user: Name
    """Who asked."""
    printer: NodeId | None
    """Where."""
    reason: Name
    """Reason code (policy.decisions)."""
    detail: Line
    """The sentence the person read."""
    alone: bool
    """The link to the centre was down."""
    rules_version: Sequence = 0
    """The rules it was decided by; 0: none."""
    because: _Why = ()
    """Why, line by line."""


class JobReleased(Message):
    """The price is held and the job goes to the printer."""

    TYPE: ClassVar[str] = "printmesh.job-released.v1"
    job: UUID
    """job-uuid."""
    attempt: Annotated[int, Field(ge=1)]
    """1 for the first release."""
    user: Name
    """Who released it."""
    printer: NodeId
    """Where."""
    held: tuple[AccountAmount, ...]
    """What was set aside on each account."""
    alone: bool
    """The link to the centre was down."""
    tariff_version: Sequence = 0
    """The tariff that priced it; 0: from before this was said."""
    rules_version: Sequence = 0
    """The rules it was decided by; 0: none."""
    because: _Why = ()
    """Why, line by line."""
    conversions: dict[Name, Name] = Field(default_factory=dict)
    """IPP attributes that rules changed, with their new values."""
    redirected_from: NodeId | None = None
    """The printer that was asked for, when a rule chose another."""
    acting: Annotated[
        Literal["delegate", "operator"] | None, Field(exclude_if=lambda acting: acting is None)
    ] = None
    """As what `user` released a job that is not theirs; its owner pays."""
    changed: Annotated[dict[Name, Name], Field(exclude_if=lambda changed: not changed)] = Field(
        default_factory=dict
    )
    """IPP attributes that the person changed at the machine, with their new values."""


class JobSettled(Message):
    """What became of a released job, every figure with its source."""

    TYPE: ClassVar[str] = "printmesh.job-settled.v1"
    job: UUID
    """job-uuid."""
    attempt: Annotated[int, Field(ge=1)]
    """Which release."""
    printer: NodeId
    """Where."""
    disposition: Literal["completed", "stopped", "aborted", "canceled", "unknown"]
    """What became of it."""
    counts: tuple[Counted, ...]
    """Everything any source said."""
    billed: Counted
    """The chosen figure; 0 impressions when nothing was charged."""
    charge: UUID | None
    """The charge in the ledger stream; none when nothing was charged."""
    flag: Line | None = None
    """Why this settlement needs a look, if it does."""
    stopped_by: Annotated[Name | None, Field(exclude_if=lambda name: name is None)] = None
    """Who took it off its printer: its owner, a delegate or an operator."""
    rest: Annotated[UUID | None, Field(exclude_if=lambda job: job is None)] = None
    """The job that waits with what did not come out."""
    large: Annotated[Count, Field(exclude_if=lambda count: count == 0)] = 0
    """Of `billed`, impressions on large paper such as iso_a3; 0: none, or not known."""


class JobCanceled(Message):
    """A held job will not be printed."""

    TYPE: ClassVar[str] = "printmesh.job-canceled.v1"
    job: UUID
    """job-uuid."""
    by: Name
    """Who canceled it: a user, or `edge` for expiry and cleaning."""
    detail: Line = ""
    """Why."""


class JobFlagged(Message):
    """Something about a job a person should look at; names its cause."""

    TYPE: ClassVar[str] = "printmesh.job-flagged.v1"
    job: UUID
    """job-uuid."""
    cause: Name
    """Short code: `unknown-outcome`, `reprint`, `printed-above-hold`, `dispute` …"""
    detail: Line
    """For people."""


class CopyBegan(Message):
    """Money is set aside and a person copies; it ends by JobSettled, like a release."""

    TYPE: ClassVar[str] = "printmesh.copy-began.v1"
    job: UUID
    """Names the copy, like a job-uuid."""
    user: Name
    """Who copies."""
    printer: NodeId
    """The copier."""
    held: tuple[AccountAmount, ...]
    """What was set aside on each account: the most that may be charged."""
    alone: bool
    """The link to the centre was down."""
    began_at: AwareDatetime
    """When, by the edge's clock."""
    tariff_version: Sequence = 0
    """The tariff that prices it; 0: pages only."""
    rules_version: Sequence = 0
    """The rules it was decided by; 0: none."""
    because: _Why = ()
    """Why, line by line."""


class CardEnrolled(Message):
    """A person who proved who they are entered a new card at a terminal of the site."""

    TYPE: ClassVar[str] = "printmesh.card-enrolled.v1"
    card: Digest
    """The card's key in the directory; never its number."""
    user: Name
    """Whose."""
    terminal: NodeId
    """Where."""
    by: Literal["pin", "password"]
    """How the person proved it."""
    enrolled_at: AwareDatetime
    """When, by the edge's clock."""


class OperatorLooked(Message):
    """Somebody who handles other people's jobs looked at them; nothing was done to them.

    Said before they are shown, once for a while.
    """

    TYPE: ClassVar[str] = "printmesh.operator-looked.v1"
    user: Name
    """Who."""
    terminal: NodeId
    """Where."""
    owner: Name | None
    """Whose jobs; none: everybody's."""
    job: UUID | None = None
    """job-uuid, of which a page was shown; none: the list."""
    looked_at: AwareDatetime
    """When, by the edge's clock."""


JOBS_UP: tuple[type[Message], ...] = (
    Opening,
    JobHeld,
    JobRefused,
    JobReleased,
    JobSettled,
    JobCanceled,
    JobFlagged,
    CopyBegan,
    CardEnrolled,
    OperatorLooked,
    MetersRead,
)
