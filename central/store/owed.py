"""What was charged past the allocation: who owes it, and collecting it as soon as there is money.

The house account `uncovered:NODE` has paid; the account pays it back from what is free at the
centre, before that is parked anywhere.
"""

from __future__ import annotations

from collections import defaultdict
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final
from uuid import UUID

from sqlalchemy import func, select, update

from broker.messages import Collected
from central.store import accounts, ledger, recovery, streams
from central.store.bulk import insert_all
from central.store.ledger import CENTRE, HOUSE_KINDS, Entry, Line, Posted
from central.store.tables import location, node, owed

if TYPE_CHECKING:
    from collections.abc import Collection, Iterable, Sequence

    from sqlalchemy import Select

    from central.store.books import Transaction
    from config.policy.money import Unit

#: Wire that a node must speak to be told what was collected.
_WIRE: Final = 2
_LONGEST: Final = 64
_AT_ONCE: Final = 25


@dataclass(frozen=True, slots=True)
class Debt:
    """A part of a charge that was past the allocation."""

    charge: str
    account: str
    unit: Unit
    node: str
    incarnation: str
    micros: int


def house_of(node_id: str) -> str:
    """Return the account that pays at first for what a site lets through."""
    return f"uncovered:{node_id}"


def enter(tx: Transaction, debts: Sequence[Debt]) -> None:
    """Note debts of charges that are booked in this transaction."""
    debtors = {debt.account: _debtor(tx, debt.account) for debt in debts}
    rows: list[dict[str, Any]] = [
        {
            "charge": debt.charge,
            "account": debt.account,
            "unit": debt.unit,
            "node": debt.node,
            "incarnation": debt.incarnation,
            "debtor": debtors[debt.account],
            "micros": debt.micros,
            "collected": recovery.use_collection(
                tx, debt.node, debt.account, debt.unit, debt.micros
            ),
        }
        for debt in debts
    ]
    insert_all(tx, owed, rows)


def collect(tx: Transaction, debtor: str, unit: Unit, free: int) -> tuple[int, set[str]]:
    """Collect what an account owes, oldest first, from what it has free at the centre.

    Returns:
        The micros collected, and the nodes that are told.
    """
    rows = tx.sql.execute(
        select(owed)
        .where(_open(debtor, unit), _can_be_told(tx))
        .order_by(owed.c.charge, owed.c.account)
    )
    left, whose = max(0, free), defaultdict[tuple[str, str, str], int](int)
    for row in rows.all():
        part = min(left, row.micros - row.collected)
        if part <= 0:
            break
        left -= part
        whose[row.node, row.incarnation, row.account] += part
        tx.sql.execute(
            update(owed)
            .where(owed.c.charge == row.charge, owed.c.account == row.account, owed.c.unit == unit)
            .values(collected=owed.c.collected + part)
        )
    wake = {
        node_id
        for (node_id, incarnation, account), micros in whose.items()
        if _pay(tx, debtor, account, unit, node_id, incarnation, micros)
    }
    return sum(whose.values()), wake


def collect_from_limitless(tx: Transaction) -> set[str]:
    """Collect from debtors that always have money: the house's, and accounts without limit."""
    rows = tx.sql.execute(
        select(owed.c.debtor, owed.c.unit, func.sum(owed.c.micros - owed.c.collected))
        .join(location, (location.c.account == owed.c.debtor) & (location.c.unit == owed.c.unit))
        .where(
            owed.c.collected < owed.c.micros,
            _can_be_told(tx),
            location.c.place == CENTRE,
            location.c.floor.is_(None),
        )
        .group_by(owed.c.debtor, owed.c.unit)
        .limit(_AT_ONCE)
    ).all()
    wake: set[str] = set()
    for debtor, unit, micros in rows:
        wake |= collect(tx, debtor, unit, int(micros))[1]
    return wake


def who_can_pay(tx: Transaction, linked: Iterable[str], limit: int) -> list[str]:
    """Return accounts that owe and have money at one of these sites, at most so many."""
    rows = tx.sql.execute(
        select(owed.c.debtor)
        .distinct()
        .join(location, (location.c.account == owed.c.debtor) & (location.c.unit == owed.c.unit))
        .where(
            owed.c.collected < owed.c.micros,
            _can_be_told(tx),
            location.c.place.in_(sorted(linked)),
            location.c.micros > 0,
        )
        .limit(limit)
    )
    return list(rows.scalars())


def of(tx: Transaction, debtor: str, unit: Unit) -> int:
    """Return what an account owes, in micros."""
    sums = select(_outstanding()).where(_open(debtor, unit))
    return int(tx.sql.execute(sums).scalar_one())


def dues(tx: Transaction, debtors: Iterable[str]) -> dict[tuple[str, Unit], int]:
    """Return what can be collected now of some accounts, by (account, unit), where there is any."""
    rows = tx.sql.execute(
        select(owed.c.debtor, owed.c.unit, _outstanding())
        .where(
            owed.c.debtor.in_(sorted(set(debtors))),
            owed.c.collected < owed.c.micros,
            _can_be_told(tx),
        )
        .group_by(owed.c.debtor, owed.c.unit)
    )
    return {(debtor, unit): int(micros) for debtor, unit, micros in rows}


def who_owe(tx: Transaction) -> Select[tuple[str, str]]:
    """Return the query of (account, unit) from which something can be collected now."""
    return select(owed.c.debtor, owed.c.unit).where(
        owed.c.collected < owed.c.micros, _can_be_told(tx)
    )


def at_site(tx: Transaction, node_id: str, incarnation: UUID | None = None) -> dict[Unit, int]:
    """Return what is outstanding at a site, of one journal or all, by unit."""
    query = (
        select(owed.c.unit, _outstanding())
        .where(owed.c.node == node_id, owed.c.collected < owed.c.micros)
        .group_by(owed.c.unit)
    )
    if incarnation is not None:
        query = query.where(owed.c.incarnation == str(incarnation))
    return {unit: int(micros) for unit, micros in tx.sql.execute(query)}


def by_journal(
    tx: Transaction, node_ids: Collection[str]
) -> dict[str, dict[UUID, dict[Unit, int]]]:
    """Return what is outstanding at some sites, by site, journal and unit."""
    rows = tx.sql.execute(
        select(owed.c.node, owed.c.incarnation, owed.c.unit, _outstanding())
        .where(owed.c.node.in_(sorted(node_ids)), owed.c.collected < owed.c.micros)
        .group_by(owed.c.node, owed.c.incarnation, owed.c.unit)
    )
    found: dict[str, dict[UUID, dict[Unit, int]]] = {}
    for node_id, incarnation, unit, micros in rows:
        of_site = found.setdefault(node_id, {})
        of_site.setdefault(UUID(incarnation), {})[unit] = int(micros)
    return found


def on_accounts(
    tx: Transaction, node_id: str, incarnation: UUID, accounts_: Iterable[str]
) -> dict[tuple[str, Unit], int]:
    """Return what is outstanding at a journal on some accounts, by (account, unit)."""
    rows = tx.sql.execute(
        select(owed.c.account, owed.c.unit, _outstanding())
        .where(
            owed.c.node == node_id,
            owed.c.incarnation == str(incarnation),
            owed.c.account.in_(sorted(set(accounts_))),
            owed.c.collected < owed.c.micros,
        )
        .group_by(owed.c.account, owed.c.unit)
    )
    return {(account, unit): int(micros) for account, unit, micros in rows}


def _can_be_told(tx: Transaction) -> Any:  # noqa: ANN401  a column expression
    """Leave out edges to which nothing can be said yet: they would count the debt for ever."""
    return owed.c.node.not_in(recovery.all_awaited(tx))


def _outstanding() -> Any:  # noqa: ANN401  a column expression, which has no simpler name
    return func.coalesce(func.sum(owed.c.micros - owed.c.collected), 0)


def _open(debtor: str, unit: Unit) -> Any:  # noqa: ANN401  as above
    return (owed.c.debtor == debtor) & (owed.c.unit == unit) & (owed.c.collected < owed.c.micros)


def _debtor(tx: Transaction, key: str) -> str:
    """Return who pays for an account: itself, or where it has gone."""
    for _ in range(_LONGEST):
        found = accounts.find(tx, key)
        if found is None or found.merged_into is None:
            return key
        key = found.merged_into
        if key.partition(":")[0] in HOUSE_KINDS:
            return key
    return key


def _pay(
    tx: Transaction,
    debtor: str,
    account: str,
    unit: Unit,
    node_id: str,
    incarnation: str,
    micros: int,
) -> bool:
    """Post one collection; return whether the node is told of it."""
    id_ = tx.mint()
    posted = ledger.post(
        tx,
        Entry(id_, "collect", reference=node_id, note=account, author=tx.identity.node),
        [
            Line(debtor, CENTRE, unit, -micros),
            Line(house_of(node_id), CENTRE, unit, micros),
        ],
    )
    if not isinstance(posted, Posted):
        # the sum was read as free in this transaction: nothing of it may be committed
        raise ledger.LedgerUnbalanced(posted.reason)
    known = tx.sql.execute(
        select(node.c.incarnation, node.c.wire).where(node.c.id == node_id)
    ).one()
    # a journal that is no more counts nothing; its successor never knew of the debt
    if known.incarnation != incarnation or known.wire < _WIRE:
        return False
    message = Collected(id=id_, account=account, unit=unit, micros=micros)
    streams.append(tx, node_id, [message])
    return True
