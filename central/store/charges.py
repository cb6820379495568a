"""Booking runs of charges: a few statements for a whole run, each charge judged by itself."""

from __future__ import annotations

from collections import defaultdict
from typing import TYPE_CHECKING, Any
from uuid import UUID

from pydantic import TypeAdapter
from sqlalchemy import bindparam, literal_column, select, union_all, update

from broker.messages import AccountAmount
from central.charging import Booked, Charges, Unbookable, Verdict
from central.sizing import visited
from central.store.bulk import fetch, insert_all, run_all
from central.store.ledger import (
    CENTRE,
    LedgerUnbalanced,
    Located,
    house,
    move_all,
)
from central.store.ledger import next_entry as first_free
from central.store.tables import charge as charge_table
from central.store.tables import entry, instant, location, moment, posting, visit

if TYPE_CHECKING:
    from collections.abc import Sequence

    from sqlalchemy import BindParameter, CompoundSelect, Select

    from broker.messages import Charged
    from central.store.books import Transaction


#: What each account paid, as JSON.
_AMOUNTS = TypeAdapter(tuple[AccountAmount, ...])


def book(tx: Transaction, node: str, charges: Sequence[Charged]) -> list[Verdict]:
    """Book what may be booked of a run of charges from one edge; say what became of each."""
    accounts = {p.account for charge in charges for p in charge.postings}
    incomes = {_income(charge) for charge in charges}
    rows = fetch(tx, _places, sorted(accounts | incomes), node=node)
    here = {(account, unit): Located(*at) for account, unit, place, *at in rows if place == node}
    houses = {(account, unit): at[0] for account, unit, place, *at in rows if place == CENTRE}
    judge = Charges(
        {key: at.micros for key, at in here.items()},
        _known(tx, charges),
        node,
    )
    verdicts = [judge.judge(charge) for charge in charges]
    good = [(c, v) for c, v in zip(charges, verdicts, strict=True) if isinstance(v, Booked)]
    if good:
        _write(tx, node, good, here, houses)
        _count_visits(tx, node, [charge for charge, _ in good])
    return verdicts


def reason_of(verdict: Verdict) -> str | None:
    """Return why a charge is quarantined, None when it is not."""
    return verdict.reason if isinstance(verdict, Unbookable) else None


def _known(tx: Transaction, charges: Sequence[Charged]) -> dict[UUID, str]:
    rows = fetch(tx, _named, [str(charge.charge) for charge in charges])
    return {UUID(id_): content for id_, content in rows}


def _places(keys: Sequence[BindParameter[str]]) -> Select[Any]:
    at = location.c
    return select(at.account, at.unit, at.place, at.id, at.micros, at.floor).where(
        at.account.in_(keys), at.place.in_([bindparam("node"), literal_column("''")])
    )


def _income(charge: Charged) -> str:
    return f"income:{charge.service}"


def _named(keys: Sequence[BindParameter[str]]) -> CompoundSelect[Any]:
    # an id that names something else in the ledger can be no charge
    return union_all(
        select(entry.c.id, literal_column("''")).where(entry.c.id.in_(keys)),
        select(charge_table.c.charge, charge_table.c.content).where(
            charge_table.c.charge.in_(keys)
        ),
    )


def _write(
    tx: Transaction,
    node: str,
    good: Sequence[tuple[Charged, Booked]],
    here: dict[tuple[str, str], Located],
    houses: dict[tuple[str, str], int],
) -> None:
    changes: defaultdict[int, int] = defaultdict(int)
    entries, postings, charges = [], [], []
    n, at = first_free(tx), instant(tx.now)
    for charge, booked in good:
        number = None
        if booked.takes:
            number, n = n, n + 1
            entries.append(
                {
                    "n": number,
                    "id": str(charge.charge),
                    "kind": "charge",
                    "at": at,
                    "reference": str(charge.job),
                    "note": "",
                    "author": node,
                }
            )
            for where, micros in _lines(tx, charge, booked, here, houses).items():
                postings.append({"entry": number, "location": where, "micros": micros})
                changes[where] += micros
        charges.append(_charge_row(node, charge, booked, number))
    move_all(tx, changes)
    if entries:
        insert_all(tx, entry, entries)
        insert_all(tx, posting, postings)
    insert_all(tx, charge_table, charges)


def _lines(
    tx: Transaction,
    charge: Charged,
    booked: Booked,
    here: dict[tuple[str, str], Located],
    houses: dict[tuple[str, str], int],
) -> dict[int, int]:
    """Return what changes at each location: what people pay, and as much income of each unit."""
    changes: dict[int, int] = {}
    for account, unit, micros in booked.takes:
        changes[here[account, unit].id] = -micros
        key = _income(charge), unit
        if key not in houses:
            houses[key] = house(tx, *key).id
        changes[houses[key]] = changes.get(houses[key], 0) + micros
    if sum(changes.values()):
        raise LedgerUnbalanced(f"charge {charge.charge} does not sum to zero")
    return changes


def _charge_row(
    node: str, charge: Charged, booked: Booked, number: int | None
) -> dict[str, object]:
    return {
        "charge": str(charge.charge),
        "entry": number,
        "node": node,
        "content": booked.content,
        "job": str(charge.job),
        "attempt": charge.attempt,
        "user": charge.user,
        "printer": charge.printer,
        "service": charge.service,
        "tariff_version": charge.tariff_version,
        "source": str(charge.counted.source),
        "impressions": charge.counted.impressions,
        "color_impressions": charge.counted.color_impressions,
        "sheets": charge.counted.sheets,
        "paid": _AMOUNTS.dump_json(charge.postings).decode(),
        "printed_above": charge.printed_above,
        "alone": charge.alone,
        "settled_at": instant(charge.settled_at),
    }


def _count_visits(tx: Transaction, node: str, charges: Sequence[Charged]) -> None:
    accounts = {p.account for charge in charges for p in charge.postings}
    rows = fetch(tx, _visits, sorted(accounts), node=node)
    counters = {account: (value, moment(at)) for account, value, at in rows}
    known = frozenset(counters)
    for charge in charges:
        # an edge's clock may be ahead; ours bounds it
        at = min(charge.settled_at, tx.now)
        for account in {p.account for p in charge.postings}:
            value, before = counters.get(account, (0.0, at))
            counters[account] = visited(value, before, at), max(before, at)
    rows_now: list[dict[str, Any]] = [
        {"account": account, "node": node, "value": value, "at": instant(at)}
        for account, (value, at) in counters.items()
    ]
    run_all(tx, _VISITED, [_keyed(row) for row in rows_now if row["account"] in known])
    insert_all(tx, visit, [row for row in rows_now if row["account"] not in known])


def _keyed(row: dict[str, Any]) -> dict[str, Any]:
    return {
        "account_": row["account"],
        "node_": row["node"],
        "value": row["value"],
        "at": row["at"],
    }


_VISITED = (
    update(visit)
    .where(visit.c.account == bindparam("account_"), visit.c.node == bindparam("node_"))
    .values(value=bindparam("value"), at=bindparam("at"))
)


def _visits(keys: Sequence[BindParameter[str]]) -> Select[Any]:
    return select(visit.c.account, visit.c.value, visit.c.at).where(
        visit.c.node == bindparam("node"), visit.c.account.in_(keys)
    )
