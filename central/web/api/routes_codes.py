"""Courier codes: money that a person carries to a site whose line is cut, asked for and listed."""

from __future__ import annotations

from dataclasses import asdict
from typing import TYPE_CHECKING, Any, Final, Literal
from uuid import UUID  # noqa: TC003  pydantic reads it at run time

from pydantic import AwareDatetime  # noqa: TC002  it reads it at run time

from central.acts import codes as acts
from central.rights import Right
from central.store import code_list
from central.store.codes import Issued, Waiting
from central.store.ledger import Refused
from central.web.answers import Amount, Answer
from central.web.api.table import Call, Example, Given, Key, Positive, Route, UserName, act
from central.web.paging import Asked, KeyPage, Page, page_of, paged
from central.web.problems import NotFound
from config.ids import AccountKey, NodeId  # noqa: TC001  pydantic reads it at run time

if TYPE_CHECKING:
    from central.store.books import Transaction
    from central.store.code_list import CodeRecord


class Code(Answer):
    """A code that was asked for, without its digits."""

    id: UUID
    """Names the wish for it."""
    node: NodeId
    """The edge at whose site it can be typed."""
    user: str
    """Who may type it."""
    account: AccountKey
    """Whose money."""
    amount: Amount
    """How much."""
    state: Literal["waiting", "issued", "redeemed", "failed"]
    """`waiting`: money is fetched from other sites; `redeemed`: it was typed."""
    detail: str
    """Why it failed."""
    author: str
    """Who asked for it."""
    at: AwareDatetime
    """When."""
    redeemed_at: AwareDatetime | None
    """When it was typed, as the edge says."""


class Digits(Code):
    """A code, to be handed to who may type it."""

    digits: str | None
    """Of no use to anybody else; null: its money is still being fetched."""


class NewCode(Given):
    """A code that is wanted."""

    user: UserName
    """Who will type it."""
    node: NodeId
    """The edge of the site."""
    account: Key
    """Whose money: an account that they may pay from."""
    amount: Positive
    """In steps of 0.10, or whole pages."""


class Which(KeyPage):
    """Which codes; filters that are left out let all through."""

    node: NodeId | None = None
    """Of this edge only."""
    user: UserName | None = None
    """Of this person only."""


def every(tx: Transaction, call: Call[None, Which]) -> Page[Code]:
    """List codes that were asked for, newest first; their digits are kept nowhere."""
    asked = call.asked
    rows = code_list.every(
        tx,
        node_id=asked.node,
        user=asked.user.lower() if asked.user else None,
        before=asked.after,
        limit=asked.limit + 1,
    )
    return page_of(rows, asked.limit, show=_code, key=lambda row: str(row.id))


def one(tx: Transaction, call: Call[None, Asked]) -> Code:
    """Show a code without its digits."""
    return _code(_known(tx, call))


def bring(tx: Transaction, call: Call[NewCode, Asked]) -> Digits | Refused:
    """Post money to a site and make the code that frees it there, line or no line.

    Money that sits at other sites is fetched first: the code is `waiting` then, and its digits are
    asked for a moment later by `/codes/{code}/show`.
    """
    body = call.body
    done = acts.bring(
        tx,
        call.by,
        body.user,
        node=body.node,
        account=body.account,
        amount=body.amount.money,
    )
    return done if isinstance(done, Refused) else _with(tx, done)


def show(tx: Transaction, call: Call[None, Asked]) -> Digits | Refused:
    """Show a code's digits again, for half an hour from when it was asked for."""
    done = acts.shown(tx, _known(tx, call))
    return done if isinstance(done, Refused) else _with(tx, done)


def take_back(tx: Transaction, call: Call[None, Asked]) -> Code | Refused:
    """End the wish for a code whose money is still being fetched; what was issued stays."""
    done = acts.take_back(tx, call.by, _known(tx, call).id)
    return done if isinstance(done, Refused) else _code(done)


# ── inside ──────────────────────────────────────────────────────────────────────────────────


def _known(tx: Transaction, call: Call[Any, Any]) -> CodeRecord:
    found = code_list.find(tx, call.path["code"])
    if found is None:
        raise NotFound(
            f"There is no code {call.path['code']}; /api/v1/codes lists those there are."
        )
    return found


def _code(row: CodeRecord) -> Code:
    return Code.model_validate(_told(row))


def _with(tx: Transaction, done: Issued | Waiting) -> Digits:
    row = code_list.find(tx, done.id)
    if row is None:
        raise NotFound(f"There is no code {done.id} any more.")
    digits = done.digits if isinstance(done, Issued) else None
    return Digits.model_validate(_told(row) | {"digits": digits})


def _told(row: CodeRecord) -> dict[str, object]:
    return asdict(row) | {"amount": {"micros": row.micros, "unit": row.unit}}


_AMOUNT: Final = {"micros": 2_000_000, "unit": "EUR"}
_CODE: Final = {
    "id": "019aaba6-0b12-7000-8000-00000000000a",
    "node": "north",
    "user": "ana",
    "account": "user:ana",
    "amount": _AMOUNT,
    "state": "issued",
    "detail": "",
    "author": "api:help-desk",
    "at": "2026-11-22T08:00:00Z",
    "redeemed_at": None,
}
_DIGITS: Final = {**_CODE, "digits": "1234 5678 9012 3456 7890"}
_ONE: Final = "/codes/{code}"

ROUTES: Final = (
    Route(
        method="GET",
        path="/codes",
        right=Right.SEE_ACCOUNTS,
        do=every,
        asks=Which,
        gives=paged(Code),
        example=Example({"items": [_CODE], "next": None}, asked={"user": "ana"}),
    ),
    Route(
        method="POST",
        path="/codes",
        right=Right.HELP_PEOPLE,
        do=bring,
        takes=NewCode,
        gives=Digits,
        status=201,
        example=Example(
            _DIGITS, {"user": "ana", "node": "north", "account": "user:ana", "amount": _AMOUNT}
        ),
    ),
    Route(
        method="GET",
        path=_ONE,
        right=Right.SEE_ACCOUNTS,
        do=one,
        gives=Code,
        example=Example(_CODE),
    ),
    Route(
        method="POST",
        path=f"{_ONE}/show",
        right=Right.HELP_PEOPLE,
        do=show,
        reads=True,
        gives=Digits,
        example=Example(_DIGITS),
    ),
    act(
        f"{_ONE}/take-back",
        Right.HELP_PEOPLE,
        take_back,
        Example({**_CODE, "state": "failed", "detail": "it was taken back"}),
        gives=Code,
    ),
)
