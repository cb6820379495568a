"""Where people look at their money, and type the code that brings some."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from starlette.routing import Route

from config.policy.money import Money
from terminal_bridge.panel import pages, render
from terminal_bridge.panel.around import guest_of, here, problem_of, read_money, sent, to
from terminal_bridge.panel.browser import form_of
from terminal_bridge.panel.sentences import mark
from terminal_bridge.panel.views import Balance, Notice

if TYPE_CHECKING:
    from starlette.requests import Request
    from starlette.responses import Response

    from terminal_bridge.panel.browser import Browser
    from terminal_bridge.panel.views import Tone
    from terminal_bridge.panel.visit import Visit
    from terminal_bridge.words import Words

_REDEEMED: Final = mark("%(amount)s more can be spent here now.")
_REDEEMED_BEFORE: Final = mark("This code was used already; its %(amount)s are here.")


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
    try:
        amount = Money(int(reply.data["micros"]), str(reply.data["unit"]))
    except (KeyError, TypeError, ValueError):
        return to(browser, "/balance")
    before = bool(reply.data.get("before"))

    def said(words: Words) -> Notice:
        sentence = _REDEEMED_BEFORE if before else _REDEEMED
        tone: Tone = "unknown" if before else "good"
        return Notice(tone, words.gettext(sentence) % {"amount": words.money(amount)})

    visit.say(said)
    return to(browser, "/balance")


async def _balance(browser: Browser, visit: Visit, code: str = "", error: str = "") -> Response:
    reply = await visit.ask("balance")
    money = read_money(reply)
    if visit.who is None:
        return to(browser, "/")
    address = browser.desk.settings.help
    more = {"help": render.qr(str(address)), "help_address": str(address)} if address else {}
    if money is None:
        why = problem_of(browser.words, reply).text
        return sent(browser, "balance.html", Balance((), (), why, code, error))
    site = browser.desk.site
    view = pages.balance_view(browser.words, money, site, code=code, error=error, **more)
    return sent(browser, "balance.html", view, money)
