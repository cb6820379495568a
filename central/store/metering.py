"""Dealing with readings of meters: copies are booked, days judged, a reading at a time."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from sqlalchemy.exc import DBAPIError

from central.store import device_alerts, devices, meter_bookings, meters, recovery
from central.store.reconciled import judge
from config.logs import logger

if TYPE_CHECKING:
    from broker.messages import Note
    from central.reconciling import Limits
    from central.store.books import Transaction
    from central.store.meters import Reading

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
    found = meters.new(tx, AT_ONCE)
    before = meters.by_number(tx, (each.before for each in found if each.before is not None))
    drivers = tx.sql.dialect.loaded_dbapi.Error
    names = {p: c.name for p, c in devices.names(tx).items()} if found or again else {}
    for each in found:
        previous = None if each.before is None else before.get(each.before)
        name = names.get(each.place, each.place.device)
        with tx.sql.begin_nested() as savepoint:
            try:
                _deal(tx, previous, each, name, limits)
            except (DBAPIError, drivers):
                raise  # the books themselves fail: nothing is done
            except Exception:  # noqa: BLE001  once per reading: one bad one blocks nobody
                _log.exception("a reading failed", action="reading-failed", reading=each.read.n)
                savepoint.rollback()
                failed = True
            else:
                failed = False
        meters.dealt_with(tx, each.read.n, "failed" if failed else "done")
    if again:
        for place in meter_bookings.waiting(tx):
            meter_bookings.pay_waiting(tx, place, names.get(place, place.device))
    return Done(tuple(device_alerts.tell(tx)), len(found) == AT_ONCE)


def _deal(
    tx: Transaction, before: Reading | None, reading: Reading, name: str, limits: Limits
) -> None:
    meter_bookings.book(tx, before, reading, name)
    if reading.why == "day" and reading.day is not None:
        judge(tx, reading.day, reading.place, name, limits)
