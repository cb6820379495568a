"""Charges of closed journals: booked as ever, but the house pays what nothing is there for.

The house's part is an entry of its own beside the charge, so a charge looks the same whoever paid:
`loss:fork` after a fork; `suspense:NODE`, and beyond it `loss:writeoff`, after a write-off. The
person is never charged for the loss.
"""

from __future__ import annotations

from collections import defaultdict
from typing import TYPE_CHECKING

from sqlalchemy import select, update

from central.charging import Booked, Unbookable
from central.store import charges, closures, ledger, nodes
from central.store.ledger import CENTRE, Entry, Line, Posted
from central.store.owed import house_of
from central.store.tables import charge as charge_table
from central.store.tables import owed

if TYPE_CHECKING:
    from collections.abc import Sequence

    from broker.messages import Charged
    from central.charging import Verdict
    from central.store.books import Transaction
    from central.store.closures import Closure
    from config.policy.money import Unit

LOSS_FORK = "loss:fork"
LOSS_WRITEOFF = "loss:writeoff"


def suspense_of(node_id: str) -> str:
    """Return where the house keeps what it took over with a lost journal."""
    return f"suspense:{node_id}"


def book(tx: Transaction, closed: Closure, some: Sequence[Charged]) -> list[Verdict]:
    """Book charges of a closed journal, each by itself; say what became of each."""
    return [_one(tx, closed, charged) for charged in some]


def _one(tx: Transaction, closed: Closure, charged: Charged) -> Verdict:
    known = tx.sql.execute(
        select(charge_table.c.charge).where(charge_table.c.charge == str(charged.charge))
    ).first()
    with tx.sql.begin_nested() as savepoint:
        if known is None and all(posting.micros >= 0 for posting in charged.postings):
            _cover(tx, closed, charged)
        verdict = charges.book(tx, closed.node, [charged], closed.incarnation)[0]
        if isinstance(verdict, Unbookable):
            savepoint.rollback()
    if isinstance(verdict, Booked) and closed.kind == "write-off":
        _forgive(tx, closed, charged, verdict)
    if isinstance(verdict, Booked):
        at = closures.find(tx, closed.node, closed.incarnation) or closed
        at = closures.count(tx, at, "charges", 1)
        for _, unit, micros in (*verdict.takes, *verdict.counted, *verdict.owes):
            at = closures.add_sum(tx, at, "booked", unit, micros)
    return verdict


def _cover(tx: Transaction, closed: Closure, charged: Charged) -> None:
    """Put at the edge what a charge needs and what is not there for this journal."""
    needed: defaultdict[tuple[str, Unit], int] = defaultdict(int)
    for posting in charged.postings:
        if posting.covered_by == "allocation":
            needed[posting.account, posting.unit] += posting.micros
    known = nodes.find(tx, closed.node)
    # what is there now may be a later journal's: then this one has nothing
    mine = not closed.returned and known is not None and known.incarnation == closed.incarnation
    here = ledger.at_place(tx, closed.node, {account for account, _ in needed}) if mine else {}
    for (account, unit), micros in needed.items():
        there = here.get((account, unit))
        short = micros - (max(0, there.micros) if there else 0)
        if short > 0:
            _pay(tx, closed, charged, Line(account, closed.node, unit, short))


def _forgive(tx: Transaction, closed: Closure, charged: Charged, booked: Booked) -> None:
    """Let the house pay what was charged past the allocation at a journal that is written off."""
    for account, unit, micros in booked.owes:
        _pay(tx, closed, charged, Line(house_of(closed.node), CENTRE, unit, micros))
        tx.sql.execute(
            update(owed)
            .where(
                owed.c.charge == str(charged.charge),
                owed.c.account == account,
                owed.c.unit == unit,
            )
            .values(collected=owed.c.micros)
        )


def _pay(tx: Transaction, closed: Closure, charged: Charged, to: Line) -> None:
    """Post the house's part of a charge."""
    at = closures.find(tx, closed.node, closed.incarnation) or closed
    lines, loss = [to], to.micros
    if at.kind == "write-off":
        part = min(loss, at.remains.get(to.unit, 0))
        loss -= part
        if part:
            lines.append(Line(suspense_of(at.node), CENTRE, to.unit, -part))
            remains = {**at.remains, to.unit: at.remains[to.unit] - part}
            at = closures.change(tx, at, remains=remains)
    if loss:
        source = LOSS_FORK if at.kind == "fork" else LOSS_WRITEOFF
        lines.append(Line(source, CENTRE, to.unit, -loss))
        closures.add_sum(tx, at, "loss", to.unit, loss)
    posted = ledger.post(
        tx,
        Entry(
            tx.mint(),
            f"{at.kind}-cover",
            reference=str(charged.job),
            note=str(charged.charge),
            author=tx.identity.node,
        ),
        lines,
    )
    if not isinstance(posted, Posted):
        # an account that is not known: the charge itself is refused next, and this with it
        return
