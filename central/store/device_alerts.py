"""What the books themselves raise about devices: raised, published and cleared once."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final

from sqlalchemy import delete, insert, select, update

from broker.messages import Note
from central.store.meters import Place
from central.store.tables import device_alert

if TYPE_CHECKING:
    from central.store.books import Transaction

UNEXPLAINED: Final = "unexplained-pages"
NOT_BOOKED: Final = "copies-not-booked"
_LINE: Final = 1000


@dataclass(frozen=True, slots=True)
class Alert:
    """One thing that somebody should see to."""

    place: Place
    """Which device."""
    code: str
    """UNEXPLAINED or NOT_BOOKED."""
    day: str
    """The day it is about, ISO 8601; empty: none."""
    pages: int
    """How many it is about."""
    detail: str
    """For people."""


def raise_(tx: Transaction, alert: Alert) -> None:
    """Raise an alert; one that is raised in the same words already stays as it is."""
    which = _which(alert.place, alert.code, alert.day)
    before = tx.sql.execute(select(device_alert).where(*which)).one_or_none()
    detail = alert.detail[:_LINE]
    if before is not None and before.state == "raised" and before.detail == detail:
        return
    values = {
        "pages": alert.pages,
        "detail": detail,
        "state": "raised",
        "told": False,
        "at": tx.now,
    }
    if before is not None:
        tx.sql.execute(update(device_alert).where(*which).values(**values))
        return
    place = alert.place
    tx.sql.execute(
        insert(device_alert).values(
            node=place.node, device=place.device, code=alert.code, day=alert.day, **values
        )
    )


def clear(tx: Transaction, place: Place, code: str, day: str = "") -> None:
    """Clear an alert that is raised; one that is not stays as it is."""
    tx.sql.execute(
        update(device_alert)
        .where(*_which(place, code, day), device_alert.c.state == "raised")
        .values(state="cleared", told=False, at=tx.now)
    )


def raised(tx: Transaction) -> list[Alert]:
    """Return what is raised at present, by device, the newest day last."""
    rows = tx.sql.execute(
        select(device_alert)
        .where(device_alert.c.state == "raised")
        .order_by(device_alert.c.node, device_alert.c.device, device_alert.c.day)
    )
    return [
        Alert(Place(row.node, row.device), row.code, row.day, row.pages, row.detail) for row in rows
    ]


def standing(tx: Transaction, code: str, day: str) -> set[Place]:
    """Return the devices at which an alert about a day is raised."""
    rows = tx.sql.execute(
        select(device_alert.c.node, device_alert.c.device).where(
            device_alert.c.code == code,
            device_alert.c.day == day,
            device_alert.c.state == "raised",
        )
    )
    return {Place(node, device) for node, device in rows}


def untold(tx: Transaction) -> bool:
    """Say whether there is something to publish."""
    return tx.sql.execute(_UNTOLD).first() is not None


# made once: it is asked at every look of the coordinator
_UNTOLD: Final = select(device_alert.c.node).where(device_alert.c.told.is_(False)).limit(1)


def tell(tx: Transaction) -> list[tuple[str, Note]]:
    """Return what is to be published, by node, and note that it is.

    A device has one alert of a code, however many days it is about: it is cleared with the last.
    """
    rows = tx.sql.execute(
        select(
            device_alert.c.node, device_alert.c.device, device_alert.c.code, device_alert.c.detail
        )
        .where(device_alert.c.told.is_(False))
        .order_by(device_alert.c.at)
    ).all()
    if not rows:
        return []
    open_ = {(alert.place, alert.code): alert for alert in raised(tx)}
    notes: dict[tuple[Place, str], tuple[str, Note]] = {}
    for row in rows:
        key = Place(row.node, row.device), row.code
        still = open_.get(key)
        notes[key] = (
            row.node,
            Note(
                severity="warning" if still is not None else "info",
                code=row.code,
                subject=row.device,
                detail=still.detail if still is not None else row.detail,
                cleared=still is None,
            ),
        )
    # what is over and told is of no use here any more; explanations and entries tell of it
    over = device_alert.c.told.is_(False), device_alert.c.state == "cleared"
    tx.sql.execute(delete(device_alert).where(*over))
    tx.sql.execute(update(device_alert).where(device_alert.c.told.is_(False)).values(told=True))
    return list(notes.values())


def _which(place: Place, code: str, day: str) -> tuple[Any, ...]:
    return (
        device_alert.c.node == place.node,
        device_alert.c.device == place.device,
        device_alert.c.code == code,
        device_alert.c.day == day,
    )
