"""Periods of whole days, and the spans that totals are kept for: days, months, quarters, years.

A span is a number that people can read: 20261123 is a day, 20261100 a month, 20269400 the fourth
quarter, 20260000 the year.
"""

from __future__ import annotations

from calendar import monthrange
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from enum import IntEnum
from typing import TYPE_CHECKING, Final, Self

if TYPE_CHECKING:
    from collections.abc import Collection, Iterator
    from zoneinfo import ZoneInfo

#: Every zone is a multiple of it away from UTC, so all of it lies in one day.
_STEP: Final = 15 * 60 * 1_000_000
_SECOND: Final = 1_000_000
_QUARTERS: Final = 90
_YEAR: Final = 10_000
_MONTH: Final = 100
_DECEMBER: Final = 12
_MONTHS_A_QUARTER: Final = 3
_OLDEST: Final = 1900
#: Far more than any books are old, and bounded: each day may have to be named to the database.
LONGEST: Final = timedelta(days=3653)


class Grain(IntEnum):
    """How long the spans are that a question may be answered from, the shortest first."""

    DAY = 0
    MONTH = 1
    QUARTER = 2
    YEAR = 3


@dataclass(frozen=True, slots=True, order=True)
class Period:
    """Whole days by the organisation's clock, both ends included."""

    first: date
    last: date

    def __post_init__(self) -> None:
        """Refuse what has no days, or more than anybody can mean."""
        if not self.first <= self.last:
            raise ValueError(f"{self.first} to {self.last} has no days")
        if self.last - self.first > LONGEST or self.first.year < _OLDEST:
            raise ValueError(f"{self.first} to {self.last} is more than ten years, or too long ago")

    @classmethod
    def month(cls, of: date) -> Self:
        """Return the calendar month of a day."""
        first = of.replace(day=1)
        return cls(first, _end_of_month(first))

    @classmethod
    def year(cls, of: date) -> Self:
        """Return the calendar year of a day."""
        return cls(of.replace(month=1, day=1), of.replace(month=12, day=31))

    @property
    def days(self) -> int:
        """How many days it has."""
        return (self.last - self.first).days + 1

    @property
    def before(self) -> Period:
        """The period to compare with: as many whole months before it, else as many days.

        A month that is under way, from its first day on, is compared with the same days of the
        month before; a year that has come past its first quarter with those of the year before.
        """
        if (self.first.month, self.first.day) == (1, 1) and self._within_a_year:
            first = self.first.replace(year=self.first.year - 1)
            return Period(first, _year_before(self.last))
        if self.first.day == 1 and self.last == _end_of_month(self.last):
            months = _months(self.last) - _months(self.first) + 1
            first = _month_of(_months(self.first) - months)
            return Period(first, self.first - timedelta(days=1))
        if self.first.day == 1 and _months(self.first) == _months(self.last):
            first = _month_of(_months(self.first) - 1)
            days = min(self.days, (self.first - first).days)
            return Period(first, first + timedelta(days=days - 1))
        return Period(self.first - timedelta(days=self.days), self.first - timedelta(days=1))

    @property
    def _within_a_year(self) -> bool:
        return self.first.year == self.last.year and self.last.month > _MONTHS_A_QUARTER

    def __contains__(self, day: date) -> bool:
        """Say whether a day lies in it."""
        return self.first <= day <= self.last

    def __str__(self) -> str:
        """Write both days, or the one."""
        return f"{self.first} to {self.last}" if self.first < self.last else str(self.first)


def span(day: date, grain: Grain) -> int:
    """Return the span of one grain that a day lies in."""
    if grain is Grain.DAY:
        return day.year * _YEAR + day.month * _MONTH + day.day
    if grain is Grain.MONTH:
        return day.year * _YEAR + day.month * _MONTH
    if grain is Grain.QUARTER:
        return day.year * _YEAR + (_QUARTERS + (day.month + 2) // _MONTHS_A_QUARTER) * _MONTH
    return day.year * _YEAR


def first_day(number: int) -> date:
    """Return the first day of a span."""
    year, rest = divmod(number, _YEAR)
    month, day = divmod(rest, _MONTH)
    if month > _QUARTERS:
        month = (month - _QUARTERS) * _MONTHS_A_QUARTER - 2
    return date(year, month or 1, day or 1)


def grain_of(number: int) -> Grain:
    """Return what kind of span a number is."""
    rest = number % _YEAR
    if not rest:
        return Grain.YEAR
    if rest % _MONTH:
        return Grain.DAY
    return Grain.QUARTER if rest > _QUARTERS * _MONTH else Grain.MONTH


def spans(period: Period, coarsest: Grain, open_days: Collection[date] = ()) -> list[int]:
    """Return the spans whose totals sum to a period: few long ones, and short ones at its ends.

    Args:
        period: what is asked for.
        coarsest: the longest spans to use.
        open_days: days that are in no longer span yet; each stands for itself.
    """
    found: list[int] = []
    at = period.first
    alone: set[date] = set()
    while at <= period.last:
        grain, end = _longest(at, period.last, coarsest)
        found.append(span(at, grain))
        if grain is Grain.DAY:
            alone.add(at)
        at = end + timedelta(days=1)
    found += [span(d, Grain.DAY) for d in sorted(open_days) if d in period and d not in alone]
    return found


def buckets(period: Period, grain: Grain) -> Iterator[tuple[int, Period]]:
    """Return the spans of one grain that a period touches, each with its part of the period."""
    at = period.first
    while at <= period.last:
        end = min(_end(at, grain), period.last)
        yield span(at, grain), Period(at, end)
        at = end + timedelta(days=1)


class Days:
    """Which day a moment lies in, by the clock of one place."""

    def __init__(self, zone: ZoneInfo) -> None:
        self._zone = zone
        self._known: dict[int, int] = {}

    def of(self, at: int) -> int:
        """Return the day's span of a moment in microseconds since 1970 UTC."""
        step = max(at, 0) // _STEP
        found = self._known.get(step)
        if found is None:
            if len(self._known) > _YEAR:
                self._known.clear()
            moment = datetime.fromtimestamp(step * _STEP // _SECOND, UTC).astimezone(self._zone)
            found = self._known[step] = span(moment.date(), Grain.DAY)
        return found

    def today(self, now: datetime) -> date:
        """Return the running day."""
        return now.astimezone(self._zone).date()

    def begin(self, day: date) -> datetime:
        """Return the moment at which a day begins."""
        return datetime(day.year, day.month, day.day, tzinfo=self._zone)

    def end(self, day: date) -> datetime:
        """Return the moment at which a day is over."""
        return self.begin(day + timedelta(days=1))


def _longest(at: date, last: date, coarsest: Grain) -> tuple[Grain, date]:
    """Return the longest span that begins at a day and ends by another, and its end."""
    for grain in (Grain.YEAR, Grain.QUARTER, Grain.MONTH):
        if grain <= coarsest and first_day(span(at, grain)) == at:
            end = _end(at, grain)
            if end <= last:
                return grain, end
    return Grain.DAY, at


def _end(at: date, grain: Grain) -> date:
    if grain is Grain.DAY:
        return at
    if grain is Grain.MONTH:
        return _end_of_month(at)
    if grain is Grain.QUARTER:
        month = first_day(span(at, grain)).month + 2
        return _end_of_month(at.replace(month=month, day=1))
    return at.replace(month=_DECEMBER, day=31)


def _end_of_month(day: date) -> date:
    return day.replace(day=monthrange(day.year, day.month)[1])


def _year_before(day: date) -> date:
    if day == _end_of_month(day):  # 29 February has none
        return _end_of_month(day.replace(year=day.year - 1, day=1))
    return day.replace(year=day.year - 1)


def _months(day: date) -> int:
    return day.year * _DECEMBER + day.month - 1


def _month_of(number: int) -> date:
    return date(number // _DECEMBER, number % _DECEMBER + 1, 1)
