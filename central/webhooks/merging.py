"""Bringing what several sources have to tell into one order, a slice at a time; pure.

A source's own order is kept whatever its clock said; among sources it is the books' time. Where a
source has more than was read of it, nothing later than its last row is told yet.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator
    from datetime import datetime

    from central.webhooks.telling import Telling


@dataclass(frozen=True, slots=True)
class Item:
    """One row of a source."""

    place: int
    """Where it stands there."""
    at: datetime
    """When the books got it."""
    telling: Telling | None
    """What is told of it; None: nothing."""


@dataclass(frozen=True, slots=True)
class Slice:
    """What is behind one mark."""

    source: str
    after: int
    """The mark."""
    items: tuple[Item, ...]
    end: int
    """How far it was read; beyond the last item nothing is told of."""
    full: bool
    """There may be more behind it."""


def merged(slices: Iterable[Slice]) -> tuple[list[Telling], dict[str, int]]:
    """Return what is told, in order, and how far each source is then told of."""
    timed = [(each, list(_times(each.items))) for each in slices]
    horizon = min((times[-1] for each, times in timed if each.full and times), default=None)
    told: list[tuple[datetime, Telling]] = []
    marks: dict[str, int] = {}
    for each, times in timed:
        taken = len(times)
        if horizon is not None:
            taken = sum(at <= horizon for at in times)
        for at, item in zip(times[:taken], each.items, strict=False):
            if item.telling is not None:
                told.append((at, item.telling))
        if taken == len(times):
            marks[each.source] = each.end
        elif taken:
            marks[each.source] = each.items[taken - 1].place
    told.sort(key=lambda pair: pair[0])
    return [telling for _, telling in told], marks


def _times(items: Iterable[Item]) -> Iterator[datetime]:
    """Yield the times of a source's rows, none before the one ahead of it."""
    latest: datetime | None = None
    for item in items:
        latest = item.at if latest is None else max(latest, item.at)
        yield latest
