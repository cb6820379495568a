"""The chain of acts: each one's hash covers its content and the act before; checking, and pruning.

A chain in a database proves nothing against whoever may rewrite all of it; it shows every change
that was made without. Who notes the newest hash elsewhere (`audit verify` says it) sees that too.
"""

from __future__ import annotations

import json
from dataclasses import dataclass
from hashlib import sha256
from typing import TYPE_CHECKING, Final

from sqlalchemy import BigInteger, delete, func, select, type_coerce, update

from central.store.tables import audit, audit_chain

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence
    from datetime import datetime

    from central.store.books import Transaction

#: What the first act follows.
BEGINNING: Final = "0" * 64
#: Acts looked at, or removed, at once.
_SLICE: Final = 500


@dataclass(frozen=True, slots=True)
class Head:
    """Where the chain is."""

    n: int
    """The newest act; 0: none yet."""
    hash: str
    """Its hash."""
    pruned: int
    """The last act that retention removed; 0: none."""
    pruned_hash: str
    """Its hash: what the first act that is left follows."""


@dataclass(frozen=True, slots=True)
class Broken:
    """A place at which the chain does not hold."""

    where: str
    """Which act."""
    detail: str
    """What is wrong there."""


@dataclass(frozen=True, slots=True)
class Looked:
    """Some acts were hashed again."""

    upto: int
    """The last of them."""
    broken: tuple[Broken, ...]
    whole: bool
    """There are no more behind it."""


@dataclass(frozen=True, slots=True)
class Content:
    """An act as it is hashed: exactly the texts that are stored."""

    n: int
    at: int
    """Microseconds since 1970 UTC."""
    author: str
    address: str
    act: str
    target: str
    detail: str
    before: str | None
    after: str | None


def link(previous: str, content: Content) -> str:
    """Return an act's hash.

    SHA-256 of the hash before, in hexadecimal, a newline, and a JSON array of the content in the
    order of its fields, in ASCII without blanks.
    """
    return _linked(
        previous,
        [
            content.n,
            content.at,
            content.author,
            content.address,
            content.act,
            content.target,
            content.detail,
            content.before,
            content.after,
        ],
    )


# made once: an act is written in a fraction of the time it takes
_TEXT: Final = json.JSONEncoder(ensure_ascii=True, separators=(",", ":"))


def _linked(previous: str, fields: Sequence[object]) -> str:
    text = _TEXT.encode(fields)
    return sha256(f"{previous}\n{text}".encode("ascii")).hexdigest()


def head(tx: Transaction) -> Head:
    """Return where the chain is."""
    row = tx.sql.execute(_HEAD).one()
    return Head(row.n, row.hash, row.pruned, row.pruned_hash)


_HEAD: Final = select(audit_chain)


def grow(tx: Transaction, n: int, hash_: str) -> None:
    """Note the newest act."""
    tx.sql.execute(update(audit_chain).values(n=n, hash=hash_))


def check(tx: Transaction) -> Iterator[Broken]:
    """Hash every act again; yield what is wrong as it is found."""
    done = Looked(0, (), whole=False)
    while not done.whole:
        done = look(tx, after=done.upto, most=_SLICE)
        yield from done.broken


def look(tx: Transaction, *, after: int = 0, most: int) -> Looked:
    """Hash some acts again, in their order.

    Args:
        tx: any transaction.
        after: the last one that was looked at before; its hash is taken as it stands. 0: none.
        most: at most so many.
    """
    at = head(tx)
    n, previous = at.pruned, at.pruned_hash
    if n < after <= at.n:
        query = select(audit.c.hash).where(audit.c.n == after)
        n, previous = after, tx.sql.execute(query).scalar_one_or_none() or ""
    broken: list[Broken] = []
    rows = tx.sql.execute(select(*_HASHED).where(audit.c.n > n).order_by(audit.c.n).limit(most))
    count = 0
    for *content, hash_ in rows.all():
        count += 1
        if _linked(previous, content) != hash_:
            said = "it, or what was before it, was changed or removed"
            broken.append(Broken(f"act {content[0]}", said))
        n, previous = content[0], hash_
    whole = count < most
    if whole and (n, previous) != (at.n, at.hash):
        said = f"the chain is to end there; it ends at act {n}"
        broken.append(Broken(f"act {at.n}", said))
    return Looked(n, tuple(broken), whole)


#: As an act is hashed, and its hash; its moment as it is stored.
_HASHED: Final = (
    audit.c.n,
    type_coerce(audit.c.at, BigInteger),
    audit.c.author,
    audit.c.address,
    audit.c.act,
    audit.c.target,
    audit.c.detail,
    audit.c.before,
    audit.c.after,
    audit.c.hash,
)


def count(tx: Transaction) -> int:
    """Return how many acts there are."""
    return int(tx.sql.execute(select(func.count()).select_from(audit)).scalar_one())


def older(tx: Transaction, before: datetime) -> int:
    """Return how many acts are older than a moment."""
    query = select(func.count()).select_from(audit).where(audit.c.at < before)
    return int(tx.sql.execute(query).scalar_one())


def prune(tx: Transaction, before: datetime, limit: int = _SLICE) -> int:
    """Remove the oldest acts that are older than a moment; return how many, at most `limit`.

    Only the beginning of the chain is ever removed: what is left still proves itself.
    """
    found = head(tx)
    rows = tx.sql.execute(
        select(audit.c.n, audit.c.at, audit.c.hash)
        .where(audit.c.n > found.pruned)
        .order_by(audit.c.n)
        .limit(limit)
    ).all()
    last = None
    for row in rows:
        if row.at >= before:
            break
        last = row
    if last is None:
        return 0
    # first, so that the database lets them go
    tx.sql.execute(update(audit_chain).values(pruned=last.n, pruned_hash=last.hash))
    gone = tx.sql.execute(delete(audit).where(audit.c.n <= last.n))
    return int(gone.rowcount)
