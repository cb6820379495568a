"""What the books hold behind a subscription's marks, read in its order, made into what is told."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any, Final

from sqlalchemy import Integer, String, and_, bindparam, cast, func, or_, select

from broker.codec import EVENT_LIMIT, Received, decode
from broker.topics import STREAMS_UP
from central.job_fold import JOB_EVENTS
from central.store.tables import entry, event, happening, location, posting, stream, webhook_mark
from central.webhooks.merging import Item, Slice
from central.webhooks.telling import Moved, Telling, of_entry, of_job

if TYPE_CHECKING:
    from sqlalchemy import ColumnElement, Row

    from central.store.books import Transaction

ENTRIES: Final = "entry"
HAPPENINGS: Final = "happening"


def ends(tx: Transaction) -> dict[str, int]:
    """Return where every source ends now."""
    found = {
        ENTRIES: int(tx.sql.execute(select(func.max(entry.c.n))).scalar() or 0),
        HAPPENINGS: int(tx.sql.execute(select(func.max(happening.c.n))).scalar() or 0),
    }
    rows = tx.sql.execute(select(stream.c.id, stream.c.seq).where(_JOBS))
    return found | {str(row.id): row.seq for row in rows}


def entries(tx: Transaction, after: int, most: int) -> Slice:
    """Return entries of the ledger."""
    rows = tx.sql.execute(_ENTRIES, {"after": after, "most": most}).all()
    if not rows:
        return Slice(ENTRIES, after, (), after, full=False)
    last = rows[-1].n
    lines: dict[int, list[Moved]] = {row.n: [] for row in rows}
    for line in tx.sql.execute(_LINES, {"after": after, "last": last}):
        lines[line.entry].append(Moved(line.account, line.unit, line.micros))
    items = tuple(Item(row.n, row.at, _of_entry(row, lines[row.n])) for row in rows)
    return Slice(ENTRIES, after, items, last, full=len(rows) == most)


def happenings(
    tx: Transaction, after: int, most: int, wanted: frozenset[str], webhook: int
) -> Slice:
    """Return what is noted of these kinds for everybody, and what is for one subscription only."""
    rows = tx.sql.execute(_HAPPENINGS, {"after": after, "most": most}).all()
    items = tuple(
        Item(
            row.n,
            row.at,
            _of_happening(row)
            if row.webhook == webhook or (row.webhook is None and row.kind in wanted)
            else None,
        )
        for row in rows
    )
    end = rows[-1].n if rows else after
    return Slice(HAPPENINGS, after, items, end, full=len(rows) == most)


def behind(tx: Transaction, webhook: int) -> list[tuple[int, str, str, int, int]]:
    """Return streams of jobs with something behind a subscription's mark.

    Returns:
        Number, node, journal, mark and end of each.
    """
    rows = tx.sql.execute(_BEHIND, {"webhook_": webhook})
    return [(row.id, row.node, row.incarnation, row.place or 0, row.seq) for row in rows]


def jobs(
    tx: Transaction, which: tuple[int, str, str, int, int], most: int, wanted: frozenset[str]
) -> Slice:
    """Return events of one stream of jobs; those whose text is not kept tell nothing.

    Args:
        tx: a transaction.
        which: of `behind`.
        most: rows.
        wanted: kinds; what is not among them is not read.
    """
    id_, node, incarnation, after, upto = which
    span = {"stream_": id_, "after": after, "upto": upto, "most": most}
    rows = tx.sql.execute(_EVENTS, span).all()
    items = tuple(
        Item(row.seq, row.at, _of_event(row, f"{node}:{incarnation}", node, wanted)) for row in rows
    )
    full = len(rows) == most
    return Slice(str(id_), after, items, rows[-1].seq if full else upto, full=full)


def of_event(text: str, reference: str, node: str) -> Telling | None:
    """Return what is told of an event of a job's life, by its own text; None: nothing."""
    read = decode(text, STREAMS_UP["jobs"], limit=EVENT_LIMIT)
    if not isinstance(read, Received) or not isinstance(read.message, JOB_EVENTS):
        return None
    return of_job(read.message, reference=reference, node=node, at=read.time)


def _of_event(row: Any, journal: str, node: str, wanted: frozenset[str]) -> Telling | None:  # noqa: ANN401  a row of columns
    if row.data is None or row.state != "applied" or row.type not in _TYPES:
        return None
    told = of_event(row.data, f"jobs:{journal}:{row.seq}", node)
    return told if told is not None and told.kind in wanted else None


def _of_happening(row: Row[Any]) -> Telling:
    data, people = json.loads(row.data), json.loads(row.people)
    return Telling(f"happening:{row.id}", row.kind, row.at, data, people)


def _of_entry(row: Row[Any], lines: list[Moved]) -> Telling | None:
    return of_entry(row.n, row.id, row.kind, row.at, row.reference, row.author, lines)


# statements that do not change are made once: making one takes longer than running it
_TYPES: Final = frozenset(each.TYPE for each in JOB_EVENTS)
_JOBS: Final[ColumnElement[bool]] = and_(stream.c.direction == "up", stream.c.name == "jobs")
_MOST: Final = bindparam("most", type_=Integer)
_ENTRIES: Final = (
    select(entry).where(entry.c.n > bindparam("after")).order_by(entry.c.n).limit(_MOST)
)
_LINES: Final = (
    select(posting.c.entry, location.c.account, location.c.unit, posting.c.micros)
    .join(location, location.c.id == posting.c.location)
    .where(posting.c.entry > bindparam("after"), posting.c.entry <= bindparam("last"))
)
_HAPPENINGS: Final = (
    select(happening).where(happening.c.n > bindparam("after")).order_by(happening.c.n).limit(_MOST)
)
_MARKED: Final = and_(
    webhook_mark.c.webhook == bindparam("webhook_"),
    webhook_mark.c.source == cast(stream.c.id, String),
)
_BEHIND: Final = (
    select(stream.c.id, stream.c.node, stream.c.incarnation, stream.c.seq, webhook_mark.c.place)
    .select_from(stream.outerjoin(webhook_mark, _MARKED))
    .where(_JOBS, or_(webhook_mark.c.place.is_(None), stream.c.seq > webhook_mark.c.place))
    .order_by(stream.c.id)
)
_EVENTS: Final = (
    select(event.c.seq, event.c.type, event.c.data, event.c.state, event.c.at)
    .where(
        event.c.stream == bindparam("stream_"),
        event.c.seq > bindparam("after"),
        event.c.seq <= bindparam("upto"),
    )
    .order_by(event.c.seq)
    .limit(_MOST)
)
