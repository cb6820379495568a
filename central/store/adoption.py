"""What edges hand back to restored books: grants they had applied, booked from where they can be.

Money is taken from the account at the centre as far as it has it; what is not there any more has
no known source and comes from `suspense:restore`, for a person to look at.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from sqlalchemy import insert, select, update

from broker.codec import EVENT_LIMIT, Received, decode
from broker.messages import Collected, Granted, Reclaim, SetTerms
from broker.stream import place
from broker.topics import STREAMS_DOWN
from central.store import accounts, ledger, recovery, streams, terms
from central.store.ledger import CENTRE, Entry, Line, Posted, Refused
from central.store.tables import (
    adopted_collection,
    adopted_reclaim,
    code,
    event,
    location,
    owed,
    recovery_edge,
)
from config.errors import PrintmeshError

if TYPE_CHECKING:
    from collections.abc import Sequence
    from uuid import UUID

    from broker.messages import Envelope, GaveBack, Message, Redeemed, Returned
    from central.store.books import Transaction
    from central.store.streams import StreamState
    from config.policy.money import Unit


class NotAdopted(PrintmeshError):
    """What an edge handed back cannot be booked; a person has to look at it."""


def adopt(tx: Transaction, state: StreamState, envelopes: Sequence[Envelope]) -> StreamState:
    """Take events of ours back that only the edge still has; they follow our head, verified.

    Raises:
        NotAdopted: one of them cannot be booked; nothing of it must be committed.
    """
    rows = []
    for envelope in envelopes:
        read = decode(envelope.data or "", STREAMS_DOWN["ledger"], limit=EVENT_LIMIT)
        if not isinstance(read, Received):
            # it may have moved money: a newer program wrote it
            raise NotAdopted(f"event {envelope.seq} cannot be read here: {read.reason}")
        _effect(tx, state, read.message)
        rows.append(
            {
                "stream": state.id,
                "seq": envelope.seq,
                "hash": envelope.hash,
                "data": envelope.data,
                "digest": envelope.digest,
                "type": read.message.TYPE,
                "state": "sent",
                "reason": "",
                "at": tx.now,
            }
        )
    tx.sql.execute(insert(event), rows)
    streams.advance(tx, state, place(envelopes[-1]))
    tx.sql.execute(
        update(recovery_edge)
        .where(recovery_edge.c.node == state.key.receiver)
        .values(adopted=recovery_edge.c.adopted + len(rows))
    )
    return streams.find(tx, state.id)


def redeemed(tx: Transaction, node_id: str, incarnation: UUID, said: Redeemed, seq: int) -> None:
    """Book a courier code that these books have forgotten and an edge has accepted.

    Raises:
        NotAdopted: it cannot be booked.
    """
    what = Entry(
        tx.mint(), "recovered", reference=node_id, note=said.account, author=tx.identity.node
    )
    posted = _to_edge(tx, what, said.account, said.unit, said.micros)
    known = {"state": "redeemed", "redeemed_seq": seq, "redeemed_at": said.redeemed_at}
    _know_code(tx, node_id, incarnation, said, posted.n, {"id": str(what.id), **known})


def came_again(tx: Transaction, node_id: str, seq: int, said: Returned | GaveBack) -> int:
    """Give suspense back what the lost books had passed on; return how much, in micros.

    What an edge had returned to them, they may have granted elsewhere; that grant, handed back
    first, found nothing on the account, and suspense paid it. So this comes before whoever waits
    for the money: it was theirs once already.

    Args:
        tx: a writing transaction, in which `said` has been booked.
        node_id: the edge.
        seq: of the event in its stream.
        said: what it gave back.
    """
    if seq > recovery.known_upto(tx, node_id):
        return 0
    owing = recovery.from_suspense(tx, said.account)
    advanced = next((each.micros for each in owing if each.unit == said.unit), 0)
    back = min(said.micros, advanced, _free(tx, said.account, said.unit))
    if back > 0:
        what = Entry(tx.mint(), "recovered", reference=node_id, note=said.account, author=node_id)
        lines = [
            Line(said.account, CENTRE, said.unit, -back),
            Line(recovery.SUSPENSE, CENTRE, said.unit, back),
        ]
        ledger.post(tx, what, lines)
    return max(0, back)


def take_back(tx: Transaction, node_id: str, returned: Returned) -> Refused | None:
    """Book the answer to a reclaim that only the edge's copy of our stream told of."""
    row = tx.sql.execute(
        select(adopted_reclaim).where(
            adopted_reclaim.c.id == str(returned.reclaim), adopted_reclaim.c.node == node_id
        )
    ).one_or_none()
    if row is None:
        return Refused(f"reclaim {returned.reclaim} was never sent to {node_id}")
    if row.answered:
        return Refused(f"reclaim {returned.reclaim} was answered before")
    if (row.account, row.unit) != (returned.account, returned.unit):
        return Refused(f"reclaim {returned.reclaim} is for {row.account} in {row.unit}")
    if returned.micros > row.up_to:
        return Refused(f"{returned.micros} micros came back, {row.up_to} were asked for")
    tx.sql.execute(
        update(adopted_reclaim)
        .where(adopted_reclaim.c.id == str(returned.reclaim))
        .values(answered=True)
    )
    if not returned.micros:
        return None
    posted = ledger.post(
        tx,
        Entry(tx.mint(), "return", reference=str(returned.reclaim), author=node_id),
        [
            Line(row.account, node_id, row.unit, -returned.micros),
            Line(row.account, CENTRE, row.unit, returned.micros),
        ],
    )
    return posted if isinstance(posted, Refused) else None


# ── inside ──────────────────────────────────────────────────────────────────────────────────


def _effect(tx: Transaction, state: StreamState, message: Message) -> None:
    node_id, author = state.key.receiver, tx.identity.node
    match message:
        case Granted() as granted:
            what = Entry(
                granted.grant, "grant", reference=node_id, note=granted.account, author=author
            )
            posted = _to_edge(tx, what, granted.account, granted.unit, granted.micros)
            if granted.code is not None:
                incarnation = state.key.receiver_incarnation
                fields = {"id": str(granted.grant), "state": "issued"}
                _know_code(tx, node_id, incarnation, granted, posted.n, fields)
        case Collected() as collected:
            _collect(tx, node_id, collected)
        case SetTerms() as told:
            terms.adopt(tx, node_id, state.key.receiver_incarnation, told)
        case Reclaim() as asked:
            # answered in the edge's own stream, which comes again
            values = {
                "id": str(asked.reclaim),
                "node": node_id,
                "account": asked.account,
                "unit": asked.unit,
                "up_to": asked.up_to,
                "answered": False,
            }
            tx.sql.execute(insert(adopted_reclaim).values(**values))
        case _:
            pass  # history: it moves no money


def _to_edge(tx: Transaction, what: Entry, account: str, unit: Unit, micros: int) -> Posted:
    return _post(tx, what, Line(account, what.reference, unit, micros), account)


def _post(tx: Transaction, what: Entry, to: Line, account: str) -> Posted:
    """Post a sum: from the account as far as it has it, the rest from suspense."""
    if accounts.find(tx, account) is None:
        # opened after the backup was made
        refused = accounts.put(tx, account, to.unit, floor=0, enabled=True)
        if refused is not None:
            raise NotAdopted(f"{account} of {what.kind} {what.id}: {refused.reason}")
    own = min(to.micros, _free(tx, account, to.unit))
    lines = [to]
    lines += [Line(account, CENTRE, to.unit, -own)] if own else []
    rest = own - to.micros
    lines += [Line(recovery.SUSPENSE, CENTRE, to.unit, rest)] if rest else []
    posted = ledger.post(tx, what, lines)
    if isinstance(posted, Refused):
        raise NotAdopted(f"{what.kind} {what.id}: {posted.reason}")
    return posted


def _free(tx: Transaction, account: str, unit: Unit) -> int:
    here = tx.sql.execute(
        select(location.c.micros, location.c.floor).where(
            location.c.account == account, location.c.unit == unit, location.c.place == CENTRE
        )
    ).one_or_none()
    return 0 if here is None else max(0, here.micros - (here.floor or 0))


def _collect(tx: Transaction, node_id: str, said: Collected) -> None:
    """Book a collection again; debts it was for are paid, those not known yet when they come."""
    what = Entry(said.id, "collect", reference=node_id, note=said.account, author=tx.identity.node)
    _post(tx, what, Line(f"uncovered:{node_id}", CENTRE, said.unit, said.micros), said.account)
    left = said.micros
    open_ = (
        (owed.c.node == node_id)
        & (owed.c.account == said.account)
        & (owed.c.unit == said.unit)
        & (owed.c.collected < owed.c.micros)
    )
    for row in tx.sql.execute(select(owed).where(open_).order_by(owed.c.charge)).all():
        part = min(left, row.micros - row.collected)
        left -= part
        same = (owed.c.charge == row.charge) & (owed.c.account == row.account)
        tx.sql.execute(
            update(owed)
            .where(same, owed.c.unit == row.unit)
            .values(collected=owed.c.collected + part)
        )
    values = {"id": str(said.id), "node": node_id, "account": said.account, "unit": said.unit}
    tx.sql.execute(insert(adopted_collection).values(**values, micros=left))


def _know_code(
    tx: Transaction,
    node_id: str,
    incarnation: UUID,
    said: Granted | Redeemed,
    n: int,
    fields: dict[str, Any],
) -> None:
    """Remember a code as if it had been issued here, so that nothing credits it twice."""
    assert said.code is not None  # noqa: S101  the caller looked
    values = {
        "node": node_id,
        "incarnation": str(incarnation),
        "account": said.account,
        "unit": said.unit,
        "micros": said.micros,
        "user": "",
        "author": "restore",
        "at": tx.now,
        "expires_at": tx.now,
        "detail": "",
        "epoch": said.code.epoch,
        "number": said.code.index,
        "entry": n,
    }
    tx.sql.execute(insert(code).values(**values, **fields))
