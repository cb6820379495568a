"""Journals that the books do not go on with: forked or lost, and how far the end of each is."""

from __future__ import annotations

import json
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Final, Literal, TypeAlias
from uuid import UUID

from sqlalchemy import insert, literal_column, select, update

from central.store.bulk import as_text, fetch_one
from central.store.tables import closure

if TYPE_CHECKING:
    from collections.abc import Mapping
    from datetime import datetime

    from sqlalchemy import Row

    from central.store.books import Transaction
    from config.policy.money import Unit

Kind: TypeAlias = Literal["fork", "write-off"]
Step: TypeAlias = Literal[
    "open", "looking", "stopping", "collecting", "booking", "draining", "archiving", "done"
]
#: Steps at which nothing happens by itself.
RESTING: Final = ("open", "done")


@dataclass(frozen=True, slots=True)
class Closure:
    """The end of one journal."""

    node: str
    incarnation: UUID
    kind: Kind
    step: Step
    author: str
    at: datetime
    command: UUID | None = None
    """Under way for this step."""
    asked_at: datetime | None = None
    """When it was given."""
    code: str | None = None
    """For the journal that comes next."""
    heads: Mapping[str, int] = field(default_factory=dict)
    """Where the edge's streams end, by its own word."""
    remains: Mapping[Unit, int] = field(default_factory=dict)
    """Micros by unit that the house took over and has not spent yet."""
    result: Mapping[str, Any] = field(default_factory=dict)
    """What was booked so far: counts, and micros by unit."""
    returned: bool = False
    """Whether what sat at the edge went back to the accounts."""
    detail: str = ""
    """Why it does not go on, for people."""

    @property
    def idle(self) -> bool:
        """Whether a fork was only looked at so far: the books might still go on with it."""
        return self.kind == "fork" and self.step in {"open", "looking"} and not self.returned


def begin(
    tx: Transaction,
    node_id: str,
    incarnation: UUID,
    kind: Kind,
    *,
    author: str,
    remains: Mapping[str, int] | None = None,
) -> Closure:
    """Enter the end of a journal, or return it as it is known; a lost fork becomes a write-off."""
    known = find(tx, node_id, incarnation)
    if known is not None:
        if kind in {known.kind, "fork"}:
            return known
        return change(
            tx, known, kind=kind, remains=dict(remains or {}), returned=True, author=author
        )
    values = {
        "node": node_id,
        "incarnation": str(incarnation),
        "kind": kind,
        "step": "open",
        "author": author,
        "at": tx.now,
        "heads": "{}",
        "remains": json.dumps(dict(remains or {})),
        "result": "{}",
        "returned": kind == "write-off",
        "detail": "",
    }
    tx.sql.execute(insert(closure).values(**values))
    return _record(tx.sql.execute(select(closure).where(_mine(node_id, incarnation))).one())


def find(tx: Transaction, node_id: str, incarnation: UUID) -> Closure | None:
    """Return the end of a journal; None when the books go on with it, or never knew it."""
    row = tx.sql.execute(select(closure).where(_mine(node_id, incarnation))).one_or_none()
    return None if row is None else _record(row)


def written_off(tx: Transaction, node_id: str, incarnation: UUID) -> Closure | None:
    """Return the end of a journal whose money the books have taken back, or are about to.

    A fork that was only looked at is none: the books may still go on with that journal. Cheap, for
    the path of every batch.
    """
    (found,) = fetch_one(tx, _ANY, node=node_id, incarnation=str(incarnation))
    closed = find(tx, node_id, incarnation) if found else None
    return None if closed is None or closed.idle else closed


def of(tx: Transaction, node_id: str) -> list[Closure]:
    """Return the ends of all journals of a node, oldest first."""
    rows = tx.sql.execute(select(closure).where(closure.c.node == node_id).order_by(closure.c.at))
    return [_record(row) for row in rows]


def active(tx: Transaction) -> list[Closure]:
    """Return those that something is being done about."""
    return [_record(row) for row in tx.sql.execute(_ACTIVE)]


def forks_open(tx: Transaction) -> list[Closure]:
    """Return forks that are not resolved yet, whether or not something is being done about them."""
    waits = (closure.c.kind == "fork") & (closure.c.step != "done")
    rows = tx.sql.execute(select(closure).where(waits).order_by(closure.c.node, closure.c.at))
    return [_record(row) for row in rows]


_ACTIVE: Final = select(closure).where(closure.c.step.not_in(RESTING)).order_by(closure.c.node)


def change(tx: Transaction, at: Closure, **values: Any) -> Closure:  # noqa: ANN401  a row's columns
    """Store what has changed of a journal's end; return it as it is now."""
    row = {
        key: json.dumps(value) if key in {"heads", "remains", "result"} else value
        for key, value in values.items()
    }
    if isinstance(row.get("command"), UUID):
        row["command"] = str(row["command"])
    tx.sql.execute(update(closure).where(_mine(at.node, at.incarnation)).values(**row))
    return _record(tx.sql.execute(select(closure).where(_mine(at.node, at.incarnation))).one())


def go(tx: Transaction, at: Closure, step: Step, detail: str = "") -> Closure:
    """Go on to a step, with no command given for it yet."""
    return change(tx, at, step=step, command=None, asked_at=None, detail=detail)


def count(tx: Transaction, at: Closure, what: str, number: int) -> Closure:
    """Add to a count of what was booked."""
    return change(tx, at, result={**at.result, what: at.result.get(what, 0) + number})


def add_sum(tx: Transaction, at: Closure, what: str, unit: str, micros: int) -> Closure:
    """Add to a sum of what was booked."""
    sums = dict(at.result.get(what, {}))
    sums[unit] = sums.get(unit, 0) + micros
    return change(tx, at, result={**at.result, what: sums})


def _mine(node_id: str, incarnation: UUID) -> Any:  # noqa: ANN401  a column expression
    return (closure.c.node == node_id) & (closure.c.incarnation == str(incarnation))


_ANY = select(
    select(literal_column("1"))
    .where(closure.c.node == as_text("node"), closure.c.incarnation == as_text("incarnation"))
    .exists()
)


def _record(row: Row[Any]) -> Closure:
    return Closure(
        node=row.node,
        incarnation=UUID(row.incarnation),
        kind=row.kind,
        step=row.step,
        author=row.author,
        at=row.at,
        command=UUID(row.command) if row.command else None,
        asked_at=row.asked_at,
        code=row.code,
        heads=json.loads(row.heads),
        remains=json.loads(row.remains),
        result=json.loads(row.result),
        returned=row.returned,
        detail=row.detail,
    )
