"""What an address says, read: where a list goes on, a day; what is neither is left aside."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import TYPE_CHECKING, Final, TypeVar

if TYPE_CHECKING:
    from collections.abc import Sequence
    from zoneinfo import ZoneInfo

    from central.web.pages.lists import Query

Row = TypeVar("Row")

#: More than any number of a row, and no more than the books can hold.
BIGGEST: Final = 2**62


def before(cursor: str) -> int | None:
    """Return the number of the row before which a list goes on; None: from the newest."""
    return min(int(cursor), BIGGEST) if cursor.isascii() and cursor.isdigit() else None


def cut(rows: Sequence[Row], query: Query) -> tuple[Sequence[Row], str]:
    """Return the page of all rows that was asked for, and the cursor of the next; empty: none."""
    after = query.after
    begin = int(after) if after.isascii() and after.isdigit() else 0
    end = begin + query.limit
    return rows[begin:end], str(end) if end < len(rows) else ""


def day(text: str, zone: ZoneInfo) -> datetime | None:
    """Return when a day begins in a zone; None: this is none."""
    try:
        found = datetime.strptime(text, "%Y-%m-%d").replace(tzinfo=zone)
    except ValueError:
        return None
    # what is before the first or after the last day of all cannot be written in every zone
    return found if 2000 <= found.year < 2200 else None  # noqa: PLR2004  years


def day_after(text: str, zone: ZoneInfo) -> datetime | None:
    """Return when the day after begins: it ends at midnight also where the clocks change."""
    begins = day(text, zone)
    # in a zone's own time Python adds days by the clock, not hours
    return None if begins is None else begins + timedelta(days=1)
