"""The message models: everything that is said between nodes, frozen, with a sentence per field.

Every message is the `data` of one CloudEvents 1.0 object (codec.py). Receivers ignore fields they
do not know, so that nodes one version apart understand each other; what is required never shrinks.
"""

from __future__ import annotations

from typing import Annotated, Any, ClassVar, Literal
from uuid import UUID

from pydantic import AwareDatetime, BaseModel, ConfigDict, Field, StringConstraints

from config.ids import AccountKey, NodeId
from config.policy.jobs import Source
from config.policy.money import Micros, PositiveMicros, Unit

#: SHA-256 in lower-case hexadecimal.
Digest = Annotated[str, StringConstraints(pattern=r"^[0-9a-f]{64}$")]
StreamName = Literal["ledger", "jobs"]
Role = Literal["agent", "tracker", "remote"]
Sequence = Annotated[int, Field(ge=0, lt=2**63)]
Count = Annotated[int, Field(ge=0, le=100_000_000)]
#: One line for people; control characters are taken out before it is made.
Line = Annotated[str, StringConstraints(max_length=1000)]
Name = Annotated[str, StringConstraints(max_length=255)]


class Message(BaseModel):
    """What every message shares: frozen, unknown fields ignored, a CloudEvents `type`."""

    model_config = ConfigDict(
        frozen=True, extra="ignore", use_attribute_docstrings=True, ser_json_bytes="base64"
    )
    TYPE: ClassVar[str]


class Part(BaseModel):
    """A piece of a message; the same rules, no type of its own."""

    model_config = ConfigDict(frozen=True, extra="ignore", use_attribute_docstrings=True)


# ── presence ────────────────────────────────────────────────────────────────────────────────


class Status(Message):
    """Whether a node is on line; retained, and left as its will."""

    TYPE: ClassVar[str] = "printmesh.status.v1"
    online: bool
    """False in the will and on a clean goodbye."""
    session: UUID
    """Minted at each connect; an `offline` of another session is ignored."""
    incarnation: UUID | None = None
    """The journal that speaks; none for nodes without streams (terminals, dashboards)."""


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
    """What the node is configured to be."""
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


# ── streams ─────────────────────────────────────────────────────────────────────────────────


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


# ── ledger events (inside streams) ──────────────────────────────────────────────────────────


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


# ── job events (inside streams) ─────────────────────────────────────────────────────────────


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


# ── directory ───────────────────────────────────────────────────────────────────────────────


class DirectoryRow(Part):
    """One row, or a tombstone."""

    kind: Literal["user", "card", "account", "tariff", "printer", "setting"]
    """Which table (models in broker.directory)."""
    key: Annotated[str, StringConstraints(min_length=1, max_length=255)]
    """Its key within the kind."""
    n: Sequence
    """Its version under the message's epoch; a row applies only if newer."""
    row: dict[str, Any] | None
    """The row; none is a tombstone."""


class DirectoryRows(Message):
    """A delta, a slice of a snapshot, or revocations sent early."""

    TYPE: ClassVar[str] = "printmesh.directory.v1"
    epoch: Sequence
    """Versions are compared as (epoch, n)."""
    kind: Literal["delta", "snapshot", "revocations"]
    """Revocations apply early and do not move the cursor; snapshots are staged, swapped whole."""
    since: Sequence = 0
    """Delta: applies when the cursor is at or beyond this."""
    upto: Sequence
    """The cursor afterwards."""
    snapshot: UUID | None = None
    """Which snapshot this is a slice of."""
    part: Annotated[int, Field(ge=0)] = 0
    """0, 1, 2 … within the snapshot."""
    last: bool = True
    """The snapshot is complete with this part."""
    digest: Digest | None = None
    """Digest over all rows at `upto`, with the last part."""
    rows: tuple[DirectoryRow, ...]
    """In order of n."""


# ── questions and answers ───────────────────────────────────────────────────────────────────


class Request(Message):
    """What every question carries."""

    corr: UUID
    """The answer comes on `down/{node}/res/{corr}`."""
    expires_at: AwareDatetime
    """Not answered, and not acted on, after this."""


class FundsRequest(Request):
    """A job costs more than is here; the money comes as a grant in the ledger stream."""

    TYPE: ClassVar[str] = "printmesh.funds-request.v1"
    account: AccountKey
    """Which account is short."""
    unit: Unit
    """Its unit."""
    micros: PositiveMicros
    """How much more is needed."""
    job: UUID | None = None
    """For which job."""


class MoneyAtSite(Part):
    """Where part of a balance sits."""

    site: Name
    """The site's node, or `centre`."""
    micros: Micros
    """How much."""
    linked: bool
    """Whether it can be fetched now."""


class FundsAnswer(Part):
    """Data of the reply to a FundsRequest."""

    coming: Annotated[int, Field(ge=0)]
    """Granted or being reclaimed for this request, in micros."""
    where: tuple[MoneyAtSite, ...] = ()
    """The whole balance by place."""


class DirectoryRequest(Request):
    """Ask for the directory from a cursor on; without one, a snapshot."""

    TYPE: ClassVar[str] = "printmesh.directory-request.v1"
    cursor: DirectoryCursor | None = None
    """How far the asker's replica goes."""


class Person(Part):
    """Who stands there; exactly one of the two."""

    user: Name | None = None
    """A user name vouched for by the asking node."""
    card: Name | None = None
    """A card number as the reader gave it."""


class ReleaseRequest(Request):
    """Print a held job at a printer of this site."""

    TYPE: ClassVar[str] = "printmesh.release-request.v1"
    job: UUID
    """job-uuid."""
    printer: NodeId
    """Device id."""
    person: Person
    """Who asks; only the owner is served."""


class CancelRequest(Request):
    """Throw a held job away."""

    TYPE: ClassVar[str] = "printmesh.cancel-request.v1"
    job: UUID
    """job-uuid."""
    person: Person | None = None
    """The owner; none for the site's own operator credential."""


class JobsRequest(Request):
    """List jobs."""

    TYPE: ClassVar[str] = "printmesh.jobs-request.v1"
    person: Person | None = None
    """Only this person's; none for all (operator)."""
    held_only: bool = True
    """False also lists what is done."""
    after: UUID | None = None
    """Paging: only jobs after this one."""


class StatusRequest(Request):
    """Ask an edge how it is."""

    TYPE: ClassVar[str] = "printmesh.status-request.v1"


class VerifyRequest(Request):
    """Ask an edge to re-fold its journal."""

    TYPE: ClassVar[str] = "printmesh.verify-request.v1"


class Problem(Part):
    """Why something was not done."""

    code: Name
    """Stable, for machines."""
    detail: Line
    """One sentence for people."""


class Reply(Message):
    """The answer to a question."""

    TYPE: ClassVar[str] = "printmesh.reply.v1"
    corr: UUID
    """Of the question."""
    status: Literal["ok", "refused", "invalid", "expired", "failed"]
    """Refused: a decision; invalid: the question was wrong; failed: try again later."""
    problem: Problem | None = None
    """Given unless ok."""
    data: dict[str, Any] = Field(default_factory=dict)
    """The answer's own model, as JSON."""


class Command(Message):
    """What the coordinator wants a node to do."""

    TYPE: ClassVar[str] = "printmesh.command.v1"
    id: UUID
    """Names the command; doing it twice does it once."""
    command: Literal["report-digest"]
    """Which."""
    args: dict[str, Any] = Field(default_factory=dict)
    """Its arguments."""
    expires_at: AwareDatetime
    """Not begun after this."""


class CommandState(Message):
    """How far a command is."""

    TYPE: ClassVar[str] = "printmesh.command-state.v1"
    id: UUID
    """Of the command."""
    state: Literal["accepted", "executing", "successful", "failed", "expired"]
    """As it goes."""
    detail: Line = ""
    """For people."""
    data: dict[str, Any] = Field(default_factory=dict)
    """The result."""


class EdgeDigest(Part):
    """Result of `report-digest`: the edge's books at one moment."""

    up: Position
    """Head of its ledger stream."""
    down: Position
    """What it has applied of the coordinator's ledger stream."""
    accounts: Count
    """How many accounts are in the digest."""
    digest: Digest
    """SHA-256 over the lines `account unit micros` (free + held, zero left out), sorted."""
    part: Annotated[int, Field(ge=0)] = 0
    """Which 1/256 of the accounts, by the first byte of SHA-256(account), `rows` holds."""
    rows: tuple[AccountAmount, ...] = ()
    """Balances of that part, when asked for."""


# ── telemetry and feed ──────────────────────────────────────────────────────────────────────


class Note(Message):
    """An alert or a remark; the newest of a code and subject wins."""

    TYPE: ClassVar[str] = "printmesh.note.v1"
    severity: Literal["info", "warning", "critical"]
    """How loud."""
    code: Name
    """Stable, for machines: `disk-full`, `fork`, `quarantine` …"""
    subject: Name = ""
    """What it is about: a device, a job, an account."""
    detail: Line
    """For people."""
    cleared: bool = False
    """The trouble is over."""


class DeviceState(Message):
    """State of one printer or terminal; retained."""

    TYPE: ClassVar[str] = "printmesh.device.v1"
    device: NodeId
    """Device id."""
    name: Name
    """What people call it."""
    state: Literal["idle", "processing", "stopped", "unknown"]
    """IPP printer-state (RFC 8011 §5.4.11)."""
    reasons: tuple[Name, ...] = ()
    """printer-state-reasons."""
    updated_at: AwareDatetime
    """When it was seen so."""


class FeedJob(Message):
    """A job as committed at the centre; at least once, by id."""

    TYPE: ClassVar[str] = "printmesh.feed-job.v1"
    job: UUID
    """job-uuid."""
    node: NodeId
    """The edge."""
    state: Name
    """held, refused, released, settled, canceled or flagged."""
    printer: NodeId | None = None
    """Where."""
    impressions: Count | None = None
    """Billed impressions, when settled."""
    charged: tuple[AccountAmount, ...] = ()
    """What was paid, by account kind only: names of people stay out of the feed."""


class FeedNode(Message):
    """A node's link as the centre sees it."""

    TYPE: ClassVar[str] = "printmesh.feed-node.v1"
    node: NodeId
    """Who."""
    linked: bool
    """Whether it is heard."""
    since: AwareDatetime
    """Since when."""
    waiting: Count | None = None
    """Events it has not got committed yet, as of its last birth or batch."""


class FeedAlert(Message):
    """A note of any node, or of the centre itself."""

    TYPE: ClassVar[str] = "printmesh.feed-alert.v1"
    node: NodeId
    """Whose."""
    note: Note
    """What."""


LEDGER_UP: tuple[type[Message], ...] = (Opening, Charged, Returned)
LEDGER_DOWN: tuple[type[Message], ...] = (Opening, Granted, Reclaim, Rejected)
JOBS_UP: tuple[type[Message], ...] = (
    Opening,
    JobHeld,
    JobRefused,
    JobReleased,
    JobSettled,
    JobCanceled,
    JobFlagged,
)
