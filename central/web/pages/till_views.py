"""What pages of the till share: cash as it is typed, numbers in addresses, lists of receipts."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from starlette.exceptions import HTTPException

from central.rights import Right
from central.store import till
from central.store.till import Receipt, Session
from central.web.export import Kind
from central.web.pages import sentences
from central.web.pages.lists import Cell, Column, ListOf, Query, Rows
from central.web.pages.sentences import mark
from config.policy.money import Money

if TYPE_CHECKING:
    from central.store.books import Transaction
    from central.web.pages.forms import Wrong
    from central.web.pages.visit import Visit

NO_AMOUNT: Final = mark("This is no amount; write it like %(example)s.")
_NONE: Final = "\N{EN DASH}"


def number_of(text: str) -> int | None:
    """Return a number that an address has; None: it is none that the books could hold."""
    return int(text) if text.isascii() and text.isdigit() and len(text) < 19 else None  # noqa: PLR2004


def cash_of(visit: Visit, name: str, currency: str, wrong: Wrong) -> Money:
    """Return cash that a form names; what is no amount is said beside the field."""
    found = visit.form.money(name, currency, visit.words)
    if found is None or found.micros < 0:
        example = visit.words.money_parts(Money(20_000_000, currency)).number
        wrong[name] = visit.say(NO_AMOUNT, example=example)
        return Money(0, currency)
    return found


def money_of(visit: Visit, micros: int | None, unit: str) -> str:
    """Write an amount; a dash where there is none yet."""
    return _NONE if micros is None else visit.words.money(Money(micros, unit))


def receipts_of(session: Session) -> ListOf[Receipt]:
    """Return the list of a session's receipts."""

    def read(tx: Transaction, query: Query) -> Rows[Receipt]:
        before = number_of(query.after)
        found = till.receipts(tx, session=session.n, before=before, limit=query.limit + 1)
        shown = found[: query.limit]
        return Rows(tuple(shown), str(shown[-1].number) if len(found) > query.limit else "")

    return ListOf(
        f"till-{session.till}",
        (
            Column[Receipt](
                "number",
                mark("Receipt"),
                lambda row, visit: Cell(
                    visit.say(mark("Receipt %(num)s"), num=row.number), note=row.note
                ),
                lambda row: row.number,
                kind=Kind.NUMBER,
            ),
            Column[Receipt](
                "account", mark("Account"), lambda row, _: Cell(row.account), lambda r: r.account
            ),
            Column[Receipt](
                "at",
                mark("When"),
                lambda row, visit: Cell(when=visit.local(row.at)),
                lambda row: row.at,
                kind=Kind.MOMENT,
                wide=True,
            ),
            Column[Receipt](
                "amount",
                mark("Cash"),
                lambda row, visit: Cell(money_of(visit, row.micros, row.unit)),
                lambda row: row.micros,
                kind=Kind.MICROS,
                number=True,
            ),
        ),
        read,
        Right.TAKE_MONEY,
        limit=25,
        link=lambda row: f"/till/receipts/{row.number}",
    )


def open_at(tx: Transaction, name: str) -> Session:
    """Return the open session of a till.

    Raises:
        HTTPException: 404, it is not open.
    """
    found = till.open_now(tx, name)
    if found is None:
        raise HTTPException(404, sentences.NO_PAGE)
    return found
