"""People's requests for their money: the evidence beside each, settled or declined with words."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Final

from starlette.exceptions import HTTPException

from central.acts import money as acts
from central.rights import Right
from central.store import directory, refund_requests
from central.store.corrections import can_give_back
from central.store.ledger import Refused
from central.store.refund_requests import RefundRequest, Which
from central.web.export import Kind
from central.web.pages import addresses, job_words, lists, routes_job, routes_refund, sentences
from central.web.pages.lists import Cell, Column, Filter, ListOf, Query, Rows
from central.web.pages.sentences import mark
from central.web.pages.table import Nav, Page
from central.web.pages.views import Choice, Empty, Notice
from config.policy.money import Money

if TYPE_CHECKING:
    from datetime import datetime

    from starlette.responses import Response

    from central.store.books import Transaction
    from central.store.job_life import JobLife
    from central.web.pages.forms import Wrong
    from central.web.pages.ledgers import Names
    from central.web.pages.lists import ListView
    from central.web.pages.routes_job import FigureRow, Line
    from central.web.pages.views import Chip, Step
    from central.web.pages.visit import Visit

#: Open ones that are shown whole, the oldest first; the list has all.
_WHOLE: Final = 10
_DECLINED: Final = mark("Declined; %(who)s reads your words beside the job.")
_ANSWER: Final = mark("Say why not: the person who asked reads it.")


@dataclass(frozen=True, slots=True)
class Case:
    """A request with its evidence."""

    id: str
    job: str
    who: str
    site: str
    reason: str
    asked_at: datetime
    chip: Chip
    open: bool
    settled_at: datetime | None
    settled_by: str
    answer: str
    """What the person was told."""
    became: str
    """What became of the job; empty: it was deleted since."""
    name: str
    figures: tuple[FigureRow, ...]
    why: str
    steps: tuple[Step, ...]
    lines: tuple[Line, ...]
    left: tuple[Money, ...]
    """What can still be given back."""
    mark: str
    units: tuple[Choice, ...]
    may_see: bool
    """The reader sees the jobs of its site."""
    amount: str = ""
    words: str = ""
    wrong: Wrong = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Refunds:
    """The page."""

    waiting: int
    cases: tuple[Case, ...]
    list: ListView


@dataclass(frozen=True, slots=True)
class _Evidence:
    """What the books have about a request."""

    request: RefundRequest
    life: JobLife | None
    left: dict[str, int]
    display: str
    names: Names


def _evidence(tx: Transaction, *requests: RefundRequest) -> list[_Evidence]:
    lives = [acts.evidence(tx, each) for each in requests]
    # names are few, and looked up at once
    names = routes_job.learned(tx, *(each for each in lives if each is not None))
    rows = directory.some(tx, "user", sorted({each.user.lower() for each in requests}))
    people = {name: str(row.get("display") or "") for name, row in rows.items()}
    return [
        _Evidence(
            each,
            life,
            {unit: m for unit, m in (can_give_back(tx, each.job) or {}).items() if m},
            people.get(each.user.lower()) or each.user,
            names,
        )
        for each, life in zip(requests, lives, strict=True)
    ]


def _case(visit: Visit, found: _Evidence, wrong: Wrong | None = None) -> Case:
    asked, life, form = found.request, found.life, visit.form
    return Case(
        id=str(asked.id),
        job=str(asked.job),
        who=found.display,
        site=found.names.place(asked.node),
        reason=asked.reason,
        asked_at=visit.local(asked.asked_at),
        chip=job_words.request_chip(visit, asked.state),
        open=asked.state == "open",
        settled_at=None if asked.settled_at is None else visit.local(asked.settled_at),
        settled_by=job_words.person_of(asked.settled_by),
        answer=asked.answer,
        became="" if life is None else job_words.answer(visit, life.answer, found.display),
        name="" if life is None else life.listed.job.name,
        figures=() if life is None else routes_job.figures_of(visit, life),
        why="" if life is None else job_words.why(visit, life),
        steps=() if life is None else job_words.steps(visit, life),
        lines=() if life is None else routes_job.lines_of(visit, life, found.names),
        left=tuple(Money(micros, unit) for unit, micros in sorted(found.left.items())),
        mark=routes_refund.mark_of(found.left),
        units=tuple(Choice(unit, unit) for unit in sorted(found.left)),
        may_see=visit.may(Right.SEE_JOBS, asked.node),
        amount=form.text("amount", 40),
        words=form.text("answer", 500),
        wrong=wrong or {},
    )


# ── all of them ─────────────────────────────────────────────────────────────────────────────


def _read(tx: Transaction, query: Query) -> Rows[RefundRequest]:
    state = query.filters.get("state", "")
    user = query.filters.get("user", "").lower()
    which = Which(
        state=_STATES.get(state),
        user=user or None,
        nodes=query.sites,
    )
    before = addresses.before(query.after)
    found = refund_requests.every(tx, which, before=before, limit=query.limit + 1)
    shown = found[: query.limit]
    more = str(shown[-1].n) if len(found) > query.limit else ""
    return Rows(tuple(shown), more)


_STATES: Final[dict[str, refund_requests.State]] = {
    "open": "open",
    "refunded": "refunded",
    "declined": "declined",
    "withdrawn": "withdrawn",
}


def _choices(visit: Visit) -> tuple[Choice, ...]:
    return tuple(Choice(key, visit.say(word)) for key, (_, word) in job_words.REQUESTS.items())


REFUNDS: Final = ListOf(
    "refunds",
    (
        Column[RefundRequest](
            "user", mark("Person"), lambda row, _: Cell(row.user), lambda row: row.user
        ),
        Column[RefundRequest](
            "reason",
            mark("What was wrong"),
            lambda row, _: Cell(row.reason),
            lambda row: row.reason,
        ),
        Column[RefundRequest](
            "state",
            mark("State"),
            lambda row, visit: Cell(chip=job_words.request_chip(visit, row.state)),
            lambda row: row.state,
        ),
        Column[RefundRequest](
            "answer",
            mark("Answer"),
            lambda row, _: Cell(row.answer, note=job_words.person_of(row.settled_by)),
            lambda row: row.answer,
            wide=True,
        ),
        Column[RefundRequest](
            "asked",
            mark("Asked"),
            lambda row, visit: Cell(when=visit.local(row.asked_at)),
            lambda row: row.asked_at,
            kind=Kind.MOMENT,
            number=True,
        ),
    ),
    _read,
    Right.SETTLE_REFUNDS,
    filters=(
        Filter("user", mark("Person"), hint=mark("user name")),
        Filter("state", mark("State"), "choice", _choices),
    ),
    limit=25,
    link=lambda row: f"/refunds/{row.id}",
)


async def show(visit: Visit) -> Response:
    """Show who waits for an answer, with the evidence, and all requests below."""
    if (fetched := lists.file(visit, REFUNDS)) is not None:
        return fetched
    query = lists.query_of(visit, REFUNDS)

    def look(tx: Transaction) -> tuple[int, list[_Evidence], Rows[RefundRequest]]:
        waiting = refund_requests.waiting(tx, query.sites)
        which = Which(state="open", nodes=query.sites)
        first = refund_requests.every(tx, which, limit=_WHOLE, oldest=True) if waiting else []
        return waiting, _evidence(tx, *first), _read(tx, query)

    waiting, found, rows = await visit.read(look)
    empty = Empty(
        "money",
        visit.say(mark("Requests for money will stand here")),
        visit.say(mark("Whoever was charged for a bad print asks on the page of that job.")),
    )
    table = lists.shown(visit, REFUNDS, query, rows, empty=empty)
    cases = tuple(_case(visit, each) for each in found)
    return visit.page("money-refunds.html", Refunds(waiting, cases, table))


# ── one ─────────────────────────────────────────────────────────────────────────────────────


async def _found(visit: Visit) -> _Evidence:
    """Return the request that an address names, if the reader may settle it.

    Raises:
        HTTPException: 404, there is none, or it is none of the reader's.
    """
    id_ = visit.uuid("request")

    def look(tx: Transaction) -> _Evidence:
        request = refund_requests.find(tx, id_)
        if request is None:
            raise HTTPException(404, sentences.NO_PAGE)
        visit.check(Right.SETTLE_REFUNDS, request.node)
        return _evidence(tx, request)[0]

    return await visit.read(look)


async def show_one(visit: Visit) -> Response:
    """Show a request with all its evidence."""
    return visit.page("money-request.html", _case(visit, await _found(visit)))


async def settle(visit: Visit) -> Response:
    """Give back what was asked for, or part of it."""
    found = await _found(visit)
    wrong: Wrong = {}
    amount = routes_refund.amount_of(visit, found.left, wrong)
    shown, answer = visit.form.text("left", 200), visit.form.text("answer", 500)
    if not wrong:

        def act(tx: Transaction) -> acts.Settled | Refused:
            left = {u: m for u, m in (can_give_back(tx, found.request.job) or {}).items() if m}
            if routes_refund.mark_of(left) != shown:
                return Refused(visit.say(routes_refund.CHANGED))
            return acts.settle_refund(tx, visit.by, found.request.id, amount, answer=answer)

        done = await visit.write(act)
        if not isinstance(done, Refused):
            return visit.go("/refunds", routes_refund.gave_back(visit, done.refunds))
        wrong["amount"] = done.reason
        found = await _found(visit)
    return visit.page("money-request.html", _case(visit, found, wrong), status=422)


async def decline(visit: Visit) -> Response:
    """Say no, with words."""
    found = await _found(visit)
    answer = visit.form.text("answer", 500)
    if not answer:
        wrong = {"answer": visit.say(_ANSWER)}
        return visit.page("money-request.html", _case(visit, found, wrong), status=422)
    id_ = found.request.id
    done = await visit.write(lambda tx: acts.decline_refund(tx, visit.by, id_, answer=answer))
    if isinstance(done, Refused):
        return visit.go(f"/refunds/{id_}", Notice("trouble", done.reason))
    return visit.go("/refunds", Notice("good", visit.say(_DECLINED, who=found.display)))


PAGES: Final = (
    Page("/refunds", show, Right.SETTLE_REFUNDS, nav=Nav(mark("Refunds"), "refund", 55)),
    Page("/refunds/{request}", show_one, Right.SETTLE_REFUNDS),
    Page("/refunds/{request}/settle", settle, Right.SETTLE_REFUNDS, methods=("POST",)),
    Page("/refunds/{request}/decline", decline, Right.SETTLE_REFUNDS, methods=("POST",)),
)
