"""From when to when a node was cut off, and for how long on each day; pure."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime, time, timedelta
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence
    from datetime import date, tzinfo


@dataclass(frozen=True, slots=True)
class Change:
    """A node became linked, or was cut off."""

    at: datetime
    linked: bool


@dataclass(frozen=True, slots=True)
class Gap:
    """It was cut off."""

    begin: datetime
    end: datetime
    lasts: bool = False
    """It still is."""

    @property
    def time(self) -> timedelta:
        """How long."""
        return self.end - self.begin


def gaps(changes: Sequence[Change], since: datetime, now: datetime) -> tuple[Gap, ...]:
    """Return the times when a node was cut off, oldest first.

    Args:
        changes: oldest first; one before `since` says how it was then. What was before the first
            is not known, and not told.
        since: what was before is left out.
        now: the last gap may go on until here.
    """
    found: list[Gap] = []
    cut: datetime | None = None
    for each in changes:
        if not each.linked and cut is None:
            cut = each.at
        elif each.linked and cut is not None:
            found.append(Gap(cut, each.at))
            cut = None
    if cut is not None:
        found.append(Gap(cut, now, lasts=True))
    return tuple(
        Gap(max(each.begin, since), each.end, each.lasts) for each in found if each.end > since
    )


def by_day(
    found: Sequence[Gap], first: date, last: date, zone: tzinfo
) -> Iterator[tuple[date, timedelta]]:
    """Yield for how long it was cut off on each day of a zone, both ends included."""
    day = first
    while day <= last:
        # in one zone a difference is that of its clocks, which are set back once a year
        begin = datetime.combine(day, time(), zone).astimezone(UTC)
        end = datetime.combine(day + timedelta(days=1), time(), zone).astimezone(UTC)
        inside = (min(each.end, end) - max(each.begin, begin) for each in found)
        yield day, sum((each for each in inside if each > timedelta()), timedelta())
        day += timedelta(days=1)
