"""One's own: what money there is and where it sits, sessions, the password."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Final

from broker.directory import UserRow
from central import pins
from central.rights import Right
from central.store import (
    directory,
    job_search,
    lists,
    nodes,
    openid,
    second_factors,
    secrets,
    sign_in_tries,
    wallets,
    web_sessions,
)
from central.web.pages.sentences import mark
from central.web.pages.standing import Over, whose
from central.web.pages.table import Nav, Page
from central.web.pages.views import Notice
from config.policy.money import Money

if TYPE_CHECKING:
    from datetime import datetime

    from starlette.responses import Response

    from central.signing_in import Whose
    from central.store.accounts import Balance
    from central.store.books import Transaction
    from central.web.pages.forms import Wrong
    from central.web.pages.visit import Visit

#: Documents that wait are counted so far.
_WAITING: Final = 100
_ENDED: Final = mark("That session is over.")
_ENDED_ALL: Final = mark("All other sessions are over.")
_CHANGED: Final = mark("Your password is changed. You are signed off everywhere else.")
_OLD_WRONG: Final = mark("This is not your password.")
_NOT_SAME: Final = mark("The two are not the same.")
_WAIT: Final = mark("Too many tries. The next one can be made in %(time)s.")
_CENTRE: Final = mark("at the centre")


# ── home ────────────────────────────────────────────────────────────────────────────────────


@dataclass(frozen=True, slots=True)
class Place:
    """A part of an account's money."""

    name: str
    """What people call the site; translated for the centre."""
    amount: Money


@dataclass(frozen=True, slots=True)
class Account:
    """An account that one may spend."""

    key: str
    label: str
    balance: Money
    places: tuple[Place, ...]
    own: bool
    """One's own, not shared."""


@dataclass(frozen=True, slots=True)
class Home:
    """The page."""

    display: str
    accounts: tuple[Account, ...]
    whole: tuple[Money, ...]
    """One's own money, by unit."""
    waiting: int
    """Documents that wait, as far as one page of them goes."""
    send: bool
    """Documents can be sent from here."""


async def home(visit: Visit) -> Response:
    """Show what there is to print with, and where it sits."""
    name = visit.me.name
    centre = visit.say(_CENTRE)
    send = visit.centre.settings.web.uploads.enabled
    view = await visit.read(lambda tx: _home(tx, name, visit.me.display, centre, send=send))
    return visit.page("me.html", view)


def _home(tx: Transaction, name: str, display: str, centre: str, *, send: bool) -> Home:
    row = UserRow.model_validate(directory.get(tx, "user", name))
    keys = tuple(
        dict.fromkeys((*(key for each in wallets.lists_of(row) for key in each), *row.choices))
    )
    sites = nodes.called(tx)
    found = []
    sums: dict[str, int] = {}
    for key, parts in lists.balances(tx, keys).items():
        label = _label(tx, key)
        own = key.partition(":")[2].partition(".")[0] == name
        for unit in dict.fromkeys(part.unit for part in parts) or (tx.identity.currency,):
            mine = [part for part in parts if part.unit == unit]
            whole = sum(part.micros for part in mine)
            if own:
                sums[unit] = sums.get(unit, 0) + whole
            places = tuple(
                Place(sites.get(part.place, part.place) if part.place else centre, _sum(part))
                for part in mine
                if part.micros
            )
            found.append(Account(key, label, Money(whole, unit), places, own))
    whole_ = tuple(Money(micros, unit) for unit, micros in sums.items())
    which = job_search.Which(user=name, state="pending-held")
    waiting = len(job_search.search(tx, which, limit=_WAITING).jobs)
    return Home(display, tuple(found), whole_, waiting, send)


def _sum(part: Balance) -> Money:
    return Money(part.micros, part.unit)


def _label(tx: Transaction, key: str) -> str:
    row = directory.get(tx, "account", key)
    return str((row or {}).get("label", "")) or key


# ── sessions ────────────────────────────────────────────────────────────────────────────────


@dataclass(frozen=True, slots=True)
class SessionView:
    """A browser one is signed in with."""

    n: int
    agent: str
    address: str
    made_at: datetime
    seen_at: datetime
    here: bool


@dataclass(frozen=True, slots=True)
class Security:
    """The page."""

    sessions: tuple[SessionView, ...]
    has_password: bool
    factor: bool
    """An authenticator is set up."""
    recovery_left: int
    provider: str = ""
    """What people call who else lets them in; empty: nobody does."""
    joined: bool = False
    """It lets in whoever looks."""
    wrong: dict[str, str] = field(default_factory=dict)


async def security(visit: Visit) -> Response:
    """Show where one is signed in, and how."""
    return visit.page("security.html", await visit.read(lambda tx: _security(tx, visit, {})))


async def end_one(visit: Visit) -> Response:
    """End one of one's own sessions."""
    text = visit.form.text("n", 18)
    n = int(text) if text.isascii() and text.isdigit() else 0
    who = visit.me

    def act(tx: Transaction) -> bool:
        return web_sessions.end(tx, who.name, n)

    done = await visit.write(act)
    notice = Notice("good", visit.say(_ENDED)) if done else None
    return visit.go("/sign-in" if done and n == who.session.n else "/me/security", notice)


async def end_others(visit: Visit) -> Response:
    """End all of one's sessions but this."""
    who = visit.me
    await visit.write(lambda tx: web_sessions.end_all(tx, who.name, but=who.session.n))
    return visit.go("/me/security", Notice("good", visit.say(_ENDED_ALL)))


async def change_password(visit: Visit) -> Response:
    """Set another password: the old one is asked for, and all other sessions end."""
    who, form = visit.me, visit.form
    new = form.text("password", 300)
    wrong: Wrong = {}
    reason = pins.wrong_password(new, who.name)
    if reason is not None:
        wrong["password"] = visit.say(reason)
    elif new != form.text("again", 300):
        wrong["again"] = visit.say(_NOT_SAME)
    marks: dict[Whose, str] = {"name": visit.centre.sealer.keyed("name", who.name)}
    if not wrong:
        wait = await visit.write(lambda tx: sign_in_tries.begin(tx, marks))
        if wait is not None:
            wrong["old"] = visit.say(_WAIT, time=visit.words.lasting(wait.rest))
    if not wrong:
        phc = await visit.read(lambda tx: _phc(tx, who.name))
        checked = await visit.centre.passwords.check(phc, form.text("old", 300))
        if not checked.right:
            wrong["old"] = visit.say(_OLD_WRONG)
    if wrong:
        view = await visit.read(lambda tx: _security(tx, visit, wrong))
        return visit.page("security.html", view, status=422)
    made = await visit.centre.passwords.hashed(new)
    remember = visit.centre.manners.habits.remembered if who.session.remember else None
    seconds = None if remember is None else int(remember.total_seconds())
    cookie = visit.renew(seconds=seconds)

    def act(tx: Transaction) -> None:
        person = UserRow.model_validate(directory.get(tx, "user", who.name))
        secrets.store(tx, person, "password", made, author=visit.by.author)
        sign_in_tries.right(tx, marks)
        web_sessions.end_all(tx, who.name, but=who.session.n)
        web_sessions.remark_one(tx, who.session.n, web_sessions.password_mark(made))
        web_sessions.raised(
            tx, who.session.n, cookie, stage=who.session.stage, proven=who.session.proven
        )

    await visit.write(act)
    return visit.go("/me/security", Notice("good", visit.say(_CHANGED)))


def _security(tx: Transaction, visit: Visit, wrong: Wrong) -> Security:
    who = visit.me
    factor = second_factors.find(tx, who.name)
    oidc = visit.centre.settings.web.oidc
    found = [
        SessionView(
            each.n,
            each.agent,
            each.address,
            visit.local(each.made_at),
            visit.local(each.seen_at),
            each.n == who.session.n,
        )
        for each in web_sessions.of_user(tx, who.name)
        if _counts(tx, visit, each)
    ]
    return Security(
        tuple(found),
        bool(_phc(tx, who.name)),
        factor is not None and factor.confirmed,
        second_factors.recovery_left(tx, who.name),
        "" if oidc is None else oidc.called,
        oidc is not None and oidc.issuer in {each.issuer for each in openid.of_user(tx, who.name)},
        wrong,
    )


def _counts(tx: Transaction, visit: Visit, session: web_sessions.Session) -> bool:
    return not isinstance(whose(tx, session, visit.centre.manners), Over)


def _phc(tx: Transaction, name: str) -> str:
    return str((directory.get(tx, "user", name) or {}).get("password", ""))


PAGES: Final = (
    Page("/me", home, Right.OWN, nav=Nav(mark("My printing"), "person", 900, phone=True)),
    Page("/me/security", security, Right.OWN),
    Page("/me/security/end", end_one, Right.OWN, methods=("POST",)),
    Page("/me/security/end-others", end_others, Right.OWN, methods=("POST",)),
    Page("/me/password", change_password, Right.OWN, methods=("POST",)),
)
