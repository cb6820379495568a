"""Parking: debts collected, what is free spread over the sites, what sits wrong asked back.

`central.sizing` says how much belongs where; here its answers become grants and reclaims.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from sqlalchemy import bindparam, exists, func, select

from central.sizing import (
    ENOUGH_CHARGES,
    MEAN_COST,
    MEAN_PAGES,
    QUANTUM,
    Habits,
    faded,
    park,
    repark,
)
from central.store import ledger, owed, reclaims, recovery, terms
from central.store.grants import grant
from central.store.ledger import CENTRE, Posted
from central.store.tables import account as account_table
from central.store.tables import code as code_table
from central.store.tables import entry, location, posting, visit
from config.policy.money import PAGE, UNIT_MICROS

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from central.store.books import Transaction
    from central.store.reclaims import Quiet
    from config.policy.money import Unit

#: Accounts that one transaction parks: nobody waits longer than that for the only writer.
_PARK_AT_ONCE: Final = 25
#: An account's newest charges, whose mean stands for its jobs.
_CHARGES: Final = 60


@dataclass(frozen=True, slots=True)
class Fetch:
    """Money that should leave a site."""

    account: str
    unit: Unit
    site: str
    up_to: int
    purpose: Quiet


def park_free(
    tx: Transaction, linked: frozenset[str], popularity: Mapping[str, float] | None = None
) -> tuple[frozenset[str], bool]:
    """Collect what is owed from what is free at the centre, and spread the rest over linked sites.

    Args:
        tx: a writing transaction.
        linked: nodes that can be reached now.
        popularity: how busy each site is, the busiest 1.0; None: all alike.

    Returns:
        The nodes that have something new in their stream, and whether more accounts wait.
    """
    if recovery.closed(tx) is not None:
        return frozenset(), False
    wake, more = _collect(tx)
    sites = linked & terms.standing_at(tx)
    if not sites:
        return frozenset(wake), more
    free = tx.sql.execute(_FREE_TO_GO, {"now_": tx.now}).all()
    parked = False
    for account, unit, micros in free:
        plan = park(
            micros,
            habits(tx, account, unit, popularity),
            ledger.places_of(tx, account, unit),
            sites,
            _quantum(unit),
        )
        for site, part in plan.items():
            if isinstance(grant(tx, site, account, unit, part, "parked"), Posted):
                wake.add(site)
                parked = True
    return frozenset(wake), more or (len(free) == _PARK_AT_ONCE and parked)


_FREE: Final = (
    select(location.c.account, location.c.unit, location.c.micros)
    .join(account_table, account_table.c.key == location.c.account)
    .where(
        location.c.place == CENTRE,
        location.c.floor.is_not(None),
        location.c.micros > 0,
        account_table.c.enabled,
    )
    .order_by(location.c.account)
    .limit(_PARK_AT_ONCE)
)


#: Somebody waits for a code, and what was fetched for it must not go away again.
_WAITS = exists().where(
    code_table.c.account == location.c.account,
    code_table.c.state == "waiting",
    code_table.c.expires_at > bindparam("now_", type_=code_table.c.expires_at.type),
)
_FREE_TO_GO: Final = _FREE.where(~_WAITS)


def misplaced(
    tx: Transaction,
    accounts: Iterable[str],
    linked: frozenset[str],
    popularity: Mapping[str, float] | None = None,
) -> list[Fetch]:
    """Say what of some accounts should leave a linked site: for a debt, or for a better place."""
    sites = linked & terms.standing_at(tx)
    if not linked or recovery.closed(tx) is not None:
        return []
    rows = tx.sql.execute(
        select(account_table.c.key, account_table.c.unit)
        .where(
            account_table.c.key.in_(sorted(set(accounts))),
            account_table.c.enabled,
            ~account_table.c.unlimited,
        )
        .order_by(account_table.c.key)
    ).all()
    # asked for all of them at once: this is done four times a second while sites print
    keys = [key for key, _ in rows]
    everywhere, dues = ledger.places_of_each(tx, keys), owed.dues(tx, keys)
    found: list[Fetch] = []
    for key, unit in rows:
        places = everywhere.get((key, unit), {})
        free = max(0, places.pop(CENTRE, 0))
        here = {place: micros for place, micros in places.items() if place in linked and micros > 0}
        if not here:
            continue
        if (lacking := dues.get((key, unit), 0) - free) > 0:
            found += _towards(key, unit, here, lacking)
        elif len(sites) > 1:
            moves = repark(free, habits(tx, key, unit, popularity), places, sites, _quantum(unit))
            for site, micros in moves.reclaims.items():
                found.append(Fetch(key, unit, site, micros, "parking"))
    return found


def fetch(tx: Transaction, wanted: Iterable[Fetch]) -> frozenset[str]:
    """Ask sites for what should leave them, unless they were asked lately; return which."""
    return frozenset(
        each.site
        for each in wanted
        if reclaims.ask_quietly(tx, each.site, each.account, each.unit, each.up_to, each.purpose)
    )


def at_sites(tx: Transaction, *, after: str, limit: int) -> list[str]:
    """Return accounts with money at sites, by key, after one."""
    rows = tx.sql.execute(
        select(location.c.account)
        .distinct()
        .where(location.c.place != CENTRE, location.c.micros > 0, location.c.account > after)
        .order_by(location.c.account)
        .limit(limit)
    )
    return list(rows.scalars())


def popularity(tx: Transaction) -> dict[str, float]:
    """Return how busy each site is, the busiest 1.0: all visits, as last counted."""
    sums = {
        node: float(value)
        for node, value in tx.sql.execute(
            select(visit.c.node, func.sum(visit.c.value)).group_by(visit.c.node)
        )
    }
    most = max(sums.values(), default=0.0)
    return {node: value / most for node, value in sums.items()} if most > 0 else {}


def habits(
    tx: Transaction, account: str, unit: Unit, popular: Mapping[str, float] | None
) -> Habits:
    """Return where an account is charged, and what its jobs cost."""
    rows = tx.sql.execute(_VISITS, {"account": account})
    visits = {row.node: faded(row.value, tx.now - row.at) for row in rows}
    count, total = tx.sql.execute(_JOBS_COST, {"account": account, "unit": unit}).one()
    mean = MEAN_PAGES if unit == PAGE else MEAN_COST
    if count >= ENOUGH_CHARGES:
        mean = -int(total) // int(count)
    return Habits(visits, popular, mean)


# statements that do not change are made once: making one takes longer than running it
_VISITS: Final = select(visit.c.node, visit.c.value, visit.c.at).where(
    visit.c.account == bindparam("account")
)
_LATELY: Final = (
    select(posting.c.micros)
    .join(location, location.c.id == posting.c.location)
    .join(entry, entry.c.n == posting.c.entry)
    .where(
        location.c.account == bindparam("account"),
        location.c.unit == bindparam("unit"),
        location.c.place != CENTRE,
        entry.c.kind == "charge",
    )
    .order_by(posting.c.entry.desc())
    .limit(_CHARGES)
).subquery()
_JOBS_COST: Final = select(func.count(), func.sum(_LATELY.c.micros))


def _collect(tx: Transaction) -> tuple[set[str], bool]:
    """Collect from accounts that have something free at the centre."""
    who = owed.who_owe(tx)
    if tx.sql.execute(who.limit(1)).first() is None:
        return set(), False
    debts = who.subquery()
    owes = exists().where(debts.c.debtor == location.c.account, debts.c.unit == location.c.unit)
    rows = tx.sql.execute(_FREE.where(owes)).all()
    wake: set[str] = set()
    for account, unit, micros in rows:
        wake |= owed.collect(tx, account, unit, micros)[1]
    return wake, len(rows) == _PARK_AT_ONCE


def _towards(account: str, unit: Unit, here: dict[str, int], lacking: int) -> list[Fetch]:
    """Ask the sites with most for what is lacking."""
    found = []
    for site in sorted(here, key=lambda site: (-here[site], site)):
        part = min(here[site], lacking)
        if part > 0:
            found.append(Fetch(account, unit, site, part, "owed"))
            lacking -= part
    return found


def _quantum(unit: Unit) -> int:
    return UNIT_MICROS if unit == PAGE else QUANTUM
