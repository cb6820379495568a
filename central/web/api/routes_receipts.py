"""Receipts of the till: listed, shown, as PDF, and taken back by another one."""

from __future__ import annotations

from base64 import b64encode
from dataclasses import asdict
from typing import TYPE_CHECKING, Annotated, Any, Final, Literal

from pydantic import AwareDatetime, Field

from central.acts import till as acts
from central.rights import Right
from central.store import organisation, till
from central.store.ledger import Refused
from central.web.answers import Amount, Answer
from central.web.api.table import Call, Example, Key, Route, Why, act
from central.web.paging import Asked, NumberPage, Page, page_of, paged
from central.web.problems import NotFound
from config.ids import AccountKey  # noqa: TC001  pydantic reads it at run time

if TYPE_CHECKING:
    from central.receipts import Head
    from central.store.books import Transaction

_Language = Literal["en", "fr", "de", "es"]


class Receipt(Answer):
    """Cash that went in or out."""

    number: int
    """On the paper; there are no gaps."""
    session: int
    """Of its till."""
    till: str
    """Which."""
    entry: int
    """Its entry's number in the ledger."""
    kind: Literal["topup", "payback"]
    """In, or out."""
    account: AccountKey
    """Whose."""
    amount: Amount
    """Into the till; negative: out of it."""
    balance: Amount
    """What the account had afterwards."""
    author: str
    """Who served."""
    at: AwareDatetime
    """When."""
    reverses: int | None
    """The receipt that this one takes back."""
    note: str
    """For people."""


class ReceiptOne(Receipt):
    """One receipt, and what became of it."""

    taken_back: int | None
    """The receipt that takes it back; null: none does."""


class Paper(Answer):
    """Something to be printed."""

    name: str
    """Of the file."""
    pdf: str
    """Its content, in base64 (RFC 4648 §4)."""


class ReceiptsAsked(NumberPage):
    """Which receipts; filters that are left out let all through."""

    session: Annotated[int, Field(ge=1, lt=2**63)] | None = None
    """Of this session."""
    account: Key | None = None
    """Of this account."""


class PaperAsked(Asked):
    """On what paper, in which language."""

    paper: Literal["a4", "80mm"] = "a4"
    """A sheet, or the roll of a receipt printer."""
    language: _Language = "en"
    """ISO 639-1."""


def every(tx: Transaction, call: Call[None, ReceiptsAsked]) -> Page[Receipt]:
    """List receipts, newest first."""
    asked = call.asked
    rows = till.receipts(
        tx,
        session=asked.session,
        account=asked.account,
        before=asked.after or None,
        limit=asked.limit + 1,
    )
    return page_of(rows, asked.limit, show=receipt_of, key=lambda row: row.number)


def one(tx: Transaction, call: Call[None, Asked]) -> ReceiptOne:
    """Show a receipt, and whether it was taken back."""
    found = _known(tx, call)
    back = till.reversed_by(tx, found.number)
    return ReceiptOne(**dict(receipt_of(found)), taken_back=None if back is None else back.number)


def paper(tx: Transaction, call: Call[None, PaperAsked]) -> Paper:
    """Return a receipt as PDF."""
    from central import receipts  # noqa: PLC0415  slow, and only for paper
    from central.web.pages import ledgers  # noqa: PLC0415  the same

    found = _known(tx, call)
    person = ledgers.label_of(tx, found.account)
    made = receipts.receipt(found, head_of(tx, call), person=person)
    return paper_of(f"receipt-{found.number}.pdf", made)


def take_back(tx: Transaction, call: Call[Why, Asked]) -> Receipt | Refused:
    """Take a receipt back by another one: the wrong person, the wrong sum."""
    done = acts.reverse(tx, call.by, _known(tx, call).number, reason=call.body.reason)
    return done if isinstance(done, Refused) else receipt_of(done)


def receipt_of(row: till.Receipt) -> Receipt:
    """Return a receipt as it is told."""
    told = asdict(row) | {
        "amount": {"micros": row.micros, "unit": row.unit},
        "balance": {"micros": row.balance, "unit": row.unit},
    }
    return Receipt.model_validate(told)


def head_of(tx: Transaction, call: Call[Any, PaperAsked]) -> Head:
    """Return what stands on every paper."""
    from central import receipts  # noqa: PLC0415  slow, and only for paper

    asked = call.asked
    return receipts.Head(organisation.name(tx), call.desk.zone, asked.language, asked.paper)


def paper_of(name: str, made: bytes) -> Paper:
    """Return a PDF as it is told."""
    return Paper(name=name, pdf=b64encode(made).decode())


# ── inside ──────────────────────────────────────────────────────────────────────────────────


def _known(tx: Transaction, call: Call[Any, Any]) -> till.Receipt:
    found = till.receipt(tx, call.path["receipt"])
    if found is None:
        raise NotFound(f"There is no receipt {call.path['receipt']}; /api/v1/receipts lists them.")
    return found


_EUR: Final = {"micros": 5_000_000, "unit": "EUR"}
RECEIPT: Final = {
    "number": 17,
    "session": 3,
    "till": "front-desk",
    "entry": 42,
    "kind": "topup",
    "account": "user:ana",
    "amount": _EUR,
    "balance": _EUR,
    "author": "api:till-1",
    "at": "2026-11-22T09:00:00Z",
    "reverses": None,
    "note": "",
}
BACK: Final = {
    **RECEIPT,
    "number": 18,
    "kind": "payback",
    "amount": {"micros": -5_000_000, "unit": "EUR"},
    "balance": {"micros": 0, "unit": "EUR"},
    "note": "the wrong person",
}
PAPER: Final = {"name": "receipt-17.pdf", "pdf": "JVBERi0xLjMK"}
_ONE: Final = "/receipts/{receipt}"

ROUTES: Final = (
    Route(
        method="GET",
        path="/receipts",
        right=Right.TAKE_MONEY,
        do=every,
        asks=ReceiptsAsked,
        gives=paged(Receipt),
        example=Example({"items": [RECEIPT], "next": None}, asked={"account": "user:ana"}),
    ),
    Route(
        method="GET",
        path=_ONE,
        right=Right.TAKE_MONEY,
        do=one,
        gives=ReceiptOne,
        example=Example({**RECEIPT, "taken_back": None}),
    ),
    Route(
        method="GET",
        path=f"{_ONE}/paper",
        right=Right.TAKE_MONEY,
        do=paper,
        asks=PaperAsked,
        gives=Paper,
        example=Example(PAPER, asked={"paper": "80mm"}),
    ),
    act(
        f"{_ONE}/take-back",
        Right.TAKE_MONEY,
        take_back,
        Example({**BACK, "reverses": 17}, {"reason": "the wrong person"}),
        takes=Why,
        gives=Receipt,
    ),
)
