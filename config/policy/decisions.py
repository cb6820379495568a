"""The decision on a job: allowed at a price, denied for a reason, or an answer is needed first.

Silence denies: without a known person, a price, and accounts that cover it, nothing is printed.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from enum import StrEnum
from typing import TYPE_CHECKING, assert_never

from config.policy.accounts import Covered, Short, cover
from config.policy.pricing import NoPrice, Priced, price

if TYPE_CHECKING:
    from collections.abc import Mapping

    from config.ids import AccountKey
    from config.policy.jobs import Figures
    from config.policy.money import Money, Unit
    from config.policy.tariffs import Service, Tariff


class Reason(StrEnum):
    """Why not. The first four are IPP's own words (PWG 5100.11-2024, job-state-reasons)."""

    ACCOUNT_AUTHORIZATION_FAILED = "account-authorization-failed"
    """This person may not print."""
    ACCOUNT_CLOSED = "account-closed"
    """An account that would pay is closed."""
    ACCOUNT_INFO_NEEDED = "account-info-needed"
    """Nobody knows who would pay."""
    ACCOUNT_LIMIT_REACHED = "account-limit-reached"
    """What is here does not cover it."""
    NO_IDENTITY = "no-identity"
    """The job names nobody, or nobody who is known here."""
    NO_PRICE = "no-price"
    """No tariff is in force, or it does not say what this costs."""
    NOTHING_TO_PRINT = "nothing-to-print"
    """The document, or what was selected of it, has no page."""
    NOT_SUPPORTED = "attributes-not-supported"
    """The job asks for something that is out of range, or is not counted."""
    PRINTER_UNKNOWN = "printer-unknown"
    """No such printer at this site."""
    UNREADABLE = "unreadable"
    """The document cannot be counted."""


@dataclass(frozen=True, slots=True)
class Uncounted:
    """A job that has no figures, and why."""

    reason: Reason
    """`unreadable` or `attributes-not-supported`."""
    detail: str
    """For people."""


@dataclass(frozen=True, slots=True)
class ReleaseRequest:
    """What is asked for: this job, for this person, at this printer."""

    user: str | None
    """Whose job it is; None when it names nobody."""
    service: Service
    """Printed or copied."""
    figures: Figures | Uncounted
    """What it would put on paper."""
    printer: str
    """Device id."""


@dataclass(frozen=True, slots=True)
class Person:
    """A person as the directory knows them."""

    name: str
    accounts: tuple[AccountKey, ...]
    """All of these must cover a charge."""
    enabled: bool = True


@dataclass(frozen=True, slots=True)
class Account:
    """An account as the directory knows it."""

    unit: Unit
    enabled: bool = True


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
    """At least the person's."""
    available: Mapping[AccountKey, Money] = field(default_factory=dict)
    """What may be spent of each here, holds taken off already."""


@dataclass(frozen=True, slots=True)
class Conversion:
    """A change a rule makes to the job before it is printed."""

    attribute: str
    """An IPP job attribute, such as `sides`."""
    value: str
    """Its new value."""


@dataclass(frozen=True, slots=True)
class Allowed:
    """Print it, after holding these charges."""

    price: Priced
    charges: tuple[tuple[AccountKey, Money], ...]
    """At least one; each account pays the whole price."""
    conversions: tuple[Conversion, ...] = ()


@dataclass(frozen=True, slots=True)
class Denied:
    """Do not print it; it stays held."""

    reason: Reason
    detail: str
    """A sentence for people, with figures."""
    short: Short | None = None
    """With `account-limit-reached`: what is missing where, so that it may be fetched."""


@dataclass(frozen=True, slots=True)
class Ask:
    """The person has to answer first."""

    question: str
    """A sentence for people."""
    choices: tuple[str, ...]
    """What may be answered, at least two."""


Decision = Allowed | Denied | Ask


def decide(request: ReleaseRequest, view: PolicyView) -> Decision:
    """Decide on one release; the first obstacle met is the one told, the person's own first."""
    if isinstance(request.figures, Uncounted):
        return Denied(request.figures.reason, request.figures.detail)
    obstacle = _who(request, view) or _what(request.figures)
    if obstacle:
        return obstacle
    if not view.printer_known:
        return Denied(Reason.PRINTER_UNKNOWN, f"there is no printer {request.printer!r} here")
    if view.tariff is None:
        return Denied(Reason.NO_PRICE, "no tariff is in force, so the price is not known")
    priced = price(view.tariff, request.service, request.figures, request.printer)
    match priced:
        case NoPrice(detail=detail):
            return Denied(Reason.NO_PRICE, detail)
        case Priced():
            return _pay(priced, view)
    assert_never(priced)


def _who(request: ReleaseRequest, view: PolicyView) -> Denied | None:
    if request.user is None:
        return Denied(Reason.NO_IDENTITY, "the job does not say whose it is")
    if view.person is None:
        return Denied(Reason.NO_IDENTITY, f"{request.user!r} is not known here")
    if not view.person.enabled:
        detail = f"{view.person.name!r} may not print"
        return Denied(Reason.ACCOUNT_AUTHORIZATION_FAILED, detail)
    return None


def _what(figures: Figures) -> Denied | None:
    if figures.impressions:
        return None
    return Denied(Reason.NOTHING_TO_PRINT, "none of the pages asked for are in the document")


def _pay(priced: Priced, view: PolicyView) -> Decision:
    """Ask every account of the person for the whole price."""
    person = view.person
    if person is None or not person.accounts:
        return Denied(Reason.ACCOUNT_INFO_NEEDED, "no account is known that would pay for this")
    for key in person.accounts:
        account = view.accounts.get(key)
        if account is None:
            return Denied(Reason.ACCOUNT_INFO_NEEDED, f"the account {key} is not known here")
        if not account.enabled:
            return Denied(Reason.ACCOUNT_CLOSED, f"the account {key} is closed")
        if account.unit != priced.total.unit:
            detail = f"the account {key} is in {account.unit}, the tariff in {priced.total.unit}"
            return Denied(Reason.NO_PRICE, detail)
    answer = cover([(key, priced.total) for key in dict.fromkeys(person.accounts)], view.available)
    match answer:
        case Covered(charges=charges):
            return Allowed(priced, charges)
        case Short(account=key, needed=needed, here=here):
            detail = f"costs {needed}, here are {here} of the account {key}"
            return Denied(Reason.ACCOUNT_LIMIT_REACHED, detail, answer)
    assert_never(answer)
