"""What edges hand back to restored books: grants they had applied, booked from where they can be.

Money is taken from the account at the centre as far as it has it; what is not there any more has
no known source and comes from `suspense:restore`, for a person to look at.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from sqlalchemy import insert, select, update

from broker.codec import EVENT_LIMIT, Received, decode
from broker.messages import Granted, Reclaim
from broker.stream import place
from broker.topics import STREAMS_DOWN
from central.store import accounts, ledger, streams
from central.store.ledger import CENTRE, Entry, Line, Posted, Refused
from central.store.recovery import SUSPENSE
from central.store.tables import adopted_reclaim, code, event, location, recovery_edge
from config.errors import PrintmeshError

if TYPE_CHECKING:
    from collections.abc import Sequence
    from uuid import UUID

    from broker.messages import Envelope, Message, Redeemed, Returned
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
        message = read.message if isinstance(read, Received) else None
        _effect(tx, state, message)
        rows.append(
            {
                "stream": state.id,
                "seq": envelope.seq,
                "hash": envelope.hash,
                "data": envelope.data,
                "digest": envelope.digest,
                "type": "" if message is None else message.TYPE,
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


def redeemed(tx: Transaction, node_id: str, event_: Redeemed) -> None:
    """Book a courier code that these books have forgotten and an edge has accepted.

    Raises:
        NotAdopted: it cannot be booked.
    """
    what = Entry(
        tx.mint(), "recovered", reference=node_id, note="courier code", author=tx.identity.node
    )
    _source(tx, what, event_.account, event_.unit, event_.micros)


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


def _effect(tx: Transaction, state: StreamState, message: Message | None) -> None:
    node_id = state.key.receiver
    match message:
        case Granted() as granted:
            note = f"recovered: {granted.reason}"
            author = tx.identity.node
            what = Entry(granted.grant, "grant", reference=node_id, note=note, author=author)
            posted = _source(tx, what, granted.account, granted.unit, granted.micros)
            if granted.code is not None:
                _know_code(tx, node_id, state.key.receiver_incarnation, granted, posted)
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
            pass  # history: it moves no money at the edge


def _source(tx: Transaction, what: Entry, account: str, unit: Unit, micros: int) -> Posted:
    """Post money to an edge: from the account as far as it has it, the rest from suspense."""
    if accounts.find(tx, account) is None:
        # opened after the backup was made
        refused = accounts.put(tx, account, unit, floor=0, enabled=True)
        if refused is not None:
            raise NotAdopted(f"{account} of grant {what.id}: {refused.reason}")
    here = tx.sql.execute(
        select(location.c.micros, location.c.floor).where(
            location.c.account == account, location.c.unit == unit, location.c.place == CENTRE
        )
    ).one_or_none()
    free = 0 if here is None else max(0, here.micros - (here.floor or 0))
    own = min(micros, free)
    lines = [Line(account, what.reference, unit, micros)]
    lines += [Line(account, CENTRE, unit, -own)] if own else []
    lines += [Line(SUSPENSE, CENTRE, unit, own - micros)] if own < micros else []
    posted = ledger.post(tx, what, lines)
    if isinstance(posted, Refused):
        raise NotAdopted(f"grant {what.id}: {posted.reason}")
    return posted


def _know_code(
    tx: Transaction, node_id: str, incarnation: UUID, granted: Granted, posted: Posted
) -> None:
    """Remember the code that a grant came for, so that redeeming it credits nothing twice."""
    assert granted.code is not None  # noqa: S101  the caller looked
    values = {
        "id": str(granted.grant),
        "node": node_id,
        "incarnation": str(incarnation),
        "account": granted.account,
        "unit": granted.unit,
        "micros": granted.micros,
        "user": "",
        "author": "restore",
        "at": tx.now,
        "expires_at": tx.now,
        "state": "issued",
        "detail": "",
        "epoch": granted.code.epoch,
        "number": granted.code.index,
        "entry": posted.n,
    }
    tx.sql.execute(insert(code).values(**values))
