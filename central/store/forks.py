"""Both branches of a forked journal: the edge's is kept beside ours, and their union is booked.

Ours is what was applied. The edge's begins behind the last event that both have; a job's attempt
is one, whichever branch tells of it.
"""

from __future__ import annotations

import json
from contextlib import suppress
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final, Never, TypeAlias

from sqlalchemy import delete, func, insert, select, update

from broker.codec import EVENT_LIMIT, Received, decode
from broker.messages import (
    CardEnrolled,
    Charged,
    MetersRead,
    OperatorLooked,
    Position,
    Redeemed,
)
from broker.stream import follows, place, start
from broker.topics import STREAMS_UP
from central.charging import Unbookable
from central.job_fold import JOB_EVENTS
from central.store import (
    card_enrolment,
    closures,
    codes,
    jobs,
    late,
    ledger,
    looks,
    meters,
    streams,
)
from central.store.ledger import CENTRE, Entry, Line, Refused
from central.store.tables import branch_event, charge, job, location, node
from central.store.writeoff import stop_asking

if TYPE_CHECKING:
    from collections.abc import Mapping

    from broker.messages import Envelope, Message, ReportedEvents, StreamName
    from central.job_fold import JobEvent
    from central.store.books import Books, Transaction
    from central.store.closures import Closure
    from central.store.streams import StreamState

#: Events, and accounts, that one transaction deals with.
AT_ONCE: Final = 100
#: Streams up in the order in which they are collected and booked: money first.
NAMES: Final[tuple[StreamName, ...]] = ("ledger", "jobs")


@dataclass(frozen=True, slots=True)
class More:
    """A page was kept; the edge has more behind `after`."""

    after: int


@dataclass(frozen=True, slots=True)
class Whole:
    """All that the edge has is here."""


@dataclass(frozen=True, slots=True)
class Foreign:
    """What the edge reports does not join what is here."""

    reason: str


Kept: TypeAlias = More | Whole | Foreign


@dataclass(frozen=True, slots=True)
class Branches:
    """Where two branches of one stream part."""

    name: StreamName
    common: int
    """The last event that both have, as far as is known."""
    ours: int
    """Where ours ends."""
    theirs: int
    """Where the edge's ends, as far as it was collected."""


# ── collecting the edge's branch ────────────────────────────────────────────────────────────


def after(tx: Transaction, closed: Closure, name: StreamName) -> int:
    """Return behind which event the edge's branch is to be asked for next."""
    seen = closed.heads.get(_seen(name))
    return seen if seen is not None else _common(tx, closed, name).seq


def keep(tx: Transaction, closed: Closure, told: ReportedEvents) -> Kept:
    """Keep a page of the edge's branch, verified against its chain; a page may come again."""
    name, ours = told.stream, _ours(tx, closed, told.stream)
    asked = after(tx, closed, name)
    if told.head.seq <= asked:
        return _end(tx, closed, told.head, ours)
    news = [envelope for envelope in told.events if envelope.seq > asked]
    if not news:
        return Foreign(f"it no longer keeps what followed its {name} event {asked}")
    at = _place(tx, closed, name, asked)
    rows = []
    for envelope in news:
        if envelope.data is None or not follows(ours.key, at, envelope):
            return Foreign(f"its {name} event {envelope.seq} does not follow event {at.seq}")
        at = place(envelope)
        rows.append(_row(tx, closed, ours, envelope))
    if kept := [row for row in rows if row is not None]:
        tx.sql.execute(insert(branch_event), kept)
    closures.change(tx, closed, heads={**closed.heads, _seen(name): at.seq})
    return Whole() if at.seq >= told.head.seq else More(at.seq)


def forget(tx: Transaction, closed: Closure) -> Closure:
    """Forget what was collected and not booked: it is to be collected from the beginning."""
    tx.sql.execute(delete(branch_event).where(*_mine(closed), branch_event.c.state == "kept"))
    heads = {key: seq for key, seq in closed.heads.items() if not key.startswith("seen ")}
    return closures.change(tx, closed, heads=heads)


def _end(tx: Transaction, closed: Closure, head: Position, ours: StreamState) -> Kept:
    """Take the end of the report; a journal rolled back once more loses what it had told."""
    held = _place(tx, closed, ours.key.name, head.seq) if head.seq <= ours.at.seq else None
    if held is not None and held.hash != head.hash:
        # the common part ends earlier than was thought
        return Foreign(f"its {ours.key.name} event {head.seq} is another than ours")
    return Whole()


def branches(tx: Transaction, closed: Closure) -> list[Branches]:
    """Return where the branches part, for each stream."""
    found = []
    for name in NAMES:
        first, last = tx.sql.execute(
            select(func.min(branch_event.c.seq), func.max(branch_event.c.seq)).where(
                *_mine(closed), branch_event.c.name == name
            )
        ).one()
        ours = _ours(tx, closed, name).at.seq
        common = min(_common(tx, closed, name, furthest=True).seq, ours)
        if first is not None:
            common = min(first - 1, ours)
        found.append(Branches(name, common, ours, common if last is None else last))
    return found


# ── booking their union ─────────────────────────────────────────────────────────────────────


def book_slice(tx: Transaction, closed: Closure) -> bool:
    """Book the next events of the edge's branch; return whether there may be more."""
    rows = tx.sql.execute(
        select(branch_event)
        .where(*_mine(closed), branch_event.c.state == "kept")
        .order_by(branch_event.c.name.desc(), branch_event.c.seq)  # the ledger, then the jobs
        .limit(AT_ONCE)
    ).all()
    for row in rows:
        read = decode(row.data, STREAMS_UP[row.name], limit=EVENT_LIMIT)
        if isinstance(read, Received):
            state, reason = _effect(tx, closed, read.message, row.seq)
        else:
            state, reason = "quarantined", read.reason
        mine = (*_mine(closed), branch_event.c.name == row.name, branch_event.c.seq == row.seq)
        tx.sql.execute(
            update(branch_event).where(*mine).values(state=state, reason=reason[:1000], at=tx.now)
        )
        if state != "applied":
            at = closures.find(tx, closed.node, closed.incarnation) or closed
            closures.count(tx, at, state, 1)
    return bool(rows)


def return_slice(tx: Transaction, closed: Closure) -> bool:
    """Give the next accounts back what is left of theirs at the edge; say if there may be more."""
    if closed.returned:
        return False
    known = tx.sql.execute(select(node.c.incarnation).where(node.c.id == closed.node)).scalar()
    if known != str(closed.incarnation):
        # what sits there belongs to the journal that came in its place
        closures.change(tx, closed, returned=True)
        return False
    there = tx.sql.execute(
        select(location.c.account, location.c.unit, location.c.micros)
        .where(location.c.place == closed.node, location.c.micros > 0)
        .order_by(location.c.account, location.c.unit)
        .limit(AT_ONCE)
    ).all()
    at = closed
    for account, unit, micros in there:
        posted = ledger.post(
            tx,
            Entry(tx.mint(), "fork-return", reference=closed.node, author=tx.identity.node),
            [Line(account, closed.node, unit, -micros), Line(account, CENTRE, unit, micros)],
        )
        if isinstance(posted, Refused):
            raise ledger.LedgerUnbalanced(posted.reason)
        at = closures.add_sum(tx, at, "returned", unit, micros)
    if there:
        return True
    closures.change(tx, at, returned=True)
    return False


def close(tx: Transaction, closed: Closure) -> None:
    """The books do not go on with this journal any more; the node stays as it is."""
    ended = tx.sql.execute(
        update(node)
        .where(node.c.id == closed.node, node.c.incarnation == str(closed.incarnation))
        .values(incarnation=None)
    )
    if ended.rowcount:  # else the next journal is there, and answers for itself
        stop_asking(tx, closed.node)


def book_all(tx: Transaction, closed: Closure) -> Closure:
    """Book everything at once: to see what would be booked, in a transaction that is undone."""
    while book_slice(tx, closed):
        pass
    at = closures.find(tx, closed.node, closed.incarnation) or closed
    while return_slice(tx, at):
        at = closures.find(tx, closed.node, closed.incarnation) or closed
    return closures.find(tx, closed.node, closed.incarnation) or closed


def rehearse(books: Books, closed: Closure) -> Mapping[str, Any]:
    """Return what booking everything would come to; it is tried and undone."""
    result: Mapping[str, Any] = closed.result
    with suppress(_Undone), books.write() as tx:
        result = book_all(tx, closed).result
        _undo()
    return result


class _Undone(Exception):
    """Undoes a transaction in which something was only tried."""


def _undo() -> Never:
    raise _Undone


def _effect(tx: Transaction, closed: Closure, message: Message, seq: int) -> tuple[str, str]:
    """Carry out what only the edge's branch tells of; return its state and why."""
    if isinstance(message, Charged):
        return _charge(tx, closed, message)
    if isinstance(message, JOB_EVENTS):
        return _job(tx, closed, message)
    if isinstance(message, Redeemed):
        refused = codes.redeemed(tx, closed.node, closed.incarnation, message, seq)
        return ("applied", "") if refused is None else ("known", refused.reason)
    if isinstance(message, CardEnrolled):
        not_taken = card_enrolment.enrol(tx, closed.node, message)
        return ("applied", "") if not_taken is None else ("quarantined", not_taken.reason)
    if isinstance(message, OperatorLooked | MetersRead):
        _note(tx, closed, message)
        return "applied", ""
    # money it gave back: all that is at the edge goes back anyway
    return "known", "it moves nothing: what is left at the edge goes back to the accounts"


def _note(tx: Transaction, closed: Closure, message: OperatorLooked | MetersRead) -> None:
    """Keep what moves no money."""
    match message:
        case OperatorLooked():
            looks.note(tx, closed.node, message)
        case MetersRead():
            # what our branch has billed meanwhile is in the totals already
            meters.record(tx, closed.node, message, late=True)


def _job(tx: Transaction, closed: Closure, event: JobEvent) -> tuple[str, str]:
    told = tx.sql.execute(
        select(job.c.state, job.c.charge).where(job.c.job == str(event.job))
    ).one_or_none()
    if told is not None and told.state in {"completed", "aborted"}:
        return "known", f"the other branch has it as {told.state}"
    reason = jobs.record(tx, closed.node, [event])[0]
    return ("applied", "") if reason is None else ("quarantined", reason)


def _charge(tx: Transaction, closed: Closure, charged: Charged) -> tuple[str, str]:
    before = tx.sql.execute(
        select(charge.c.charge).where(
            charge.c.job == str(charged.job),
            charge.c.attempt == charged.attempt,
            charge.c.node == closed.node,
            charge.c.charge != str(charged.charge),
        )
    ).first()
    if before is not None:
        return "known", f"the other branch booked it as {before.charge}"
    at = closures.find(tx, closed.node, closed.incarnation) or closed
    verdict = late.book(tx, at, [charged])[0]
    if isinstance(verdict, Unbookable):
        return "quarantined", verdict.reason
    return "applied", ""


# ── inside ──────────────────────────────────────────────────────────────────────────────────


def _mine(closed: Closure) -> tuple[Any, Any]:
    return (
        branch_event.c.node == closed.node,
        branch_event.c.incarnation == str(closed.incarnation),
    )


def _seen(name: StreamName) -> str:
    return f"seen {name}"


def _ours(tx: Transaction, closed: Closure, name: StreamName) -> StreamState:
    return streams.open_stream(tx, closed.node, closed.incarnation, "up", name)


def _common(
    tx: Transaction, closed: Closure, name: StreamName, *, furthest: bool = False
) -> Position:
    """Return a place that both branches have, by the edge's last birth; their start if need be."""
    ours = _ours(tx, closed, name)
    birth = tx.sql.execute(select(node.c.birth).where(node.c.id == closed.node)).scalar()
    heads = (json.loads(birth) if birth else {}).get("up", {}).get(name, {})
    for which in ("sent", "acked") if furthest else ("acked",):
        if which in heads:
            claimed = Position.model_validate(heads[which])
            mine = ours.at.hash if claimed.seq == ours.at.seq else None
            if (mine or streams.hash_at(tx, ours.id, claimed.seq)) == claimed.hash:
                return claimed
    return start(ours.key)


def _place(tx: Transaction, closed: Closure, name: StreamName, seq: int) -> Position:
    """Return a place of the edge's branch: of what was kept, else of what both have."""
    kept = tx.sql.execute(
        select(branch_event.c.hash).where(
            *_mine(closed), branch_event.c.name == name, branch_event.c.seq == seq
        )
    ).scalar()
    ours = _ours(tx, closed, name)
    found = kept or (streams.hash_at(tx, ours.id, seq) if seq else None)
    return Position(seq=seq, hash=found or start(ours.key).hash)


def _row(
    tx: Transaction, closed: Closure, ours: StreamState, envelope: Envelope
) -> dict[str, Any] | None:
    """Return an event of the branch as it is kept; None for one that both have."""
    if streams.hash_at(tx, ours.id, envelope.seq) == envelope.hash:
        return None
    read = decode(envelope.data or "", STREAMS_UP[ours.key.name], limit=EVENT_LIMIT)
    return {
        "node": closed.node,
        "incarnation": str(closed.incarnation),
        "name": ours.key.name,
        "seq": envelope.seq,
        "hash": envelope.hash,
        "data": envelope.data,
        "type": read.message.TYPE if isinstance(read, Received) else "",
        "state": "kept",
        "reason": "",
        "at": tx.now,
    }
