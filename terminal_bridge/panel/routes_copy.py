"""Where people copy, and what open pages are told while they look."""

from __future__ import annotations

import asyncio
import json
from contextlib import suppress
from dataclasses import asdict
from typing import TYPE_CHECKING, Final

from starlette.responses import Response, StreamingResponse
from starlette.routing import Route

from terminal_bridge.events import CopyWanted, Key
from terminal_bridge.panel import pages
from terminal_bridge.panel.around import guest_of, here, money_of, part, sent, to
from terminal_bridge.panel.browser import form_of
from terminal_bridge.panel.forms import mark_of
from terminal_bridge.panel.notices import notice_of
from terminal_bridge.panel.views import Choice
from terminal_bridge.phases import Beginning, Copying, Ending

if TYPE_CHECKING:
    from collections.abc import AsyncIterator

    from starlette.requests import Request

    from broker.messages.terminals import (
        BalanceAnswer,
    )
    from terminal_bridge.panel.browser import Browser
    from terminal_bridge.panel.views import Copy, CopyStands
    from terminal_bridge.panel.visit import Push, Visit

#: A line that nothing was said on for so many seconds is proved alive.
_HEARTBEAT: Final = 15.0
_ANSWER_NEEDED: Final = "answer-needed"
_OVER: Final = frozenset({"settled", "kept"})
_RUNNING: Final[dict[type, CopyStands]] = {
    Beginning: "beginning",
    Copying: "copying",
    Ending: "stopping",
}


def routes() -> list[Route]:
    """Return them."""
    return [
        Route("/{terminal}/copy", copy_page, methods=["GET"]),
        Route("/{terminal}/copy/begin", begin, methods=["POST"]),
        Route("/{terminal}/copy/begin", copy_page, methods=["GET"]),
        Route("/{terminal}/copy/stop", stop, methods=["POST"]),
        Route("/{terminal}/copy/stop", copy_page, methods=["GET"]),
        Route("/{terminal}/events", events, methods=["GET"]),
    ]


async def copy_page(request: Request) -> Response:
    """Say how a copy stands, or how one is begun."""
    found = guest_of(request)
    if found is None:
        return to(here(request), "/")
    browser, visit = found
    if not (browser.screen and browser.desk.copier):
        return to(browser, "/jobs")
    money = await money_of(visit)
    return sent(browser, "copy.html", copy_of(browser, visit, money), money)


def copy_of(browser: Browser, visit: Visit, money: BalanceAnswer | None = None) -> Copy:
    """Return how a copy stands."""
    words, said = browser.words, visit.copy_said
    text = said.text if said else ""
    stands = _RUNNING.get(type(visit.bridge.terminal.phase))
    if stands is not None:
        return pages.copy_view(words, stands, None if stands == "beginning" else visit.copy)
    choices = money.choices if money else ()
    accounts = (
        Choice("", words.gettext("My own"), chosen=True),
        *(Choice(each.account, pages.account_name(each)) for each in choices if each.enabled),
    )
    refused = visit.result
    if refused is not None and refused.screen == "refused":
        visit.take_notice()
        if refused.code == _ANSWER_NEEDED:
            return pages.copy_view(words, "ready", None, accounts=accounts, question=refused.text)
        notice = notice_of(words, refused, browser.desk.printer)
        why = " ".join(filter(None, (notice.text, notice.detail))) if notice else ""
        return pages.copy_view(words, "refused", None, why, accounts=accounts)
    if said is not None and said.screen in _OVER:
        return pages.copy_view(words, "settled", visit.copy, text, accounts=accounts)
    return pages.copy_view(words, "ready", None, accounts=accounts)


async def begin(request: Request) -> Response:
    """Let the machine copy."""
    browser = here(request)
    fields = await form_of(request, browser)
    visit = browser.visit
    if visit is not None and visit.who is not None and browser.screen and browser.desk.copier:
        visit.copy_said = None
        account, read = fields.get("account") or None, fields.get("confirmed", "")
        await visit.act(CopyWanted(account=account))
        asked = visit.result
        # a yes is to the question that was read, not to another one
        again = asked is not None and asked.code == _ANSWER_NEEDED and mark_of(asked.text) == read
        if again and browser.same:
            await visit.act(CopyWanted(confirmed=True, account=account))
    return to(browser, "/copy")


async def stop(request: Request) -> Response:
    """Stop the machine; whoever copies pays for what was made."""
    browser = here(request)
    await form_of(request, browser)
    if browser.visit is not None and browser.screen:
        await browser.visit.act(Key("stop"))
    return to(browser, "/copy")


# ── open pages ──────────────────────────────────────────────────────────────────────────────


async def events(request: Request) -> Response:
    """Tell an open page what happens, until it is closed."""
    browser = here(request)
    visit = browser.visit
    if visit is None:
        return Response(status_code=204)  # EventSource does not come back after that
    stream = _events(browser, visit, request.query_params.get("live", ""))
    headers = {"cache-control": "no-store", "x-accel-buffering": "no"}
    return StreamingResponse(stream, media_type="text/event-stream", headers=headers)


async def _events(browser: Browser, visit: Visit, live: str) -> AsyncIterator[str]:
    queue = visit.listen()
    try:
        yield "retry: 1000\n\n"
        if live and live != visit.live:
            yield _view(browser, visit)
        line = _line(browser)
        yield line
        if visit.copying:
            yield _copy(browser, visit)
        while True:
            push: Push | None = None
            beat = True
            with suppress(TimeoutError):
                async with asyncio.timeout(_HEARTBEAT):
                    push = await queue.get()
                    beat = False
            if beat:
                yield ": still here\n\n"
            elif push is None:
                return
            elif push.kind == "line":
                # most changes of a session change nothing there, and a screen draws what it is sent
                # while the printer's filters want the same processor
                before, line = line, _line(browser)
                if line != before:
                    yield line
            else:
                yield _told(browser, visit, push)
    finally:
        visit.deaf(queue)


def _told(browser: Browser, visit: Visit, push: Push) -> str:
    match push.kind:
        case "view":
            return _view(browser, visit)
        case "line":
            return _line(browser)
        case "copy":
            over = push.show is not None and push.show.screen in _OVER
            # with what was set aside come back, the head of the page says something else too
            return _go(browser, "/copy") if over else _copy(browser, visit)
        case "jobs":
            return _event("jobs", "{}")
        case "money":
            return _go(browser, "/balance")
        case "notice":
            found = push.show and notice_of(browser.words, push.show, browser.desk.printer)
            return _event("notice", json.dumps(asdict(found))) if found else ""


def _line(browser: Browser) -> str:
    return _event("line", part(browser, "line.html", None))


def _view(browser: Browser, visit: Visit) -> str:
    return _go(browser, "/jobs" if visit.who is not None else "/")


def _go(browser: Browser, path: str) -> str:
    return _event("view", json.dumps({"go": browser.desk.base + path}))


def _copy(browser: Browser, visit: Visit) -> str:
    return _event("copy", part(browser, "copy-live.html", copy_of(browser, visit)))


def _event(kind: str, data: str) -> str:
    """Write one event (WHATWG HTML, server-sent events): data of several lines is several lines."""
    lines = "\n".join(f"data: {line}" for line in data.splitlines() or [""])
    return f"event: {kind}\n{lines}\n\n"
