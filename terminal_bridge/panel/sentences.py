"""What a panel says about what the edge answers, in the reader's language: by its stable codes."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from config.policy.reasons import Reason

if TYPE_CHECKING:
    from terminal_bridge.words import Words


def mark(sentence: str) -> str:
    """Mark a sentence for translators."""
    return sentence


#: code of a refusal → what it means for who reads it, and what to do.
REFUSALS: Final = {
    Reason.ACCOUNT_AUTHORIZATION_FAILED: mark("You may not print or copy on this account."),
    Reason.ACCOUNT_CLOSED: mark("An account that would pay is closed. Ask at the desk."),
    Reason.ACCOUNT_INFO_NEEDED: mark("Nobody would pay for this: choose an account."),
    Reason.ACCOUNT_LIMIT_REACHED: mark("There is not enough money here for this."),
    Reason.DENIED_BY_RULE: mark("A rule of this site does not allow this."),
    Reason.NO_IDENTITY: mark("You are not signed in here any more. Please sign in again."),
    Reason.NO_PRICE: mark("There is no price for this yet. Ask at the desk."),
    Reason.NOTHING_TO_PRINT: mark("These pages are not in the document."),
    Reason.NOT_SUPPORTED: mark("This document cannot be printed like that."),
    Reason.OFFLINE_TOO_LONG: mark("This site has worked alone for too long; nothing is released."),
    Reason.OUT_OF_SERVICE: mark("The centre cannot be reached; your jobs stay here until it can."),
    Reason.PRINTER_CANNOT: mark("This printer cannot print it like that."),
    Reason.PRINTER_UNKNOWN: mark("This printer is not at this site."),
    Reason.RULES_UNREADABLE: mark("The rules of this site cannot be read. Ask at the desk."),
    Reason.UNREADABLE: mark("This document cannot be read; please print it again."),
    "answer-needed": mark("This job asks you something first."),
    "card-blocked": mark("This card is blocked. Ask at the desk."),
    "card-expired": mark("This card is no longer valid. Ask at the desk."),
    "card-unreadable": mark("This card cannot be read."),
    "card-taken": mark("This card is somebody else's already."),
    "expired": mark("That took too long; please try again."),
    "failed": mark("That did not work; please try again in a moment."),
    "invalid": mark("That cannot be asked for; please check what you typed."),
    "not-found": mark("This job is not here any more."),
    "not-held": mark("This job is on its way already."),
    "not-permitted": mark("These are not your jobs."),
    "pin-needed": mark("Please type your PIN as well."),
    "proof-needed": mark("Sign in with your PIN or password first, then show the new card."),
    "code-void": mark("This code has expired; what it was worth has come by itself."),
    "code-wrong": mark("This code is not for you here, or a digit is wrong."),
    "no-account": mark("You have no account here that a code could bring money to."),
    "no-codes-here": mark("This site can take no codes yet."),
    "not-a-code": mark("This is not a whole code: it has 20 digits."),
    "too-many-tries": mark("Too many wrong tries. Please wait."),
    "unknown": mark("That is not possible now."),
    "user-disabled": mark("You may not print or copy here. Ask at the desk."),
    "wait": mark("Too many wrong tries. Please wait."),
    "wait-a-moment": mark("That was too much at once; please try again in a moment."),
}
NO_EDGE: Final = mark("This terminal cannot reach its site. Your jobs and your money are safe.")
NOT_KNOWN: Final = mark("Nobody is known by that.")
_CHANGES: Final = {
    ("print-color-mode", "monochrome"): mark("black and white"),
    ("print-color-mode", "color"): mark("colour"),
    ("sides", "two-sided-long-edge"): mark("two-sided"),
    ("sides", "two-sided-short-edge"): mark("two-sided, short edge"),
    ("sides", "one-sided"): mark("one-sided"),
}
KINDS: Final = {
    "monochrome": mark("black and white"),
    "color": mark("colour"),
    "monochrome_large": mark("large, black and white"),
    "color_large": mark("large, colour"),
}


def refusal(words: Words, code: str) -> str:
    """Say why not."""
    return words.gettext(REFUSALS.get(code, REFUSALS["unknown"]))


def change(words: Words, attribute: str, value: str) -> str:
    """Name what a rule changes."""
    if attribute == "copies":
        number = int(value) if value.isdecimal() else 1
        return words.ngettext("%(num)s copy", "%(num)s copies", number) % {"num": number}
    known = _CHANGES.get((attribute, value))
    return words.gettext(known) if known else f"{attribute} {value}"
