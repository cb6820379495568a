"""Receipts of the till and its closes: shown, as PDF, and taken back by another one."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Final

from anyio import to_thread
from starlette.exceptions import HTTPException
from starlette.responses import Response

from central.acts import till as acts
from central.rights import Right
from central.store import till
from central.store.ledger import Refused
from central.web.pages import ledgers, lists, sentences
from central.web.pages.guarding import FRESH
from central.web.pages.job_words import person_of
from central.web.pages.sentences import mark
from central.web.pages.table import Page
from central.web.pages.till_views import number_of, receipts_of
from config.policy.money import Money

if TYPE_CHECKING:
    from datetime import datetime

    from central.receipts import Head
    from central.store.books import Transaction
    from central.store.till import Receipt, Session, Sums
    from central.web.pages.forms import Wrong
    from central.web.pages.lists import ListView
    from central.web.pages.visit import Visit


@dataclass(frozen=True, slots=True)
class ReceiptPage:
    """The page."""

    number: int
    till: str
    open: bool
    """Its till is open, so that it can be taken back."""
    account: str
    person: str
    amount: Money
    balance: Money
    at: datetime
    by: str
    note: str
    entry: int
    session: int
    reverses: int | None
    taken_back: int | None
    """By this receipt."""
    reason: str = ""
    wrong: Wrong = field(default_factory=dict)

    @property
    def out(self) -> bool:
        """Whether cash went out."""
        return self.amount.micros < 0


@dataclass(frozen=True, slots=True)
class _Found:
    receipt: Receipt
    person: str
    back: Receipt | None
    open: bool


def _receipt(tx: Transaction, visit: Visit) -> _Found:
    number = number_of(visit.path("number"))
    found = None if number is None else till.receipt(tx, number)
    if found is None:
        raise HTTPException(404, sentences.NO_PAGE)
    session = till.open_now(tx, found.till)
    back = till.reversed_by(tx, found.number)
    return _Found(found, ledgers.label_of(tx, found.account), back, session is not None)


async def show(visit: Visit) -> Response:
    """Show a receipt."""
    return await _shown(visit, {}, 200)


async def _shown(visit: Visit, wrong: Wrong, status: int) -> Response:
    found = await visit.read(lambda tx: _receipt(tx, visit))
    each = found.receipt
    view = ReceiptPage(
        each.number,
        each.till,
        found.open,
        each.account,
        found.person or each.account,
        Money(each.micros, each.unit),
        Money(each.balance, each.unit),
        visit.local(each.at),
        person_of(each.author),
        each.note,
        each.entry,
        each.session,
        each.reverses,
        None if found.back is None else found.back.number,
        visit.form.text("reason", 300),
        wrong,
    )
    return visit.page("money-receipt.html", view, status=status)


async def take_back(visit: Visit) -> Response:
    """Take a receipt back by another one."""
    found = await visit.read(lambda tx: _receipt(tx, visit))
    reason = visit.form.text("reason", 300)
    if not reason:
        said = visit.say(mark("Say why; it is kept with the receipt."))
        return await _shown(visit, {"reason": said}, 422)
    number = found.receipt.number
    done = await visit.write(lambda tx: acts.reverse(tx, visit.by, number, reason=reason))
    if isinstance(done, Refused):
        return await _shown(visit, {"reason": done.reason}, 422)
    return visit.go(f"/till/receipts/{done.number}")


def _head(visit: Visit) -> Head:
    from central import receipts  # noqa: PLC0415  slow, and only for paper

    return receipts.Head(
        visit.centre.organisation,
        visit.centre.zone,
        visit.words.language,
        "80mm" if visit.asked("paper") == "80mm" else "a4",
    )


def _paper(visit: Visit, name: str, content: bytes) -> Response:
    headers = {
        "content-disposition": f'attachment; filename="{name}.pdf"',
        "cache-control": FRESH,
    }
    return visit.dress(Response(content, media_type="application/pdf", headers=headers))


async def paper(visit: Visit) -> Response:
    """Return a receipt as PDF."""
    found = await visit.read(lambda tx: _receipt(tx, visit))

    def made() -> bytes:
        from central import receipts  # noqa: PLC0415  the same

        return receipts.receipt(found.receipt, _head(visit), person=found.person)

    return _paper(visit, f"receipt-{found.receipt.number}", await to_thread.run_sync(made))


# ── sessions ────────────────────────────────────────────────────────────────────────────────


@dataclass(frozen=True, slots=True)
class SessionPage:
    """The page."""

    n: int
    till: str
    opened_at: datetime
    opened_by: str
    closed_at: datetime | None
    closed_by: str
    opening: Money
    taken: Money
    paid_back: Money
    expected: Money
    counted: Money | None
    difference: Money | None
    note: str
    list: ListView


def _session(tx: Transaction, visit: Visit) -> tuple[Session, Sums]:
    number = number_of(visit.path("number"))
    found = None if number is None else till.find(tx, number)
    if found is None:
        raise HTTPException(404, sentences.NO_PAGE)
    return found, till.sums(tx, found)


async def show_session(visit: Visit) -> Response:
    """Show a till from its opening to its close."""
    session, sums = await visit.read(lambda tx: _session(tx, visit))
    what = receipts_of(session)
    if (fetched := lists.file(visit, what)) is not None:
        return fetched
    closed_at = None if session.closed_at is None else visit.local(session.closed_at)
    counted, difference = session.counted, session.difference
    view = SessionPage(
        session.n,
        session.till,
        visit.local(session.opened_at),
        person_of(session.opened_by),
        closed_at,
        person_of(session.closed_by or ""),
        Money(session.opening, session.unit),
        Money(sums.taken, session.unit),
        Money(sums.paid_back, session.unit),
        Money(sums.expected, session.unit),
        None if counted is None else Money(counted, session.unit),
        None if difference is None else Money(difference, session.unit),
        session.note,
        await lists.view(visit, what),
    )
    return visit.page("money-session.html", view)


async def sheet(visit: Visit) -> Response:
    """Return a till's close as PDF."""
    session, sums = await visit.read(lambda tx: _session(tx, visit))
    if session.closed_at is None:
        raise HTTPException(404, sentences.NO_PAGE)

    def made() -> bytes:
        from central import receipts  # noqa: PLC0415  the same

        return receipts.close(session, sums, _head(visit))

    return _paper(visit, f"close-{session.till}-{session.n}", await to_thread.run_sync(made))


PAGES: Final = (
    Page("/till/receipts/{number}", show, Right.TAKE_MONEY),
    Page("/till/receipts/{number}/pdf", paper, Right.TAKE_MONEY),
    Page("/till/receipts/{number}/take-back", take_back, Right.TAKE_MONEY, methods=("POST",)),
    Page("/till/sessions/{number}", show_session, Right.TAKE_MONEY),
    Page("/till/sessions/{number}/pdf", sheet, Right.TAKE_MONEY),
)
