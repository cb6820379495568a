"""Checking charges and debts: each against the event that told of it, many at once."""

from __future__ import annotations

from collections import defaultdict
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from sqlalchemy import func, select

from central.charging import content_of
from central.store.bulk import fetch
from central.store.owed import house_of
from central.store.tables import charge, entry, location, meter_booking, owed

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from sqlalchemy import BindParameter, Select

    from broker.messages import Charged
    from central.store.books import Transaction


@dataclass(frozen=True, slots=True)
class Finding:
    """One thing that is not as it must be."""

    check: str
    """Which rule: balance, zero-sum, edge-negative, chain, watermark, charge, grant, code …"""
    where: str
    """What it is about."""
    detail: str
    """What is there and what should be."""


def charges_have_entries(tx: Transaction) -> Iterator[Finding]:
    """Check that each charge has its entry, and each such entry its charge."""
    odd = tx.sql.execute(
        select(charge.c.charge)
        .outerjoin(entry, entry.c.n == charge.c.entry)
        .where(
            charge.c.entry.is_not(None),
            (entry.c.n.is_(None)) | (entry.c.id != charge.c.charge) | (entry.c.kind != "charge"),
        )
    )
    for (id_,) in odd:
        yield Finding("charge", id_, "its entry is missing or another's")
    alone = tx.sql.execute(
        select(entry.c.id)
        # by its id, which is indexed: by the entry alone each would be looked for among all
        .outerjoin(charge, (charge.c.charge == entry.c.id) & (charge.c.entry == entry.c.n))
        .where(entry.c.kind == "charge", charge.c.charge.is_(None))
    )
    for (id_,) in alone:
        yield Finding("charge", id_, "an entry without its charge")


def debts(tx: Transaction) -> Iterator[Finding]:
    """Check that what is owed is what the house has paid for each site, and not got back."""
    open_ = func.sum(owed.c.micros - owed.c.collected)
    rows = tx.sql.execute(
        select(owed.c.node, owed.c.unit, open_).group_by(owed.c.node, owed.c.unit)
    )
    owing = {(house_of(node), unit): int(micros) for node, unit, micros in rows}
    paid = {
        (row.account, row.unit): -row.micros
        for row in tx.sql.execute(
            select(location.c.account, location.c.unit, location.c.micros).where(
                location.c.account >= house_of(""), location.c.account < "uncovered;"
            )
        )
    }
    for account, unit in sorted(owing.keys() | paid.keys()):
        debts, house = owing.get((account, unit), 0), paid.get((account, unit), 0)
        if debts != house:
            yield Finding(
                "owed", account, f"debts of {debts} micros of {unit}, it has paid for {house}"
            )


def copies_have_readings(tx: Transaction) -> Iterator[Finding]:
    """Check that copies by the meter are entered once for their reading, and for no other."""
    booked = dict(
        tx.sql.execute(
            select(meter_booking.c.reading, meter_booking.c.entry).where(
                meter_booking.c.entry.is_not(None)
            )
        ).all()
    )
    entries = set(tx.sql.execute(select(entry.c.n).where(entry.c.kind == "copies")).scalars())
    for reading, n in booked.items():
        if n not in entries:
            yield Finding("copies", f"reading {reading}", f"its entry {n} is missing or another's")
    for n in sorted(entries - set(booked.values())):
        yield Finding("copies", f"entry {n}", "copies of no reading")
    if len(set(booked.values())) != len(booked):
        yield Finding("copies", "readings", "two of them name one entry")


def paid(tx: Transaction, where: str, paid: Sequence[Charged]) -> Iterator[Finding]:
    """Check that charges are in the books as they were told, and what they say is owed.

    Args:
        tx: a reading transaction.
        where: who told of them, for people.
        paid: as they were told.
    """
    ids = [str(charged.charge) for charged in paid]
    kept = dict(fetch(tx, _contents, ids))
    debts: defaultdict[str, dict[tuple[str, str], int]] = defaultdict(dict)
    for id_, account, unit, micros in fetch(tx, _debts_of, ids):
        debts[id_][account, unit] = micros
    for id_, charged in zip(ids, paid, strict=True):
        content = kept.get(id_)
        if content != content_of(charged):
            why = "is not in the books" if content is None else "has other content in the books"
            yield Finding("charge", id_, f"{where}: {why}")
        said: dict[tuple[str, str], int] = {}
        for line in charged.postings:
            if line.covered_by == "uncovered" and line.micros:
                key = line.account, line.unit
                said[key] = said.get(key, 0) + line.micros
        owing = debts.get(id_, {})
        if owing != said:
            detail = f"it says {said} is past the allocation, {owing} is owed"
            yield Finding("owed", id_, detail)


def _contents(keys: Sequence[BindParameter[str]]) -> Select[Any]:
    return select(charge.c.charge, charge.c.content).where(charge.c.charge.in_(keys))


def _debts_of(keys: Sequence[BindParameter[str]]) -> Select[Any]:
    return select(owed.c.charge, owed.c.account, owed.c.unit, owed.c.micros).where(
        owed.c.charge.in_(keys)
    )
