"""Nodes: entering, enrolling, freeing, roles, writing off, forks, and events that were put aside.

Secrets for the broker are in a file, not in the books: whoever calls writes them once the act is
committed. What an act would mean is in `consequences`.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from central.acts import consequences
from central.acts.by import By, signed
from central.presence import is_linked
from central.store import audit, closures, forks, nodes, quarantine, terms, writeoff
from central.store.ledger import Refused
from central.store.trying import all_or_nothing
from config.policy.roles import ROLES

if TYPE_CHECKING:
    from collections.abc import Mapping
    from typing import Literal

    from central.acts.consequences import Consequence
    from central.store.books import Books, Transaction
    from central.store.closures import Closure
    from central.store.nodes import NodeRecord
    from central.store.quarantine import Done, Put
    from central.store.terms import Terms, Wish


def enter(
    tx: Transaction,
    by: By,
    name: str,
    *,
    site: str = "",
    kind: Literal["edge", "dashboard"] = "edge",
    code: str | None = None,
) -> NodeRecord | Refused:
    """Enter a node; an edge with the one-use code that lets its journal in."""
    if name == tx.identity.node:
        return Refused(f"{name} is the coordinator itself")
    role = "remote" if kind == "edge" else ""
    place = " ".join(site.split()) or name
    if not nodes.add(tx, name, site=place, role=role, kind=kind, code=code):
        return Refused(f"there is a node {name!r} already; for a new code: node enrol")
    after = {"site": place, "kind": kind, "role": role}
    _note(tx, by, "node add", name, {"kind": kind}, after=after)
    return _known(nodes.find(tx, name), name)


def rename_site(tx: Transaction, by: By, name: str, site: str) -> NodeRecord | Refused:
    """Change what people call a place."""
    known = find(tx, name)
    if isinstance(known, Refused):
        return known
    place = " ".join(site.split())
    if not place or not place.isprintable():
        return Refused("a place needs a name; people read it")
    nodes.rename(tx, name, place)
    _note(tx, by, "node set", name, {"site": place}, before=known.site, after=place)
    return _known(nodes.find(tx, name), name)


def enrol(
    tx: Transaction, by: By, name: str, code: str, *, write_off: bool = False
) -> NodeRecord | Refused:
    """Let one new journal of a node in; frees a parked or frozen node.

    Args:
        tx: a writing transaction.
        by: who does it.
        name: the edge.
        code: the one-use code, as its settings get it.
        write_off: the old journal is lost: make people whole at the house's cost.
    """
    known = find(tx, name)
    if isinstance(known, Refused):
        return known
    told = consequences.of_enrolment(tx, known, write_off=write_off)
    if told.refused is not None:
        return Refused(told.refused)
    mine = signed(tx, by)
    if write_off:
        writeoff.write_off(mine, name, by.author)
    nodes.enrol(tx, name, code)
    _note(tx, by, "node enrol", name, {}, before=known.state, after="active")
    return _known(nodes.find(tx, name), name)


def free(tx: Transaction, by: By, name: str) -> NodeRecord | Refused:
    """Listen again to a parked or frozen node; returns it as it was before."""
    known = find(tx, name)
    if isinstance(known, Refused):
        return known
    if known.state == "active":
        return Refused(f"{name} is neither parked nor frozen")
    nodes.set_state(tx, name, "active", "")
    detail = {"was": known.state, "reason": known.reason}
    _note(tx, by, "node free", name, detail, before=known.state, after="active")
    return known


def new_secret(tx: Transaction, by: By, name: str) -> NodeRecord | Refused:
    """Write down that a node gets a new secret for the broker; the caller writes the file."""
    known = find(tx, name)
    if not isinstance(known, Refused):
        _note(tx, by, "node secret", name, {})
    return known


def revoke(tx: Transaction, by: By, name: str, *, reason: str) -> NodeRecord | Refused:
    """Write down that a node may not connect any more; the caller strikes it out of the file."""
    known = find(tx, name)
    if isinstance(known, Refused):
        return known
    if not reason.strip():
        return Refused("say why; it is kept")
    _note(tx, by, "node revoke", name, {"reason": reason})
    return known


def resync(tx: Transaction, by: By, name: str) -> NodeRecord | Refused:
    """Have a site get the whole directory again, as soon as it is linked."""
    known = find(tx, name)
    if isinstance(known, Refused):
        return known
    told = consequences.of_resync(tx, known)
    if told.refused is not None:
        return Refused(told.refused)
    nodes.ask_resync(tx, name)
    _note(tx, by, "node resync", name, {})
    return known


def set_role(tx: Transaction, by: By, name: str, wish: Wish) -> Terms | Refused:
    """Wish a site another role and what it may bear; it holds from the edge's own word on."""
    if wish.role not in ROLES:
        return Refused(f"{wish.role!r} is no role; one of {', '.join(ROLES)}")
    if (refused := terms.wrong(wish)) is not None:
        return refused
    known = find(tx, name)
    if isinstance(known, Refused):
        return known
    return terms.set_wish(signed(tx, by), name, wish, author=by.author)


def write_off(tx: Transaction, by: By, name: str) -> Consequence | Refused:
    """Make people whole for what sits at an edge that is lost for good; returns what was done."""
    known = find(tx, name)
    if isinstance(known, Refused):
        return known
    told = consequences.of_write_off(tx, known)
    if told.refused is not None:
        return Refused(told.refused)
    writeoff.write_off(signed(tx, by), name, by.author)
    return told


# ── forks ───────────────────────────────────────────────────────────────────────────────────


def enter_fork(tx: Transaction, by: By, name: str) -> Closure | Refused:
    """Return the end of an edge's journal that has forked; entered here when it is new."""
    known = _edge(tx, name)
    if isinstance(known, Refused):
        return known
    if known.incarnation is None or known.state != "frozen":
        return forked(tx, name)
    return closures.begin(tx, name, known.incarnation, "fork", author=by.author)


def look_at_fork(tx: Transaction, by: By, name: str) -> Closure | Refused:
    """Ask a frozen edge for its own branch; it comes as the edge answers."""
    closed = enter_fork(tx, by, name)
    if isinstance(closed, Refused) or closed.step != "open":
        return closed
    return closures.go(tx, _collect_anew(tx, closed), "looking")


def ask_fork(tx: Transaction, by: By, name: str) -> Closure | Refused:
    """Do the same, also once more: what was asked before may never have come there."""
    found = look_at_fork(tx, by, name)
    if isinstance(found, Refused) or found.step != "looking":
        return found
    return closures.go(tx, found, "looking")


def forked(tx: Transaction, name: str) -> Closure | Refused:
    """Return the end of an edge's journal that has forked, as far as it is entered; pure read."""
    known = _edge(tx, name)
    if isinstance(known, Refused):
        return known
    going = [each for each in closures.of(tx, name) if each.step != "done"]
    if known.incarnation is not None and known.state == "frozen":
        here = closures.find(tx, name, known.incarnation)
        return here or Refused(f"{name} is frozen; nobody has looked at its fork yet")
    return going[-1] if going else Refused(f"{name} is not frozen: nothing has forked there")


def rehearse_fork(books: Books, closed: Closure) -> Mapping[str, object]:
    """Return what booking both branches would come to: tried in a transaction that is undone."""
    if closed.step == "done" or closed.returned:
        return closed.result
    return forks.rehearse(books, closed)


def would_book(tx: Transaction, closed: Closure) -> Mapping[str, object]:
    """Return the same, in a transaction that the caller undoes."""
    if closed.step == "done" or closed.returned:
        return closed.result
    return forks.book_all(tx, closed).result


def resolve_fork(
    tx: Transaction, by: By, name: str, *, without_branch: bool = False
) -> Closure | Refused:
    """Book both branches, give back what is left, have the edge begin anew; goes on by itself.

    `without_branch`: book what is known; the edge stays frozen for its own.
    """
    closed = enter_fork(tx, by, name)
    if isinstance(closed, Refused) or closed.step not in {"open", "looking"}:
        return closed
    closed = _collect_anew(tx, closed)
    if closed.kind == "write-off":
        closed = closures.change(tx, closed, heads={**closed.heads, "forked": 1})
    closed = closures.change(tx, closed, author=by.author)
    closed = closures.go(tx, closed, "booking" if without_branch else "stopping")
    detail = {"without_branch": without_branch, "incarnation": str(closed.incarnation)}
    _note(tx, by, "fork resolve", name, detail)
    return closed


# ── quarantine ──────────────────────────────────────────────────────────────────────────────


def repair(
    tx: Transaction, by: By, id_: str, text: str, *, reason: str, linked: frozenset[str]
) -> Done | Refused:
    """Apply another event in place of one that was put aside, once."""
    if not reason.strip():
        return Refused("say why; it is kept")
    mine = signed(tx, by)
    return quarantine.repair(mine, id_, text, author=by.author, reason=reason, linked=linked)


def replay(
    tx: Transaction, by: By, id_: str, *, reason: str = "", linked: frozenset[str]
) -> Done | Refused:
    """Try an event that was put aside again: what was in its way may be gone."""
    mine = signed(tx, by)
    return quarantine.replay(mine, id_, author=by.author, reason=reason, linked=linked)


def dismiss(tx: Transaction, by: By, id_: str, *, reason: str) -> Done | Refused:
    """Let an event be without effect; what it had spent goes back to its accounts."""
    if not reason.strip():
        return Refused("say why; it is kept")
    mine = signed(tx, by)
    return all_or_nothing(
        tx, lambda: quarantine.dismiss(mine, id_, author=by.author, reason=reason)
    )


def put_aside(tx: Transaction, id_: str) -> Put | Refused:
    """Return an event that was put aside."""
    return quarantine.find(tx, id_) or Refused(f"nothing is quarantined as {id_!r}")


# ── inside ──────────────────────────────────────────────────────────────────────────────────


def find(tx: Transaction, name: str) -> NodeRecord | Refused:
    """Return a node, or say that there is none."""
    return _known(nodes.find(tx, name), name)


def linked_now(tx: Transaction) -> frozenset[str]:
    """Return the nodes that can be reached."""
    return frozenset(
        each.id
        for each in nodes.every(tx)
        if is_linked(linked=each.linked, seen_at=each.seen_at, now=tx.now)
    )


def _known(found: NodeRecord | None, name: str) -> NodeRecord | Refused:
    return found or Refused(f"there is no node {name}")


def _edge(tx: Transaction, name: str) -> NodeRecord | Refused:
    known = nodes.find(tx, name)
    if known is None or known.kind != "edge":
        return Refused(f"there is no site {name}")
    return known


def _collect_anew(tx: Transaction, closed: Closure) -> Closure:
    heads = {key: n for key, n in closed.heads.items() if not key.startswith("whole ")}
    return closures.change(tx, closed, heads=heads)


def _note(
    tx: Transaction,
    by: By,
    act: str,
    name: str,
    detail: Mapping[str, object],
    *,
    before: object = None,
    after: object = None,
) -> None:
    mine = signed(tx, by)
    audit.note(
        mine, author=by.author, act=act, target=name, detail=detail, before=before, after=after
    )
