"""The worst case at this moment: what is owed, and what sites could still charge past the money.

What sits at sites is not exposure: it is taken from the accounts already. Exposure is what could
be printed beyond that, by leave of the terms; what is outside the failure model is named apart.
"""

from __future__ import annotations

from collections import defaultdict
from dataclasses import dataclass
from typing import TYPE_CHECKING
from uuid import UUID

from sqlalchemy import func, select

from broker.codec import EVENT_LIMIT, Received, decode
from broker.messages import Charged
from central.store import nodes, owed, recovery, terms
from central.store.tables import account, event, stream
from central.store.tables import terms as terms_table
from config.policy.money import Money

if TYPE_CHECKING:
    from collections.abc import Collection, Iterable, Iterator, Mapping
    from datetime import datetime

    from central.store.books import Transaction
    from central.store.nodes import NodeRecord
    from central.store.terms import Terms
    from config.policy.money import Unit


@dataclass(frozen=True, slots=True)
class InUnit:
    """One site's figures, or all sites' together, in one unit; micros."""

    allocated: int
    """Of people's money, sits there to be spent: no exposure."""
    owed: int
    """Was charged past the allocation and is not collected yet."""
    quarantined: int
    """Claimed past the allocation by events that are put aside."""
    more: int | None
    """Could still be charged past the allocation; None: without limit."""

    @property
    def worst(self) -> int | None:
        """The exposure: what the house may have to bear at most; None: without limit."""
        return None if self.more is None else self.owed + self.quarantined + self.more

    def plus(self, other: InUnit) -> InUnit:
        """Return both together."""
        more = None if self.more is None or other.more is None else self.more + other.more
        return InUnit(
            self.allocated + other.allocated,
            self.owed + other.owed,
            self.quarantined + other.quarantined,
            more,
        )


NOTHING = InUnit(0, 0, 0, 0)


@dataclass(frozen=True, slots=True)
class AtSite:
    """One site."""

    node: str
    site: str
    """What people call it."""
    role: str
    """As its own word has it."""
    wished: str | None
    """Another role that it was told to take and has not taken yet."""
    linked: bool
    """As last stored."""
    seen_at: datetime | None
    units: dict[Unit, InUnit]


@dataclass(frozen=True, slots=True)
class Exposure:
    """The whole."""

    sites: tuple[AtSite, ...]
    units: dict[Unit, InUnit]
    """All sites together."""
    outside: tuple[str, ...]
    """What no figure above has in it, in words."""


def exposure(tx: Transaction) -> Exposure:
    """Work out the worst case, per site and in all."""
    claimed = _quarantined(tx)
    sites = [
        _site(tx, each, claimed.get(each.id, {})) for each in nodes.every(tx) if each.kind == "edge"
    ]
    units: defaultdict[Unit, InUnit] = defaultdict(lambda: NOTHING)
    for site in sites:
        for unit, figures in site.units.items():
            units[unit] = units[unit].plus(figures)
    return Exposure(tuple(sites), dict(sorted(units.items())), tuple(_outside(tx, sites)))


def at_site(tx: Transaction, known: NodeRecord) -> AtSite:
    """Work out the worst case of one site."""
    return _site(tx, known, _quarantined(tx, known.id).get(known.id, {}))


def worst_at(tx: Transaction, node_id: str) -> dict[Unit, int | None]:
    """Return the worst case of one site by unit, as `worst_of` does."""
    return worst_of(tx, [node_id])[node_id]


def worst_of(tx: Transaction, node_ids: Collection[str]) -> dict[str, dict[Unit, int | None]]:
    """Return the worst case of some sites by unit; None: without limit.

    The same as of `at_site`, without what sits there, which is no exposure, and of all sites of a
    list at once.
    """
    if not node_ids:
        return {}
    debts, claimed = owed.by_journal(tx, node_ids), _quarantined(tx)
    journals = _journals(tx, node_ids)
    found: dict[str, dict[Unit, int | None]] = {}
    for node_id in node_ids:
        told = _told(tx, node_id, journals.get(node_id, ()))
        owing, claims = debts.get(node_id, {}), claimed.get(node_id, {})
        units = {unit for each in owing.values() for unit in each} | claims.keys()
        units |= terms.units(each for several in told.values() for each in several)
        worst = found[node_id] = {}
        for unit in sorted(units):
            more = _more(told, owing, unit)
            there = sum(each.get(unit, 0) for each in owing.values()) + claims.get(unit, 0)
            worst[unit] = None if more is None else there + more
    return found


def could_still(tx: Transaction, node_id: str, unit: Unit) -> int | None:
    """Return what a site could still charge past the allocation; None: without limit.

    Every journal that was ever told of a cap counts: one that was believed lost may have gone on.
    """
    told = _told(tx, node_id, _journals(tx, [node_id]).get(node_id, ()))
    return _more(told, owed.by_journal(tx, [node_id]).get(node_id, {}), unit)


def _told(tx: Transaction, node_id: str, journals: Iterable[UUID]) -> dict[UUID, list[Terms]]:
    return {journal: terms.in_play(tx, node_id, journal) for journal in journals}


def _more(
    told: Mapping[UUID, list[Terms]], owing: Mapping[UUID, Mapping[Unit, int]], unit: Unit
) -> int | None:
    total = 0
    for journal, several in told.items():
        site = terms.leave(several, unit).site
        if site is None:
            return None
        # the edge counts at least what is outstanding here: what it was told of was posted before
        total += max(0, site - owing.get(journal, {}).get(unit, 0))
    return total


def _site(tx: Transaction, each: NodeRecord, claimed: dict[Unit, int]) -> AtSite:
    allocated, _ = nodes.sums_at(tx, each.id)
    debts = owed.at_site(tx, each.id)
    owing = owed.by_journal(tx, [each.id]).get(each.id, {})
    told = _told(tx, each.id, _journals(tx, [each.id]).get(each.id, ()))
    units_told = terms.units(each for several in told.values() for each in several)
    units = {
        unit: InUnit(
            allocated.get(unit, 0),
            debts.get(unit, 0),
            claimed.get(unit, 0),
            _more(told, owing, unit),
        )
        for unit in sorted(allocated.keys() | debts.keys() | claimed.keys() | units_told)
    }
    return AtSite(
        each.id,
        each.site,
        each.role,
        terms.wished_role(tx, each.id),
        each.linked,
        each.seen_at,
        units,
    )


def _journals(tx: Transaction, node_ids: Collection[str]) -> dict[str, list[UUID]]:
    rows = tx.sql.execute(
        select(terms_table.c.node, terms_table.c.incarnation)
        .distinct()
        .where(terms_table.c.node.in_(sorted(node_ids)), terms_table.c.incarnation.is_not(None))
        .order_by(terms_table.c.node, terms_table.c.incarnation)
    )
    found: dict[str, list[UUID]] = {}
    for node_id, incarnation in rows:
        found.setdefault(node_id, []).append(UUID(incarnation))
    return found


def _quarantined(tx: Transaction, node_id: str | None = None) -> dict[str, dict[Unit, int]]:
    """Return what charges that are put aside claim past the allocation, by site and unit."""
    query = (
        select(stream.c.node, event.c.data)
        .join(stream, stream.c.id == event.c.stream)
        .where(
            event.c.state == "quarantined",
            event.c.type == Charged.TYPE,
            event.c.data.is_not(None),
        )
    )
    if node_id is not None:
        query = query.where(stream.c.node == node_id)
    rows = tx.sql.execute(query)
    found: defaultdict[str, defaultdict[Unit, int]] = defaultdict(lambda: defaultdict(int))
    for site, data in rows:
        read = decode(data, (Charged,), limit=EVENT_LIMIT)
        if isinstance(read, Received):
            for line in read.message.postings:
                if line.covered_by == "uncovered":
                    found[site][line.unit] += line.micros
    return {site: dict(units) for site, units in found.items()}


def _outside(tx: Transaction, sites: list[AtSite]) -> Iterator[str]:
    for site in sites:
        sums = [
            str(Money(figures.allocated, unit))
            for unit, figures in site.units.items()
            if figures.allocated
        ]
        if sums:
            yield (
                f"{site.node}: a disk put back to an older copy, or a stolen key, can spend "
                f"{', '.join(sums)} again, each time"
            )
    limitless = tx.sql.execute(
        select(func.count()).select_from(account).where(account.c.unlimited, account.c.enabled)
    ).scalar_one()
    if limitless:
        yield f"{limitless} accounts are without limit: every site prints on them without bound"
    for report in recovery.edges(tx):
        if report.state == "accepted":
            yield f"{report.node} was given up in a recovery: what it has is not known, no bound"
