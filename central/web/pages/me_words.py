"""What people read of their own jobs: what is there of one, and why the site said no."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from central.web.pages import site_words
from central.web.pages.sentences import mark
from central.web.pages.views import Chip
from config.policy.reasons import Reason

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from broker.messages import Because
    from central.job_answer import Answer
    from central.job_fold import JobRecord
    from central.web.pages.visit import Visit

#: A refusal's code → what it means to whoever was refused.
REASONS: Final[Mapping[str, str]] = {
    Reason.ACCOUNT_AUTHORIZATION_FAILED: mark("You may not print at the cost of this account."),
    Reason.ACCOUNT_CLOSED: mark("The account that would pay is closed."),
    Reason.ACCOUNT_INFO_NEEDED: mark("Nobody knows which account would pay."),
    Reason.ACCOUNT_LIMIT_REACHED: mark("There is not enough money for it."),
    Reason.DENIED_BY_RULE: mark("A rule of this organisation says no."),
    Reason.NO_IDENTITY: mark("The site does not know you."),
    Reason.NO_PRICE: mark("There is no price for it yet."),
    Reason.NOTHING_TO_PRINT: mark("There is nothing to print."),
    Reason.NOT_SUPPORTED: mark("It cannot be printed like this."),
    Reason.OFFLINE_TOO_LONG: mark("The site has been on its own for too long."),
    Reason.OUT_OF_SERVICE: mark("The site is out of service."),
    Reason.PRINTER_CANNOT: mark("This printer cannot print it like this."),
    Reason.PRINTER_UNKNOWN: mark("This printer is not there any more."),
    Reason.RULES_UNREADABLE: mark("The site cannot read the rules."),
    Reason.UNREADABLE: mark("The document cannot be read."),
    "not-held": mark("It does not wait there any more."),
    "not-found": mark("It does not wait there any more."),
    "user-disabled": mark("You may not print or copy. Ask at the desk."),
    "spooler-unavailable": mark("The print system there does not answer. Try again in a moment."),
    "spooler-refused": mark("The print system there will not do it."),
    "store-unwritable": mark("The site cannot write at the moment."),
    "busy": mark("The site is busy. Try again in a moment."),
}
#: A line's code → what kind of line it is.
LINES: Final[Mapping[str, str]] = {
    "redirect": mark("Other printer"),
    "conversion": mark("Changed"),
    "price": mark("Price"),
    "factor": mark("Factor"),
    "surcharge": mark("Surcharge"),
    "account": mark("Paid from"),
    "confirm": mark("Asked"),
    "refused": mark("Refused"),
    "note": mark("Note"),
    "tag": mark("Mark"),
}
_NAMELESS: Final = mark("A document without a name")
_COPIES: Final = mark("Copies")


@dataclass(frozen=True, slots=True)
class Why:
    """One line of a decision."""

    kind: str
    text: str
    rule: str


def name_of(visit: Visit, job: JobRecord) -> str:
    """Return what people call a job."""
    if job.service == "copy":
        return visit.say(_COPIES)
    return job.name or visit.say(_NAMELESS)


def state_chip(visit: Visit, job: JobRecord) -> Chip:
    """Return what became of a job in a word."""
    if job.refused is not None and job.state == "pending-held":
        return Chip("trouble", visit.say(mark("not released")))
    if job.state == "pending-held":
        return Chip("waiting", visit.say(mark("waits for you")))
    if job.state == "processing":
        return Chip("waiting", visit.say(mark("is being printed")))
    if job.state == "completed":
        return Chip("good", visit.say(mark("printed")))
    if job.state == "canceled":
        return Chip("unknown", visit.say(mark("deleted")))
    return Chip("trouble", visit.say(mark("stopped")))


def reason(visit: Visit, code: str, detail: str = "") -> str:
    """Return why something was not done; in the site's own words where there are no others."""
    known = REASONS.get(code)
    if known is not None:
        return visit.say(known)
    return site_words.said(visit, detail) or visit.say(mark("The site says no."))


def lines(visit: Visit, because: tuple[Because, ...]) -> tuple[Why, ...]:
    """Return the lines of a decision."""
    return tuple(
        Why(visit.say(LINES.get(each.code, LINES["note"])), line(visit, each), each.rule or "")
        for each in because
    )


def line(visit: Visit, because: Because, called: Callable[[str], str] = str) -> str:
    """Return what a line of a decision says; what an operator wrote into a rule as it is."""
    if because.code == "refused" and because.rule:
        return because.text
    return site_words.said(visit, because.text, called)


def what(visit: Visit, answer: Answer) -> str:
    """Return what came out, or would: `6 pages (3 sheets), 2 in colour`."""
    if answer.pages is None:
        return visit.say(mark("pages nobody has counted yet"))
    said = [visit.words.pages(answer.pages, answer.sheets)]
    if answer.color:
        number = visit.words.number(answer.color)
        said.append(visit.say(mark("%(num)s in colour"), num=number))
    if answer.two_sided:
        said.append(visit.say(mark("two-sided")))
    return ", ".join(said)
