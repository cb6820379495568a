"""What an edge's books should say, worked out from the centre's at the same moment (PROTOCOL 3).

`central(a@e) = edge(a@e) + grants not yet applied there - codes redeemed whose grant is not yet
applied there + charges and returns not yet applied here + quarantined ones`; solved for the edge.
"""

from __future__ import annotations

from collections import defaultdict
from dataclasses import dataclass
from hashlib import sha256
from typing import TYPE_CHECKING, TypeAlias

from sqlalchemy import or_, select

from broker.codec import EVENT_LIMIT, Received, decode
from broker.messages import Charged, EdgeDigest, GaveBack, Granted, Redeemed, Returned
from central.store import codes, nodes, streams
from central.store.tables import event, stream

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping
    from uuid import UUID

    from broker.messages import Message
    from central.store.books import Transaction

#: (account, unit) → micros; nothing that is zero.
Balances: TypeAlias = "dict[tuple[str, str], int]"


@dataclass(frozen=True, slots=True)
class Expected:
    """The edge's balances as the centre works them out."""

    balances: Balances
    trouble: str | None
    """The chains themselves disagree."""


@dataclass(frozen=True, slots=True)
class NotYet:
    """The centre has not taken in what the edge speaks of; ask again."""

    applied: int
    """As far as it has."""


def expected(tx: Transaction, node: str, incarnation: UUID, told: EdgeDigest) -> Expected | NotYet:
    """Work out what the edge had when it made this digest."""
    up = streams.open_stream(tx, node, incarnation, "up", "ledger")
    down = streams.open_stream(tx, node, incarnation, "down", "ledger")
    if up.at.seq < told.up.seq:
        return NotYet(up.at.seq)
    balances: defaultdict[tuple[str, str], int] = defaultdict(int)
    for account, unit, micros in nodes.money_at(tx, node):
        balances[account, unit] += micros
    brought = codes.brought_by(tx, node, incarnation, upto=told.up.seq)
    for message in _events(tx, down.id, told.down.seq, only_quarantined=False):
        if isinstance(message, Granted) and not brought(message):
            balances[message.account, message.unit] -= message.micros
    for message in _events(tx, up.id, told.up.seq, only_quarantined=False):
        _add(balances, message, +1)
    for message in _events(tx, up.id, 0, only_quarantined=True, last=told.up.seq):
        _add(balances, message, -1)
    trouble = None
    for name, state, theirs in (("up", up, told.up), ("down", down, told.down)):
        ours = state.at.hash if theirs.seq == state.at.seq else None
        ours = ours or streams.hash_at(tx, state.id, theirs.seq)
        if theirs.seq and ours != theirs.hash:
            trouble = f"its ledger stream {name} has another event {theirs.seq} than ours"
    return Expected({key: micros for key, micros in balances.items() if micros}, trouble)


def digest_of(balances: Mapping[tuple[str, str], int]) -> str:
    """Return the digest of balances as edges make it."""
    whole = sha256()
    for (account, unit), micros in sorted(balances.items()):
        whole.update(f"{account} {unit} {micros}\n".encode())
    return whole.hexdigest()


def part_of(account: str) -> int:
    """Return which 1/256 of the accounts this one is in."""
    return sha256(account.encode()).digest()[0]


def _events(
    tx: Transaction, stream_id: int, after: int, *, only_quarantined: bool, last: int | None = None
) -> Iterator[Message]:
    query = (
        select(event.c.data)
        .join(stream, stream.c.id == event.c.stream)
        .where(event.c.stream == stream_id, event.c.seq > after, event.c.data.is_not(None))
        .order_by(event.c.seq)
    )
    if only_quarantined:
        query = query.where(event.c.state == "quarantined", event.c.seq <= last)
    else:
        query = query.where(or_(event.c.state == "applied", event.c.state == "sent"))
    for (data,) in tx.sql.execute(query):
        read = decode(data, (Charged, Returned, GaveBack, Granted, Redeemed), limit=EVENT_LIMIT)
        if isinstance(read, Received):
            yield read.message


def _add(balances: defaultdict[tuple[str, str], int], message: Message, sign: int) -> None:
    """Undo (+1) or do (-1) what an event took from the edge."""
    match message:
        case Charged(postings=postings):
            for line in postings:
                if line.covered_by == "allocation":
                    balances[line.account, line.unit] += sign * line.micros
        case (
            Returned(account=account, unit=unit, micros=micros)
            | GaveBack(account=account, unit=unit, micros=micros)
        ):
            balances[account, unit] += sign * micros
        case Redeemed(account=account, unit=unit, micros=micros) if sign < 0:
            balances[account, unit] += micros  # it has credited what was never posted
        case _:
            pass
