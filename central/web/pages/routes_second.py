"""The second factor: setting an authenticator up, showing a code of it, recovery codes."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from central.rights import Right
from central.sealing import Unreadable
from central.second_factor import (
    about,
    address_of,
    looks_like_recovery,
    new_secret,
    recovery_codes,
    recovery_digest,
    step_of,
)
from central.store import audit, second_factors, sign_in_tries, web_sessions
from central.web.pages import coming_in, guarding
from central.web.pages.sentences import mark
from central.web.pages.table import Page
from central.web.pages.visit import new_cookie

if TYPE_CHECKING:
    from starlette.responses import Response

    from central.signing_in import Wait, Whose
    from central.store.books import Transaction
    from central.web.pages.standing import Who
    from central.web.pages.visit import Visit

_CODE_MOST: Final = 60
_WRONG: Final = mark("This code is not right, or was used already.")
_WRONG_HINT: Final = mark("Codes change every 30 seconds; check the clock of the phone.")
_UNREADABLE: Final = mark("Your authenticator cannot be read here any more.")
_UNREADABLE_HINT: Final = mark(
    "Use a recovery code, or ask an administrator to reset your authenticator."
)
_WAIT: Final = mark("Too many tries. The next one can be made in %(time)s.")
_GROUP: Final = 4


@dataclass(frozen=True, slots=True)
class Second:
    """The page."""

    enrol: bool
    """An authenticator is being set up."""
    begun: bool
    """There is a secret to set one up with."""
    address: str = ""
    """What its QR code says."""
    typed: str = ""
    """The secret in groups, for who cannot scan."""
    next: str = ""
    wrong: str = ""
    hint: str = ""


@dataclass(frozen=True, slots=True)
class Codes:
    """Recovery codes, shown once."""

    codes: tuple[str, ...]
    next: str
    name: str


async def show(visit: Visit) -> Response:
    """Ask for a code, or show what to set an authenticator up with."""
    following = guarding.safe_path(visit.asked("next", 2000) or "/")
    who = visit.me
    if who.full:
        return visit.go(following)
    view = await visit.read(lambda tx: _view(tx, visit, who, following))
    return visit.page("second.html", view)


async def begin(visit: Visit) -> Response:
    """Make a secret for somebody who has no authenticator yet."""
    who = visit.me

    def act(tx: Transaction) -> None:
        found = second_factors.find(tx, who.name)
        if found is None or not found.confirmed:
            sealed = visit.centre.sealer.seal(new_secret(visit.centre.dice), about(who.name))
            second_factors.begin(tx, who.name, sealed)

    await visit.write(act)
    return visit.go(
        coming_in.second_after(guarding.safe_path(visit.form.text("next", 2000) or "/"))
    )


async def prove(visit: Visit) -> Response:
    """Take a code: the session gets all its rights, under another cookie."""
    who = visit.me
    following = guarding.safe_path(visit.form.text("next", 2000) or "/")
    if who.full:
        return visit.go(following)
    code = visit.form.text("code", _CODE_MOST)
    cookie = new_cookie()
    done = await visit.write(lambda tx: _prove(tx, visit, who, code, cookie))
    if isinstance(done, _Proven):
        seconds = int(visit.centre.manners.habits.remembered.total_seconds())
        visit.renew(seconds=seconds if who.session.remember else None, cookie=cookie)
        visit.who = None  # as it was; the next page knows more
        if done.codes:
            return visit.page("codes.html", Codes(done.codes, following, who.name))
        return visit.go(following)
    view = await visit.read(lambda tx: _view(tx, visit, who, following))
    if done is None:
        wrong, hint, status = visit.say(_WRONG), visit.say(_WRONG_HINT), 403
    else:
        time = visit.words.lasting(done.rest)
        wrong, hint, status = visit.say(_WAIT, time=time), "", 429
    shown = Second(view.enrol, view.begun, view.address, view.typed, following, wrong, hint)
    return visit.page("second.html", shown, status=status)


@dataclass(frozen=True, slots=True)
class _Proven:
    """It was right."""

    codes: tuple[str, ...]
    """New recovery codes, when an authenticator was set up just now."""


def _prove(
    tx: Transaction, visit: Visit, who: Who, code: str, cookie: str
) -> _Proven | Wait | None:
    marks: dict[Whose, str] = {"factor": visit.centre.sealer.keyed("factor", who.name)}
    wait = sign_in_tries.begin(tx, marks)
    if wait is not None:
        return wait
    found = second_factors.find(tx, who.name)
    if found is None or web_sessions.find(tx, visit.cookie) is None:
        return None
    fresh: tuple[str, ...] = ()
    if looks_like_recovery(code) and found.confirmed:
        if not second_factors.use_recovery(tx, who.name, recovery_digest(code)):
            return None
        left = second_factors.recovery_left(tx, who.name)
        _note(tx, visit, who, "recovery code used", {"left": left})
    else:
        secret = _opened(visit, who.name, found.sealed)
        step = None if secret is None else step_of(secret, code, tx.now, found.step)
        if step is None or not second_factors.taken(tx, who.name, step):
            return None
        if not found.confirmed:
            fresh = recovery_codes(visit.centre.dice)
            second_factors.put_recovery(tx, who.name, map(recovery_digest, fresh))
            _note(tx, visit, who, "factor set")
    sign_in_tries.right(tx, marks)
    web_sessions.raised(tx, who.session.n, cookie, stage="full", proven=True)
    if who.staff:
        coming_in.note(tx, visit, who.name)
    return _Proven(fresh)


def _view(tx: Transaction, visit: Visit, who: Who, following: str) -> Second:
    found = second_factors.find(tx, who.name)
    if found is None:
        return Second(enrol=True, begun=False, next=following)
    secret = _opened(visit, who.name, found.sealed)
    if secret is None:
        wrong, hint = visit.say(_UNREADABLE), visit.say(_UNREADABLE_HINT)
        # one that was never confirmed may be begun anew
        return Second(not found.confirmed, False, next=following, wrong=wrong, hint=hint)  # noqa: FBT003
    if found.confirmed:
        return Second(enrol=False, begun=True, next=following)
    issuer = visit.centre.organisation or "Printmesh"
    return Second(
        enrol=True,
        begun=True,
        address=address_of(secret, user=who.name, issuer=issuer),
        typed=" ".join(secret[n : n + _GROUP] for n in range(0, len(secret), _GROUP)),
        next=following,
    )


def _opened(visit: Visit, name: str, sealed: str) -> str | None:
    try:
        return visit.centre.sealer.open(sealed, about(name))
    except Unreadable:
        return None


def _note(
    tx: Transaction, visit: Visit, who: Who, act: str, detail: dict[str, int] | None = None
) -> None:
    audit.note(
        tx,
        author=f"web:{who.name}",
        from_=visit.address,
        act=act,
        target=f"person:{who.name}",
        detail=detail,
    )


PAGES: Final = (
    Page("/second", show, Right.OWN, half_way=True),
    Page("/second", prove, Right.OWN, methods=("POST",), half_way=True),
    Page("/second/begin", begin, Right.OWN, methods=("POST",), half_way=True),
)
