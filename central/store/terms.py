"""What the centre wishes a site to be and to bear, and what its journal has told to live by.

A wish goes down the ledger stream; it holds from the edge's own word on. Until then whatever was
sent may be in force, and the worst of it counts.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final, cast
from uuid import UUID

from pydantic import TypeAdapter
from sqlalchemy import bindparam, func, insert, select, update

from broker.messages import SetTerms, TermsTaken, UncoveredCap
from central.store import audit, nodes, recovery, streams
from central.store.ledger import Refused
from central.store.tables import node, terms
from config.policy.money import UNIT_MICROS
from config.policy.roles import ROLES

if TYPE_CHECKING:
    from collections.abc import Iterable
    from datetime import datetime

    from sqlalchemy import Row, Select

    from broker.messages import Birth
    from central.store.books import Transaction
    from config.policy.money import Unit
    from config.policy.roles import RoleName

_CAPS: Final = TypeAdapter(tuple[UncoveredCap, ...])
#: What a site that may always go past the allocation may have outstanding, unless told otherwise.
DEFAULT_SITE: Final = 500 * UNIT_MICROS
DEFAULT_USER: Final = 20 * UNIT_MICROS
#: Wire that a node must speak to be told terms.
_WIRE: Final = 2
#: Terms of restored books are above all that came before: an edge takes only higher ones.
_WITHIN: Final = 32


@dataclass(frozen=True, slots=True)
class Wish:
    """What a site is to be and to bear."""

    role: RoleName
    """A line of the role table."""
    uncovered: tuple[UncoveredCap, ...] = ()
    """Past the allocation, by unit; without one, nothing."""
    offline_seconds: int | None = None
    """After so long without the centre nothing is released; None: without limit."""


@dataclass(frozen=True, slots=True)
class Terms:
    """A wish and how far it is."""

    node: str
    n: int
    wish: Wish
    author: str
    at: datetime
    incarnation: UUID | None
    """The journal it was sent to; None: not sent yet."""
    taken_at: datetime | None
    """When the edge's word came; None: not yet."""


@dataclass(frozen=True, slots=True)
class Leave:
    """How much may be outstanding past the allocation in one unit; None: without limit."""

    site: int | None
    """At the site."""
    user: int | None
    """On one account."""


NO_LEAVE: Final = Leave(0, 0)


def default_caps(role: RoleName, unit: Unit) -> tuple[UncoveredCap, ...]:
    """Return what a site in a role may bear if nobody says otherwise."""
    if ROLES[role].past_allocation == "always":
        return (UncoveredCap(unit=unit, site=DEFAULT_SITE, user=DEFAULT_USER),)
    return ()


def wrong(wish: Wish) -> Refused | None:
    """Say why a wish makes no sense, None when it does."""
    units = [cap.unit for cap in wish.uncovered]
    if len(set(units)) < len(units):
        return Refused("each unit has one cap")
    if units and ROLES[wish.role].past_allocation == "never":
        return Refused(
            f"a site in the role {wish.role} never goes past its allocation: it takes no cap"
        )
    for cap in wish.uncovered:
        if cap.site is not None and cap.user is not None and cap.user > cap.site:
            return Refused("one account may not owe more than the whole site may")
    return None


def set_wish(tx: Transaction, node_id: str, wish: Wish, *, author: str) -> Terms | Refused:
    """Wish a site other terms: sent at once, or at its first birth."""
    known = nodes.find(tx, node_id)
    if known is None or known.kind != "edge":
        return Refused(f"there is no site {node_id}")
    if (refused := wrong(wish)) is not None:
        return refused
    wire = tx.sql.execute(select(node.c.wire).where(node.c.id == node_id)).scalar_one()
    if known.incarnation is not None and wire < _WIRE:
        return Refused(
            f"{node_id} runs {known.software or 'a program'} that knows no terms; bring it up to "
            "date and let it meet the centre once"
        )
    if known.incarnation is not None and recovery.awaited(tx, node_id):
        return Refused(
            f"{node_id} has not told yet what these restored books have forgotten, so it can be "
            "told nothing; see `printmesh central recovery status`, and do this again afterwards"
        )
    made = _enter(tx, node_id, wish, author)
    if known.incarnation is not None:
        _send(tx, made, known.incarnation)
    detail: dict[str, object] = {
        "terms": made.n,
        "role": wish.role,
        "was": known.role,
        "uncovered": _CAPS.dump_python(wish.uncovered, mode="json"),
        "offline_seconds": wish.offline_seconds,
    }
    audit.note(tx, author=author, act="role", target=node_id, detail=detail)
    return newest(tx, node_id) or made


def met(tx: Transaction, node_id: str, birth: Birth) -> bool:
    """Tell a node that was born the terms its journal does not know; return whether any.

    A new journal begins in the role it is configured to; what was wished of the site before is
    wished of it again.
    """
    if birth.wire < _WIRE:
        return False
    last = newest(tx, node_id)
    if last is None:
        known = nodes.find(tx, node_id)
        role = birth.role if known is None else cast("RoleName", known.role)
        caps = default_caps(role, tx.identity.currency)
        if not caps:
            return False
        last = _enter(tx, node_id, Wish(role, caps), tx.identity.node)
    elif last.incarnation == birth.incarnation:
        return False
    elif last.incarnation is not None:
        last = _enter(tx, node_id, last.wish, tx.identity.node)
    _send(tx, last, birth.incarnation)
    return True


def taken(tx: Transaction, node_id: str, incarnation: UUID, event: TermsTaken) -> Refused | None:
    """Note that an edge lives by other terms from here on in its stream."""
    mine = (
        (terms.c.node == node_id)
        & (terms.c.incarnation == str(incarnation))
        & (terms.c.n == event.terms)
    )
    row = tx.sql.execute(select(terms).where(mine)).one_or_none()
    if row is None:
        return Refused(f"terms {event.terms} were never set for this journal")
    if row.role != event.role:
        return Refused(f"terms {event.terms} are those of a {row.role}, not of a {event.role}")
    if row.taken_at is not None:
        return None
    known = in_play(tx, node_id, incarnation)
    if known and known[0].taken_at is not None and known[0].n > event.terms:
        return Refused(f"terms {known[0].n} were taken before terms {event.terms}")
    tx.sql.execute(update(terms).where(mine).values(taken_at=tx.now))
    tx.sql.execute(update(node).where(node.c.id == node_id).values(role=event.role))
    return None


def adopt(tx: Transaction, node_id: str, incarnation: UUID, told: SetTerms) -> None:
    """Know again terms that restored books have forgotten and a journal has heard."""
    at = (terms.c.node == node_id) & (terms.c.n == told.terms)
    if tx.sql.execute(select(terms.c.n).where(at)).first() is not None:
        return
    wish = Wish(told.role, told.uncovered, told.offline_seconds)
    tx.sql.execute(insert(terms).values(**_row(tx, node_id, told.terms, wish, tx.identity.node)))
    tx.sql.execute(update(terms).where(at).values(incarnation=str(incarnation)))


def newest(tx: Transaction, node_id: str) -> Terms | None:
    """Return what is wished of a site now, None when nothing was ever."""
    row = tx.sql.execute(_NEWEST, {"node": node_id}).one_or_none()
    return None if row is None else _record(row)


# made once: making it takes longer than running it
_NEWEST: Final = (
    select(terms).where(terms.c.node == bindparam("node")).order_by(terms.c.n.desc()).limit(1)
)


def ever(tx: Transaction, node_id: str, incarnation: UUID) -> list[Terms]:
    """Return all that was ever sent to a journal, oldest first."""
    rows = tx.sql.execute(
        select(terms)
        .where(terms.c.node == node_id, terms.c.incarnation == str(incarnation))
        .order_by(terms.c.n)
    )
    return [_record(row) for row in rows]


def in_play(tx: Transaction, node_id: str, incarnation: UUID) -> list[Terms]:
    """Return what a journal may live by now: what it took last, and whatever was sent later."""
    sent = ever(tx, node_id, incarnation)
    last = max((n for n, each in enumerate(sent) if each.taken_at is not None), default=0)
    return sent[last:]


def leave(several: Iterable[Terms], unit: Unit) -> Leave:
    """Return the widest leave that any of these terms gives."""
    worst = NO_LEAVE
    for each in several:
        if ROLES[each.wish.role].past_allocation == "never":
            continue
        for cap in each.wish.uncovered:
            if cap.unit == unit:
                user = cap.user if cap.user is not None else cap.site
                worst = Leave(_wider(worst.site, cap.site), _wider(worst.user, user))
    return worst


def units(several: Iterable[Terms]) -> set[Unit]:
    """Return the units in which terms give any leave."""
    return {cap.unit for each in several for cap in each.wish.uncovered}


def wished_role(tx: Transaction, node_id: str) -> str | None:
    """Return another role that a site was wished and has not said it took; None: there is none."""
    last = newest(tx, node_id)
    if last is None or last.taken_at is not None:
        return None
    now = tx.sql.execute(select(node.c.role).where(node.c.id == node_id)).scalar_one()
    return None if last.wish.role == now else last.wish.role


def standing_at(tx: Transaction) -> frozenset[str]:
    """Return the edges where money may be parked: active, now and as wished."""
    rows = tx.sql.execute(_ACTIVE).all()
    wished = _wished_roles(tx)
    return frozenset(
        row.id for row in rows if _stands(row.role) and _stands(wished.get(row.id, row.role))
    )


def asks_for_each_job(tx: Transaction, node_id: str) -> bool:
    """Say whether a site keeps no money of its own, or will not soon."""
    role = tx.sql.execute(select(node.c.role).where(node.c.id == node_id)).scalar_one()
    wished = _wished_roles(tx, node_id).get(node_id, role)
    return not (_stands(role) and _stands(wished))


def _stands(role: str) -> bool:
    # a role of a newer program is not known here: nothing is parked there
    return role in ROLES and ROLES[cast("RoleName", role)].standing


def _wished_roles(tx: Transaction, node_id: str | None = None) -> dict[str, str]:
    if node_id is None:
        return dict(tx.sql.execute(_WISHED).all())
    return dict(tx.sql.execute(_WISHED_THERE, {"there": node_id}).all())


def _newest(last: Select[Any]) -> Select[Any]:
    at = last.subquery()
    return select(terms.c.node, terms.c.role).join(
        at, (at.c.node == terms.c.node) & (at.c.n == terms.c.n)
    )


_LAST = select(terms.c.node, func.max(terms.c.n).label("n")).group_by(terms.c.node)
_WISHED: Final = _newest(_LAST)
_WISHED_THERE: Final = _newest(_LAST.where(terms.c.node == bindparam("there")))
_ACTIVE: Final = select(node.c.id, node.c.role).where(
    node.c.state == "active", node.c.incarnation.is_not(None), node.c.kind == "edge"
)


def _enter(tx: Transaction, node_id: str, wish: Wish, author: str) -> Terms:
    before = tx.sql.execute(
        select(func.coalesce(func.max(terms.c.n), 0)).where(terms.c.node == node_id)
    ).scalar_one()
    n = max(before, tx.identity.epoch - 1 << _WITHIN) + 1
    tx.sql.execute(insert(terms).values(**_row(tx, node_id, n, wish, author)))
    return Terms(node_id, n, wish, author, tx.now, None, None)


def _row(tx: Transaction, node_id: str, n: int, wish: Wish, author: str) -> dict[str, Any]:
    return {
        "node": node_id,
        "n": n,
        "role": wish.role,
        "uncovered": _CAPS.dump_json(wish.uncovered).decode(),
        "offline_seconds": wish.offline_seconds,
        "author": author,
        "at": tx.now,
    }


def _send(tx: Transaction, made: Terms, incarnation: UUID) -> None:
    message = SetTerms(
        terms=made.n,
        role=made.wish.role,
        uncovered=made.wish.uncovered,
        offline_seconds=made.wish.offline_seconds,
    )
    mine = (terms.c.node == made.node) & (terms.c.n == made.n)
    tx.sql.execute(update(terms).where(mine).values(incarnation=str(incarnation)))
    streams.append(tx, made.node, [message])


def _wider(one: int | None, other: int | None) -> int | None:
    return None if one is None or other is None else max(one, other)


def _record(row: Row[Any]) -> Terms:
    wish = Wish(row.role, _CAPS.validate_json(row.uncovered), row.offline_seconds)
    incarnation = UUID(row.incarnation) if row.incarnation else None
    return Terms(row.node, row.n, wish, row.author, row.at, incarnation, row.taken_at)
