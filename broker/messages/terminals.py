"""What people do at terminals: said between a terminal and its site's edge, on the site's broker.

Any maker's terminal may do the same. Whoever stands there is identified once, and the edge answers
with a session; everything else names that session. A terminal keeps no secret of a person.
"""

from __future__ import annotations

from typing import Annotated, Any, ClassVar, Final, Literal, Self
from uuid import UUID

from pydantic import (
    AwareDatetime,
    Field,
    PlainSerializer,
    SecretStr,
    StringConstraints,
    model_validator,
)

from broker.messages.base import Count, Line, Message, Name, Part, Role
from broker.messages.jobs import Because
from broker.messages.ledger import AccountAmount
from broker.messages.questions import JobChanges, MoneyAtSite, Person, Request
from config.ids import AccountKey, NodeId
from config.policy.accounts import Counts
from config.policy.money import Micros, Unit


def _told(secret: SecretStr | None) -> str | None:
    return None if secret is None else secret.get_secret_value()


#: Typed or held against a reader: on the wire as it is, in logs and reprs never.
Secret = Annotated[
    SecretStr, Field(min_length=1, max_length=255), PlainSerializer(_told, when_used="json")
]
#: ISO 639-1, such as `fr`.
Language = Annotated[str, StringConstraints(pattern=r"^[a-z]{2}$")]


# ── who stands there ────────────────────────────────────────────────────────────────────────


#: What may be given together. Nothing: a terminal of one person, such as a workstation's pop-up.
_WAYS: Final = (
    {"card"},
    {"card", "pin"},
    {"user", "pin"},
    {"user", "password"},
    {"session"},
    set[str](),
)


class IdentifyRequest(Request):
    """Say who stands here, by one of: card; user and PIN; user and password; another session."""

    TYPE: ClassVar[str] = "printmesh.identify-request.v1"
    card: Secret | None = None
    """A card number as the reader gave it, transformed as the reader is set up."""
    user: Name | None = None
    """User name, with `pin` or `password`."""
    pin: Secret | None = None
    """Also beside a card, where the site wants both."""
    password: Secret | None = None
    """As at the centre's own pages."""
    session: UUID | None = None
    """A session at another terminal whose person signs in here too (a phone and a panel)."""
    printer: Annotated[NodeId | None, Field(exclude_if=lambda printer: printer is None)] = None
    """The machine that the terminal stands beside: from now on it is asked to release and copy
    there and nowhere else, unless the site allows it."""

    @model_validator(mode="after")
    def _one_way(self) -> Self:
        given = {
            name
            for name in ("card", "user", "pin", "password", "session")
            if getattr(self, name) is not None
        }
        if given not in _WAYS:
            raise ValueError("one of: card (and pin); user and pin; user and password; session")
        return self


class IdentifyAnswer(Part):
    """Data of the reply: somebody is signed in at the asking terminal."""

    session: UUID
    """Names it in what follows; ends by sign-off, by idling, with the edge's process."""
    user: Name
    """User name."""
    display: Name
    """What people read."""
    language: Language | None = None
    """The person's; none: as the terminal."""
    operator: bool = False
    """May see and handle other people's jobs here."""
    provisional: bool = False
    """By a card that the centre has not confirmed yet: a small allowance, until it does."""
    idle_seconds: Count
    """The session ends after so long without a question."""


class SignOffRequest(Request):
    """The person leaves; unknown sessions are answered ok too."""

    TYPE: ClassVar[str] = "printmesh.sign-off-request.v1"
    session: UUID
    """Whose end it is."""


class EnrolRequest(Request):
    """Enter a new card for the person who is signed in; answered with EnrolAnswer."""

    TYPE: ClassVar[str] = "printmesh.enrol-request.v1"
    person: Person
    """Signed in by PIN or password."""
    card: Secret
    """The new card's number."""


class EnrolAnswer(Part):
    """Data of the reply."""

    provisional: bool
    """The centre has not confirmed it: it works at this site, up to the allowance."""
    allowance: AccountAmount | None = None
    """What may be spent by it meanwhile; none: no bound but the balance."""


# ── jobs at the machine ─────────────────────────────────────────────────────────────────────


class QuoteRequest(Request):
    """What a held job would come to at a printer, so changed; nothing is done."""

    TYPE: ClassVar[str] = "printmesh.quote-request.v1"
    person: Person
    """Who asks."""
    job: UUID
    """job-uuid."""
    printer: NodeId
    """Device id."""
    changes: JobChanges = JobChanges()
    """As it would be printed."""
    account: AccountKey | None = None
    """To be charged instead of the person's own wallets."""
    confirmed: Annotated[bool, Field(exclude_if=lambda said: not said)] = False
    """As if the person had said yes to what a rule asks: what that would cost."""


class QuoteAnswer(Part):
    """Data of the reply: a decision that binds nobody."""

    allowed: bool
    """It would be printed."""
    price: tuple[AccountAmount, ...] = ()
    """What each account would pay."""
    question: Line | None = None
    """What has to be answered first."""
    refusal: Line | None = None
    """Why it would be refused."""
    reason: Name | None = None
    """The same for machines."""
    short: Annotated[AccountAmount | None, Field(exclude_if=lambda short: short is None)] = None
    """Where money is all that lacks: how much more it takes here, and on which account."""
    able: tuple[NodeId, ...] = ()
    """Where the machine cannot print it: those of this site that can."""
    because: tuple[Because, ...] = ()
    """Why, line by line."""
    impressions: Count | None = None
    """As it would be printed, rules' conversions included."""
    color_impressions: Count | None = None
    """Of these in colour."""
    sheets: Count | None = None
    """Media sheets."""
    conversions: dict[Name, Name] = Field(default_factory=dict)
    """IPP attributes that rules would change."""


class PreviewRequest(Request):
    """A small picture of a page of a held job."""

    TYPE: ClassVar[str] = "printmesh.preview-request.v1"
    person: Person
    """Its owner, a delegate or an operator."""
    job: UUID
    """job-uuid."""
    page: Annotated[int, Field(ge=1, le=10_000)] = 1
    """Which page."""
    width: Annotated[int, Field(ge=32, le=480)] = 160
    """Pixels at most."""


class PreviewAnswer(Part):
    """Data of the reply."""

    media_type: Literal["image/png", "image/jpeg"]
    """What the bytes are."""
    image: Annotated[str, StringConstraints(max_length=60_000)]
    """Base64."""
    pages: Count
    """How many the document has."""


# ── money and place ─────────────────────────────────────────────────────────────────────────


class WalletHere(Part):
    """One account of a person as this site sees it."""

    account: AccountKey
    """`kind:name`."""
    unit: Unit
    """Its unit."""
    here: Micros
    """What may be spent here now; what an unlimited account has is not known here."""
    unlimited: bool = False
    """It always pays, and is counted only."""
    counts: Counts = "impressions"
    """In `page`: which impressions it pays for."""
    enabled: bool = True
    """False: closed or frozen."""
    elsewhere: Line | None = None
    """Where the rest sits, for people, as far as it is known here."""
    places: Annotated[tuple[MoneyAtSite, ...], Field(exclude_if=lambda places: not places)] = ()
    """The same for screens that say it in their own words; none: not known, or nowhere."""


class BalanceRequest(Request):
    """What somebody may spend, and where the rest is."""

    TYPE: ClassVar[str] = "printmesh.balance-request.v1"
    person: Person
    """Whose."""


class BalanceAnswer(Part):
    """Data of the reply."""

    lists: tuple[tuple[WalletHere, ...], ...]
    """Each covers a charge together, the first spent first; all of them must cover."""
    choices: tuple[WalletHere, ...] = ()
    """May be charged instead of the first list."""
    outside: Micros = 0
    """Room left past what is here, by the site's terms, in the first list's unit."""


class PrinterHere(Part):
    """A point of print of the site."""

    printer: NodeId
    """Device id."""
    name: Name
    """What people call it."""
    color: bool
    """It prints colour."""
    two_sided: bool
    """It prints both sides."""
    copies: bool = False
    """Copies are charged at a terminal beside it."""
    media: tuple[Name, ...] | None = None
    """Media classes it takes, such as `iso_a4`; none: not known, so any."""
    state: Literal["idle", "processing", "stopped"] | None = None
    """printer-state (RFC 8011 §5.4.11) as the print system last saw it; none: not known."""
    reasons: Annotated[tuple[Name, ...], Field(max_length=16)] = ()
    """printer-state-reasons (RFC 8011 §5.4.12) of that moment, without `none`."""


class SiteRights(Part):
    """The line of the role table that is in force."""

    holds: bool
    """Jobs wait for their owner; they are released at terminals."""
    rules: bool
    """The operator's rules decide and convert."""
    copies: bool
    """Copies are charged at the copier."""
    alone: bool
    """It goes on while the centre cannot be reached."""


class TerminalHere(Part):
    """A terminal of the site: a copier's panel, a card reader, somebody's pop-up."""

    terminal: NodeId
    """Its name on the site's broker."""
    online: bool
    """It is on line there."""
    since: AwareDatetime
    """Since when it is so, by the edge's clock; of its present run."""


class SiteTerminals(Message):
    """The terminals of a site as its edge sees them; retained, at the centre."""

    TYPE: ClassVar[str] = "printmesh.site-terminals.v1"
    terminals: Annotated[tuple[TerminalHere, ...], Field(max_length=500)] = ()
    """By name."""
    updated_at: AwareDatetime
    """When they were so."""


class Exposed(Part):
    """What a site has charged past the money that is there, in one unit."""

    unit: Unit
    """Its unit."""
    owed: Micros = 0
    """Charged past what is here, holds included, and not collected."""
    most: Micros | None = None
    """The worst case of today's terms; none: without limit."""


class SiteState(Message):
    """How the site is; retained on its broker, so that no screen has to ask."""

    TYPE: ClassVar[str] = "printmesh.site-state.v1"
    node: NodeId
    """The edge."""
    site: Name
    """What people call the place."""
    role: Role
    """What the edge is."""
    linked: bool
    """The centre can be reached."""
    since: AwareDatetime
    """Linked, or not, since then."""
    waiting: Count
    """Events that wait for the centre."""
    out_of_service: Line | None = None
    """Why nothing is released or copied now; none: it is."""
    copies: bool = False
    """Copies are charged here now."""
    printers: tuple[PrinterHere, ...] = ()
    """The site's, in the order of their names."""
    zone: Name = "UTC"
    """The place's time zone."""
    exposure: tuple[Exposed, ...] = ()
    """In each unit that may be charged past what is here; none: in no unit anything."""
    rights: SiteRights | None = None
    """What the role allows."""
    languages: tuple[Language, ...] = ()
    """What screens here offer, the first where nobody is known."""
    pin_beside_card: bool = False
    """A card alone identifies nobody: its owner types the PIN as well."""


class PersonNews(Message):
    """Something happened to a person's job; said to the terminals where they are signed in."""

    TYPE: ClassVar[str] = "printmesh.person-news.v1"
    session: UUID
    """Whose."""
    what: Literal[
        "held", "refused", "asks", "released", "settled", "canceled", "flagged",
        "money", "card", "signed-off",
    ]  # fmt: skip
    """What happened; `money`: a balance changed; `card`: a card of theirs was entered or confirmed;
    `signed-off`: the session is over, because the card or the person was blocked."""
    job: UUID | None = None
    """job-uuid."""
    name: Name = ""
    """job-name."""
    text: Line = ""
    """A sentence for people."""
    choices: tuple[Name, ...] = ()
    """With `asks`: what may be answered."""
    data: dict[str, Any] = Field(default_factory=dict)
    """Of a job: as lists show it, and why; of `money`: `accounts` that changed, as they are now."""
