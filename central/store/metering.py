"""Dealing with readings of meters: copies are booked and days judged, a slice at a time."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from sqlalchemy.exc import DataError, DBAPIError, IntegrityError

from broker.messages import Note
from central.store import device_alerts, devices, meter_bookings, meter_terms, meters, recovery
from central.store.reconciled import judge
from config.logs import logger

if TYPE_CHECKING:
    from collections.abc import Sequence
    from datetime import date

    from central.reconciling import Limits
    from central.store.books import Transaction
    from central.store.meters import Place, Reading

_log = logger("central.metering")

#: Readings that one transaction deals with.
AT_ONCE: Final = 50


@dataclass(frozen=True, slots=True)
class Done:
    """What one slice came to."""

    notes: tuple[tuple[str, Note], ...] = ()
    """To be published, by node."""
    more: bool = False
    """There are more readings."""


def pending(tx: Transaction) -> bool:
    """Say whether `step` would find something to do; costs next to nothing."""
    return bool(meters.new(tx, 1)) or device_alerts.untold(tx)


def step(tx: Transaction, limits: Limits, *, again: bool = False) -> Done:
    """Deal with the next readings; what one of them breaks is undone and holds up no other.

    Args:
        tx: a writing transaction.
        limits: from when on pages are worth an alert.
        again: try what waits for money once more.
    """
    if recovery.closed(tx) is not None:
        return Done()  # nothing is booked until the books are whole
    found, failed = meters.new(tx, AT_ONCE), []
    if found and _tried(tx, found, limits) is not None:
        # one of them breaks: which one is found out by taking each alone
        for each in found:
            error = _tried(tx, [each], limits)
            if error is not None:
                failed.append((each.place.node, _set_aside(tx, each, error)))
    if again:
        waiting = meter_bookings.waiting(tx)
        for place, name in devices.names_of(tx, waiting).items():
            meter_bookings.pay_waiting(tx, place, name)
    return Done((*failed, *device_alerts.tell(tx)), len(found) == AT_ONCE)


def _tried(tx: Transaction, readings: Sequence[Reading], limits: Limits) -> Exception | None:
    """Deal with readings, or return what broke and leave no trace."""
    with tx.sql.begin_nested() as savepoint:
        try:
            _deal(tx, readings, limits)
        except Exception as error:
            if _is_of_the_books(tx, error):
                raise  # they fail themselves: nothing is done
            _log.exception("readings failed", action="readings-failed", readings=len(readings))
            savepoint.rollback()
            return error
    return None


def _deal(tx: Transaction, readings: Sequence[Reading], limits: Limits) -> None:
    """Book and judge readings; what is asked of the books hardly grows with their number."""
    places = {each.place for each in readings}
    names, terms = devices.names_of(tx, places), meter_terms.every_terms(tx, places)
    paid = [each for each in readings if each.place in terms and terms[each.place].account]
    before = meters.by_number(tx, (each.before for each in paid if each.before is not None))
    for each in paid:
        previous = None if each.before is None else before.get(each.before)
        meter_bookings.book(tx, previous, each, names[each.place])
    ended: dict[date, dict[Place, str]] = {}
    for each in readings:
        if each.day is not None:
            ended.setdefault(each.day, {})[each.place] = names[each.place]
    for day, called in ended.items():
        judge(tx, day, called, limits)
    meters.dealt_with(tx, readings, "done")


def _set_aside(tx: Transaction, reading: Reading, error: Exception) -> Note:
    """Leave a reading alone for ever; return what to say of it."""
    meters.dealt_with(tx, [reading], "failed")
    name = devices.names_of(tx, [reading.place])[reading.place]
    detail = f"{name}: reading {reading.read.n} was set aside, its copies are not booked: {error}"
    return Note(
        severity="warning",
        code="reading-failed",
        subject=reading.place.device,
        detail=detail[:1000],
    )


def _is_of_the_books(tx: Transaction, error: Exception) -> bool:
    """Say whether the database fails, rather than what a reading would have it keep."""
    driver = tx.sql.dialect.loaded_dbapi
    values = DataError, IntegrityError, driver.DataError, driver.IntegrityError
    return isinstance(error, DBAPIError | driver.Error) and not isinstance(error, values)
