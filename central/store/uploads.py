"""Documents on their way to a site, as the books know them; what they hold lies beside."""

from __future__ import annotations

import json
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final, Literal, TypeAlias
from uuid import UUID

from sqlalchemy import delete, func, insert, select, update

from central.store.tables import command, node, upload

if TYPE_CHECKING:
    from collections.abc import Mapping
    from datetime import datetime

    from sqlalchemy import Row

    from central.store.books import Transaction

State: TypeAlias = Literal["waiting", "sent", "held", "refused", "expired", "withdrawn"]
End: TypeAlias = Literal["held", "refused", "expired", "withdrawn"]

#: Those whose document is still here.
LIVE: Final = ("waiting", "sent")


@dataclass(frozen=True, slots=True)
class Upload:
    """One document."""

    n: int
    id: UUID
    user: str
    """Whose it is."""
    node: str
    """The site's edge."""
    name: str
    """As people called it."""
    kind: str
    """What it is, by its content."""
    file: str
    """Name of its file."""
    octets: int
    sha256: str
    options: Mapping[str, Any]
    """How it is to be printed, as the command says it: copies, sides, print_color_mode."""
    state: State
    command: UUID | None
    """What told the site the last time, and when."""
    asked_at: datetime | None
    made_at: datetime
    ends_at: datetime
    """It is not kept beyond."""
    over_at: datetime | None
    job: UUID | None
    """The job at the site that it became."""
    code: str
    """Why it was refused, for machines."""
    detail: str
    """The same in the site's own words."""

    @property
    def live(self) -> bool:
        """Whether its document is still here."""
        return self.state in LIVE


@dataclass(frozen=True, slots=True)
class Taken:
    """What lies here."""

    documents: int
    octets: int


def enter(tx: Transaction, **values: Any) -> UUID:  # noqa: ANN401  the columns
    """Enter a document that waits for its site; return its id.

    Args:
        tx: a writing transaction.
        values: user, node, name, kind, file, octets, sha256, options, ends_at.
    """
    id_ = tx.mint()
    tx.sql.execute(
        insert(upload).values(
            **{
                **values,
                "id": str(id_),
                "options": json.dumps(values["options"]),
                "state": "waiting",
                "made_at": tx.now,
                "code": "",
                "detail": "",
            }
        )
    )
    return id_


def find(tx: Transaction, id_: UUID) -> Upload | None:
    """Return a document, or None."""
    row = tx.sql.execute(select(upload).where(upload.c.id == str(id_))).one_or_none()
    return None if row is None else _record(row)


def live(tx: Transaction) -> list[Upload]:
    """Return what is still here, oldest first."""
    return [_record(row) for row in tx.sql.execute(_LIVE)]


_LIVE: Final = select(upload).where(upload.c.state.in_(LIVE)).order_by(upload.c.n)


def of(tx: Transaction, user: str, limit: int = 20) -> list[Upload]:
    """Return somebody's documents, newest first."""
    query = select(upload).where(upload.c.user == user).order_by(upload.c.n.desc()).limit(limit)
    return [_record(row) for row in tx.sql.execute(query)]


def speaking(tx: Transaction, wire: int) -> frozenset[str]:
    """Return the edges whose program speaks a wire or a newer one, in one question for all."""
    query = select(node.c.id).where(
        node.c.kind == "edge", node.c.incarnation.is_not(None), node.c.wire >= wire
    )
    return frozenset(tx.sql.execute(query).scalars())


def taken(tx: Transaction, user: str | None = None) -> Taken:
    """Return how much lies here, of somebody or in all."""
    query = select(func.count(), func.coalesce(func.sum(upload.c.octets), 0)).where(
        upload.c.state.in_(LIVE)
    )
    if user is not None:
        query = query.where(upload.c.user == user)
    documents, octets = tx.sql.execute(query).one()
    return Taken(int(documents), int(octets))


def asked(tx: Transaction, id_: UUID, told: UUID) -> None:
    """Note that its site is told by a command."""
    tx.sql.execute(
        update(upload)
        .where(upload.c.id == str(id_), upload.c.state.in_(LIVE))
        .values(state="sent", command=str(told), asked_at=tx.now)
    )


def again(tx: Transaction, id_: UUID) -> None:
    """Note that its site has to be told once more."""
    tx.sql.execute(
        update(upload)
        .where(upload.c.id == str(id_), upload.c.state == "sent")
        .values(state="waiting")
    )


def end(
    tx: Transaction,
    record: Upload,
    state: End,
    *,
    job: UUID | None = None,
    code: str = "",
    detail: str = "",
) -> bool:
    """Note what became of a document; its file is to be removed once that is durable.

    That the site holds it stands above what was believed before: a document that went there just
    when it was withdrawn here is there.

    Returns:
        Whether it was so until now.
    """
    before = LIVE if state != "held" else (*LIVE, "refused", "expired", "withdrawn")
    done = tx.sql.execute(
        update(upload)
        .where(upload.c.id == str(record.id), upload.c.state.in_(before))
        .values(
            state=state,
            over_at=tx.now,
            job=None if job is None else str(job),
            code=code,
            detail=detail,
        )
    )
    if record.command is not None:
        # what people call their documents is not kept longer than the document
        args = {"user": record.user, "upload": str(record.id)}
        tx.sql.execute(
            update(command).where(command.c.id == str(record.command)).values(args=json.dumps(args))
        )
    return done.rowcount == 1


def forget(tx: Transaction, before: datetime) -> int:
    """Drop what was over before a moment; return how many."""
    done = tx.sql.execute(delete(upload).where(upload.c.over_at < before))
    return int(done.rowcount)


def _record(row: Row[Any]) -> Upload:
    return Upload(
        n=row.n,
        id=UUID(row.id),
        user=row.user,
        node=row.node,
        name=row.name,
        kind=row.kind,
        file=row.file,
        octets=row.octets,
        sha256=row.sha256,
        options=json.loads(row.options),
        state=row.state,
        command=None if row.command is None else UUID(row.command),
        asked_at=row.asked_at,
        made_at=row.made_at,
        ends_at=row.ends_at,
        over_at=row.over_at,
        job=None if row.job is None else UUID(row.job),
        code=row.code,
        detail=row.detail,
    )
