"""A job's life in words: what became of it, its moments, figures and why one of them counted."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

from central.web.pages import me_words, site_words
from central.web.pages.sentences import mark
from central.web.pages.views import Chip, Step
from config.policy.money import Money

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from central.job_answer import Answer
    from central.store.job_life import JobLife
    from central.store.job_steps import Step as Told
    from central.web.pages.views import Tone
    from central.web.pages.visit import Visit
    from config.policy.money import Unit

#: What became of a job → what its owner is told, and what others are.
_ANSWERS: Final[Mapping[str, tuple[str, str]]] = {
    "paid": (mark("You paid %(sum)s for %(what)s."), mark("%(who)s paid %(sum)s for %(what)s.")),
    "given-back": (
        mark("You got all of your money back, %(sum)s for %(what)s."),
        mark("%(who)s got all of the money back, %(sum)s for %(what)s."),
    ),
    "free": (mark("You paid nothing for %(what)s."), mark("%(who)s paid nothing for %(what)s.")),
    "held": (
        mark("It waits for you to release it: %(what)s."),
        mark("It waits for %(who)s to release it: %(what)s."),
    ),
    "refused": (
        mark("It was refused and waits, and cost nothing: %(what)s."),
        mark("It was refused and waits, and cost %(who)s nothing: %(what)s."),
    ),
    "printing": (
        mark("It is on its way: %(what)s."),
        mark("It is on its way for %(who)s: %(what)s."),
    ),
    "canceled": (
        mark("It was deleted, and cost you nothing: %(what)s."),
        mark("It was deleted, and cost %(who)s nothing: %(what)s."),
    ),
    "not-printed": (
        mark("Nothing came out, and you paid nothing: %(what)s."),
        mark("Nothing came out, and %(who)s paid nothing: %(what)s."),
    ),
}
#: IPP job-state → shape and colour, and the word.
STATES: Final[Mapping[str, tuple[Tone, str]]] = {
    "pending-held": ("waiting", mark("waits")),
    "processing": ("waiting", mark("under way")),
    "completed": ("good", mark("printed")),
    "aborted": ("trouble", mark("stopped half way")),
    "canceled": ("unknown", mark("deleted")),
}
_STEPS: Final[Mapping[str, tuple[Tone, str]]] = {
    "received": ("good", mark("Came in")),
    "counted": ("good", mark("Counted")),
    "held": ("waiting", mark("Held")),
    "refused": ("trouble", mark("Refused")),
    "released": ("good", mark("Released")),
    "copying": ("good", mark("Copying began")),
    "printed": ("good", mark("Printed")),
    "flagged": ("trouble", mark("To be looked at")),
    "canceled": ("unknown", mark("Deleted")),
    "charged": ("good", mark("Charged")),
    "booked": ("good", mark("Booked")),
    "refunded": ("good", mark("Given back")),
    "asked-back": ("waiting", mark("Asked for back")),
}
SOURCES: Final = {
    "device-job": mark("What the printer counted for this job"),
    "device-meter": mark("The meters of the printer"),
    "analysis": mark("The document itself"),
    "spooler": mark("The print queue"),
    "operator": mark("A person"),
}
_WHY: Final = {
    "device-job": mark("What the printer itself counted for a job comes before all others."),
    "device-meter": mark(
        "The printer does not count jobs, and its meters moved while this one was alone on it."
    ),
    "analysis": mark("Nobody but the document itself says how many pages came out."),
    "spooler": mark("It ended before anything was sent to the printer."),
    "operator": mark("A person looked at it and entered this figure."),
}
_MORE_CAME: Final = mark("More came out than was counted beforehand: the rest is on the house.")
_BY_POLICY: Final = mark("The sources disagreed for a day; the rule of the site then decided.")
_ENDS: Final[Mapping[str, tuple[Tone, str]]] = {
    "completed": ("good", ""),
    "stopped": ("trouble", mark("stopped half way")),
    "aborted": ("trouble", mark("the printer gave up")),
    "canceled": ("unknown", mark("cancelled on the way")),
    "unknown": ("waiting", mark("nobody knows yet what came out")),
}
#: Why somebody should look at a job: the code of its flag.
_CAUSES: Final[Mapping[str, str]] = {
    "unknown-outcome": mark("Nobody knows what came out."),
    "partly-printed": mark("It broke off half way."),
    "printer-restarted": mark("The printer was switched off on the way."),
    "printer-at-work": mark("The printer was still at work on it."),
    "zero-reported": mark("The printer says that no page came out."),
    "counts-differ": mark("The document and the printer count differently."),
    "printed-above-hold": mark("More came out than was counted beforehand."),
    "dispute": mark("The sources disagree."),
    "reprint": mark("It was printed once more, not by us; that is not charged."),
    "moved-elsewhere": mark("Somebody sent it to another queue; it was not released here."),
    "document-added": mark("More was sent to it after it was counted."),
    "copy-meter": mark("The meters of the machine and its terminal count differently."),
    "copy-kind": mark("It was copied in a way that this copy did not allow."),
    "copy-count-fell": mark("The terminal counted backwards."),
    "copy-late": mark("More was copied after it was settled."),
    "copy-abandoned": mark("Its terminal left it behind."),
}
#: How a request stands.
REQUESTS: Final[Mapping[str, tuple[Tone, str]]] = {
    "open": ("waiting", mark("open")),
    "refunded": ("good", mark("given back")),
    "declined": ("trouble", mark("declined")),
    "withdrawn": ("unknown", mark("withdrawn")),
}


def answer(visit: Visit, found: Answer, who: str) -> str:
    """Say what became of a job.

    Args:
        visit: who reads it, when, in which language.
        found: the facts.
        who: whose job it is; empty: the reader's own.
    """
    own, others = _ANSWERS[found.kind]
    sums = found.given_back if found.kind == "given-back" else found.paid
    said = {"sum": visit.words.moneys(sums), "what": ", ".join(_what(visit, found))}
    return visit.say(others, who=who, **said) if who else visit.say(own, **said)


def _what(visit: Visit, found: Answer) -> Iterator[str]:
    if found.pages is None:
        yield visit.say(mark("pages nobody has counted"))
    else:
        yield visit.words.pages(found.pages, found.sheets)
    if found.color:
        yield visit.say(mark("%(num)s in colour"), num=visit.words.number(found.color))
    if found.two_sided:
        yield visit.say(mark("two-sided"))
    if found.copies:
        yield visit.say(mark("copied"))
    if found.printer:
        yield visit.say(mark("on %(printer)s"), printer=found.printer)
    if found.at is not None:
        yield visit.words.when(visit.local(found.at), visit.now)


def state_chip(visit: Visit, state: str, flag: str | None, refused: str | None) -> Chip:
    """Return a job's state in a word."""
    if flag:
        return Chip("trouble", visit.say(mark("to be looked at")))
    if refused:
        return Chip("trouble", visit.say(mark("refused")))
    tone, word = STATES.get(state, ("unknown", state))
    return Chip(tone, visit.say(word))


def request_chip(visit: Visit, state: str) -> Chip:
    """Return how a request stands, in a word."""
    tone, word = REQUESTS[state]
    return Chip(tone, visit.say(word))


def sums(visit: Visit, by_unit: Mapping[Unit, int]) -> str:
    """Write sums of several units."""
    return visit.words.moneys(Money(micros, unit) for unit, micros in sorted(by_unit.items()))


def steps(visit: Visit, life: JobLife) -> tuple[Step, ...]:
    """Return the moments of a job's life."""
    return tuple(_step(visit, life, each) for each in life.steps)


def _step(visit: Visit, life: JobLife, each: Told) -> Step:
    tone, label = _STEPS.get(each.kind, ("unknown", each.kind))
    told = each.told
    if each.kind == "printed" and told.get("disposition") in _ENDS:
        tone = _ENDS[told["disposition"]][0]
    detail = " · ".join(part for part in _detail(visit, life, each.kind, told) if part)
    return Step(visit.local(each.at), visit.say(label), detail, tone)


def _detail(visit: Visit, life: JobLife, kind: str, told: Mapping[str, Any]) -> Iterator[str]:
    if kind == "received":
        yield str(told.get("queue", ""))
    if kind == "printed":
        end = _ENDS.get(str(told.get("disposition")), ("unknown", ""))[1]
        # of nothing, a catalogue would say whose work it is
        yield visit.say(end) if end else ""
    if told.get("printer"):
        same = told["printer"] == life.listed.job.printer
        yield life.printer_name if same else str(told["printer"])
    if told.get("impressions") is not None:
        yield visit.words.pages(told["impressions"], told.get("sheets"))
    for name in ("paid", "given_back"):
        if told.get(name):
            yield sums(visit, told[name])
    yield from _told_of(visit, life, kind, told)


def refusal(visit: Visit, life: JobLife) -> str:
    """Say why it was refused when it was last asked for; empty: it was not."""
    job = life.listed.job
    if job.refused is None:
        return ""
    said = me_words.reason(visit, job.refused, life.answer.reason)
    more = site_words.said(visit, life.answer.reason)
    return said if more in {"", said} else f"{said} {more}"


def flag(visit: Visit, text: str) -> str:
    """Say why somebody should look at a job; empty: nobody should."""
    code, _, detail = text.partition(": ")
    if site_words.read(text) is not None:
        return site_words.said(visit, text)
    if code not in _CAUSES:
        return site_words.said(visit, text)
    found = visit.say(_CAUSES[code])
    return f"{found} {site_words.said(visit, detail)}" if detail else found


def _told_of(visit: Visit, life: JobLife, kind: str, told: Mapping[str, Any]) -> Iterator[str]:
    if kind == "booked":
        yield visit.say(mark("entry %(num)s"), num=told["entry"])
    if told.get("by") and told["by"] != life.listed.job.user:
        yield visit.say(mark("by %(who)s"), who=person_of(str(told["by"])))
    if kind == "flagged":
        yield flag(visit, ": ".join(filter(None, (told.get("cause"), told.get("detail")))))
    elif kind == "refused" and not told.get("detail"):
        yield me_words.reason(visit, str(told.get("reason", "")))
    else:
        yield site_words.said(visit, str(told.get("detail") or ""))
    if kind in {"refunded", "asked-back"}:
        yield str(told.get("reason", ""))
    if told.get("alone"):
        yield visit.say(mark("the site worked alone"))


def person_of(author: str) -> str:
    """Return who did it, without the face it came through."""
    return author.partition(":")[2] or author


def why(visit: Visit, life: JobLife) -> str:
    """Say why the figure that was billed is the one; empty while nothing was."""
    chosen = next((each for each in life.figures if each.chosen), None)
    if not life.why_chosen or chosen is None:
        return ""
    flag = life.listed.job.flag
    if flag is not None and flag.endswith("by policy"):
        return visit.say(_BY_POLICY)
    said = visit.say(_WHY[chosen.source]) if chosen.source in _WHY else life.why_chosen
    above = life.charges[0].printed_above if life.charges else 0
    return f"{said} {visit.say(_MORE_CAME)}" if above else said
