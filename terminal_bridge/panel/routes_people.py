"""Where people sign in and off, enter a new card, or make a browser the screen."""

from __future__ import annotations

from typing import TYPE_CHECKING

from starlette.responses import HTMLResponse, RedirectResponse, Response
from starlette.routing import Route

from terminal_bridge.events import (
    EnrolWanted,
    Key,
    PasswordTyped,
    PinBeside,
    PinTyped,
    SessionShown,
)
from terminal_bridge.panel import render
from terminal_bridge.panel.around import guest_of, here, money_of, outside, sent, to
from terminal_bridge.panel.browser import BROWSER, LANGUAGE, SCREEN, THEME, form_of
from terminal_bridge.panel.notices import notice_of
from terminal_bridge.panel.sentences import mark
from terminal_bridge.panel.views import Hand, NewCard, Notice, Pair, SignIn, Terminals
from terminal_bridge.phases import Enrolling, Identifying, PinNeeded
from terminal_bridge.words import words_of

if TYPE_CHECKING:
    from collections.abc import Mapping

    from starlette.requests import Request

    from terminal_bridge.events import Event
    from terminal_bridge.panel.browser import Browser
    from terminal_bridge.panel.desk import Desk
    from terminal_bridge.panel.visit import Visit
    from terminal_bridge.phases import Who
    from terminal_bridge.words import Words

_WRONG_CODE = mark("This code is wrong or too old; `printmesh terminal pair` makes another.")
_TYPE_SOMETHING = mark("Type your name, and your PIN or password.")
_HANDED = mark("You are signed in at %(printer)s.")
_NOT_HANDED = mark("That did not work: scan the code at the machine again.")


def routes() -> list[Route]:
    """Return them."""
    return [
        Route("/", terminals),
        Route("/{terminal}/", sign_in_page, methods=["GET"]),
        Route("/{terminal}", _slash, methods=["GET"]),
        Route("/{terminal}/sign-in", sign_in, methods=["POST"]),
        Route("/{terminal}/sign-in", _back, methods=["GET"]),
        Route("/{terminal}/sign-off", sign_off, methods=["POST"]),
        Route("/{terminal}/touch", touch, methods=["POST"]),
        Route("/{terminal}/language", language, methods=["POST"]),
        Route("/{terminal}/theme", theme, methods=["POST"]),
        Route("/{terminal}/hand", hand_page, methods=["GET"]),
        Route("/{terminal}/hand", hand, methods=["POST"]),
        Route("/{terminal}/card", card_page, methods=["GET"]),
        Route("/{terminal}/card/wait", card, methods=["POST"]),
        Route("/{terminal}/pair", pair_page, methods=["GET"]),
        Route("/{terminal}/pair", pair, methods=["POST"]),
    ]


async def terminals(request: Request) -> Response:
    """List the panels; where there is one only, go there."""
    desks: Mapping[str, Desk] = request.app.state.desks
    if len(desks) == 1:
        return RedirectResponse(f"{next(iter(desks.values())).base}/", 303)
    rows = tuple((desk.base, desk.printer) for desk in desks.values())
    return HTMLResponse(render.page("terminals.html", words_of(None), None, Terminals(rows)))


async def _slash(request: Request) -> Response:
    return RedirectResponse(f"{here(request).desk.base}/", 303)


async def _back(request: Request) -> Response:
    """Return to the first page from an address that only takes forms."""
    return to(here(request), "/")


# ── sign in and off ─────────────────────────────────────────────────────────────────────────


async def sign_in_page(request: Request) -> Response:
    """Say how to sign in; whoever is, sees their jobs."""
    browser = here(request)
    visit, desk = browser.visit, browser.desk
    if visit is not None and visit.who is not None:
        return to(browser, "/jobs")
    address = ""
    if browser.screen and desk.settings.phones:
        address = f"{outside(request)}{desk.base}/hand?code={desk.hand()}"
    phase = visit.bridge.terminal.phase if visit else None
    ways = tuple(way for way in desk.settings.ways if way != "card" or _reads(browser))
    view = SignIn(
        ways,
        user=visit.typed if visit else "",
        pin_for_card=isinstance(phase, PinNeeded),
        phone=render.qr(address) if address else "",
        phone_address=f"{outside(request)}{desk.base}/" if address else "",
        looking=isinstance(phase, Identifying),
    )
    return sent(browser, "sign-in.html", view)


def _reads(browser: Browser) -> bool:
    """Say whether a card can be held to the reader by who sees this page."""
    return browser.screen and browser.desk.reader


async def sign_in(request: Request) -> Response:
    """Sign somebody in by what they typed."""
    browser = here(request)
    fields = await form_of(request, browser)
    event = _typed(browser, fields)
    if event is None:
        visit = browser.visit
        if visit is not None:
            visit.say(lambda words: Notice("trouble", words.gettext(_TYPE_SOMETHING)))
        return to(browser, "/")
    return await _sign_in(browser, event, fields.get("user", ""))


def _typed(browser: Browser, fields: Mapping[str, str]) -> Event | None:
    """Return what was typed; None where that cannot be enough."""
    user, pin, password = (fields.get(name, "") for name in ("user", "pin", "password"))
    ways = browser.desk.settings.ways
    by = fields.get("way") or ("pin" if pin else "password")
    if user and by == "pin" and pin and "pin" in ways:
        return PinTyped(user, pin)
    if user and by == "password" and password and "password" in ways:
        return PasswordTyped(user, password)
    phase = browser.visit.bridge.terminal.phase if browser.visit else None
    if not user and pin and isinstance(phase, PinNeeded):
        return PinBeside(pin)
    return None


async def _sign_in(browser: Browser, event: Event, typed: str) -> Response:
    """Bring what was shown to the session; a phone gets one of its own, and a new name."""
    visit, token = browser.visit, browser.cookie
    if visit is None or not browser.screen:
        if not browser.desk.settings.phones:
            return to(browser, "/")
        token, visit = browser.desk.welcome(browser.cookie)
        await visit.ready()
    visit.typed = typed
    await visit.act(event)
    if visit.who is not None:
        visit.typed = ""
    response = to(browser, "/jobs" if visit.who is not None else "/")
    if not browser.screen:
        browser.remember(response, BROWSER, token)
    return response


async def sign_off(request: Request) -> Response:
    """Let nobody be signed in; a PIN that is waited for is not waited for any more."""
    browser = here(request)
    await form_of(request, browser)
    if browser.visit is not None:
        await browser.visit.act(Key("sign-off"))
    return to(browser, "/")


async def touch(request: Request) -> Response:
    """Note that somebody is there."""
    browser = here(request)
    await form_of(request, browser)
    if browser.visit is not None:
        await browser.visit.touch()
    return Response(status_code=204)


async def language(request: Request) -> Response:
    """Write pages in another language."""
    browser = here(request)
    wanted = (await form_of(request, browser)).get("lang", "")
    response = _to_where_it_came_from(request, browser)
    if wanted in browser.desk.settings.languages:
        if browser.visit is not None:
            browser.visit.choose(wanted)
        if not browser.screen:
            browser.remember(response, LANGUAGE, wanted)
    return response


async def theme(request: Request) -> Response:
    """Draw pages light or dark, in this browser."""
    browser = here(request)
    wanted = (await form_of(request, browser)).get("theme", "")
    response = _to_where_it_came_from(request, browser)
    if wanted in {"light", "dark"}:
        browser.remember(response, THEME, wanted)
    return response


def _to_where_it_came_from(request: Request, browser: Browser) -> Response:
    """Go back to a page of this panel, whatever the header says."""
    base = browser.desk.base
    path = request.headers.get("referer", "").partition("://")[2].partition("/")[2].partition("?")
    came = "/" + path[0]
    pages = {f"{base}/{page}" for page in ("jobs", "balance", "copy", "card")}
    return to(browser, came.removeprefix(base) if came in pages else "/")


# ── from a phone to the screen ──────────────────────────────────────────────────────────────


async def hand_page(request: Request) -> Response:
    """Ask somebody who is signed in on their phone whether the screen is to be theirs."""
    browser = here(request)
    code = request.query_params.get("code", "")[:64]
    if browser.screen or _person(request, browser) is None or not browser.desk.may_hand(code):
        return to(browser, "/")
    return sent(browser, "hand.html", Hand(code))


async def hand(request: Request) -> Response:
    """Sign them in at the screen; or here, at a printer other than where they were."""
    browser = here(request)
    fields = await form_of(request, browser)
    who = _person(request, browser)
    if who is None or browser.screen:
        return to(browser, "/")
    if fields.get("where") == "phone":
        return await _sign_in(browser, SessionShown(who.answer.session), "")
    taken = await browser.desk.take(fields.get("code", ""), who)
    printer = browser.desk.printer

    def said(words: Words) -> Notice:
        if taken:
            return Notice("good", words.gettext(_HANDED) % {"printer": printer})
        return Notice("trouble", words.gettext(_NOT_HANDED))

    if browser.visit is not None:
        browser.visit.say(said)
    return to(browser, "/jobs")


def _person(request: Request, browser: Browser) -> Who | None:
    """Return who is signed in at a phone, at any panel of this process."""
    desks: Mapping[str, Desk] = request.app.state.desks
    visits = (browser.visit, *(desk.phone(browser.cookie) for desk in desks.values()))
    for visit in visits:
        who = visit.who if visit is not None else None
        if who is not None:
            return who
    return None


# ── a new card, a new screen ────────────────────────────────────────────────────────────────


async def card_page(request: Request) -> Response:
    """Say how a new card is entered, and how far that is."""
    found = guest_of(request)
    if found is None:
        return sent(here(request), "card.html", NewCard("proof"))
    browser, visit = found
    if not _reads(browser):
        return to(browser, "/jobs")
    return sent(browser, "card.html", _new_card(browser, visit), await money_of(visit))


def _new_card(browser: Browser, visit: Visit) -> NewCard:
    if isinstance(visit.bridge.terminal.phase, Enrolling):
        return NewCard("waiting")
    result = visit.result
    if result is None or result.screen not in {"enrolled", "refused"}:
        return NewCard("proof")
    visit.take_notice()
    notice = notice_of(browser.words, result, browser.desk.printer)
    text = " ".join(filter(None, (notice.text, notice.detail))) if notice else ""
    return NewCard("done" if result.screen == "enrolled" else "refused", text)


async def card(request: Request) -> Response:
    """Wait for a new card."""
    browser = here(request)
    await form_of(request, browser)
    if browser.visit is not None and browser.visit.who is not None and _reads(browser):
        await browser.visit.act(EnrolWanted())
    return to(browser, "/card")


async def pair_page(request: Request) -> Response:
    """Ask for the code that makes this browser the screen."""
    browser = here(request)
    return sent(browser, "pair.html", Pair(done=browser.screen))


async def pair(request: Request) -> Response:
    """Take the code."""
    browser = here(request)
    fields = await form_of(request, browser)
    address = request.client.host if request.client else ""
    kept = browser.desk.pairing.pair(fields.get("code", ""), address)
    if kept is None:
        view = Pair(error=browser.words.gettext(_WRONG_CODE))
        return sent(browser, "pair.html", view, status=403)
    browser.desk.screen.hang_up()  # the browser that was the screen hears no more of it
    response = to(browser, "/pair")
    browser.remember(response, SCREEN, kept, path=f"{browser.desk.base}/")
    return response
