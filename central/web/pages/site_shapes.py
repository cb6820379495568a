"""What sites write down in English of what they decided: its shapes, and what it is in words.

The policy says it (`config.policy`), and so does the edge; a test holds these tables to them. What
was kept once stays as it was said: a shape that nobody says any more stays here too.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from central.web.pages.sentences import mark, mark_of

if TYPE_CHECKING:
    from collections.abc import Mapping

_MONEY: Final = r"[+-]?\d+\.\d{2,6} [A-Z]{3}|[+-]?\d+(?:\.\d+)? pages?"
_PERCENT: Final = r"\d+(?:\.\d)? %"
#: What stands in a hole, by its name, without digits behind.
_HOLES: Final[Mapping[str, str]] = {
    "sum": _MONEY,
    "each": _MONEY,
    "had": _MONEY,
    "pct": _PERCENT,
    "num": r"\d+",
    "most": r"\d+",
    "why": r".+",
    "kinds": r".+",
    "span": r".+",
    "who": r"[^']*",
}
_ELSE: Final = r"\S+"


@dataclass(frozen=True, slots=True)
class Shape:
    """One thing that sites say."""

    as_said: str
    """With `<sum>` and the like for what differs; the rest is a regular expression."""
    sentence: str
    """Marked."""
    many: str = ""
    """Marked with it; empty: there is no number."""

    def pattern(self) -> re.Pattern[str]:
        """Return what fits it."""
        return re.compile(re.sub(r"(?<!P)<(\w+)>", _hole, self.as_said))


def _hole(found: re.Match[str]) -> str:
    name = found[1]
    return f"(?P<{name}>{_HOLES.get(name.rstrip('2'), _ELSE)})"


def _many(as_said: str, pair: tuple[str, str]) -> Shape:
    return Shape(as_said, *pair)


_PRICES: Final = (
    _many(
        r"<num> monochrome impressions? at <each>, <sum> \(tariff <version>\)",
        mark_of(
            "%(num)s page in black for %(sum)s", "%(num)s pages in black at %(each)s each: %(sum)s"
        ),
    ),
    _many(
        r"<num> color impressions? at <each>, <sum> \(tariff <version>\)",
        mark_of(
            "%(num)s page in colour for %(sum)s",
            "%(num)s pages in colour at %(each)s each: %(sum)s",
        ),
    ),
    _many(
        r"<num> sheets? at <each>, <sum> \(tariff <version>\)",
        mark_of(
            "%(num)s sheet of paper for %(sum)s",
            "%(num)s sheets of paper at %(each)s each: %(sum)s",
        ),
    ),
    Shape("<sum> in all", mark("%(sum)s in all")),
    Shape("<pct> of the pages", mark("%(pct)s of the pages are counted")),
    Shape("<pct> of the price so far, <sum>", mark("%(pct)s of the price so far: %(sum)s")),
    Shape("<sum> on the price so far", mark("%(sum)s on top of the price so far")),
    Shape(
        "<sum> on the price so far, after <pct> of it",
        mark("%(pct)s of the price so far, and a surcharge: %(sum)s"),
    ),
    Shape(
        "no surcharge: nobody pays money for this",
        mark("No surcharge: nobody pays money for this."),
    ),
    Shape("the account <account> is closed: passed over", mark("%(account)s is closed: not used")),
    Shape("<sum> of the account <account>", mark("%(sum)s from %(account)s")),
    Shape(
        "<sum> of the account <account>, counted only",
        mark("%(sum)s from %(account)s, which has no limit"),
    ),
    Shape(
        "<sum> of the account <account>, past what is here",
        mark("%(sum)s from %(account)s, more than it had at the site"),
    ),
    Shape(
        "costs <sum>, here are <had> of the accounts? (?P<accounts>[^;]+)",
        mark("It costs %(sum)s, and %(accounts)s has %(had)s at this site."),
    ),
    Shape(
        "costs <sum> for color impressions, here are <had> of the accounts? (?P<accounts>[^;]+)",
        mark("Its colour costs %(sum)s, and %(accounts)s has %(had)s at this site."),
    ),
    Shape(
        "costs <sum> for monochrome impressions, here are <had> of the accounts? "
        "(?P<accounts>[^;]+)",
        mark("Its pages in black cost %(sum)s, and %(accounts)s has %(had)s at this site."),
    ),
    Shape("there is no more elsewhere", mark("there is no more elsewhere")),
    Shape("elsewhere: <sum> at (?P<why>[^;]+)", mark("elsewhere: %(sum)s at %(why)s")),
    Shape(
        "the line to the centre is down, so money that sits elsewhere cannot be fetched",
        mark("the line to the centre is down, so money that sits elsewhere cannot be fetched"),
    ),
    Shape(
        "costs <sum> more than is here, the site may owe <had>",
        mark("It costs %(sum)s more than is at this site, which may lend %(had)s."),
    ),
    Shape(
        "costs <sum>, and this card is new: until the centre has confirmed it, <had> may be spent "
        "by it; with the PIN or the password there is no such bound",
        mark(
            "It costs %(sum)s, and this card is new: until the centre has confirmed it, it may "
            "spend %(had)s. With the PIN or the password there is no such bound."
        ),
    ),
)
_RULES: Final = (
    Shape("redirected from <from> to <to>", mark("sent to %(to)s instead of %(from)s")),
    Shape(
        "not redirected: a printer tagged '<who>' is not here, or cannot print it",
        mark("not sent elsewhere: no printer of “%(who)s” is there that can print it"),
    ),
    Shape(
        "not redirected: <to> is not here, or cannot print it",
        mark("not sent to %(to)s: it is not there, or cannot print it"),
    ),
    Shape(
        "not redirected to <to>: redirected once already",
        mark("not sent to %(to)s: it was sent elsewhere once already"),
    ),
    Shape(
        "stays one-sided: <to> cannot do both",
        mark("stays on one side: %(to)s cannot print on both"),
    ),
    _many(
        "monochrome instead of <num> color impressions",
        mark_of(
            "in black, instead of %(num)s page in colour",
            "in black, instead of %(num)s pages in colour",
        ),
    ),
    Shape("on both sides of the sheets", mark("on both sides of the paper")),
    Shape("<most> copies instead of <num>", mark("%(most)s copies instead of %(num)s")),
    Shape("<account> pays", mark("%(account)s pays")),
    Shape("tagged (?P<tags>.+)", mark("marked %(tags)s")),
    Shape("asks: (?P<question>.+)", mark("asks: %(question)s")),
    _many(
        "<num> lines are left out here",
        mark_of("%(num)s line is left out here", "%(num)s lines are left out here"),
    ),
)
_REFUSALS: Final = (
    Shape(
        "none of the pages asked for are in the document",
        mark("None of the pages asked for is in the document."),
    ),
    Shape("there is no printer '<who>' here", mark("There is no printer “%(who)s” there.")),
    Shape("the job does not say whose it is", mark("The job does not say whose it is.")),
    Shape("'<who>' is not known here", mark("“%(who)s” is not known there.")),
    Shape("'<who>' may not print", mark("%(who)s may not print.")),
    Shape(
        "'<who>' may not charge the account <account>",
        mark("%(who)s may not print at the cost of %(account)s."),
    ),
    Shape("the rules cannot be read here: .*", mark("The site cannot read the rules.")),
    Shape(
        "no tariff is in force, so the price is not known",
        mark("No prices are in force, so what it costs is not known."),
    ),
    Shape(
        "tariff <version> has no price for <service>, <color>, (?P<media>.+), <sides> at <to>",
        mark("The prices of version %(version)s have none for this on %(to)s (%(media)s)."),
    ),
    Shape(
        "tariff <version> is no longer known here",
        mark("The prices of version %(version)s are not known there any more."),
    ),
    Shape(
        "the account <account> is in <unit>, the tariff in <other>",
        mark("%(account)s is in %(unit)s, the prices are in %(other)s."),
    ),
    Shape("the account <account> is not known here", mark("%(account)s is not known there.")),
    Shape("the account <account> is closed", mark("%(account)s is closed.")),
    Shape(
        "no account is known that would pay for this",
        mark("No account is known that would pay for this."),
    ),
    Shape("no account pays for color impressions", mark("No account pays for pages in colour.")),
    Shape(
        "no account pays for monochrome impressions", mark("No account pays for pages in black.")
    ),
    Shape(
        "(?P<printer>.+?) prints no colour; (?P<others>.+)",
        mark("%(printer)s prints no colour (%(others)s)."),
    ),
    Shape(
        "(?P<printer>.+?) prints on one side only; (?P<others>.+)",
        mark("%(printer)s prints on one side only (%(others)s)."),
    ),
    Shape(
        "(?P<printer>.+?) has no <media>; (?P<others>.+)",
        mark("%(printer)s has no such paper: %(media)s (%(others)s)."),
    ),
    Shape("there is no such job of yours here", mark("There is no such job of yours there.")),
    Shape(
        "this job is no longer in its queue; print it again",
        mark("This job is no longer in its queue. Print it again from your computer."),
    ),
    Shape(
        "this job has <num> documents now; print each alone",
        mark("This job has %(num)s documents now: print each alone."),
    ),
    Shape(
        "this job was sent in black and white; for colour, print it again",
        mark("It was sent in black and white: for colour, print it again from your computer."),
    ),
    Shape("this document is empty", mark("This document is empty.")),
    Shape(
        "this is no kind of document that can be counted",
        mark("This is no kind of document that can be counted."),
    ),
    Shape("this <what> has no pages", mark("This document has no pages.")),
    Shape(
        "this picture is damaged or not complete",
        mark("This picture is damaged, or part of it is missing."),
    ),
    Shape(
        "<num> jobs of yours wait here already, which is the most; print or delete some, then "
        "print this one again",
        mark(
            "%(num)s jobs of yours wait there already, which is the most: print or delete some, "
            "then print this one again."
        ),
    ),
    Shape(
        "this site works as an? <role> and copies are off",
        mark("This site makes no copies for people at present."),
    ),
    Shape(
        "this site works as an? <role> and releases nothing from shared queues"
        "(?:; the job stays held until it does again)?",
        mark("This site releases nothing from shared queues at present; the job waits."),
    ),
    Shape(
        "the books of this site are being closed and begun anew; try again in a moment",
        mark("The books of this site are being closed and begun anew. Try again in a moment."),
    ),
    Shape(
        "the role of this site is being changed; try again in a moment",
        mark("The role of this site is being changed. Try again in a moment."),
    ),
    Shape(
        "the line to the centre is down and this site charges no copies without it; try again "
        "when the line is back",
        mark(
            "The line to the centre is down, and this site makes no copies without it. Try again "
            "when the line is back."
        ),
    ),
    Shape(
        "the line to the centre is down and this site releases nothing without it; the job stays "
        "held and can be released when the line is back",
        mark(
            "The line to the centre is down, and this site releases nothing without it. The job "
            "waits, and can be released when the line is back."
        ),
    ),
    Shape(
        "this site has heard nothing from the centre for <span> and may go on alone for <span2>; "
        "(?:copies are off|the job stays held)",
        mark(
            "This site has heard nothing from the centre for longer than it may go on alone "
            "(%(span2)s)."
        ),
    ),
)
_ENDS: Final = (
    Shape("nobody printed it within <span>", mark("Nobody printed it in time, within %(span)s.")),
    Shape(
        "unknown-outcome: (?:refund|refunded) by policy",
        mark("Nobody knows what came out; the money was given back by the rule of the site."),
    ),
    Shape(
        "<cause>: refund by policy",
        mark("The sources disagreed; the money was given back by the rule of the site."),
    ),
    Shape(
        "<cause>: charge by policy",
        mark("The sources disagreed; it was charged by the rule of the site."),
    ),
    _many(
        "(?:printed-above-hold: )?<num> impressions more than planned",
        mark_of(
            "%(num)s page more came out than was counted beforehand.",
            "%(num)s pages more came out than were counted beforehand.",
        ),
    ),
    _many(
        "(?:printed-above-hold: )?<num> impressions more than was set aside for",
        mark_of(
            "%(num)s page more came out than money was set aside for.",
            "%(num)s pages more came out than money was set aside for.",
        ),
    ),
    Shape(
        "printer-at-work: still <state> there after <num> impressions",
        mark("The printer was still at work on it after %(num)s pages: more may come out."),
    ),
    Shape(
        "the spooler no longer knows this job; whether it printed is not known",
        mark("The print system does not know this job any more: whether it came out is not known."),
    ),
    Shape(
        "the printer was switched off while it had this job; what came out is not known",
        mark("The printer was switched off while it had this job: what came out is not known."),
    ),
    Shape(
        "the printer completed this job and reports 0 impressions",
        mark("The printer says that it is done, and that no page came out."),
    ),
    Shape(
        "the document has <num> impressions, the printer reports <most>",
        mark("The document has %(num)s pages, and the printer counted %(most)s."),
    ),
    Shape(
        "<state> after the spooler had sent <num> impressions; the printer does not say how many "
        "came out",
        mark("It broke off; the printer does not say how many of %(num)s pages came out."),
    ),
    Shape("refunded: <why>", mark("The money was given back: %(why)s")),
    Shape(
        "<num> impressions more were copied after it was settled; charged to nobody",
        mark("%(num)s more were copied after it was settled; nobody pays for them."),
    ),
    Shape(
        "copy-abandoned: its terminal (?:said no more|began another one)",
        mark("The terminal left this copy behind; what was made is charged."),
    ),
)
_COPIES: Final = (
    Shape("set aside for as many copies as <kinds>", mark("set aside for copies: %(kinds)s")),
    Shape("no copies in <kinds>: <why>", mark("No copies in %(kinds)s: %(why)s")),
    Shape("a rule allows no colour here", mark("a rule allows no colour there")),
    Shape(
        "a rule sends this to <to>, and copies cannot be sent",
        mark("a rule sends this to %(to)s, and copies cannot be sent"),
    ),
    Shape(
        "what pays for these pays for others too", mark("what pays for these pays for others too")
    ),
    Shape(
        "<num> copies are the least here: <why>",
        mark("%(num)s copies are the least there: %(why)s"),
    ),
)
#: What is said on any occasion.
SHAPES: Final = (*_PRICES, *_RULES, *_REFUSALS, *_ENDS, *_COPIES)
#: What is said as a part of something else only.
INNER: Final = (
    Shape("<sum> at (?P<why>[^;]+)", mark("%(sum)s at %(why)s")),
    Shape("(?P<place>.+), which works alone now", mark("%(place)s, which works alone now")),
    Shape("no printer here can", mark("no printer there can")),
    Shape("(?P<able>.+) can", mark("%(able)s can")),
    Shape("black and white on large paper", mark("black and white on large paper")),
    Shape("colour on large paper", mark("colour on large paper")),
    Shape("black and white", mark("black and white")),
    Shape("colour", mark("colour")),
    Shape("<num> in (?P<kinds>[^,]+)", mark("%(num)s in %(kinds)s")),
)
