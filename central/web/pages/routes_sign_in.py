"""Signing in by name and password, and signing off."""

from __future__ import annotations

from dataclasses import dataclass, replace
from datetime import timedelta
from typing import TYPE_CHECKING, Final

from broker.directory import UserRow
from central.importing import rounds
from central.rights import Right
from central.second_factor import about, new_secret
from central.store import (
    audit,
    directory,
    person,
    second_factors,
    sign_in_tries,
    staff,
    web_sessions,
)
from central.web.pages import guarding
from central.web.pages.sentences import mark
from central.web.pages.table import Page
from central.web.pages.views import Notice
from central.web.pages.visit import query_of
from config.errors import PrintmeshError

if TYPE_CHECKING:
    from starlette.responses import Response

    from central.signing_in import Whose
    from central.store.books import Transaction
    from central.web.pages.proving import Checked
    from central.web.pages.visit import Visit

_NAME_MOST: Final = 255
_PASSWORD_MOST: Final = 255
_SECOND: Final = timedelta(seconds=1)
_NOT_TOGETHER: Final = mark("This user name and password do not belong together.")
_TRY_AGAIN: Final = mark("Check both and try again. Passwords are set at the desk.")
_WAIT: Final = mark("Too many tries. The next one can be made in %(time)s.")
_SILENT: Final = mark("Passwords cannot be checked at the moment.")
_LATER: Final = mark("The directory service of this organisation does not answer. Try again soon.")
_SIGNED_OFF: Final = mark("You are signed off.")


@dataclass(frozen=True, slots=True)
class SignIn:
    """The page."""

    name: str = ""
    remember: bool = False
    next: str = ""
    wrong: str = ""
    """Translated; empty: nothing is."""
    hint: str = ""


async def show(visit: Visit) -> Response:
    """Show the form; who is signed in goes on."""
    following = guarding.safe_path(visit.asked("next", 2000) or "/")
    if visit.who is not None:
        return visit.go(following if visit.who.full else "/second")
    return visit.page("sign-in.html", SignIn(next=following))


async def sign_in(visit: Visit) -> Response:
    """Check a name and a password: the same words and the same work whoever is named."""
    name = visit.form.text("name", _NAME_MOST).lower()
    password = visit.form.text("password", _PASSWORD_MOST)
    remember = visit.form.ticked("remember")
    following = guarding.safe_path(visit.form.text("next", 2000) or "/")
    view = SignIn(name, remember, following)
    marks: dict[Whose, str] = {
        "name": visit.centre.sealer.keyed("name", name),
        "address": visit.centre.sealer.keyed("address", visit.address),
    }
    # counted before it is checked: many at once are no way around it
    wait = await visit.write(lambda tx: sign_in_tries.begin(tx, marks))
    if wait is not None:
        return too_many(visit, wait.rest, view)
    proof = await visit.read(lambda tx: _proof_of(tx, visit, name))
    checked = await visit.centre.passwords.check(proof.phc, password)
    there = False
    if not checked.right:
        try:
            there = await _right_there(visit, proof, name, password)
        except PrintmeshError:
            view = SignIn(name, remember, following, visit.say(_SILENT), visit.say(_LATER))
            return visit.page("sign-in.html", view, status=503)
    if checked.right or there:
        cookie = visit.renew(seconds=_seconds(visit, remember=remember))
        shown = replace(proof, service=proof.service if there else "")
        begun = await visit.write(
            lambda tx: _begin(tx, visit, cookie, name, shown, checked, marks, remember=remember)
        )
        if begun is not None:
            return visit.go(following if begun == "full" else second_after(following))
    view = SignIn(name, remember, following, visit.say(_NOT_TOGETHER), visit.say(_TRY_AGAIN))
    return visit.page("sign-in.html", view, status=403)


async def sign_off(visit: Visit) -> Response:
    """End the session here and in the books."""
    who = visit.who
    if who is not None:
        await visit.write(lambda tx: web_sessions.end(tx, who.name, who.session.n))
    visit.who = None
    visit.renew(seconds=None)
    return visit.go("/sign-in", Notice("good", visit.say(_SIGNED_OFF)))


def too_many(visit: Visit, rest: timedelta, view: SignIn) -> Response:
    """Answer a try that may not be made yet."""
    said = visit.say(_WAIT, time=visit.words.lasting(max(rest, _SECOND)))
    shown = SignIn(view.name, view.remember, view.next, said)
    answer = visit.page("sign-in.html", shown, status=429)
    answer.headers["retry-after"] = str(int(rest.total_seconds()) + 1)
    return answer


@dataclass(frozen=True, slots=True)
class _Proof:
    """What shows that somebody is who they say; nothing for who may not sign in."""

    phc: str = ""
    """The hash of a password that was set here."""
    service: str = ""
    """The directory service that knows another one, as the books call it."""


def _proof_of(tx: Transaction, visit: Visit, name: str) -> _Proof:
    row = directory.get(tx, "user", name) if name else None
    if row is None or not row.get("enabled", True):
        return _Proof()
    phc, known = str(row.get("password", "")), person.find(tx, name)
    source = "" if known is None else known.about.source
    asked = rounds.asked_for(visit.centre.settings.ldap, source)
    return _Proof(phc, "" if asked is None else source)


async def _right_there(visit: Visit, proof: _Proof, name: str, password: str) -> bool:
    """Say whether a directory service takes the password; it is asked whoever was named.

    Raises:
        PrintmeshError: it cannot be asked at present.
    """
    services = [each for each in visit.centre.settings.ldap if each.sign_in]
    if not services:
        return False
    own = rounds.asked_for(services, proof.service)
    if own is None:
        return await visit.centre.services.check(services[0], "", "")
    return await visit.centre.services.check(own, name, password)


def _begin(
    tx: Transaction,
    visit: Visit,
    cookie: str,
    name: str,
    shown: _Proof,
    checked: Checked,
    marks: dict[Whose, str],
    *,
    remember: bool,
) -> str | None:
    """Begin the session of somebody whose password was right; None when that was changed since."""
    now, phc = _proof_of(tx, visit, name), shown.phc
    if now.phc != phc or (shown.service and now.service != shown.service):
        return None
    if not phc and not shown.service:
        return None
    sign_in_tries.right(tx, marks)
    if checked.better:
        row = UserRow.model_validate(directory.get(tx, "user", name))
        directory.put(tx, "user", name, row.model_copy(update={"password": checked.better}))
        web_sessions.remark(
            tx, name, web_sessions.password_mark(phc), web_sessions.password_mark(checked.better)
        )
        phc = checked.better
    grants = staff.grants(tx, name)
    factor = second_factors.find(tx, name)
    wanted = visit.centre.manners.wants_factor(grants)
    if wanted and factor is None:
        sealed = visit.centre.sealer.seal(new_secret(visit.centre.dice), about(name))
        second_factors.begin(tx, name, sealed)
    half_way = wanted or (factor is not None and factor.confirmed)
    habits = visit.centre.manners.habits
    longest = habits.staff_longest if grants else habits.people_longest
    if not grants and remember:
        longest = habits.remembered
    web_sessions.tidy(tx)
    sign_in_tries.tidy(tx)
    web_sessions.begin(
        tx,
        cookie,
        name,
        stage="password" if half_way else "full",
        mark=web_sessions.password_mark(phc),
        ends_at=tx.now + longest,
        remember=remember,
        address=visit.address,
        agent=visit.request.headers.get("user-agent", ""),
    )
    if grants and not half_way:
        note_sign_in(tx, visit, name)
    return "password" if half_way else "full"


def second_after(following: str) -> str:
    """Return the address of the second factor's page, from where it goes on."""
    query = query_of({"next": following if following != "/" else ""})
    return f"/second?{query}" if query else "/second"


def note_sign_in(tx: Transaction, visit: Visit, name: str) -> None:
    """Write down that somebody of the staff came in."""
    audit.note(
        tx, author=f"web:{name}", from_=visit.address, act="sign-in", target=f"person:{name}"
    )


def _seconds(visit: Visit, *, remember: bool) -> int | None:
    return int(visit.centre.manners.habits.remembered.total_seconds()) if remember else None


PAGES: Final = (
    Page("/sign-in", show, Right.PUBLIC),
    Page("/sign-in", sign_in, Right.PUBLIC, methods=("POST",)),
    Page("/sign-off", sign_off, Right.PUBLIC, methods=("POST",)),
)
