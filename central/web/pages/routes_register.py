"""Asking to be let in, where the settings allow it: the form, and the desk that sees who asks."""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Final

from starlette.exceptions import HTTPException

from central import pins
from central.acts import naming, registrations
from central.acts.registrations import Wish
from central.rights import Right
from central.store import registrations as kept
from central.store import sign_in_tries
from central.store.ledger import Refused
from central.web.pages import routes_guests, sentences
from central.web.pages.routes_guests import last_day, usual_day
from central.web.pages.sentences import mark
from central.web.pages.table import Page

if TYPE_CHECKING:
    from datetime import datetime

    from starlette.responses import Response

    from central.acts.guests import Guest
    from central.signing_in import Whose
    from central.store.books import Transaction
    from central.web.pages.forms import Wrong
    from central.web.pages.visit import Visit
    from config.settings_directory_services import GuestSettings

_SHOWN: Final = 100
_CODE_MOST: Final = 60
_NEEDED: Final = mark("This is needed.")
_NOT_SAME: Final = mark("The two are not the same.")
_WAIT: Final = mark("Too many tries. The next one can be made in %(time)s.")
_FULL: Final = mark("Too many people wait already. Ask at the desk.")
_NO_SUCH: Final = mark("Nobody waits with this code. It may be too old, or mistyped.")
_AWAY: Final = mark("Their wish is forgotten.")


@dataclass(frozen=True, slots=True)
class Registering:
    """The form of somebody who is nobody here yet."""

    display: str = ""
    email: str = ""
    trouble: str = ""
    wrong: Wrong = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Registered:
    """What they are told; the code is shown once."""

    name: str
    code: str
    until: datetime


@dataclass(frozen=True, slots=True)
class WaitingView:
    """Somebody who waits, as the desk sees them."""

    n: int
    display: str
    email: str
    made_at: datetime
    until: datetime


@dataclass(frozen=True, slots=True)
class Desk:
    """The page of the desk."""

    waiting: tuple[WaitingView, ...]
    number: int
    until: str
    longest: int
    code: str = ""
    wrong: Wrong = field(default_factory=dict)


def _settings(visit: Visit) -> GuestSettings:
    found = routes_guests.settings_of(visit)
    if not found.ask:
        raise HTTPException(404, sentences.NO_PAGE)
    return found


def _keyed(visit: Visit, code: str) -> str:
    return registrations.keyed(visit.centre.sealer, code)


# ── somebody asks ───────────────────────────────────────────────────────────────────────────


async def show(visit: Visit) -> Response:
    """Show the form."""
    _settings(visit)
    if visit.who is not None:
        return visit.go(visit.home)
    return visit.page("register.html", Registering())


async def ask(visit: Visit) -> Response:
    """Keep what somebody wrote, and show the code for the desk."""
    settings, form = _settings(visit), visit.form
    typed = Registering(form.text("display", 255), form.text("email", 400))
    password = form.text("password", 300)
    wrong = _wrong(visit, typed, password)
    if wrong:
        return visit.page("register.html", replace(typed, wrong=wrong), status=422)
    marks: dict[Whose, str] = {"asking": visit.centre.sealer.keyed("asking", visit.address)}
    wait = await visit.write(lambda tx: sign_in_tries.begin(tx, marks))
    if wait is not None:
        said = visit.say(_WAIT, time=visit.words.lasting(wait.rest))
        answer = visit.page("register.html", replace(typed, trouble=said), status=429)
        answer.headers["retry-after"] = str(int(wait.rest.total_seconds()) + 1)
        return answer
    phc = await visit.centre.passwords.hashed(password)
    wish = Wish(typed.display, typed.email, phc, visit.words.language)

    def act(tx: Transaction) -> registrations.Asked | Refused:
        return registrations.ask(
            tx, settings, wish, sealer=visit.centre.sealer, dice=visit.centre.dice
        )

    done = await visit.write(act)
    if isinstance(done, Refused):
        # what was typed is good: they are too many
        return visit.page("register.html", replace(typed, trouble=visit.say(_FULL)), status=503)
    view = Registered(done.name, done.code, visit.local(done.until))
    return visit.page("registered.html", view)


def _wrong(visit: Visit, typed: Registering, password: str) -> Wrong:
    found: Wrong = {}
    if not typed.display:
        found["display"] = visit.say(_NEEDED)
    elif isinstance(naming.line(typed.display, "name"), Refused):
        found["display"] = visit.say(mark("A name is one line."))
    if isinstance(naming.email(typed.email), Refused):
        found["email"] = visit.say(mark("Write it like ana@example.org."))
    reason = pins.wrong_password(password, "")
    if reason is not None:
        found["password"] = visit.say(reason)
    elif password != visit.form.text("again", 300):
        found["again"] = visit.say(_NOT_SAME)
    return found


# ── the desk sees them ──────────────────────────────────────────────────────────────────────


async def desk(visit: Visit) -> Response:
    """Show who waits, and ask for the code of whoever stands there."""
    settings = _settings(visit)
    return visit.page("people-asking.html", await _desk(visit, settings))


async def _desk(
    visit: Visit,
    settings: GuestSettings,
    code: str = "",
    day: str = "",
    wrong: Wrong | None = None,
) -> Desk:
    def look(tx: Transaction) -> tuple[list[kept.Registration], int]:
        return kept.waiting(tx, limit=_SHOWN), kept.count(tx)

    found, number = await visit.read(look)
    waiting = tuple(
        WaitingView(
            each.n, each.display, each.email, visit.local(each.made_at), visit.local(each.ends_at)
        )
        for each in found
    )
    day = day or usual_day(visit, settings)
    return Desk(waiting, number, day, settings.longest.days, code, wrong or {})


async def let_in(visit: Visit) -> Response:
    """Make a guest of whoever shows a code, with a PIN by chance."""
    settings, by = _settings(visit), visit.by
    code, day = visit.form.text("code", _CODE_MOST), visit.form.text("until", 10)
    until, why = last_day(visit, settings, day)
    wrong: Wrong = {"until": why} if why else {}
    if not await visit.read(lambda tx: kept.find(tx, _keyed(visit, code)) is not None):
        wrong["code"] = visit.say(_NO_SUCH)
    if wrong:
        view = await _desk(visit, settings, code, day, wrong)
        return visit.page("people-asking.html", view, status=422)
    pin = pins.new_pin(visit.centre.dice)
    phc = await visit.centre.passwords.hashed(pin)

    def act(tx: Transaction) -> Guest | Refused:
        return registrations.let_in(
            tx,
            by,
            settings,
            code,
            sealer=visit.centre.sealer,
            sponsor=visit.name,
            until=until,
            pin=phc,
            dice=visit.centre.dice,
        )

    done = await visit.write(act)
    if isinstance(done, Refused):
        view = await _desk(visit, settings, code, day, {"code": visit.say(_NO_SUCH)})
        return visit.page("people-asking.html", view, status=422)
    return routes_guests.shown(visit, done, pin)


async def turn_away(visit: Visit) -> Response:
    """Forget somebody who waits."""
    _settings(visit)
    text = visit.form.text("n", 18)
    n, by = int(text) if text.isascii() and text.isdigit() else 0, visit.by
    done = await visit.write(lambda tx: registrations.turn_away(tx, by, n))
    return visit.go("/people/:asking", visit.told("good", _AWAY) if done else None)


PAGES: Final = (
    Page("/register", show, Right.PUBLIC),
    Page("/register", ask, Right.PUBLIC, methods=("POST",)),
    Page("/people/:asking", desk, Right.HELP_PEOPLE),
    Page("/people/:asking", let_in, Right.HELP_PEOPLE, methods=("POST",)),
    Page("/people/:asking/away", turn_away, Right.HELP_PEOPLE, methods=("POST",)),
)
