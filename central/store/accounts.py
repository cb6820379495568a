"""People's accounts and the money put on them; where it goes from there is `funds`."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, TypeAlias

from sqlalchemy import insert, select, update

from broker.directory import AccountRow
from central.store import directory, ledger
from central.store.ledger import CENTRE, HOUSE_TOPUP, Entry, Line, Posted, Refused
from central.store.tables import account, location

if TYPE_CHECKING:
    from central.store.books import Transaction
    from config.policy.money import Money, Unit


@dataclass(frozen=True, slots=True)
class AccountRecord:
    """An account and its rules."""

    key: str
    """`kind:name`."""
    unit: Unit
    """Currency code or `page`."""
    floor: int
    """How low the centre may let it go; 0, or negative for an overdraft."""
    enabled: bool
    """False: closed."""


@dataclass(frozen=True, slots=True)
class Balance:
    """Where some of an account's money sits."""

    account: str
    """`kind:name`; the house's own too."""
    unit: Unit
    """Currency code or `page`."""
    place: str
    """CENTRE, or a node."""
    micros: int
    """Millionths."""


Outcome: TypeAlias = Posted | Refused


def put(tx: Transaction, key: str, unit: Unit, *, floor: int, enabled: bool) -> Refused | None:
    """Open an account or change its rules; its unit stays what it is."""
    if key.partition(":")[0] in ledger.HOUSE_KINDS:
        return Refused(f"{key}: accounts of that kind are the organisation's own")
    before = find(tx, key)
    if before is None:
        tx.sql.execute(insert(account).values(key=key, unit=unit, floor=floor, enabled=enabled))
    elif before.unit != unit:
        return Refused(f"{key} is in {before.unit}; open another account for {unit}")
    else:
        tx.sql.execute(
            update(account).where(account.c.key == key).values(floor=floor, enabled=enabled)
        )
        tx.sql.execute(
            update(location)
            .where(location.c.account == key, location.c.place == CENTRE)
            .values(floor=floor)
        )
    directory.put(tx, "account", key, AccountRow(account=key, unit=unit, enabled=enabled))
    return None


def find(tx: Transaction, key: str) -> AccountRecord | None:
    """Return an account, or None."""
    row = tx.sql.execute(select(account).where(account.c.key == key)).one_or_none()
    return None if row is None else AccountRecord(row.key, row.unit, row.floor, row.enabled)


def every(tx: Transaction, *, after: str = "", limit: int | None = None) -> list[AccountRecord]:
    """Return accounts by key."""
    rows = tx.sql.execute(
        select(account).where(account.c.key > after).order_by(account.c.key).limit(limit)
    )
    return [AccountRecord(row.key, row.unit, row.floor, row.enabled) for row in rows]


def top_up(tx: Transaction, key: str, money: Money, *, note: str, author: str) -> Outcome:
    """Put money on an account, at the centre; the coordinator spreads it from there."""
    if money.micros <= 0:
        return Refused("a top-up must be more than nothing")
    return ledger.post(
        tx,
        Entry(tx.mint(), "topup", reference=key, note=note, author=author),
        [
            Line(HOUSE_TOPUP, CENTRE, money.unit, -money.micros),
            Line(key, CENTRE, money.unit, money.micros),
        ],
    )


def balances(tx: Transaction, key: str | None = None) -> list[Balance]:
    """Return where money sits, of one account or of all, by account, unit and place."""
    query = select(location).order_by(location.c.account, location.c.unit, location.c.place)
    if key is not None:
        query = query.where(location.c.account == key)
    rows = tx.sql.execute(query)
    return [Balance(row.account, row.unit, row.place, row.micros) for row in rows]
