"""The till: opened with what is in it, cash in and out by receipts, counted at the end."""

from __future__ import annotations

from dataclasses import asdict
from typing import TYPE_CHECKING, Annotated, Any, Final

from pydantic import AwareDatetime, Field

from central.acts import till as acts
from central.rights import Right
from central.store import till
from central.store.ledger import Refused
from central.web.answers import Answer
from central.web.api.routes_receipts import (
    BACK,
    PAPER,
    RECEIPT,
    Paper,
    PaperAsked,
    Receipt,
    head_of,
    paper_of,
    receipt_of,
)
from central.web.api.table import (
    Call,
    Example,
    Given,
    Key,
    Positive,
    Reason,
    Route,
    Sum,
    Words,
    act,
)
from central.web.paging import Asked, NumberPage, Page, page_of, paged
from central.web.problems import NotFound
from config.policy.money import MICROS_BOUND, Unit

if TYPE_CHECKING:
    from central.store.books import Transaction


class Session(Answer):
    """A till from its opening to its close."""

    n: int
    """Names it for ever."""
    till: str
    """Which."""
    unit: Unit
    """Of all amounts."""
    opening: int
    """Micros that were in it at first."""
    receipts: int
    """How many were written."""
    taken: int
    """Micros in."""
    paid_back: int
    """Micros out."""
    opened_by: str
    """Who opened it."""
    opened_at: AwareDatetime
    """When."""
    closed_by: str | None
    """Who closed it; null: it is open."""
    closed_at: AwareDatetime | None
    """When."""
    expected: int
    """Micros that are to be in it, or were at the close."""
    counted: int | None
    """Micros that were in it at the close."""
    difference: int | None
    """What was too much in it; negative: too little."""
    note: str
    """What whoever closed it said."""


class Tills(Answer):
    """Tills that are open."""

    items: tuple[Session, ...]
    """By name."""


class Opening(Given):
    """What is in a till at first."""

    amount: Sum
    """Nothing, or some cash."""


class Taking(Given):
    """Cash for an account."""

    account: Key
    """Whose."""
    amount: Positive
    """How much."""
    note: Words = ""
    """For people; kept with the receipt."""


class PayingBack(Given):
    """Cash out of a till."""

    account: Key
    """Whose; what it has at the centre can be paid out."""
    amount: Positive
    """How much."""
    note: Reason
    """Why; kept with the receipt."""


class Count(Given):
    """What was counted at the close."""

    counted: Annotated[int, Field(strict=True, ge=0, le=MICROS_BOUND)]
    """Micros that are in it."""
    note: Words = ""
    """What happened, where it is not what should be in it."""


class SessionsAsked(NumberPage):
    """Which sessions; filters that are left out let all through."""

    till: Key | None = None
    """Of this till."""


def tills(tx: Transaction, _call: Call[None, Asked]) -> Tills:
    """List tills that are open."""
    return Tills(items=tuple(_session(tx, each) for each in till.open_sessions(tx)))


def at(tx: Transaction, call: Call[None, Asked]) -> Session:
    """Show an open till."""
    return _session(tx, _open(tx, call))


def open_till(tx: Transaction, call: Call[Opening, Asked]) -> Session | Refused:
    """Open a till with the cash that is in it."""
    done = acts.open_till(tx, call.by, call.path["till"], call.body.amount.money)
    return done if isinstance(done, Refused) else _session(tx, done)


def take(tx: Transaction, call: Call[Taking, Asked]) -> Receipt | Refused:
    """Take cash and put it on an account, by a receipt."""
    name, body = _open(tx, call).till, call.body
    done = acts.take_cash(tx, call.by, name, body.account, body.amount.money, note=body.note)
    return done if isinstance(done, Refused) else receipt_of(done)


def pay_back(tx: Transaction, call: Call[PayingBack, Asked]) -> Receipt | Refused:
    """Give cash out of a till for what an account has at the centre, by a receipt."""
    name, body = _open(tx, call).till, call.body
    done = acts.pay_back(tx, call.by, name, body.account, body.amount.money, note=body.note)
    return done if isinstance(done, Refused) else receipt_of(done)


def close(tx: Transaction, call: Call[Count, Asked]) -> Session | Refused:
    """Close a till by what was counted; a difference needs a note."""
    session, body = _open(tx, call), call.body
    counted = Sum(micros=body.counted, unit=session.unit).money
    done = acts.close_till(tx, call.by, session.till, counted, note=body.note)
    return done if isinstance(done, Refused) else _session(tx, done.session)


def sessions(tx: Transaction, call: Call[None, SessionsAsked]) -> Page[Session]:
    """List sessions of tills, newest first."""
    asked = call.asked
    rows = till.sessions(tx, till=asked.till, before=asked.after or None, limit=asked.limit + 1)
    return page_of(rows, asked.limit, show=lambda row: _session(tx, row), key=lambda row: row.n)


def session(tx: Transaction, call: Call[None, Asked]) -> Session:
    """Show a till from its opening to its close."""
    return _session(tx, _known_session(tx, call))


def sheet(tx: Transaction, call: Call[None, PaperAsked]) -> Paper:
    """Return a till's close as PDF."""
    from central import receipts  # noqa: PLC0415  slow, and only for paper

    found = _known_session(tx, call)
    if found.closed_at is None:
        raise NotFound(f"{found.till} is still open; it is closed first.")
    made = receipts.close(found, till.sums(tx, found), head_of(tx, call))
    return paper_of(f"close-{found.till}-{found.n}.pdf", made)


# ── inside ──────────────────────────────────────────────────────────────────────────────────


def _open(tx: Transaction, call: Call[Any, Any]) -> till.Session:
    found = till.open_now(tx, call.path["till"])
    if found is None:
        raise NotFound(f"{call.path['till']} is not open; /api/v1/tills lists those that are.")
    return found


def _known_session(tx: Transaction, call: Call[Any, Any]) -> till.Session:
    found = till.find(tx, call.path["session"])
    if found is None:
        raise NotFound(
            f"There is no session {call.path['session']}; /api/v1/till-sessions has them."
        )
    return found


def _session(tx: Transaction, row: till.Session) -> Session:
    sums = till.sums(tx, row)
    told = asdict(row) | {
        "receipts": sums.receipts,
        "taken": sums.taken,
        "paid_back": sums.paid_back,
        "expected": sums.expected if row.expected is None else row.expected,
        "difference": row.difference,
    }
    return Session.model_validate(told)


_SESSION: Final = {
    "n": 3,
    "till": "front-desk",
    "unit": "EUR",
    "opening": 50_000_000,
    "receipts": 1,
    "taken": 5_000_000,
    "paid_back": 0,
    "opened_by": "api:till-1",
    "opened_at": "2026-11-22T08:00:00Z",
    "closed_by": None,
    "closed_at": None,
    "expected": 55_000_000,
    "counted": None,
    "difference": None,
    "note": "",
}
_CLOSED: Final = {
    **_SESSION,
    "closed_by": "api:till-1",
    "closed_at": "2026-11-22T17:00:00Z",
    "counted": 54_900_000,
    "difference": -100_000,
    "note": "ten cents are missing",
}
_CASH: Final = {"account": "user:ana", "amount": RECEIPT["amount"]}
_TILL: Final = "/tills/{till}"
_SESSION_AT: Final = "/till-sessions/{session}"
_RIGHT: Final = Right.TAKE_MONEY

ROUTES: Final = (
    Route(
        method="GET",
        path="/tills",
        right=_RIGHT,
        do=tills,
        gives=Tills,
        example=Example({"items": [_SESSION]}),
    ),
    Route(method="GET", path=_TILL, right=_RIGHT, do=at, gives=Session, example=Example(_SESSION)),
    act(
        f"{_TILL}/open",
        _RIGHT,
        open_till,
        Example(
            {**_SESSION, "receipts": 0, "taken": 0, "expected": 50_000_000},
            {"amount": {"micros": 50_000_000, "unit": "EUR"}},
        ),
        takes=Opening,
        gives=Session,
    ),
    act(f"{_TILL}/take", _RIGHT, take, Example(RECEIPT, _CASH), takes=Taking, gives=Receipt),
    act(
        f"{_TILL}/pay-back",
        _RIGHT,
        pay_back,
        Example(BACK, {**_CASH, "note": "leaves the school"}),
        takes=PayingBack,
        gives=Receipt,
    ),
    act(
        f"{_TILL}/close",
        _RIGHT,
        close,
        Example(_CLOSED, {"counted": 54_900_000, "note": "ten cents are missing"}),
        takes=Count,
        gives=Session,
    ),
    Route(
        method="GET",
        path="/till-sessions",
        right=_RIGHT,
        do=sessions,
        asks=SessionsAsked,
        gives=paged(Session),
        example=Example({"items": [_CLOSED], "next": None}),
    ),
    Route(
        method="GET",
        path=_SESSION_AT,
        right=_RIGHT,
        do=session,
        gives=Session,
        example=Example(_CLOSED),
    ),
    Route(
        method="GET",
        path=f"{_SESSION_AT}/paper",
        right=_RIGHT,
        do=sheet,
        asks=PaperAsked,
        gives=Paper,
        example=Example({**PAPER, "name": "close-front-desk-3.pdf"}, asked={"language": "es"}),
    ),
)
