"""What people read of their own jobs: what became of one, and why, in whole sentences."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from central.web.pages.sentences import mark
from central.web.pages.views import Chip, Step
from config.policy.money import Money
from config.policy.reasons import Reason

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping
    from datetime import datetime

    from broker.messages import Because
    from central.job_answer import Answer
    from central.job_fold import JobRecord
    from central.store.job_life import JobLife
    from central.store.job_steps import Step as Moment
    from central.web.pages.views import Tone
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
#: Who counted.
SOURCES: Final[Mapping[str, str]] = {
    "device-job": mark("the printer, for this job"),
    "device-meter": mark("the printer's meters"),
    "analysis": mark("the document itself"),
    "spooler": mark("the print system"),
    "operator": mark("a person"),
}
_STEPS: Final[Mapping[str, tuple[Tone, str]]] = {
    "received": ("good", mark("Received")),
    "counted": ("good", mark("Counted")),
    "held": ("waiting", mark("Held")),
    "refused": ("trouble", mark("Not released")),
    "released": ("good", mark("Released")),
    "copying": ("good", mark("Copying began")),
    "printed": ("good", mark("Printed")),
    "flagged": ("trouble", mark("Somebody should look at it")),
    "canceled": ("unknown", mark("Deleted")),
    "charged": ("good", mark("Charged")),
    "booked": ("good", mark("In the books")),
    "refunded": ("good", mark("Given back")),
    "asked-back": ("waiting", mark("You asked for your money")),
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
    return detail or visit.say(mark("The site says no."))


def lines(visit: Visit, because: tuple[Because, ...]) -> tuple[Why, ...]:
    """Return the lines of a decision."""
    return tuple(
        Why(visit.say(LINES.get(each.code, LINES["note"])), each.text, each.rule or "")
        for each in because
    )


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


def answer(visit: Visit, life: JobLife) -> str:  # noqa: PLR0911  a sentence for each end
    """Return the sentence that somebody came for."""
    told, job = life.answer, life.listed.job
    at = "\N{EN DASH}" if told.at is None else visit.words.clock(visit.local(told.at), visit.now)
    where = told.printer or life.site
    holes = {"what": what(visit, told), "where": where, "when": at}
    match told.kind:
        case "paid":
            sum_ = visit.words.moneys(told.paid)
            said = mark("You paid %(sum)s for %(what)s on %(where)s, %(when)s.")
            return visit.say(said, sum=sum_, **holes)
        case "given-back":
            sum_ = visit.words.moneys(told.given_back)
            said = mark("You were given back %(sum)s for %(what)s on %(where)s.")
            return visit.say(said, sum=sum_, what=holes["what"], where=where)
        case "free":
            return visit.say(mark("%(what)s on %(where)s cost you nothing, %(when)s."), **holes)
        case "held":
            said = mark("It waits for you at %(site)s: %(what)s.")
            return visit.say(said, site=life.site, what=holes["what"])
        case "refused":
            why = reason(visit, job.refused or "", told.reason)
            return visit.say(mark("It was not released. %(why)s"), why=why)
        case "printing":
            return visit.say(mark("It is being printed on %(where)s."), where=where)
        case "canceled":
            return visit.say(mark("It was deleted: nothing was printed, nothing was charged."))
        case _:
            return visit.say(mark("Nothing came out, and nothing was charged."))


def steps(visit: Visit, life: JobLife) -> tuple[Step, ...]:
    """Return a job's life as a time line shows it."""
    return tuple(_step(visit, life, each) for each in life.steps)


def _step(visit: Visit, life: JobLife, each: Moment) -> Step:
    tone, label = _STEPS.get(each.kind, ("unknown", mark("Note")))
    said = "; ".join(filter(None, _details(visit, life, each)))
    return Step(_local(visit, each.at), visit.say(label), said, tone)


def _local(visit: Visit, at: datetime) -> datetime:
    return visit.local(at)


def _details(visit: Visit, life: JobLife, each: Moment) -> Iterator[str]:
    told = each.told
    if told.get("printer") is not None:
        yield life.printer_name if told["printer"] == life.listed.job.printer else told["printer"]
    match each.kind:
        case "refused":
            yield reason(visit, told.get("reason", ""), told.get("detail", ""))
        case "counted" | "printed" if told.get("impressions") is not None:
            yield visit.words.pages(told["impressions"], told.get("sheets"))
        case "charged":
            yield _moneys(visit, told["paid"])
        case "refunded":
            yield _moneys(visit, told["given_back"])
        case "asked-back":
            yield told["reason"]
        case "canceled" | "flagged":
            yield str(told.get("detail", ""))
        case _:
            pass
    if told.get("alone"):
        yield visit.say(mark("the site worked alone"))


def _moneys(visit: Visit, sums: Mapping[str, int]) -> str:
    return visit.words.moneys(Money(micros, unit) for unit, micros in sums.items())
