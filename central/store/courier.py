"""Courier keys and epochs of edges: minted and moved on when an edge is met.

An epoch of codes is void at the edge as soon as the next one has come: the contact is the expiry,
and no clock. Codes are issued under the one that the edge has confirmed last.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final

from sqlalchemy import insert, select, update

from broker.messages import CodesFrom
from central.store import nodes, recovery, streams
from central.store.ledger import Refused
from central.store.tables import courier, standing
from config.policy.courier import INDEXES, KEY_BYTES
from config.policy.roles import ROLES

if TYPE_CHECKING:
    from collections.abc import Callable

    from sqlalchemy import Row

    from broker.messages import Birth, Position
    from central.store.books import Transaction

#: Codes travel only to nodes that speak this wire, or a newer one.
_WIRE: Final = 2
#: An epoch of codes begins with the books' own epoch: after a restore no earlier one comes again.
_WITHIN: Final = 32


@dataclass(frozen=True, slots=True)
class Contact:
    """What an edge is told of codes when it is met."""

    secret: str
    """Its key, in hexadecimal."""
    grown: bool
    """Its stream has a new epoch in it."""


def contact(
    tx: Transaction, node_id: str, birth: Birth, acked: Position, dice: Callable[[int], bytes]
) -> Contact | None:
    """Note that an edge is met: codes made before are void as soon as it hears of it.

    Args:
        tx: a writing transaction.
        node_id: the edge.
        birth: accepted.
        acked: what it has confirmed of its stream.
        dice: for the key of a journal that is met for the first time.
    """
    mine = (courier.c.node == node_id) & (courier.c.incarnation == str(birth.incarnation))
    if birth.wire < _WIRE:
        unheard = {"epoch": None, "next_epoch": None, "next_seq": None}
        tx.sql.execute(update(courier).where(mine).values(**unheard))
        return None
    row = tx.sql.execute(select(courier).where(mine)).one_or_none()
    if row is None:
        secret = dice(KEY_BYTES).hex()
        values = {"node": node_id, "incarnation": str(birth.incarnation), "secret": secret}
        tx.sql.execute(insert(courier).values(**values, issued=0))
        row = tx.sql.execute(select(courier).where(mine)).one()
    row = _confirmed(tx, row, acked.seq)
    if row.next_seq is not None and _books_epoch(row.next_epoch) == tx.identity.epoch:
        return Contact(row.secret, grown=False)  # it is on its way: this contact brings it
    newest = max(row.epoch or 0, row.next_epoch or 0, tx.identity.epoch << _WITHIN)
    state = streams.append(tx, node_id, [CodesFrom(epoch=newest + 1)])
    sent: dict[str, Any] = {"next_epoch": newest + 1, "next_seq": state.at.seq}
    if row.epoch is not None and _books_epoch(row.epoch) != tx.identity.epoch:
        sent |= {"epoch": None}  # issued by books that may have gone on elsewhere
    tx.sql.execute(update(courier).where(mine).values(**sent))
    return Contact(row.secret, grown=True)


def ready(  # noqa: PLR0911  one a reason
    tx: Transaction, node_id: str
) -> Row[Any] | Refused:
    """Return the site's key and epoch, if it can take codes."""
    known = nodes.find(tx, node_id)
    if known is None:
        return Refused(f"there is no site {node_id}")
    if known.kind != "edge":
        return Refused(f"{node_id} is a {known.kind}, it has no money")
    if known.state != "active":
        return Refused(f"{node_id} is {known.state} and gets no money: {known.reason}")
    if (why := recovery.closed(tx)) is not None:
        return Refused(f"{why}; no codes are issued")
    if not any(role.standing for name, role in ROLES.items() if name == known.role):
        return Refused(f"{node_id} is an {known.role}: it keeps no money, so no code can bring it")
    if known.incarnation is None:
        return Refused(f"{node_id} has never been met, so it has no key to check a code with")
    row = tx.sql.execute(
        select(courier).where(
            courier.c.node == node_id, courier.c.incarnation == str(known.incarnation)
        )
    ).one_or_none()
    if row is None or (row.epoch is None and row.next_epoch is None):
        return Refused(
            f"{node_id} does not know courier codes as of when it was last met; bring its "
            "program up to date and let it meet the centre once"
        )
    down = streams.open_stream(tx, node_id, known.incarnation, "down", "ledger")
    row = _confirmed(tx, row, down.acked.seq)
    if row.epoch is None or _books_epoch(row.epoch) != tx.identity.epoch:
        return Refused(
            f"{node_id} has not confirmed that it takes codes of these books; it does when it is "
            "met, so try again in a moment, or when its line is back"
        )
    if row.issued >= INDEXES:
        return Refused(
            f"{INDEXES} codes were issued since {node_id} was last met; there is no more room"
        )
    return row


def _confirmed(tx: Transaction, row: Row[Any], acked: int) -> Row[Any]:
    """Go on to the epoch that was sent, if the edge has confirmed it."""
    if row.next_seq is None or row.next_seq > acked:
        return row
    mine = (courier.c.node == row.node) & (courier.c.incarnation == row.incarnation)
    now = {"epoch": row.next_epoch, "issued": 0, "next_epoch": None, "next_seq": None}
    tx.sql.execute(update(courier).where(mine).values(**now))
    return tx.sql.execute(select(courier).where(mine)).one()


def lost(tx: Transaction, epoch: int) -> str | None:
    """Say why a code may be real though it is not known here; None: it cannot be."""
    if _recovering(tx):
        return "these books are being recovered"
    if _books_epoch(epoch) < tx.identity.epoch:
        return "it is from before these books were restored"
    return None


def _recovering(tx: Transaction) -> bool:
    return tx.sql.execute(select(standing.c.mode)).scalar_one_or_none() == "recovery"


def _books_epoch(epoch: int) -> int:
    return epoch >> _WITHIN
