"""Questions with a deadline and their answers; commands and how far they are."""

from __future__ import annotations

from typing import Annotated, Any, ClassVar, Literal
from uuid import UUID

from pydantic import AwareDatetime, Field, StringConstraints

from broker.messages.base import Count, Digest, Line, Message, Name, Part, StreamName
from broker.messages.ledger import AccountAmount
from broker.messages.presence import DirectoryCursor, Position
from broker.messages.streams import Envelope
from config.ids import AccountKey, NodeId
from config.policy.jobs import COPIES_MAX, ColorMode, PageRange, Sides
from config.policy.money import Micros, PositiveMicros, Unit


def _unsaid(value: object) -> bool:
    return value is None


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
    prefetch: Annotated[bool, Field(exclude_if=lambda ahead: not ahead)] = False
    """Nobody waits yet: as much of it as there is, quietly."""


class MoneyAtSite(Part):
    """Where part of a balance sits."""

    site: Name
    """The site's node, or `centre`."""
    micros: Micros
    """How much."""
    linked: bool
    """Whether it can be fetched now."""
    name: Annotated[Name, Field(exclude_if=lambda name: not name)] = ""
    """What people call the site; empty: as its node."""


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
    """Who stands there; exactly one of the three."""

    user: Name | None = None
    """A user name vouched for by the asking node; taken only from nodes that may vouch."""
    card: Annotated[Name | None, Field(repr=False)] = None
    """A card number as the reader gave it."""
    session: Annotated[UUID | None, Field(exclude_if=_unsaid)] = None
    """Signed in at the asking terminal (IdentifyRequest)."""


class JobChanges(Part):
    """What a person changes of a held job before it is released; none: as it was printed."""

    copies: Annotated[int | None, Field(ge=1, le=COPIES_MAX)] = None
    """RFC 8011 §5.2.5."""
    sides: Sides | None = None
    """RFC 8011 §5.2.8."""
    print_color_mode: ColorMode | None = None
    """`monochrome`; back to colour only where the job was not made monochrome on its way here."""
    page_ranges: Annotated[tuple[PageRange, ...] | None, Field(max_length=64)] = None
    """RFC 8011 §5.2.7; ascending and apart."""


class ReleaseRequest(Request):
    """Print a held job at a printer of this site."""

    TYPE: ClassVar[str] = "printmesh.release-request.v1"
    job: UUID
    """job-uuid."""
    printer: NodeId
    """Device id."""
    person: Person
    """Who asks: its owner, a delegate of theirs, or an operator; the owner pays."""
    confirmed: bool = False
    """The person has said yes to what a rule asks."""
    account: AccountKey | None = None
    """What to charge instead of the owner's own wallets; must be among their choices."""
    changes: Annotated[JobChanges | None, Field(exclude_if=_unsaid)] = None
    """How it is to be printed, where that differs from how it came."""


class RedeemRequest(Request):
    """Take a courier code for a person who stands here; answered with a RedeemAnswer."""

    TYPE: ClassVar[str] = "printmesh.redeem-request.v1"
    code: Annotated[str, StringConstraints(max_length=64)]
    """As typed or scanned: 20 digits, blanks and hyphens allowed."""
    person: Person
    """Who stands there."""
    account: AccountKey | None = None
    """For which account; none: each of the person's is tried."""


class RedeemAnswer(Part):
    """Data of the reply to a RedeemRequest."""

    account: AccountKey
    """Credited."""
    unit: Unit
    """Its unit."""
    micros: PositiveMicros
    """How much the code is worth."""
    before: bool
    """It had been credited already."""
    free: Micros
    """What may be spent here now."""


class CancelRequest(Request):
    """Throw a held job away."""

    TYPE: ClassVar[str] = "printmesh.cancel-request.v1"
    job: UUID
    """job-uuid."""
    person: Person | None = None
    """The owner; none for the site's own operator credential."""
    printing: bool = False
    """Also one that prints, or stands at a printer that is stuck: it is stopped there, what came
    out is paid, and where that is known the rest waits again, as a job of its own."""


class JobsRequest(Request):
    """List jobs."""

    TYPE: ClassVar[str] = "printmesh.jobs-request.v1"
    person: Person | None = None
    """Only this person's; none for all (operator)."""
    held_only: bool = True
    """False also lists what is done."""
    after: UUID | None = None
    """Paging: only jobs after this one."""
    printer: Annotated[NodeId | None, Field(exclude_if=_unsaid)] = None
    """Where they would be released: what each would come to is reckoned for it."""
    of: Annotated[Name | None, Field(exclude_if=_unsaid)] = None
    """Somebody else's, for an operator or a delegate; `*`: everybody's, for an operator."""


class StatusRequest(Request):
    """Ask an edge how it is."""

    TYPE: ClassVar[str] = "printmesh.status-request.v1"


class DocumentRequest(Request):
    """Ask the centre for a piece of a document that it has for this site; from WIRE 5 on."""

    TYPE: ClassVar[str] = "printmesh.document-request.v1"
    upload: UUID
    """Of the command `take-document`."""
    offset: Annotated[int, Field(ge=0, lt=2**40)]
    """How many octets are here already."""


class DocumentPiece(Part):
    """Data of the reply to a DocumentRequest."""

    offset: Annotated[int, Field(ge=0, lt=2**40)]
    """Where it begins."""
    piece: Annotated[str, Field(repr=False), StringConstraints(max_length=60_000)]
    """Base64; as much as fits a message, empty at the end."""


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
    command: Literal[
        "report-digest",
        "report-branch",
        "report-applied",
        "retire-journal",
        "read-meters",
        "release-job",
        "cancel-job",
        "quote-job",
        "enrol-popup",
        "take-document",
    ]
    """Books' digest; own events after a place; applied events of ours after a place; hand over
    everything and begin a new journal; book the meters of one `device`, or of all. From WIRE 4 on,
    for the person `user` and as a terminal's wish of theirs: release a held `job` at a `printer`
    (`changes`, `confirmed`), throw it away, say what that would come to; let their pop-up in as
    `node`, by the `hash` of a secret that the centre does not tell. From WIRE 5 on: fetch a
    document that the person `user` sent to the centre, `upload`, of so many `octets` and that
    `sha256`, by DocumentRequests, and hold it here as a job called `name` (`copies`, `sides`,
    `print_color_mode`); however often it is said, once."""
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


class ReportedEvents(Part):
    """Result of `report-branch` and `report-applied`: events after a place, as they are kept."""

    stream: StreamName
    """Which stream."""
    head: Position
    """The last event there is."""
    events: tuple[Envelope, ...] = ()
    """In order from the place on; as many as fit a message. None left: the end is reached."""
