"""One's own jobs, with reasons: the list, one job's life and why it cost what it cost, refunds."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta
from typing import TYPE_CHECKING, Final
from uuid import UUID

from starlette.exceptions import HTTPException

from central.acts import money
from central.rights import Right
from central.store import corrections, directory, job_life, job_search, nodes
from central.store.ledger import Refused
from central.web.export import Kind
from central.web.pages import lists, me_words, sentences
from central.web.pages.lists import Cell, Column, Filter, ListOf, Rows
from central.web.pages.sentences import mark
from central.web.pages.table import Page
from central.web.pages.views import Choice, Empty, Notice
from config.policy.money import Money

if TYPE_CHECKING:
    from zoneinfo import ZoneInfo

    from starlette.responses import Response

    from central.store.books import Transaction
    from central.store.job_life import JobLife
    from central.store.lists import ListedJob
    from central.store.refund_requests import RefundRequest
    from central.web.pages.lists import ListView, Query
    from central.web.pages.me_words import Why
    from central.web.pages.views import Step
    from central.web.pages.visit import Visit

_STATES: Final = {
    "completed": mark("printed"),
    "pending-held": mark("waits for you"),
    "processing": mark("is being printed"),
    "canceled": mark("deleted"),
    "aborted": mark("stopped"),
}
_DAY: Final = timedelta(days=1)
#: The last year whose days have a time in every zone.
_LAST_YEAR: Final = 9998
_NOTHING: Final = "\N{EN DASH}"


@dataclass(frozen=True, slots=True)
class Mine:
    """A job of one's own, with the names of its places."""

    listed: ListedJob
    site: str
    printer: str


# ── the list ────────────────────────────────────────────────────────────────────────────────


@dataclass(frozen=True, slots=True)
class History:
    """The page."""

    jobs: ListView


async def history(visit: Visit) -> Response:
    """Show what one printed and copied, newest first."""
    what = _list(visit.me.name, visit.centre.zone)
    if (file := lists.file(visit, what)) is not None:
        return file
    nothing = Empty(
        "jobs",
        visit.say(mark("You have printed nothing yet")),
        visit.say(mark("What you print and copy stands here, with what it cost and why.")),
    )
    return visit.page("me-history.html", History(await lists.view(visit, what, empty=nothing)))


def _list(name: str, zone: ZoneInfo) -> ListOf[Mine]:
    def read(tx: Transaction, query: Query) -> Rows[Mine]:
        return _read(tx, query, name, zone)

    return ListOf(
        name="my-printing",
        columns=(
            Column(
                "name",
                mark("Document"),
                lambda row, visit: Cell(me_words.name_of(visit, row.listed.job)),
                lambda row: row.listed.job.name,
            ),
            Column(
                "at",
                mark("When"),
                lambda row, visit: Cell(when=visit.local(_at(row.listed))),
                lambda row: _at(row.listed),
                Kind.MOMENT,
            ),
            Column(
                "where",
                mark("Where"),
                lambda row, _: Cell(row.printer or row.site, row.site if row.printer else ""),
                lambda row: row.printer or row.site,
                wide=True,
            ),
            Column(
                "pages",
                mark("Pages"),
                lambda row, visit: Cell(_number(visit, row.listed.job.impressions)),
                lambda row: row.listed.job.impressions,
                Kind.NUMBER,
                number=True,
                wide=True,
            ),
            Column(
                "cost",
                mark("Cost"),
                lambda row, visit: Cell(_cost(visit, row.listed)),
                lambda row: " + ".join(map(str, _paid(row.listed))),
                number=True,
            ),
            Column(
                "state",
                mark("What became of it"),
                lambda row, visit: Cell(chip=me_words.state_chip(visit, row.listed.job)),
                lambda row: row.listed.job.state,
            ),
        ),
        read=read,
        right=Right.OWN,
        filters=(
            Filter("q", mark("Document"), hint=mark("part of its name")),
            Filter("state", mark("What became of it"), "choice", _states),
            Filter("from", mark("From"), "day"),
            Filter("to", mark("To"), "day"),
        ),
        link=lambda row: f"/me/history/{row.listed.job.job}",
    )


def _read(tx: Transaction, query: Query, name: str, zone: ZoneInfo) -> Rows[Mine]:
    asked = query.filters
    state = asked.get("state")
    until = _day(asked.get("to"), zone)
    which = job_search.Which(
        user=name,
        state=state if state in _STATES else None,
        since=_day(asked.get("from"), zone),
        until=None if until is None else until + _DAY,
        name=asked.get("q"),
    )
    before = int(query.after) if query.after.isascii() and query.after.isdigit() else None
    found = job_search.search(tx, which, before=before, limit=query.limit)
    sites = {each.id: each.site or each.id for each in nodes.every(tx)}
    devices = {each.job.printer for each in found.jobs if each.job.printer}
    named = directory.some(tx, "printer", sorted(devices))
    rows = tuple(
        Mine(
            each,
            sites.get(each.job.node, each.job.node),
            str((named.get(each.job.printer or "") or {}).get("name") or each.job.printer or ""),
        )
        for each in found.jobs
    )
    return Rows(rows, "" if found.before is None else str(found.before))


def _day(text: str | None, zone: ZoneInfo) -> datetime | None:
    try:
        day = date.fromisoformat(text or "")
    except ValueError:
        return None
    # a year before the first or after the last has no other zone's time
    return (
        datetime.combine(day, time(), zone).astimezone(UTC) if 1 < day.year <= _LAST_YEAR else None
    )


def _states(visit: Visit) -> tuple[Choice, ...]:
    return tuple(Choice(key, visit.say(label)) for key, label in _STATES.items())


def _at(listed: ListedJob) -> datetime:
    return listed.job.received_at or listed.updated_at


def _number(visit: Visit, number: int | None) -> str:
    return _NOTHING if number is None else visit.words.number(number)


def _paid(listed: ListedJob) -> tuple[Money, ...]:
    sums: dict[str, int] = {}
    for each in listed.paid:
        sums[each["unit"]] = sums.get(each["unit"], 0) + each["micros"]
    return tuple(Money(micros, unit) for unit, micros in sums.items())


def _cost(visit: Visit, listed: ListedJob) -> str:
    paid = _paid(listed)
    if not paid and listed.job.impressions is None:
        return _NOTHING
    return visit.words.moneys(paid)


# ── one job ─────────────────────────────────────────────────────────────────────────────────


@dataclass(frozen=True, slots=True)
class FigureView:
    """What one source counted."""

    source: str
    pages: int | None
    color: int | None
    sheets: int | None
    chosen: bool


@dataclass(frozen=True, slots=True)
class Asked:
    """A request for one's money."""

    id: UUID
    state: str
    reason: str
    answer: str


@dataclass(frozen=True, slots=True)
class OneJob:
    """The page."""

    job: UUID
    name: str
    site: str
    answer: str
    held: bool
    steps: tuple[Step, ...]
    why: tuple[Why, ...]
    figures: tuple[FigureView, ...]
    tariff: int
    """0: not known."""
    rules: int
    can_ask: bool
    asked: tuple[Asked, ...]
    wrong: str = ""
    reason: str = ""


async def one(visit: Visit) -> Response:
    """Show one job: what became of it, and why."""
    job = _job(visit)
    return visit.page("me-job.html", await visit.read(lambda tx: _one(tx, visit, job)))


async def ask_back(visit: Visit) -> Response:
    """Ask for what a job cost."""
    job, name, by = _job(visit), visit.me.name, visit.by
    reason = visit.form.text("reason", 1000)
    await visit.read(lambda tx: _life(tx, visit, job))

    def act(tx: Transaction) -> RefundRequest | Refused:
        return money.ask_refund(tx, by, job, user=name, reason=reason)

    done = await visit.write(act)
    if isinstance(done, Refused):
        wrong = visit.say(mark("Say in some words what went wrong.")) if not reason else ""
        wrong = wrong or visit.say(mark("This cannot be asked for (any more)."))
        view = await visit.read(lambda tx: _one(tx, visit, job, wrong=wrong, reason=reason))
        return visit.page("me-job.html", view, status=422)
    said = visit.say(mark("You asked for your money. Somebody will look at it."))
    more = visit.say(mark("The answer will stand here."))
    return visit.go(f"/me/history/{job}", Notice("good", said, more))


async def withdraw(visit: Visit) -> Response:
    """Take one's request back."""
    job, name, by = _job(visit), visit.me.name, visit.by
    try:
        request = UUID(visit.form.text("request", 36))
    except ValueError:
        raise HTTPException(404, sentences.NO_PAGE) from None
    done = await visit.write(lambda tx: money.withdraw_refund(tx, by, request, user=name))
    notice = (
        visit.told("unknown", mark("This request was settled already."))
        if isinstance(done, Refused)
        else visit.told("good", mark("Your request is taken back."))
    )
    return visit.go(f"/me/history/{job}", notice)


def _job(visit: Visit) -> UUID:
    try:
        return UUID(visit.path("job"))
    except ValueError:
        raise HTTPException(404, sentences.NO_PAGE) from None


def _life(tx: Transaction, visit: Visit, job: UUID) -> JobLife:
    """Return a job of one's own.

    Raises:
        HTTPException: 404, there is none; of somebody else's the same is said.
    """
    life = job_life.job_life(tx, job)
    if life is None or life.listed.job.user.lower() != visit.me.name.lower():
        raise HTTPException(404, sentences.NO_PAGE)
    return life


def _one(tx: Transaction, visit: Visit, id_: UUID, *, wrong: str = "", reason: str = "") -> OneJob:
    life = _life(tx, visit, id_)
    job, decision = life.listed.job, life.decision
    left = corrections.can_give_back(tx, id_)
    waits = any(each.state == "open" for each in life.requests)
    return OneJob(
        job=id_,
        name=me_words.name_of(visit, job),
        site=life.site,
        answer=me_words.answer(visit, life),
        held=job.state == "pending-held",
        steps=me_words.steps(visit, life),
        why=me_words.lines(visit, decision.decided.because) if decision else (),
        figures=tuple(
            FigureView(
                visit.say(me_words.SOURCES.get(each.source, me_words.SOURCES["operator"])),
                each.impressions,
                each.color,
                each.sheets,
                each.chosen,
            )
            for each in life.figures
        ),
        tariff=life.tariff.version if life.tariff else 0,
        rules=decision.decided.rules_version if decision else 0,
        can_ask=bool(left) and any((left or {}).values()) and not waits,
        asked=tuple(Asked(each.id, each.state, each.reason, each.answer) for each in life.requests),
        wrong=wrong,
        reason=reason,
    )


PAGES: Final = (
    Page("/me/history", history, Right.OWN),
    Page("/me/history/{job}", one, Right.OWN),
    Page("/me/history/{job}/ask", ask_back, Right.OWN, methods=("POST",)),
    Page("/me/history/{job}/withdraw", withdraw, Right.OWN, methods=("POST",)),
)
