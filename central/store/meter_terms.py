"""What people say of devices: on what terms they stand, and whose pages were nobody's."""

from __future__ import annotations

from dataclasses import asdict, dataclass
from typing import TYPE_CHECKING, Literal

from sqlalchemy import insert, select, update

from central.store.meters import Place, roughly
from central.store.tables import device_terms, explanation

if TYPE_CHECKING:
    from collections.abc import Collection
    from datetime import date

    from central.store.books import Transaction


@dataclass(frozen=True, slots=True)
class Terms:
    """What the books know of a device that its edge does not."""

    account: str | None = None
    """Who pays for copies that no terminal counted."""
    service: Literal["print", "copy"] = "copy"
    """By which prices."""
    media: str = "iso_a4"
    """On what paper, as the tariff calls it."""
    large_factor: int = 1
    """As how many the machine counts one side of large paper."""
    carried: int = 0
    """Copies billed beyond what the meters moved, at most 0; the next ones are theirs."""


def explain(
    tx: Transaction, place: Place, day: date, pages: int, *, reason: str, author: str
) -> None:
    """Note pages of a device and day that were nobody's."""
    values = {
        "node": place.node,
        "device": place.device,
        "day": day.isoformat(),
        "pages": pages,
        "reason": reason,
        "author": author,
        "at": tx.now,
    }
    tx.sql.execute(insert(explanation).values(**values))


def entered(
    tx: Transaction, day: date, places: Collection[Place] | None = None
) -> dict[Place, list[tuple[int, str, str]]]:
    """Return what was explained of a day, by device: (pages, reason, author).

    Where only some devices are asked for, there may be more of them.
    """
    query = select(explanation).where(
        explanation.c.day == day.isoformat(), *roughly(explanation, places)
    )
    found: dict[Place, list[tuple[int, str, str]]] = {}
    for row in tx.sql.execute(query.order_by(explanation.c.n)):
        told = row.pages, row.reason, row.author
        found.setdefault(Place(row.node, row.device), []).append(told)
    return found


def terms_of(tx: Transaction, place: Place) -> Terms:
    """Return what the books know of a device."""
    return every_terms(tx, (place,)).get(place, Terms())


def every_terms(tx: Transaction, places: Collection[Place] | None = None) -> dict[Place, Terms]:
    """Return the same of every device that has any; of some: of those, and perhaps of more."""
    rows = tx.sql.execute(select(device_terms).where(*roughly(device_terms, places)))
    return {
        Place(row.node, row.device): Terms(
            row.account, row.service, row.media, row.large_factor, row.carried
        )
        for row in rows
    }


def set_terms(tx: Transaction, place: Place, terms: Terms) -> None:
    """Change what the books know of a device."""
    which = device_terms.c.node == place.node, device_terms.c.device == place.device
    values = asdict(terms)
    if not tx.sql.execute(update(device_terms).where(*which).values(**values)).rowcount:
        tx.sql.execute(insert(device_terms).values(**asdict(place), **values))
