"""The fleet's devices as people and the read interface list them: state, troubles, pages today."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import timedelta
from typing import TYPE_CHECKING, Final

from central.meter_moves import pages_since
from central.store import device_alerts, devices, meter_terms, meters

if TYPE_CHECKING:
    from datetime import datetime

    from broker.messages import DeviceState
    from central.store.books import Transaction
    from central.store.device_alerts import Alert
    from central.store.devices import Called
    from central.store.meters import Place

#: The last day ended at most so long ago, or what was counted since is not today's.
_TODAY: Final = timedelta(hours=36)


@dataclass(frozen=True, slots=True)
class Listed:
    """One device."""

    place: Place
    """Which."""
    called: Called
    """What people call it and its site."""
    state: DeviceState | None
    """As its edge told last; None: it told nothing of it yet."""
    alerts: tuple[Alert, ...]
    """What the books raise themselves."""
    pages_today: int | None
    """What its meters moved since the last day ended; None when that is not known."""
    heard_at: datetime | None
    """When the books last wrote its state down."""
    account: str | None
    """Who pays for copies that no terminal counts."""


def every(tx: Transaction) -> list[Listed]:
    """Return all devices that edges told of or that were entered, by site and name."""
    kept = {each.place: each for each in devices.every(tx)}
    called = devices.names(tx)
    ends, terms = meters.last_ends(tx, (tx.now - 2 * _TODAY).date()), meter_terms.every_terms(tx)
    raised: dict[Place, list[Alert]] = {}
    for alert in device_alerts.raised(tx):
        raised.setdefault(alert.place, []).append(alert)
    found = []
    for place, names in called.items():
        told = kept.get(place)
        state, end = (None if told is None else told.state), ends.get(place)
        today = None
        if state is not None and end is not None and tx.now - end.read.read_at <= _TODAY:
            serial = state.identity.serial if state.identity is not None else None
            today = pages_since(end.read, serial, state.meters)
        found.append(
            Listed(
                place,
                names,
                state,
                tuple(raised.get(place, ())),
                today,
                None if told is None else told.at,
                terms[place].account if place in terms else None,
            )
        )
    return sorted(found, key=lambda each: (each.called.site, each.called.name, str(each.place)))
