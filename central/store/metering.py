"""Dealing with readings of meters: copies are booked, days judged, a reading at a time."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from sqlalchemy.exc import DBAPIError

from broker.messages import Note
from central.store import device_alerts, devices, meter_bookings, meters, recovery
from central.store.reconciled import judge
from config.logs import logger

if TYPE_CHECKING:
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
    names = {p: c.name for p, c in devices.names(tx).items()} if found or again else {}
    failed = []
    for each in found:
        previous = None if each.before is None else before.get(each.before)
        note = _dealt(tx, previous, each, names.get(each.place, each.place.device), limits)
        meters.dealt_with(tx, each.read.n, "done" if note is None else "failed")
        if note is not None:
            failed.append((each.place.node, note))
    if again:
        for place in meter_bookings.waiting(tx):
            meter_bookings.pay_waiting(tx, place, names.get(place, place.device))
    return Done((*failed, *device_alerts.tell(tx)), len(found) == AT_ONCE)


def _dealt(
    tx: Transaction, before: Reading | None, reading: Reading, name: str, limits: Limits
) -> Note | None:
    """Book and judge a reading; return what to say of it when it cannot be."""
    with tx.sql.begin_nested() as savepoint:
        try:
            meter_bookings.book(tx, before, reading, name)
            if reading.day is not None:
                judge(tx, reading.day, reading.place, name, limits)
        except (DBAPIError, tx.sql.dialect.loaded_dbapi.Error):
            raise  # the books themselves fail: nothing is done
        except Exception as error:  # noqa: BLE001  once per reading: one bad one blocks nobody
            _log.exception("a reading failed", action="reading-failed", reading=reading.read.n)
            savepoint.rollback()
            detail = f"{name}: reading {reading.read.n} was set aside, its copies are not booked"
            return Note(
                severity="warning",
                code="reading-failed",
                subject=reading.place.device,
                detail=f"{detail}: {error}"[:1000],
            )
    return None
