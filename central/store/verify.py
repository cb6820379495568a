"""Re-folding the books: every balance, entry, chain, charge and grant, against each other.

Nothing is changed and nothing trusted: what is a cache is computed again, what is hashed is
hashed again. A database may be a forgery as a whole; this finds damage, not a careful forger.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from sqlalchemy import func, select

from broker.codec import EVENT_LIMIT, Received, decode
from broker.messages import Charged, Collected, GaveBack, Granted, Redeemed, Returned
from broker.stream import follows, place, start
from central.store import audit_chain, closures, streams, verify_charges, verify_facts
from central.store.ledger import CENTRE
from central.store.owed import house_of
from central.store.tables import (
    branch_event,
    code,
    entry,
    event,
    location,
    mended,
    posting,
    stream,
)
from central.store.verify_charges import Finding

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from sqlalchemy import ColumnElement

    from broker.messages import Message
    from central.store.books import Transaction
    from central.store.streams import StreamState

#: Events read at once.
_SLICE: Final = 2000
#: States of events that are kept and count for nothing themselves.
_WITHOUT_EFFECT: Final = frozenset({"quarantined", "repaired", "dismissed"})
_MONEY: Final = (Charged, Returned, GaveBack, Granted, Redeemed, Collected)


@dataclass(slots=True)
class Counts:
    """What was looked at."""

    entries: int = 0
    locations: int = 0
    streams: int = 0
    events: int = 0
    quarantined: int = 0
    erased: int = 0
    acts: int = 0


def verify(
    tx: Transaction, counts: Counts, progress: Callable[[int, int], None]
) -> Iterator[Finding]:
    """Check the whole of the books; yield what is wrong as it is found.

    Args:
        tx: a reading transaction: one moment of the books.
        counts: filled in on the way.
        progress: called with (events checked, events in all).
    """
    counts.entries = tx.sql.execute(select(func.count()).select_from(entry)).scalar_one()
    counts.locations = tx.sql.execute(select(func.count()).select_from(location)).scalar_one()
    yield from _zero_sums(tx)
    yield from _balances(tx)
    yield from verify_charges.charges_have_entries(tx)
    yield from verify_charges.debts(tx)
    yield from verify_charges.copies_have_readings(tx)
    yield from verify_facts.figures(tx, lambda *_: None)
    counts.acts = audit_chain.count(tx)
    for broken in audit_chain.check(tx):
        yield Finding("audit", broken.where, broken.detail)
    total = tx.sql.execute(select(func.count()).select_from(event)).scalar_one()
    told: dict[str, set[str]] = {kind.TYPE: set() for kind in _MONEY}
    for row in tx.sql.execute(select(stream).order_by(stream.c.id)).all():
        counts.streams += 1
        state = streams.state_of(row, tx.identity)
        if row.ours == str(tx.identity.incarnation):
            yield from _chain(tx, state, row.direction, told, counts, lambda n: progress(n, total))
    yield from _beside(tx, told)
    if not counts.erased:
        yield from _told(tx, told)


def _zero_sums(tx: Transaction) -> Iterator[Finding]:
    sums = func.sum(posting.c.micros)
    rows = tx.sql.execute(
        select(posting.c.entry, location.c.unit, sums.label("off"))
        .join(location, location.c.id == posting.c.location)
        .group_by(posting.c.entry, location.c.unit)
        .having(sums != 0)
    )
    for row in rows:
        yield Finding("zero-sum", f"entry {row.entry}", f"{row.off} micros of {row.unit} left over")
    empty = tx.sql.execute(
        select(entry.c.n)
        .outerjoin(posting, posting.c.entry == entry.c.n)
        .where(posting.c.entry.is_(None))
    )
    for (n,) in empty:
        yield Finding("zero-sum", f"entry {n}", "it has no postings")


def _balances(tx: Transaction) -> Iterator[Finding]:
    folded = func.coalesce(func.sum(posting.c.micros), 0)
    rows = tx.sql.execute(
        select(location, folded.label("folded"))
        .outerjoin(posting, posting.c.location == location.c.id)
        .group_by(location.c.id)
        .having(folded != location.c.micros)
    )
    for row in rows:
        yield Finding(
            "balance",
            _name(row.account, row.place),
            f"stored {row.micros}, its postings sum to {row.folded} micros of {row.unit}",
        )
    negative = tx.sql.execute(
        select(location).where(location.c.place != CENTRE, location.c.micros < 0)
    )
    for row in negative:
        yield Finding("edge-negative", _name(row.account, row.place), f"{row.micros} {row.unit}")


def _chain(
    tx: Transaction,
    state: StreamState,
    direction: str,
    told: dict[str, set[str]],
    counts: Counts,
    progress: Callable[[int], None],
) -> Iterator[Finding]:
    peer = state.key.sender if direction == "up" else state.key.receiver
    where = f"stream {state.key.name} {direction} of {peer}"
    at, acked = start(state.key), state.acked
    lost = closures.written_off(tx, state.key.sender, state.key.sender_incarnation) is not None
    while True:
        states = _states(tx, state.id, at.seq)
        if not states:
            break
        paid: list[Charged] = []
        for envelope in streams.envelopes(tx, state.id, at.seq + 1, max(states)):
            if not follows(state.key, at, envelope):
                detail = f"event {envelope.seq} does not follow event {at.seq}, or was changed"
                yield Finding("chain", where, detail)
                yield from verify_charges.paid(tx, where, paid)
                return
            at = place(envelope)
            if at.seq == acked.seq and at.hash != acked.hash:
                yield Finding("watermark", where, f"the node confirmed another event {at.seq}")
            if states[envelope.seq] in _WITHOUT_EFFECT:
                counts.quarantined += states[envelope.seq] == "quarantined"
            elif envelope.data is None:
                counts.erased += 1
            else:
                yield from _effect(tx, envelope.data, where, told, paid, lost=lost)
        yield from verify_charges.paid(tx, where, paid)
        counts.events += len(states)
        progress(counts.events)
    if at != state.at:
        yield Finding("watermark", where, f"it says {state.at.seq}, the events end at {at.seq}")
    if direction == "down" and acked.seq > at.seq:
        yield Finding("watermark", where, f"the node confirmed {acked.seq}, there are {at.seq}")


def _states(tx: Transaction, stream_id: int, after: int) -> dict[int, str]:
    rows = tx.sql.execute(
        select(event.c.seq, event.c.state)
        .where(event.c.stream == stream_id, event.c.seq > after)
        .order_by(event.c.seq)
        .limit(_SLICE)
    )
    return dict(rows.all())


def _beside(tx: Transaction, told: dict[str, set[str]]) -> Iterator[Finding]:
    """Check what was booked of events that are in no stream of ours: branches, repairs."""
    branches = select(branch_event.c.node, branch_event.c.data).where(
        branch_event.c.state == "applied"
    )
    for name, data in tx.sql.execute(branches):
        where, paid = f"the branch of {name}", list[Charged]()
        yield from _effect(tx, data, where, told, paid, lost=True)
        yield from verify_charges.paid(tx, where, paid)
    repairs = select(mended.c.stream, mended.c.seq, mended.c.data).where(mended.c.act == "repaired")
    for stream_id, seq, data in tx.sql.execute(repairs):
        where, paid = f"repaired event {stream_id}.{seq}", list[Charged]()
        yield from _effect(tx, data, where, told, paid, lost=False)
        yield from verify_charges.paid(tx, where, paid)


def _moves_money(data: str) -> bool:
    """Say whether an event can be about money; most are not, and reading each takes long."""
    # escaped, a name could hide
    return "\\u" in data or any(kind.TYPE in data for kind in _MONEY)


def _effect(
    tx: Transaction,
    data: str,
    where: str,
    told: dict[str, set[str]],
    paid: list[Charged],
    *,
    lost: bool,
) -> Iterator[Finding]:
    """Check that an event that counts has had its effect, and only that.

    Args:
        tx: a reading transaction.
        data: the event.
        where: for people.
        told: noted there.
        paid: charges are put there, for `verify_charges.paid` to look at many of them at once.
        lost: of a journal that is closed: what it gives back late had gone back before.
    """
    if not _moves_money(data):
        return
    read = decode(data, _MONEY, limit=EVENT_LIMIT)
    if not isinstance(read, Received):
        return
    late = lost and isinstance(read.message, Returned | GaveBack)
    if (movement := _movement(tx, read.message)) is not None:
        told.setdefault(read.message.TYPE, set()).add(movement.name)
        moved = _moved(tx, movement)
        # booked when it came before its journal was closed, and afterwards not at all
        if moved != movement.micros and (moved or not late):
            detail = f"{where} says {abs(movement.micros)} micros, the ledger {abs(moved)}"
            yield Finding(movement.kind, movement.name, detail)
    match read.message:
        case Charged() as charged:
            told[Charged.TYPE].add(str(charged.charge))
            paid.append(charged)
        case Granted() | Redeemed() as named:
            yield from _code(tx, where, named)
        case _:
            pass


@dataclass(frozen=True, slots=True)
class _Movement:
    """What the ledger must have because an event says so."""

    kind: str
    """Of the entry."""
    name: str
    """By which event and entry know each other."""
    which: ColumnElement[bool]
    """The entry."""
    account: str
    micros: int
    """Change of the account; at edges, or at the centre."""
    at_edges: bool = True


def _movement(tx: Transaction, said: Message) -> _Movement | None:
    match said:
        case Granted(grant=id_, account=account, micros=micros):
            return _Movement("grant", str(id_), entry.c.id == str(id_), account, micros)
        case Returned(reclaim=id_, account=account, micros=micros) if micros:
            return _Movement("return", str(id_), entry.c.reference == str(id_), account, -micros)
        case GaveBack(id=id_, account=account, micros=micros):
            return _Movement("gave-back", str(id_), entry.c.id == str(id_), account, -micros)
        case Collected(id=id_, micros=micros):
            which = entry.c.id == str(id_)
            site = tx.sql.execute(select(entry.c.reference).where(which)).scalar_one_or_none()
            house = house_of(site or "")
            return _Movement("collect", str(id_), which, house, micros, at_edges=False)
        case _:
            return None


def _code(tx: Transaction, where: str, said: Granted | Redeemed) -> Iterator[Finding]:
    """Check that the code an event names is in the books, for the same money."""
    if said.code is None:
        return
    query = select(code.c.account, code.c.unit, code.c.micros)
    if isinstance(said, Granted):
        query = query.join(entry, entry.c.n == code.c.entry).where(entry.c.id == str(said.grant))
    else:
        query = query.where(code.c.state == "redeemed")
    mark = said.code.epoch, said.code.index
    rows = tx.sql.execute(query.where(code.c.epoch == mark[0], code.c.number == mark[1]))
    money = said.account, said.unit, said.micros
    if money not in set(map(tuple, rows)):
        yield Finding("code", f"{mark[0]}/{mark[1]}", f"{where}: the books have no such {money}")


def _moved(tx: Transaction, what: _Movement) -> int:
    """Return what an entry changed of an account, at edges or at the centre, in micros."""
    moved = tx.sql.execute(
        select(func.coalesce(func.sum(posting.c.micros), 0))
        .join(entry, entry.c.n == posting.c.entry)
        .join(location, location.c.id == posting.c.location)
        .where(
            entry.c.kind == what.kind,
            what.which,
            (location.c.place != CENTRE) == what.at_edges,
            location.c.account == what.account,
        )
    )
    return int(moved.scalar_one())


def _told(tx: Transaction, told: dict[str, set[str]]) -> Iterator[Finding]:
    """Check that nothing is in the ledger that no event tells of."""
    for kind, column, type_ in (
        ("charge", entry.c.id, Charged.TYPE),
        ("grant", entry.c.id, Granted.TYPE),
        ("return", entry.c.reference, Returned.TYPE),
        ("gave-back", entry.c.id, GaveBack.TYPE),
    ):
        for (id_,) in tx.sql.execute(select(column).where(entry.c.kind == kind)):
            if id_ not in told[type_]:
                yield Finding(kind, id_, "it is in the ledger and no event tells of it")


def _name(account: str, place_: str) -> str:
    return f"{account}@{place_}" if place_ else account
