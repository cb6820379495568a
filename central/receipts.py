"""Receipts of the till, and its close, as PDF: on a sheet, or on the roll of a receipt printer.

The only room of fpdf2. Its own fonts have the letters of Western Europe (Windows-1252); what they
have not is written with the nearest they have.
"""

from __future__ import annotations

import unicodedata
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Final, Literal, TypeAlias

from fpdf import FPDF
from fpdf.enums import XPos, YPos

from config.policy.money import Money
from config.words import Words

if TYPE_CHECKING:
    from collections.abc import Callable
    from datetime import datetime, tzinfo

    from central.store.till import Receipt, Session, Sums

Paper: TypeAlias = Literal["a4", "80mm"]
PAPERS: Final[tuple[Paper, ...]] = ("a4", "80mm")

_PLACE: Final = Path(__file__).parent / "locale"
_ENCODING: Final = "windows-1252"
_ROLL: Final = 80
#: Narrow blanks and the mathematicians' minus, as Babel may write them.
_NEAR: Final = str.maketrans({"\u202f": "\N{NO-BREAK SPACE}", "\N{MINUS SIGN}": "-"})
#: Millimetres: margins, and what is left between them.
_A4_MARGIN: Final = 25
_ROLL_MARGIN: Final = 5
_ROLL_LENGTH: Final = 1000


@dataclass(frozen=True, slots=True)
class Head:
    """What stands on every receipt of an organisation."""

    organisation: str
    """Empty: nothing stands there."""
    zone: tzinfo
    """Whose clocks."""
    language: str | None = None
    """ISO 639-1; None: English."""
    paper: Paper = "a4"


def receipt(of: Receipt, head: Head, *, person: str = "") -> bytes:
    """Return a receipt as PDF.

    Args:
        of: cash that went in or out.
        head: whose it is, and on what paper.
        person: what people call who pays; empty: the account alone stands there.
    """
    words = Words.of(head.language, _PLACE)
    return _drawn(head, of.at, words.gettext("Receipt"), partial(_receipt, of, head, words, person))


def _receipt(of: Receipt, head: Head, words: Words, person: str, page: _Page) -> None:
    said = words.gettext
    page.title(head.organisation)
    page.title(said("Receipt") if of.micros >= 0 else said("Receipt for cash paid out"))
    page.line(said("Number"), str(of.number))
    page.line(said("Date"), words.exact(of.at.astimezone(head.zone)))
    page.line(said("Till"), of.till)
    page.line(said("Served by"), _person(of.author))
    if person:
        page.line(said("For"), person)
    page.line(said("Account"), of.account)
    if of.reverses is not None:
        page.line(said("Takes back receipt"), str(of.reverses))
    page.rule()
    amount = words.money(Money(abs(of.micros), of.unit))
    page.sum(said("Received in cash") if of.micros >= 0 else said("Paid out in cash"), amount)
    page.rule()
    page.line(said("Balance now"), words.money(Money(of.balance, of.unit)))
    page.line(said("Entry"), str(of.entry))
    if of.note:
        page.text(of.note)
    if of.micros >= 0:
        page.text(said("Please keep this receipt. The money can be printed with at every site."))


def close(session: Session, sums: Sums, head: Head) -> bytes:
    """Return a closed till's sheet as PDF."""
    words = Words.of(head.language, _PLACE)
    at = session.closed_at or session.opened_at
    title = words.gettext("Close of the till")
    return _drawn(head, at, title, partial(_close, session, sums, head, words))


def _close(session: Session, sums: Sums, head: Head, words: Words, page: _Page) -> None:
    said = words.gettext

    def money(micros: int | None) -> str:
        return "-" if micros is None else words.money(Money(micros, session.unit))

    page.title(head.organisation)
    page.title(said("Close of the till"))
    page.line(said("Till"), session.till)
    page.line(said("Number"), str(session.n))
    page.line(said("Opened"), words.exact(session.opened_at.astimezone(head.zone)))
    page.line(said("Opened by"), _person(session.opened_by))
    if session.closed_at is not None:
        page.line(said("Closed"), words.exact(session.closed_at.astimezone(head.zone)))
        page.line(said("Closed by"), _person(session.closed_by or ""))
    page.rule()
    page.line(said("In it at first"), money(session.opening))
    page.line(said("Received in cash"), money(sums.taken))
    page.line(said("Paid out in cash"), money(-sums.paid_back))
    page.line(said("Receipts"), str(sums.receipts))
    page.rule()
    page.sum(said("Should be in it"), money(sums.expected))
    page.sum(said("Counted"), money(session.counted))
    page.sum(said("Difference"), money(session.difference))
    if session.note:
        page.text(session.note)


def _drawn(head: Head, at: datetime, title: str, draw: Callable[[_Page], None]) -> bytes:
    """Return a page; on a roll it ends where its words do."""
    page = _Page(head, at)
    draw(page)
    if head.paper == "80mm":
        end = page.end
        page = _Page(head, at, end)
        draw(page)
    return page.done(title)


class _Page:
    """One page, written from above."""

    def __init__(self, head: Head, at: datetime, length: float = _ROLL_LENGTH) -> None:
        roll = head.paper == "80mm"
        size: str | tuple[float, float] = (_ROLL, length) if roll else "A4"
        self._pdf = FPDF(unit="mm", format=size)
        self._pdf.core_fonts_encoding = _ENCODING
        self._pdf.set_creation_date(at.astimezone(head.zone))
        self._pdf.set_lang(head.language or "en")
        margin = _ROLL_MARGIN if roll else _A4_MARGIN
        self._pdf.set_margin(margin)
        self._pdf.c_margin = 0
        self._pdf.set_auto_page_break(auto=not roll, margin=margin)
        self._pdf.add_page()
        self._width = self._pdf.epw
        self._size = 9 if roll else 11
        self._high = 4.5 if roll else 7.0
        self._margin = margin

    @property
    def end(self) -> float:
        """How long the page must be for what is on it, in millimetres."""
        return max(_ROLL, self._pdf.get_y() + 2 * self._margin)

    def title(self, text: str) -> None:
        """Write a head line."""
        if text:
            self._font(1.4, bold=True)
            self._block(text, 1.4)
            self._pdf.ln(self._high / 3)

    def line(self, what: str, value: str) -> None:
        """Write a fact: what it is on the left, how it is on the right."""
        self._pair(what, value, 1.0, bold=False)

    def sum(self, what: str, value: str) -> None:
        """Write a sum, to be seen."""
        self._pair(what, value, 1.3, bold=True)

    def rule(self) -> None:
        """Draw a line across."""
        y = self._pdf.get_y() + self._high / 3
        self._pdf.line(self._pdf.l_margin, y, self._pdf.l_margin + self._width, y)
        self._pdf.set_y(y + self._high / 3)

    def text(self, text: str) -> None:
        """Write some words."""
        self._pdf.ln(self._high / 2)
        self._font(0.9, bold=False)
        self._block(text, 0.9)

    def done(self, title: str) -> bytes:
        """Return the PDF."""
        self._pdf.set_title(title)
        return bytes(self._pdf.output())

    def _pair(self, what: str, value: str, scale: float, *, bold: bool) -> None:
        """Write side by side what has room so, else one below the other."""
        self._font(scale, bold=bold)
        left, right = _written(what), _written(value)
        high = self._high * scale
        room = self._pdf.get_string_width(left) + self._pdf.get_string_width(right) + high
        if room > self._width:
            self._block(what, scale)
            self._block(value, scale, align="R")
            return
        self._pdf.cell(self._width / 2, high, left)
        self._pdf.set_x(self._pdf.l_margin)
        self._pdf.cell(self._width, high, right, align="R", new_x=XPos.LMARGIN, new_y=YPos.NEXT)

    def _block(self, text: str, scale: float, *, align: Literal["L", "R"] = "L") -> None:
        self._pdf.multi_cell(
            self._width,
            self._high * scale,
            _written(text),
            align=align,
            new_x=XPos.LMARGIN,
            new_y=YPos.NEXT,
        )

    def _font(self, scale: float, *, bold: bool) -> None:
        self._pdf.set_font("Helvetica", "B" if bold else "", self._size * scale)


def _written(text: str) -> str:
    """Return a text in letters that the fonts have."""
    found = []
    for each in text.translate(_NEAR):
        if _has(each):
            found.append(each)
            continue
        plain = [part for part in unicodedata.normalize("NFKD", each) if _has(part)]
        found.append("".join(plain) or "?")
    return "".join(found)


def _has(letter: str) -> bool:
    try:
        letter.encode(_ENCODING)
    except UnicodeEncodeError:
        return False
    return letter.isprintable() or letter == "\n"


def _person(author: str) -> str:
    """Return who did it, without the face it came through."""
    return author.partition(":")[2] or author
