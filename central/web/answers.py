"""The answers' shapes: what the interface tells of people, money, jobs and nodes, and no secret.

Every field is copied by name from what the store returns, so that a column that is added there
does not show here by itself.
"""

from __future__ import annotations

from typing import Literal
from uuid import UUID

from pydantic import AwareDatetime, BaseModel, ConfigDict

from config.ids import AccountKey, NodeId
from config.policy.jobs import JobState, Source
from config.policy.money import Unit
from config.policy.tariffs import Service


class Answer(BaseModel):
    """What every answer shares: frozen, a sentence per field."""

    model_config = ConfigDict(frozen=True, use_attribute_docstrings=True)


class Amount(Answer):
    """An amount in one unit; positive is credit."""

    micros: int
    """Millionths of the unit."""
    unit: Unit
    """ISO 4217 code, or `page`."""


class Health(Answer):
    """Whether the coordinator does its work."""

    healthy: bool
    """True exactly when there are no reasons."""
    reasons: tuple[str, ...]
    """What is wrong, a sentence each."""


class User(Answer):
    """A person who may print."""

    name: str
    """job-originating-user-name, lower case."""
    display: str
    """What people read."""
    groups: tuple[str, ...]
    """Groups that rules may name."""
    accounts: tuple[AccountKey, ...]
    """All of these must cover a charge."""
    enabled: bool
    """False denies everything."""


class Account(Answer):
    """An account that can be charged."""

    key: AccountKey
    """`kind:name`, such as `user:ana`."""
    enabled: bool
    """False: closed, nothing may be charged."""
    floor: Amount
    """How low the centre may let it go; negative for an overdraft."""
    balance: Amount
    """What it has, wherever that sits, as far as the books have heard."""


class Place(Answer):
    """A part of an account's balance."""

    node: NodeId | None
    """The edge at which it sits, to be spent there without asking; null: the centre."""
    amount: Amount
    """How much."""
    linked: bool | None
    """Whether that edge is heard at present; null for the centre."""


class AccountDetail(Account):
    """An account, and where its money sits."""

    places: tuple[Place, ...]
    """The parts of the balance that are not zero; they sum to it."""


class Posting(Answer):
    """One line of an entry."""

    account: str
    """`kind:name`; the organisation's own accounts too."""
    node: NodeId | None
    """The edge at which it changed the balance; null: the centre."""
    amount: Amount
    """By how much; negative takes away."""


class Entry(Answer):
    """One booking: its postings sum to zero in each unit."""

    id: UUID
    """Names it for ever."""
    kind: str
    """topup, grant, charge, return, …"""
    at: AwareDatetime
    """When it was booked."""
    reference: str
    """What it belongs to: an account, a node, a job."""
    note: str
    """For people."""
    author: str
    """Who did it: a login name, a node, or `coordinator`."""
    postings: tuple[Posting, ...]
    """Every line of it, those of other accounts too."""


class Count(Answer):
    """What one source says on how much was printed."""

    source: Source
    """Who counted."""
    impressions: int | None
    """Sides with marks; null when the source does not know."""
    color_impressions: int | None
    """Of these, in colour."""
    sheets: int | None
    """Media sheets."""


class Payment(Answer):
    """What one account paid."""

    account: AccountKey
    """`kind:name`."""
    amount: Amount
    """How much."""


class Job(Answer):
    """A job as its edge has told it so far."""

    uuid: UUID
    """job-uuid."""
    node: NodeId
    """The edge."""
    user: str
    """job-originating-user-name."""
    queue: str
    """Where it was printed to; empty for copies."""
    service: Service
    """Printed, or copied at the machine."""
    name: str
    """job-name."""
    state: JobState
    """job-state (RFC 8011 §5.3.7)."""
    printer: NodeId | None
    """The printer of the last release."""
    attempt: int
    """Releases so far."""
    counts: tuple[Count, ...]
    """Every figure of every source, the newest settlement's if there is one."""
    impressions: int | None
    """Billed; null while it is not settled."""
    charge: UUID | None
    """The entry that charged it."""
    paid: tuple[Payment, ...]
    """Who paid what; empty while nothing is booked."""
    detail: str
    """Why it was refused, canceled or cannot be printed."""
    flag: str | None
    """Why somebody should look at it."""
    received_at: AwareDatetime | None
    """When the spooler took it."""
    updated_at: AwareDatetime
    """When the books last heard of it."""


class Node(Answer):
    """A node as the books know it."""

    id: NodeId
    """Its name."""
    site: str
    """Where it stands."""
    role: str
    """agent, tracker or remote."""
    kind: str
    """edge, or dashboard."""
    state: Literal["active", "parked", "frozen"]
    """Parked: not listened to. Frozen: granted nothing, its streams stand still."""
    reason: str
    """Why it is parked or frozen."""
    linked: bool
    """Whether the coordinator hears it at present."""
    software: str
    """Name and version, as it said last."""
    incarnation: UUID | None
    """Its accepted journal."""
    born_at: AwareDatetime | None
    """When it last introduced itself."""
    seen_at: AwareDatetime | None
    """When the coordinator last noted that it hears it."""


class Printer(Answer):
    """A point of print."""

    device: NodeId
    """Its id, which survives a new address."""
    node: NodeId
    """The edge whose site it stands at."""
    name: str
    """What people call it."""
