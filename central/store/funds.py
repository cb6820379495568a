"""Where money should be: grants to edges, requests from them, reclaims between them, parking.

Everything here moves money by one entry and says so to the edge in the same transaction.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Literal, TypeAlias
from uuid import UUID

from sqlalchemy import exists, insert, select, update

from broker.messages import FundsAnswer, Granted, MoneyAtSite, Reclaim
from central.sizing import QUANTUM, park
from central.store import accounts, adoption, ledger, nodes, recovery, streams
from central.store.ledger import CENTRE, Entry, Line, Posted, Refused
from central.store.tables import account as account_table
from central.store.tables import code as code_table
from central.store.tables import location, node, reclaim, request, visit
from config.policy.money import PAGE, UNIT_MICROS

if TYPE_CHECKING:
    from broker.messages import CodeMark, FundsRequest, Returned
    from central.store.books import Transaction
    from config.policy.money import Unit

#: Accounts that one transaction parks: nobody waits longer than that for the only writer.
_PARK_AT_ONCE = 25
Reason: TypeAlias = Literal["parked", "requested", "reclaimed", "courier"]


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
    wake: set[str] = field(default_factory=set)


def grant(
    tx: Transaction,
    node_id: str,
    account: str,
    unit: Unit,
    micros: int,
    reason: Reason,
    asked_by: UUID | None = None,
    *,
    code: CodeMark | None = None,
) -> Posted | Refused:
    """Move money from the centre to an edge and tell it, in this transaction."""
    if (refused := accounts.usable(tx, account)) is not None:
        return refused
    if (why := recovery.closed(tx)) is not None:
        return Refused(why)
    id_ = tx.mint()
    posted = ledger.post(
        tx,
        Entry(id_, "grant", reference=node_id, note=reason, author=tx.identity.node),
        [Line(account, CENTRE, unit, -micros), Line(account, node_id, unit, micros)],
    )
    if isinstance(posted, Posted):
        message = Granted(
            grant=id_,
            account=account,
            unit=unit,
            micros=micros,
            reason=reason,
            request=asked_by,
            code=code,
        )
        streams.append(tx, node_id, [message])
    return posted


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
    account = tx.sql.execute(
        select(account_table).where(account_table.c.key == asked.account)
    ).one_or_none()
    if account is None or account.unit != asked.unit:
        return Refused(f"there is no account {asked.account} in {asked.unit}")
    if (refused := accounts.usable(tx, asked.account)) is not None:
        return refused
    if (why := recovery.closed(tx)) is not None:
        return Refused(why)
    if node_id not in _active(tx):
        return Refused(f"{node_id} may be granted nothing at present")
    places = ledger.places_of(tx, asked.account, asked.unit)
    pool = max(0, places.get(CENTRE, 0) - account.floor)
    values = {
        "corr": str(asked.corr),
        "node": node_id,
        "account": asked.account,
        "unit": asked.unit,
        "asked": asked.micros,
        "granted": 0,
        "coming": 0,
        "expires_at": asked.expires_at,
    }
    tx.sql.execute(insert(request).values(**values))
    need = _Need(asked.corr, node_id, asked.account, asked.unit, asked.micros)
    fetchable = _fetchable(tx, need, linked)
    coming = 0
    if pool + sum(fetchable.values()) >= asked.micros:
        coming = _from_pool(tx, need, min(pool, asked.micros)) + _reclaim(tx, need, fetchable)
    tx.sql.execute(update(request).where(request.c.corr == str(asked.corr)).values(coming=coming))
    where = _where(tx, asked.account, asked.unit, linked)
    return Answered(FundsAnswer(coming=coming, where=where), frozenset(need.wake))


def take_back(
    tx: Transaction, node_id: str, returned: Returned, linked: frozenset[str]
) -> TakenBack | Refused:
    """Book an edge's answer to a reclaim, and grant onward to who it was for."""
    asked = tx.sql.execute(
        select(reclaim).where(reclaim.c.id == str(returned.reclaim))
    ).one_or_none()
    if asked is None or asked.node != node_id:
        return adoption.take_back(tx, node_id, returned) or TakenBack()
    if asked.state != "open":
        return Refused(f"reclaim {returned.reclaim} was answered before")
    if (asked.account, asked.unit) != (returned.account, returned.unit):
        return Refused(f"reclaim {returned.reclaim} is for {asked.account} in {asked.unit}")
    if returned.micros > asked.up_to:
        return Refused(f"{returned.micros} micros came back, {asked.up_to} were asked for")
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
    return TakenBack(_onward(tx, UUID(asked.request), returned.micros, linked))


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
    fetchable = _fetchable(tx, need, linked)
    if sum(fetchable.values()) >= missing:
        _reclaim(tx, need, fetchable)
    return frozenset(need.wake)


def park_free(tx: Transaction, linked: frozenset[str]) -> tuple[frozenset[str], bool]:
    """Spread free money of some accounts over the linked sites.

    Returns:
        The nodes that were granted something, and whether more accounts wait.
    """
    sites = linked & _active(tx)
    if not sites or recovery.closed(tx) is not None:
        return frozenset(), False
    free = tx.sql.execute(
        select(location.c.account, location.c.unit, location.c.micros)
        .join(account_table, account_table.c.key == location.c.account)
        .where(
            location.c.place == CENTRE,
            location.c.floor.is_not(None),
            location.c.micros > 0,
            account_table.c.enabled,
            # somebody waits for a code, and what was fetched for it must not go away again
            ~exists().where(
                code_table.c.account == location.c.account,
                code_table.c.state == "waiting",
                code_table.c.expires_at > tx.now,
            ),
        )
        .order_by(location.c.account)
        .limit(_PARK_AT_ONCE)
    ).all()
    wake: set[str] = set()
    for account, unit, micros in free:
        visits = tx.sql.execute(
            select(visit.c.node, visit.c.value).where(visit.c.account == account)
        )
        plan = park(
            micros,
            dict(visits.all()),
            ledger.places_of(tx, account, unit),
            sites,
            UNIT_MICROS if unit == PAGE else QUANTUM,
        )
        for site, part in plan.items():
            if isinstance(grant(tx, site, account, unit, part, "parked"), Posted):
                wake.add(site)
    return frozenset(wake), len(free) == _PARK_AT_ONCE and bool(wake)


def write_off(tx: Transaction, node_id: str, author: str) -> int:
    """Make people whole for what sits at a lost journal; return how many accounts.

    What was at the edge becomes `suspense:NODE`, from which charges that turn up later could be
    paid; the same sum goes from `loss:writeoff` to the person (PROTOCOL 3).
    """
    there = nodes.money_at(tx, node_id)
    for account, unit, micros in there:
        posted = ledger.post(
            tx,
            Entry(tx.mint(), "write-off", reference=node_id, author=author),
            [
                Line(account, node_id, unit, -micros),
                Line(f"suspense:{node_id}", CENTRE, unit, micros),
                Line("loss:writeoff", CENTRE, unit, -micros),
                Line(account, CENTRE, unit, micros),
            ],
        )
        if isinstance(posted, Refused):
            raise ledger.LedgerUnbalanced(posted.reason)
    tx.sql.execute(
        update(reclaim)
        .where(reclaim.c.node == node_id, reclaim.c.state == "open")
        .values(state="closed")
    )
    # should the lost journal turn up: it still has this money, so it must not come in by itself
    tx.sql.execute(update(node).where(node.c.id == node_id).values(incarnation=None))
    return len(there)


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
    granted = grant(tx, need.node, need.account, need.unit, micros, "requested", need.corr)
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


def _fetchable(tx: Transaction, need: _Need, linked: frozenset[str]) -> dict[str, int]:
    """Return what could be reclaimed from each site, at most, most first."""
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
    sites = (linked & _active(tx)) - {need.node, *busy.scalars(), *waiting.scalars()}
    places = ledger.places_of(tx, need.account, need.unit)
    order = sorted(sites, key=lambda site: (-places.get(site, 0), site))
    return {site: places[site] for site in order if places.get(site, 0) > 0}


def _reclaim(tx: Transaction, need: _Need, fetchable: dict[str, int]) -> int:
    coming = 0
    for site, there in fetchable.items():
        part = min(need.missing, there)
        if part <= 0:
            break
        id_ = tx.mint()
        values = {
            "id": str(id_),
            "account": need.account,
            "unit": need.unit,
            "node": site,
            "up_to": part,
            "request": str(need.corr),
            "state": "open",
            "returned": 0,
            "at": tx.now,
        }
        tx.sql.execute(insert(reclaim).values(**values))
        message = Reclaim(
            reclaim=id_, account=need.account, unit=need.unit, up_to=part, request=need.corr
        )
        streams.append(tx, site, [message])
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
    need = _Need(corr, asked.node, asked.account, asked.unit, asked.asked - asked.granted)
    onward = min(micros, need.missing)
    if onward > 0:
        done = grant(tx, asked.node, asked.account, asked.unit, onward, "reclaimed", corr)
        if isinstance(done, Posted):
            need.missing -= onward
            need.wake.add(asked.node)
            _granted(tx, corr, onward)
    under_way = tx.sql.execute(
        select(reclaim.c.up_to).where(reclaim.c.request == str(corr), reclaim.c.state == "open")
    )
    need.missing -= sum(under_way.scalars())
    _reclaim(tx, need, _fetchable(tx, need, linked))
    return frozenset(need.wake)


def _where(
    tx: Transaction, account: str, unit: Unit, linked: frozenset[str]
) -> tuple[MoneyAtSite, ...]:
    places = ledger.places_of(tx, account, unit)
    return tuple(
        MoneyAtSite(
            site=place or "centre", micros=micros, linked=place == CENTRE or place in linked
        )
        for place, micros in sorted(places.items())
        if micros
    )
