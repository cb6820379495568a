"""What a pop-up says, in the words of `terminal_bridge.words`; pure."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final, Literal, TypeAlias, assert_never

from config.policy.money import Money

if TYPE_CHECKING:
    from datetime import datetime

    from broker.messages.terminals import (
        SiteState,
        WalletHere,
    )
    from terminal_bridge.popup.rows import JobRow
    from terminal_bridge.popup.states import Busy, Desk, Note, Question
    from terminal_bridge.words import Words

Tone: TypeAlias = Literal["good", "waiting", "trouble", "unknown"]


def status(desk: Desk, words: Words, clock: datetime) -> tuple[Tone, str, str]:
    """Say how things are: the state of the line is never a riddle."""
    say = words.gettext
    if not desk.here:
        return (
            "unknown",
            say("Your site cannot be reached from here"),
            say("What you printed stays held. It can be released at a printer meanwhile."),
        )
    if desk.who is None and desk.barred is not None:
        code, detail = desk.barred
        return "trouble", say("You are not signed in"), refused(code, detail, words)
    if desk.who is None:
        return "unknown", say("Signing in …"), ""
    return _line(desk.site, words, clock)


def _line(site: SiteState | None, words: Words, clock: datetime) -> tuple[Tone, str, str]:
    say = words.gettext
    if site is None:
        return "good", say("Connected"), ""
    named = {"site": site.site}
    if site.out_of_service is not None:
        return "trouble", say("%(site)s is out of service") % named, site.out_of_service
    if site.linked:
        return "good", say("%(site)s is linked") % named, ""
    since = {"time": words.clock(site.since.astimezone(clock.tzinfo), clock)}
    waiting = words.ngettext("%(num)s event waiting", "%(num)s events waiting", site.waiting)
    text = say("%(site)s works alone since %(time)s") % {**named, **since}
    return "waiting", text, waiting % {"num": site.waiting}


def wallet(here: WalletHere, words: Words) -> str:
    """Say what an account has here."""
    if not here.enabled:
        return words.gettext("closed")
    if here.unlimited:
        return words.gettext("no limit")
    return words.money(Money(here.here, here.unit))


def account(key: str, words: Words) -> str:
    """Say what an account is."""
    say = words.gettext
    kind, _, name = key.partition(":")
    match kind:
        case "user":
            return say("My money")
        case "quota":
            return say("My quota")
        case "department":
            return say("Department %(name)s") % {"name": name}
        case "project":
            return say("Project %(name)s") % {"name": name}
        case _:
            return key


def job(row: JobRow, words: Words, clock: datetime) -> str:
    """Say what a job is: pages, colour, since when."""
    parts = []
    if row.impressions is not None:
        parts.append(pages(row.impressions, row.color_impressions, row.sheets, words))
    if row.received_at is not None:
        parts.append(words.clock(row.received_at.astimezone(clock.tzinfo), clock))
    return " · ".join(parts)


def pages(impressions: int, colored: int | None, sheets: int | None, words: Words) -> str:
    """Say how much is printed: `6 pages (3 sheets), 2 in colour`."""
    text = words.ngettext("%(num)s page", "%(num)s pages", impressions) % {"num": impressions}
    if sheets is not None and sheets != impressions:
        paper = words.ngettext("%(num)s sheet", "%(num)s sheets", sheets) % {"num": sheets}
        text = f"{text} ({paper})"
    if colored:
        text += ", " + words.gettext("%(num)s in colour") % {"num": colored}
    return text


def remark(row: JobRow, words: Words) -> tuple[Tone, str]:
    """Say what stands between a job and its printing."""
    outlook = row.outlook
    if row.problem:
        return "trouble", words.gettext("This cannot be printed: %(why)s") % {"why": row.problem}
    if outlook is not None and outlook.question:
        return "waiting", words.gettext("There is a question first.")
    if outlook is not None and outlook.refusal:
        return "trouble", refused(outlook.reason or "", outlook.refusal, words)
    return "good", ""


def conversion(attribute: str, value: str, words: Words) -> str:
    """Say what a rule changes of how a job is printed."""
    say = words.gettext
    match attribute, value:
        case "print-color-mode" | "print_color_mode", "monochrome":
            return say("in black and white")
        case "sides", "one-sided":
            return say("on one side")
        case "sides", _:
            return say("on both sides")
        case "copies", _:
            found = int(value) if value.isdecimal() else 0
            return words.ngettext("%(num)s copy", "%(num)s copies", found) % {"num": value}
        case _:
            return f"{attribute}: {value}"


def busy(what: Busy, words: Words) -> str:
    """Say what is being done."""
    match what:
        case "":
            return ""
        case "releasing":
            return words.gettext("Being released …")
        case "canceling":
            return words.gettext("Being thrown away …")
        case _:
            assert_never(what)


def trouble(question: Question, words: Words) -> str:
    """Say why the last answer did not do it."""
    if question.code == "no-answer":
        return words.gettext(
            "Your site did not answer. If this is still on your list in a moment, nothing was done."
        )
    return refused(question.code, question.trouble, words)


def refused(code: str, detail: str, words: Words) -> str:
    """Say why not: in the person's language where the reason is a usual one, then the site's words.

    The site's words have the figures; rules are written in the house's own language.
    """
    known = _reason(code, words)
    if not known:
        return detail
    return known if code in _WHOLE else f"{known} ({detail})" if detail else known


#: Reasons whose own words add nothing.
_WHOLE: Final = frozenset({"no-identity", "user-disabled", "answer-needed"})


def _reason(code: str, words: Words) -> str:
    say = words.gettext
    return {
        "account-limit-reached": say("There is not enough money for it here."),
        "account-authorization-failed": say("You may not charge this account."),
        "account-closed": say("An account that would pay is closed."),
        "no-price": say("Its price is not known."),
        "unreadable": say("The document cannot be read."),
        "nothing-to-print": say("The document has no page to print."),
        "printer-cannot": say("That printer cannot print it as it is."),
        "offline-too-long": say("This site has worked alone for too long."),
        "out-of-service": say("This site is out of service."),
        "no-identity": say("Your site does not know this pop-up as yours. Ask at the desk."),
        "user-disabled": say("You may not print at the moment. Ask at the desk."),
        "answer-needed": say("There is a question first."),
        "busy": say("Your site has too much to do; try again in a moment."),
        "spooler-unavailable": say("The print system does not answer; try again in a moment."),
    }.get(code, "")


def note(  # noqa: C901, PLR0911, PLR0912  a line for each kind
    happened: Note, words: Words
) -> tuple[Tone, str, str]:
    """Say what happened: tone, title, text."""
    say = words.gettext
    named = {"name": happened.name or say("Document without a name")}
    held = say("It stays held. You can release it here or at a printer.")
    why = refused(happened.code, happened.text, words)
    match happened.kind:
        case "held":
            return "waiting", say("%(name)s waits for you") % named, _figures(happened, words)
        case "asks":
            return "waiting", say("There is a question about %(name)s") % named, happened.text
        case "refused":
            return "trouble", say("%(name)s was refused") % named, why
        case "released":
            return "good", say("%(name)s is being printed") % named, ""
        case "settled":
            return _settled(happened, named, words)
        case "canceled":
            text = say("Nothing was charged.")
            return "good", say("%(name)s was thrown away") % named, text
        case "flagged":
            return "trouble", say("%(name)s needs a look at the desk") % named, happened.text
        case "card":
            return "good", say("News of your card"), happened.text
        case "unanswered":
            return "waiting", say("Nobody answered the question about %(name)s") % named, held
        case "too-late":
            text = say("The question had been closed. What is still held is on the list.")
            return "waiting", say("Your answer about %(name)s came too late") % named, text
        case "no-answer":
            text = say("The list shows what became of it as soon as your site answers.")
            return "unknown", say("Your site did not answer about %(name)s") % named, text
        case "gone":
            return "unknown", say("%(name)s is not held any more") % named, happened.text
        case "kept":
            return "waiting", say("%(name)s stays held") % named, ""
        case _:
            assert_never(happened.kind)


def _settled(happened: Note, named: dict[str, str], words: Words) -> tuple[Tone, str, str]:
    say = words.gettext
    paid = _figures(happened, words)
    match happened.code:
        case "completed":
            return "good", say("%(name)s is printed") % named, paid
        case "stopped":
            return "trouble", say("%(name)s stopped before its end") % named, paid
        case "aborted":
            return "trouble", say("%(name)s failed at the printer") % named, paid
        case "canceled":
            return "waiting", say("%(name)s was canceled while it printed") % named, paid
        case _:
            title = say("Nobody can say whether %(name)s was printed") % named
            return "unknown", title, paid or happened.text


def _figures(happened: Note, words: Words) -> str:
    """Say what was printed and paid, or what waits."""
    row = happened.row
    if row is None:
        return ""
    if happened.kind == "held":
        return (
            ""
            if row.impressions is None
            else pages(row.impressions, row.color_impressions, row.sheets, words)
        )
    paid = (
        words.moneys(Money(each.micros, each.unit) for each in row.charged)
        if row.charged
        else words.gettext("nothing is charged")
    )
    if row.billed is None:
        return paid
    return f"{pages(row.billed, None, None, words)}, {paid}"
