"""Accounts: opened, changed, frozen, closed, merged; money put on them and put right."""

from __future__ import annotations

from dataclasses import asdict
from typing import TYPE_CHECKING, Annotated, Final, Literal

from pydantic import Field

from central.acts import accounts as acts
from central.acts import money as money_acts
from central.rights import Right
from central.store.accounts import Rules
from central.store.ledger import Refused
from central.web import money
from central.web.answers import AccountDetail, Amount, Answer
from central.web.api.table import (
    Call,
    Example,
    Given,
    Key,
    Line,
    Positive,
    Reason,
    Route,
    Sum,
    Why,
    Words,
    act,
)
from config.ids import AccountKey  # noqa: TC001  pydantic reads it at run time
from config.policy.money import MICROS_BOUND, Money, Unit

if TYPE_CHECKING:
    from central.acts.money import Moved
    from central.store.books import Transaction
    from central.store.closing import Closed
    from central.web.paging import Asked

_Counts = Literal["impressions", "color", "monochrome"]


class AccountRules(Answer):
    """What may be changed of an account."""

    floor: int
    """Micros: how low the centre may let it go; 0, or negative for an overdraft."""
    label: str
    """What people read."""
    parent: str | None
    """Where reports add it up; it pays nothing."""
    counts: _Counts
    """In `page`: which impressions it pays for."""
    unlimited: bool
    """Counted only: it always covers."""


class AccountWishes(Given):
    """What is to be so of an account; what is left out stays as it is."""

    floor: Annotated[int, Field(strict=True, ge=-MICROS_BOUND, le=0)] | None = None
    """Micros: how low the centre may let it go; 0, or negative for an overdraft."""
    label: Line | None = None
    """What people read."""
    parent: Key | None = None
    """Where reports add it up; empty or null: nowhere."""
    counts: _Counts | None = None
    """In `page`: which impressions it pays for."""
    unlimited: bool | None = None
    """Counted only: it always covers."""


class NewAccount(AccountWishes):
    """An account to be opened."""

    key: Key
    """`kind:name`, such as `department:physics`; kinds are user, grant, quota, department, …"""
    unit: Unit | None = None
    """Currency or `page`; null: pages for a quota, else the currency of the books."""


class TopUp(Given):
    """Money to be put on an account."""

    amount: Positive
    """How much."""
    note: Words = ""
    """For people; kept with the entry."""


class Correction(Given):
    """What is put right."""

    amount: Sum
    """Negative takes away, of what is at the centre."""
    reason: Reason
    """Why; it is kept with the entry."""


class Booked(Answer):
    """Money was put on an account, or taken from it."""

    entry: int
    """The entry's number."""
    account: AccountKey
    """Which."""
    amount: Amount
    """By how much."""
    balance: Amount
    """All that it has now, wherever that sits."""


class Freezing(Given):
    """Why an account is frozen, or usable again."""

    reason: Words = ""
    """Kept with the act."""


class Closing(Given):
    """Where what is left of an account goes."""

    to: Key | None = None
    """An account, or `house:paidout` for cash; null: it has nothing."""
    reason: Reason
    """Why; it is kept."""


class Merging(Given):
    """What an account becomes part of."""

    into: Key
    """The other account."""
    reason: Reason
    """Why; it is kept."""


class Ended(Answer):
    """An account is closed or merged."""

    moved: int
    """Micros that went on at once; negative: a debt."""
    waiting: dict[str, int]
    """Micros still at sites, by node; they follow as they come back."""


def open_account(tx: Transaction, call: Call[NewAccount, Asked]) -> AccountDetail | Refused:
    """Open an account."""
    body = call.body
    given = body.model_dump(exclude={"key", "unit"}, exclude_none=True)
    done = acts.open_account(tx, call.by, body.key, body.unit, Rules(**given))
    return done if isinstance(done, Refused) else money.detail(tx, done.key)


def rules(tx: Transaction, call: Call[None, Asked]) -> AccountRules:
    """Show what may be changed of an account."""
    return _rules(money.known(tx, call.path["key"]).rules)


def change(tx: Transaction, call: Call[AccountWishes, Asked]) -> AccountRules | Refused:
    """Change an account: its overdraft, label, parent, what it counts."""
    found = money.known(tx, call.path["key"])
    given = call.body.model_dump(exclude_none=True)
    if "parent" in call.body.model_fields_set and not call.body.parent:
        given["parent"] = None
    done = acts.change_account(tx, call.by, found.key, Rules(**{**asdict(found.rules), **given}))
    return done if isinstance(done, Refused) else _rules(done.rules)


def top_up(tx: Transaction, call: Call[TopUp, Asked]) -> Booked | Refused:
    """Put money on an account; it goes on to the sites by itself."""
    key = money.known(tx, call.path["key"]).key
    return _booked(money_acts.top_up(tx, call.by, key, call.body.amount.money, note=call.body.note))


def correct(tx: Transaction, call: Call[Correction, Asked]) -> Booked | Refused:
    """Add to an account, or take from what of it is at the centre."""
    key, body = money.known(tx, call.path["key"]).key, call.body
    return _booked(money_acts.correct(tx, call.by, key, body.amount.money, reason=body.reason))


def freeze(tx: Transaction, call: Call[Why, Asked]) -> AccountDetail | Refused:
    """Let nothing be charged to or granted from an account, from now on."""
    key = money.known(tx, call.path["key"]).key
    refused = acts.freeze(tx, call.by, key, reason=call.body.reason)
    return refused or money.detail(tx, key)


def unfreeze(tx: Transaction, call: Call[Freezing, Asked]) -> AccountDetail | Refused:
    """Let a frozen account be used again."""
    key = money.known(tx, call.path["key"]).key
    refused = acts.unfreeze(tx, call.by, key, reason=call.body.reason)
    return refused or money.detail(tx, key)


def close(tx: Transaction, call: Call[Closing, Asked]) -> Ended | Refused:
    """Close an account for good; what is at cut-off sites follows as it comes back."""
    key, body = money.known(tx, call.path["key"]).key, call.body
    return _ended(acts.close(tx, call.by, key, to=body.to, reason=body.reason))


def merge(tx: Transaction, call: Call[Merging, Asked]) -> Ended | Refused:
    """Make an account part of another: its money, its members, and who pays with it."""
    key, body = money.known(tx, call.path["key"]).key, call.body
    return _ended(acts.merge(tx, call.by, key, body.into, reason=body.reason))


def amount_of(given: Money) -> Amount:
    """Return an amount as it is told."""
    return Amount(micros=given.micros, unit=given.unit)


def _rules(given: Rules) -> AccountRules:
    return AccountRules(**asdict(given))


def _booked(done: Moved | Refused) -> Booked | Refused:
    if isinstance(done, Refused):
        return done
    return Booked(
        entry=done.entry,
        account=done.account,
        amount=amount_of(done.amount),
        balance=amount_of(done.balance),
    )


def _ended(done: Closed | Refused) -> Ended | Refused:
    return done if isinstance(done, Refused) else Ended(moved=done.moved, waiting=done.waiting)


_FIVE: Final = {"micros": 5_000_000, "unit": "EUR"}
_RULES: Final = {
    "floor": -2_000_000,
    "label": "Physics",
    "parent": None,
    "counts": "impressions",
    "unlimited": False,
}
_BOOKED: Final = {"entry": 42, "account": "user:ana", "amount": _FIVE, "balance": _FIVE}
_ENDED: Final = {"moved": 1_200_000, "waiting": {"north": 300_000}}
_ONE: Final = "/accounts/{key:path}"
_REASON: Final = {"reason": "moved to another institute"}

ROUTES: Final = (
    Route(
        method="POST",
        path="/accounts",
        right=Right.CHANGE_ACCOUNTS,
        do=open_account,
        takes=NewAccount,
        gives=AccountDetail,
        status=201,
        example=Example(money.DETAIL, {"key": "department:physics", "label": "Physics"}),
    ),
    Route(
        method="GET",
        path=f"{_ONE}/rules",
        right=Right.SEE_ACCOUNTS,
        do=rules,
        gives=AccountRules,
        tagged=True,
        example=Example(_RULES),
    ),
    Route(
        method="PATCH",
        path=f"{_ONE}/rules",
        right=Right.CHANGE_ACCOUNTS,
        do=change,
        takes=AccountWishes,
        gives=AccountRules,
        row=rules,
        example=Example(_RULES, {"floor": -2_000_000}),
    ),
    act(
        f"{_ONE}/top-up",
        Right.TAKE_MONEY,
        top_up,
        Example(_BOOKED, {"amount": _FIVE, "note": "cash at the desk"}),
        takes=TopUp,
        gives=Booked,
    ),
    act(
        f"{_ONE}/correct",
        Right.CHANGE_ACCOUNTS,
        correct,
        Example(_BOOKED, {"amount": _FIVE, "reason": "counted twice in May"}),
        takes=Correction,
        gives=Booked,
    ),
    act(
        f"{_ONE}/freeze",
        Right.CHANGE_ACCOUNTS,
        freeze,
        Example({**money.DETAIL, "enabled": False}, _REASON),
        takes=Why,
        gives=AccountDetail,
    ),
    act(
        f"{_ONE}/unfreeze",
        Right.CHANGE_ACCOUNTS,
        unfreeze,
        Example(money.DETAIL, _REASON),
        takes=Freezing,
        gives=AccountDetail,
    ),
    act(
        f"{_ONE}/close",
        Right.CHANGE_ACCOUNTS,
        close,
        Example(_ENDED, {"to": "house:paidout", **_REASON}),
        takes=Closing,
        gives=Ended,
    ),
    act(
        f"{_ONE}/merge",
        Right.CHANGE_ACCOUNTS,
        merge,
        Example(_ENDED, {"into": "department:science", **_REASON}),
        takes=Merging,
        gives=Ended,
    ),
)
