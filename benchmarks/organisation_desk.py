"""What the staff of a large organisation leaves in its books: requests, tills, the audit."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import TYPE_CHECKING, Any, Final

from sqlalchemy import insert, select

from central.store import audit
from central.store import tables as at
from central.store.bulk import insert_rows

if TYPE_CHECKING:
    from collections.abc import Sequence

    from benchmarks.organisation_jobs import Payer
    from central.store.books import Books, Transaction

EURO: Final = 1_000_000
#: Jobs for which somebody asked for their money, and one in so many that is still open.
_REQUESTS: Final = 3000
_OPEN: Final = 100
_SESSIONS: Final = 365
_RECEIPTS: Final = 20_000
#: People of one transaction.
_PEOPLE: Final = 2000


def desk(tx: Transaction, payers: Sequence[Payer], now: datetime) -> None:
    """Write requests of the newest jobs, a year of closed tills, one open, and their receipts.

    The first entries of the ledger are top-ups, one for each person: receipts are for these.
    """
    jobs = tx.sql.execute(
        select(at.job.c.job, at.job.c.node, at.job.c.user)
        .where(at.job.c.charge.is_not(None))
        .order_by(at.job.c.n.desc())
        .limit(_REQUESTS)
    ).all()
    rows = [_request(n, tuple(row), now) for n, row in enumerate(jobs)]
    if rows:
        tx.sql.execute(insert(at.refund_request), rows)
    for n in range(1, _SESSIONS + 1):
        begun = now - timedelta(days=_SESSIONS - n)
        closed = n < _SESSIONS
        values = {
            "till": "desk",
            "unit": "EUR",
            "opening": 0,
            "opened_by": "web:olga",
            "opened_at": begun,
            "note": "",
            "closed_by": "web:olga" if closed else None,
            "closed_at": begun if closed else None,
            "expected": 0 if closed else None,
            "counted": 0 if closed else None,
        }
        tx.sql.execute(insert(at.till_session).values(values))
    stamp, whole = at.instant(now), 500 * EURO
    receipts = [
        (
            *(n, 1 + n % _SESSIONS, n, "topup", each.account, "EUR", whole, whole),
            *("web:olga", stamp, None, ""),
        )
        for n, each in enumerate(payers[:_RECEIPTS], 1)
    ]
    names = tuple(column.name for column in at.till_receipt.columns)
    insert_rows(tx, at.till_receipt, names, receipts)


def _request(n: int, job: tuple[Any, ...], now: datetime) -> dict[str, Any]:
    state = "open" if n % _OPEN == 0 else ("refunded", "declined")[n % 2]
    return {
        "id": f"0190{n:04x}-0000-7000-8000-{n:012x}",
        "job": job[0],
        "node": job[1],
        "user": job[2],
        "reason": "It came out streaky.",
        "asked_at": now,
        "state": state,
        "settled_at": None if state == "open" else now,
        "settled_by": "" if state == "open" else "web:olga",
        "answer": "",
    }


def acts(books: Books, payers: Sequence[Payer], first: datetime, last: datetime) -> None:
    """Write two acts for each person, one after the other: they were entered, and got a card."""
    for begin in range(0, len(payers), _PEOPLE):
        deeds: list[tuple[str, str, dict[str, Any]]] = []
        for each in payers[begin : begin + _PEOPLE]:
            deeds.append(("user add", f"user:{each.name}", {"source": "ldap:bench"}))
            deeds.append(("card add", f"user:{each.name}", {}))
        with books.write(first + (last - first) * begin / len(payers)) as tx:
            audit.note_all(tx, deeds, author="web:ada" if begin % 3 else "cli:root")
