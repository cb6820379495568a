"""Booking runs of charges: a few statements for a whole run, each charge judged by itself."""

from __future__ import annotations

from collections import defaultdict
from dataclasses import dataclass
from datetime import timedelta
from typing import TYPE_CHECKING, Any, TypeAlias
from uuid import UUID

from pydantic_core import to_json
from sqlalchemy import and_, bindparam, literal_column, select, union_all, update

from central.charging import Booked, Charges, Unbookable, Verdict
from central.sizing import visited
from central.store import facts, nodes, owed, past, recovery
from central.store.bulk import as_text, fetch, insert_rows, run_rows
from central.store.ledger import (
    CENTRE,
    LedgerUnbalanced,
    at_centre,
    move_all,
)
from central.store.ledger import next_entry as first_free
from central.store.owed import Debt
from central.store.tables import charge as charge_table
from central.store.tables import entry, instant, location, posting, visit

if TYPE_CHECKING:
    from collections.abc import Sequence

    from sqlalchemy import BindParameter, ColumnClause, CompoundSelect, Select

    from broker.messages import Charged
    from central.store.books import Transaction
    from config.policy.money import Unit

    #: A charge that is booked: its name as stored, itself, how.
    _Good: TypeAlias = tuple[str, Charged, Booked]


@dataclass(frozen=True, slots=True)
class _Places:
    """What the books have of the accounts that a run of charges touches, read at once."""

    here: dict[tuple[str, str], int]
    """Micros at the edge, by (account, unit)."""
    ids: dict[tuple[str, str], int]
    """Locations there, in the same way."""
    houses: dict[tuple[str, str], int]
    """Locations at the centre, by (account, unit)."""
    visits: dict[str, tuple[float, int]]
    """How often each account was seen at the edge, and when last (as stored)."""


def book(
    tx: Transaction, node: str, charges: Sequence[Charged], incarnation: UUID | None = None
) -> list[Verdict]:
    """Book what may be booked of a run of charges from one edge; say what became of each.

    Args:
        tx: a writing transaction.
        node: the edge.
        charges: in the order in which it made them.
        incarnation: its journal that tells of them; needed for what is past the allocation.
    """
    ids = [str(charge.charge) for charge in charges]
    places = _read(tx, node, charges)
    behind = past.read(tx, node, incarnation, charges) if incarnation is not None else None
    judge = Charges(places.here, _known(tx, ids), node, behind)
    verdicts = [judge.judge(charge) for charge in charges]
    good: list[_Good] = [
        (id_, charge, verdict)
        for id_, charge, verdict in zip(ids, charges, verdicts, strict=True)
        if isinstance(verdict, Booked)
    ]
    if good:
        settled = _write(tx, node, good, places)
        _count_visits(tx, node, good, settled, places)
        if incarnation is not None:
            owed.enter(tx, _debts(node, incarnation, good))
    _freeze(tx, node, verdicts)
    return verdicts


def _debts(node: str, incarnation: UUID, good: Sequence[_Good]) -> list[Debt]:
    return [
        Debt(id_, account, unit, node, str(incarnation), micros)
        for id_, _, booked in good
        if booked.owes
        for account, unit, micros in booked.owes
    ]


def _freeze(tx: Transaction, node: str, verdicts: Sequence[Verdict]) -> None:
    """Give nothing any more to an edge that says what no honest one does."""
    for verdict in verdicts:
        if isinstance(verdict, Unbookable) and verdict.freezes and not recovery.involved(tx, node):
            nodes.set_state(tx, node, "frozen", verdict.reason)
            return


def reason_of(verdict: Verdict) -> str | None:
    """Return why a charge is quarantined, None when it is not."""
    return verdict.reason if isinstance(verdict, Unbookable) else None


def _known(tx: Transaction, ids: Sequence[str]) -> dict[UUID, str]:
    return {UUID(id_): content for id_, content in fetch(tx, _named, ids)}


def _read(tx: Transaction, node: str, charges: Sequence[Charged]) -> _Places:
    accounts = {p.account for charge in charges for p in charge.postings}
    places = _Places({}, {}, {}, {})
    for account, unit, place, id_, micros, value, at in fetch(
        tx, _places, sorted(accounts), node=node
    ):
        if place == CENTRE:
            places.houses[account, unit] = id_
            continue
        places.here[account, unit] = micros
        places.ids[account, unit] = id_
        if at is not None:
            places.visits[account] = value, at
    # somebody who has paid nothing here so far may have been here all the same
    moneyless = sorted(accounts - {account for account, _ in places.here})
    for account, value, at in fetch(tx, _visits, moneyless, node=node):
        places.visits[account] = value, at
    return places


def _places(keys: Sequence[BindParameter[str]]) -> CompoundSelect[Any]:
    at, seen = location.c, visit.c
    beside = and_(seen.account == at.account, seen.node == at.place)
    here = (
        select(at.account, at.unit, at.place, at.id, at.micros, seen.value, seen.at)
        .select_from(location.outerjoin(visit, beside))
        .where(at.place == as_text("node"), at.account.in_(keys))
    )
    nothing: ColumnClause[Any] = literal_column("NULL")
    houses = select(at.account, at.unit, at.place, at.id, at.micros, nothing, nothing).where(
        at.place == literal_column("''"),
        # all that begins so, by the index: ";" comes right after ":"
        at.account >= literal_column("'income:'"),
        at.account < literal_column("'income;'"),
    )
    return union_all(here, houses)


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


def _write(tx: Transaction, node: str, good: Sequence[_Good], places: _Places) -> list[int]:
    """Write the charges and their entries; return when each was settled, as stored."""
    changes: defaultdict[int, int] = defaultdict(int)
    entries, postings, charges, settled = [], [], [], []
    n, at = first_free(tx), instant(tx.now)
    for id_, charge, booked in good:
        number, job = None, str(charge.job)
        if booked.takes or booked.counted or booked.owes:
            number, n = n, n + 1
            entries.append((number, id_, "charge", at, job, "", node))
            for where, micros in _lines(tx, node, charge, booked, places).items():
                postings.append((number, where, micros))
                changes[where] += micros
        when = instant(charge.settled_at)
        settled.append(when)
        counted = charge.counted
        charges.append(
            (
                id_,
                number,
                node,
                booked.content,
                job,
                charge.attempt,
                charge.user,
                charge.printer,
                charge.service,
                charge.tariff_version,
                str(counted.source),
                counted.impressions,
                counted.color_impressions,
                counted.sheets,
                to_json(charge.postings).decode(),
                charge.printed_above,
                charge.alone,
                when,
            )
        )
    move_all(tx, changes)
    insert_rows(tx, entry, _ENTRY, entries)
    insert_rows(tx, posting, _POSTING, postings)
    insert_rows(tx, charge_table, _CHARGE, charges)
    facts.free(tx, "charge", [row[0] for row in charges if row[1] is None])
    return settled


def _lines(
    tx: Transaction, node: str, charge: Charged, booked: Booked, places: _Places
) -> dict[int, int]:
    """Return what changes at each location: what people pay, and as much income of each unit."""
    changes: dict[int, int] = {}
    income = _income(charge)
    paid = [(places.ids[account, unit], unit, micros) for account, unit, micros in booked.takes]
    for account, unit, micros in booked.counted:
        paid.append((_central(tx, places, account, unit), unit, micros))
    for _, unit, micros in booked.owes:
        paid.append((_central(tx, places, owed.house_of(node), unit), unit, micros))
    for payer, unit, micros in paid:
        earner = _central(tx, places, income, unit)
        changes[payer] = changes.get(payer, 0) - micros
        changes[earner] = changes.get(earner, 0) + micros
    if sum(changes.values()):
        raise LedgerUnbalanced(f"charge {charge.charge} does not sum to zero")
    return changes


def _central(tx: Transaction, places: _Places, account: str, unit: Unit) -> int:
    """Return a location at the centre, opened when it is new."""
    key = account, unit
    if key not in places.houses:
        places.houses[key] = at_centre(tx, account, unit).id
    return places.houses[key]


#: What rows of the run are made of: dictionaries would cost as much as writing them.
_ENTRY = ("n", "id", "kind", "at", "reference", "note", "author")
_POSTING = ("entry", "location", "micros")
_CHARGE = (
    "charge",
    "entry",
    "node",
    "content",
    "job",
    "attempt",
    "user",
    "printer",
    "service",
    "tariff_version",
    "source",
    "impressions",
    "color_impressions",
    "sheets",
    "paid",
    "printed_above",
    "alone",
    "settled_at",
)
_VISIT = ("account", "node", "value", "at")


def _count_visits(
    tx: Transaction, node: str, good: Sequence[_Good], settled: Sequence[int], places: _Places
) -> None:
    counters: dict[str, tuple[float, int]] = {}
    known, now = places.visits, instant(tx.now)
    for (_, charge, _), when in zip(good, settled, strict=True):
        # an edge's clock may be ahead; ours bounds it
        at = min(when, now)
        paying = charge.postings
        for account in {p.account for p in paying} if len(paying) > 1 else (paying[0].account,):
            value, last = counters.get(account) or known.get(account) or (0.0, at)
            counters[account] = visited(value, timedelta(microseconds=at - last)), max(last, at)
    seen = [
        (value, at, account, node) for account, (value, at) in counters.items() if account in known
    ]
    run_rows(tx, _VISITED, _VISITED_BY, seen)
    fresh = [
        (account, node, value, at)
        for account, (value, at) in counters.items()
        if account not in known
    ]
    insert_rows(tx, visit, _VISIT, fresh)


_VISITED = (
    update(visit)
    .where(visit.c.account == bindparam("account_"), visit.c.node == bindparam("node_"))
    .values(value=bindparam("value"), at=bindparam("at"))
)
_VISITED_BY = ("value", "at", "account_", "node_")


def _visits(keys: Sequence[BindParameter[str]]) -> Select[Any]:
    return select(visit.c.account, visit.c.value, visit.c.at).where(
        visit.c.node == bindparam("node"), visit.c.account.in_(keys)
    )
