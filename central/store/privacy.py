"""What becomes of documents' names: kept, hashed or hidden; at once, and in what is there already.

A name stands in the job's row and in the text of the event that told of it. The text goes whole:
its digest stays, by which the chain of its stream still proves itself (PROTOCOL 1).
"""

from __future__ import annotations

import hmac
import re
from dataclasses import dataclass
from datetime import timedelta
from hashlib import sha256
from typing import TYPE_CHECKING, Final, Literal, TypeAlias, cast

from sqlalchemy import bindparam, null, select, update

from broker.messages import JobHeld
from broker.stream import digest
from central.store import audit
from central.store.bulk import fetch_one, run_all
from central.store.tables import event, job, privacy, stream

if TYPE_CHECKING:
    from datetime import datetime
    from uuid import UUID

    from central.store.books import Transaction

Mode: TypeAlias = Literal["keep", "hash", "hide"]
#: A hash in place of a name: so many digits tell a person's documents apart, no more.
_HASHED: Final = re.compile(r"#[0-9a-f]{16}")
_DIGITS: Final = 16


@dataclass(frozen=True, slots=True)
class Names:
    """What becomes of documents' names."""

    mode: Mode
    key: str
    """Hexadecimal; hashes are keyed with it."""

    def kept(self, name: str) -> str:
        """Return what is kept of a name."""
        match self.mode:
            case "keep":
                return name
            case "hide":
                return ""
            case "hash":
                return name if not name or _HASHED.fullmatch(name) else self.hashed(name)

    def hashed(self, name: str) -> str:
        """Return the hash that stands for a name."""
        key = bytes.fromhex(self.key)
        return f"#{hmac.new(key, name.encode(), sha256).hexdigest()[:_DIGITS]}"


@dataclass(frozen=True, slots=True)
class Treated:
    """One slice of what is there already."""

    upto: int
    """Go on behind this one."""
    changed: int
    """Rows that were changed."""
    over: bool
    """There is no more."""


def names(tx: Transaction) -> Names:
    """Return what becomes of documents' names."""
    mode, key = fetch_one(tx, _NAMES)
    return Names(cast("Mode", mode), str(key))


_NAMES: Final = select(privacy.c.names, privacy.c.key)


def set_names(tx: Transaction, mode: Mode, *, author: str) -> bool:
    """Say what becomes of names from now on; return whether that is new."""
    before = names(tx).mode
    if before == mode:
        return False
    tx.sql.execute(update(privacy).values(names=mode))
    audit.note(tx, author=author, act="privacy names", target="books", before=before, after=mode)
    return True


def treat_jobs(
    tx: Transaction, how: Names, after: int, limit: int, older_than: datetime | None = None
) -> Treated:
    """Treat the names of the next jobs, by number; what is treated already stays as it is.

    Args:
        tx: a writing transaction.
        how: what becomes of them.
        after: go on behind this number.
        limit: look at so many.
        older_than: end at the first job that was heard of later.
    """
    rows = tx.sql.execute(
        select(job.c.n, job.c.name, job.c.queue, job.c.updated_at)
        .where(job.c.n > after)
        .order_by(job.c.n)
        .limit(limit)
    ).all()
    changes, upto, over = [], after, len(rows) < limit
    for row in rows:
        if older_than is not None and row.updated_at >= older_than:
            over = True
            break
        upto = row.n
        # what has no queue is a copy, and has no document
        kept = how.kept(row.name) if row.queue else row.name
        if kept != row.name:
            changes.append({"n_": row.n, "name_": kept})
    run_all(tx, _RENAME, changes)
    return Treated(upto, len(changes), over)


_RENAME: Final = update(job).where(job.c.n == bindparam("n_")).values(name=bindparam("name_"))


def forget_name(tx: Transaction, node_id: str, id_: UUID) -> None:
    """Take one document's name out of its job, and out of the event that told of it.

    The event is looked for around the day on which the job came in: there is no index of texts.
    """
    found = tx.sql.execute(
        select(job.c.received_at, job.c.updated_at).where(job.c.job == str(id_))
    ).one()
    tx.sql.execute(update(job).where(job.c.job == str(id_)).values(name=""))
    since = (found.received_at or found.updated_at) - _EARLIER
    rows = tx.sql.execute(
        select(event.c.stream, event.c.seq, event.c.data)
        .join(stream, stream.c.id == event.c.stream)
        .where(
            stream.c.node == node_id,
            stream.c.direction == "up",
            stream.c.name == "jobs",
            event.c.type == JobHeld.TYPE,
            event.c.data.contains(str(id_), autoescape=True),
            event.c.at >= since,
        )
    ).all()
    changes = [{"of_": row.stream, "seq_": row.seq, "digest_": digest(row.data)} for row in rows]
    run_all(tx, _ERASE, changes)


#: Clocks of sites may be so far ahead of ours.
_EARLIER: Final = timedelta(days=1)


def treat_events(
    tx: Transaction,
    stream_id: int,
    after: int,
    limit: int,
    older_than: datetime | None = None,
    *,
    everything: bool = False,
) -> Treated:
    """Erase the texts of the next events of a stream that name documents, or of all of them.

    Events that were put aside keep theirs: it is needed to mend them.
    """
    rows = tx.sql.execute(
        select(event.c.seq, event.c.data, event.c.type, event.c.state, event.c.at)
        .where(event.c.stream == stream_id, event.c.seq > after)
        .order_by(event.c.seq)
        .limit(limit)
    ).all()
    changes, upto, over = [], after, len(rows) < limit
    for row in rows:
        if older_than is not None and row.at >= older_than:
            over = True
            break
        upto = row.seq
        named = everything or row.type == JobHeld.TYPE
        if named and row.data is not None and row.state == "applied":
            changes.append({"of_": stream_id, "seq_": row.seq, "digest_": digest(row.data)})
    run_all(tx, _ERASE, changes)
    return Treated(upto, len(changes), over)


_ERASE: Final = (
    update(event)
    .where(event.c.stream == bindparam("of_"), event.c.seq == bindparam("seq_"))
    .values(data=null(), digest=bindparam("digest_"))
)


def streams_up(tx: Transaction, *names_: str) -> list[int]:
    """Return the streams from sites of these names, all of them ever."""
    query = (
        select(stream.c.id)
        .where(stream.c.direction == "up", stream.c.name.in_(names_))
        .order_by(stream.c.id)
    )
    return list(tx.sql.execute(query).scalars())
