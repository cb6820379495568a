"""Answering questions about figures from the totals: few rows, however many jobs there were."""

from __future__ import annotations

from dataclasses import dataclass, replace
from functools import lru_cache
from typing import TYPE_CHECKING, Any, Final
from zoneinfo import ZoneInfo

from sqlalchemy import case, func, literal_column, select

from central.figures.asking import (
    MOST,
    TIMES,
    By,
    Figures,
    Line,
    Money,
    NotKept,
    Table,
    checked,
    view_for,
)
from central.figures.folding import MEASURES, View
from central.figures.periods import Days, Grain, Period, buckets, first_day, span, spans
from central.store import directory, facts
from central.store.figure_names import names_of
from central.store.tables import cohort, cohort_group, decision, fact, fact_day

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from sqlalchemy import ColumnElement, Row, Select

    from central.figures.asking import Ask, Where
    from central.store.books import Transaction

_COUNTS: Final = ("jobs", "impressions", "color", "sheets", "two_sided")
_MONEY: Final = MEASURES[len(_COUNTS) :]
#: Lines fetched at once where all are wanted.
_PAGE: Final = 1000
_YEAR: Final = 10_000
#: Spans that are no days are multiples of it.
_DAYS: Final[ColumnElement[int]] = literal_column("100")
_PROJECTS: Final = ("project:", "project;")


@dataclass(frozen=True, slots=True)
class _Totals:
    """Where an answer comes from."""

    view: View
    units: tuple[str, ...]
    open_days: tuple[Any, ...]
    where: Where


def figures_of(tx: Transaction, ask: Ask) -> Table | NotKept:
    """Answer a question; NotKept when it would take reading all jobs."""
    wanted = checked(ask)
    if isinstance(wanted, NotKept):
        return wanted
    view = view_for(wanted.by, wanted.where)
    if isinstance(view, NotKept):
        return view
    over_all = view_for(None, wanted.where)
    if isinstance(over_all, NotKept):
        return over_all
    mark = facts.mark(tx)
    compared = _compared(wanted, mark.zone, tx) if wanted.compare else None
    units = _units(tx)
    from_ = _Totals(view, units, tuple(facts.open_days(tx, view)), wanted.where)
    total_from = replace(from_, view=over_all, open_days=tuple(facts.open_days(tx, over_all)))
    if wanted.by == By.PROJECT:  # the sum is that of projects, not of all
        total_from = from_
    lines, more = _lines(tx, wanted, from_, compared)
    return Table(
        ask=wanted,
        lines=tuple(lines),
        more=more,
        total=_total(tx, total_from, wanted.period, wanted.by),
        before=None if compared is None else _total(tx, total_from, compared, wanted.by),
        compared=compared,
        units=units,
        zone=mark.zone,
        upto=mark.at,
        behind=mark.behind,
    )


def in_time_of(tx: Transaction, table: Table, by: By) -> Table | NotKept:
    """Return an answer with other lines: its sum's parts in time, with those of the period before.

    Args:
        tx: the transaction that the answer is of.
        table: its sums and units are not asked for again.
        by: one of TIMES.
    """
    ask = replace(table.ask, by=by, limit=MOST, skip=0)
    view = view_for(by, ask.where)
    if isinstance(view, NotKept):
        return view
    from_ = _Totals(view, table.units, tuple(facts.open_days(tx, view)), ask.where)
    lines, more = _in_time(tx, ask, from_, table.compared)
    return replace(table, ask=ask, lines=tuple(lines), more=more)


def every_line(tx: Transaction, ask: Ask) -> Iterator[Line]:
    """Yield all lines of an answer, for a file, as they are read; none where it is NotKept."""
    wanted = checked(ask)
    view = NotKept("") if isinstance(wanted, NotKept) else view_for(wanted.by, wanted.where)
    if isinstance(wanted, NotKept) or isinstance(view, NotKept) or wanted.by is None:
        return
    compared = _compared(wanted, facts.mark(tx).zone, tx) if wanted.compare else None
    from_ = _Totals(view, _units(tx), tuple(facts.open_days(tx, view)), wanted.where)
    if wanted.by in TIMES:
        whole = replace(wanted, limit=wanted.period.days, skip=0)
        yield from _in_time(tx, whole, from_, compared)[0]
        return
    query, key = _by(wanted.by, from_, spans(wanted.period, Grain.YEAR, from_.open_days))
    rows = tx.sql.execute(query.order_by(*_order(wanted, key)))
    for some in rows.partitions(_PAGE):
        found = {str(row[0]): _figures(row[1:], from_.units) for row in some}
        yield from _named(tx, wanted.by, from_, compared, found)


def refused(tx: Transaction, period: Period, where: Where) -> list[tuple[str, int]] | NotKept:
    """Return how many jobs were refused, and not released since, by reason; most first.

    Counted by an index, not from totals: it is always of this moment.
    """
    if any((where.user, where.group, where.department, where.account, where.service)):
        return NotKept("refusals are counted by site and printer only; list the jobs for more")
    days = Days(ZoneInfo(facts.mark(tx).zone))
    query = (
        select(decision.c.reason, func.count())
        .where(
            decision.c.released.is_(False),
            decision.c.at >= days.begin(period.first),
            decision.c.at < days.end(period.last),
        )
        .group_by(decision.c.reason)
        .order_by(func.count().desc(), decision.c.reason)
    )
    if where.printer is not None:
        query = query.where(decision.c.printer == where.printer)
    if where.nodes is not None:
        query = query.where(decision.c.printer.in_(_printers(tx, where.nodes)))
    return [(reason, count) for reason, count in tx.sql.execute(query)]


def _compared(ask: Ask, zone: str, tx: Transaction) -> Period:
    """Return what to compare with: of a period under way only as far as it has come."""
    if ask.against is not None:
        return ask.against
    today = Days(ZoneInfo(zone)).today(tx.now)
    if today in ask.period:
        return Period(ask.period.first, today).before
    return ask.period.before


def _units(tx: Transaction) -> tuple[str, ...]:
    """Return the units there is money of, the books' own first."""
    query = select(fact.c.unit).where(fact.c.view == int(View.SITE), _ever(tx, View.SITE))
    found = set(tx.sql.execute(query.distinct()).scalars())
    own = tx.identity.currency
    return (own, *sorted(found - {own}))


def _total(tx: Transaction, from_: _Totals, period: Period, by: By | None) -> Figures:
    asked = spans(period, Grain.YEAR, from_.open_days)
    query = select(*_sums(from_.units)).where(*_within(from_, asked, by))
    return _figures(tx.sql.execute(query).one(), from_.units)


def _lines(
    tx: Transaction, ask: Ask, from_: _Totals, compared: Period | None
) -> tuple[list[Line], bool]:
    if ask.by is None:
        return [], False
    if ask.by in TIMES:
        return _in_time(tx, ask, from_, compared)
    asked = spans(ask.period, Grain.YEAR, from_.open_days)
    if ask.by == By.USER:
        # people are many: first who is on this page, by the one figure that decides it
        first = list(tx.sql.execute(_ranked(ask, from_, asked)).scalars())
        found = _some(tx, ask.by, from_, asked, first[: ask.limit])
        more = len(first) > ask.limit
    else:
        query, key = _by(ask.by, from_, asked)
        query = query.order_by(*_order(ask, key)).limit(ask.limit + 1).offset(ask.skip)
        rows = tx.sql.execute(query).all()
        more = len(rows) > ask.limit
        found = {str(row[0]): _figures(row[1:], from_.units) for row in rows[: ask.limit]}
    return list(_named(tx, ask.by, from_, compared, found)), more


def _named(
    tx: Transaction, by: By, from_: _Totals, compared: Period | None, found: dict[str, Figures]
) -> Iterator[Line]:
    """Yield the lines of some figures, with their names and what they were before."""
    keys = list(found)
    names = names_of(tx, by, keys)
    earlier: dict[str, Figures] = {}
    if compared is not None:
        asked = spans(compared, Grain.YEAR, from_.open_days)
        earlier = _some(tx, by, from_, asked, keys)
    for key, figures in found.items():
        before = None if compared is None else earlier.get(key, Figures())
        yield Line(key=key, label=names.get(key, ""), figures=figures, before=before)


def _ranked(ask: Ask, from_: _Totals, asked: Sequence[int]) -> Select[Any]:
    """Return the query of the keys of a page, in their order."""
    within = _within(from_, asked, ask.by)
    query = select(fact.c.key).where(*within).group_by(fact.c.key)
    if ask.order != "name":
        decides = _sums(from_.units)
        name = "charged0" if ask.order == "charged" else ask.order
        query = query.order_by(next(each for each in decides if each.name == name).desc())
    return query.order_by(fact.c.key).limit(ask.limit + 1).offset(ask.skip)


def _some(
    tx: Transaction, by: By, from_: _Totals, asked: Sequence[int], keys: Sequence[str]
) -> dict[str, Figures]:
    """Return the figures of some lines, in the order of their keys as given."""
    if not keys:
        return {}
    query, _ = _by(by, from_, asked, keys)
    rows = {str(row[0]): _figures(row[1:], from_.units) for row in tx.sql.execute(query)}
    return {key: rows[key] for key in keys if key in rows}


def _by(
    by: By, from_: _Totals, asked: Sequence[int], keys: Sequence[str] | None = None
) -> tuple[Select[Any], ColumnElement[Any]]:
    """Return the query of lines and the column they are of; `keys`: these lines only."""
    within = _within(from_, asked, by)
    sums = _sums(from_.units)
    if by in {By.GROUP, By.DEPARTMENT}:
        # first by cohort: they are few, and their totals many
        inner = (
            select(fact.c.cohort, *sums).where(*within).group_by(fact.c.cohort).subquery("cohorts")
        )
        of, name = (
            (cohort_group.c.cohort, cohort_group.c.group)
            if by == By.GROUP
            else (cohort.c.id, cohort.c.department)
        )
        key: ColumnElement[Any] = func.coalesce(name, literal_column("''"))
        again = [_sum(inner.c[each.name]).label(each.name) for each in sums]
        query = select(key.label("of"), *again).select_from(
            inner.outerjoin(of.table, of == inner.c.cohort)
        )
    else:
        key = {By.SITE: fact.c.node, By.SERVICE: fact.c.service}.get(by, fact.c.key)
        query = select(key.label("of"), *sums).where(*within)
    if keys is not None:
        query = query.where(key.in_(keys))
    return query.group_by(key), key


def _order(ask: Ask, key: ColumnElement[Any]) -> list[ColumnElement[Any]]:
    if ask.order == "name":
        return [key.asc()]
    name = "charged0" if ask.order == "charged" else ask.order
    return [literal_column(name).desc(), key.asc()]


def _in_time(
    tx: Transaction, ask: Ask, from_: _Totals, compared: Period | None
) -> tuple[list[Line], bool]:
    grain = TIMES[By(ask.by or By.DAY)]
    every = list(buckets(ask.period, grain))
    upto = ask.skip + ask.limit
    wanted = every[ask.skip : upto]
    found = _by_time(tx, from_, wanted, grain)
    # beside each other by their place: the first day of one month and of the other
    earlier: list[Figures] = []
    if compared is not None:
        then = list(buckets(compared, grain))[ask.skip : upto]
        before = _by_time(tx, from_, then, grain)
        earlier = [before.get(number, Figures()) for number, _ in then]
    lines = [
        Line(
            key=first_day(number).isoformat(),
            label="",
            figures=found.get(number, Figures()),
            before=earlier[place] if place < len(earlier) else None,
            period=part,
        )
        for place, (number, part) in enumerate(wanted)
    ]
    return lines, len(every) > upto


def _by_time(
    tx: Transaction, from_: _Totals, parts: Sequence[tuple[int, Period]], grain: Grain
) -> dict[int, Figures]:
    """Return the figures of parts that follow one another, by their spans."""
    if not parts:
        return {}
    period = Period(parts[0][1].first, parts[-1][1].last)
    if grain is Grain.DAY:
        # all of them, as a range: hundreds of days by name take as long as their totals
        first, last = span(period.first, grain), span(period.last, grain)
        within = [*_of(from_, None), fact.c.span.between(first, last), fact.c.span % _DAYS != 0]
    else:
        within = _within(from_, spans(period, grain, from_.open_days), None)
    query = select(fact.c.span, *_sums(from_.units)).where(*within).group_by(fact.c.span)
    found: dict[int, Figures] = {}
    for row in tx.sql.execute(query).all():
        number, figures = row[0], _figures(row[1:], from_.units)
        if grain is not Grain.DAY:
            number = span(first_day(number), grain)
        found[number] = found[number] + figures if number in found else figures
    return found


def _within(from_: _Totals, asked: Sequence[int], by: By | None) -> list[ColumnElement[bool]]:
    return [*_of(from_, by), fact.c.span.in_(asked)]


def _of(from_: _Totals, by: By | None) -> list[ColumnElement[bool]]:
    """Return what holds for totals whatever time they are of."""
    where = from_.where
    found: list[ColumnElement[bool]] = [fact.c.view == literal_column(str(int(from_.view)))]
    if where.nodes is not None:
        found.append(fact.c.node.in_(where.nodes))
    keys = (where.printer, where.user, where.account)
    found += [fact.c.key == key for key in keys if key is not None]
    if where.service is not None:
        found.append(fact.c.service == where.service)
    if where.group is not None:
        members = select(cohort_group.c.cohort).where(cohort_group.c.group == where.group)
        found.append(fact.c.cohort.in_(members))
    if where.department is not None:
        members = select(cohort.c.id).where(cohort.c.department == where.department)
        found.append(fact.c.cohort.in_(members))
    if by == By.PROJECT:
        found += [fact.c.key >= _PROJECTS[0], fact.c.key < _PROJECTS[1]]
    return found


@lru_cache(maxsize=64)
def _sums(units: tuple[str, ...]) -> tuple[Any, ...]:
    """Return the columns of sums: what was counted, then for each unit its money."""
    columns: list[Any] = [_sum(fact.c[name]).label(name) for name in _COUNTS]
    for number, unit in enumerate(units):
        for name in _MONEY:
            amount: Any = fact.c[name]
            if len(units) > 1:
                amount = case((fact.c.unit == unit, amount), else_=literal_column("0"))
            columns.append(_sum(amount).label(f"{name}{number}"))
    return tuple(columns)


def _sum(column: Any) -> Any:  # noqa: ANN401  a column
    return func.coalesce(func.sum(column), literal_column("0"))


def _figures(row: Row[Any] | Sequence[Any], units: Sequence[str]) -> Figures:
    """Read a row of sums; PostgreSQL has them as decimals."""
    numbers = [int(each) for each in row]
    counts, amounts = numbers[: len(_COUNTS)], numbers[len(_COUNTS) :]
    money = {}
    for number, unit in enumerate(units):
        some = amounts[number * len(_MONEY) : (number + 1) * len(_MONEY)]
        if any(some):
            money[unit] = Money(*some)
    return Figures(**dict(zip(_COUNTS, counts, strict=True)), money=money)


def _ever(tx: Transaction, view: View) -> ColumnElement[bool]:
    """Return what holds for the fewest totals that have all there is in a view."""
    days = select(func.min(fact_day.c.day), func.max(fact_day.c.day))
    first, last = tx.sql.execute(days).one()
    alone = [span(day, Grain.DAY) for day in facts.open_days(tx, view)]
    if first is None:
        return fact.c.span.in_(alone)
    years = range(first_day(first).year, first_day(last).year + 1)
    return fact.c.span.in_([year * _YEAR for year in years] + alone)


def _printers(tx: Transaction, nodes: Sequence[str]) -> list[str]:
    """Return the printers at some sites: those that are there, and those that printed there."""
    used = select(fact.c.key).where(
        fact.c.view == int(View.PRINTER), fact.c.node.in_(nodes), _ever(tx, View.PRINTER)
    )
    here = directory.printers_at(tx, nodes).keys()
    return sorted(here | set(tx.sql.execute(used.distinct()).scalars()))
