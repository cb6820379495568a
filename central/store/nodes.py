"""Nodes: entered by an administrator, accepted at their first birth, parked or frozen at fault."""

from __future__ import annotations

import hmac
from dataclasses import dataclass
from hashlib import sha256
from typing import TYPE_CHECKING, Any, Final, Literal, TypeAlias
from uuid import UUID

from sqlalchemy import bindparam, delete, func, insert, literal_column, select, update

from central.store import closures, streams
from central.store.tables import location, node, reclaim, stream

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping
    from datetime import datetime

    from sqlalchemy import Row

    from broker.messages import Birth, StreamName
    from central.store.books import Transaction
    from central.store.closures import Closure
    from central.store.streams import StreamState
    from config.policy.money import Unit

NodeState = Literal["active", "parked", "frozen"]
#: Streams up that every edge has.
UP_STREAMS: tuple[StreamName, ...] = ("ledger", "jobs")


@dataclass(frozen=True, slots=True)
class NodeRecord:
    """A node as the books know it."""

    id: str
    """Its node id."""
    site: str
    """Where it stands."""
    role: str
    """agent, tracker or remote."""
    kind: str
    """edge, or dashboard."""
    incarnation: UUID | None
    """Its accepted journal."""
    state: NodeState
    """Active; parked: not listened to; frozen: granted nothing, its streams stand still."""
    reason: str
    """Why, for people."""
    software: str
    """Name and version, as of its last birth."""
    linked: bool
    """Whether the coordinator heard it lately."""
    born_at: datetime | None
    """Last birth."""
    seen_at: datetime | None
    """Last message."""
    may_enrol: bool
    """Whether an unspent enrolment code exists."""


@dataclass(frozen=True, slots=True)
class Accepted:
    """The node's journal is the one the books go on with."""

    up: Mapping[StreamName, StreamState]
    """Its streams up, by name."""
    down: StreamState
    """Its ledger stream down."""
    first: bool
    """The journal was accepted just now, by its enrolment code."""
    closed: bool = False
    """It was written off: it may tell what it has done, and is given nothing."""


@dataclass(frozen=True, slots=True)
class NotAccepted:
    """The books do not go on with this journal; the node is parked or stays as it is."""

    reason: str
    """One sentence for people."""


Acceptance: TypeAlias = Accepted | NotAccepted


def add(
    tx: Transaction, node_id: str, *, site: str, role: str, kind: str, code: str | None
) -> bool:
    """Enter a node; return False when there is one of that name already."""
    if find(tx, node_id) is not None:
        return False
    values = {
        "id": node_id,
        "site": site,
        "role": role,
        "kind": kind,
        "code_digest": None if code is None else _digest(code),
        "state": "active",
        "linked": False,
        "created_at": tx.now,
    }
    tx.sql.execute(insert(node).values(**values))
    return True


def remove_dashboard(tx: Transaction, node_id: str) -> None:
    """Forget a dashboard: it has no journal and no money, so nothing refers to it."""
    tx.sql.execute(delete(node).where(node.c.id == node_id, node.c.kind == "dashboard"))


def enrol(tx: Transaction, node_id: str, code: str) -> None:
    """Let one new journal of a node in, by a new one-use code; a parked node becomes active."""
    tx.sql.execute(
        update(node)
        .where(node.c.id == node_id)
        .values(code_digest=_digest(code), state="active", reason="")
    )


def rename(tx: Transaction, node_id: str, site: str) -> None:
    """Call the place otherwise."""
    tx.sql.execute(update(node).where(node.c.id == node_id).values(site=site))


def ask_resync(tx: Transaction, node_id: str) -> None:
    """Wish that a node gets the whole directory again."""
    tx.sql.execute(update(node).where(node.c.id == node_id).values(resync_at=tx.now))


def to_resync(tx: Transaction) -> frozenset[str]:
    """Return the nodes that are to get the whole directory again."""
    return frozenset(tx.sql.execute(_RESYNC).scalars())


def resynced(tx: Transaction, node_id: str) -> None:
    """Note that a node was sent the whole directory."""
    tx.sql.execute(update(node).where(node.c.id == node_id).values(resync_at=None))


# made once: making one takes longer than running it
_NODE: Final = select(node).where(node.c.id == bindparam("id"))
_RESYNC: Final = select(node.c.id).where(node.c.resync_at.is_not(None))


def find(tx: Transaction, node_id: str) -> NodeRecord | None:
    """Return a node, or None."""
    row = tx.sql.execute(_NODE, {"id": node_id}).one_or_none()
    return None if row is None else _record(row)


def wire(tx: Transaction, node_id: str) -> int:
    """Return the newest vocabulary a node understands; 0: it was never met."""
    query = select(node.c.wire).where(node.c.id == node_id, node.c.incarnation.is_not(None))
    return tx.sql.execute(query).scalar_one_or_none() or 0


def every(tx: Transaction) -> list[NodeRecord]:
    """Return all nodes by name."""
    return [_record(row) for row in tx.sql.execute(select(node).order_by(node.c.id))]


def called(tx: Transaction) -> dict[str, str]:
    """Return what people call the nodes, by id: the name of its site, or the id."""
    return {node_id: site or node_id for node_id, site in tx.sql.execute(_CALLED)}


def sites_called(tx: Transaction) -> dict[str, str]:
    """Return what people call the sites, by their edges, in the order of these."""
    return {node_id: site or node_id for node_id, site in tx.sql.execute(_SITES)}


_CALLED: Final = select(node.c.id, node.c.site).order_by(node.c.id)
_SITES: Final = _CALLED.where(node.c.kind == "edge")


def accept(tx: Transaction, node_id: str, birth: Birth) -> Acceptance:
    """Decide whether the books go on with the journal that was born, and note the birth."""
    row = tx.sql.execute(select(node).where(node.c.id == node_id)).one_or_none()
    if row is None:
        return NotAccepted(f"{node_id} is not known here; enter it with `central node add`")
    if row.kind != "edge":
        return NotAccepted(f"{node_id} is a {row.kind}, it has no journal")
    closed = closures.find(tx, node_id, birth.incarnation)
    if closed is not None and not (closed.idle and row.incarnation == str(birth.incarnation)):
        return _late(tx, closed, birth)
    first = row.incarnation != str(birth.incarnation)
    changes: dict[str, Any] = {}
    if first:
        code = birth.enrolment
        if code is None or row.code_digest is None or not _proves(code, row.code_digest):
            reason = (
                "a journal that is not known here came without a valid enrolment code; if it is "
                f"meant to be there, make one with `central node enrol {node_id}`"
            )
            if row.state == "active":
                set_state(tx, node_id, "parked", reason)
            return NotAccepted(reason)
        # the role a new journal begins with; from then on its own word on terms changes it
        changes = {"incarnation": str(birth.incarnation), "code_digest": None, "role": birth.role}
        # what the old journal was asked for, nobody will answer any more
        tx.sql.execute(
            update(reclaim)
            .where(reclaim.c.node == node_id, reclaim.c.state == "open")
            .values(state="closed")
        )
        if row.state == "parked":
            changes |= {"state": "active", "reason": ""}
    elif row.state == "parked":
        return NotAccepted(row.reason)
    heads = birth.model_dump_json(include={"up", "down", "directory", "epoch"})
    tx.sql.execute(
        update(node)
        .where(node.c.id == node_id)
        .values(
            **changes,
            software=birth.software,
            wire=birth.wire,
            born_at=tx.now,
            seen_at=tx.now,
            linked=True,
            birth=heads,
        )
    )
    return _streams(tx, node_id, birth, first=first)


def _late(tx: Transaction, closed: Closure, birth: Birth) -> Acceptance:
    """Decide about a journal that is closed: one that was lost may come in and tell."""
    known = find(tx, closed.node)
    if closed.kind == "fork":
        return NotAccepted("this journal has forked and is closed; the next one comes by a code")
    if closed.step == "done":
        return NotAccepted("this journal was written off and has told everything; it is closed")
    heads = birth.model_dump_json(include={"up", "down", "directory", "epoch"})
    if known is not None and known.incarnation is None:
        values = {"born_at": tx.now, "seen_at": tx.now, "linked": True, "birth": heads}
        tx.sql.execute(
            update(node).where(node.c.id == closed.node).values(**values, wire=birth.wire)
        )
    if closed.step == "open":
        closures.go(tx, closed, "stopping")
    return _streams(tx, closed.node, birth, first=False, closed=True)


def _streams(
    tx: Transaction, node_id: str, birth: Birth, *, first: bool, closed: bool = False
) -> Accepted:
    up = {
        name: streams.open_stream(tx, node_id, birth.incarnation, "up", name) for name in UP_STREAMS
    }
    down = streams.open_stream(tx, node_id, birth.incarnation, "down", "ledger")
    return Accepted(up, down, first, closed)


def set_state(tx: Transaction, node_id: str, state: NodeState, reason: str) -> None:
    """Park, freeze or free a node."""
    tx.sql.execute(update(node).where(node.c.id == node_id).values(state=state, reason=reason))


def seen(tx: Transaction, linked: Mapping[str, bool]) -> None:
    """Store whether nodes are heard; who is, was seen now."""
    for node_id, heard in linked.items():
        if heard:
            tx.sql.execute(_HEARD, {"id_": node_id, "now_": tx.now})
        else:
            tx.sql.execute(_CUT_OFF, {"id_": node_id})


_MINE = node.c.id == bindparam("id_")
_NOW = bindparam("now_", type_=node.c.seen_at.type)
_HEARD: Final = update(node).where(_MINE).values(linked=True, seen_at=_NOW)
_CUT_OFF: Final = update(node).where(_MINE).values(linked=False)


def nobody_linked(tx: Transaction) -> None:
    """Forget who was heard: the coordinator begins or ends."""
    tx.sql.execute(update(node).values(linked=False))


def money_at(tx: Transaction, node_id: str) -> list[tuple[str, str, int]]:
    """Return what sits at a node: (account, unit, micros), nothing that is zero."""
    rows = tx.sql.execute(
        select(location.c.account, location.c.unit, location.c.micros)
        .where(location.c.place == node_id, location.c.micros != 0)
        .order_by(location.c.account, location.c.unit)
    )
    return [(account, unit, micros) for account, unit, micros in rows]


def sums_at(tx: Transaction, node_id: str) -> tuple[dict[Unit, int], int]:
    """Return what sits at a node: micros by unit, and of how many accounts; few rows of many."""
    rows = tx.sql.execute(_SUMS, {"node": node_id}).all()
    return {unit: int(micros) for unit, micros, _ in rows}, sum(count for *_, count in rows)


#: An account is in one unit.
_SUMS: Final = (
    select(location.c.unit, func.sum(location.c.micros), func.count())
    .where(location.c.place == bindparam("node"), location.c.micros != literal_column("0"))
    .group_by(location.c.unit)
    .order_by(location.c.unit)
)


def down_streams(tx: Transaction, node_ids: Iterable[str]) -> list[StreamState]:
    """Return the current down streams of the named nodes."""
    which = {"ours": str(tx.identity.incarnation), "ids": list(set(node_ids))}
    rows = tx.sql.execute(_DOWN, which)
    return [streams.state_of(row, tx.identity) for row in rows]


_DOWN: Final = (
    select(stream)
    .join(node, (node.c.id == stream.c.node) & (node.c.incarnation == stream.c.incarnation))
    .where(
        stream.c.direction == "down",
        stream.c.ours == bindparam("ours"),
        node.c.id.in_(bindparam("ids", expanding=True)),
    )
)


def _digest(code: str) -> str:
    return sha256(code.encode()).hexdigest()


def _proves(code: str, digest: str) -> bool:
    return hmac.compare_digest(_digest(code), digest)


def _record(row: Row[Any]) -> NodeRecord:
    return NodeRecord(
        id=row.id,
        site=row.site,
        role=row.role,
        kind=row.kind,
        incarnation=UUID(row.incarnation) if row.incarnation else None,
        state=row.state,
        reason=row.reason,
        software=row.software,
        linked=row.linked,
        born_at=row.born_at,
        seen_at=row.seen_at,
        may_enrol=row.code_digest is not None,
    )
