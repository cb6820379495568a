"""Where people see, change, release and delete their jobs."""

from __future__ import annotations

import asyncio
import base64
import binascii
import re
from dataclasses import replace
from functools import partial
from typing import TYPE_CHECKING, Any, Final
from urllib.parse import quote
from uuid import UUID

from pydantic import ValidationError
from starlette.exceptions import HTTPException
from starlette.responses import HTMLResponse, JSONResponse, Response
from starlette.routing import Route

from broker.messages.terminals import (
    PreviewAnswer,
    QuoteAnswer,
)
from terminal_bridge.events import ReleaseWanted
from terminal_bridge.panel import pages
from terminal_bridge.panel.around import (
    guest_of,
    here,
    money_of,
    part,
    read_money,
    sent,
    to,
)
from terminal_bridge.panel.browser import form_of
from terminal_bridge.panel.forms import mark_of, wishes_of
from terminal_bridge.panel.listing import listed
from terminal_bridge.panel.notices import problem_of
from terminal_bridge.panel.sentences import mark
from terminal_bridge.panel.views import Figure, Notice
from terminal_bridge.phases import Release

if TYPE_CHECKING:
    from collections.abc import Mapping

    from starlette.requests import Request

    from broker.messages.terminals import (
        BalanceAnswer,
    )
    from terminal_bridge.panel.browser import Browser
    from terminal_bridge.panel.listing import Listed
    from terminal_bridge.panel.views import JobPage
    from terminal_bridge.panel.visit import Visit
    from terminal_bridge.words import Words

#: Of more jobs than this a list begins with the first few, as many as a screen or two show: drawn
#: at once, with a link to all of them.
_LONG: Final = 20
_FIRST: Final = 10
_EVERYBODY: Final = "*"
_DELETED: Final = mark("%(name)s is deleted. Nothing is charged.")
#: What our script accepts, and no browser by itself.
_SCRIPT: Final = "application/json"
_ANSWER_NEEDED: Final = "answer-needed"
#: As many pages as the edge draws.
_PICTURED: Final = 10_000
_NUMBER: Final = re.compile(r"[0-9]{1,5}")


def routes() -> list[Route]:
    """Return them."""
    job = "/{terminal}/jobs/{job:uuid}"
    return [
        Route("/{terminal}/jobs", jobs_page, methods=["GET"]),
        Route("/{terminal}/release-all", release_all, methods=["POST"]),
        Route(job, job_page, methods=["GET"]),
        Route(f"{job}/figure", figure, methods=["GET"]),
        Route(f"{job}/release", release, methods=["POST"]),
        Route(f"{job}/release", _back_to_jobs, methods=["GET"]),
        Route(f"{job}/delete", delete_page, methods=["GET"]),
        Route(f"{job}/delete", delete, methods=["POST"]),
        Route(f"{job}/page-{{page}}.png", picture, methods=["GET"]),
    ]


async def _back_to_jobs(request: Request) -> Response:
    return to(here(request), "/jobs")


# ── the list ────────────────────────────────────────────────────────────────────────────────


async def jobs_page(request: Request) -> Response:
    """List what waits."""
    found = guest_of(request)
    if found is None:
        return to(here(request), "/")
    browser, visit = found
    asked = request.query_params
    of = _of(asked.get("of", ""))
    money, found_jobs = await _first(browser, visit, of)
    who = visit.who
    if who is None or not browser.same:
        return to(browser, "/")
    if found_jobs.failed:
        visit.say(partial(problem_of, reply=found_jobs.reply))
    rows, site, user = found_jobs.rows, browser.desk.site, who.answer.user
    cards = tuple(pages.job_card(browser.words, row, site, user) for row in rows)
    whose = (_EVERYBODY,) if who.answer.operator else ()
    long = len(cards) > _LONG
    view = pages.jobs_view(
        cards,
        more=found_jobs.more,
        whose=whose,
        of=of,
        first=_FIRST if long and not asked.get("all") else None,
        all_=long and bool(asked.get("all")),
    )
    return sent(browser, "jobs.html", view, money)


async def _first(browser: Browser, visit: Visit, of: str) -> tuple[BalanceAnswer | None, Listed]:
    """Return money and jobs: asked for when who reads this signed in, or now."""
    ahead = None if of else await visit.ahead.take()
    if ahead is not None:
        return read_money(ahead.balance), ahead.listed
    return await asyncio.gather(money_of(visit), _rows(browser, visit, of))


async def release_all(request: Request) -> Response:
    """Release whatever can be without a question."""
    browser = here(request)
    of = _of((await form_of(request, browser)).get("of", ""))
    visit = browser.visit
    who = visit.who if visit else None
    if visit is None or who is None:
        return to(browser, "/")
    found = await _rows(browser, visit, of)
    if not browser.same:
        return to(browser, "/")
    words, site, user = browser.words, browser.desk.site, who.answer.user
    cards = [pages.job_card(words, row, site, user) for row in found.rows]
    here_ = browser.desk.habits.printer
    wanted = tuple(Release(UUID(card.id), here_) for card in cards if pages.releasable(card))
    if found.failed:
        visit.say(partial(problem_of, reply=found.reply))
    elif wanted:
        await visit.act(ReleaseWanted(wanted))
    return to(browser, _list({"of": of}))


async def _rows(browser: Browser, visit: Visit, of: str) -> Listed:
    return await listed(visit.ask, browser.desk.habits.printer, of)


# ── one job ─────────────────────────────────────────────────────────────────────────────────


async def job_page(request: Request) -> Response:
    """Show one job, as it is to be printed."""
    return await _job(request, dict(request.query_params))


async def delete_page(request: Request) -> Response:
    """Ask whether a job is to be thrown away."""
    return await _job(request, dict(request.query_params), confirm_delete=True)


async def figure(request: Request) -> Response:
    """Return what a job would come to, so changed: a part of its page."""
    found = guest_of(request)
    if found is None:
        return Response(status_code=403)
    browser, visit = found
    view = await _job_view(request, browser, visit, dict(request.query_params))
    if view is None or not browser.same:
        return Response(status_code=404)
    return HTMLResponse(part(browser, "figure.html", view), headers={"cache-control": "no-store"})


async def _job(
    request: Request, asked: Mapping[str, str], *, confirm_delete: bool = False
) -> Response:
    found = guest_of(request)
    if found is None:
        return to(here(request), "/")
    browser, visit = found
    money = await money_of(visit)
    view = await _job_view(
        request, browser, visit, asked, money=money, confirm_delete=confirm_delete
    )
    if view is None:
        return to(browser, _list(asked))
    return sent(browser, "job.html", view, money)


async def _job_view(
    request: Request,
    browser: Browser,
    visit: Visit,
    asked: Mapping[str, str],
    *,
    money: BalanceAnswer | None = None,
    confirm_delete: bool = False,
) -> JobPage | None:
    """Return a job's view; None where there is no such job of theirs."""
    job = str(request.path_params["job"])
    of = _of(asked.get("of", ""))
    rows = (await _rows(browser, visit, of)).rows
    row = next((row for row in rows if row.get("job") == job), None)
    who = visit.who
    if row is None or who is None:
        return None
    words, site = browser.words, browser.desk.site
    card = pages.job_card(words, row, site, who.answer.user)
    wishes = wishes_of(asked)
    wrong = {field: words.gettext(why) for field, why in wishes.wrong.items()}
    if not (wrong or confirm_delete):
        card = pages.with_figure(card, await _quoted(browser, visit, job, asked, wishes.changes))
    return pages.job_page(
        words,
        card,
        row,
        asked,
        site=site,
        here=browser.desk.habits.printer,
        choices=money.choices if money else (),
        of=of,
        all_=bool(asked.get("all")),
        errors=wrong,
        confirm_delete=confirm_delete,
    )


async def _quoted(
    browser: Browser, visit: Visit, job: str, asked: Mapping[str, str], changes: Mapping[str, Any]
) -> Figure:
    """Return what a job would come to; where a question comes first: what a yes to it costs."""
    found = await _quote(browser, visit, job, asked, changes)
    if not found.question:
        return found
    costs = await _quote(browser, visit, job, asked, changes, confirmed=True)
    return costs if costs.refusal else replace(costs, question=found.question)


async def _quote(
    browser: Browser,
    visit: Visit,
    job: str,
    asked: Mapping[str, str],
    changes: Mapping[str, Any],
    **more: bool,
) -> Figure:
    reply = await visit.ask(
        "quote",
        job=job,
        printer=_machine(browser, asked),
        changes=changes,
        account=asked.get("account") or None,
        **more,
    )
    if reply is not None and reply.status == "ok":
        try:
            quoted = QuoteAnswer.model_validate(reply.data)
        except ValidationError:
            return Figure(refusal=browser.words.gettext(mark("The price is not known now.")))
        return pages.figure_of_quote(browser.words, quoted, browser.desk.site)
    notice = problem_of(browser.words, reply)
    return Figure(refusal=notice.text, detail=notice.detail)


def _machine(browser: Browser, asked: Mapping[str, str]) -> str:
    """Return the printer that is asked for, if there is such a one here."""
    site = browser.desk.site
    wanted = asked.get("machine", "")
    known = {each.printer for each in (site.printers if site else ())}
    return wanted if wanted in known else browser.desk.habits.printer


async def release(request: Request) -> Response:
    """Print a job, as the form says."""
    browser = here(request)
    fields = await form_of(request, browser)
    visit, job = browser.visit, request.path_params["job"]
    if visit is None or visit.who is None:
        return _on(request, browser, "/")
    wishes = wishes_of(fields)
    query = "&".join(
        f"{name}={_quoted_value(fields[name])}"
        for name in ("copies", "sides", "color", "pages", "machine", "account", "of", "all")
        if fields.get(name)
    )
    asks = fields.get("confirmed", "")
    if asks:
        quoted = await _quoted(browser, visit, str(job), fields, wishes.changes)
        if asks != mark_of(quoted.question):
            # a yes is to the question that was read, not to another one
            return _on(request, browser, f"/jobs/{job}?{query}")
    if wishes.wrong:
        return _on(request, browser, f"/jobs/{job}?{query}")
    if not browser.same:
        return _on(request, browser, "/")
    wanted = Release(
        job,
        _machine(browser, fields),
        changes=wishes.changes or None,
        confirmed=bool(asks),
        account=fields.get("account") or None,
    )
    await visit.act(ReleaseWanted((wanted,)))
    result = visit.result
    if result is not None and result.code == _ANSWER_NEEDED:
        visit.take_notice()
        return _on(request, browser, f"/jobs/{job}?{query}")
    return _on(request, browser, _list(fields))


def _on(request: Request, browser: Browser, path: str) -> Response:
    """Send a browser on; our script, which posts sooner than a browser leaves a page, is told."""
    if request.headers.get("accept") != _SCRIPT:
        return to(browser, path)
    return JSONResponse({"go": f"{browser.desk.base}{path}"}, headers={"cache-control": "no-store"})


async def delete(request: Request) -> Response:
    """Throw a job away."""
    browser = here(request)
    fields = await form_of(request, browser)
    visit, job = browser.visit, str(request.path_params["job"])
    if visit is None or visit.who is None:
        return to(browser, "/")
    reply = await visit.ask("cancel", job=job)
    if not browser.same:
        return to(browser, "/")
    name = ""
    if reply is not None and reply.status == "ok":
        row = reply.data.get("job")
        name = str(row.get("name") or "") if isinstance(row, dict) else ""

    def said(words: Words) -> Notice:
        if reply is None or reply.status != "ok":
            return problem_of(words, reply)
        named = name or words.gettext(mark("Your document"))
        return Notice("good", words.gettext(_DELETED) % {"name": named})

    visit.say(said)
    return to(browser, _list(fields))


async def picture(request: Request) -> Response:
    """Send a small picture of a page.

    Raises:
        HTTPException: 404, there is none for who asks.
    """
    found = guest_of(request)
    # more digits than any page has are not even a number to be read
    page = int(text) if _NUMBER.fullmatch(text := request.path_params["page"]) else 0
    if found is None or not 1 <= page <= _PICTURED:
        raise HTTPException(404, "There is no picture of this page.")
    _, visit = found
    reply = await visit.ask("preview", job=str(request.path_params["job"]), page=page, width=192)
    if reply is None or reply.status != "ok":
        raise HTTPException(404, "There is no picture of this page.")
    try:
        drawn = PreviewAnswer.model_validate(reply.data)
        image = base64.b64decode(drawn.image, validate=True)
    except (ValidationError, binascii.Error) as error:
        raise HTTPException(404, "There is no picture of this page.") from error
    return Response(
        image, media_type=drawn.media_type, headers={"cache-control": "private, max-age=60"}
    )


def _of(text: str) -> str:
    """Return whose jobs are meant, as far as that can be a name."""
    return text[:255]


def _list(asked: Mapping[str, str]) -> str:
    """Return the address of the list that somebody came from."""
    of = _of(asked.get("of", ""))
    query = [f"of={_quoted_value(of)}"] if of else []
    query += ["all=1"] if asked.get("all") else []
    return "?".join(("/jobs", "&".join(query))) if query else "/jobs"


def _quoted_value(text: str) -> str:
    return quote(text, safe="")
