"""Events that were put aside, a page at a time: at some sites, those that wait or all."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from sqlalchemy import literal_column, select, tuple_

from central.store.tables import event, mended, stream

if TYPE_CHECKING:
    from collections.abc import Collection
    from datetime import datetime

    from sqlalchemy import ColumnElement

    from central.store.books import Transaction


@dataclass(frozen=True, slots=True)
class Listed:
    """An event that was put aside, without its text."""

    id: str
    """`STREAM.SEQ`."""
    node: str
    name: str
    """Of the stream."""
    seq: int
    type: str
    """What it says to be; empty when nobody can read it."""
    state: str
    """quarantined, or what became of it."""
    reason: str
    at: datetime
    author: str
    """Who saw to it; empty: nobody did."""


def page(
    tx: Transaction,
    nodes: Collection[str] | None = None,
    *,
    also_mended: bool = False,
    after: tuple[int, int] | None = None,
    limit: int = 50,
) -> list[Listed]:
    """Return events in the order of their streams.

    Args:
        tx: any transaction.
        nodes: only of these; None: of all.
        also_mended: also those that were seen to.
        after: stream and seq of the last one of the page before.
        limit: at most so many.
    """
    here = tuple_(event.c.stream, event.c.seq)
    done = (mended.c.stream == event.c.stream) & (mended.c.seq == event.c.seq)
    columns = (
        event.c.stream,
        event.c.seq,
        event.c.type,
        event.c.state,
        event.c.reason,
        event.c.at,
        stream.c.node,
        stream.c.name,
        mended.c.author,
    )
    query = (
        select(*columns)
        .select_from(event)
        .join(stream, stream.c.id == event.c.stream)
        .outerjoin(mended, done)
        .where(*_which(nodes, also_mended=also_mended))
        .order_by(event.c.stream, event.c.seq)
        .limit(limit)
    )
    if after is not None:
        query = query.where(here > after)
    return [
        Listed(
            f"{row.stream}.{row.seq}",
            row.node,
            row.name,
            row.seq,
            row.type,
            row.state,
            row.reason,
            row.at,
            row.author or "",
        )
        for row in tx.sql.execute(query)
    ]


def _which(nodes: Collection[str] | None, *, also_mended: bool) -> list[ColumnElement[bool]]:
    found: list[ColumnElement[bool]] = [stream.c.direction == "up"]
    if also_mended:
        # from its own table: they are few, and events are many
        those = select(mended.c.stream, mended.c.seq).union_all(
            select(event.c.stream, event.c.seq).where(
                event.c.state == literal_column("'quarantined'")
            )
        )
        found.append(tuple_(event.c.stream, event.c.seq).in_(those))
    else:
        found.append(event.c.state == literal_column("'quarantined'"))
    if nodes is not None:
        found.append(stream.c.node.in_(sorted(nodes)))
    return found
