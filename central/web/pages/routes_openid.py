"""Signing in by a provider of OpenID Connect: there, back, and joining the two for who has a role.

What is to be known until somebody is back is kept by their browser, sealed for the very cookie that
names it: nobody can bring another's answer into it, and no row of the books waits for who never
comes back.
"""

from __future__ import annotations

import json
from dataclasses import asdict, dataclass, replace
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Final

from starlette.exceptions import HTTPException

from central import openid
from central.acts import openid as acts
from central.acts.openid import CameIn, NotIn
from central.openid import Going, NotProven, ProviderSilent, Told
from central.rights import Right
from central.sealing import Unreadable
from central.store import sign_in_tries
from central.web.pages import coming_in, guarding, routes_sign_in, sentences
from central.web.pages.routes_sign_in import SignIn
from central.web.pages.sentences import mark
from central.web.pages.table import Page
from central.web.pages.views import Notice
from config.logs import logger

if TYPE_CHECKING:
    from starlette.responses import Response

    from central.acts.openid import Why
    from central.signing_in import Whose
    from central.store.books import Transaction
    from central.store.web_sessions import Stage
    from central.web.pages.visit import Visit
    from central.web.provider import Provider

_log = logger("central.openid")

#: How long somebody may take there.
_LASTS: Final = timedelta(minutes=15)
#: A longer address to go on to does not fit beside the rest.
_NEXT_MOST: Final = 1000
_CODE_MOST: Final = 2000

_LOST: Final = mark("This sign-in was begun in another window, or too long ago.")
_DECLINED: Final = mark("%(label)s did not let you in.")
_SILENT: Final = mark("%(label)s does not answer.")
_NOT_PROVEN: Final = mark("What %(label)s said of you could not be proven.")
_AGAIN: Final = mark("Begin again. If it stays so, the log of the centre says why.")
_SOON: Final = mark("Try again soon.")
_WHY: Final[dict[Why, str]] = {
    "unknown": mark("%(label)s knows you, but nobody of that name may print here."),
    "other": mark("Somebody else of that name has signed in by %(label)s before."),
    "staff": mark("Your role is not opened by %(label)s alone."),
    "account": mark("An account of your name is here already, from somebody before you."),
    "taken": mark("Whom you showed to be there is somebody else here."),
}
_WHAT_TO_DO: Final[dict[Why, str]] = {
    "unknown": mark("Ask at the desk."),
    "other": mark("Tell your administrator: the older one has to be taken off first."),
    "staff": mark("Sign in with your password once, and join the two at “Password and sessions”."),
    "account": mark("Ask at the desk."),
    "taken": mark("Tell your administrator: the older one has to be taken off first."),
}
_JOINED: Final = mark("From now on %(label)s lets you in.")


@dataclass(frozen=True, slots=True)
class _Way:
    """What a browser keeps of somebody who is on their way."""

    going: Going
    next: str
    user: str
    """Who is signed in and joins the two; empty: nobody is."""
    at: datetime


@dataclass(frozen=True, slots=True)
class Joining:
    """The page before somebody joins the two."""

    label: str
    address: str


def _provider(visit: Visit) -> Provider:
    found = visit.centre.provider
    if found is None:
        raise HTTPException(404, sentences.NO_PAGE)
    return found


# ── there ───────────────────────────────────────────────────────────────────────────────────


async def there(visit: Visit) -> Response:
    """Send somebody to the provider."""
    provider = _provider(visit)
    wanted = visit.asked("next", _NEXT_MOST + 1)
    following = guarding.safe_path(wanted) if len(wanted) <= _NEXT_MOST else "/"
    if visit.who is not None and visit.who.full:
        return visit.go(following)
    try:
        address, going = await provider.begin(again=bool(visit.asked("again")))
    except ProviderSilent as error:
        return _refused(visit, following, _SILENT, _SOON, str(error), 503)
    _keep(visit, _Way(going, following, "", visit.centre.clock()))
    return visit.leave(address)


async def join(visit: Visit) -> Response:
    """Show where somebody goes who is signed in and wants to be let in by the provider as well.

    A page and no redirect: a form of ours may lead to no other server.
    """
    provider = _provider(visit)
    try:
        # anew: whoever happens to be signed in there in this browser may be somebody else
        address, going = await provider.begin(again=True)
    except ProviderSilent as error:
        _log.warning(str(error), action="openid-silent")
        label = provider.settings.called
        notice = Notice("trouble", visit.say(_SILENT, label=label), visit.say(_SOON))
        return visit.go("/me/security", notice)
    _keep(visit, _Way(going, "/me/security", visit.me.name, visit.centre.clock()))
    return visit.page("openid-join.html", Joining(provider.settings.called, address))


# ── and back ────────────────────────────────────────────────────────────────────────────────


async def back(visit: Visit) -> Response:
    """Take what somebody brings back: who they are there, and so here."""
    provider = _provider(visit)
    way = _kept(visit)
    visit.forget(_cookie(visit))
    state, code = visit.asked("state", 200), visit.asked("code", _CODE_MOST + 1)
    if way is None and visit.who is not None and visit.who.full:
        return visit.go("/")
    if way is None or not guarding.same_text(state, way.going.state):
        return _refused(visit, "/", _LOST, _AGAIN, "an answer that nobody waits for", 403)
    if error := visit.asked("error", 60):
        return _refused(visit, way.next, _DECLINED, "", f"it says {error!a}", 403)
    told = await _told(visit, provider, way, code)
    if not isinstance(told, Told):
        return told
    return await (_join if way.user else _come_in)(visit, provider, way, told)


async def _told(visit: Visit, provider: Provider, way: _Way, code: str) -> Told | Response:
    """Return what the provider says of whoever is back, proven; or the page that says why not."""
    wait = await visit.write(lambda tx: sign_in_tries.begin(tx, _marks(visit)))
    if wait is not None:
        view = routes_sign_in.view_of(visit, SignIn(next=way.next))
        return routes_sign_in.too_many(visit, wait.rest, view)
    try:
        claims = await provider.finish(way.going, code, visit.request.query_params.get("iss"))
    except ProviderSilent as error:
        return _refused(visit, way.next, _SILENT, _SOON, str(error), 503)
    except NotProven as error:
        return _refused(visit, way.next, _NOT_PROVEN, _AGAIN, str(error), 403)
    told = openid.told(claims, provider.settings)
    if isinstance(told, Told):
        return told
    return _refused(visit, way.next, _WHY["unknown"], _WHAT_TO_DO["unknown"], told.why, 403)


def _marks(visit: Visit) -> dict[Whose, str]:
    """Return what a try is counted for: nobody is named yet."""
    return {"address": visit.centre.sealer.keyed("address", visit.address)}


async def _come_in(visit: Visit, provider: Provider, way: _Way, told: Told) -> Response:
    if visit.who is not None and visit.who.full:
        # signed in meanwhile, in another window of this browser
        return visit.go(way.next)
    cookie = visit.renew(seconds=None)

    def act(tx: Transaction) -> Stage | NotIn:
        done = acts.come_in(tx, visit.by, told, provider.settings)
        if isinstance(done, NotIn):
            return done
        sign_in_tries.right(tx, _marks(visit))
        return coming_in.begin(tx, visit, cookie, done.user, mark="", strong=told.strong)

    done = await visit.write(act)
    if isinstance(done, NotIn):
        said = f"{told.who!a} ({told.subject!a}) is {done.why}"
        return _refused(visit, way.next, _WHY[done.why], _WHAT_TO_DO[done.why], said, 403)
    visit.keep(routes_sign_in.CAME_BY, "1", seconds=None)
    return visit.go(way.next if done == "full" else coming_in.second_after(way.next))


async def _join(visit: Visit, provider: Provider, way: _Way, told: Told) -> Response:
    who = visit.who
    if who is None or not who.full or who.name != way.user:
        return _refused(visit, "/", _LOST, _AGAIN, "who wanted to join is signed off", 403)

    def act(tx: Transaction) -> CameIn | NotIn:
        sign_in_tries.right(tx, _marks(visit))
        return acts.join(tx, visit.by, told, way.user)

    done = await visit.write(act)
    label = provider.settings.called
    if isinstance(done, NotIn):
        said, hint = visit.say(_WHY[done.why], label=label), visit.say(_WHAT_TO_DO[done.why])
        return visit.go("/me/security", Notice("trouble", said, hint))
    return visit.go("/me/security", visit.told("good", _JOINED, label=label))


def _refused(
    visit: Visit, following: str, sentence: str, hint: str, why: str, status: int
) -> Response:
    """Show the page to sign in with what went wrong, in words; the log has the rest."""
    _log.warning(f"nobody is let in: {why}", action="openid-refused", address=visit.address)
    provider = _provider(visit)
    view = routes_sign_in.view_of(visit, SignIn(next=guarding.safe_path(following)))
    again = "&again=1" if "?" in view.there else "?again=1"
    shown = replace(
        view,
        wrong=visit.say(sentence, label=provider.settings.called),
        hint=visit.say(hint) if hint else "",
        # whoever is signed in there as the wrong one could never be another
        there=view.there + again,
    )
    return visit.page("sign-in.html", shown, status=status)


# ── what the browser keeps ──────────────────────────────────────────────────────────────────


def _cookie(visit: Visit) -> str:
    return "__Host-printmesh-way" if visit.centre.settings.web.secure else "printmesh-way"


def _about(visit: Visit) -> str:
    return f"way {visit.cookie}"


def _keep(visit: Visit, way: _Way) -> None:
    text = json.dumps(
        {**asdict(way.going), "next": way.next, "user": way.user, "at": way.at.timestamp()}
    )
    sealed = visit.centre.sealer.seal(text, _about(visit))
    visit.keep(_cookie(visit), sealed, seconds=int(_LASTS.total_seconds()))


def _kept(visit: Visit) -> _Way | None:
    """Return what was kept; None: nothing, another browser's, or too long ago."""
    sealed = visit.request.cookies.get(_cookie(visit), "")
    try:
        found = json.loads(visit.centre.sealer.open(sealed, _about(visit)))
    except (Unreadable, ValueError):
        return None
    at = datetime.fromtimestamp(found["at"], UTC)
    if not timedelta(0) <= visit.centre.clock() - at <= _LASTS:
        return None
    going = Going(found["state"], found["nonce"], found["verifier"])
    return _Way(going, found["next"], found["user"], at)


PAGES: Final = (
    Page("/sign-in/oidc", there, Right.PUBLIC),
    Page("/sign-in/oidc/back", back, Right.PUBLIC),
    Page("/me/security/join", join, Right.OWN, methods=("POST",)),
)
