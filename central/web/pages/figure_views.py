"""Figures as pages show them: periods people ask for, numbers with their comparison, charts."""

from __future__ import annotations

from dataclasses import dataclass, replace
from datetime import date, timedelta
from typing import TYPE_CHECKING, Final

from central import charts
from central.charts import About, Point
from central.figures.asking import MOST, By, Figures, NotKept
from central.figures.asking import Money as Paid
from central.figures.periods import Period
from central.store.figures_of import figures_of, in_time_of
from central.web.pages.sentences import mark
from central.web.pages.views import Choice, Figure
from config.policy.money import UNIT_MICROS, Money

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from central.figures.asking import Ask, Line, Table
    from central.store.books import Transaction
    from central.web.pages.visit import Visit
    from config.policy.money import Unit

#: Of what lines can be, in the order of the tabs.
BYS: Final[Mapping[By, str]] = {
    By.DAY: mark("Day"),
    By.MONTH: mark("Month"),
    By.SITE: mark("Site"),
    By.PRINTER: mark("Printer"),
    By.USER: mark("Person"),
    By.GROUP: mark("Group"),
    By.DEPARTMENT: mark("Department"),
    By.PROJECT: mark("Project"),
    By.ACCOUNT: mark("Account"),
    By.SERVICE: mark("Kind"),
}
PERIODS: Final = {
    "30": mark("Last 30 days"),
    "month": mark("This month"),
    "before": mark("Last month"),
    "year": mark("This year"),
    "years": mark("Last year"),
}
_NONE: Final = "\N{EN DASH}"
_DAYS: Final = 30
#: A longer time is drawn by months.
_BY_DAYS: Final = 62
#: More days than this are drawn by months also where they are asked for one by one.
DRAWN: Final = 366
#: So many bars are read at one look.
_BARS: Final = 12
_WIDE: Final = 960
_SAME: Final = 0.005


@dataclass(frozen=True, slots=True)
class Chart:
    """A drawing and what it is of."""

    title: str
    svg: str
    rows: tuple[tuple[str, str, str], ...]
    """What is drawn as a table: name, now, before. Empty: the page's list is that table."""


def period_of(today: date, wish: str, since: str, until: str) -> tuple[Period, str]:
    """Return the days asked for, and by which name; two days of one's own have none."""
    first, last = _day(since), _day(until)
    if first is not None or last is not None:
        try:
            return Period(first or (last or today).replace(day=1), last or today), ""
        except ValueError:
            pass  # no days, or too many: as if nothing had been asked
    if wish == "month":
        return Period(today.replace(day=1), today), wish
    if wish == "before":
        return Period.month(today.replace(day=1) - timedelta(days=1)), wish
    if wish == "year":
        return Period(today.replace(month=1, day=1), today), wish
    if wish == "years":
        return Period.year(today.replace(month=1, day=1) - timedelta(days=1)), wish
    return Period(today - timedelta(days=_DAYS - 1), today), "30"


def _day(text: str) -> date | None:
    try:
        found = date.fromisoformat(text) if text else None
    except ValueError:
        return None
    return found if found is not None and 2000 <= found.year < 2200 else None  # noqa: PLR2004  years


def time_by(period: Period) -> By:
    """Return the steps in which a period is drawn."""
    return By.DAY if period.days <= _BY_DAYS else By.MONTH


def answers(tx: Transaction, ask: Ask) -> tuple[Table | NotKept, Table | NotKept]:
    """Return what a page lists, and what it draws over time."""
    in_days = ask.by == By.DAY
    if ask.by == By.MONTH or (in_days and ask.period.days <= DRAWN):
        # what is drawn has all lines, the list some of them
        whole = figures_of(tx, replace(ask, limit=MOST, skip=0))
        if isinstance(whole, NotKept):
            return whole, whole
        upto = ask.skip + ask.limit
        more = len(whole.lines) > upto
        return replace(whole, ask=ask, lines=whole.lines[ask.skip : upto], more=more), whole
    table = figures_of(tx, ask)
    if isinstance(table, NotKept):
        return table, table
    return table, in_time_of(tx, table, By.MONTH if in_days else time_by(ask.period))


def days(visit: Visit, period: Period) -> str:
    """Write a period."""
    first, last = visit.words.day(period.first), visit.words.day(period.last)
    return first if period.first == period.last else f"{first} \N{EN DASH} {last}"


def paid(figures: Figures, unit: Unit) -> Paid:
    """Return what was paid in one unit."""
    return figures.money.get(unit, Paid())


def cost(figures: Figures) -> tuple[Money, ...]:
    """Return what was charged and not given back, in all units."""
    return tuple(Money(each.cost, unit) for unit, each in figures.money.items() if each.cost)


def moneys(visit: Visit, figures: Figures) -> str:
    """Write what was paid in all units."""
    return visit.words.moneys(found) if (found := cost(figures)) else _NONE


def share(visit: Visit, value: float | None) -> str:
    """Write a share; a dash where there is none."""
    return _NONE if value is None else visit.words.percent(value)


def change(visit: Visit, now: float, before: float) -> str:
    """Say how much more or less it is; nothing where there was nothing before."""
    if not before:
        return ""
    part = now / before - 1
    if abs(part) < _SAME:
        return visit.say(mark("as before"))
    much = visit.words.percent(abs(part))
    return visit.say(mark("%(much)s more") if part > 0 else mark("%(much)s less"), much=much)


def points(visit: Visit, now: float | None, before: float | None) -> str:
    """Say what a share was before."""
    if now is None or before is None:
        return ""
    return visit.say(mark("%(share)s before"), share=visit.words.percent(before))


def heads(visit: Visit, table: Table) -> tuple[Figure, ...]:
    """Return the sums with their comparison."""
    now, then, words = table.total, table.before, visit.words
    old = then or Figures()
    unit = table.units[0]
    spent, spent_before = paid(now, unit).cost, paid(old, unit).cost
    return (
        Figure(
            visit.say(mark("Pages")),
            words.number(now.impressions),
            change(visit, now.impressions, old.impressions),
        ),
        Figure(visit.say(mark("Jobs")), words.number(now.jobs), change(visit, now.jobs, old.jobs)),
        Figure(
            visit.say(mark("Sheets")),
            words.number(now.sheets),
            change(visit, now.sheets, old.sheets),
        ),
        Figure(
            visit.say(mark("In colour")),
            share(visit, now.color_share),
            points(visit, now.color_share, old.color_share),
        ),
        Figure(
            visit.say(mark("Two-sided")),
            share(visit, now.two_sided_share),
            points(visit, now.two_sided_share, old.two_sided_share),
        ),
        Figure(visit.say(mark("Paid")), moneys(visit, now), change(visit, spent, spent_before)),
    )


#: What can be drawn: what the list is sorted by.
_MEASURES: Final = {
    "impressions": mark("Pages"),
    "jobs": mark("Jobs"),
    "sheets": mark("Sheets"),
    "color": mark("Pages in colour"),
    "two_sided": mark("Two-sided sheets"),
    "charged": mark("Charged"),
}


def drawn(
    visit: Visit, table: Table, lines: Sequence[Line], measure: str, *, in_time: bool, own: bool
) -> Chart | None:
    """Draw one measure of some lines; None where there is nothing to draw.

    Args:
        visit: the request.
        table: the answer, for its units.
        lines: what to draw.
        measure: a key of what a list is sorted by; what is none of ours is drawn as pages.
        in_time: they follow one another.
        own: it needs a table of its own, since the page's list is of something else.
    """
    measure = measure if measure in _MEASURES else "impressions"
    unit = table.units[0]
    chosen = lines if in_time else lines[:_BARS]

    def write(value: float) -> str:
        if measure == "charged":
            return visit.words.money(Money(round(value * UNIT_MICROS), unit))
        return visit.words.number(value)

    def size(figures: Figures) -> float:
        if measure == "charged":
            return max(paid(figures, unit).charged, 0) / UNIT_MICROS
        return float(getattr(figures, measure))

    found = [
        Point(
            name_of(visit, each, table, short=True),
            size(each.figures),
            None if each.before is None else size(each.before),
        )
        for each in chosen
    ]
    if not any(each.value or each.before for each in found):
        return None
    title = visit.say(_MEASURES[measure])
    text = visit.say(mark("The line across each bar is what it was before."))
    about = About(title, text)
    svg = (
        charts.columns(found, about, write, width=_WIDE, height=220)
        if in_time
        else charts.bars(found, about, write, width=_WIDE)
    )
    if not own:
        return Chart(title, svg, ())
    rows = tuple(
        (
            name_of(visit, each, table),
            write(point.value),
            _NONE if point.before is None else write(point.before),
        )
        for each, point in zip(chosen, found, strict=True)
    )
    return Chart(title, svg, rows)


def name_of(visit: Visit, line: Line, table: Table, *, short: bool = False) -> str:
    """Return what a line is called; `short`: of days without the year."""
    if line.period is not None:
        day = line.period.first
        if line.period.days == 1:
            return visit.words.short_day(day) if short else visit.words.day(day)
        return f"{day:%Y-%m}"
    if table.ask.by == By.SERVICE:
        kinds = {"print": mark("prints"), "copy": mark("copies")}
        return visit.say(kinds[line.key]) if line.key in kinds else line.key
    return line.label or line.key or visit.say(_NOBODY.get(table.ask.by, mark("none")))


_NOBODY: Final[Mapping[By | None, str]] = {
    By.SITE: mark("the centre"),
    By.GROUP: mark("in no group"),
    By.DEPARTMENT: mark("in no department"),
}


def choices(visit: Visit, of: Mapping[str, str], chosen: str) -> tuple[Choice, ...]:
    """Return some named things to choose from."""
    return tuple(Choice(key, visit.say(word), chosen=key == chosen) for key, word in of.items())
