"""Days of devices as the books have them: meters against what was billed, and what was raised."""

from __future__ import annotations

from itertools import pairwise
from typing import TYPE_CHECKING

from sqlalchemy import select

from central.reconciling import ONE_DAY, compare, day_of, first_day
from central.store import device_alerts, meter_terms, meters
from central.store.device_alerts import UNEXPLAINED, Alert
from central.store.meters import Place
from central.store.tables import meter_booking

if TYPE_CHECKING:
    from collections.abc import Collection, Iterable, Mapping
    from datetime import date, tzinfo

    from central.reconciling import Day, Limits
    from central.store.books import Transaction
    from central.store.meters import Reading


def days(
    tx: Transaction, day: date, place: Place | None = None, *, zone: tzinfo | None = None
) -> list[Day]:
    """Return a day of every device that was read for it, or of one of them.

    Where its end was not read, it is what is known so far: up to the newest reading.

    Args:
        tx: a transaction.
        day: by the time zone of each site.
        place: only this device.
        zone: for sites that saw no midnight yet; None: this machine's.
    """
    places = None if place is None else (place,)
    ends = meters.ends_of(tx, day, places)
    lists = meters.chains(tx, ends)
    whole = {each.place for each in ends}
    for running, chain in _running(tx, place, zone):
        end = chain[-1]
        if running == day and end.place not in whole:
            ends.append(end)
            lists[end.read.n] = chain
    return _compared(tx, day, [lists[each.read.n] for each in ends], whole, places)


def newest_day(
    tx: Transaction, place: Place | None = None, *, zone: tzinfo | None = None
) -> date | None:
    """Return the newest day whose end was read; where there is none, the newest that is running."""
    ended = meters.newest_day(tx, place)
    if ended is not None:
        return ended
    return max((running for running, _ in _running(tx, place, zone)), default=None)


def _running(
    tx: Transaction, place: Place | None, zone: tzinfo | None
) -> list[tuple[date, list[Reading]]]:
    """Return the days that did not end yet, each with its readings since the day before ended."""
    newest = [each for each in meters.newest_of(tx, place) if each.day is None]
    found = []
    for chain in meters.chains(tx, newest).values():
        began = next((each for each in reversed(chain) if each.why == "start"), chain[0])
        if began.day is not None:
            found.append((began.day + ONE_DAY, chain))
            continue
        at = began.read.read_at
        seen = meters.seen_ended(tx, began.place.node, at)
        found.append((first_day(at, seen, zone), chain))
    return found


def judge(tx: Transaction, day: date, names: Mapping[Place, str], limits: Limits) -> None:
    """Raise alerts about some devices' day, or clear them, as it stands; never before it ended.

    Args:
        tx: a writing transaction.
        day: which; what of it did not end yet is left alone.
        names: of the devices.
        limits: from when on pages are worth an alert.
    """
    # days of many devices come together: what is asked of the books does not grow with them
    lists = meters.chains(tx, meters.ends_of(tx, day, names.keys())).values()
    raised = device_alerts.standing(tx, UNEXPLAINED, day.isoformat())
    for found in _compared(tx, day, lists, names.keys(), names.keys()):
        place = Place(found.node, found.device)
        if found.over(limits):
            left, said = abs(found.unexplained), sentence(found, names[place])
            device_alerts.raise_(tx, Alert(place, UNEXPLAINED, day.isoformat(), left, said))
        elif place in raised:
            device_alerts.clear(tx, place, UNEXPLAINED, day.isoformat())


def sentence(day: Day, name: str) -> str:
    """Say what is not explained, for people."""
    left, unit = abs(day.unexplained), "sheets" if day.unit == "sheets" else "pages"
    figures = (
        f"counted {day.metered}, printed {day.prints}, copied {day.copies}, "
        f"explained {day.others + day.explained}"
    )
    said = "counted by the machine and billed to nobody"
    if day.unexplained < 0:
        said = "billed beyond what the machine counted"
    return f"{name}: {left} {unit} ({day.percent:.1f} %) of {day.day} were {said} ({figures})"


def _compared(
    tx: Transaction,
    day: date,
    lists: Iterable[list[Reading]],
    whole: Collection[Place],
    places: Collection[Place] | None,
) -> list[Day]:
    """Compare the readings of a day, a list of them for each device; `places`: it is only these."""
    chains = sorted(lists, key=lambda each: (each[-1].place.node, each[-1].place.device))
    entered, terms = meter_terms.entered(tx, day, places), meter_terms.every_terms(tx, places)
    booked = _booked(tx, (each.read.n for chain in chains for each in chain))
    found = []
    for chain in chains:
        end = chain[-1]
        factor = terms[end.place].large_factor if end.place in terms else 1
        pairs = list(pairwise(chain))
        compared = [
            compare(one.read, two.read, factor, booked.get(two.read.n, 0)) for one, two in pairs
        ] or [compare(None, end.read)]
        found.append(
            day_of(
                end.place.node,
                end.place.device,
                day,
                compared,
                entered=sum(pages for pages, _, _ in entered.get(end.place, ())),
                since=chain[0].read.read_at if pairs else None,
                until=end.read.read_at,
                whole=end.place in whole,
            )
        )
    return found


def _booked(tx: Transaction, numbers: Iterable[int]) -> dict[int, int]:
    """Return the copies that have a payer by these readings, paid or waiting for money."""
    wanted = sorted(set(numbers))
    found: dict[int, int] = {}
    for first in range(0, len(wanted), 500):
        rows = tx.sql.execute(
            select(
                meter_booking.c.reading, meter_booking.c.monochrome + meter_booking.c.color
            ).where(
                meter_booking.c.reading.in_(wanted[first : first + 500]),
                meter_booking.c.state != "dropped",
            )
        )
        found |= {reading: int(count) for reading, count in rows}
    return found
