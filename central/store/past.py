"""What stands behind charges besides the allocation: accounts without limit, leave by terms."""

from __future__ import annotations

from typing import TYPE_CHECKING

from sqlalchemy import select

from central.charging import Cap, Past
from central.store import ledger, owed, terms
from central.store.ledger import CENTRE
from central.store.tables import account

if TYPE_CHECKING:
    from collections.abc import Sequence
    from uuid import UUID

    from broker.messages import Charged
    from central.store.books import Transaction


def read(tx: Transaction, node_id: str, incarnation: UUID, charges: Sequence[Charged]) -> Past:
    """Return what the books say of what these charges need besides the allocation."""
    named = {
        posting.account
        for charge in charges
        for posting in charge.postings
        if posting.covered_by != "allocation"
    }
    if not named:
        return Past()
    rows = tx.sql.execute(
        select(account.c.key, account.c.unit, account.c.unlimited).where(
            account.c.key.in_(sorted(named))
        )
    ).all()
    past = Past(
        units={row.key: row.unit for row in rows},
        unlimited=frozenset(row.key for row in rows if row.unlimited),
    )
    sent = terms.ever(tx, node_id, incarnation)
    caps = {unit: terms.leave(sent, unit) for unit in terms.units(sent)}
    past.caps = {unit: Cap(leave.site, leave.user) for unit, leave in caps.items()}
    units = {posting.unit for charge in charges for posting in charge.postings}
    for unit in sorted(units & caps.keys()):
        past.owed[unit] = _outstanding(tx, node_id, unit)
    if any(leave.user is not None for leave in caps.values()):
        past.owed_by = owed.on_accounts(tx, node_id, incarnation, named)
    if _near(past, charges):
        # a journal before this one may owe part of it: now it is worth counting
        past.owed = owed.at_site(tx, node_id, incarnation)
    return past


def _outstanding(tx: Transaction, node_id: str, unit: str) -> int:
    """Return what a site's house account has paid and not got back: no less than any journal's."""
    return -ledger.places_of(tx, owed.house_of(node_id), unit).get(CENTRE, 0)


def _near(past: Past, charges: Sequence[Charged]) -> bool:
    """Say whether the caps come into sight."""
    for unit, cap in past.caps.items():
        new = sum(
            posting.micros
            for charge in charges
            for posting in charge.postings
            if posting.unit == unit and posting.covered_by == "uncovered"
        )
        if cap.site is not None and past.owed.get(unit, 0) + new > cap.site:
            return True
    return False
