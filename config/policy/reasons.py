"""Why: the reasons for which a job is refused, and the lines that explain a decision."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterable

#: So many lines, and so long ones, go with a decision.
LINES_MAX = 40
LINE_LENGTH = 240


class Reason(StrEnum):
    """Why not. The first four are IPP's own words (PWG 5100.11-2024, job-state-reasons)."""

    ACCOUNT_AUTHORIZATION_FAILED = "account-authorization-failed"
    """This person may not print, or not at the cost of this account."""
    ACCOUNT_CLOSED = "account-closed"
    """An account that would pay is closed."""
    ACCOUNT_INFO_NEEDED = "account-info-needed"
    """Nobody knows who would pay."""
    ACCOUNT_LIMIT_REACHED = "account-limit-reached"
    """What is here does not cover it."""
    DENIED_BY_RULE = "denied-by-rule"
    """A rule says so."""
    NO_IDENTITY = "no-identity"
    """The job names nobody, or nobody who is known here."""
    NO_PRICE = "no-price"
    """No tariff is in force, or it does not say what this costs."""
    NOTHING_TO_PRINT = "nothing-to-print"
    """The document, or what was selected of it, has no page."""
    NOT_SUPPORTED = "attributes-not-supported"
    """The job asks for something that is out of range, or is not counted."""
    OFFLINE_TOO_LONG = "offline-too-long"
    """The site has been without the centre for longer than its terms allow."""
    OUT_OF_SERVICE = "out-of-service"
    """The site's role lets nothing like it be released now."""
    PRINTER_CANNOT = "printer-cannot"
    """The printer cannot print it as it is: colour, both sides, the paper."""
    PRINTER_UNKNOWN = "printer-unknown"
    """No such printer at this site."""
    RULES_UNREADABLE = "rules-unreadable"
    """There are rules that this program cannot read."""
    UNREADABLE = "unreadable"
    """The document cannot be counted."""


@dataclass(frozen=True, slots=True)
class Line:
    """One line of why a job cost what it cost, or was refused; as `Because` on the wire."""

    code: str
    """`redirect`, `conversion`, `price`, `factor`, `surcharge`, `account`, `tag`, `confirm`,
    `refused`, or `note`: something that did not happen, and why."""
    text: str
    """For people; at most 240 characters."""
    rule: str | None = None
    """The rule it stands on, by name."""

    def __str__(self) -> str:
        """Write `conversion: 2 copies instead of 9 (rule "no heaps")`."""
        return f"{self.code}: {self.text}" + (f' (rule "{self.rule}")' if self.rule else "")


@dataclass(frozen=True, slots=True)
class Conversion:
    """A change a rule makes to the job before it is printed."""

    attribute: str
    """An IPP job attribute, such as `sides`."""
    value: str
    """Its new value."""


def bounded(lines: Iterable[Line]) -> tuple[Line, ...]:
    """Return lines that fit a message: too long ones cut, too many said to be left out."""
    cut = [
        Line(each.code, each.text[: LINE_LENGTH - 1] + "…", each.rule)
        if len(each.text) > LINE_LENGTH
        else each
        for each in lines
    ]
    if len(cut) <= LINES_MAX:
        return tuple(cut)
    # what came last decides: it stays
    first, last = cut[: LINES_MAX - 6], cut[-5:]
    left_out = Line("note", f"{len(cut) - len(first) - len(last)} lines are left out here")
    return (*first, left_out, *last)
