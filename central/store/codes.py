"""Courier codes at the centre: issued, fetched for, shown once, and what edges redeemed of them.

A code is a grant (PROTOCOL 3). Its digits are made from its row and the journal's key when they
are shown, and kept nowhere.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any
from uuid import UUID

from sqlalchemy import func, insert, select, update

from broker.messages import CodeMark
from central.store import accounts, adoption, audit, funds, ledger, nodes, recovery
from central.store.courier import lost, ready
from central.store.ledger import CENTRE, Posted, Refused
from central.store.tables import code, courier, location, reclaim, request
from config.policy.courier import NotACode, Purpose, make, step, steps_of
from config.policy.money import Money

if TYPE_CHECKING:
    from collections.abc import Callable
    from datetime import datetime, timedelta

    from sqlalchemy import Row

    from broker.messages import Granted, Redeemed
    from central.store.books import Transaction
    from config.policy.money import Unit


@dataclass(frozen=True, slots=True)
class Wish:
    """What somebody asks a code for."""

    node: str
    """The site's edge."""
    user: str
    """Who will type it."""
    account: str
    """Whose money."""
    money: Money
    """How much."""
    author: str
    """Who asks for it."""


@dataclass(frozen=True, slots=True)
class Waiting:
    """Money is being fetched from other sites; the code is issued when it has come."""

    id: UUID
    """The wish."""


@dataclass(frozen=True, slots=True)
class Issued:
    """The money is posted to the site; true once the transaction has committed."""

    id: UUID
    """The wish."""
    digits: str
    """The code, in groups. A secret: to be shown to who will use it, once."""


def issue(
    tx: Transaction, wish: Wish, linked: frozenset[str], patience: timedelta
) -> Issued | Waiting | Refused:
    """Issue a code, or begin to fetch what is missing for it from sites that are linked."""
    steps = steps_of(wish.money)
    if isinstance(steps, NotACode):
        return Refused(steps.reason)
    known = ready(tx, wish.node)
    if isinstance(known, Refused):
        return known
    if (unfit := _unfit(tx, wish)) is not None:
        return unfit
    id_ = tx.mint()
    values = {
        "id": str(id_),
        "node": wish.node,
        "incarnation": known.incarnation,
        "account": wish.account,
        "unit": wish.money.unit,
        "micros": wish.money.micros,
        "user": wish.user,
        "author": wish.author,
        "at": tx.now,
        "expires_at": tx.now + patience,
        "state": "waiting",
        "detail": "",
    }
    missing = wish.money.micros - _pool(tx, wish.account, wish.money.unit)
    with tx.sql.begin_nested() as savepoint:
        tx.sql.execute(insert(code).values(**values))
        done: Issued | Waiting | Refused
        if missing <= 0:
            done = _issue(tx, str(id_))
        elif _fetch(tx, id_, wish, missing, linked, tx.now + patience):
            done = Waiting(id_)
        else:
            done = _short(tx, wish, missing, linked)
        if isinstance(done, Refused):
            savepoint.rollback()
    return done


def go_on(tx: Transaction, returned: UUID, linked: frozenset[str]) -> frozenset[str]:
    """Issue the code that a reclaim was for, if there is enough now; return whom to wake."""
    row = tx.sql.execute(
        select(code)
        .join(reclaim, reclaim.c.request == code.c.id)
        .where(reclaim.c.id == str(returned), code.c.state == "waiting")
    ).one_or_none()
    if row is None:
        return frozenset()
    if tx.now >= row.expires_at:
        _give_up(tx, row.id, "the other sites did not give the money back in time")
        return frozenset()
    missing = row.micros - _pool(tx, row.account, row.unit)
    if missing <= 0:
        done = _issue(tx, row.id)
        if isinstance(done, Refused):
            _give_up(tx, row.id, done.reason)
            return frozenset()
        return frozenset({row.node})
    under_way = tx.sql.execute(
        select(func.coalesce(func.sum(reclaim.c.up_to), 0)).where(
            reclaim.c.request == row.id, reclaim.c.state == "open"
        )
    ).scalar_one()
    if under_way >= missing:
        return frozenset()
    more = funds.reclaim_for(tx, UUID(row.id), row.node, row.account, row.unit, missing, linked)
    if not more and not under_way:
        _give_up(tx, row.id, "less came back from the other sites than was believed to be there")
    return more


def outcome(tx: Transaction, id_: UUID) -> Issued | Waiting | Refused:
    """Return what became of a wish; the digits of an issued code are made again for it."""
    row = tx.sql.execute(select(code).where(code.c.id == str(id_))).one()
    if row.state == "waiting":
        return Waiting(id_)
    if row.state == "failed":
        return Refused(row.detail)
    return Issued(id_, _digits(tx, row))


def give_up(tx: Transaction, id_: UUID, why: str) -> None:
    """End a wish that nobody waits for any more; one that was granted stays."""
    _give_up(tx, str(id_), why)


def redeemed(
    tx: Transaction, node_id: str, incarnation: UUID, event: Redeemed, seq: int
) -> Refused | None:
    """Note that an edge took a code; one that it cannot have freezes the edge.

    Args:
        tx: a writing transaction.
        node_id: who says so.
        incarnation: its journal.
        event: what it says.
        seq: the event's place in its ledger stream.
    """
    mine = (
        (code.c.node == node_id)
        & (code.c.incarnation == str(incarnation))
        & (code.c.epoch == event.code.epoch)
        & (code.c.number == event.code.index)
    )
    row = tx.sql.execute(select(code).where(mine)).one_or_none()
    name = f"courier code {event.code.epoch}/{event.code.index}"
    if row is None and (why := lost(tx, event.code.epoch)) is not None:
        if recovery.involved(tx, node_id):
            adoption.redeemed(tx, node_id, incarnation, event, seq)
            return None
        return Refused(f"{name} of {Money(event.micros, event.unit)} is not known here: {why}")
    if row is None or (row.account, row.unit, row.micros) != (
        (event.account, event.unit, event.micros)
    ):
        money = Money(event.micros, event.unit)
        reason = f"{name} of {money} for {event.account} was never issued to this edge"
    elif row.state == "redeemed":
        reason = f"{name} was redeemed before, in event {row.redeemed_seq}"
    else:
        known = {"state": "redeemed", "redeemed_seq": seq, "redeemed_at": event.redeemed_at}
        tx.sql.execute(update(code).where(mine).values(**known))
        return None
    nodes.set_state(tx, node_id, "frozen", reason)
    return Refused(reason)


def brought_by(
    tx: Transaction, node_id: str, incarnation: UUID, *, upto: int
) -> Callable[[Granted], bool]:
    """Return what says of a grant whether its code had brought it already.

    Args:
        tx: any transaction.
        node_id: the edge.
        incarnation: its journal.
        upto: as of this event of its ledger stream.
    """
    rows = tx.sql.execute(
        select(code.c.epoch, code.c.number).where(
            code.c.node == node_id,
            code.c.incarnation == str(incarnation),
            code.c.state == "redeemed",
            code.c.redeemed_seq <= upto,
        )
    )
    taken = {(row.epoch, row.number) for row in rows}
    return lambda grant: grant.code is not None and (grant.code.epoch, grant.code.index) in taken


# ── inside ──────────────────────────────────────────────────────────────────────────────────


def _unfit(tx: Transaction, wish: Wish) -> Refused | None:
    """Say why no code can be made for this account."""
    account = accounts.find(tx, wish.account)
    if account is None:
        return Refused(f"there is no account {wish.account}")
    if account.unit != wish.money.unit:
        return Refused(f"{wish.account} is in {account.unit}, not {wish.money.unit}")
    if account.rules.unlimited:
        return Refused(f"{wish.account} has no limit: it covers at every site without a code")
    return accounts.usable(tx, wish.account)


def _issue(tx: Transaction, id_: str) -> Issued | Refused:
    """Post the money, say so to the edge, and give the wish its number: one transaction."""
    row = tx.sql.execute(select(code).where(code.c.id == id_)).one()
    known = ready(tx, row.node)
    if isinstance(known, Refused):
        return known
    if known.incarnation != row.incarnation:
        return Refused(f"{row.node} has begun a new journal meanwhile; ask again")
    mark = CodeMark(epoch=known.epoch, index=known.issued)
    posted = funds.grant(tx, row.node, row.account, row.unit, row.micros, "courier", code=mark)
    if not isinstance(posted, Posted):
        return posted
    mine = (courier.c.node == row.node) & (courier.c.incarnation == row.incarnation)
    tx.sql.execute(update(courier).where(mine).values(issued=known.issued + 1))
    now = {"state": "issued", "epoch": mark.epoch, "number": mark.index, "entry": posted.n}
    tx.sql.execute(update(code).where(code.c.id == id_).values(**now))
    audit.note(
        tx,
        author=row.author,
        act="code issue",
        target=row.account,
        detail={
            "node": row.node,
            "user": row.user,
            "micros": row.micros,
            "unit": row.unit,
            "epoch": mark.epoch,
            "index": mark.index,
        },
    )
    done = tx.sql.execute(select(code).where(code.c.id == id_)).one()
    return Issued(UUID(id_), _digits(tx, done))


def _digits(tx: Transaction, row: Row[Any]) -> str:
    secret = tx.sql.execute(
        select(courier.c.secret).where(
            courier.c.node == row.node, courier.c.incarnation == row.incarnation
        )
    ).scalar_one()
    purpose = Purpose(
        incarnation=UUID(row.incarnation),
        epoch=row.epoch,
        account=row.account,
        unit=row.unit,
        index=row.number,
        steps=row.micros // step(row.unit),
    )
    return make(bytes.fromhex(secret), purpose)


def _fetch(
    tx: Transaction,
    id_: UUID,
    wish: Wish,
    missing: int,
    linked: frozenset[str],
    until: datetime,
) -> bool:
    """Ask linked sites for what is missing, if they have it."""
    values = {
        "corr": str(id_),
        "node": wish.node,
        "account": wish.account,
        "unit": wish.money.unit,
        "asked": wish.money.micros,
        "granted": 0,
        "coming": missing,
        "expires_at": until,
    }
    tx.sql.execute(insert(request).values(**values))
    unit = wish.money.unit
    return bool(funds.reclaim_for(tx, id_, wish.node, wish.account, unit, missing, linked))


def _short(tx: Transaction, wish: Wish, missing: int, linked: frozenset[str]) -> Refused:
    unit = wish.money.unit
    there = [
        f"{Money(micros, unit)} at {place}"
        + ("" if place in linked else " (cut off)" if place != wish.node else " (there already)")
        for place, micros in sorted(ledger.places_of(tx, wish.account, unit).items())
        if place != CENTRE and micros > 0
    ]
    rest = f"elsewhere: {'; '.join(there)}" if there else "there is no more elsewhere"
    here = wish.money.micros - missing
    return Refused(
        f"{wish.account} has {Money(here, unit)} at the centre, {Money(missing, unit)} is missing "
        f"and cannot be fetched; {rest}"
    )


def _pool(tx: Transaction, account: str, unit: Unit) -> int:
    """Return what the centre may still grant of an account; never negative."""
    row = tx.sql.execute(
        select(location.c.micros, location.c.floor).where(
            location.c.account == account, location.c.unit == unit, location.c.place == CENTRE
        )
    ).one_or_none()
    if row is not None:
        return max(0, int(row.micros - (row.floor or 0)))
    known = accounts.find(tx, account)
    return max(0, -known.floor) if known is not None else 0


def _give_up(tx: Transaction, id_: str, why: str) -> None:
    waiting = (code.c.id == id_) & (code.c.state == "waiting")
    tx.sql.execute(update(code).where(waiting).values(state="failed", detail=why))
