"""Readings of meters in the books: taken in with the totals of that moment, read as stretches."""

from __future__ import annotations

import json
from dataclasses import asdict, dataclass
from datetime import date, timedelta
from typing import TYPE_CHECKING, Any, Final, Literal, NamedTuple

from sqlalchemy import Integer, bindparam, func, select, update

from broker.messages import Meter
from central.meter_moves import Read
from central.store import tallies
from central.store.bulk import insert_all
from central.store.tables import instant, job, meter_reading, tally
from central.tallies import Tally

if TYPE_CHECKING:
    from collections.abc import Collection, Iterable, Sequence
    from datetime import datetime

    from sqlalchemy import ColumnElement, Row, Table

    from broker.messages import MetersRead
    from central.store.books import Transaction

#: Jobs of a node that are looked through for those under way: the newest.
_NEWEST: Final = 500
_LINE: Final = 1000
#: A day that ended longer ago says nothing of which one is running: zones are not so far apart.
_LATELY: Final = timedelta(days=3)
#: So far ahead of UTC the first clocks of the world are: what ends later than that has not ended.
_AHEAD: Final = timedelta(hours=14)
_MISSED: Final = "a reading before it is not known here: it was put aside"


@dataclass(frozen=True, slots=True)
class Place:
    """Which device."""

    node: str
    """Its edge."""
    device: str
    """Device id."""

    def __str__(self) -> str:
        """Write it as commands take it."""
        return f"{self.node}/{self.device}"


@dataclass(frozen=True, slots=True)
class Reading:
    """A reading and where it belongs."""

    place: Place
    """Of which device."""
    read: Read
    """What it says."""
    before: int | None
    """The number of the reading before; None: the first."""
    why: str
    """start, day, reset, replaced or asked."""
    day: date | None
    """Which one ended, if one did."""


def record(tx: Transaction, node: str, told: MetersRead, *, late: bool = False) -> None:
    """Keep a reading, with what was billed at its device by this place of the stream.

    Args:
        tx: a writing transaction.
        node: the edge.
        told: what it says.
        late: what was billed at its moment is not known any more: it was put aside, or is of
            another branch.
    """
    before = None if late else _last(tx, node, told.device)
    # the edge's word on what went on is about its own last reading, which may lie in quarantine
    missed = before is not None and told.since is not None and told.since != before.read_at
    pages = _under_way_pages(tx, node, told.device) if told.under_way and not late else 0
    # opened in any case, so that the device is known, though nothing may ever be billed there
    billed = tallies.open_(tx, node, told.device)
    values: dict[str, Any] = {
        "node": node,
        "device": told.device,
        "before": None if before is None else before.n,
        "serial": told.serial,
        "why": told.why,
        # whatever else it is read for: a reset may be found out as a day ends
        "day": None if told.day is None else told.day.isoformat(),
        "read_at": instant(told.read_at),
        "heard_at": instant(tx.now),
        "meters": json.dumps([each.model_dump() for each in told.meters]),
        "continues": told.continues and not missed,
        "detail": (_MISSED if missed else told.detail)[:_LINE],
        "under_way": told.under_way,
        "under_way_pages": pages,
        "tally": None if late else json.dumps(asdict(billed)),
        "state": "done" if late else "new",
    }
    insert_all(tx, meter_reading, [values])


class _Last(NamedTuple):
    """The newest reading of which it is known what had been billed."""

    n: int
    read_at: datetime


def _last(tx: Transaction, node: str, device: str) -> _Last | None:
    """Return what the next reading of a device is compared with."""
    query = (
        select(meter_reading.c.n, meter_reading.c.read_at)
        .where(
            meter_reading.c.node == node,
            meter_reading.c.device == device,
            meter_reading.c.tally.is_not(None),
        )
        .order_by(meter_reading.c.n.desc())
        .limit(1)
    )
    found = tx.sql.execute(query).one_or_none()
    return None if found is None else _Last(*found)


def _under_way_pages(tx: Transaction, node: str, device: str) -> int:
    """Return the pages of the newest jobs that are on a device and not settled."""
    newest = (
        select(job.c.state, job.c.printer, job.c.counts)
        .where(job.c.node == node)
        .order_by(job.c.n.desc())
        .limit(_NEWEST)
        .subquery()
    )
    rows = tx.sql.execute(
        select(newest.c.counts).where(newest.c.state == "processing", newest.c.printer == device)
    )
    pages = 0
    for (counts,) in rows:
        pages += max((each.get("impressions") or 0 for each in json.loads(counts)), default=0)
    return pages


# ── reading ─────────────────────────────────────────────────────────────────────────────────


def new(tx: Transaction, limit: int) -> list[Reading]:
    """Return readings that were not dealt with, oldest first."""
    return [_reading(row) for row in tx.sql.execute(_NEW, {"most": limit})]


# made once: it is asked at every look of the coordinator
_NEW: Final = (
    select(meter_reading)
    .where(meter_reading.c.state == "new")
    .order_by(meter_reading.c.n)
    .limit(bindparam("most", type_=Integer))
)


def dealt_with(
    tx: Transaction, readings: Iterable[Reading], state: Literal["done", "failed"]
) -> None:
    """Note that readings were judged and their copies booked, or that they were set aside."""
    numbers = [each.read.n for each in readings]
    tx.sql.execute(update(meter_reading).where(meter_reading.c.n.in_(numbers)).values(state=state))


def newest(tx: Transaction, place: Place) -> Reading | None:
    """Return the reading that the next one is compared with."""
    last = _last(tx, place.node, place.device)
    return None if last is None else by_number(tx, [last.n])[last.n]


def by_number(tx: Transaction, numbers: Iterable[int]) -> dict[int, Reading]:
    """Return readings by their numbers."""
    wanted = sorted(set(numbers))
    found: dict[int, Reading] = {}
    for first in range(0, len(wanted), 500):
        some = wanted[first : first + 500]
        rows = tx.sql.execute(select(meter_reading).where(meter_reading.c.n.in_(some)))
        found |= {row.n: _reading(row) for row in rows}
    return found


def newest_day(tx: Transaction, place: Place | None = None) -> date | None:
    """Return the newest day that ended with a reading, of a device or of any."""
    query = select(func.max(meter_reading.c.day)).where(
        # what an edge told whose clock was years ahead would be the newest for years
        meter_reading.c.day <= (tx.now + _AHEAD).date().isoformat(),
        meter_reading.c.tally.is_not(None),
    )
    if place is not None:
        query = query.where(
            meter_reading.c.node == place.node, meter_reading.c.device == place.device
        )
    found = tx.sql.execute(query).scalar()
    return None if found is None else date.fromisoformat(found)


def ends_of(tx: Transaction, day: date, places: Collection[Place] | None = None) -> list[Reading]:
    """Return the last reading of a day, of each device that was read for it, or of some."""
    query = select(func.max(meter_reading.c.n)).where(
        meter_reading.c.day == day.isoformat(),
        meter_reading.c.tally.is_not(None),
        *roughly(meter_reading, places),
    )
    numbers = tx.sql.execute(query.group_by(meter_reading.c.node, meter_reading.c.device)).scalars()
    found = by_number(tx, numbers).values()
    return [each for each in found if places is None or each.place in places]


def newest_of(tx: Transaction, place: Place | None = None) -> list[Reading]:
    """Return the newest reading of each device, whatever it was read for, or of one of them."""
    last = (
        select(meter_reading.c.n)
        .where(
            meter_reading.c.node == tally.c.node,
            meter_reading.c.device == tally.c.device,
            meter_reading.c.tally.is_not(None),
        )
        .order_by(meter_reading.c.n.desc())
        .limit(1)
        .scalar_subquery()
    )
    # every device that was read has its totals
    query = select(last)
    if place is not None:
        query = query.where(tally.c.node == place.node, tally.c.device == place.device)
    numbers = [n for n in tx.sql.execute(query.select_from(tally)).scalars() if n is not None]
    found = by_number(tx, numbers).values()
    return sorted(found, key=lambda each: (each.place.node, each.place.device))


def seen_ended(tx: Transaction, node: str, by: datetime) -> date | None:
    """Return the newest day whose end was read at a node by a moment, of the few days before it."""
    since = (by - _LATELY).date()
    query = (
        select(meter_reading.c.day)
        .where(
            meter_reading.c.day >= since.isoformat(),
            meter_reading.c.node == node,
            meter_reading.c.read_at <= by,
        )
        .order_by(meter_reading.c.day.desc())
        .limit(1)
    )
    found = tx.sql.execute(query).scalar()
    return None if found is None else date.fromisoformat(found)


def chains(tx: Transaction, ends: Sequence[Reading]) -> dict[int, list[Reading]]:
    """Return, for each reading that ends a day, those since the day before ended: oldest first.

    The first of each list is what the others are compared with; a list of one has nothing.
    """
    lists = {end.read.n: [end] for end in ends}
    going = {end.read.n: end for end in ends if end.before is not None}
    while going:
        before = by_number(tx, (each.before for each in going.values() if each.before is not None))
        following: dict[int, Reading] = {}
        for end, at in going.items():
            if at.before is None or (found := before.get(at.before)) is None:
                continue
            lists[end].insert(0, found)
            same = found.day is not None and found.day == lists[end][-1].day
            if found.before is not None and (found.day is None or same):
                following[end] = found
        going = following
    return lists


def ever_read(tx: Transaction, place: Place) -> bool:
    """Say whether the meters of a device were ever read."""
    query = select(meter_reading.c.n).where(
        meter_reading.c.node == place.node, meter_reading.c.device == place.device
    )
    return tx.sql.execute(query.limit(1)).first() is not None


def last_ends(tx: Transaction, since: date) -> dict[Place, Reading]:
    """Return the newest reading of each device that ended a day, of the days since one."""
    numbers = tx.sql.execute(
        select(func.max(meter_reading.c.n))
        .where(meter_reading.c.day >= since.isoformat(), meter_reading.c.tally.is_not(None))
        .group_by(meter_reading.c.node, meter_reading.c.device)
    ).scalars()
    return {each.place: each for each in by_number(tx, numbers).values()}


def roughly(table: Table, places: Collection[Place] | None) -> list[ColumnElement[bool]]:
    """Return conditions for rows of some devices: a few others of their ids may be among them."""
    if places is None:
        return []
    nodes, ids = {each.node for each in places}, {each.device for each in places}
    return [table.c.node.in_(nodes), table.c.device.in_(ids)]


def _reading(row: Row[Any]) -> Reading:
    return Reading(
        Place(row.node, row.device),
        Read(
            n=row.n,
            serial=row.serial,
            read_at=row.read_at,
            meters=tuple(Meter.model_validate(each) for each in json.loads(row.meters)),
            continues=row.continues,
            tally=None if row.tally is None else Tally(**json.loads(row.tally)),
            detail=row.detail,
            under_way=row.under_way,
            under_way_pages=row.under_way_pages,
        ),
        row.before,
        row.why,
        None if row.day is None else date.fromisoformat(row.day),
    )
