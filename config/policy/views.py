"""What a decision rests on: what is asked for, of whom, and what is known of it at that moment."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import UTC
from typing import TYPE_CHECKING

from config.policy.jobs import JobAttributes

if TYPE_CHECKING:
    from collections.abc import Mapping
    from datetime import datetime, tzinfo

    from config.ids import AccountKey
    from config.policy.accounts import Account
    from config.policy.jobs import Figures
    from config.policy.money import Money
    from config.policy.reasons import Reason
    from config.policy.rules import PointOfPrint, RuleSet, UnreadableRules
    from config.policy.tariffs import Service, Tariff


@dataclass(frozen=True, slots=True)
class Uncounted:
    """A job that has no figures, and why."""

    reason: Reason
    """`unreadable` or `attributes-not-supported`."""
    detail: str
    """For people."""


@dataclass(frozen=True, slots=True)
class Document:
    """What the analysis found, as far as rules ask for it and figures do not say it."""

    pages: int
    """As it would be printed, before n-up, ranges and copies."""
    document_format: str | None = None
    """MIME type, recognised by content."""


@dataclass(frozen=True, slots=True)
class ReleaseRequest:
    """What is asked for: this job, for this person, at this printer."""

    user: str | None
    """Whose job it is; None when it names nobody."""
    service: Service
    """Printed or copied."""
    figures: Figures | Uncounted
    """What it would put on paper, under `attributes`."""
    printer: str
    """Device id."""
    queue: str | None = None
    """Where it was printed to."""
    attributes: JobAttributes = field(default_factory=JobAttributes)
    """What was asked for; with the job's name."""
    document: Document | None = None
    """None: not known any more; pages are then reckoned from figures and attributes."""
    confirmed: bool = False
    """The person has said yes to what rules ask."""
    account: AccountKey | None = None
    """What the person wants to be charged instead of their first list."""


@dataclass(frozen=True, slots=True)
class Person:
    """A person as the directory knows them."""

    name: str
    accounts: tuple[AccountKey, ...]
    """All of these must cover a charge; counts only where there are no wallets."""
    enabled: bool = True
    groups: tuple[str, ...] = ()
    """For rules."""
    wallets: tuple[tuple[AccountKey, ...], ...] = ()
    """Lists; each covers the whole charge, its first account spent first."""
    choices: tuple[AccountKey, ...] = ()
    """What may be charged instead of the first list."""

    @property
    def lists(self) -> tuple[tuple[AccountKey, ...], ...]:
        """The wallets, or each account by itself; no list and no account in one twice."""
        lists = self.wallets or tuple((key,) for key in self.accounts)
        return tuple(dict.fromkeys(tuple(dict.fromkeys(each)) for each in lists if each))


@dataclass(frozen=True, slots=True)
class PolicyView:
    """What is known at the moment of the decision; what is missing is not known."""

    person: Person | None
    """The directory's word on the request's user."""
    tariff: Tariff | None
    """The tariff in force."""
    printer_known: bool
    """The request's printer stands at this site."""
    accounts: Mapping[AccountKey, Account] = field(default_factory=dict)
    """At least the person's, their choices, and those that rules may charge."""
    available: Mapping[AccountKey, Money] = field(default_factory=dict)
    """What may be spent of each here, holds taken off already."""
    past: Mapping[AccountKey, Money] = field(default_factory=dict)
    """How far each may be charged past that, by the site's terms; none: not at all."""
    balances: Mapping[AccountKey, Money] = field(default_factory=dict)
    """For rules that ask for a balance: all there is of it; where unknown, what is here."""
    rules: RuleSet | UnreadableRules | None = None
    """None: there are none, or this site's role has none."""
    printers: Mapping[str, PointOfPrint] = field(default_factory=dict)
    """The site's, by device id, for rules that redirect or ask for tags."""
    now: datetime | None = None
    """Aware; needed where a rule asks for the time."""
    zone: tzinfo = UTC
    """The site's own."""
