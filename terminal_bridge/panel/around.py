"""What stands around a page, and how pages are sent: shared by all routes."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any, Final

from pydantic import ValidationError
from starlette.exceptions import HTTPException
from starlette.responses import HTMLResponse, RedirectResponse

from broker.messages.terminals import (
    BalanceAnswer,
)
from config.policy.money import Money
from terminal_bridge.panel import render
from terminal_bridge.panel.browser import browser_of, check_works
from terminal_bridge.panel.notices import notice_of
from terminal_bridge.panel.pages import elsewhere_of, site_view, zone_of
from terminal_bridge.panel.sentences import mark
from terminal_bridge.panel.views import Guest, Shell

if TYPE_CHECKING:
    from collections.abc import Mapping

    from starlette.requests import Request
    from starlette.responses import Response

    from broker.messages import Reply
    from terminal_bridge.panel.browser import Browser
    from terminal_bridge.panel.desk import Desk
    from terminal_bridge.panel.views import Notice
    from terminal_bridge.panel.visit import Visit

_NO_TERMINAL: Final = mark("There is no such terminal here.")
#: Nobody looks at a page a second time: it shows somebody's money.
_FRESH: Final = {"cache-control": "no-store"}


def desk_of(request: Request) -> Desk:
    """Return the panel that an address names.

    Raises:
        HTTPException: 404, there is none; 503, it does not work now.
    """
    desks: Mapping[str, Desk] = request.app.state.desks
    desk = desks.get(request.path_params["terminal"])
    if desk is None:
        raise HTTPException(404, _NO_TERMINAL)
    check_works(desk)
    return desk


def here(request: Request) -> Browser:
    """Return who asks for a page of a panel."""
    return browser_of(request, desk_of(request))


def guest_of(request: Request) -> tuple[Browser, Visit] | None:
    """Return who asks where somebody is signed in; None: nobody is.

    Opening a page is a touch, and the only one where there are no scripts; what a script fetches
    by itself is none.
    """
    browser = here(request)
    visit = browser.visit
    if visit is None or visit.who is None:
        return None
    if request.headers.get("sec-fetch-mode", "navigate") == "navigate":
        visit.seen()
    return browser, visit


def to(browser: Browser, path: str) -> Response:
    """Send a browser on, with GET."""
    return browser.dress(RedirectResponse(f"{browser.desk.base}{path}", 303, headers=_FRESH))


def outside(request: Request) -> str:
    """Return what people's browsers call this process."""
    return request.app.state.address or f"{request.url.scheme}://{request.url.netloc}"


async def money_of(visit: Visit) -> BalanceAnswer | None:
    """Ask what somebody may spend; None where there is no answer."""
    return read_money(await visit.ask("balance"))


def read_money(reply: Reply | None) -> BalanceAnswer | None:
    """Read that answer."""
    if reply is None or reply.status != "ok":
        return None
    try:
        return BalanceAnswer.model_validate(reply.data)
    except ValidationError:
        return None


def shell_of(browser: Browser, money: BalanceAnswer | None = None, *, said: bool = False) -> Shell:
    """Return what stands around a page.

    Args:
        browser: who reads it.
        money: for the head of the page.
        said: it says what there is to be said, and no other page will.
    """
    desk, visit = browser.desk, browser.visit
    site = desk.site
    who = visit.who if visit else None
    return Shell(
        base=desk.base,
        terminal=desk.name,
        printer=desk.printer,
        site=site_view(site, here=desk.line.here),
        language=browser.words.language,
        languages=desk.settings.languages,
        screen=browser.screen,
        token=browser.token,
        idle=int(min(desk.habits.idle, who.answer.idle_seconds or desk.habits.idle))
        if who
        else int(desk.habits.idle),
        live=visit.live if visit else "",
        guest=_guest(browser, visit, money),
        notice=_notice(browser, visit) if visit and said else None,
        copies=browser.screen and desk.copier and bool(site and site.copies),
        now=datetime.now(UTC).astimezone(zone_of(site)),
        theme=browser.theme,
    )


def sent(
    browser: Browser,
    name: str,
    view: object,
    money: BalanceAnswer | None = None,
    *,
    status: int = 200,
) -> Response:
    """Send a page, unless somebody else stands there since it was asked for."""
    if not browser.same:
        return to(browser, "/")
    shell = shell_of(browser, money, said=True)
    page = render.page(name, browser.words, shell, view)
    return browser.dress(HTMLResponse(page, status, headers=_FRESH))


def part(browser: Browser, name: str, view: object, **more: Any) -> str:  # noqa: ANN401  of a template
    """Return a part of a page."""
    return render.page(name, browser.words, shell_of(browser), view, **more)


def _guest(browser: Browser, visit: Visit | None, money: BalanceAnswer | None) -> Guest | None:
    who = visit.who if visit else None
    if visit is None or who is None:
        return None
    answer = who.answer
    first = next(iter(money.lists[0]), None) if money and money.lists else None
    limited = first is not None and not first.unlimited
    return Guest(
        display=answer.display,
        operator=answer.operator,
        provisional=answer.provisional,
        # while somebody copies, all of it is set aside for the copy, which says what is left
        balance=Money(first.here, first.unit) if first and limited and not visit.copying else None,
        elsewhere=elsewhere_of(browser.words, first, browser.desk.site) if first else "",
    )


def _notice(browser: Browser, visit: Visit) -> Notice | None:
    result, said = visit.take_notice()
    if said is not None:
        return said(browser.words)
    return None if result is None else notice_of(browser.words, result, browser.desk.printer)
