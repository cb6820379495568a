"""The record of administrative acts: who did what to what, when and from where, before and after.

Append-only: each act is chained to the one before (`audit_chain`), and the database refuses to
change or remove one.
"""

from __future__ import annotations

import json
from dataclasses import asdict, dataclass
from typing import TYPE_CHECKING, Any, Final

from sqlalchemy import func, insert, or_, select

from central.store import audit_chain
from central.store.audit_chain import Content
from central.store.bulk import insert_all
from central.store.tables import audit, instant

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence
    from datetime import datetime

    from sqlalchemy import ColumnElement, Row

    from central.store.books import Transaction

#: Ways by which a person may have done something.
_FACES: Final = ("", "web:", "cli:", "api:")
#: No act has this number.
_NEVER: Final = 2**62
#: Acts read at once when all are.
_SLICE: Final = 500


@dataclass(frozen=True, slots=True)
class Act:
    """One administrative act."""

    n: int
    """Its number; ascends by one."""
    at: datetime
    """When."""
    author: str
    """Who."""
    act: str
    """What, in a word or two."""
    target: str
    """To what."""
    detail: Mapping[str, Any]
    """What explains it."""
    address: str = ""
    """The address it came from; empty: this machine, or not known."""
    before: Any = None
    """What was, where the act replaced something."""
    after: Any = None
    """What is now."""
    hash: str = ""
    """Of the chain, up to here."""


@dataclass(frozen=True, slots=True)
class Which:
    """Which acts; None is any."""

    author: str | None = None
    """A login name, through whatever face, or an author as it is kept."""
    person: str | None = None
    """Done by them, or to them."""
    target: str | None = None
    """To what."""
    act: str | None = None
    """`card add`, or all that begin with a word: `card`."""
    since: datetime | None = None
    """Not earlier."""
    until: datetime | None = None
    """Earlier."""


def note(
    tx: Transaction,
    *,
    author: str,
    act: str,
    target: str,
    detail: Mapping[str, Any] | None = None,
    before: object = None,
    after: object = None,
    from_: str | None = None,
) -> int:
    """Write an act down, in the transaction that does it; nothing of it holds secrets.

    Args:
        tx: the transaction.
        author: who.
        act: what, in a word or two.
        target: to what.
        detail: what explains it.
        before: what was, as JSON's values; None: nothing is replaced, or there was nothing.
        after: what is now.
        from_: the address it came from; None: the transaction's own.

    Returns:
        The act's number.
    """
    head = audit_chain.head(tx)
    content = Content(
        head.n + 1,
        instant(tx.now),
        author,
        tx.from_ if from_ is None else from_,
        act,
        target,
        _text(detail or {}),
        None if before is None else _text(before),
        None if after is None else _text(after),
    )
    hash_ = audit_chain.link(head.hash, content)
    values = {
        "n": content.n,
        "at": tx.now,
        "author": content.author,
        "act": content.act,
        "target": content.target,
        "detail": content.detail,
        "address": content.address,
        "before": content.before,
        "after": content.after,
        "hash": hash_,
    }
    tx.sql.execute(insert(audit).values(**values))
    audit_chain.grow(tx, content.n, hash_)
    return content.n


def note_all(
    tx: Transaction, deeds: Sequence[tuple[str, str, Mapping[str, Any]]], *, author: str
) -> None:
    """Write many acts of one author down at once, as `note` does: (act, target, detail) each."""
    if not deeds:
        return
    head, at = audit_chain.head(tx), instant(tx.now)
    n, hash_ = head.n, head.hash
    rows: list[dict[str, Any]] = []
    for n, (act, target, detail) in enumerate(deeds, head.n + 1):
        content = Content(n, at, author, tx.from_, act, target, _text(detail), None, None)
        hash_ = audit_chain.link(hash_, content)
        rows.append({**asdict(content), "hash": hash_})
    insert_all(tx, audit, rows)
    audit_chain.grow(tx, n, hash_)


def acts(
    tx: Transaction, *, target: str | None = None, after: int = 0, limit: int = 200
) -> list[Act]:
    """Return acts, oldest first: all, or those to one target."""
    query = select(audit).where(audit.c.n > after).order_by(audit.c.n).limit(limit)
    if target is not None:
        query = query.where(audit.c.target == target)
    return [_act(row) for row in tx.sql.execute(query)]


def search(
    tx: Transaction, which: Which, *, before: int | None = None, limit: int = 50
) -> list[Act]:
    """Return acts, newest first.

    Args:
        tx: any transaction.
        which: acts.
        before: only those of lower numbers: the last one of the page before.
        limit: at most so many.
    """
    bounds = _bounds(tx, which)
    if before is not None:
        bounds.append(audit.c.n < before)
    numbers: set[int] = set()
    for lane in _lanes(tx, which):
        # first the numbers, which an index has in their order: acts are many, and long
        query = select(audit.c.n).where(*lane, *bounds).order_by(audit.c.n.desc()).limit(limit)
        numbers.update(tx.sql.execute(query).scalars())
    wanted = sorted(numbers, reverse=True)[:limit]
    rows = tx.sql.execute(select(audit).where(audit.c.n.in_(wanted)).order_by(audit.c.n.desc()))
    return [_act(row) for row in rows]


def _lanes(tx: Transaction, which: Which) -> list[list[ColumnElement[bool]]]:
    """Return conditions each of which an index answers in the order of numbers."""
    lanes: list[list[ColumnElement[bool]]] = [[]]
    if which.author is not None:
        lanes = [[audit.c.author == face + which.author] for face in _FACES]
    if which.person is not None:
        of = [audit.c.author == face + which.person for face in _FACES]
        of += [audit.c.target == f"{kind}:{which.person}" for kind in ("person", "user")]
        lanes = [[*lane, each] for lane in lanes for each in of]
    if which.target is not None:
        lanes = [[*lane, audit.c.target == which.target] for lane in lanes]
    if which.act is not None:
        names = _named(tx, which.act)
        lanes = [[*lane, audit.c.act == name] for lane in lanes for name in names]
    return lanes


def _named(tx: Transaction, act: str) -> list[str]:
    """Return the acts that begin with a word: they are few, however often they were done."""
    found: list[str] = []
    query = select(func.min(audit.c.act)).where(audit.c.act < f"{act}!")
    name = tx.sql.execute(query.where(audit.c.act >= act)).scalar()
    while name is not None:
        found.append(name)
        name = tx.sql.execute(query.where(audit.c.act > name)).scalar()
    return found


def _bounds(tx: Transaction, which: Which) -> list[ColumnElement[bool]]:
    """Return what holds for acts of some days, in numbers as well: these ascend with time."""
    found: list[ColumnElement[bool]] = []
    if which.since is not None:
        first = select(func.min(audit.c.n)).where(audit.c.at >= which.since)
        number = tx.sql.execute(first).scalar()
        found += [audit.c.at >= which.since, audit.c.n >= (_NEVER if number is None else number)]
    if which.until is not None:
        last = select(func.max(audit.c.n)).where(audit.c.at < which.until)
        found += [audit.c.at < which.until, audit.c.n <= (tx.sql.execute(last).scalar() or 0)]
    return found


def every(tx: Transaction, which: Which) -> Iterator[Act]:
    """Yield acts, oldest first, however many there are."""
    n = 0
    conditions = _conditions(which)
    while rows := tx.sql.execute(
        select(audit).where(audit.c.n > n, *conditions).order_by(audit.c.n).limit(_SLICE)
    ).all():
        yield from map(_act, rows)
        n = rows[-1].n


def find(tx: Transaction, n: int) -> Act | None:
    """Return one act."""
    row = tx.sql.execute(select(audit).where(audit.c.n == n)).one_or_none()
    return None if row is None else _act(row)


def _conditions(which: Which) -> list[ColumnElement[bool]]:
    found: list[ColumnElement[bool]] = []
    if which.author is not None:
        found.append(audit.c.author.in_([face + which.author for face in _FACES]))
    if which.person is not None:
        by = audit.c.author.in_([face + which.person for face in _FACES])
        to = audit.c.target.in_([f"person:{which.person}", f"user:{which.person}"])
        found.append(or_(by, to))
    if which.target is not None:
        found.append(audit.c.target == which.target)
    if which.act is not None:
        # the word alone, or followed by others: "!" comes right after the blank
        found += [audit.c.act >= which.act, audit.c.act < f"{which.act}!"]
    if which.since is not None:
        found.append(audit.c.at >= which.since)
    if which.until is not None:
        found.append(audit.c.at < which.until)
    return found


def _text(value: object) -> str:
    return json.dumps(value, ensure_ascii=False, sort_keys=True, default=str)


def _act(row: Row[Any]) -> Act:
    return Act(
        row.n,
        row.at,
        row.author,
        row.act,
        row.target,
        json.loads(row.detail),
        row.address,
        None if row.before is None else json.loads(row.before),
        None if row.after is None else json.loads(row.after),
        row.hash,
    )
