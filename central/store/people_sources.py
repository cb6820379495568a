"""How each source of people stands: its last import, and when the next one is due."""

from __future__ import annotations

import json
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final, Literal, TypeAlias

from sqlalchemy import insert, select, update

from central.store.tables import people_source

if TYPE_CHECKING:
    from collections.abc import Mapping
    from datetime import datetime

    from sqlalchemy import Row

    from central.store.books import Transaction

#: `partial`: some of it is in the books; the next import does the rest.
State: TypeAlias = Literal["done", "partial", "braked", "failed"]


@dataclass(frozen=True, slots=True)
class SourceState:
    """A source and its last import."""

    source: str
    state: State
    begun_at: datetime
    ended_at: datetime | None
    done_at: datetime | None
    """When the last import ended that was carried out whole."""
    due: datetime | None
    """When the next one begins of itself."""
    counts: Mapping[str, int]
    remark: str
    """What was wrong, for people."""
    author: str


def find(tx: Transaction, source: str) -> SourceState | None:
    """Return how a source stands; None: nothing was ever imported from it."""
    query = select(people_source).where(people_source.c.source == source)
    row = tx.sql.execute(query).one_or_none()
    return None if row is None else _state(row)


def every(tx: Transaction) -> list[SourceState]:
    """Return every source there was an import from, by name."""
    return [_state(row) for row in tx.sql.execute(_EVERY)]


# made once: it is asked at every look of the coordinator
_EVERY: Final = select(people_source).order_by(people_source.c.source)


def begin(tx: Transaction, source: str, counts: Mapping[str, int], *, author: str) -> None:
    """Note that an import begins to change people: until it ends it is in part only."""
    _put(tx, source, "partial", counts, "", author, {"begun_at": tx.now, "ended_at": None})


def end(
    tx: Transaction,
    source: str,
    state: State,
    *,
    counts: Mapping[str, int],
    remark: str = "",
    author: str,
) -> None:
    """Note how an import ended."""
    times: dict[str, Any] = {"ended_at": tx.now}
    if state == "done":
        times["done_at"] = tx.now
    _put(tx, source, state, counts, remark, author, times)


def plan_next(tx: Transaction, source: str, due: datetime | None) -> None:
    """Note when a source is asked next; a source that never was is not noted."""
    known = update(people_source).where(people_source.c.source == source)
    tx.sql.execute(known.values(due=due))


def _put(
    tx: Transaction,
    source: str,
    state: State,
    counts: Mapping[str, int],
    remark: str,
    author: str,
    times: Mapping[str, Any],
) -> None:
    values = {
        "state": state,
        "counts": json.dumps(counts),
        "remark": remark,
        "author": author,
        **times,
    }
    known = update(people_source).where(people_source.c.source == source).values(**values)
    if tx.sql.execute(known).rowcount == 0:
        fresh = {"begun_at": tx.now, "ended_at": None, "done_at": None, "due": None} | values
        tx.sql.execute(insert(people_source).values(source=source, **fresh))


def _state(row: Row[Any]) -> SourceState:
    return SourceState(
        row.source,
        row.state,
        row.begun_at,
        row.ended_at,
        row.done_at,
        row.due,
        json.loads(row.counts),
        row.remark,
        row.author,
    )
