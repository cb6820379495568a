"""Figures: what was printed and copied and what it cost, by whom, where and when."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any, Final

from central.figures.asking import MOST, ORDERS, TIMES, Ask, By, NotKept, Where
from central.rights import Right
from central.store import nodes
from central.store.figures_of import every_line, figures_of
from central.web.pages import figure_columns, figure_views, lists
from central.web.pages.figure_columns import Row
from central.web.pages.figure_views import BYS, PERIODS
from central.web.pages.lists import Filter, ListOf, Query, Rows
from central.web.pages.sentences import mark
from central.web.pages.table import Nav, Page
from central.web.pages.views import Choice

if TYPE_CHECKING:
    from collections.abc import Iterator
    from datetime import datetime

    from starlette.responses import Response

    from central.figures.asking import Figures, Line, Table
    from central.figures.periods import Period
    from central.store.books import Transaction
    from central.web.pages.figure_views import Chart
    from central.web.pages.lists import ListView
    from central.web.pages.views import Figure
    from central.web.pages.visit import Visit
    from config.policy.money import Money


@dataclass(frozen=True, slots=True)
class Way:
    """A link among several, of which one is chosen."""

    label: str
    href: str
    here: bool


@dataclass(frozen=True, slots=True)
class FiguresPage:
    """The page."""

    bys: tuple[Way, ...]
    periods: tuple[Way, ...]
    period: str
    compared: str
    """The period held against; empty: none."""
    total: Figures | None
    """None: no totals are kept of this."""
    cost: tuple[Money, ...]
    change: str
    heads: tuple[Figure, ...]
    charts: tuple[Chart, ...]
    list: ListView
    caption: str
    upto: datetime | None
    behind: int
    jobs: str
    """Where to look where totals do not answer."""


def _sites(visit: Visit) -> tuple[Choice, ...]:
    found: tuple[Choice, ...] = getattr(visit.request.state, "sites", ())
    return found


def _services(visit: Visit) -> tuple[Choice, ...]:
    return figure_views.choices(visit, {"print": mark("prints"), "copy": mark("copies")}, "")


FILTERS: Final = (
    Filter("since", mark("From"), "day"),
    Filter("until", mark("To"), "day"),
    Filter("site", mark("Site"), "choice", _sites),
    Filter("service", mark("Kind"), "choice", _services),
    Filter("printer", mark("Printer"), hint=mark("its id")),
    Filter("user", mark("Person"), hint=mark("user name")),
    Filter("group", mark("Group")),
    Filter("department", mark("Department")),
    Filter("account", mark("Account"), hint="project:apollo"),
)


def _never(_tx: Transaction, _query: Query) -> Rows[Row]:
    return Rows(())


FIGURES: Final = ListOf(
    "figures",
    figure_columns.COLUMNS,
    _never,
    Right.SEE_FIGURES,
    filters=FILTERS,
    sort="impressions",
    descending=True,
)


@dataclass(frozen=True, slots=True)
class _Asked:
    """What an address asks."""

    ask: Ask
    named: str
    """The period's name."""


def _asked(visit: Visit, query: Query) -> _Asked:
    given = query.filters
    wish = given.get("since", ""), given.get("until", "")
    period, named = figure_views.period_of(visit.now.date(), visit.asked("period"), *wish)
    by = next((each for each in BYS if each.value == visit.asked("by")), None)
    nodes_ = None if query.sites is None else tuple(sorted(query.sites))
    if (site := given.get("site")) is not None:
        nodes_ = (site,) if nodes_ is None or site in nodes_ else ()
    where = Where(
        nodes=nodes_,
        printer=given.get("printer"),
        user=given["user"].lower() if "user" in given else None,
        group=given.get("group"),
        department=given.get("department"),
        account=given.get("account"),
        service=given.get("service"),
    )
    after = query.after
    skip = int(after) if after.isascii() and after.isdigit() and len(after) < 10 else 0  # noqa: PLR2004  digits
    order = query.sort if query.sort in ORDERS else "impressions"
    if by is None:
        by = figure_views.time_by(period)
    return _Asked(Ask(period, by, where, order, query.limit, skip), named)


def _row(visit: Visit, line: Line, table: Table) -> Row:
    """Return a line as the list has it; it leads on to what it is made of."""
    by, period = table.ask.by, line.period
    href = ""
    if period is not None and period.days > 1:
        href = visit.here(
            by="day", since=str(period.first), until=str(period.last), after=None, period=None
        )
    elif by == By.SITE and line.key:
        href = visit.here(by="printer", site=line.key, after=None)
    elif by in {By.PRINTER, By.USER, By.GROUP, By.DEPARTMENT} and line.key:
        href = visit.here(**{"by": "month", str(by): line.key, "after": None})
    elif by in {By.ACCOUNT, By.PROJECT} and line.key:
        href = visit.here(by="month", account=line.key, after=None)
    return Row(line, figure_views.name_of(visit, line, table), href)


async def _file(visit: Visit, asked: _Asked) -> Response | None:
    """Return all lines as a file; it reads them in one go, as they are at one moment."""
    if visit.asked("as") not in lists.FILES:
        return None
    first = replace(asked.ask, limit=1, skip=0, compare=False)
    table = await visit.read(lambda tx: figures_of(tx, first))
    if isinstance(table, NotKept):
        return None
    whole = replace(asked.ask, compare=False, skip=0, limit=MOST)

    def read(tx: Transaction, _query: Query) -> Rows[Row]:
        return Rows(tuple(_row(visit, each, table) for each in every_line(tx, whole)))

    columns = figure_columns.of_file(visit, table.units)
    return lists.file(visit, replace(FIGURES, columns=columns, read=read))


def _sums(visit: Visit, table: Table) -> dict[str, str]:
    total, number = table.total, visit.words.number
    return {
        "impressions": number(total.impressions),
        "jobs": number(total.jobs),
        "sheets": number(total.sheets),
        "color": figure_views.share(visit, total.color_share),
        "two_sided": figure_views.share(visit, total.two_sided_share),
        "charged": figure_views.moneys(visit, total),
    }


_MONTHLY: Final = mark("%(what)s, by month")


def _charts(visit: Visit, table: Table, in_time: Table) -> Iterator[Chart]:
    """Draw the time, and below it the first lines of what is not time."""
    measure = table.ask.order
    of_time, own = table.ask.by in TIMES, table.ask.by != in_time.ask.by
    over = figure_views.drawn(visit, in_time, in_time.lines, measure, in_time=True, own=own)
    if over is not None:
        # days of years are too many to be told apart
        yield replace(over, title=visit.say(_MONTHLY, what=over.title)) if own and of_time else over
    if not of_time and not table.ask.skip:
        lines = figure_views.drawn(visit, table, table.lines, measure, in_time=False, own=False)
        if lines is not None:
            yield lines


def _ways(visit: Visit, asked: _Asked) -> dict[str, Any]:
    """Return what stands in the page whatever comes out."""
    bys = tuple(
        Way(visit.say(word), visit.here(by=by.value, after=None), by == asked.ask.by)
        for by, word in BYS.items()
    )
    periods = tuple(
        Way(
            visit.say(word),
            visit.here(period=key, since=None, until=None, after=None),
            key == asked.named,
        )
        for key, word in PERIODS.items()
    )
    return {"bys": bys, "periods": periods, "period": figure_views.days(visit, asked.ask.period)}


async def show(visit: Visit) -> Response:
    """Show figures, drawn and as a list."""
    query = lists.query_of(visit, FIGURES)
    asked = _asked(visit, query)
    if (file := await _file(visit, asked)) is not None:
        return file
    ask = asked.ask

    def look(tx: Transaction) -> tuple[tuple[Choice, ...], Table | NotKept, Table | NotKept]:
        choices = tuple(
            Choice(node_id, site)
            for node_id, site in nodes.sites_called(tx).items()
            if query.sites is None or node_id in query.sites
        )
        return choices, *figure_views.answers(tx, ask)

    visit.request.state.sites, table, in_time = await visit.read(look)
    if isinstance(table, NotKept):
        return _not_kept(visit, asked, query)
    rows = Rows(
        tuple(_row(visit, each, table) for each in table.lines),
        str(ask.skip + ask.limit) if table.more else "",
        sums=_sums(visit, table),
    )
    what = replace(FIGURES, link=lambda row: row.href) if ask.by else FIGURES
    # the highest comes first, and names from the first letter; time is in its own order
    in_order = replace(query, descending=ask.order != "name")
    if ask.by in TIMES:
        in_order = replace(query, sort="", descending=False)
    caption = visit.say(BYS[ask.by]) if ask.by else ""
    shown = _called(_with_ways(visit, lists.shown(visit, what, in_order, rows)), caption)
    page = FiguresPage(
        **_ways(visit, asked),
        compared="" if table.compared is None else figure_views.days(visit, table.compared),
        total=table.total,
        cost=figure_views.cost(table.total),
        change=_more(visit, table),
        heads=figure_views.heads(visit, table),
        charts=() if isinstance(in_time, NotKept) else tuple(_charts(visit, table, in_time)),
        list=shown,
        caption=caption,
        upto=None if table.upto is None else visit.local(table.upto),
        behind=table.behind,
        jobs="",
    )
    return visit.page("figures.html", page)


def _more(visit: Visit, table: Table) -> str:
    if table.before is None:
        return ""
    return figure_views.change(visit, table.total.impressions, table.before.impressions)


def _with_ways(visit: Visit, shown: ListView) -> ListView:
    """Have the filters' form keep what the ways above it chose."""
    kept = tuple((key, visit.asked(key)) for key in ("by", "period") if visit.asked(key))
    return replace(shown, kept=(*shown.kept, *kept))


def _called(shown: ListView, caption: str) -> ListView:
    """Head the names by what they are of; of a list by nothing, as it is."""
    if not caption or not shown.heads:
        return shown
    first, *rest = shown.heads
    return replace(shown, heads=(replace(first, label=caption), *rest))


def _not_kept(visit: Visit, asked: _Asked, query: Query) -> Response:
    """Show that totals do not answer this, and what does."""
    shown = _with_ways(visit, lists.shown(visit, FIGURES, query, Rows[Row](())))
    page = FiguresPage(
        **_ways(visit, asked),
        compared="",
        total=None,
        cost=(),
        change="",
        heads=(),
        charts=(),
        list=shown,
        caption="",
        upto=None,
        behind=0,
        jobs=_jobs(visit, asked.ask.period),
    )
    return visit.page("figures.html", page)


def _jobs(visit: Visit, period: Period) -> str:
    """Return where the jobs of it are listed; empty: the reader does not see jobs."""
    if not visit.may(Right.SEE_JOBS):
        return ""
    return f"/jobs?since={period.first}&until={period.last}"


PAGES: Final = (Page("/figures", show, Right.SEE_FIGURES, nav=Nav(mark("Figures"), "figures", 60)),)
