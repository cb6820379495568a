"""What the books have of charges, refunds and corrections, read in their order, for the totals.

Rolling up and checking read by this same code: what a total is made of is said once.
"""

from __future__ import annotations

import json
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final
from zoneinfo import ZoneInfo

from sqlalchemy import BigInteger, Text, and_, bindparam, case, cast, select, type_coerce

from central.figures import folding
from central.figures.folding import Counts, Whose
from central.figures.periods import Days
from central.store.belonging import Past
from central.store.tables import (
    charge,
    entry,
    free_charge,
    location,
    meter_booking,
    meter_reading,
    posting,
)

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from sqlalchemy import Row, Select

    from central.figures.folding import Cells, Part
    from central.store.books import Transaction

_CORRECTION: Final = "correction"
_REFUND: Final = "refund"
_HOUSE: Final = ("house:", "income:", "loss:", "suspense:", "uncovered:")


@dataclass(frozen=True, slots=True)
class Place:
    """How far the books were read."""

    entry: int
    """The last entry of the ledger."""
    free: int
    """The last of what was booked without one."""


NOWHERE: Final = Place(0, 0)


class RawFacts:
    """Reads the books forward and adds what is new to cells, all of the same zone's days."""

    def __init__(self, tx: Transaction, zone: str) -> None:
        self._tx = tx
        self._days = Days(ZoneInfo(zone))
        self._currency = tx.identity.currency

    def read(self, cells: Cells, after: Place, upto: Place, most: int) -> Place:
        """Add what stands behind a place, at most so many entries; return how far that was.

        Args:
            cells: added to.
            after: what is in them already.
            upto: go no further.
            most: entries, and as many that are free.
        """
        last = self._last(entry.c.n, after.entry, upto.entry, most)
        free = self._last(free_charge.c.n, after.free, upto.free, most)
        if last > after.entry:
            span = {"after": after.entry, "last": last}
            self._charged(cells, self._rows(_CHARGES, span), self._rows(_COPIES, span))
            self._refunded(cells, self._rows(_REFUNDS, span))
            self._corrected(cells, self._rows(_CORRECTIONS, span))
        if free > after.free:
            span = {"after": after.free, "last": free}
            self._charged(cells, self._rows(_FREE_CHARGES, span), self._rows(_FREE_COPIES, span))
        return Place(last, free)

    def _last(self, column: Any, after: int, upto: int, most: int) -> int:  # noqa: ANN401  a column
        if upto <= after:
            return after
        ahead = select(column).where(column > after).order_by(column).limit(1).offset(most - 1)
        found = self._tx.sql.execute(ahead).scalar()
        return upto if found is None else min(int(found), upto)

    def _rows(self, query: Select[Any], span: dict[str, int] | None = None) -> Sequence[Row[Any]]:
        return self._tx.sql.execute(query, span).all()

    def _charged(
        self, cells: Cells, charges: Iterable[Row[Any]], copies: Iterable[Row[Any]]
    ) -> None:
        charges = list(charges)
        past = Past(self._tx, sorted({row.user.lower() for row in charges}))
        for row in charges:
            # an edge's clock may be ahead; ours bounds it
            at = min(row.settled_at, row.at)
            counts = Counts.of(1, row.impressions, row.color_impressions, row.sheets)
            whose = self._whose(row, at, past, day=at)
            folding.charged(cells, whose, counts, _parts(row.paid), self._currency)
        for row in copies:
            account = str(row.account)
            at = min(row.read_at, row.at)
            user = folding.person_of(account)
            cohort = Past(self._tx, [user]).cohort(user, at) if user else folding.NO_COHORT
            whose = Whose(self._days.of(at), row.node, row.device, user, cohort, row.service)
            counts = Counts(0, row.monochrome + row.color, row.color, 0, 0)
            paid = [(account, row.unit, -row.micros)] if row.micros else []
            folding.charged(cells, whose, counts, paid, self._currency)

    def _refunded(self, cells: Cells, rows: Iterable[Row[Any]]) -> None:
        rows = list(rows)
        ids = sorted({row.reference for row in rows})
        found: dict[str, Row[Any]] = {}
        for first in range(0, len(ids), _AT_ONCE):
            some = ids[first : first + _AT_ONCE]
            found |= {row.charge: row for row in self._rows(_named(some))}
        past = Past(self._tx, sorted({row.user.lower() for row in found.values()}))
        for row in rows:
            what = found.get(row.reference)
            if what is None:  # a refund of nothing that is known; `verify` says so
                continue
            whose = self._whose(what, min(what.settled_at, what.at), past, day=row.at)
            folding.refunded(cells, whose, [(row.account, row.unit, row.micros)])

    def _corrected(self, cells: Cells, rows: Iterable[Row[Any]]) -> None:
        rows = [row for row in rows if not row.account.startswith(_HOUSE)]
        past = Past(self._tx, sorted({folding.person_of(row.account) for row in rows} - {""}))
        for row in rows:
            user = folding.person_of(row.account)
            whose = Whose(self._days.of(row.at), "", "", user, past.cohort(user, row.at), "")
            folding.corrected(cells, whose, row.account, row.unit, row.micros)

    def _whose(self, row: Row[Any], at: int, past: Past, *, day: int) -> Whose:
        user = row.user.lower()
        cohort = past.cohort(user, at)
        return Whose(self._days.of(day), row.node, row.printer, user, cohort, row.service)


#: Names looked up at once.
_AT_ONCE: Final = 500


def _parts(paid: str) -> list[Part]:
    return [(part["account"], part["unit"], part["micros"]) for part in json.loads(paid)]


def _stored(column: Any, name: str) -> Any:  # noqa: ANN401  a column
    """Return a moment as it is stored: comparing is all that is done with it."""
    return type_coerce(column, BigInteger).label(name)


_CHARGE: Final = (
    charge.c.charge,
    charge.c.node,
    charge.c.printer,
    charge.c.user,
    charge.c.service,
    charge.c.impressions,
    charge.c.color_impressions,
    charge.c.sheets,
    charge.c.paid,
    _stored(charge.c.settled_at, "settled_at"),
)
_BOOKING: Final = (
    meter_booking.c.node,
    meter_booking.c.device,
    meter_booking.c.account,
    meter_booking.c.service,
    meter_booking.c.monochrome,
    meter_booking.c.color,
    _stored(meter_reading.c.read_at, "read_at"),
)
#: What goes to whoever had paid; the other side is the house's.
_GIVEN: Final = posting.c.micros > 0


def _charges() -> Select[Any]:
    return (
        select(*_CHARGE, _stored(entry.c.at, "at"))
        .select_from(entry.join(charge, charge.c.charge == entry.c.id))
        .where(entry.c.kind == "charge")
    )


def _copies() -> Select[Any]:
    return (
        select(*_BOOKING, _stored(entry.c.at, "at"), location.c.unit, posting.c.micros)
        .select_from(
            entry.join(meter_booking, meter_booking.c.entry == entry.c.n)
            .join(meter_reading, meter_reading.c.n == meter_booking.c.reading)
            .join(posting, posting.c.entry == entry.c.n)
            .join(location, location.c.id == posting.c.location)
        )
        .where(entry.c.kind == "copies", location.c.account == meter_booking.c.account)
    )


def _free_charges() -> Select[Any]:
    return (
        select(*_CHARGE, _stored(free_charge.c.at, "at"))
        .select_from(free_charge.join(charge, charge.c.charge == free_charge.c.reference))
        .where(free_charge.c.kind == "charge")
    )


def _free_copies() -> Select[Any]:
    nothing = type_coerce(0, BigInteger)
    # not for the others: theirs is no number
    is_copies = free_charge.c.kind == "copies"
    reading = case((is_copies, cast(free_charge.c.reference, BigInteger)))
    return (
        select(
            *_BOOKING,
            _stored(free_charge.c.at, "at"),
            type_coerce("", Text).label("unit"),
            nothing.label("micros"),
        )
        .select_from(
            free_charge.join(meter_booking, meter_booking.c.reading == reading).join(
                meter_reading, meter_reading.c.n == meter_booking.c.reading
            )
        )
        .where(is_copies)
    )


def _named(ids: Sequence[str]) -> Select[Any]:
    return (
        select(*_CHARGE, _stored(entry.c.at, "at"))
        .select_from(charge.join(entry, entry.c.n == charge.c.entry))
        .where(charge.c.charge.in_(ids))
    )


def _moved(kind: str) -> Select[Any]:
    """Return the postings of entries of a kind."""
    return (
        select(
            entry.c.n,
            entry.c.reference,
            _stored(entry.c.at, "at"),
            location.c.account,
            location.c.unit,
            posting.c.micros,
        )
        .select_from(
            entry.join(posting, posting.c.entry == entry.c.n).join(
                location, location.c.id == posting.c.location
            )
        )
        .where(entry.c.kind == kind)
    )


# statements that do not change are made once: making one takes longer than running it
_WITHIN: Final = and_(entry.c.n > bindparam("after"), entry.c.n <= bindparam("last"))
_FREE: Final = and_(free_charge.c.n > bindparam("after"), free_charge.c.n <= bindparam("last"))
_CHARGES: Final = _charges().where(_WITHIN)
_COPIES: Final = _copies().where(_WITHIN)
_REFUNDS: Final = _moved(_REFUND).where(_WITHIN, _GIVEN)
_CORRECTIONS: Final = _moved(_CORRECTION).where(_WITHIN)
_FREE_CHARGES: Final = _free_charges().where(_FREE)
_FREE_COPIES: Final = _free_copies().where(_FREE)
