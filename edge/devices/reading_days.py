"""When a printer's meters are read for the books, and what is said of them; pure.

Once at the start, at the end of each day of the site, when what came before does not go on, and
when somebody asks. A day that ended while the edge was down, or while the printer was silent, is
read when that is over, still for that day; of several such days only the last.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date, datetime, time, timedelta, tzinfo
from typing import TYPE_CHECKING, Final, Literal

from broker.messages import MetersRead
from broker.messages.devices import MOST
from edge.devices.counters import Taken, difference

if TYPE_CHECKING:
    from collections.abc import Iterable

    from broker.messages import Meter

#: Jobs of ours are waited for so long, and so is a source that gave figures the last time.
PATIENCE: Final = timedelta(minutes=10)
_SOURCE_PATIENCE: Final = timedelta(hours=1)
#: A reading from further in the future than this was taken by a clock that was wrong.
_FUTURE: Final = timedelta(days=1)


@dataclass(frozen=True, slots=True)
class Last:
    """The last reading that the books have of a printer."""

    read: MetersRead
    """As it was said."""
    covered: date | None = None
    """The last day whose end is read: whatever was read since then for other reasons."""
    up_for: float | None = None
    """Seconds the machine was switched on then."""

    @property
    def taken(self) -> Taken:
        """As it is compared."""
        return Taken(self.read.meters, self.read.serial, self.read.read_at, self.up_for)


@dataclass(frozen=True, slots=True)
class Due:
    """A reading that is due."""

    why: Literal["start", "day"]
    """Nothing is known; a day ended."""
    day: date | None
    """Which."""
    since: datetime | None
    """Since when; None: since it was noticed."""


def due(last: Last | None, now: datetime, zone: tzinfo) -> Due | None:
    """Say whether a printer's meters should be read.

    Args:
        last: what the books have.
        now: the moment; aware.
        zone: the site's.
    """
    if last is None or last.read.read_at - now > _FUTURE:
        return Due("start", None, None)
    today = now.astimezone(zone).date()
    ended = today - timedelta(days=1)
    if last.covered is not None and last.covered >= ended:
        return None
    return Due("day", ended, datetime.combine(today, time(), tzinfo=zone))


def covered(read: MetersRead, last: Last | None, zone: tzinfo) -> date | None:
    """Return the last day whose end is read, once this is in the books too."""
    if read.day is not None:
        return read.day
    if last is None or read.why == "start":
        return read.read_at.astimezone(zone).date() - timedelta(days=1)
    return last.covered


def next_midnight(now: datetime, zone: tzinfo) -> datetime:
    """Return when the site's next day begins."""
    tomorrow = now.astimezone(zone).date() + timedelta(days=1)
    return datetime.combine(tomorrow, time(), tzinfo=zone).astimezone(now.tzinfo)


def waits(last: Last | None, meters: Iterable[Meter], *, running: int, noticed: timedelta) -> bool:
    """Say whether a due reading had better be taken a little later.

    Args:
        last: what the books have.
        meters: as they were just read.
        running: jobs of ours that are at the printer.
        noticed: for how long it has been due, or known to be.
    """
    if running and noticed < PATIENCE:
        return True
    sources = {each.source for each in meters}
    missing = {each.source for each in last.read.meters} - sources if last else set()
    return bool(missing) and noticed < _SOURCE_PATIENCE


def said(
    device: str,
    taken: Taken,
    last: Last | None,
    *,
    why: Literal["start", "day", "reset", "replaced", "asked"],
    day: date | None = None,
    detail: str = "",
    under_way: int = 0,
) -> MetersRead:
    """Return a reading as the books have it.

    Args:
        device: its id.
        taken: what was read.
        last: what the books have before it.
        why: what it is read for.
        day: which one ended, for `day`.
        detail: what was odd beside what the comparison finds.
        under_way: jobs and copies of ours that were not settled.
    """
    compared = difference(last.taken, taken) if last is not None else None
    odd = [each for each in (compared.detail if compared else "", detail) if each]
    goes_on = compared is not None and compared.continues
    continues = goes_on and why not in {"start", "reset", "replaced"}
    return MetersRead(
        device=device,
        serial=taken.serial,
        why=why,
        day=day,
        read_at=taken.at,
        meters=taken.meters[:MOST],
        continues=continues,
        since=last.read.read_at if last is not None and continues else None,
        detail="; ".join(odd)[:1000],
        under_way=under_way,
    )
