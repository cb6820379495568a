"""Periodic grants: to whom, how much, how often."""

from __future__ import annotations

from datetime import date, time
from typing import TYPE_CHECKING, Annotated, Any, Final, Literal, Self

from pydantic import AwareDatetime, Field, StringConstraints, model_validator

from central.acts import money as acts
from central.rights import Right
from central.schedules import Plan
from central.store import accounts, schedules
from central.store.allowances import Allowance
from central.store.ledger import Refused
from central.web.answers import Amount, Answer
from central.web.api.table import Call, Example, Given, Key, Line, Route, act
from central.web.paging import TEXT, Asked, KeyPage, Page, page_of, paged
from central.web.problems import NotFound
from config.policy.money import MICROS_BOUND, PAGE, Unit

if TYPE_CHECKING:
    from central.store.books import Transaction
    from central.store.schedules import Schedule

_Wallet = Literal["user", "grant", "quota", "quota.color", "quota.mono"]
_Every = Literal["daily", "weekly", "monthly", "term"]
_Zone = Annotated[str, StringConstraints(min_length=1, max_length=64, pattern=TEXT)]
_Clock = Annotated[str, StringConstraints(pattern=r"^([01][0-9]|2[0-3]):[0-5][0-9]$")]
_Micros = Annotated[int, Field(strict=True, ge=0, le=MICROS_BOUND)]


class When(Given):
    """On which days, and when on those days."""

    every: _Every
    """`term`: on the days named, and on no others."""
    zone: _Zone = "UTC"
    """IANA name of the zone whose clocks are meant, such as `Europe/Paris`."""
    at: _Clock = "00:00"
    """By those clocks, hours and minutes."""
    weekday: Annotated[int, Field(ge=1, le=7)] = 1
    """Weekly: 1 is Monday, 7 Sunday (ISO 8601)."""
    day: Annotated[int, Field(ge=1, le=31)] = 1
    """Monthly; in a shorter month its last day."""
    days: Annotated[tuple[date, ...], Field(max_length=366)] = ()
    """Term: the days."""

    @model_validator(mode="after")
    def _fits(self) -> Self:
        if bool(self.days) != (self.every == "term"):
            raise ValueError("days go with `term`, and `term` needs them")
        return self


class NewGrant(Given):
    """A periodic grant to be entered."""

    name: Annotated[str, StringConstraints(min_length=1, max_length=120, pattern=TEXT)]
    """What it is called."""
    group: Line | None = None
    """To everybody of a group; this or `account`."""
    wallet: _Wallet = "grant"
    """For a group: which account of each person."""
    account: Key | None = None
    """To one account."""
    micros: _Micros
    """How much, in millionths of the account's unit."""
    mode: Literal["set", "add"] = "set"
    """Set to so much, or add so much."""
    cap: _Micros | None = None
    """Adding leaves at most this on the account."""
    joins: bool = True
    """For a group: people pay from the account from then on."""
    when: When
    """On which days."""

    @model_validator(mode="after")
    def _one_target(self) -> Self:
        if (self.group is None) == (self.account is None):
            raise ValueError("give a group or an account")
        return self


class Moments(Answer):
    """On which days, and when on those days."""

    every: _Every
    """`term`: on the days named, and on no others."""
    zone: str
    """Whose clocks are meant."""
    at: str
    """By those clocks, hours and minutes."""
    weekday: int
    """Weekly: 1 is Monday."""
    day: int
    """Monthly."""
    days: tuple[date, ...]
    """Term."""


class Grant(Answer):
    """A periodic grant, and how far it is."""

    name: str
    """What it is called."""
    target: str
    """`group:NAME` or `account:KEY`."""
    wallet: str
    """For a group: which account of each person."""
    amount: Amount
    """How much."""
    mode: Literal["set", "add"]
    """Set to so much, or add so much."""
    cap: int | None
    """Adding leaves at most so many micros."""
    joins: bool
    """People of the group pay from it."""
    when: Moments
    """On which days."""
    paused: bool
    """It stands still."""
    due: AwareDatetime | None
    """The next moment, or the one under way; null: never again."""
    granted: int
    """Accounts that the last run, or the one under way, posted to."""
    left_out: int
    """Accounts that it could not post to."""
    remark: str
    """Why, the newest reason."""
    author: str
    """Who entered it."""
    created_at: AwareDatetime
    """When."""


def every(tx: Transaction, call: Call[None, KeyPage]) -> Page[Grant]:
    """List periodic grants by name."""
    after, limit = call.asked.after, call.asked.limit
    rows = sorted(
        (each for each in schedules.every(tx) if each.name > after), key=lambda each: each.name
    )
    return page_of(rows, limit, show=_shown, key=lambda each: each.name)


def one(tx: Transaction, call: Call[None, Asked]) -> Grant:
    """Show one periodic grant, and how far it is."""
    return _shown(_known(tx, call))


def add(tx: Transaction, call: Call[NewGrant, Asked]) -> Grant | Refused:
    """Enter a periodic grant; it begins with the next moment, and is never posted twice."""
    body, when = call.body, call.body.when
    wallet: str = body.wallet
    unit: Unit = PAGE if wallet.startswith("quota") else tx.identity.currency
    target = f"group:{body.group}"
    if body.account is not None:
        found = accounts.find(tx, body.account)
        if found is None:
            return Refused(f"there is no account {body.account}")
        target, wallet, unit = f"account:{found.key}", "", found.unit
    joins = body.joins and bool(wallet)
    allowance = Allowance(target, wallet, unit, body.micros, body.mode, body.cap, joins=joins)
    days = tuple(sorted(set(when.days)))
    plan = Plan(when.every, when.zone, time.fromisoformat(when.at), when.weekday, when.day, days)
    done = acts.add_grant(tx, call.by, body.name, allowance, plan)
    return done if isinstance(done, Refused) else _shown(done)


def pause(tx: Transaction, call: Call[None, Asked]) -> Grant | Refused:
    """Stop a periodic grant; what passes meanwhile is left out."""
    done = acts.pause_grant(tx, call.by, _known(tx, call).name, paused=True)
    return done if isinstance(done, Refused) else _shown(done)


def resume(tx: Transaction, call: Call[None, Asked]) -> Grant | Refused:
    """Let a paused grant go on with its next moment."""
    done = acts.pause_grant(tx, call.by, _known(tx, call).name, paused=False)
    return done if isinstance(done, Refused) else _shown(done)


def remove(tx: Transaction, call: Call[None, Asked]) -> Refused | None:
    """Take a periodic grant out; what it granted stays."""
    return acts.remove_grant(tx, call.by, _known(tx, call).name)


def _known(tx: Transaction, call: Call[Any, Any]) -> Schedule:
    found = schedules.find(tx, call.path["grant"])
    if found is None:
        raise NotFound(f"There is no grant {call.path['grant']!r}; /api/v1/grants lists all.")
    return found


def _shown(row: Schedule) -> Grant:
    given, plan, at = row.allowance, row.plan, row.progress
    return Grant(
        name=row.name,
        target=given.target,
        wallet=given.wallet,
        amount=Amount(micros=given.micros, unit=given.unit),
        mode=given.mode,
        cap=given.cap,
        joins=given.joins,
        when=Moments(
            every=plan.every,
            zone=plan.zone,
            at=plan.at.isoformat("minutes"),
            weekday=plan.weekday,
            day=plan.day,
            days=plan.days,
        ),
        paused=at.paused,
        due=at.due,
        granted=at.granted,
        left_out=at.left_out,
        remark=at.remark,
        author=row.author,
        created_at=row.created_at,
    )


_WHEN: Final = {"every": "monthly", "zone": "Europe/Paris", "at": "06:00", "day": 1}
_GRANT: Final = {
    "name": "term pages",
    "target": "group:students",
    "wallet": "quota",
    "amount": {"micros": 200_000_000, "unit": "page"},
    "mode": "set",
    "cap": None,
    "joins": True,
    "when": {**_WHEN, "weekday": 1, "days": []},
    "paused": False,
    "due": "2026-12-01T05:00:00Z",
    "granted": 0,
    "left_out": 0,
    "remark": "",
    "author": "api:till-1",
    "created_at": "2026-11-22T08:00:00Z",
}
_NEW: Final = {
    "name": "term pages",
    "group": "students",
    "wallet": "quota",
    "micros": 200_000_000,
    "when": _WHEN,
}
_ONE: Final = "/grants/{grant}"

ROUTES: Final = (
    Route(
        method="GET",
        path="/grants",
        right=Right.SEE_ACCOUNTS,
        do=every,
        asks=KeyPage,
        gives=paged(Grant),
        example=Example({"items": [_GRANT], "next": None}),
    ),
    Route(
        method="POST",
        path="/grants",
        right=Right.CHANGE_ACCOUNTS,
        do=add,
        takes=NewGrant,
        gives=Grant,
        status=201,
        example=Example(_GRANT, _NEW),
    ),
    Route(
        method="GET",
        path=_ONE,
        right=Right.SEE_ACCOUNTS,
        do=one,
        gives=Grant,
        example=Example(_GRANT),
    ),
    Route(method="DELETE", path=_ONE, right=Right.CHANGE_ACCOUNTS, do=remove),
    act(
        f"{_ONE}/pause",
        Right.CHANGE_ACCOUNTS,
        pause,
        Example({**_GRANT, "paused": True}),
        gives=Grant,
    ),
    act(f"{_ONE}/resume", Right.CHANGE_ACCOUNTS, resume, Example(_GRANT), gives=Grant),
)
