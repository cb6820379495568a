"""The grant: the one way money gets to a site, posted and told in one transaction."""

from __future__ import annotations

from typing import TYPE_CHECKING, Literal, TypeAlias

from broker.messages import Granted
from central.store import accounts, ledger, recovery, streams
from central.store.ledger import CENTRE, Entry, Line, Posted, Refused

if TYPE_CHECKING:
    from uuid import UUID

    from broker.messages import CodeMark
    from central.store.books import Transaction
    from config.policy.money import Unit

Reason: TypeAlias = Literal["parked", "requested", "reclaimed", "courier"]


def grant(
    tx: Transaction,
    node_id: str,
    account: str,
    unit: Unit,
    micros: int,
    reason: Reason,
    asked_by: UUID | None = None,
    *,
    job: UUID | None = None,
    code: CodeMark | None = None,
) -> Posted | Refused:
    """Move money from the centre to an edge and tell it, in this transaction.

    Args:
        tx: a writing transaction.
        node_id: the edge.
        account: whose money.
        unit: its unit.
        micros: how much.
        reason: why.
        asked_by: the funds request it answers.
        job: it is for this job only.
        code: the courier code that brings it.
    """
    if (refused := accounts.usable(tx, account)) is not None:
        return refused
    if (why := recovery.closed(tx)) is not None:
        return Refused(why)
    id_ = tx.mint()
    posted = ledger.post(
        tx,
        Entry(id_, "grant", reference=node_id, note=reason, author=tx.identity.node),
        [Line(account, CENTRE, unit, -micros), Line(account, node_id, unit, micros)],
    )
    if isinstance(posted, Posted):
        message = Granted(
            grant=id_,
            account=account,
            unit=unit,
            micros=micros,
            reason=reason,
            request=asked_by,
            job=job,
            code=code,
        )
        streams.append(tx, node_id, [message])
    return posted
