"""Commands to nodes: written here, sent by the coordinator, answered into the same row."""

from __future__ import annotations

import json
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Final
from uuid import UUID

from sqlalchemy import bindparam, insert, select, update

from broker.messages import Command
from central.store.tables import command

if TYPE_CHECKING:
    from datetime import datetime

    from sqlalchemy import Row

    from broker.messages import CommandState
    from central.store.books import Transaction

_OVER: Final = ("successful", "failed", "expired")


@dataclass(frozen=True, slots=True)
class CommandRecord:
    """A command and how far it is."""

    id: UUID
    """Names it."""
    node: str
    """Who is to do it."""
    state: str
    """waiting, sent, accepted, executing, successful, failed or expired."""
    detail: str
    """For people."""
    data: dict[str, Any]
    """The result."""
    what: str = ""
    """The command."""
    args: dict[str, Any] = field(default_factory=dict)
    """Its arguments."""
    expires_at: datetime | None = None
    """Not begun after this."""

    @property
    def over(self) -> bool:
        """Whether nothing more will happen."""
        return self.state in _OVER


def order(
    tx: Transaction, node: str, what: str, args: dict[str, Any], expires_at: datetime
) -> UUID:
    """Write a command down; the coordinator sends it when the node is linked."""
    id_ = tx.mint()
    values = {
        "id": str(id_),
        "node": node,
        "command": what,
        "args": json.dumps(args),
        "created_at": tx.now,
        "expires_at": expires_at,
        "state": "waiting",
        "detail": "",
        "result": "{}",
    }
    tx.sql.execute(insert(command).values(**values))
    return id_


def waiting(tx: Transaction) -> list[tuple[str, Command]]:
    """Return commands nobody has sent yet, with the nodes they are for."""
    rows = tx.sql.execute(_WAITING)
    return [
        (
            row.node,
            Command(
                id=UUID(row.id),
                command=row.command,
                args=json.loads(row.args),
                expires_at=row.expires_at,
            ),
        )
        for row in rows
    ]


def sent(tx: Transaction, id_: UUID) -> None:
    """Note that a command went out."""
    tx.sql.execute(
        update(command)
        .where(command.c.id == str(id_), command.c.state == "waiting")
        .values(state="sent")
    )


_WAITING: Final = select(command).where(command.c.state == "waiting").order_by(command.c.id)
_EXPIRE: Final = (
    update(command)
    .where(
        command.c.state.in_(("waiting", "sent")),
        command.c.expires_at <= bindparam("now_", type_=command.c.expires_at.type),
    )
    .values(state="expired", detail="not answered in time")
)


def expire(tx: Transaction) -> None:
    """Close what was not begun in time."""
    tx.sql.execute(_EXPIRE, {"now_": tx.now})


def answered(tx: Transaction, node: str, told: CommandState) -> None:
    """Store what a node says of a command; only of its own, and not after its end."""
    tx.sql.execute(
        update(command)
        .where(command.c.id == str(told.id), command.c.node == node, command.c.state.not_in(_OVER))
        .values(state=told.state, detail=told.detail, result=json.dumps(told.data))
    )


def find(tx: Transaction, id_: UUID) -> CommandRecord | None:
    """Return a command, or None."""
    row = tx.sql.execute(select(command).where(command.c.id == str(id_))).one_or_none()
    if row is None:
        return None
    return _record(row)


def lately(tx: Transaction, since: datetime) -> list[CommandRecord]:
    """Return commands that were written down since a moment, oldest first."""
    # ids begin with the millisecond they were made in, so a time is a place among them
    stamp = f"{int(since.timestamp() * 1000):012x}"
    first = f"{stamp[:8]}-{stamp[8:]}"
    query = select(command).where(command.c.id >= first).order_by(command.c.id)
    return [_record(row) for row in tx.sql.execute(query)]


def _record(row: Row[Any]) -> CommandRecord:
    return CommandRecord(
        UUID(row.id),
        row.node,
        row.state,
        row.detail,
        json.loads(row.result),
        row.command,
        json.loads(row.args),
        row.expires_at,
    )
