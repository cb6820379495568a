"""Prices: the grid in force, those before and to come, and changing them with what it comes to."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from starlette.exceptions import HTTPException

from central.acts import rules as acts
from central.rights import Right
from central.store.ledger import Refused
from central.web.pages import sentences
from central.web.pages.job_words import person_of
from central.web.pages.sentences import mark
from central.web.pages.table import Nav, Page
from central.web.pages.views import Notice
from config.policy.media import CUSTOM
from config.policy.money import Money
from config.policy.tariffs import ANY

if TYPE_CHECKING:
    from collections.abc import Mapping
    from datetime import datetime

    from starlette.responses import Response

    from central.acts.rules import Priced
    from central.web.pages.visit import Visit
    from config.policy.money import Unit

#: What people call the values of a line's fields.
WORDS: Final[Mapping[str, str]] = {
    ANY: mark("any"),
    "print": mark("prints"),
    "copy": mark("copies"),
    "monochrome": mark("black"),
    "color": mark("colour"),
    "one-sided": mark("one-sided"),
    "two-sided": mark("two-sided"),
    CUSTOM: mark("other sizes"),
}
_STATES: Final = {
    "past": ("unknown", mark("was in force")),
    "now": ("good", mark("in force")),
    "future": ("waiting", mark("to come")),
    "never": ("unknown", mark("never in force")),
}
_NONE: Final = "\N{EN DASH}"


@dataclass(frozen=True, slots=True)
class Line:
    """A line of the grid, written down."""

    fields: tuple[str, ...]
    impression: str
    sheet: str


@dataclass(frozen=True, slots=True)
class Shown:
    """A price list with when it holds."""

    version: int
    since: datetime
    until: datetime | None
    state: str
    tone: str
    word: str
    who: str
    entered: datetime | None
    unit: str
    lines: tuple[Line, ...]


@dataclass(frozen=True, slots=True)
class PricesPage:
    """All of them."""

    now: Shown | None
    every: tuple[Shown, ...]
    """The newest first."""
    may_change: bool


def word(visit: Visit, value: str) -> str:
    """Return what people call a value of a line."""
    return visit.say(WORDS[value]) if value in WORDS else value


def _shown(visit: Visit, priced: Priced) -> Shown:
    tariff = priced.tariff
    tone, said = _STATES[priced.state]
    return Shown(
        tariff.version,
        visit.local(tariff.effective_from),
        None if priced.until is None else visit.local(priced.until),
        priced.state,
        tone,
        visit.say(said),
        person_of(priced.author),
        None if priced.entered_at is None else visit.local(priced.entered_at),
        tariff.unit,
        tuple(
            Line(
                tuple(word(visit, each) for each in line.fields),
                _price(visit, line.per_impression, tariff.unit),
                _price(visit, line.per_sheet, tariff.unit),
            )
            for line in tariff.lines
        ),
    )


def _price(visit: Visit, micros: int, unit: Unit) -> str:
    return visit.words.money(Money(micros, unit)) if micros else _NONE


async def show(visit: Visit) -> Response:
    """Show the prices in force, and all others by when they hold."""
    found = await visit.read(acts.tariffs)
    every = tuple(_shown(visit, each) for each in reversed(found))
    now = next((each for each in every if each.state == "now"), None)
    return visit.page("prices.html", PricesPage(now, every, visit.may(Right.CHANGE_RULES)))


def _version(visit: Visit) -> int:
    text = visit.path("version")
    if not (text.isascii() and text.isdigit() and len(text) < 19):  # noqa: PLR2004  64 bits
        raise HTTPException(404, sentences.NO_PAGE)
    return int(text)


async def show_one(visit: Visit) -> Response:
    """Show one price list."""
    version = _version(visit)
    found = await visit.read(acts.tariffs)
    one = next((each for each in found if each.tariff.version == version), None)
    if one is None:
        raise HTTPException(404, sentences.NO_PAGE)
    shown = _shown(visit, one)
    return visit.page("prices-one.html", shown, may_change=visit.may(Right.CHANGE_RULES))


async def withdraw(visit: Visit) -> Response:
    """Take prices back that are not in force yet."""
    version = _version(visit)
    done = await visit.write(lambda tx: acts.withdraw_tariff(tx, visit.by, version))
    if isinstance(done, Refused):
        return visit.go("/prices", Notice("trouble", done.reason))
    return visit.go("/prices", visit.told("good", _WITHDRAWN, n=version))


_WITHDRAWN: Final = mark("Version %(n)s of the prices was taken back.")


PAGES: Final = (
    Page("/prices", show, Right.SEE_RULES, nav=Nav(mark("Prices"), "tag", 70)),
    Page("/prices/version/{version}", show_one, Right.SEE_RULES),
    Page("/prices/version/{version}/withdraw", withdraw, Right.CHANGE_RULES, methods=("POST",)),
)
