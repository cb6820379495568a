"""Giving back what a job cost: by itself, or as somebody asked for."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated, Any, Final, Literal
from uuid import UUID  # noqa: TC003  pydantic reads it at run time

from pydantic import AwareDatetime, StringConstraints

from central.acts import money as acts
from central.rights import Right
from central.store import refund_requests
from central.store.ledger import Refused
from central.store.refund_requests import Which
from central.web import jobs
from central.web.answers import Amount, Answer
from central.web.api.table import (
    Call,
    Example,
    Given,
    Positive,
    Reason,
    Route,
    Words,
    act,
)
from central.web.paging import TEXT, Asked, NumberPage, Page, page_of, paged
from central.web.problems import NotFound
from config.ids import AccountKey, NodeId  # noqa: TC001  pydantic reads it at run time

if TYPE_CHECKING:
    from central.store.books import Transaction
    from central.store.corrections import Refunded as GivenBack
    from central.store.refund_requests import RefundRequest


class Part(Answer):
    """What one account got back."""

    account: AccountKey
    """Which."""
    amount: Amount
    """How much."""


class Refunded(Answer):
    """What one charge gave back."""

    charge: UUID
    """Which charge."""
    entry: UUID
    """The entry that gave it back."""
    parts: tuple[Part, ...]
    """To whom."""


class Refunds(Answer):
    """What a job gave back."""

    items: tuple[Refunded, ...]
    """By charge."""


class Refund(Given):
    """What of a job is given back."""

    amount: Positive | None = None
    """Of all that was paid in its unit, together; null: everything."""
    reason: Reason
    """Why; it is kept with the entries."""


class Request(Answer):
    """Somebody asks for what a job cost."""

    id: UUID
    """Names it for ever."""
    job: UUID
    """job-uuid."""
    node: NodeId
    """At which site it was printed."""
    user: str
    """Who asks."""
    reason: str
    """In their own words."""
    asked_at: AwareDatetime
    """When."""
    state: Literal["open", "refunded", "declined", "withdrawn"]
    """What became of it."""
    settled_at: AwareDatetime | None
    """When; null: it is open."""
    settled_by: str
    """By whom."""
    answer: str
    """What they are told."""


class Settled(Answer):
    """A request was settled."""

    request: Request
    """As it is now."""
    refunds: tuple[Refunded, ...]
    """What was given back."""


class RequestsAsked(NumberPage):
    """Which requests; filters that are left out let all through."""

    state: Literal["open", "refunded", "declined", "withdrawn"] | None = None
    """What became of them."""
    user: Annotated[str, StringConstraints(max_length=255, pattern=TEXT)] | None = None
    """Who asks, exactly."""


class Settling(Given):
    """How a request is settled."""

    amount: Positive | None = None
    """Null: all that the job cost."""
    answer: Words = ""
    """What the person reads."""


class Declining(Given):
    """Why not."""

    answer: Reason
    """What the person reads."""


def refund(tx: Transaction, call: Call[Refund, Asked]) -> Refunds | Refused:
    """Give back what a job cost, or part of it, to those who paid, in proportion."""
    found = jobs.known(tx, call, call.path["uuid"])
    amount = None if call.body.amount is None else call.body.amount.money
    done = acts.refund(tx, call.by, found.job.job, amount, reason=call.body.reason)
    return done if isinstance(done, Refused) else Refunds(items=tuple(map(_refunded, done)))


def every(tx: Transaction, call: Call[None, RequestsAsked]) -> Page[Request]:
    """List people's requests for their money, newest first."""
    page = call.asked
    which = Which(page.state, page.user, call.sites)
    rows = refund_requests.every(tx, which, before=page.after or None, limit=page.limit + 1)
    return page_of(rows, page.limit, show=_request, key=lambda row: row.n)


def one(tx: Transaction, call: Call[None, Asked]) -> Request:
    """Show one request."""
    return _request(_known(tx, call))


def settle(tx: Transaction, call: Call[Settling, Asked]) -> Settled | Refused:
    """Give back what was asked for, or part of it."""
    amount = None if call.body.amount is None else call.body.amount.money
    return _settled(
        acts.settle_refund(tx, call.by, _known(tx, call).id, amount, answer=call.body.answer)
    )


def decline(tx: Transaction, call: Call[Declining, Asked]) -> Settled | Refused:
    """Say no to a request, with the words the person reads."""
    return _settled(acts.decline_refund(tx, call.by, _known(tx, call).id, answer=call.body.answer))


def _known(tx: Transaction, call: Call[Any, Any]) -> RefundRequest:
    id_ = call.path["id"]
    found, missing = refund_requests.find(tx, id_), f"There is no request {id_}."
    if found is None:
        raise NotFound(missing)
    call.check(found.node, missing)
    return found


def _settled(done: acts.Settled | Refused) -> Settled | Refused:
    if isinstance(done, Refused):
        return done
    return Settled(request=_request(done.request), refunds=tuple(map(_refunded, done.refunds)))


def _refunded(done: GivenBack) -> Refunded:
    parts = tuple(
        Part(account=key, amount=Amount(micros=amount.micros, unit=amount.unit))
        for key, amount in done.parts
    )
    return Refunded(charge=done.charge, entry=done.entry, parts=parts)


def _request(row: RefundRequest) -> Request:
    return Request(
        id=row.id,
        job=row.job,
        node=row.node,
        user=row.user,
        reason=row.reason,
        asked_at=row.asked_at,
        state=row.state,
        settled_at=row.settled_at,
        settled_by=row.settled_by,
        answer=row.answer,
    )


_SUM: Final = {"micros": 1_200_000, "unit": "EUR"}
_BACK: Final = {
    "charge": "019aaba6-0b12-7000-8000-000000000003",
    "entry": "019aaba6-0b12-7000-8000-000000000004",
    "parts": [{"account": "user:ana", "amount": _SUM}],
}
_REQUEST: Final = {
    "id": "019aaba6-0b12-7000-8000-000000000009",
    "job": "019aaba6-0b12-7000-8000-000000000006",
    "node": "north",
    "user": "ana",
    "reason": "half of the pages are empty",
    "asked_at": "2026-11-22T09:00:00Z",
    "state": "open",
    "settled_at": None,
    "settled_by": "",
    "answer": "",
}
_DONE: Final = {
    **_REQUEST,
    "state": "refunded",
    "settled_at": "2026-11-22T10:00:00Z",
    "settled_by": "api:till-1",
    "answer": "sorry for that",
}
_ONE: Final = "/refund-requests/{id}"

ROUTES: Final = (
    act(
        "/jobs/{uuid}/refund",
        Right.SETTLE_REFUNDS,
        refund,
        Example({"items": [_BACK]}, {"amount": _SUM, "reason": "the toner was empty"}),
        takes=Refund,
        gives=Refunds,
    ),
    Route(
        method="GET",
        path="/refund-requests",
        right=Right.SETTLE_REFUNDS,
        do=every,
        asks=RequestsAsked,
        gives=paged(Request),
        example=Example({"items": [_REQUEST], "next": None}, asked={"state": "open"}),
    ),
    Route(
        method="GET",
        path=_ONE,
        right=Right.SETTLE_REFUNDS,
        do=one,
        gives=Request,
        example=Example(_REQUEST),
    ),
    act(
        f"{_ONE}/settle",
        Right.SETTLE_REFUNDS,
        settle,
        Example({"request": _DONE, "refunds": [_BACK]}, {"answer": "sorry for that"}),
        takes=Settling,
        gives=Settled,
    ),
    act(
        f"{_ONE}/decline",
        Right.SETTLE_REFUNDS,
        decline,
        Example(
            {"request": {**_DONE, "state": "declined"}, "refunds": []},
            {"answer": "the pages are empty in the document too"},
        ),
        takes=Declining,
        gives=Settled,
    ),
)
