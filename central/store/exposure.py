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
    from collections.abc import Collection, Iterator
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


def at_sites(tx: Transaction, node_ids: Collection[str]) -> dict[str, AtSite]:
    """Work out the worst case of some sites only."""
    claimed = _quarantined(tx) if node_ids else {}
    found = (nodes.find(tx, each) for each in node_ids)
    return {
        each.id: _site(tx, each, claimed.get(each.id, {}))
        for each in found
        if each is not None and each.kind == "edge"
    }


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
    """Return the worst case of one site by unit; None: without limit.

    The same as of `at_site`, without what sits there, which is no exposure: a list of sites that
    are apart asks for each.
    """
    debts, claimed = owed.at_site(tx, node_id), _quarantined(tx, node_id).get(node_id, {})
    told = [each for j in _journals(tx, node_id) for each in terms.in_play(tx, node_id, j)]
    found: dict[Unit, int | None] = {}
    for unit in sorted(debts.keys() | claimed.keys() | terms.units(told)):
        more = could_still(tx, node_id, unit)
        found[unit] = None if more is None else debts.get(unit, 0) + claimed.get(unit, 0) + more
    return found


def could_still(tx: Transaction, node_id: str, unit: Unit) -> int | None:
    """Return what a site could still charge past the allocation; None: without limit.

    Every journal that was ever told of a cap counts: one that was believed lost may have gone on.
    """
    total = 0
    for journal in _journals(tx, node_id):
        site = terms.leave(terms.in_play(tx, node_id, journal), unit).site
        if site is None:
            return None
        # the edge counts at least what is outstanding here: what it was told of was posted before
        total += max(0, site - owed.at_site(tx, node_id, journal).get(unit, 0))
    return total


def _site(tx: Transaction, each: NodeRecord, claimed: dict[Unit, int]) -> AtSite:
    allocated, _ = nodes.sums_at(tx, each.id)
    debts = owed.at_site(tx, each.id)
    told: list[Terms] = []
    for journal in _journals(tx, each.id):
        told += terms.in_play(tx, each.id, journal)
    units = {
        unit: InUnit(
            allocated.get(unit, 0),
            debts.get(unit, 0),
            claimed.get(unit, 0),
            could_still(tx, each.id, unit),
        )
        for unit in sorted(allocated.keys() | debts.keys() | claimed.keys() | terms.units(told))
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


def _journals(tx: Transaction, node_id: str) -> list[UUID]:
    rows = tx.sql.execute(
        select(terms_table.c.incarnation)
        .distinct()
        .where(terms_table.c.node == node_id, terms_table.c.incarnation.is_not(None))
        .order_by(terms_table.c.incarnation)
    )
    return [UUID(text) for text in rows.scalars()]


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
