"""One account: what it has and where, its entries, grants and members; one entry by itself."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Final

from starlette.exceptions import HTTPException

from broker.directory import UserRow
from central.rights import Right
from central.store import account_list, accounts, directory, ledger, members, schedules
from central.store import lists as store_lists
from central.store.wallets import CHOSEN_KINDS
from central.web.export import Kind
from central.web.pages import account_words, addresses, ledgers, lists, sentences
from central.web.pages.job_words import person_of
from central.web.pages.ledgers import Names
from central.web.pages.lists import Cell, Column, ListOf, Query, Rows
from central.web.pages.routes_accounts import places_named
from central.web.pages.sentences import mark
from central.web.pages.table import Page
from central.web.pages.views import Empty
from config.policy.money import Money

if TYPE_CHECKING:
    from starlette.responses import Response

    from central.store.accounts import AccountRecord
    from central.store.books import Transaction
    from central.store.lists import ListedEntry
    from central.store.schedules import Schedule
    from central.web.pages.lists import ListView
    from central.web.pages.views import Chip, Ledger
    from central.web.pages.visit import Visit
    from config.policy.money import Unit


@dataclass(frozen=True, slots=True)
class EntryRow:
    """An entry as an account has it."""

    entry: ListedEntry
    net: int
    """What the account has more, or less, by it."""
    moved: int
    """Where nothing came or went: how much went from one place to another."""
    to: str
    """And where to; empty: the centre."""
    unit: Unit
    job: str


@dataclass(frozen=True, slots=True)
class PlaceView:
    """Some of an account's money."""

    name: str
    """Of the site; empty: the centre."""
    amount: Money


@dataclass(frozen=True, slots=True)
class GrantView:
    """A periodic grant."""

    name: str
    what: str
    when: str
    paused: bool


@dataclass(frozen=True, slots=True)
class AccountPage:
    """The page."""

    key: str
    label: str
    kind: str
    chip: Chip
    unlimited: bool
    balance: Money
    places: tuple[PlaceView, ...]
    where: str
    overdraft: Money | None
    counts: str
    """What pages it counts; empty: it is money."""
    parent: str
    merged_into: str
    grants: tuple[GrantView, ...]
    members: int
    """How many people may choose it."""
    has_members: bool
    """It is of a kind that people choose, or somebody chose it."""
    list: ListView
    may_change: bool
    may_take: bool
    """Cash, at the till."""
    usable: bool
    """It is neither closed nor merged."""
    frozen: bool


def row_of(entry: ListedEntry, key: str, job: str) -> EntryRow:
    """Return what an entry was to an account."""
    mine = [line for line in entry.postings if line.account == key]
    net = sum(line.micros for line in mine)
    into = max(mine, key=lambda line: line.micros, default=None)
    return EntryRow(
        entry,
        net,
        into.micros if into is not None else 0,
        into.place if into is not None else "",
        mine[0].unit if mine else "",
        job,
    )


def _read(tx: Transaction, key: str, query: Query) -> Rows[EntryRow]:
    before = addresses.before(query.after)
    found = account_list.entries(tx, key, before=before, limit=query.limit + 1)
    shown = found[: query.limit]
    jobs = account_list.jobs_of(tx, shown)
    rows = tuple(row_of(each, key, jobs.get(each.n, "")) for each in shown)
    return Rows(rows, str(shown[-1].n) if len(found) > query.limit else "")


def _amount(row: EntryRow, visit: Visit, names: Names) -> Cell:
    if row.net or not row.moved:
        return Cell(visit.words.money(Money(row.net, row.unit)))
    moved = visit.words.money(Money(row.moved, row.unit))
    place = names.place(row.to) if row.to else visit.say(mark("the centre"))
    return Cell(_NONE, note=visit.say(mark("%(sum)s to %(site)s"), sum=moved, site=place))


_NONE: Final = "\N{EN DASH}"


def entries_of(key: str, names: Names) -> ListOf[EntryRow]:
    """Return the list of an account's entries."""
    return ListOf(
        "entries",
        (
            Column[EntryRow](
                "entry",
                mark("Entry"),
                lambda row, visit: Cell(
                    f"{ledgers.kind_of(visit, row.entry.kind)} {row.entry.n}", note=row.entry.note
                ),
                lambda row: row.entry.n,
                kind=Kind.NUMBER,
            ),
            Column[EntryRow](
                "by",
                mark("By"),
                lambda row, _: Cell(
                    names.places.get(row.entry.author, person_of(row.entry.author))
                ),
                lambda row: row.entry.author,
                wide=True,
            ),
            Column[EntryRow](
                "at",
                mark("When"),
                lambda row, visit: Cell(when=visit.local(row.entry.at)),
                lambda row: row.entry.at,
                kind=Kind.MOMENT,
            ),
            Column[EntryRow](
                "amount",
                mark("Amount"),
                lambda row, visit: _amount(row, visit, names),
                lambda row: row.net,
                kind=Kind.MICROS,
                number=True,
            ),
        ),
        lambda tx, query: _read(tx, key, query),
        Right.SEE_ACCOUNTS,
        link=lambda row: f"/accounts/entries/{row.entry.n}",
        limit=25,
    )


def known(tx: Transaction, key: str) -> AccountRecord:
    """Return an account.

    Raises:
        HTTPException: 404, there is none.
    """
    found = accounts.find(tx, key)
    if found is None:
        raise HTTPException(404, sentences.NO_PAGE)
    return found


def _grants(tx: Transaction, key: str) -> list[Schedule]:
    """Return the periodic grants that post to an account, or to a group its person is in."""
    kind, _, rest = key.partition(":")
    row = directory.get(tx, "user", rest.partition(".")[0])
    groups = {f"group:{each}" for each in UserRow.model_validate(row).groups} if row else set()
    wallet = f"{kind}.{rest.partition('.')[2]}".rstrip(".")
    return [
        each
        for each in schedules.every(tx)
        if each.allowance.target == f"account:{key}"
        or (each.allowance.target in groups and each.allowance.wallet == wallet)
    ]


async def show(visit: Visit) -> Response:
    """Show an account."""
    key = visit.path("key")
    names = await visit.read(places_named)
    what = entries_of(key, names)

    def first(tx: Transaction) -> tuple[AccountRecord, dict[str, int]]:
        record = known(tx, key)
        return record, ledger.places_of(tx, key, record.unit)

    record, places = await visit.read(first)
    if (fetched := lists.file(visit, what)) is not None:
        return fetched
    query = lists.query_of(visit, what)

    def rest(tx: Transaction) -> tuple[Rows[EntryRow], list[Schedule], int, str]:
        many = members.count(tx, key)
        return _read(tx, key, query), _grants(tx, key), many, ledgers.label_of(tx, key)

    rows, grants, many, label = await visit.read(rest)
    empty = Empty(
        "money",
        visit.say(mark("Entries will stand here")),
        visit.say(mark("Nothing has come onto this account yet.")),
    )
    table = lists.shown(visit, what, query, rows, empty=empty)
    rules = record.rules
    view = AccountPage(
        key=key,
        label=label or key,
        kind=account_words.kind_of(visit, key),
        chip=account_words.state_chip(visit, record.state),
        unlimited=rules.unlimited,
        balance=Money(sum(places.values()), record.unit),
        places=tuple(
            PlaceView(names.place(place) if place else "", Money(micros, record.unit))
            for place, micros in sorted(places.items())
            if micros
        ),
        where=account_words.where(visit, names, places, record.unit),
        overdraft=Money(-rules.floor, record.unit) if rules.floor else None,
        counts=visit.say(account_words.COUNTS[rules.counts]) if record.unit == "page" else "",
        parent=rules.parent or "",
        merged_into=record.merged_into or "",
        grants=tuple(
            GrantView(
                each.name,
                account_words.grant_of(visit, each),
                account_words.plan_of(visit, each.plan),
                each.progress.paused,
            )
            for each in grants
        ),
        members=many,
        has_members=bool(many) or key.partition(":")[0] in CHOSEN_KINDS,
        list=table,
        may_change=visit.may(Right.CHANGE_ACCOUNTS),
        may_take=visit.may(Right.TAKE_MONEY),
        usable=record.state in {"open", "frozen"},
        frozen=record.state == "frozen",
    )
    return visit.page("money-account.html", view)


# ── one entry ───────────────────────────────────────────────────────────────────────────────


@dataclass(frozen=True, slots=True)
class EntryPage:
    """The page."""

    ledger: Ledger
    kind: str
    job: str
    """Its job's page; empty: it is about none, or the reader sees no jobs."""


async def show_entry(visit: Visit) -> Response:
    """Show one entry."""
    text = visit.path("n")
    n = int(text) if text.isascii() and text.isdigit() and len(text) < 19 else 0  # noqa: PLR2004

    def look(tx: Transaction) -> tuple[ListedEntry, Names, str, str]:
        found = store_lists.entries_numbered(tx, [n])
        if not found:
            raise HTTPException(404, sentences.NO_PAGE)
        names = Names()
        names.learn(tx, found)
        job = account_list.jobs_of(tx, found).get(n, "")
        node = account_list.node_of(tx, job) if job else ""
        return found[0], names, job, node

    entry, names, job, node = await visit.read(look)
    sees = bool(node) and visit.may(Right.SEE_JOBS, node)
    author = names.places.get(entry.author)
    shown = ledgers.ledger(visit, entry, names)
    view = EntryPage(
        replace(shown, author=author) if author else shown,
        ledgers.kind_of(visit, entry.kind),
        f"/jobs/{job}" if sees else "",
    )
    return visit.page("money-entry.html", view)


PAGES: Final = (
    Page("/accounts/of/{key:path}", show, Right.SEE_ACCOUNTS),
    Page("/accounts/entries/{n}", show_entry, Right.SEE_ACCOUNTS),
)
