"""What people wish of their held jobs from afar: said to the job's site, at once or not at all.

Nothing waits for a site that works alone: whoever wishes is told so, and can do it there.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import timedelta
from typing import TYPE_CHECKING, Any, Final, Literal, TypeAlias

from central.acts.by import By, signed
from central.presence import is_linked
from central.store import audit, commands, directory, lists, nodes

if TYPE_CHECKING:
    from collections.abc import Mapping
    from uuid import UUID

    from central.store.books import Transaction
    from central.store.commands import CommandRecord

What: TypeAlias = Literal["release-job", "cancel-job", "quote-job"]

#: A wish that the site has not begun by then is never begun.
PATIENCE: Final = timedelta(minutes=1)
#: Nodes that speak this wire, or a newer one, know such wishes.
WIRE: Final = 4
#: Wishes of one person within that time; more is no person.
_MOST: Final = 30
_KNOWN: Final[frozenset[str]] = frozenset({"release-job", "cancel-job", "quote-job", "enrol-popup"})
_ACTS: Final = {"release-job": "job release wish", "cancel-job": "job delete wish"}


@dataclass(frozen=True, slots=True)
class NotSent:
    """The wish was not said to anybody; nothing was queued."""

    why: Literal["no-job", "alone", "old", "printer", "too-many"]
    """no-job: none of theirs that waits; alone: its site is not linked; old: its site's program
    does not know such wishes; printer: not one of that site; too-many: within a minute."""
    site: str = ""
    """What people call the site."""


def wish(  # noqa: PLR0911  one a reason
    tx: Transaction,
    by: By,
    what: What,
    job: UUID,
    *,
    user: str,
    printer: str = "",
    changes: Mapping[str, Any] | None = None,
    confirmed: bool = False,
) -> UUID | NotSent:
    """Have a site release, throw away or price a held job, as a terminal's wish of that person.

    Args:
        tx: a writing transaction.
        by: who does it.
        what: release, throw away, or say what it would come to.
        job: job-uuid.
        user: whose job it is.
        printer: device id, where it is to be printed.
        changes: `JobChanges` as JSON: what is to be different of how it came.
        confirmed: they said yes to what a rule asks.

    Returns:
        The command: `mine` tells how far it is.
    """
    found = lists.job(tx, job)
    if found is None or found.job.user.lower() != user.lower():
        return NotSent("no-job")
    if found.job.state != "pending-held":
        return NotSent("no-job")
    node = nodes.find(tx, found.job.node)
    if node is None:
        return NotSent("no-job")
    site = node.site or node.id
    if node.state != "active" or not is_linked(
        linked=node.linked, seen_at=node.seen_at, now=tx.now
    ):
        return NotSent("alone", site)
    if nodes.wire(tx, node.id) < WIRE:
        return NotSent("old", site)
    args: dict[str, Any] = {"user": user, "job": str(job)}
    if what != "cancel-job":
        row = directory.get(tx, "printer", printer) if printer else None
        if row is None or row["node"] != node.id:
            return NotSent("printer", site)
        args |= {"printer": printer}
        args |= {"changes": dict(changes)} if changes else {}
        args |= {"confirmed": True} if confirmed else {}
    if len(lately(tx, user)) >= _MOST:
        return NotSent("too-many", site)
    id_ = commands.order(tx, node.id, what, args, tx.now + PATIENCE)
    if what in _ACTS:
        detail = {key: value for key, value in args.items() if key != "job"}
        audit.note(
            signed(tx, by), author=by.author, act=_ACTS[what], target=str(job), detail=detail
        )
    return id_


def popup(
    tx: Transaction, by: By, *, user: str, site: str, name: str, digest: str
) -> UUID | NotSent:
    """Have a site let a person's pop-up in.

    Args:
        tx: a writing transaction.
        by: who does it.
        user: whose it is to be.
        site: the site's edge.
        name: the pop-up's id.
        digest: SHA-256 of its secret, which is not told.
    """
    node = nodes.find(tx, site)
    if node is None or node.kind != "edge":
        return NotSent("no-job")
    called = node.site or node.id
    if node.state != "active" or not is_linked(
        linked=node.linked, seen_at=node.seen_at, now=tx.now
    ):
        return NotSent("alone", called)
    if nodes.wire(tx, node.id) < WIRE:
        return NotSent("old", called)
    if len(lately(tx, user)) >= _MOST:
        return NotSent("too-many", called)
    args = {"user": user, "node": name, "hash": digest}
    id_ = commands.order(tx, node.id, "enrol-popup", args, tx.now + PATIENCE)
    detail = {"node": node.id, "popup": name}
    audit.note(
        signed(tx, by), author=by.author, act="popup enrol", target=f"person:{user}", detail=detail
    )
    return id_


def mine(tx: Transaction, id_: UUID, user: str) -> CommandRecord | None:
    """Return a person's wish; None: there is none of theirs."""
    found = commands.find(tx, id_)
    if found is None or found.what not in _KNOWN or found.args.get("user") != user:
        return None
    return found


def lately(tx: Transaction, user: str) -> list[CommandRecord]:
    """Return what a person wished within the last minute, oldest first."""
    return [
        each
        for each in commands.lately(tx, tx.now - PATIENCE)
        if each.what in _KNOWN and each.args.get("user") == user
    ]
