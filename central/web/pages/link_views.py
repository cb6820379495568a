"""A month of a node's line as its page shows it: when it was cut off, and for how long each day."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, timedelta
from typing import TYPE_CHECKING, Final

from central import charts, link_times
from central.charts import About, Point
from central.store import link_history
from central.web.pages.sentences import mark

if TYPE_CHECKING:
    from datetime import datetime

    from central.link_times import Gap
    from central.store.books import Transaction
    from central.web.pages.visit import Visit

_DAYS: Final = 30
#: The newest times that are told one by one.
_TOLD: Final = 12
_WIDE: Final = 720
_HOUR: Final = timedelta(hours=1)
_MINUTE: Final = timedelta(minutes=1)
_HOURS: Final = mark("Hours without the line, each day")
_MINUTES: Final = mark("Minutes without the line, each day")


@dataclass(frozen=True, slots=True)
class Time:
    """One time when it was cut off."""

    begin: datetime
    lasting: str
    lasts: bool
    """It still is."""


@dataclass(frozen=True, slots=True)
class LinkView:
    """A node's month."""

    answer: str
    title: str
    """Of the chart."""
    chart: str
    """SVG; empty: it was never cut off."""
    times: tuple[Time, ...]
    """The newest first."""
    more: int
    """Times before these."""


def link_view(tx: Transaction, visit: Visit, node: str) -> LinkView | None:
    """Return a node's month; None: nothing is known of its line yet."""
    now = visit.now
    last = now.date()
    first = last - timedelta(days=_DAYS - 1)
    since = now.replace(hour=0, minute=0, second=0, microsecond=0) - timedelta(days=_DAYS - 1)
    changes = link_history.of(tx, node, since.astimezone(UTC))
    if not changes:
        return None
    found = link_times.gaps(changes, since, now)
    known = max(changes[0].at, since)
    times = tuple(
        Time(visit.local(each.begin), visit.words.lasting(each.time), each.lasts)
        for each in reversed(found)
    )
    title = chart = ""
    if found:
        days = link_times.by_day(found, first, last, visit.centre.zone)
        by_day = dict(days)
        unit, title = _HOUR, visit.say(_HOURS)
        if max(by_day.values()) < 2 * _HOUR:
            unit, title = _MINUTE, visit.say(_MINUTES)
        points = [Point(visit.words.short_day(day), time / unit) for day, time in by_day.items()]
        chart = charts.columns(
            points,
            About(title, _answer(visit, found, known, since)),
            lambda number: visit.words.number(number, 1),
            width=_WIDE,
            height=180,
        )
    answer = _answer(visit, found, known, since)
    return LinkView(answer, title, chart, times[:_TOLD], max(len(times) - _TOLD, 0))


def _answer(visit: Visit, found: tuple[Gap, ...], known: datetime, since: datetime) -> str:
    words = visit.words
    if known > since:
        span = visit.say(mark("since %(day)s"), day=words.short_day(visit.local(known).date()))
    else:
        span = visit.say(mark("in the last 30 days"))
    if not found:
        return visit.say(mark("It was never cut off %(span)s."), span=span)
    total = words.lasting(sum((each.time for each in found), timedelta()))
    if len(found) == 1:
        said = mark("It was cut off once %(span)s, for %(time)s.")
        return visit.say(said, span=span, time=total)
    longest = words.lasting(max(each.time for each in found))
    said = mark(
        "It was cut off %(num)s times %(span)s, for %(time)s in all; the longest was %(most)s."
    )
    return visit.say(said, num=words.number(len(found)), span=span, time=total, most=longest)
