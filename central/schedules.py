"""When a periodic grant is due, and how much it then posts: pure; the books carry it out."""

from __future__ import annotations

from calendar import monthrange
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta
from itertools import count
from typing import TYPE_CHECKING, Final, Literal
from zoneinfo import ZoneInfo

if TYPE_CHECKING:
    from collections.abc import Iterator

Every = Literal["daily", "weekly", "monthly", "term"]
Mode = Literal["set", "add"]

_DAY: Final = timedelta(days=1)
_SECOND: Final = timedelta(seconds=1)
#: A nominal day and its moment are never further apart than this: clocks go round the world.
_SPREAD: Final = timedelta(days=2)
_LAST_YEAR: Final = 9990
_MONTHS: Final = 12


@dataclass(frozen=True, slots=True)
class Plan:
    """On which days, and when on those days."""

    every: Every
    """`term`: on the days named, and on no others."""
    zone: str
    """IANA name of the time zone whose clocks are meant, for instance Europe/Paris."""
    at: time
    """By those clocks."""
    weekday: int = 1
    """Weekly: 1 is Monday, 7 Sunday (ISO 8601)."""
    day: int = 1
    """Monthly: 1 to 31; in a shorter month its last day."""
    days: tuple[date, ...] = ()
    """Term: the days, ascending."""


@dataclass(frozen=True, slots=True)
class Moment:
    """One period of a plan and the moment it begins."""

    period: date
    """The day that names the period: whatever zones do later, it stays the same."""
    at: datetime
    """UTC."""


def due(plan: Plan, after: datetime, until: datetime) -> Iterator[Moment]:
    """Return the moments of a plan in (after, until], ascending, each once.

    A time that clocks leap over counts at the first instant after the leap; one that they show
    twice counts the first time. A day that a zone has left out altogether has no moment.

    Args:
        plan: which days, and when.
        after: aware; what is not after it is done.
        until: aware.
    """
    zone = ZoneInfo(plan.zone)
    if plan.every != "term" and after.year >= _LAST_YEAR:
        return
    last = after
    for day in _days(plan, (after - _SPREAD).date()):
        # a day whose moment cannot come before `until` ends the search
        if datetime.combine(day, time(), UTC) > until + _SPREAD:
            return
        at = instant_of(day, plan.at, zone)
        if last < at <= until:
            last = at
            yield Moment(day, at)


def following(plan: Plan, after: datetime) -> Moment | None:
    """Return the first moment after one, or None when there is none in the next hundred years."""
    year = min(after.year + 100, _LAST_YEAR + 1)
    return next(due(plan, after, datetime(year, 1, 1, tzinfo=UTC)), None)


def instant_of(day: date, at: time, zone: ZoneInfo) -> datetime:
    """Return the UTC instant at which a zone's clocks first show, or leap over, a local time."""
    local = datetime.combine(day, at)
    first = local.replace(tzinfo=zone, fold=0).astimezone(UTC)
    if first.astimezone(zone).replace(tzinfo=None) == local:
        return first
    # in a hole: `first` was reckoned by the clocks before it and lies behind it, with fold=1 ahead
    ahead = local.replace(tzinfo=zone, fold=1).astimezone(UTC)
    behind = first
    new = behind.astimezone(zone).utcoffset()
    while behind - ahead > _SECOND:
        middle = ahead + (behind - ahead) // _SECOND // 2 * _SECOND
        if middle.astimezone(zone).utcoffset() == new:
            behind = middle
        else:
            ahead = middle
    return behind


def _days(plan: Plan, first: date) -> Iterator[date]:
    """Return the nominal days of a plan from about a day on, ascending."""
    match plan.every:
        case "term":
            yield from (day for day in plan.days if day >= first)
        case "daily":
            yield from (first + _DAY * n for n in count())
        case "weekly":
            start = first + _DAY * ((plan.weekday - first.isoweekday()) % 7)
            yield from (start + _DAY * 7 * n for n in count())
        case "monthly":
            for n in count(first.year * _MONTHS + first.month - 1):
                year, month = divmod(n, _MONTHS)
                length = monthrange(year, month + 1)[1]
                yield date(year, month + 1, min(plan.day, length))


@dataclass(frozen=True, slots=True)
class Change:
    """What a period does to one account."""

    micros: int
    """Posted from the house; negative takes back, 0 posts nothing."""
    kept: int = 0
    """What `set` would have taken too, but it sits at sites."""


def change_of(mode: Mode, micros: int, cap: int | None, *, known: int, centre: int) -> Change:
    """Return what a period posts.

    Args:
        mode: `set` posts what is missing; `add` posts micros, as far as the cap lets it.
        micros: the schedule's amount, not negative.
        cap: `add` leaves no more than this on the account; None: no cap.
        known: all the account has, at sites too; negative when overdrawn.
        centre: what of that is at the centre.
    """
    if mode == "add":
        room = micros if cap is None else min(micros, cap - known)
        return Change(max(0, room))
    if known <= micros:
        return Change(micros - known)
    down = min(known - micros, max(0, centre))
    return Change(-down, known - micros - down)
