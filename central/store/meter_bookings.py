"""Copies that no terminal counted, booked to the account of their device by its own meters.

Each reading books once. The account pays from what of it is at the centre, as low as it may go
and no lower: what it cannot pay waits, with an alert, and is tried again.
"""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Any, Literal

from sqlalchemy import func, insert, select, update

from central.reconciling import Copied, copied
from central.store import accounts, device_alerts, directory, facts, ledger, meter_terms
from central.store.device_alerts import NOT_BOOKED, Alert
from central.store.ledger import CENTRE, Entry, Line, Posted
from central.store.meters import Place
from central.store.tables import meter_booking, meter_reading
from config.policy.jobs import Figures, Sides, Source
from config.policy.money import MICROS_BOUND, PAGE, UNIT_MICROS
from config.policy.pricing import NoPrice, price
from config.policy.tariffs import Tariff, in_force

if TYPE_CHECKING:
    from datetime import datetime

    from sqlalchemy import Row

    from central.store.accounts import AccountRecord
    from central.store.books import Transaction
    from central.store.meter_terms import Terms
    from central.store.meters import Reading

#: The kind of these entries.
KIND = "copies"
Service = Literal["print", "copy"]


def book(tx: Transaction, before: Reading | None, reading: Reading, name: str) -> None:
    """Book the copies of a stretch, if its device has somebody who pays for them."""
    place = reading.place
    terms = meter_terms.terms_of(tx, place)
    if terms.account is None:
        return
    found = copied(None if before is None else before.read, reading.read, terms.carried)
    if not isinstance(found, Copied):
        return  # what cannot be compared is never charged
    if found.carried != terms.carried:
        meter_terms.set_terms(tx, place, replace(terms, carried=found.carried))
    if not found.monochrome + found.color:
        return
    _enter(tx, reading, terms, found)
    pay_waiting(tx, place, name)


def _enter(tx: Transaction, reading: Reading, terms: Terms, found: Copied) -> None:
    values = {
        "reading": reading.read.n,
        "node": reading.place.node,
        "device": reading.place.device,
        "account": terms.account,
        "service": terms.service,
        "media": terms.media,
        "monochrome": found.monochrome,
        "color": found.color,
        "state": "waiting",
        "reason": "",
        "at": tx.now,
    }
    tx.sql.execute(insert(meter_booking).values(**values))


def waiting(tx: Transaction) -> list[Place]:
    """Return the devices whose copies wait to be paid."""
    rows = tx.sql.execute(
        select(meter_booking.c.node, meter_booking.c.device)
        .where(meter_booking.c.state == "waiting")
        .distinct()
    )
    return [Place(node, device) for node, device in rows]


def pay_waiting(tx: Transaction, place: Place, name: str) -> None:
    """Pay what waits of a device, oldest first; raise an alert while something still does."""
    rows = tx.sql.execute(
        select(meter_booking, meter_reading.c.read_at)
        .join(meter_reading, meter_reading.c.n == meter_booking.c.reading)
        .where(
            meter_booking.c.node == place.node,
            meter_booking.c.device == place.device,
            meter_booking.c.state == "waiting",
        )
        .order_by(meter_booking.c.reading)
    ).all()
    left, why = 0, ""
    for row in rows:
        reason = _pay(tx, row)
        if reason is not None:
            left += row.monochrome + row.color
            why = reason
    if not left:
        device_alerts.clear(tx, place, NOT_BOOKED)
        return
    detail = f"{name}: {left} copies are not paid: {why}"
    device_alerts.raise_(tx, Alert(place, NOT_BOOKED, "", left, detail))


def hand_over(tx: Transaction, place: Place, terms: Terms) -> int:
    """Let whoever pays from now on pay what waits, too; nobody: it is dropped, and said so.

    Returns how many copies that are.
    """
    mine = (
        meter_booking.c.node == place.node,
        meter_booking.c.device == place.device,
        meter_booking.c.state == "waiting",
    )
    count = func.coalesce(func.sum(meter_booking.c.monochrome + meter_booking.c.color), 0)
    copies = int(tx.sql.execute(select(count).where(*mine)).scalar_one())
    if not copies:
        return 0
    changes: dict[str, Any] = {"state": "dropped", "reason": "nobody pays any more"}
    if terms.account is not None:
        changes = {"account": terms.account, "service": terms.service, "media": terms.media}
    tx.sql.execute(update(meter_booking).where(*mine).values(**changes))
    if terms.account is None:
        device_alerts.clear(tx, place, NOT_BOOKED)
    return copies


def _pay(tx: Transaction, row: Row[Any]) -> str | None:
    """Pay the copies of one reading; return why they wait, None when they are booked."""
    done = _post(tx, row)
    number = None if isinstance(done, str) else done
    changes: dict[str, Any] = (
        {"reason": done}
        if isinstance(done, str)
        else {"state": "booked", "entry": number or None, "reason": ""}
    )
    if number == 0:
        facts.free(tx, "copies", [str(row.reading)])
    which = meter_booking.c.reading == row.reading
    tx.sql.execute(update(meter_booking).where(which).values(**changes, at=tx.now))
    return done if isinstance(done, str) else None


def _post(tx: Transaction, row: Row[Any]) -> int | str:
    """Return the number of the entry, 0 when nothing was to pay, or why it cannot be."""
    payer = accounts.find(tx, row.account)
    if payer is None:
        return f"there is no account {row.account}"
    if not payer.enabled:
        return f"the account {payer.key} is {payer.state}"
    micros = _due(tx, payer, row, row.read_at)
    if isinstance(micros, str):
        return micros
    if not micros:
        return 0
    counts = f"{row.monochrome} in black, {row.color} in colour"
    posted = ledger.post(
        tx,
        Entry(
            tx.mint(),
            KIND,
            reference=f"{row.node}/{row.device}",
            note=f"copies by the machine's meters: {counts} (reading {row.reading})",
            author=tx.identity.node,
        ),
        [
            Line(payer.key, CENTRE, payer.unit, -micros),
            Line(f"income:{row.service}", CENTRE, payer.unit, micros),
        ],
    )
    if isinstance(posted, Posted):
        return posted.n
    return f"the account {payer.key} has too little at the centre, and may not go lower"


def _due(tx: Transaction, payer: AccountRecord, row: Row[Any], at: datetime) -> int | str:
    """Return what copies cost in micros of their payer's unit, or why that is not known."""
    if payer.unit == PAGE:
        counts = payer.rules.counts
        pages = (0 if counts == "color" else row.monochrome) + (
            0 if counts == "monochrome" else row.color
        )
        return int(pages * UNIT_MICROS) if pages * UNIT_MICROS <= MICROS_BOUND else "too many pages"
    tariffs = [Tariff.model_validate(each) for _, each in directory.live(tx, "tariff")]
    tariff = in_force(tariffs, at)
    if tariff is None:
        return "no tariff was in force then"
    total = row.monochrome + row.color
    figures = Figures(
        impressions=total,
        color_impressions=row.color,
        monochrome_impressions=row.monochrome,
        # a meter of copies says nothing of sheets: each is taken to be one
        sheets=total,
        media=row.media,
        sides=Sides.ONE_SIDED,
        source=Source.DEVICE_METER,
    )
    priced = price(tariff, row.service, figures, row.device)
    if isinstance(priced, NoPrice):
        return priced.detail
    if priced.total.unit != payer.unit:
        return f"the account {payer.key} is in {payer.unit}, the tariff in {priced.total.unit}"
    return priced.total.micros
