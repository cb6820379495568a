"""Finding accounts by what people know of them, and one account's entries, newest first."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final

from sqlalchemy import func, or_, select
from sqlalchemy import text as text_of

from central.store import accounts, lists, person_search
from central.store.ledger import HOUSE_KINDS
from central.store.tables import account, charge, job, location, posting

if TYPE_CHECKING:
    from collections.abc import Collection

    from sqlalchemy import ColumnElement

    from central.store.accounts import AccountRecord, State
    from central.store.books import Transaction
    from central.store.lists import ListedEntry
    from config.policy.money import Unit

#: Kinds of which a label is looked through; of the others there may be one for each person.
_LABELLED: Final = ("department", "project", "shared")
#: People whose accounts a text may mean, by their names.
_PEOPLE: Final = 20
#: Comes after whatever a key may hold.
_LAST: Final = "\U0010ffff"


@dataclass(frozen=True, slots=True)
class Which:
    """Which accounts; nothing is any."""

    kind: str | None = None
    state: State | None = None
    text: str = ""
    """The beginning of a name, part of a label, or of whom it is."""


def search(
    tx: Transaction, which: Which, *, after: str = "", limit: int = 50
) -> list[AccountRecord]:
    """Return a page of accounts by key.

    Args:
        tx: any transaction.
        which: accounts.
        after: only those with a later key.
        limit: at most so many.
    """
    kinds = sorted(accounts.KINDS) if which.kind is None else [which.kind]
    text = which.text.strip().lower()
    people = [each.name for each in person_search.suggest(tx, text, limit=_PEOPLE)] if text else []
    found: list[AccountRecord] = []
    for kind in kinds:
        if after >= f"{kind};":
            continue
        # one bound on each side, for the key's index
        query = select(account.c.key).where(
            account.c.key > max(after, f"{kind}:"), account.c.key < f"{kind};"
        )
        if which.state is not None:
            query = query.where(account.c.state == which.state)
            if which.state != "open":
                # in the words of the index of the few that are not
                query = query.where(_UNUSUAL)
        if text:
            query = query.where(or_(*_meant(kind, text, people)))
        query = query.order_by(account.c.key).limit(limit - len(found))
        keys = tx.sql.execute(query).scalars().all()
        records = accounts.some(tx, keys)
        found += [records[key] for key in keys]
        if len(found) >= limit:
            break
    return found


_UNUSUAL: Final = text_of("account.state <> 'open'")


def _meant(kind: str, text: str, people: Collection[str]) -> list[ColumnElement[bool]]:
    begin = f"{kind}:{text}"
    meant: list[ColumnElement[bool]] = [account.c.key.between(begin, begin + _LAST)]
    if people and kind not in _LABELLED:
        meant.append(account.c.key.in_([f"{kind}:{name}" for name in people]))
    if kind in _LABELLED:
        meant.append(account.c.label.icontains(text, autoescape=True))
    return meant


def held(tx: Transaction) -> dict[Unit, int]:
    """Return what all accounts of people hold together, by unit.

    Every entry sums to zero: it is what the house's own accounts are short of, and those are few.
    """
    sums: dict[Unit, int] = {}
    for kind in sorted(HOUSE_KINDS):
        query = (
            select(location.c.unit, func.sum(location.c.micros))
            .where(location.c.account >= f"{kind}:", location.c.account < f"{kind};")
            .group_by(location.c.unit)
        )
        for unit, micros in tx.sql.execute(query):
            sums[unit] = sums.get(unit, 0) - int(micros)
    return sums


def entries(
    tx: Transaction, key: str, *, before: int | None = None, limit: int = 50
) -> list[ListedEntry]:
    """Return the entries that touch an account, newest first, below a number.

    Place by place, each from its index: in one query a page would cost as much as all there are.
    """
    places = tx.sql.execute(select(location.c.id).where(location.c.account == key)).scalars()
    numbers: set[int] = set()
    for place in places.all():
        query = select(posting.c.entry).where(posting.c.location == place)
        if before is not None:
            query = query.where(posting.c.entry < before)
        query = query.order_by(posting.c.entry.desc()).limit(limit)
        numbers.update(tx.sql.execute(query).scalars())
    found = lists.entries_numbered(tx, sorted(numbers, reverse=True)[:limit])
    return found[::-1]


def jobs_of(tx: Transaction, found: Collection[ListedEntry]) -> dict[int, str]:
    """Return the jobs that entries are about, by the entry's number."""
    jobs = {each.n: each.reference for each in found if each.kind == "charge"}
    refunds = {each.reference: each.n for each in found if each.kind == "refund"}
    if refunds:
        query: Any = select(charge.c.charge, charge.c.job).where(charge.c.charge.in_(refunds))
        by_charge = dict(tx.sql.execute(query).all())
        for each in found:
            if each.kind == "refund" and each.reference in by_charge:
                jobs[each.n] = str(by_charge[each.reference])
    return jobs


def node_of(tx: Transaction, id_: str) -> str:
    """Return at which site a job was; empty: it is not known (any more)."""
    found = tx.sql.execute(select(job.c.node).where(job.c.job == id_)).scalar_one_or_none()
    return found or ""
