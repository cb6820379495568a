"""Asking sites for money back: one open reclaim per account and edge, for one purpose."""

from __future__ import annotations

from datetime import timedelta
from typing import TYPE_CHECKING, Final, Literal

from sqlalchemy import insert, select, update

from broker.messages import Reclaim
from central.store import streams
from central.store.tables import reclaim

if TYPE_CHECKING:
    from uuid import UUID

    from central.store.books import Transaction
    from config.policy.money import Unit

#: Nobody waits for what these bring: they give way to a person's request.
Quiet = Literal["parking", "owed"]
#: A site is quietly asked for an account's money at most this often.
_AGAIN: Final = timedelta(minutes=10)


def ask_back(
    tx: Transaction, site: str, account: str, unit: Unit, up_to: int, request: UUID
) -> None:
    """Ask a site for money that a request needs; there is no open reclaim of it there."""
    _open(tx, site, account, unit, up_to, "request", request)


def ask_quietly(
    tx: Transaction, site: str, account: str, unit: Unit, up_to: int, purpose: Quiet
) -> bool:
    """Ask a site for money that nobody waits for; return whether: not while asked, nor again soon.

    What comes back is collected or parked like all that is free at the centre.
    """
    recent = tx.sql.execute(
        select(reclaim.c.id).where(
            reclaim.c.account == account,
            reclaim.c.unit == unit,
            reclaim.c.node == site,
            (reclaim.c.state == "open")
            | ((reclaim.c.purpose != "request") & (reclaim.c.at > tx.now - _AGAIN)),
        )
    )
    if recent.first() is not None:
        return False
    _open(tx, site, account, unit, up_to, purpose, None)
    return True


def under_way_quietly(
    tx: Transaction, account: str, unit: Unit, sites: frozenset[str]
) -> dict[str, int]:
    """Return what some sites were asked for and nobody waits for, by reclaim; biggest first."""
    rows = tx.sql.execute(
        select(reclaim.c.id, reclaim.c.up_to)
        .where(
            reclaim.c.account == account,
            reclaim.c.unit == unit,
            reclaim.c.state == "open",
            reclaim.c.purpose != "request",
            reclaim.c.node.in_(sites),
        )
        .order_by(reclaim.c.up_to.desc(), reclaim.c.id)
    )
    return dict(rows.all())


def give_to(tx: Transaction, reclaim_id: str, request: UUID) -> None:
    """Let what is under way serve a request that somebody waits for."""
    tx.sql.execute(
        update(reclaim)
        .where(reclaim.c.id == reclaim_id)
        .values(request=str(request), purpose="request")
    )


def _open(
    tx: Transaction,
    site: str,
    account: str,
    unit: Unit,
    up_to: int,
    purpose: str,
    request: UUID | None,
) -> None:
    id_ = tx.mint()
    values = {
        "id": str(id_),
        "account": account,
        "unit": unit,
        "node": site,
        "up_to": up_to,
        "request": None if request is None else str(request),
        "purpose": purpose,
        "state": "open",
        "returned": 0,
        "at": tx.now,
    }
    tx.sql.execute(insert(reclaim).values(**values))
    message = Reclaim(reclaim=id_, account=account, unit=unit, up_to=up_to, request=request)
    streams.append(tx, site, [message])
