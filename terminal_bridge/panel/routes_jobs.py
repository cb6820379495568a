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
from starlette.responses import HTMLResponse, Response
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
    sent,
    to,
)
from terminal_bridge.panel.browser import form_of
from terminal_bridge.panel.forms import mark_of, wishes_of
from terminal_bridge.panel.notices import problem_of
from terminal_bridge.panel.rows import read_rows
from terminal_bridge.panel.sentences import mark
from terminal_bridge.panel.views import Figure, Notice
from terminal_bridge.phases import Release

if TYPE_CHECKING:
    from collections.abc import Mapping

    from starlette.requests import Request

    from broker.messages import Reply
    from broker.messages.terminals import (
        BalanceAnswer,
    )
    from terminal_bridge.panel.browser import Browser
    from terminal_bridge.panel.views import JobPage
    from terminal_bridge.panel.visit import Visit
    from terminal_bridge.words import Words

#: The edge gives some dozens of jobs at a time; asked for at most so often for one page.
_PAGES_MOST: Final = 6
#: Jobs shown at once: more are found by deleting or releasing some.
_SHOWN: Final = 100
_EVERYBODY: Final = "*"
_DELETED: Final = mark("%(name)s is deleted. Nothing is charged.")
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
    of = _of(request.query_params.get("of", ""))
    money, (rows, more, failed) = await asyncio.gather(money_of(visit), _rows(browser, visit, of))
    who = visit.who
    if who is None or not browser.same:
        return to(browser, "/")
    if failed is not None:
        visit.say(failed)
    cards = tuple(
        pages.job_card(browser.words, row, browser.desk.site, who.answer.user) for row in rows
    )
    whose = (_EVERYBODY,) if who.answer.operator else ()
    view = pages.jobs_view(cards, more=more, whose=whose, of=of)
    return sent(browser, "jobs.html", view, money)


async def release_all(request: Request) -> Response:
    """Release whatever can be without a question."""
    browser = here(request)
    of = _of((await form_of(request, browser)).get("of", ""))
    visit = browser.visit
    who = visit.who if visit else None
    if visit is None or who is None:
        return to(browser, "/")
    rows, _, failed = await _rows(browser, visit, of)
    if not browser.same:
        return to(browser, "/")
    cards = [pages.job_card(browser.words, row, browser.desk.site, who.answer.user) for row in rows]
    here_ = browser.desk.habits.printer
    wanted = tuple(Release(UUID(card.id), here_) for card in cards if pages.releasable(card))
    if failed is not None:
        visit.say(failed)
    elif wanted:
        await visit.act(ReleaseWanted(wanted))
    return to(browser, _list(of))


async def _rows(browser: Browser, visit: Visit, of: str) -> tuple[list[dict[str, Any]], bool, Any]:
    """Return the waiting jobs as the edge lists them, whether there are more, and what failed."""
    rows: list[dict[str, Any]] = []
    after: str | None = None
    for _ in range(_PAGES_MOST):
        reply = await visit.ask(
            "jobs",
            held_only=True,
            printer=browser.desk.habits.printer,
            of=of or None,
            after=after,
        )
        some = _listed(reply)
        if some is None:
            return rows, False, partial(problem_of, reply=reply)
        rows += some[0]
        if not some[1] or not some[0] or len(rows) >= _SHOWN:
            return rows[:_SHOWN], some[1] or len(rows) > _SHOWN, None
        after = str(some[0][-1].get("job"))
    return rows, True, None


def _listed(reply: Reply | None) -> tuple[list[dict[str, Any]], bool] | None:
    if reply is None or reply.status != "ok":
        return None
    rows = reply.data.get("jobs")
    if not isinstance(rows, list):
        return None
    return list(read_rows(rows)), bool(reply.data.get("more"))


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
        return to(browser, _list(_of(asked.get("of", ""))))
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
    rows, _, _ = await _rows(browser, visit, of)
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
        return to(browser, "/")
    wishes = wishes_of(fields)
    query = "&".join(
        f"{name}={_quoted_value(fields[name])}"
        for name in ("copies", "sides", "color", "pages", "machine", "account", "of")
        if fields.get(name)
    )
    asks = fields.get("confirmed", "")
    if asks:
        quoted = await _quoted(browser, visit, str(job), fields, wishes.changes)
        if asks != mark_of(quoted.question):
            # a yes is to the question that was read, not to another one
            return to(browser, f"/jobs/{job}?{query}")
    if wishes.wrong:
        return to(browser, f"/jobs/{job}?{query}")
    if not browser.same:
        return to(browser, "/")
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
        return to(browser, f"/jobs/{job}?{query}")
    return to(browser, _list(_of(fields.get("of", ""))))


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
    return to(browser, _list(_of(fields.get("of", ""))))


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


def _list(of: str) -> str:
    return f"/jobs?of={_quoted_value(of)}" if of else "/jobs"


def _quoted_value(text: str) -> str:
    return quote(text, safe="")
