"""What became of a wish: asked at its site, waited for a moment, told in whole sentences."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import timedelta
from typing import TYPE_CHECKING, Any, Final, Literal
from uuid import UUID

from pydantic import ValidationError
from starlette.exceptions import HTTPException

from broker.messages import Because, QuoteAnswer
from central.acts import wishes
from central.rights import Right
from central.store import directory, lists, nodes
from central.web.pages import me_words, sentences, site_words, waiting
from central.web.pages.sentences import mark
from central.web.pages.table import Page
from central.web.pages.views import Notice
from config.policy.money import Money

if TYPE_CHECKING:
    from collections.abc import Mapping

    from starlette.responses import Response

    from central.store.books import Transaction
    from central.store.commands import CommandRecord
    from central.web.pages.me_words import Why
    from central.web.pages.visit import Visit

#: An answer may be under way for so long after the site's time is up.
_LATE: Final = timedelta(seconds=10)


@dataclass(frozen=True, slots=True)
class Asked:
    """The page."""

    kind: Literal["waiting", "refused", "question", "price", "silent"]
    answer: str
    """The first sentence."""
    detail: str
    job: str
    name: str
    site: str
    printer: str
    """Device id."""
    printer_name: str
    copies: str
    sides: str
    mode: str
    confirmed: bool
    why: tuple[Why, ...] = ()
    again: bool = False
    """It can be released from here, as it was wished."""


@dataclass(frozen=True, slots=True)
class _Known:
    """A wish with the names of what it is about."""

    command: CommandRecord
    name: str
    site: str
    printer: str


async def asked(visit: Visit) -> Response:
    """Tell how a wish ended; wait a moment for that."""
    id_ = visit.uuid("id")
    known = await waiting.until(
        lambda known: known.command.over or _silent(visit, known.command),
        lambda: visit.read(lambda tx: _known(tx, visit, id_)),
        seconds=0.0 if visit.asked("now") else waiting.WAITS,
    )
    return _told(visit, known)


def _known(tx: Transaction, visit: Visit, id_: UUID) -> _Known:
    command = wishes.mine(tx, id_, visit.me.name)
    if command is None or "job" not in command.args:
        raise HTTPException(404, sentences.NO_PAGE)
    listed = lists.job(tx, UUID(command.args["job"]))
    node = nodes.find(tx, command.node)
    device = command.args.get("printer", "")
    row = directory.get(tx, "printer", device) if device else None
    return _Known(
        command,
        "" if listed is None else me_words.name_of(visit, listed.job),
        (node.site if node else "") or command.node,
        str((row or {}).get("name") or device),
    )


def _silent(visit: Visit, command: CommandRecord) -> bool:
    until = command.expires_at
    return until is not None and visit.centre.clock() > until + _LATE


def _told(visit: Visit, known: _Known) -> Response:
    command = known.command
    if command.state == "successful":
        return _went_well(visit, known)
    if command.state == "failed":
        return visit.page("me-asked.html", _refused(visit, known))
    if command.state == "expired" or _silent(visit, command):
        answer = visit.say(mark("%(site)s did not answer in time."), site=known.site)
        detail = visit.say(
            mark(
                "It begins nothing after a minute, so nothing is queued. Look whether the document "
                "still waits, and try again or print it at a machine there."
            )
        )
        return visit.page("me-asked.html", _view(known, "silent", answer, detail, again=True))
    answer = visit.say(mark("%(site)s is being asked…"), site=known.site)
    page = visit.page("me-asked.html", _view(known, "waiting", answer, ""))
    page.headers["refresh"] = "1"
    return page


def _went_well(visit: Visit, known: _Known) -> Response:
    what, data = known.command.what, known.command.data
    if what == "cancel-job":
        said = visit.say(mark("%(name)s is deleted."), name=known.name)
        return visit.go("/me/jobs", Notice("good", said))
    if what == "quote-job":
        return visit.page("me-asked.html", _price(visit, known))
    row = data.get("job") or {}
    held = _moneys(visit, row.get("held") or ())
    where = row.get("printer") or known.command.args.get("printer", "")
    if where == known.command.args.get("printer"):
        where = known.printer
    said = visit.say(mark("%(name)s is printed on %(where)s."), name=known.name, where=where)
    more = visit.say(mark("%(sum)s is set aside; you pay for what comes out."), sum=held)
    return visit.go("/me/jobs", Notice("good", said, more if row.get("held") else ""))


def _price(visit: Visit, known: _Known) -> Asked:
    try:
        told = QuoteAnswer.model_validate(known.command.data)
    except ValidationError:
        answer = visit.say(mark("The site's answer cannot be read."))
        return _view(known, "refused", answer, "")
    why = me_words.lines(visit, told.because)
    if told.question:
        return _question(visit, known, told.question, why)
    if not told.allowed:
        answer = me_words.reason(visit, told.reason or "", told.refusal or "")
        return _view(known, "refused", answer, _more(visit, answer, told.refusal or ""), why)
    price = visit.words.moneys(Money(each.micros, each.unit) for each in told.price or ())
    answer = visit.say(
        mark("It would cost you %(sum)s on %(where)s."), sum=price, where=known.printer
    )
    detail = ""
    if told.impressions is not None:
        detail = visit.words.pages(told.impressions, told.sheets)
    return _view(known, "price", answer, detail, why, again=True)


def _refused(visit: Visit, known: _Known) -> Asked:
    command, data = known.command, known.command.data
    why = me_words.lines(visit, _because(data.get("because")))
    if data.get("question"):
        return _question(visit, known, str(data["question"]), why)
    code = str(data.get("code", ""))
    if not code and "not known to this program" in command.detail:
        answer = visit.say(
            mark("The program at %(site)s does not know this wish yet."), site=known.site
        )
        detail = visit.say(mark("Print it at a machine there."))
        return _view(known, "refused", answer, detail)
    answer = me_words.reason(visit, code, command.detail)
    return _view(known, "refused", answer, _more(visit, answer, command.detail), why)


def _question(visit: Visit, known: _Known, question: str, why: tuple[Why, ...]) -> Asked:
    answer = visit.say(mark("A rule asks first: %(question)s"), question=question)
    return _view(known, "question", answer, "", why, again=True)


def _more(visit: Visit, answer: str, detail: str) -> str:
    """Return what more the site says, unless it was said already."""
    said = site_words.said(visit, detail)
    return "" if said == answer else said


def _because(told: object) -> tuple[Because, ...]:
    try:
        return tuple(Because.model_validate(each) for each in told or ())  # type: ignore[attr-defined]
    except (ValidationError, TypeError):
        return ()


def _moneys(visit: Visit, held: Any) -> str:  # noqa: ANN401  as the wire has it
    return visit.words.moneys(Money(int(each["micros"]), each["unit"]) for each in held)


def _view(
    known: _Known,
    kind: Literal["waiting", "refused", "question", "price", "silent"],
    answer: str,
    detail: str,
    why: tuple[Why, ...] = (),
    *,
    again: bool = False,
) -> Asked:
    args: Mapping[str, Any] = known.command.args
    changes = args.get("changes") or {}
    return Asked(
        kind,
        answer,
        detail,
        str(args["job"]),
        known.name,
        known.site,
        args.get("printer", ""),
        known.printer,
        str(changes.get("copies", "")),
        changes.get("sides", ""),
        changes.get("print_color_mode", ""),
        kind == "question" or bool(args.get("confirmed")),
        why,
        again and known.command.what != "cancel-job",
    )


PAGES: Final = (Page("/me/asked/{id}", asked, Right.OWN),)
