"""Requests for funds and what comes back: granted from the centre, fetched from other sites.

Everything here moves money by one entry and says so to the edge in the same transaction. Parking,
the grant itself and the write-off are its neighbours, also found here.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any
from uuid import UUID

from sqlalchemy import insert, select, update

from broker.messages import FundsAnswer, MoneyAtSite
from central.store import accounts, adoption, ledger, reclaims, recovery, terms
from central.store.grants import grant
from central.store.ledger import CENTRE, Entry, Line, Posted, Refused
from central.store.parking import park_free
from central.store.tables import code as code_table
from central.store.tables import entry, location, node, posting, reclaim, request
from central.store.writeoff import write_off

if TYPE_CHECKING:
    from sqlalchemy import Row

    from broker.messages import FundsRequest, GaveBack, Returned
    from central.store.books import Transaction
    from config.policy.money import Unit

__all__ = [
    "Answered",
    "TakenBack",
    "ask",
    "gave_back",
    "grant",
    "park_free",
    "reclaim_for",
    "take_back",
    "write_off",
]


@dataclass(frozen=True, slots=True)
class Answered:
    """A funds request was acted on, or had been before."""

    answer: FundsAnswer
    wake: frozenset[str]
    """Nodes that have something new in their stream."""


@dataclass(frozen=True, slots=True)
class TakenBack:
    """A return is booked, and what hangs on it is done."""

    wake: frozenset[str] = frozenset()
    """Nodes that have something new in their stream."""


@dataclass(slots=True)
class _Need:
    """An open funds request inside one transaction."""

    corr: UUID
    node: str
    account: str
    unit: Unit
    missing: int
    job: UUID | None = None
    """Only for this job: the site keeps no money of its own."""
    wake: set[str] = field(default_factory=set)


def ask(
    tx: Transaction, node_id: str, asked: FundsRequest, linked: frozenset[str]
) -> Answered | Refused:
    """Act on a request for funds: grant from the centre, reclaim the rest from other sites.

    The caller has checked `expires_at`. A repeated request is answered without acting again.
    """
    known = tx.sql.execute(select(request).where(request.c.corr == str(asked.corr))).one_or_none()
    if known is not None:
        where = _where(tx, known.account, known.unit, linked)
        return Answered(FundsAnswer(coming=known.coming, where=where), frozenset())
    if (refused := _may_not(tx, node_id, asked)) is not None:
        return refused
    each_job = terms.asks_for_each_job(tx, node_id)
    if each_job and asked.prefetch:
        return Answered(FundsAnswer(coming=0), frozenset())
    places = ledger.places_of(tx, asked.account, asked.unit)
    found = accounts.find(tx, asked.account)
    pool = max(0, places.get(CENTRE, 0) - (found.floor if found is not None else 0))
    values = {
        "corr": str(asked.corr),
        "node": node_id,
        "account": asked.account,
        "unit": asked.unit,
        "asked": asked.micros,
        "granted": 0,
        "coming": 0,
        "expires_at": asked.expires_at,
        "job": str(asked.job) if asked.job else None,
    }
    tx.sql.execute(insert(request).values(**values))
    job = asked.job if each_job else None
    need = _Need(asked.corr, node_id, asked.account, asked.unit, asked.micros, job)
    source = _source(tx, need, linked)
    coming = 0
    # what nobody waits for is brought as far as it goes
    if asked.prefetch or pool + source.total >= asked.micros:
        coming = _from_pool(tx, need, min(pool, asked.micros)) + _reclaim(tx, need, source)
    tx.sql.execute(update(request).where(request.c.corr == str(asked.corr)).values(coming=coming))
    where = _where(tx, asked.account, asked.unit, linked)
    return Answered(FundsAnswer(coming=coming, where=where), frozenset(need.wake))


def _may_not(tx: Transaction, node_id: str, asked: FundsRequest) -> Refused | None:
    """Say why nothing can be granted on a request, None when it can."""
    found = accounts.find(tx, asked.account)
    if found is None or found.unit != asked.unit:
        return Refused(f"there is no account {asked.account} in {asked.unit}")
    if (refused := accounts.usable(tx, asked.account)) is not None:
        return refused
    if (why := recovery.closed(tx)) is not None:
        return Refused(why)
    if node_id not in _active(tx):
        return Refused(f"{node_id} may be granted nothing at present")
    if asked.job is None and terms.asks_for_each_job(tx, node_id):
        return Refused(f"{node_id} keeps no money of its own: it asks for each job")
    return None


def take_back(
    tx: Transaction,
    node_id: str,
    returned: Returned,
    linked: frozenset[str],
    *,
    seq: int | None = None,
) -> TakenBack | Refused:
    """Book an edge's answer to a reclaim, and grant onward to who it was for.

    Args:
        tx: a writing transaction.
        node_id: the edge.
        returned: its answer.
        linked: nodes that can be reached now.
        seq: of the event in its stream; None: it had been put aside, so no books passed it on.
    """
    asked = tx.sql.execute(
        select(reclaim).where(reclaim.c.id == str(returned.reclaim))
    ).one_or_none()
    if asked is None or asked.node != node_id:
        refused = adoption.take_back(tx, node_id, returned)
        if refused is None and seq is not None:
            adoption.came_again(tx, node_id, seq, returned)
        return refused or TakenBack()
    if (refused := _no_answer(asked, returned)) is not None:
        return refused
    if returned.micros:
        posted = ledger.post(
            tx,
            Entry(tx.mint(), "return", reference=str(returned.reclaim), author=node_id),
            [
                Line(asked.account, node_id, asked.unit, -returned.micros),
                Line(asked.account, CENTRE, asked.unit, returned.micros),
            ],
        )
        if isinstance(posted, Refused):
            return posted
    tx.sql.execute(
        update(reclaim)
        .where(reclaim.c.id == str(returned.reclaim))
        .values(state="closed", returned=returned.micros)
    )
    repaid = adoption.came_again(tx, node_id, seq, returned) if seq is not None else 0
    if asked.request is None:
        return TakenBack()  # nobody waits for it: it is collected or parked from the centre
    return TakenBack(_onward(tx, UUID(asked.request), returned.micros - repaid, linked))


def _no_answer(asked: Row[Any], returned: Returned) -> Refused | None:
    """Say why a return is no answer to a reclaim, None when it is."""
    if asked.state != "open":
        return Refused(f"reclaim {returned.reclaim} was answered before")
    if (asked.account, asked.unit) != (returned.account, returned.unit):
        return Refused(f"reclaim {returned.reclaim} is for {asked.account} in {asked.unit}")
    if returned.micros > asked.up_to:
        return Refused(f"{returned.micros} micros came back, {asked.up_to} were asked for")
    return None


def gave_back(tx: Transaction, node_id: str, event: GaveBack) -> Refused | None:
    """Book what an edge gives back of itself; a repetition has no effect."""
    known = tx.sql.execute(
        select(entry.c.kind, posting.c.micros)
        .join(posting, posting.c.entry == entry.c.n)
        .join(location, location.c.id == posting.c.location)
        .where(
            entry.c.id == str(event.id),
            location.c.account == event.account,
            location.c.unit == event.unit,
            location.c.place == node_id,
        )
    ).one_or_none()
    if known is not None:
        if tuple(known) == ("gave-back", -event.micros):
            return None
        return Refused(f"{event.id} is in the books with other content")
    if tx.sql.execute(select(entry.c.n).where(entry.c.id == str(event.id))).first() is not None:
        return Refused(f"{event.id} is in the books with other content")
    about = str(event.job) if event.job else node_id
    posted = ledger.post(
        tx,
        Entry(event.id, "gave-back", reference=about, note=event.why, author=node_id),
        [
            Line(event.account, node_id, event.unit, -event.micros),
            Line(event.account, CENTRE, event.unit, event.micros),
        ],
    )
    return posted if isinstance(posted, Refused) else None


def reclaim_for(
    tx: Transaction,
    corr: UUID,
    node_id: str,
    account: str,
    unit: Unit,
    missing: int,
    linked: frozenset[str],
) -> frozenset[str]:
    """Ask linked sites for money that somebody else grants; nobody if they have not all of it.

    Returns:
        The nodes that were asked.
    """
    need = _Need(corr, node_id, account, unit, missing)
    source = _source(tx, need, linked)
    if source.total >= missing:
        _reclaim(tx, need, source)
    return frozenset(need.wake)


def _active(tx: Transaction) -> frozenset[str]:
    rows = tx.sql.execute(
        select(node.c.id).where(
            node.c.state == "active", node.c.incarnation.is_not(None), node.c.kind == "edge"
        )
    )
    return frozenset(rows.scalars())


def _from_pool(tx: Transaction, need: _Need, micros: int) -> int:
    if micros <= 0:
        return 0
    granted = grant(
        tx, need.node, need.account, need.unit, micros, "requested", need.corr, job=need.job
    )
    if isinstance(granted, Refused):
        return 0
    need.missing -= micros
    need.wake.add(need.node)
    _granted(tx, need.corr, micros)
    return micros


def _granted(tx: Transaction, corr: UUID, micros: int) -> None:
    tx.sql.execute(
        update(request)
        .where(request.c.corr == str(corr))
        .values(granted=request.c.granted + micros)
    )


@dataclass(frozen=True, slots=True)
class _Source:
    """Where money that a request needs can come from."""

    coming: dict[str, int]
    """Asked back already, and nobody waits for it: at most so much, by reclaim."""
    sites: dict[str, int]
    """What sits at sites that can be asked, most first."""

    @property
    def total(self) -> int:
        return sum(self.coming.values()) + sum(self.sites.values())


def _source(tx: Transaction, need: _Need, linked: frozenset[str]) -> _Source:
    """Return what could be fetched, at most."""
    busy = tx.sql.execute(
        select(reclaim.c.node).where(
            reclaim.c.account == need.account,
            reclaim.c.unit == need.unit,
            (reclaim.c.state == "open") | (reclaim.c.request == str(need.corr)),
        )
    )
    # two sites that ask for each other's money would only swap it, and neither have enough
    waiting = tx.sql.execute(
        select(request.c.node)
        .join(reclaim, reclaim.c.request == request.c.corr)
        .where(
            reclaim.c.account == need.account,
            reclaim.c.unit == need.unit,
            reclaim.c.state == "open",
            request.c.expires_at > tx.now,
        )
    )
    # what is at a site that keeps none is set aside for its jobs
    keeping = linked & terms.standing_at(tx)
    sites = keeping - {need.node, *busy.scalars(), *waiting.scalars()}
    places = ledger.places_of(tx, need.account, need.unit)
    order = sorted(sites, key=lambda site: (-places.get(site, 0), site))
    return _Source(
        reclaims.under_way_quietly(tx, need.account, need.unit, linked - {need.node}),
        {site: places[site] for site in order if places.get(site, 0) > 0},
    )


def _reclaim(tx: Transaction, need: _Need, source: _Source) -> int:
    """Ask for what is missing; return how much is coming."""
    coming = 0
    for reclaim_id, up_to in source.coming.items():
        if need.missing <= 0:
            break
        reclaims.give_to(tx, reclaim_id, need.corr)
        part = min(need.missing, up_to)
        need.missing -= part
        coming += part
    for site, there in source.sites.items():
        part = min(need.missing, there)
        if part <= 0:
            break
        reclaims.ask_back(tx, site, need.account, need.unit, part, need.corr)
        need.missing -= part
        need.wake.add(site)
        coming += part
    return coming


def _onward(tx: Transaction, corr: UUID, micros: int, linked: frozenset[str]) -> frozenset[str]:
    """Grant what came back to the request it was for, unless nobody waits for it any more."""
    asked = tx.sql.execute(select(request).where(request.c.corr == str(corr))).one()
    if tx.now >= asked.expires_at or asked.node not in linked & _active(tx):
        return frozenset()
    if tx.sql.execute(select(code_table.c.id).where(code_table.c.id == str(corr))).first():
        return frozenset()  # for a courier code, which `codes` issues when all of it is here
    each_job = terms.asks_for_each_job(tx, asked.node)
    if each_job and asked.job is None:
        return frozenset()  # the site has changed its role meanwhile
    job = UUID(asked.job) if each_job else None
    need = _Need(corr, asked.node, asked.account, asked.unit, asked.asked - asked.granted, job)
    onward = min(micros, need.missing)
    if onward > 0:
        done = grant(tx, asked.node, asked.account, asked.unit, onward, "reclaimed", corr, job=job)
        if isinstance(done, Posted):
            need.missing -= onward
            need.wake.add(asked.node)
            _granted(tx, corr, onward)
    under_way = tx.sql.execute(
        select(reclaim.c.up_to).where(reclaim.c.request == str(corr), reclaim.c.state == "open")
    )
    need.missing -= sum(under_way.scalars())
    _reclaim(tx, need, _source(tx, need, linked))
    return frozenset(need.wake)


def _where(
    tx: Transaction, account: str, unit: Unit, linked: frozenset[str]
) -> tuple[MoneyAtSite, ...]:
    places = ledger.places_of(tx, account, unit)
    names = dict(
        tx.sql.execute(select(node.c.id, node.c.site).where(node.c.id.in_(list(places)))).all()
    )
    return tuple(
        MoneyAtSite(
            site=place or "centre",
            micros=micros,
            linked=place == CENTRE or place in linked,
            name="" if names.get(place, place) == place else names[place],
        )
        for place, micros in sorted(places.items())
        if micros
    )
