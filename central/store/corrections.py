"""Putting right by new entries: corrections and refunds, with reason and author."""

from __future__ import annotations

import json
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any
from uuid import UUID

from sqlalchemy import func, literal_column, select, update

from central.store import accounts, audit, ledger
from central.store.ledger import CENTRE, Entry, Line, Posted, Refused
from central.store.tables import account, charge, entry, location, posting
from config.policy.money import Money

if TYPE_CHECKING:
    from central.store.books import Transaction
    from config.policy.money import Unit

#: The other side of corrections.
HOUSE_CORRECTIONS = "house:corrections"


@dataclass(frozen=True, slots=True)
class Refunded:
    """What one charge gave back."""

    charge: UUID
    """Which."""
    entry: UUID
    """The entry."""
    parts: tuple[tuple[str, Money], ...]
    """To whom, and how much; positive."""


@dataclass(frozen=True, slots=True)
class _Owed:
    """What of a charge may still be given back."""

    charge: str
    service: str
    by_account: dict[tuple[str, str], int]
    """(account, unit) → micros, positive."""


def correct(tx: Transaction, key: str, by: Money, *, reason: str, author: str) -> Posted | Refused:
    """Add to an account, or take from what of it is at the centre."""
    if not by.micros or not reason.strip():
        return Refused("a correction needs an amount and its reason")
    if (refused := _closed_to(tx, key, by)) is not None:
        return refused
    done = ledger.post(
        tx,
        Entry(tx.mint(), "correction", reference=key, note=reason, author=author),
        [
            Line(HOUSE_CORRECTIONS, CENTRE, by.unit, -by.micros),
            Line(key, CENTRE, by.unit, by.micros),
        ],
    )
    if isinstance(done, Posted):
        detail = {"micros": by.micros, "unit": by.unit, "reason": reason}
        audit.note(tx, author=author, act="correct", target=key, detail=detail)
    return done


def refund(
    tx: Transaction, job: UUID, amount: Money | None, *, reason: str, author: str
) -> list[Refunded] | Refused:
    """Give back what a job cost, or part of it, to those who paid, in proportion.

    Args:
        tx: a writing transaction.
        job: job-uuid, or the charge's own id.
        amount: of all that was paid in its unit, together; None: everything, in every unit.
        reason: kept with the entries.
        author: who does it.
    """
    if not reason.strip() or (amount is not None and amount.micros <= 0):
        return Refused("a refund needs its reason, and must be more than nothing")
    owed = _owed(tx, job)
    if owed is None:
        return Refused(f"nothing was charged for job {job}")
    if (refused := _too_much(job, owed, amount)) is not None:
        return refused
    done: list[Refunded] = []
    left = amount
    for each in owed:
        parts = _parts(each, left)
        if not parts:
            continue
        posted = _post(tx, each, parts, reason, author)
        if isinstance(posted, Refused):
            return posted
        done.append(posted)
        if left is not None:
            left = Money(left.micros - sum(parts.values()), left.unit)
    detail = {"job": str(job), "charges": [str(each.charge) for each in done], "reason": reason}
    audit.note(tx, author=author, act="refund", target=str(job), detail=detail)
    return done


def can_give_back(tx: Transaction, job: UUID) -> dict[Unit, int] | None:
    """Return what of a job's cost can still be given back, by unit; None: nothing was charged."""
    owed = _owed(tx, job)
    if owed is None:
        return None
    sums: dict[Unit, int] = {}
    for each in owed:
        for (_, unit), micros in each.by_account.items():
            sums[unit] = sums.get(unit, 0) + micros
    return sums


def shares(amount: int, by: dict[tuple[str, str], int]) -> dict[tuple[str, str], int]:
    """Split an amount in proportion, in whole micros that sum to it, nobody above their own.

    What the division leaves goes, a micro each, to those who lost most by it.
    """
    total = sum(by.values())
    parts = {key: amount * micros // total for key, micros in by.items()}
    rest = amount - sum(parts.values())
    order = sorted(by, key=lambda key: (-(amount * by[key] % total), key))
    for key in order[:rest]:
        parts[key] += 1
    return {key: micros for key, micros in parts.items() if micros}


def _closed_to(tx: Transaction, key: str, by: Money) -> Refused | None:
    """Say why an account cannot be corrected by so much, None when it can."""
    found = accounts.find(tx, key)
    if found is None:
        return Refused(f"there is no account {key}")
    if found.unit != by.unit:
        return Refused(f"{key} is in {found.unit}, not {by.unit}")
    if found.state in {"closed", "merged"}:
        return Refused(f"{key} is {found.state}")
    return accounts.room(tx, key, by)


def _too_much(job: UUID, owed: list[_Owed], amount: Money | None) -> Refused | None:
    unit = None if amount is None else amount.unit
    most = sum(m for each in owed for (_, u), m in each.by_account.items() if unit in {None, u})
    if not most:
        return Refused(f"all of job {job} is given back already, or was never paid in that unit")
    if amount is not None and amount.micros > most:
        left = Money(most, amount.unit)
        return Refused(f"of job {job} at most {left} can still be given back, not {amount}")
    return None


def _owed(tx: Transaction, job: UUID) -> list[_Owed] | None:
    """Return what may be given back of each charge of a job, newest first; None: no charge."""
    rows = tx.sql.execute(
        select(charge.c.charge, charge.c.service, charge.c.paid)
        .where((charge.c.job == str(job)) | (charge.c.charge == str(job)))
        .order_by(charge.c.settled_at.desc(), charge.c.charge)
    ).all()
    if not rows:
        return None
    found = []
    for row in rows:
        by: dict[tuple[str, str], int] = {}
        for paid in json.loads(row.paid):
            key = paid["account"], paid["unit"]
            by[key] = by.get(key, 0) + paid["micros"]
        for key, micros in _given_back(tx, row.charge).items():
            by[key] = by.get(key, 0) - micros
        found.append(_Owed(row.charge, row.service, {k: v for k, v in by.items() if v > 0}))
    return found


def _given_back(tx: Transaction, charge_id: str) -> dict[tuple[str, Unit], int]:
    rows: Any = tx.sql.execute(
        select(location.c.account, location.c.unit, func.sum(posting.c.micros))
        .join(posting, posting.c.location == location.c.id)
        .join(entry, entry.c.n == posting.c.entry)
        .where(  # by its own words: the index of refunds is for these alone
            entry.c.kind == literal_column("'refund'"),
            entry.c.reference == charge_id,
            posting.c.micros > 0,
        )
        .group_by(location.c.account, location.c.unit)
    )
    return {(key, unit): int(micros) for key, unit, micros in rows}


def _parts(owed: _Owed, left: Money | None) -> dict[tuple[str, str], int]:
    if left is None:
        return owed.by_account
    by = {key: micros for key, micros in owed.by_account.items() if key[1] == left.unit}
    most = min(left.micros, sum(by.values()))
    return shares(most, by) if most else {}


def _post(
    tx: Transaction, owed: _Owed, parts: dict[tuple[str, str], int], reason: str, author: str
) -> Refunded | Refused:
    lines: list[Line] = []
    for (key, unit), micros in parts.items():
        found = accounts.find(tx, key)
        if found is not None and found.state == "closed" and found.merged_into is None:
            return Refused(
                f"{key} is closed: say where its refund goes, `account close {key} --to`"
            )
        if found is not None and found.merged_into is not None:
            # it comes to the old account, as it was paid, and goes on from there
            tx.sql.execute(update(account).where(account.c.key == key).values(sweep_at=tx.now))
        lines.append(Line(key, CENTRE, unit, micros))
        lines.append(Line(f"income:{owed.service}", CENTRE, unit, -micros))
    id_ = tx.mint()
    what = Entry(id_, "refund", reference=owed.charge, note=reason, author=author)
    posted = ledger.post(tx, what, lines)
    if isinstance(posted, Refused):
        return posted
    told = tuple((key, Money(micros, unit)) for (key, unit), micros in sorted(parts.items()))
    return Refunded(UUID(owed.charge), id_, told)
