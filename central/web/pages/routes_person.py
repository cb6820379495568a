"""One person: what they have, who they are, how they are let in, what they printed."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from central.rights import Right
from central.store import (
    audit,
    cards,
    job_search,
    lists,
    nodes,
    openid,
    second_factors,
    staff,
    wallets,
    web_sessions,
)
from central.web.pages import card_views, ledgers, people_words, routes_jobs
from central.web.pages.job_words import person_of
from central.web.pages.sentences import mark
from central.web.pages.table import Page
from config.policy.money import Money

if TYPE_CHECKING:
    from datetime import datetime

    from starlette.responses import Response

    from broker.directory import UserRow
    from central.rights import Grant
    from central.store.accounts import Balance
    from central.store.audit import Act
    from central.store.books import Transaction
    from central.store.job_search import Found
    from central.store.person import Person
    from central.web.pages.lists import Cell
    from central.web.pages.routes_jobs import JobRow
    from central.web.pages.views import Chip
    from central.web.pages.visit import Visit

_JOBS: Final = 8
_ACTS: Final = 12


@dataclass(frozen=True, slots=True)
class PartAt:
    """A part of an account's money."""

    place: str
    amount: Money


@dataclass(frozen=True, slots=True)
class AccountView:
    """An account they may spend."""

    label: str
    href: str
    balances: tuple[Money, ...]
    parts: tuple[PartAt, ...]
    chosen: bool
    """Only when they ask for it: a department's, a project's."""


@dataclass(frozen=True, slots=True)
class JobView:
    """A job, as the list of jobs has it."""

    href: str
    cells: tuple[Cell, ...]


@dataclass(frozen=True, slots=True)
class ActView:
    """Something that was done by them, or to them."""

    at: datetime
    author: str
    act: str
    target: str


@dataclass(frozen=True, slots=True)
class RoleView:
    """A role they have."""

    role: str
    sites: tuple[str, ...]
    """None: all."""


@dataclass(frozen=True, slots=True)
class LetIn:
    """How they are let in."""

    pin: bool
    password: bool
    factor: bool
    sessions: int
    """Browsers they are signed in with."""
    provider: str = ""
    """What people call who else lets them in; empty: nobody does."""


@dataclass(frozen=True, slots=True)
class May:
    """What whoever looks may do about them."""

    change: bool
    help: bool
    staff: bool
    jobs: bool
    accounts: bool


@dataclass(frozen=True, slots=True)
class PersonPage:
    """The page."""

    who: Person
    row: UserRow
    base: str
    state: Chip
    source: str
    whole: tuple[Money, ...]
    """Their own money, by unit."""
    accounts: tuple[AccountView, ...]
    cards: tuple[card_views.CardView, ...]
    let_in: LetIn
    roles: tuple[RoleView, ...]
    operates: tuple[str, ...]
    heads: tuple[str, ...]
    jobs: tuple[JobView, ...]
    acts: tuple[ActView, ...] | None
    """None: they are not for whoever looks."""
    may: May
    me: bool
    """It is whoever looks."""


@dataclass(frozen=True, slots=True)
class _Looked:
    """What the books say."""

    who: Person
    row: UserRow
    balances: dict[str, list[Balance]]
    chosen: frozenset[str]
    names: ledgers.Names
    cards: list[cards.Card]
    let_in: LetIn
    grants: tuple[Grant, ...]
    jobs: tuple[JobRow, ...]
    acts: list[Act] | None
    help: bool


async def show(visit: Visit) -> Response:
    """Show a person."""
    found = await visit.read(lambda tx: _look(tx, visit))
    return visit.page("person.html", _view(visit, found))


def _look(tx: Transaction, visit: Visit) -> _Looked:
    who, row = people_words.there(tx, visit)
    own = tuple(key for each in wallets.lists_of(row) for key in each)
    choices = wallets.choices_of(tx, who.name)
    keys = tuple(dict.fromkeys((*own, *row.choices, *choices)))
    names = ledgers.Names(places=nodes.called(tx))
    names.know(tx, *keys)
    factor = second_factors.find(tx, who.name)
    let_in = LetIn(
        bool(row.pin),
        bool(row.password),
        factor is not None and factor.confirmed,
        len(web_sessions.of_user(tx, who.name)),
        _provider(tx, visit, who.name),
    )
    jobs: Found | None = None
    if visit.may(Right.SEE_JOBS):
        which = job_search.Which(user=who.name, nodes=visit.sites(Right.SEE_JOBS))
        jobs = job_search.search(tx, which, limit=_JOBS)
    acts = None
    if visit.may(Right.SEE_AUDIT):
        acts = audit.search(tx, audit.Which(person=who.name), limit=_ACTS)
    return _Looked(
        who,
        row,
        lists.balances(tx, keys) if visit.may(Right.SEE_ACCOUNTS) else {},
        frozenset(keys) - frozenset(own),
        names,
        cards.every(tx, who.name),
        let_in,
        staff.grants(tx, who.name),
        () if jobs is None else routes_jobs.rows_of(tx, jobs.jobs),
        acts,
        people_words.may_help(tx, visit, who.name),
    )


def _provider(tx: Transaction, visit: Visit, name: str) -> str:
    """Return by which provider somebody comes in; by its address where it is not this one."""
    joined = [each.issuer for each in openid.of_user(tx, name)]
    oidc = visit.centre.settings.web.oidc
    if oidc is not None and oidc.issuer in joined:
        return oidc.called
    return joined[0] if joined else ""


def _view(visit: Visit, found: _Looked) -> PersonPage:
    who, row = found.who, found.row
    accounts = tuple(_account(visit, found, key) for key in found.balances)
    sums: dict[str, int] = {}
    for key, parts in found.balances.items():
        if key not in found.chosen and key.partition(":")[0] in people_words.OWN:
            for part in parts:
                sums[part.unit] = sums.get(part.unit, 0) + part.micros
    columns = routes_jobs.COLUMNS
    return PersonPage(
        who,
        row,
        people_words.address_of(who.name),
        people_words.state_chip(visit, who),
        people_words.source_word(visit, who.about.source),
        tuple(Money(micros, unit) for unit, micros in sums.items()),
        accounts,
        tuple(card_views.view_of(visit, each) for each in found.cards),
        found.let_in,
        tuple(_role(found, each) for each in found.grants),
        tuple("" if each == "*" else found.names.place(each) for each in row.operates),
        tuple(visit.say(each.label) for each in columns),
        tuple(
            JobView(
                f"/jobs/{each.listed.job.job}",
                tuple(column.show(each, visit) for column in columns),
            )
            for each in found.jobs
        ),
        None if found.acts is None else tuple(_act(visit, each) for each in found.acts),
        May(
            visit.may(Right.CHANGE_PEOPLE),
            found.help,
            visit.may(Right.CHANGE_STAFF),
            visit.may(Right.SEE_JOBS),
            visit.may(Right.SEE_ACCOUNTS),
        ),
        who.name == visit.name,
    )


def _account(visit: Visit, found: _Looked, key: str) -> AccountView:
    parts = found.balances[key]
    sums: dict[str, int] = {}
    for part in parts:
        sums[part.unit] = sums.get(part.unit, 0) + part.micros
    label = found.names.account(visit, key)
    if key not in found.chosen and key.startswith("user:"):
        label = visit.say(mark("Own account"))
    centre = visit.say(mark("at the centre"))
    return AccountView(
        label,
        ledgers.address_of(key),
        tuple(Money(micros, unit) for unit, micros in sums.items()),
        tuple(
            PartAt(
                found.names.place(part.place) if part.place else centre,
                Money(part.micros, part.unit),
            )
            for part in parts
            if part.micros
        ),
        key in found.chosen,
    )


def _role(found: _Looked, grant: Grant) -> RoleView:
    if grant.everywhere:
        return RoleView(grant.role.value, ())
    return RoleView(
        grant.role.value, tuple(found.names.place(each) for each in sorted(grant.sites))
    )


def _act(visit: Visit, act: Act) -> ActView:
    author = person_of(act.author) or act.author
    return ActView(visit.local(act.at), author, act.act, act.target)


PAGES: Final = (Page("/people/{user}", show, Right.SEE_PEOPLE),)
