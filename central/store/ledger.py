"""Double entry: posting an entry, balances, and who may go how low; the only code that moves money.

A balance is a cache, changed in the posting transaction by a conditional UPDATE: no row changed
means refused. Sign: positive is credit. The house's own accounts are the other side.
"""

from __future__ import annotations

from collections import defaultdict
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final

from sqlalchemy import bindparam, func, insert, literal_column, or_, select, update

from central.store.bulk import as_text, fetch, fetch_one, run_all
from central.store.tables import account as account_table
from central.store.tables import entry, location, posting
from config.errors import PrintmeshError

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence
    from uuid import UUID

    from sqlalchemy import BindParameter, Select

    from central.store.books import Transaction
    from config.policy.money import Unit

#: The place of money that is not at any edge.
CENTRE: Final = ""
HOUSE_TOPUP: Final = "house:topup"
#: Kinds of account that are the organisation's own: no floor, no place but the centre.
HOUSE_KINDS: Final = frozenset({"house", "income", "loss", "suspense", "uncovered"})


class LedgerUnbalanced(PrintmeshError):
    """An entry of ours that does not sum to zero in every unit: never written."""


@dataclass(frozen=True, slots=True)
class Line:
    """One posting of an entry."""

    account: str
    """`kind:name`."""
    place: str
    """CENTRE, or a node id."""
    unit: Unit
    """Currency code or `page`."""
    micros: int
    """Millionths; negative takes away."""


@dataclass(frozen=True, slots=True)
class Entry:
    """What happened, in words; the lines say to whom."""

    id: UUID
    """Names the entry for ever."""
    kind: str
    """topup, grant, charge, return, write-off, allowance, correction, refund, close, merge …"""
    reference: str = ""
    """What it belongs to: a node, a job, a reclaim."""
    note: str = ""
    """For people."""
    author: str = ""
    """Who did it: a login name, a node, or `coordinator`."""


@dataclass(frozen=True, slots=True)
class Posted:
    """The entry is in the books."""

    n: int
    """Its number."""


@dataclass(frozen=True, slots=True)
class Refused:
    """The books did not accept it; nothing was written."""

    reason: str
    """One sentence for people."""


@dataclass(frozen=True, slots=True)
class Located:
    """A ledger account at one place, as the database has it."""

    id: int
    micros: int
    floor: int | None


def check_balanced(lines: Iterable[Line]) -> None:
    """Make sure that the lines sum to zero in each unit.

    Raises:
        LedgerUnbalanced: they do not.
    """
    sums: defaultdict[str, int] = defaultdict(int)
    for line in lines:
        sums[line.unit] += line.micros
    if off := {unit: micros for unit, micros in sums.items() if micros}:
        raise LedgerUnbalanced(f"the lines of an entry leave {off}")


def next_entry(tx: Transaction) -> int:
    """Return the number of the next entry; a writing transaction is the only one at its time."""
    return int(fetch_one(tx, _LAST)[0]) + 1


def post(tx: Transaction, what: Entry, lines: Sequence[Line]) -> Posted | Refused:
    """Write one entry, all of it or nothing.

    Raises:
        LedgerUnbalanced: the lines do not sum to zero in each unit.
    """
    check_balanced(lines)
    sums: defaultdict[tuple[str, str, str], int] = defaultdict(int)
    for line in lines:
        sums[line.account, line.place, line.unit] += line.micros
    n = next_entry(tx)
    with tx.sql.begin_nested() as savepoint:
        where = {}
        for key, micros in sums.items():
            found = _ensure(tx, *key)
            if isinstance(found, Refused) or (micros and not _move(tx, found.id, micros)):
                savepoint.rollback()
                return found if isinstance(found, Refused) else _short(key, micros, found)
            where[found.id] = micros
        tx.sql.execute(_ENTER, _row(n, what, tx))
        rows = [{"entry": n, "location": k, "micros": v} for k, v in where.items()]
        tx.sql.execute(_POST, rows)
    return Posted(n)


def at_place(
    tx: Transaction, place: str, accounts: Iterable[str]
) -> dict[tuple[str, str], Located]:
    """Return what the named accounts have at one place, by (account, unit)."""
    rows = fetch(tx, _at_place, sorted(set(accounts)), place=place)
    return {(account, unit): Located(*rest) for account, unit, *rest in rows}


def places_of(tx: Transaction, account: str, unit: Unit) -> dict[str, int]:
    """Return where an account's money sits: micros by place."""
    rows = tx.sql.execute(
        select(location.c.place, location.c.micros).where(
            location.c.account == account, location.c.unit == unit
        )
    )
    return dict(rows.all())


def places_of_each(
    tx: Transaction, accounts: Iterable[str]
) -> dict[tuple[str, str], dict[str, int]]:
    """Return where the money of some accounts sits: micros by place, by (account, unit)."""
    rows = tx.sql.execute(
        select(location.c.account, location.c.unit, location.c.place, location.c.micros).where(
            location.c.account.in_(sorted(set(accounts)))
        )
    )
    found: dict[tuple[str, str], dict[str, int]] = {}
    for account, unit, place, micros in rows:
        found.setdefault((account, unit), {})[place] = micros
    return found


def at_centre(tx: Transaction, account: str, unit: Unit) -> Located:
    """Return an account's location at the centre, opened when it is new.

    Raises:
        LedgerUnbalanced: there is no such account: the caller has not looked.
    """
    found = _ensure(tx, account, CENTRE, unit)
    if isinstance(found, Refused):
        raise LedgerUnbalanced(found.reason)
    return found


def move_all(tx: Transaction, changes: dict[int, int]) -> None:
    """Change balances whose sufficiency was checked in this transaction.

    Raises:
        LedgerUnbalanced: a balance was not as it was read; the transaction must not commit.
    """
    moves = [{"id_": id_, "by": micros} for id_, micros in sorted(changes.items()) if micros]
    if run_all(tx, _MOVE, moves) != len(moves):
        raise LedgerUnbalanced("a balance changed under a transaction that holds the only lock")


_MOVE = (
    update(location)
    .where(
        location.c.id == bindparam("id_"),
        or_(
            location.c.floor.is_(None),
            location.c.micros + bindparam("by") >= location.c.floor,
            bindparam("by") > literal_column("0"),
        ),
    )
    .values(micros=location.c.micros + bindparam("by"))
)
_ENTER = insert(entry)
_POST = insert(posting)
_LAST = select(func.coalesce(func.max(entry.c.n), literal_column("0")))


def _at_place(keys: Sequence[BindParameter[str]]) -> Select[Any]:
    return select(
        location.c.account, location.c.unit, location.c.id, location.c.micros, location.c.floor
    ).where(location.c.place == as_text("place"), location.c.account.in_(keys))


def _move(tx: Transaction, id_: int, micros: int) -> bool:
    return tx.sql.execute(_MOVE, {"id_": id_, "by": micros}).rowcount == 1


def _ensure(tx: Transaction, account: str, place: str, unit: Unit) -> Located | Refused:
    found = at_place(tx, place, [account]).get((account, unit))
    if found is not None:
        return found
    if account.partition(":")[0] in HOUSE_KINDS:
        floor = None
    else:
        known = tx.sql.execute(
            select(account_table).where(account_table.c.key == account)
        ).one_or_none()
        if known is None:
            return Refused(f"there is no account {account}")
        if known.unit != unit:
            return Refused(f"{account} is in {known.unit}, not {unit}")
        floor = known.floor if place == CENTRE else 0
        if place == CENTRE and known.unlimited:
            floor = None  # only counted: it may go anywhere
    values = {"account": account, "unit": unit, "place": place, "floor": floor, "micros": 0}
    id_ = tx.sql.execute(insert(location).values(**values).returning(location.c.id)).scalar_one()
    return Located(id_, 0, floor)


def _row(n: int, what: Entry, tx: Transaction) -> dict[str, object]:
    return {
        "n": n,
        "id": str(what.id),
        "kind": what.kind,
        "at": tx.now,
        "reference": what.reference,
        "note": what.note,
        "author": what.author,
    }


def _short(key: tuple[str, str, str], micros: int, found: Located) -> Refused:
    account, place, unit = key
    where = f"at {place}" if place else "at the centre"
    return Refused(
        f"{account} has {found.micros} micros of {unit} {where}, its floor is {found.floor}; "
        f"{-micros} cannot be taken"
    )
