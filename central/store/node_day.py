"""What happened to a node lately, as the books know it: births, silence, terms, acts, trouble."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import timedelta
from typing import TYPE_CHECKING, Any, Final, Literal, TypeAlias

from sqlalchemy import func, literal_column, select

from central.store import audit, closures
from central.store.tables import event, meter_reading, node, stream, terms

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping
    from datetime import datetime

    from central.store.books import Transaction

What: TypeAlias = Literal[
    "entered", "born", "heard", "wished", "taken", "aside", "read", "ended", "act"
]
#: Acts of people on one node that are told.
_ACTS: Final = 40
_DAY: Final = timedelta(days=1)


@dataclass(frozen=True, slots=True)
class Moment:
    """One thing that happened."""

    at: datetime
    what: What
    """heard: for the last time, since it is silent; wished, taken: terms; aside: events were put
    aside; read: a day's meters; ended: a journal was closed; act: somebody did something."""
    detail: Mapping[str, Any] = field(default_factory=dict)


def of(tx: Transaction, node_id: str, since: datetime, *, silent: bool, acts: bool) -> list[Moment]:
    """Return what happened since a moment, oldest first.

    Args:
        tx: any transaction.
        node_id: which.
        since: what came before is left out.
        silent: it is not heard now: when it was heard last is told.
        acts: tell also who did what to it.
    """
    found = [*_own(tx, node_id, silent=silent), *_terms(tx, node_id)]
    found += [
        Moment(each.at, "act", {"act": each.act, "author": each.author})
        for each in audit.search(tx, audit.Which(target=node_id, since=since), limit=_ACTS)
        if acts
    ]
    found += [
        Moment(each.at, "ended", {"kind": each.kind, "step": each.step})
        for each in closures.of(tx, node_id)
    ]
    found += _aside(tx, node_id)
    found += _read(tx, node_id, since)
    return sorted((each for each in found if each.at >= since), key=lambda each: each.at)


def _own(tx: Transaction, node_id: str, *, silent: bool) -> Iterator[Moment]:
    row = tx.sql.execute(
        select(node.c.created_at, node.c.born_at, node.c.seen_at, node.c.software).where(
            node.c.id == node_id
        )
    ).one_or_none()
    if row is None:
        return
    yield Moment(row.created_at, "entered")
    if row.born_at is not None:
        yield Moment(row.born_at, "born", {"software": row.software})
    if silent and row.seen_at is not None:
        yield Moment(row.seen_at, "heard")


def _terms(tx: Transaction, node_id: str) -> Iterator[Moment]:
    rows = tx.sql.execute(
        select(terms.c.role, terms.c.at, terms.c.taken_at, terms.c.author)
        .where(terms.c.node == node_id)
        .order_by(terms.c.n.desc())
        .limit(_ACTS)
    )
    for row in rows:
        yield Moment(row.at, "wished", {"role": row.role, "author": row.author})
        if row.taken_at is not None:
            yield Moment(row.taken_at, "taken", {"role": row.role})


def _aside(tx: Transaction, node_id: str) -> Iterator[Moment]:
    """Yield one moment for all that waits aside: a bad day has thousands."""
    row = tx.sql.execute(
        select(func.count(), func.max(event.c.at))
        .select_from(event)
        .join(stream, stream.c.id == event.c.stream)
        .where(event.c.state == literal_column("'quarantined'"), stream.c.node == node_id)
    ).one()
    if row[0]:
        yield Moment(row[1], "aside", {"count": int(row[0])})


def _read(tx: Transaction, node_id: str, since: datetime) -> Iterator[Moment]:
    rows = tx.sql.execute(
        select(func.max(meter_reading.c.read_at), meter_reading.c.day, func.count())
        .where(
            meter_reading.c.node == node_id,
            # by the index of days: its zone may be a day off
            meter_reading.c.day >= (since - _DAY).date().isoformat(),
            meter_reading.c.read_at >= since,
        )
        .group_by(meter_reading.c.day)
    )
    for at, day, count in rows:
        yield Moment(at, "read", {"day": str(day), "count": int(count)})
