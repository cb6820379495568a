"""Where people look at their money, and type the code that brings some."""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING

from starlette.routing import Route

from terminal_bridge.panel import pages, render
from terminal_bridge.panel.around import guest_of, here, read_money, sent, to
from terminal_bridge.panel.browser import form_of
from terminal_bridge.panel.notices import problem_of, redeemed
from terminal_bridge.panel.views import Balance

if TYPE_CHECKING:
    from pydantic import AnyHttpUrl
    from starlette.requests import Request
    from starlette.responses import Response

    from broker.messages.terminals import SiteState
    from terminal_bridge.panel.browser import Browser
    from terminal_bridge.panel.visit import Visit


def routes() -> list[Route]:
    """Return them."""
    return [
        Route("/{terminal}/balance", balance_page, methods=["GET"]),
        Route("/{terminal}/code", redeem, methods=["POST"]),
        Route("/{terminal}/code", _back, methods=["GET"]),
    ]


async def _back(request: Request) -> Response:
    """Go on from an address that only takes forms."""
    return to(here(request), "/jobs")


async def balance_page(request: Request) -> Response:
    """Say what somebody may spend here, and where the rest is."""
    found = guest_of(request)
    if found is None:
        return to(here(request), "/")
    browser, visit = found
    return await _balance(browser, visit)


async def redeem(request: Request) -> Response:
    """Take a code that brings money."""
    browser = here(request)
    code = (await form_of(request, browser)).get("code", "")
    visit = browser.visit
    if visit is None or visit.who is None:
        return to(browser, "/")
    reply = await visit.ask("redeem", code=code[:64])
    if not browser.same:
        return to(browser, "/")
    if reply is None or reply.status != "ok":
        notice = problem_of(browser.words, reply)
        error = " ".join(filter(None, (notice.text, notice.detail)))
        return await _balance(browser, visit, code=code, error=error)
    visit.say(partial(redeemed, reply=reply))
    return to(browser, "/balance")


async def _balance(browser: Browser, visit: Visit, code: str = "", error: str = "") -> Response:
    reply = await visit.ask("balance")
    money = read_money(reply)
    if visit.who is None:
        return to(browser, "/")
    address = help_at(browser.desk.settings.help, browser.desk.site)
    more = {"help": render.qr(address), "help_address": address} if address else {}
    if money is None:
        why = problem_of(browser.words, reply).text
        return sent(browser, "balance.html", Balance((), (), why, code, error))
    site = browser.desk.site
    view = pages.balance_view(browser.words, money, site, code=code, error=error, **more)
    return sent(browser, "balance.html", view, money)


def help_at(address: AnyHttpUrl | None, site: SiteState | None) -> str:
    """Return where a phone fetches a code, with this site filled in already; empty: nowhere."""
    if address is None:
        return ""
    if site is None:
        return str(address)
    return f"{address}{'&' if address.query else '?'}site={site.node}"
