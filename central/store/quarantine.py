"""Events that are kept and have no effect: listed, mended by a person, tried again, let be.

The event itself never changes: its text and hash stay in its stream. What was done about it is
beside it. Nothing here is needed for a stream to go on.
"""

from __future__ import annotations

import json
from collections import defaultdict
from dataclasses import dataclass
from difflib import unified_diff
from typing import TYPE_CHECKING, Any

from sqlalchemy import insert, select, update

from broker.codec import EVENT_LIMIT, Received, decode
from broker.messages import Charged, GaveBack, Opening, Returned
from broker.stream_inbound import Readable
from broker.topics import STREAMS_UP
from central.store import audit, happenings, ledger, nodes, streams, webhook_sources
from central.store.ingest import apply_one
from central.store.ledger import CENTRE, Entry, Line, Refused
from central.store.tables import event, mended, stream

if TYPE_CHECKING:
    from datetime import datetime

    from broker.messages import Envelope, Message
    from central.store.books import Transaction
    from central.store.streams import StreamState
    from config.policy.money import Unit


@dataclass(frozen=True, slots=True)
class Put:
    """An event that was put aside."""

    id: str
    """`STREAM.SEQ`."""
    node: str
    incarnation: str
    name: str
    """Of the stream."""
    seq: int
    type: str
    """What it says to be; empty when nobody can read it."""
    state: str
    """quarantined, repaired, dismissed, or applied when a second try went well."""
    reason: str
    """Why it was put aside."""
    at: datetime
    data: str | None
    """Its own text."""
    act: str | None = None
    """What was done about it."""
    author: str | None = None
    because: str | None = None
    """Why, by who did it."""
    instead: str | None = None
    """The event that was applied in its place."""


@dataclass(frozen=True, slots=True)
class Done:
    """It was done."""

    wake: frozenset[str] = frozenset()
    """Nodes that have something new in their stream."""


def every(tx: Transaction, *, node_id: str | None = None, also_mended: bool = False) -> list[Put]:
    """Return events that were put aside, oldest first."""
    query = _query().order_by(event.c.at, event.c.stream, event.c.seq)
    if not also_mended:
        query = query.where(event.c.state == "quarantined")
    else:
        query = query.where((event.c.state == "quarantined") | mended.c.act.is_not(None))
    if node_id is not None:
        query = query.where(stream.c.node == node_id)
    return [_put(row) for row in tx.sql.execute(query)]


def find(tx: Transaction, id_: str) -> Put | None:
    """Return an event that was put aside, or None."""
    number, _, seq = id_.partition(".")
    if not (number.isdigit() and seq.isdigit()):
        return None
    query = _query().where(event.c.stream == int(number), event.c.seq == int(seq))
    row = tx.sql.execute(query).one_or_none()
    if row is None or (row.state != "quarantined" and row.act is None):
        return None
    return _put(row)


def check(put: Put, text: str) -> Received[Message] | Refused:
    """Say what is wrong with an event that is to stand for another; return it read, if nothing."""
    read = decode(text, STREAMS_UP[put.name], limit=EVENT_LIMIT)
    if not isinstance(read, Received):
        return Refused(f"the new event cannot be used: {read.reason}")
    old = _read(put)
    if old is not None and old.TYPE != read.message.TYPE:
        return Refused(f"it is a {old.TYPE}; a {read.message.TYPE} cannot stand for it")
    claimed = _claimed(put) if old is None else None
    if isinstance(read.message, Opening) or claimed not in {None, read.message.TYPE}:
        return Refused(f"a {read.message.TYPE} cannot stand for it")
    if isinstance(old, Charged) and isinstance(read.message, Charged):
        for field in ("charge", "job", "attempt"):
            if getattr(old, field) != getattr(read.message, field):
                return Refused(f"{field} names what it is about: it cannot be another")
    return read


def difference(put: Put, text: str) -> list[str]:
    """Return the lines in which a new event differs from the one that was put aside."""
    return [
        line
        for line in unified_diff(_lines(put.data or ""), _lines(text), "quarantined", "new", n=1)
        if not line.startswith("@@")
    ]


def repair(
    tx: Transaction, id_: str, text: str, *, author: str, reason: str, linked: frozenset[str]
) -> Done | Refused:
    """Apply a new event as the one it stands for; once, whatever is asked for again."""
    put = _open(tx, id_)
    if isinstance(put, Refused):
        return put
    read = check(put, text)
    if isinstance(read, Refused):
        return read
    return _apply(tx, put, read, ("repaired", text), author=author, reason=reason, linked=linked)


def replay(
    tx: Transaction, id_: str, *, author: str, reason: str, linked: frozenset[str]
) -> Done | Refused:
    """Try the event itself again: what was in its way may be gone."""
    put = _open(tx, id_)
    if isinstance(put, Refused):
        return put
    read = decode(put.data or "", STREAMS_UP[put.name], limit=EVENT_LIMIT)
    if not isinstance(read, Received):
        return Refused(f"it still cannot be read: {read.reason}")
    return _apply(tx, put, read, ("replayed", None), author=author, reason=reason, linked=linked)


def dismiss(tx: Transaction, id_: str, *, author: str, reason: str) -> Done | Refused:
    """Let an event be without effect; what it had spent at the edge goes back to its accounts."""
    put = _open(tx, id_)
    if isinstance(put, Refused):
        return put
    for (account, unit), micros in would_go_back(tx, put).items():
        _move(tx, put, account, unit, micros, author)
    _note(tx, put, "dismissed", None, author, reason)
    return Done()


def would_go_back(tx: Transaction, put: Put) -> dict[tuple[str, Unit], int]:
    """Return what dismissing an event gives back, by account and unit."""
    spent = _spent(_read(put))
    place = _here(tx, put)
    there = ledger.at_place(tx, place, {account for account, _ in spent}) if place else {}
    return {
        key: micros
        for key, micros in spent.items()
        # what was never there cannot go back
        if key in there and 0 < micros <= there[key].micros
    }


# ── inside ──────────────────────────────────────────────────────────────────────────────────


def _apply(
    tx: Transaction,
    put: Put,
    read: Received[Message],
    how: tuple[str, str | None],
    *,
    author: str,
    reason: str,
    linked: frozenset[str],
) -> Done | Refused:
    state, envelope = _state(tx, put)
    with tx.sql.begin_nested() as savepoint:
        refused = _even_out(tx, put, _spent(_read(put)), _spent(read.message), author)
        if isinstance(refused, Refused):
            savepoint.rollback()
            return refused
        why, wake = apply_one(tx, state.key, Readable(envelope, read), linked)
        if why is not None:
            savepoint.rollback()
            return Refused(why)
        _note(tx, put, how[0], how[1], author, reason)
        _tell(tx, put, how[1] or put.data or "")
    return Done(wake)


def _tell(tx: Transaction, put: Put, text: str) -> None:
    """Note what is told of an event of a job: whoever follows the stream was past it."""
    told = webhook_sources.of_event(text, f"aside:{put.id}", put.node)
    if told is not None:
        happenings.note(tx, told.kind, told.data, people=told.people)


def _even_out(
    tx: Transaction,
    put: Put,
    old: dict[tuple[str, Unit], int],
    new: dict[tuple[str, Unit], int],
    author: str,
) -> Refused | None:
    """Make the edge's accounts lose what the edge has spent, whatever is charged now.

    The edge went by its own event; what the new one charges less or more goes back to, or comes
    from, the account at the centre.
    """
    if not old or not (place := _here(tx, put)):
        return None
    keys = sorted(old.keys() | new.keys())
    there = ledger.at_place(tx, place, {account for account, _ in keys})
    for account, unit in keys:
        was = old.get((account, unit), 0)
        less = was - new.get((account, unit), 0)
        located = there.get((account, unit))
        if less > 0 and (located is None or located.micros < was):
            continue  # what was never there cannot go back
        if less and (refused := _move(tx, put, account, unit, less, author)) is not None:
            return refused
    return None


def _move(
    tx: Transaction, put: Put, account: str, unit: Unit, micros: int, author: str
) -> Refused | None:
    posted = ledger.post(
        tx,
        Entry(tx.mint(), "quarantine", reference=put.id, author=author),
        [Line(account, put.node, unit, -micros), Line(account, CENTRE, unit, micros)],
    )
    return posted if isinstance(posted, Refused) else None


def _here(tx: Transaction, put: Put) -> str:
    """Return the place whose money the event is about; empty when its journal is no more."""
    known = nodes.find(tx, put.node)
    return put.node if known is not None and str(known.incarnation) == put.incarnation else ""


def _spent(message: Message | None) -> dict[tuple[str, Unit], int]:
    """Return what an event takes from the accounts at its edge."""
    sums: defaultdict[tuple[str, Unit], int] = defaultdict(int)
    match message:
        case Charged(postings=postings):
            for line in postings:
                if line.covered_by == "allocation":
                    sums[line.account, line.unit] += line.micros
        case Returned() | GaveBack():
            sums[message.account, message.unit] += message.micros
        case _:
            pass
    return dict(sums)


def _claimed(put: Put) -> str | None:
    """Return what kind an event says to be that cannot be read; None when it says none we know."""
    try:
        said = json.loads(put.data or "").get("type")
    except (ValueError, AttributeError):
        return None
    return said if said in {kind.TYPE for kind in STREAMS_UP[put.name]} else None


def _lines(text: str) -> list[str]:
    try:
        return json.dumps(json.loads(text), indent=1, sort_keys=True).splitlines()
    except ValueError:
        return text.splitlines()


def _read(put: Put) -> Message | None:
    read = decode(put.data or "", STREAMS_UP[put.name], limit=EVENT_LIMIT)
    return read.message if isinstance(read, Received) else None


def _open(tx: Transaction, id_: str) -> Put | Refused:
    put = find(tx, id_)
    if put is None:
        return Refused(f"nothing is quarantined as {id_!r}")
    if put.state != "quarantined":
        return Refused(f"{id_} was {put.act} by {put.author} already")
    return put


def _state(tx: Transaction, put: Put) -> tuple[StreamState, Envelope]:
    number = int(put.id.partition(".")[0])
    (envelope,) = streams.envelopes(tx, number, put.seq, put.seq)
    return streams.find(tx, number), envelope


def _note(tx: Transaction, put: Put, act: str, data: str | None, author: str, reason: str) -> None:
    number = int(put.id.partition(".")[0])
    values = {
        "stream": number,
        "seq": put.seq,
        "act": act,
        "data": data,
        "author": author,
        "reason": reason,
        "at": tx.now,
    }
    tx.sql.execute(insert(mended).values(**values))
    now = "applied" if act == "replayed" else act
    tx.sql.execute(
        update(event).where(event.c.stream == number, event.c.seq == put.seq).values(state=now)
    )
    detail = {"node": put.node, "stream": put.name, "seq": put.seq, "reason": reason}
    audit.note(tx, author=author, act=f"quarantine {act}", target=put.id, detail=detail)


def _query() -> Any:  # noqa: ANN401  a query of joined columns
    at = (mended.c.stream == event.c.stream) & (mended.c.seq == event.c.seq)
    return (
        select(
            event,
            stream.c.node,
            stream.c.incarnation,
            stream.c.name,
            mended.c.act,
            mended.c.author,
            mended.c.reason.label("because"),
            mended.c.data.label("instead"),
        )
        .join(stream, stream.c.id == event.c.stream)
        .outerjoin(mended, at)
        .where(stream.c.direction == "up")
    )


def _put(row: Any) -> Put:  # noqa: ANN401  a row of joined columns
    return Put(
        id=f"{row.stream}.{row.seq}",
        node=row.node,
        incarnation=row.incarnation,
        name=row.name,
        seq=row.seq,
        type=row.type,
        state=row.state,
        reason=row.reason,
        at=row.at,
        data=row.data,
        act=row.act,
        author=row.author,
        because=row.because,
        instead=row.instead,
    )
