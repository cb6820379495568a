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
    by: str | None
    """Of a copy, which of the machine's meters: `terminal` (its pulses) or `totaliser`."""


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
    tags: tuple[str, ...] = ()
    """For rules."""
    copies: bool = False
    """Copies are charged, by a terminal beside it."""


class DeviceSupply(Answer):
    """Toner, ink, a drum, a box for waste."""

    name: str
    """As the machine calls it."""
    kind: str
    """`toner`, `ink`, `waste-toner` …"""
    color: str | None
    """Such as `cyan`."""
    level: int | None
    """Percent that is left; of a receptacle, the room that is. Null: it does not say exactly."""
    state: Literal["ok", "low", "empty", "some", "unknown"]
    """`some`: something is left, it does not say how much."""
    receptacle: bool
    """It fills up instead of running out."""
    days_left: int | None
    """At the use of the last weeks; null where that is not known."""


class DeviceMeter(Answer):
    """One counter of a machine, since it was made."""

    name: str
    """`total`, or a service: `print`, `copy-color` …"""
    unit: Literal["impressions", "sheets", "other"]
    """What it counts."""
    value: int
    """What it showed last."""


class DeviceAlert(Answer):
    """Something that somebody should see to."""

    code: str
    """Stable, for machines: `toner-low`, `jam`, `unexplained-pages` …"""
    severity: Literal["info", "warning", "critical"]
    """How loud."""
    detail: str
    """For people."""
    since: AwareDatetime | None
    """When it was first seen so; null: it is about a day."""


class Device(Answer):
    """A printer as its edge told of it last, and what the books know beside."""

    node: NodeId
    """Its edge."""
    site: str
    """Where it stands."""
    device: NodeId
    """Device id."""
    name: str
    """What people call it."""
    state: Literal["idle", "processing", "stopped", "unknown"]
    """printer-state (RFC 8011 §5.4.11); `unknown` too where nothing was told yet."""
    reasons: tuple[str, ...]
    """printer-state-reasons."""
    answers: bool | None
    """Whether it answered when it was last asked; null: nobody asks it."""
    message: str | None
    """What its console shows."""
    serial: str | None
    """Serial number."""
    model: str | None
    """As it calls itself."""
    supplies: tuple[DeviceSupply, ...]
    """Toner and the like."""
    meters: tuple[DeviceMeter, ...]
    """Counters, as last read."""
    alerts: tuple[DeviceAlert, ...]
    """What is raised at present, by its edge and by the books."""
    pages_today: int | None
    """What its meters moved since the last day ended; null where that is not known."""
    updated_at: AwareDatetime | None
    """When it was seen so, by its edge's clock; null: nothing was told yet."""
