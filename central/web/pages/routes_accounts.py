"""Accounts: all of them with what they have, and a new one."""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Final

from central.acts import accounts as acts
from central.rights import Right
from central.store import account_list, accounts, ledger, nodes
from central.store.accounts import AccountRecord, Rules
from central.store.ledger import Refused
from central.web.export import Kind
from central.web.pages import account_words, ledgers, lists
from central.web.pages.ledgers import Names
from central.web.pages.lists import Cell, Column, Filter, ListOf, Query, Rows
from central.web.pages.sentences import mark
from central.web.pages.table import Nav, Page
from central.web.pages.views import Choice, Empty, Notice
from config.policy.money import PAGE, Money

if TYPE_CHECKING:
    from starlette.responses import Response

    from central.store.books import Transaction
    from central.web.pages.forms import Wrong
    from central.web.pages.lists import ListView
    from central.web.pages.visit import Visit

_NONE: Final = "\N{EN DASH}"
_STATES: Final[dict[str, accounts.State]] = {
    "open": "open",
    "frozen": "frozen",
    "closed": "closed",
    "merged": "merged",
}
NO_AMOUNT: Final = mark("This is no amount; write it like %(example)s.")
_OPENED: Final = mark("The account is open.")


@dataclass(frozen=True, slots=True)
class AccountRow:
    """One account as the list has it."""

    record: AccountRecord
    label: str
    """What people call it; empty: its key alone."""
    whole: int
    centre: int
    sites: int
    """How many sites some of it is at."""


@dataclass(frozen=True, slots=True)
class Accounts:
    """The page."""

    held: tuple[Money, ...]
    """By all accounts of people together."""
    list: ListView
    may_open: bool


def _read(tx: Transaction, query: Query) -> Rows[AccountRow]:
    kind = query.filters.get("kind")
    which = account_list.Which(
        kind=kind if kind in accounts.KINDS else None,
        state=_STATES.get(query.filters.get("state", "")),
        text=query.filters.get("q", ""),
    )
    found = account_list.search(tx, which, after=query.after, limit=query.limit + 1)
    shown = found[: query.limit]
    places = ledger.places_of_each(tx, (each.key for each in shown)) if shown else {}
    labels = ledgers.labels_of(tx, [each.key for each in shown if not each.rules.label])
    rows = []
    for each in shown:
        here = places.get((each.key, each.unit), {})
        rows.append(
            AccountRow(
                each,
                each.rules.label or labels.get(each.key, ""),
                sum(here.values()),
                here.get(ledger.CENTRE, 0),
                sum(1 for place, micros in here.items() if place and micros),
            )
        )
    more = shown[-1].key if len(found) > query.limit else ""
    return Rows(tuple(rows), more)


def _sites(row: AccountRow, visit: Visit) -> str:
    if not row.sites:
        return ""
    return visit.say_of("some at %(num)s site", "some at %(num)s sites", row.sites)


ACCOUNTS: Final = ListOf(
    "accounts",
    (
        Column[AccountRow](
            "account",
            mark("Account"),
            lambda row, _: Cell(
                row.label or row.record.key, note=row.record.key if row.label else ""
            ),
            lambda row: row.record.key,
        ),
        Column[AccountRow](
            "kind",
            mark("Kind"),
            lambda row, visit: Cell(account_words.kind_of(visit, row.record.key)),
            lambda row: row.record.key.partition(":")[0],
            wide=True,
        ),
        Column[AccountRow](
            "state",
            mark("State"),
            lambda row, visit: Cell(chip=account_words.state_chip(visit, row.record.state)),
            lambda row: row.record.state,
        ),
        Column[AccountRow](
            "overdraft",
            mark("Overdraft"),
            lambda row, visit: Cell(
                visit.words.money(Money(-row.record.floor, row.record.unit))
                if row.record.floor
                else _NONE
            ),
            lambda row: -row.record.floor,
            kind=Kind.MICROS,
            number=True,
            wide=True,
        ),
        Column[AccountRow](
            "balance",
            mark("Balance"),
            lambda row, visit: Cell(
                visit.words.money(Money(row.whole, row.record.unit)), note=_sites(row, visit)
            ),
            lambda row: row.whole,
            kind=Kind.MICROS,
            number=True,
        ),
    ),
    _read,
    Right.SEE_ACCOUNTS,
    filters=(
        Filter("q", mark("Search"), hint=mark("name or label")),
        Filter("kind", mark("Kind"), "choice", account_words.kind_choices),
        Filter("state", mark("State"), "choice", account_words.state_choices),
    ),
    link=lambda row: ledgers.address_of(row.record.key),
)
#: In a file, which unit the figures are in.
_FILE: Final = replace(
    ACCOUNTS,
    columns=(
        *ACCOUNTS.columns[:1],
        Column[AccountRow](
            "label", mark("Label"), lambda row, _: Cell(row.label), lambda row: row.label
        ),
        *ACCOUNTS.columns[1:],
        Column[AccountRow](
            "unit", mark("Unit"), lambda row, _: Cell(row.record.unit), lambda row: row.record.unit
        ),
    ),
)


async def show(visit: Visit) -> Response:
    """Find accounts."""
    if (fetched := lists.file(visit, _FILE)) is not None:
        return fetched
    query = lists.query_of(visit, ACCOUNTS)
    held, rows = await visit.read(lambda tx: (account_list.held(tx), _read(tx, query)))
    may_open = visit.may(Right.CHANGE_ACCOUNTS)
    empty = Empty(
        "money",
        visit.say(mark("Accounts will stand here")),
        visit.say(mark("Each person who pays has one; departments and projects may have theirs.")),
        action="/accounts/new" if may_open else "",
        verb=visit.say(mark("Open one")) if may_open else "",
        command="printmesh central account add",
    )
    table = lists.shown(visit, ACCOUNTS, query, rows, empty=empty)
    sums = tuple(Money(micros, unit) for unit, micros in sorted(held.items()) if micros)
    return visit.page("money-accounts.html", Accounts(sums, table, may_open))


# ── a new one ───────────────────────────────────────────────────────────────────────────────


@dataclass(frozen=True, slots=True)
class NewAccount:
    """The form."""

    kinds: tuple[Choice, ...]
    units: tuple[Choice, ...]
    name: str = ""
    label: str = ""
    overdraft: str = ""
    wrong: Wrong = field(default_factory=dict)


async def new(visit: Visit) -> Response:
    """Show the form of a new account."""
    return await _new(visit, {}, 200)


async def _new(visit: Visit, wrong: Wrong, status: int) -> Response:
    currency = await visit.read(lambda tx: tx.identity.currency)
    form = visit.form
    kind, unit = form.text("kind", 20) or "department", form.text("unit", 8) or currency
    view = NewAccount(
        tuple(
            replace(each, chosen=each.value == kind) for each in account_words.kind_choices(visit)
        ),
        (
            Choice(currency, currency, chosen=unit == currency),
            Choice(PAGE, visit.say(mark("pages")), chosen=unit == PAGE),
        ),
        form.text("name", 120),
        form.text("label", 200),
        form.text("overdraft", 40),
        wrong,
    )
    return visit.page("money-account-new.html", view, status=status)


def overdraft_of(visit: Visit, unit: str, wrong: Wrong) -> int:
    """Return the floor that a form asks for: so many micros below nothing."""
    if not visit.form.text("overdraft", 40):
        return 0
    found = visit.form.money("overdraft", unit, visit.words)
    if found is None or found.micros < 0:
        example = visit.words.money_parts(Money(5_000_000, unit)).number
        wrong["overdraft"] = visit.say(NO_AMOUNT, example=example)
        return 0
    return -found.micros


async def open_one(visit: Visit) -> Response:
    """Open an account."""
    form = visit.form
    currency = await visit.read(lambda tx: tx.identity.currency)
    wrong: Wrong = {}
    unit = PAGE if form.text("unit", 8) == PAGE or form.text("kind", 20) == "quota" else currency
    floor = overdraft_of(visit, unit, wrong)
    key = f"{form.text('kind', 20)}:{form.text('name', 120)}"
    if not form.text("name"):
        wrong["name"] = visit.say(mark("This is needed."))
    if wrong:
        return await _new(visit, wrong, 422)
    rules = Rules(floor=floor, label=form.text("label", 200))
    done = await visit.write(lambda tx: acts.open_account(tx, visit.by, key, unit, rules))
    if isinstance(done, Refused):
        return await _new(visit, {"name": done.reason}, 422)
    return visit.go(ledgers.address_of(done.key), Notice("good", visit.say(_OPENED)))


def places_named(tx: Transaction) -> Names:
    """Look up what sites are called."""
    names = Names()
    names.places = nodes.called(tx)
    return names


PAGES: Final = (
    Page("/accounts", show, Right.SEE_ACCOUNTS, nav=Nav(mark("Accounts"), "money", 50)),
    Page("/accounts/new", new, Right.CHANGE_ACCOUNTS),
    Page("/accounts/new", open_one, Right.CHANGE_ACCOUNTS, methods=("POST",)),
)
