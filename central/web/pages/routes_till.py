"""An open till: cash in and out for accounts by receipts, and its close by what was counted."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Final

from broker.directory import UserRow
from central.acts import till as acts
from central.rights import Right
from central.store import accounts, directory, person_search, till, wallets
from central.store.ledger import Refused
from central.web.pages import ledgers, lists
from central.web.pages.sentences import mark
from central.web.pages.table import Page
from central.web.pages.views import Empty
from config.policy.money import Money

if TYPE_CHECKING:
    from starlette.responses import Response

    from central.store.books import Transaction
    from central.store.till import Receipt, Session, Sums
    from central.web.pages.forms import Wrong
    from central.web.pages.lists import ListView, Rows
    from central.web.pages.visit import Visit

from central.web.pages.till_views import cash_of, open_at, receipts_of

_TWICE: Final = mark(
    "Something went through this till since this page was shown. Look whether it was this."
)
_MEANT: Final = 8


# ── one that is open ────────────────────────────────────────────────────────────────────────


@dataclass(frozen=True, slots=True)
class Meant:
    """Whom somebody may have meant."""

    key: str
    """Of the account."""
    display: str
    name: str


@dataclass(frozen=True, slots=True)
class TillPage:
    """The page."""

    name: str
    unit: str
    sums: Sums
    inside: Money
    taken: Money
    paid_back: Money
    list: ListView
    for_: str
    who: str
    """What people call that account; empty: not known yet."""
    amount: str
    note: str
    meant: tuple[Meant, ...]
    out: bool
    """It is cash out that was wrong."""
    wrong: Wrong = field(default_factory=dict)


async def at(visit: Visit) -> Response:
    """Show an open till."""
    return await _at(visit, {}, 200)


async def _at(
    visit: Visit, wrong: Wrong, status: int, meant: tuple[Meant, ...] = (), *, out: bool = False
) -> Response:
    name, form = visit.path("till"), visit.form
    session = await visit.read(lambda tx: open_at(tx, name))
    what = receipts_of(session)
    if (fetched := lists.file(visit, what)) is not None:
        return fetched
    query = lists.query_of(visit, what)
    end = "-out" if out else ""
    for_ = form.text(f"for{end}", 200) or visit.asked("for")

    def look(tx: Transaction) -> tuple[Sums, Rows[Receipt], str]:
        label = ledgers.label_of(tx, for_) if ":" in for_ else ""
        return till.sums(tx, session), what.read(tx, query), label

    sums, rows, who = await visit.read(look)
    empty = Empty(
        "till",
        visit.say(mark("Receipts will stand here")),
        visit.say(mark("Each time cash goes in or out there is one, with a number of its own.")),
    )
    view = TillPage(
        session.till,
        session.unit,
        sums,
        Money(sums.expected, session.unit),
        Money(sums.taken, session.unit),
        Money(sums.paid_back, session.unit),
        lists.shown(visit, what, query, rows, empty=empty),
        for_,
        who,
        form.text(f"amount{end}", 40),
        form.text(f"note{end}", 300),
        meant,
        out,
        wrong,
    )
    return visit.page("money-till.html", view, status=status)


def _account_of(tx: Transaction, text: str, unit: str) -> str | tuple[Meant, ...]:
    """Return the account that a text names, or whom it may mean."""
    if ":" in text and accounts.find(tx, text) is not None:
        return text
    row = directory.get(tx, "user", text.lower()) if text else None
    if row is not None and (key := _own(tx, UserRow.model_validate(row), unit)):
        return key
    found = []
    for each in person_search.suggest(tx, text, limit=_MEANT):
        known = directory.get(tx, "user", each.name)
        key = _own(tx, UserRow.model_validate(known), unit) if known is not None else ""
        if key:
            found.append(Meant(key, str((known or {}).get("display") or each.name), each.name))
    return tuple(found)


def _own(tx: Transaction, row: UserRow, unit: str) -> str:
    """Return the account that a person's cash goes to; empty: there is none in this unit."""
    for key in (key for each in wallets.lists_of(row) for key in each):
        found = accounts.find(tx, key)
        if found is not None and found.unit == unit and key.startswith("user:"):
            return key
    return ""


async def take(visit: Visit) -> Response:
    """Take cash, and put it on an account."""
    return await _through(visit, out=False)


async def pay_back(visit: Visit) -> Response:
    """Give cash for what an account has."""
    return await _through(visit, out=True)


async def _through(visit: Visit, *, out: bool) -> Response:
    form, name = visit.form, visit.path("till")
    session = await visit.read(lambda tx: open_at(tx, name))
    # both forms stand on one page: their fields have names of their own
    end = "-out" if out else ""
    for_ = form.text("key", 200) or form.text(f"for{end}", 200)
    found = await visit.read(lambda tx: _account_of(tx, for_, session.unit))
    wrong: Wrong = {}
    amount = cash_of(visit, f"amount{end}", session.unit, wrong)
    note = form.text(f"note{end}", 300)
    if out and not note:
        wrong[f"note{end}"] = visit.say(mark("Say why; it is kept with the receipt."))
    if not isinstance(found, str):
        wrong[f"for{end}"] = visit.say(
            mark("Who of these?") if found else mark("Nobody is called so, nor any account.")
        )
    if wrong or not isinstance(found, str):
        meant = () if isinstance(found, str) else found
        return await _at(visit, wrong, 422, meant, out=out)
    key, seen = found, form.text("seen", 20)

    def act(tx: Transaction) -> Receipt | Refused:
        if str(till.sums(tx, open_at(tx, name)).receipts) != seen:
            return Refused(visit.say(_TWICE))
        if out:
            return acts.pay_back(tx, visit.by, name, key, amount, note=note)
        return acts.take_cash(tx, visit.by, name, key, amount, note=note)

    done = await visit.write(act)
    if isinstance(done, Refused):
        return await _at(visit, {f"amount{end}": done.reason}, 422, out=out)
    return visit.go(f"/till/receipts/{done.number}")


# ── the close ───────────────────────────────────────────────────────────────────────────────


@dataclass(frozen=True, slots=True)
class ClosePage:
    """The form."""

    name: str
    unit: str
    receipts: int
    counted: str
    note: str
    difference: str
    """What was wrong with the count; empty: nobody counted yet."""
    wrong: Wrong = field(default_factory=dict)


async def ask_close(visit: Visit) -> Response:
    """Ask what is in it; what should be is not said before, so that it is counted."""
    return await _closing(visit, {}, "", 200)


async def _closing(visit: Visit, wrong: Wrong, difference: str, status: int) -> Response:
    name = visit.path("till")

    def look(tx: Transaction) -> tuple[Session, Sums]:
        session = open_at(tx, name)
        return session, till.sums(tx, session)

    session, sums = await visit.read(look)
    form = visit.form
    view = ClosePage(
        name,
        session.unit,
        sums.receipts,
        form.text("counted", 40),
        form.text("note", 500),
        difference,
        wrong,
    )
    return visit.page("money-till-close.html", view, status=status)


async def close(visit: Visit) -> Response:
    """Close it by what was counted."""
    name, note = visit.path("till"), visit.form.text("note", 500)
    session = await visit.read(lambda tx: open_at(tx, name))
    wrong: Wrong = {}
    counted = cash_of(visit, "counted", session.unit, wrong)
    if wrong:
        return await _closing(visit, wrong, "", 422)
    sums = await visit.read(lambda tx: till.sums(tx, session))
    difference = Money(counted.micros - sums.expected, session.unit)
    if difference.micros and not note:
        said = visit.say(
            mark("%(expected)s should be in it, and you counted %(counted)s: %(difference)s."),
            expected=visit.words.money(Money(sums.expected, session.unit)),
            counted=visit.words.money(counted),
            difference=visit.words.money(difference),
        )
        return await _closing(visit, {}, said, 422)
    done = await visit.write(lambda tx: acts.close_till(tx, visit.by, name, counted, note=note))
    if isinstance(done, Refused):
        return await _closing(visit, {"counted": done.reason}, "", 422)
    said_ = visit.told("good", mark("The till is closed."))
    return visit.go(f"/till/sessions/{done.session.n}", said_)


PAGES: Final = (
    Page("/till/at/{till}", at, Right.TAKE_MONEY),
    Page("/till/at/{till}/take", take, Right.TAKE_MONEY, methods=("POST",)),
    Page("/till/at/{till}/pay-back", pay_back, Right.TAKE_MONEY, methods=("POST",)),
    Page("/till/at/{till}/close", ask_close, Right.TAKE_MONEY),
    Page("/till/at/{till}/close", close, Right.TAKE_MONEY, methods=("POST",)),
)
