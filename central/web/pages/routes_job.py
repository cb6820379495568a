"""One job's whole life: for staff, and for whoever printed it - why was I charged this."""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Final

from starlette.exceptions import HTTPException

from central.acts import money as acts
from central.rights import Right
from central.store import corrections, directory
from central.store.job_life import PRICES, job_life
from central.store.ledger import Refused
from central.web.pages import job_words, ledgers, me_words, sentences
from central.web.pages.ledgers import Names
from central.web.pages.sentences import mark
from central.web.pages.table import Page
from central.web.pages.views import Notice

if TYPE_CHECKING:
    from datetime import datetime
    from uuid import UUID

    from starlette.responses import Response

    from central.store.books import Transaction
    from central.store.job_life import JobLife
    from central.store.refund_requests import RefundRequest
    from central.web.pages.forms import Wrong
    from central.web.pages.views import Chip, Ledger, Step
    from central.web.pages.visit import Visit
    from config.policy.money import Unit

_ASKED: Final = mark("You asked for your money back. Somebody will look at it.")
_WITHDRAWN: Final = mark("You do not ask for it any more.")
#: An account, in a line of why.
_ACCOUNT: Final = re.compile(r"\b[a-z]+:[^\s,;]+")
_SAY_WHY: Final = mark("Say in a few words what was wrong.")


@dataclass(frozen=True, slots=True)
class FigureRow:
    """What one source says."""

    source: str
    impressions: int | None
    sheets: int | None
    color: int | None
    chosen: bool


@dataclass(frozen=True, slots=True)
class Line:
    """One line of why it was decided so."""

    text: str
    """In the reader's language, or quoted."""
    rule: str
    kind: str
    """What kind of line it is."""
    place: int | None
    """The rule's place in the set."""
    price: bool
    decided: bool
    """It is the one that decided."""


@dataclass(frozen=True, slots=True)
class Asked:
    """Somebody asked for their money."""

    request: RefundRequest
    chip: Chip
    at: datetime
    settled_at: datetime | None


@dataclass(frozen=True, slots=True)
class MeterView:
    """A reading of the machine's own counters."""

    at: datetime
    before: bool
    values: tuple[tuple[str, int], ...]


@dataclass(frozen=True, slots=True)
class JobPage:
    """The page."""

    id: str
    own: bool
    """The reader's; False: staff looks at it."""
    answer: str
    name: str
    user: str
    site: str
    flag: str
    """Why somebody should look at it; empty: nobody should."""
    refusal: str
    """Why it was refused; empty: it was not."""
    held: bool
    """It waits for the reader, who can release it."""
    chip: Chip
    steps: tuple[Step, ...]
    figures: tuple[FigureRow, ...]
    why: str
    lines: tuple[Line, ...]
    rules_version: int
    tariff_version: int
    conversions: tuple[tuple[str, str], ...]
    came_back: str
    """Of what was set aside; empty: nothing."""
    ledgers: tuple[Ledger, ...]
    meters: tuple[MeterView, ...]
    requests: tuple[Asked, ...]
    left: str
    """What can still be given back; empty: nothing."""
    may_refund: bool
    may_ask: bool
    reason: str = ""
    wrong: Wrong = field(default_factory=dict)


def lines_of(visit: Visit, life: JobLife, names: Names) -> tuple[Line, ...]:
    """Return why it was decided so, with the line that decided."""
    decision = life.decision
    if decision is None:
        return ()
    places = {rule.name: place for place, rule in decision.rules}
    because = decision.decided.because
    printers = {life.listed.job.printer: life.printer_name}

    def called(key: str) -> str:
        return printers.get(key) or names.account(visit, key)

    if decision.decided.released:
        deciding = next((n for n, each in enumerate(because) if each.code == "price"), -1)
    else:
        refusals = [n for n, each in enumerate(because) if each.code == "refused"]
        deciding = refusals[-1] if refusals else len(because) - 1
    return tuple(
        Line(
            me_words.line(visit, each, called),
            each.rule or "",
            visit.say(me_words.LINES.get(each.code, me_words.LINES["note"])),
            places.get(each.rule or ""),
            each.code in PRICES,
            n == deciding,
        )
        for n, each in enumerate(because)
    )


def figures_of(visit: Visit, life: JobLife) -> tuple[FigureRow, ...]:
    """Return what each source says of a job, in words."""
    sources = job_words.SOURCES
    return tuple(
        FigureRow(
            visit.say(sources[each.source]) if each.source in sources else each.source,
            each.impressions,
            each.sheets,
            each.color,
            each.chosen,
        )
        for each in life.figures
    )


def ledgers_of(visit: Visit, life: JobLife, names: Names, *, links: bool) -> tuple[Ledger, ...]:
    """Return the entries of a job: its charges, and what was given back of each."""
    found = []
    for charge in life.charges:
        own = (charge.entry,) if charge.entry is not None else ()
        found += [
            ledgers.ledger(visit, each, names, links=links) for each in (*own, *charge.refunds)
        ]
    return tuple(found)


def learned(tx: Transaction, *lives: JobLife) -> Names:
    """Look up what the entries of some jobs name."""
    names = Names()
    charges = [charge for life in lives for charge in life.charges]
    own = [charge.entry for charge in charges if charge.entry is not None]
    names.learn(tx, (*own, *(each for charge in charges for each in charge.refunds)))
    because = [
        each.text
        for life in lives
        if life.decision is not None
        for each in life.decision.decided.because
    ]
    names.know(tx, *_ACCOUNT.findall(" ".join(because)))
    return names


def display_of(tx: Transaction, user: str) -> str:
    """Return what people call somebody."""
    row = directory.get(tx, "user", user.lower()) if user else None
    return str((row or {}).get("display") or user)


@dataclass(frozen=True, slots=True)
class Looked:
    """What the books have of a job."""

    life: JobLife
    names: Names
    left: dict[Unit, int]
    display: str


def look(tx: Transaction, id_: UUID) -> Looked:
    """Return a job with all that its page names.

    Raises:
        HTTPException: 404, there is none.
    """
    life = job_life(tx, id_)
    if life is None:
        raise HTTPException(404, sentences.NO_PAGE)
    left = corrections.can_give_back(tx, id_) or {}
    return Looked(life, learned(tx, life), left, display_of(tx, life.listed.job.user))


def _page(visit: Visit, found: Looked, *, own: bool, wrong: Wrong | None = None) -> JobPage:
    life, job = found.life, found.life.listed.job
    decided = None if life.decision is None else life.decision.decided
    who = "" if own else found.display or visit.say(mark("somebody unknown"))
    left = job_words.sums(visit, found.left) if any(found.left.values()) else ""
    asked = any(each.state == "open" for each in life.requests)
    copies = job.service == "copy"
    return JobPage(
        id=str(job.job),
        own=own,
        answer=job_words.answer(visit, life.answer, who),
        name=visit.say(mark("Copies")) if copies else job.name,
        user=job.user,
        site=life.site,
        flag=job_words.flag(visit, job.flag) if job.flag else "",
        refusal=job_words.refusal(visit, life),
        held=own and job.state == "pending-held",
        chip=job_words.state_chip(visit, job.state, job.flag, job.refused),
        steps=job_words.steps(visit, life),
        figures=figures_of(visit, life),
        why=job_words.why(visit, life),
        lines=lines_of(visit, life, found.names),
        rules_version=decided.rules_version if decided else 0,
        tariff_version=life.tariff.version if life.tariff else 0,
        conversions=decided.conversions if decided else (),
        came_back=job_words.sums(visit, life.came_back) if life.came_back else "",
        ledgers=ledgers_of(visit, life, found.names, links=not own),
        meters=() if own else _meters(visit, life),
        requests=tuple(
            Asked(
                each,
                job_words.request_chip(visit, each.state),
                visit.local(each.asked_at),
                None if each.settled_at is None else visit.local(each.settled_at),
            )
            for each in life.requests
        ),
        left=left,
        may_refund=bool(left) and not own and visit.may(Right.SETTLE_REFUNDS, job.node),
        may_ask=bool(left) and own and not asked,
        reason=visit.form.text("reason", 1000),
        wrong=wrong or {},
    )


def _meters(visit: Visit, life: JobLife) -> tuple[MeterView, ...]:
    return tuple(
        MeterView(
            visit.local(each.read_at),
            before,
            tuple((str(one["name"]), int(one["value"])) for one in each.meters),
        )
        for each, before in ((life.before, True), (life.after, False))
        if each is not None
    )


async def show(visit: Visit) -> Response:
    """Show a job to staff who see the jobs of its site."""
    id_ = visit.uuid("job")
    found = await visit.read(lambda tx: look(tx, id_))
    visit.check(Right.SEE_JOBS, found.life.listed.job.node)
    return visit.page("money-job.html", _page(visit, found, own=False))


# ── one's own ───────────────────────────────────────────────────────────────────────────────


async def mine(visit: Visit) -> Response:
    """Show a job to whoever printed it, and to nobody else."""
    return await _mine(visit, {}, 200)


async def _mine(visit: Visit, wrong: Wrong, status: int) -> Response:
    id_ = visit.uuid("job")
    found = await visit.read(lambda tx: look(tx, id_))
    if found.life.listed.job.user.lower() != visit.me.name:
        raise HTTPException(404, sentences.NO_PAGE)
    view = _page(visit, found, own=True, wrong=wrong)
    return visit.page("money-job.html", view, status=status)


async def ask_back(visit: Visit) -> Response:
    """Ask for what one's own job cost."""
    id_, reason = visit.uuid("job"), visit.form.text("reason", 1000)
    if not reason:
        return await _mine(visit, {"reason": visit.say(_SAY_WHY)}, 422)
    done = await visit.write(
        lambda tx: acts.ask_refund(tx, visit.by, id_, user=visit.me.name, reason=reason)
    )
    if isinstance(done, Refused):
        return await _mine(visit, {"reason": done.reason}, 422)
    return visit.go(f"/me/jobs/{id_}/why", Notice("good", visit.say(_ASKED)))


async def withdraw(visit: Visit) -> Response:
    """Ask for it no more."""
    id_ = visit.uuid("job")

    def act(tx: Transaction) -> object:
        life = job_life(tx, id_)
        asked = [each for each in (life.requests if life else ()) if each.state == "open"]
        if not asked or asked[0].user != visit.me.name:
            raise HTTPException(404, sentences.NO_PAGE)
        return acts.withdraw_refund(tx, visit.by, asked[0].id, user=visit.me.name)

    await visit.write(act)
    return visit.go(f"/me/jobs/{id_}/why", Notice("good", visit.say(_WITHDRAWN)))


PAGES: Final = (
    Page("/jobs/{job}", show, Right.SEE_JOBS),
    Page("/me/jobs/{job}/why", mine, Right.OWN),
    Page("/me/jobs/{job}/why/ask-back", ask_back, Right.OWN, methods=("POST",)),
    Page("/me/jobs/{job}/why/withdraw", withdraw, Right.OWN, methods=("POST",)),
)
