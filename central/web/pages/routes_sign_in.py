"""Signing in by name and password, and signing off; by a provider: `routes_openid`."""

from __future__ import annotations

from dataclasses import dataclass, replace
from datetime import timedelta
from typing import TYPE_CHECKING, Final

from broker.directory import UserRow
from central.importing import rounds
from central.rights import Right, Role
from central.store import directory, person, sign_in_tries, staff, web_sessions
from central.web.pages import coming_in, guarding
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

#: The cookie that says that somebody came in by the provider: they may be signed in there still.
CAME_BY: Final = "printmesh-came-by"
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
    provider: str = ""
    """What people call who else lets them in; empty: nobody does."""
    there: str = ""
    """Where they go for that."""
    form: bool = True
    """Passwords are asked for."""
    leave: str = ""
    """Where they sign off at the provider as well; empty: nowhere."""
    ask: bool = False
    """Who has no name here can ask for one."""


def view_of(visit: Visit, view: SignIn) -> SignIn:
    """Return the page with all ways in that there are."""
    oidc, guests = visit.centre.settings.web.oidc, visit.centre.settings.guests
    ask = guests.enabled and guests.ask
    if oidc is None:
        return replace(view, ask=ask)
    query = query_of({"next": view.next if view.next != "/" else ""})
    form = not oidc.only or visit.asked("with") == "password" or bool(view.name)
    return replace(
        view,
        provider=oidc.called,
        there=f"/sign-in/oidc?{query}" if query else "/sign-in/oidc",
        form=form,
        ask=ask,
    )


async def show(visit: Visit) -> Response:
    """Show the form; who is signed in goes on."""
    following = guarding.safe_path(visit.asked("next", 2000) or "/")
    if visit.who is not None:
        return visit.go(following if visit.who.full else "/second")
    view = view_of(visit, SignIn(next=following))
    if visit.asked("left") and (provider := visit.centre.provider) is not None:
        here = f"{visit.centre.settings.web.outside}/sign-in"
        view = replace(view, leave=provider.sign_off(here))
    return visit.page("sign-in.html", view)


async def sign_in(visit: Visit) -> Response:
    """Check a name and a password: the same words and the same work whoever is named."""
    name = visit.form.text("name", _NAME_MOST).lower()
    password = visit.form.text("password", _PASSWORD_MOST)
    remember = visit.form.ticked("remember")
    following = guarding.safe_path(visit.form.text("next", 2000) or "/")
    view = view_of(visit, SignIn(name, remember, following))
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
            view = replace(view, wrong=visit.say(_SILENT), hint=visit.say(_LATER))
            return visit.page("sign-in.html", view, status=503)
    if checked.right or there:
        cookie = visit.renew(seconds=_seconds(visit, remember=remember))
        shown = replace(proof, service=proof.service if there else "")
        begun = await visit.write(
            lambda tx: _begin(tx, visit, cookie, name, shown, checked, marks, remember=remember)
        )
        if begun is not None:
            return visit.go(following if begun == "full" else coming_in.second_after(following))
    view = replace(view, wrong=visit.say(_NOT_TOGETHER), hint=visit.say(_TRY_AGAIN))
    return visit.page("sign-in.html", view, status=403)


async def sign_off(visit: Visit) -> Response:
    """End the session here and in the books."""
    who = visit.who
    if who is not None:
        await visit.write(lambda tx: web_sessions.end(tx, who.name, who.session.n))
    visit.who = None
    came_by = visit.request.cookies.get(CAME_BY, "")
    visit.forget(CAME_BY)
    visit.renew(seconds=None)
    there = "/sign-in?left=1" if came_by and visit.centre.provider is not None else "/sign-in"
    return visit.go(there, Notice("good", visit.say(_SIGNED_OFF)))


def too_many(visit: Visit, rest: timedelta, view: SignIn) -> Response:
    """Answer a try that may not be made yet."""
    said = visit.say(_WAIT, time=visit.words.lasting(max(rest, _SECOND)))
    answer = visit.page("sign-in.html", replace(view, wrong=said), status=429)
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
    oidc = visit.centre.settings.web.oidc
    if oidc is not None and oidc.only and not _is_administrator(tx, name):
        return _Proof()
    phc, known = str(row.get("password", "")), person.find(tx, name)
    source = "" if known is None else known.about.source
    asked = rounds.asked_for(visit.centre.settings.ldap, source)
    return _Proof(phc, "" if asked is None else source)


def _is_administrator(tx: Transaction, name: str) -> bool:
    return any(each.role is Role.ADMINISTRATOR for each in staff.grants(tx, name))


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
    return coming_in.begin(
        tx, visit, cookie, name, mark=web_sessions.password_mark(phc), remember=remember
    )


def _seconds(visit: Visit, *, remember: bool) -> int | None:
    return int(visit.centre.manners.habits.remembered.total_seconds()) if remember else None


PAGES: Final = (
    Page("/sign-in", show, Right.PUBLIC),
    Page("/sign-in", sign_in, Right.PUBLIC, methods=("POST",)),
    Page("/sign-off", sign_off, Right.PUBLIC, methods=("POST",)),
)
