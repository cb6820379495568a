"""What must hold at every moment of a history, and what must hold when all is quiet again.

The oracle believes neither the centre nor the sites: what was paid in it was told by the history,
what came out by the printers; the rest it reads from the journals and the books as they stand.
"""

from __future__ import annotations

import json
from collections import Counter
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Final

from benchmarks.simulation.world import CENT, UNIT, USERS, raw
from broker.messages import Charged
from central.store.exposure import exposure
from central.store.verify import Counts, verify

if TYPE_CHECKING:
    from benchmarks.simulation.site import Site
    from benchmarks.simulation.world import World

_CHARGED: Final = Charged.TYPE


@dataclass(frozen=True, slots=True)
class Violation:
    """An invariant that did not hold."""

    invariant: str
    """conserved, negative, once, overspent, exposure, quiet, verify."""
    detail: str


@dataclass(slots=True)
class Oracle:
    """Watches one world."""

    world: World
    read: Counter[str] = field(default_factory=Counter)
    """How far each site's ledger was read."""
    charges: dict[str, list[dict[str, Any]]] = field(default_factory=dict)
    """What journals say was charged, by site."""
    spent: Counter[str] = field(default_factory=Counter)
    """From allocations, by account."""

    def look(self) -> Violation | None:
        """Check what holds at every moment."""
        self._read_journals()
        return self._negative() or self._overspent() or self._books()

    def look_at_rest(self, *, deep: bool) -> Violation | None:
        """Check what holds when everybody has met and nothing is under way.

        Args:
            deep: fold the centre's books again as well, as `printmesh central verify` does.
        """
        if (found := self.look()) is not None:
            return found
        for site in self.world.sites.values():
            if site.stopped or not site.agreed or site.up.waiting:
                waiting = f"{site.up.waiting} events wait"
                return Violation("quiet", f"{site.node}: {site.stopped or waiting}")
        found = self._same() or self._once()
        return found or (self._verified() if deep else None)

    # ── at every moment ─────────────────────────────────────────────────────────────────────

    def _read_journals(self) -> None:
        for site in self.world.sites.values():
            head = site.books.head("ledger").seq
            first = self.read[site.node] + 1
            if head < first:
                continue
            self.read[site.node] = head
            for envelope in site.books.events("ledger", first, head):
                if _CHARGED not in (envelope.data or ""):
                    continue
                charge = json.loads(envelope.data or "{}")["data"]
                self.charges.setdefault(site.node, []).append(charge)
                for part in charge["postings"]:
                    if part.get("covered_by", "allocation") == "allocation":
                        self.spent[part["account"]] += part["micros"]

    def _negative(self) -> Violation | None:
        for site in self.world.sites.values():
            for amount in site.books.balances():
                free = site.books.free(amount.account, UNIT)
                if amount.micros < 0 or not 0 <= free <= amount.micros:
                    said = f"{amount.account} has {amount.micros} at {site.node}, {free} free"
                    return Violation("negative", said)
        return None

    def _overspent(self) -> Violation | None:
        """What was spent and what may still be spent is never more than was paid in."""
        for user in USERS:
            account = f"user:{user}"
            here = sum(self._here(site, account) for site in self.world.sites.values())
            if self.spent[account] + here > self.world.topped[user]:
                said = (
                    f"{account} paid {self.world.topped[user]} in, {self.spent[account]} are spent "
                    f"and {here} more can be"
                )
                return Violation("overspent", said)
        return None

    def _books(self) -> Violation | None:
        rows = self._locations()
        if sum(micros for *_, micros, _ in rows):
            return Violation("conserved", f"the books sum to {sum(row[2] for row in rows)}")
        for account, place, micros, floor in rows:
            if floor is not None and micros < floor:
                return Violation("negative", f"{account} has {micros} at {place or 'the centre'}")
        return None if self.world.forgot else self._exposed(rows) or self._owed()

    def _exposed(self, rows: list[tuple[str, str, int, int | None]]) -> Violation | None:
        """The centre never believes that less can be spent at a site than can be."""
        there = {(account, place): micros for account, place, micros, _ in rows}
        for site in self.world.sites.values():
            for amount in site.books.balances():
                known = there.get((amount.account, site.node), 0)
                if amount.micros > known:
                    said = (
                        f"{amount.account} has {amount.micros} at {site.node}, the centre "
                        f"believes {known}"
                    )
                    return Violation("exposure", said)
        return None

    def _owed(self) -> Violation | None:
        """What sites owe, holds included, is never more than the exposure that the centre shows."""
        owing = {
            site.node: owed
            for site in self.world.sites.values()
            if (owed := site.books.till.owed(UNIT))
        }
        if not owing:
            return None
        with self.world.books.read(self.world.wall()) as tx:
            shown = {each.node: each.units.get(UNIT) for each in exposure(tx).sites}
        for node, owed in owing.items():
            known = shown.get(node)
            worst = 0 if known is None else known.worst
            if worst is not None and owed > worst:
                return Violation("exposure", f"{node} owes {owed}, the worst case says {worst}")
        return None

    # ── at rest ─────────────────────────────────────────────────────────────────────────────

    def _same(self) -> Violation | None:
        there = {(a, p): m for a, p, m, _ in self._locations() if p and a.startswith("user:")}
        here = {
            (amount.account, site.node): amount.micros
            for site in self.world.sites.values()
            for amount in site.books.balances()
        }
        for key in there.keys() | here.keys():
            if there.get(key, 0) != here.get(key, 0):
                said = f"{key}: the centre says {there.get(key, 0)}, the site {here.get(key, 0)}"
                return Violation("exposure", said)
        return None if self.world.forgot else self._same_debts()

    def _same_debts(self) -> Violation | None:
        """Both ends know of the same debts."""
        debts = dict(
            raw(self.world.books).execute(
                "SELECT node, sum(micros - collected) FROM owed GROUP BY node"
            )
        )
        for node, site in self.world.sites.items():
            owed = site.books.till.owed(UNIT)
            if owed != debts.get(node, 0):
                said = f"{node} owes {owed} by its journal, {debts.get(node, 0)} by the books"
                return Violation("exposure", said)
        return None

    def _once(self) -> Violation | None:
        """Each job is billed once, for what came out, and booked once."""
        booked = Counter(
            (charge, node, sum(part["micros"] for part in json.loads(paid)))
            for charge, node, paid in raw(self.world.books).execute(
                "SELECT charge, node, paid FROM charge"
            )
        )
        told: Counter[tuple[str, str, int]] = Counter()
        billed: Counter[str] = Counter()
        for node, charges in self.charges.items():
            for charge in charges:
                micros = sum(part["micros"] for part in charge["postings"])
                told[charge["charge"], node, micros] += 1
                billed[charge["job"]] += micros
        if booked != told:
            missing, extra = told - booked, booked - told
            return Violation("once", f"not booked: {dict(missing)}, booked besides: {dict(extra)}")
        for site in self.world.sites.values():
            for job, count in site.paper.items():
                record = site.books.job(job)
                planned = record.expected.impressions if record and record.expected else 0
                due = min(count, planned) * CENT
                if billed[str(job)] != due:
                    said = f"job {job} at {site.node} cost {due}, billed are {billed[str(job)]}"
                    return Violation("once", said)
        return None

    def _verified(self) -> Violation | None:
        with self.world.books.read(self.world.wall()) as tx:
            found = next(iter(verify(tx, Counts(), lambda _done, _all: None)), None)
        if found is not None:
            return Violation("verify", f"{found.check}: {found.where}: {found.detail}")
        return None

    # ── reading ─────────────────────────────────────────────────────────────────────────────

    def _locations(self) -> list[tuple[str, str, int, int | None]]:
        return (
            raw(self.world.books)
            .execute("SELECT account, place, micros, floor FROM location WHERE unit = 'EUR'")
            .fetchall()
        )

    def _here(self, site: Site, account: str) -> int:
        return sum(each.micros for each in site.books.balances() if each.account == account)
