"""What must be true of an organisation's money at every moment, whatever has happened to it.

Figures are taken from the books of both ends and from what was said and not heard yet; what was
paid in and what came out of printers the history tells itself.
"""

from __future__ import annotations

import json
from collections import Counter
from typing import TYPE_CHECKING, Any, Final, TypeAlias

from broker.codec import EVENT_LIMIT, Received, decode
from broker.messages import Charged, Collected, GaveBack, Granted, Redeemed, Returned
from broker.topics import STREAMS_DOWN, STREAMS_UP
from central.store.corrections import HOUSE_CORRECTIONS
from central.store.exposure import could_still
from central.store.ledger import CENTRE, HOUSE_KINDS, HOUSE_TOPUP
from central.store.verify import Counts, verify
from edge.release import Phase as JobPhase
from edge.store.books import DOWN
from edge.store.holds import disagreements
from edge.store.recovery import recover
from edge.terms import leave

if TYPE_CHECKING:
    from collections.abc import Iterable
    from uuid import UUID

    from broker.messages import AccountAmount, Message
    from tests.integration.money_machine import Organisation
    from tests.integration.money_site import Site

#: (account, unit) → micros.
Sums: TypeAlias = Counter[tuple[str, str]]
#: (account, place, unit) → micros.
Balances: TypeAlias = dict[tuple[str, str, str], int]
_LEDGER: Final = (*STREAMS_UP["ledger"], *STREAMS_DOWN["ledger"])
#: What honest sites may say and the centre cannot book: they could not know better.
STALE: Final = ("is not an account without limit",)


class Truth:
    """Checks one organisation."""

    def __init__(self, organisation: Organisation) -> None:
        self.of = organisation
        self._read: dict[str, Message | None] = {}

    def look(self) -> None:
        """Check everything that holds at any moment."""
        balances = self._balances()
        self._conserved(balances)
        self._floors(balances)
        self._paid()
        self._owed(balances)
        self._honest()
        known = dict(self._rows("SELECT id, incarnation FROM node"))
        awaited = {
            node
            for (node,) in self._rows(
                "SELECT node FROM recovery_edge WHERE state IN ('absent', 'accepted')"
            )
        }
        for name, site in self.of.sites.items():
            self._till(site)
            if known[name] == str(site.books.incarnation) and name not in awaited:
                self._equation(balances, site)
                self._debts(site)

    def at_rest(self) -> None:
        """Check what holds when everybody has heard everything."""
        self.look()
        with self.of.books.read() as tx:
            found = list(verify(tx, Counts(), lambda _done, _all: None))
        assert not found, found
        known = dict(self._rows("SELECT id, incarnation FROM node"))
        balances = self._balances()
        for name, site in self.of.sites.items():
            assert known[name] == str(site.books.incarnation), f"{name} is not met"
            there = _at(balances, name)
            put_aside = self._claims(self._quarantined(site))
            here = Counter(_here(site))
            assert +there == +here + put_aside, f"{name}: {there} there, {here} here"
            recovered = recover(site.disk.crash(lambda most: most))
            assert recovered is not None
            assert not list(disagreements(recovered.fold))
        booked = self._booked()
        for job, price in self.of.told.printed.items():
            told = booked.get(str(job), 0)
            assert told == price or self._aside(job), f"job {job}: {price} on paper, {told} booked"

    # ── the centre ──────────────────────────────────────────────────────────────────────────

    def _balances(self) -> Balances:
        """Return every balance; each is the fold of its postings."""
        rows = self._rows(
            "SELECT l.account, l.place, l.unit, l.micros, COALESCE(SUM(p.micros), 0) "
            "FROM location l LEFT JOIN posting p ON p.location = l.id GROUP BY l.id"
        )
        for account, place, unit, micros, folded in rows:
            assert micros == folded, f"{account}@{place}: {micros} {unit}, postings say {folded}"
        return {(account, place, unit): micros for account, place, unit, micros, _ in rows}

    def _conserved(self, balances: Balances) -> None:
        sums: Counter[str] = Counter()
        house: Sums = Counter()
        for (account, _, unit), micros in balances.items():
            sums[unit] += micros
            if account in {HOUSE_TOPUP, HOUSE_CORRECTIONS}:
                house[account, unit] -= micros
        assert not any(sums.values()), f"left over: {sums}"
        given = {key: micros for key, micros in self.of.told.given.items() if micros}
        assert {key: micros for key, micros in house.items() if micros} == given

    def _floors(self, balances: Balances) -> None:
        told = self.of.told
        for (account, place, _), micros in balances.items():
            if account.partition(":")[0] in HOUSE_KINDS:
                continue
            least = 0 if place != CENTRE else told.floors[account]
            free = place == CENTRE and account in told.limitless
            assert micros >= least or free, f"{account}@{place}: {micros}"

    def _paid(self) -> None:
        """No job costs more than what of it is on paper, over all journals and whoever pays."""
        booked, printed = self._booked(), self.of.told.printed
        most = {str(each): price for each, price in printed.items()}
        for job, micros in booked.items():
            assert micros <= most.get(job, 0), f"job {job}: {most.get(job)} on paper, {micros} paid"
        for id_, back in self.of.told.refunded.items():
            assert back <= printed[id_], f"job {id_}: {printed[id_]} on paper, {back} given back"

    def _booked(self) -> dict[str, int]:
        """Return what each job cost, in micros, whoever paid."""
        sums: Counter[str] = Counter()
        for job, paid in self._rows("SELECT job, paid FROM charge"):
            sums[job] += sum(part["micros"] for part in json.loads(paid))
        return sums

    def _owed(self, balances: Balances) -> None:
        """What the house has paid at first is what people owe."""
        owing: Sums = Counter()
        for node, unit, micros in self._rows(
            "SELECT node, unit, SUM(micros - collected) FROM owed GROUP BY node, unit"
        ):
            owing[node, unit] += micros
        for node, unit, micros in self._rows(
            "SELECT node, unit, SUM(micros) FROM adopted_collection GROUP BY node, unit"
        ):
            owing[node, unit] -= micros
        for (account, _, unit), micros in balances.items():
            if account.startswith("uncovered:"):
                owing[account.partition(":")[2], unit] += micros
        assert not any(owing.values()), f"debts and what the house paid differ by {owing}"

    def _honest(self) -> None:
        """Sites that say what is so are believed, and nobody is frozen for it."""
        frozen = self._rows("SELECT id, reason FROM node WHERE state = 'frozen'")
        assert not frozen, f"frozen: {frozen}"
        wrong = [
            (kind, reason)
            for kind, reason in self._rows(
                "SELECT type, reason FROM event WHERE state = 'quarantined'"
            )
            if not any(why in reason for why in STALE)
        ]
        assert not wrong, f"quarantined: {wrong}"

    # ── a site ──────────────────────────────────────────────────────────────────────────────

    def _till(self, site: Site) -> None:
        till = site.books.till
        for each in till.balances():
            free = till.free(each.account, each.unit)
            assert 0 <= free <= each.micros, f"{each.account}@{site.node}: {each.micros}, {free}"

    def _equation(self, balances: Balances, site: Site) -> None:
        """PROTOCOL 3: what the centre believes to be at a site, and what is."""
        believed = _at(balances, site.node)
        due = Counter(_here(site))
        due.update(self._coming(site))
        due.update(self._claims(self._untold(site), site))
        due.update(self._claims(self._quarantined(site)))
        for key in believed.keys() | due.keys():
            assert believed[key] == due[key], (
                f"{key} at {site.node}: the centre has {believed[key]}, it should be {due[key]}"
            )

    def _stream(self, site: Site, direction: str) -> tuple[int, int]:
        """Return the row and the head of a ledger stream at the centre."""
        rows = self._rows(
            "SELECT id, seq FROM stream WHERE node = ? AND incarnation = ? AND direction = ? "
            "AND name = 'ledger'",
            (site.node, str(site.books.incarnation), direction),
        )
        return rows[0] if rows else (0, 0)

    def _coming(self, site: Site) -> Sums:
        """Return grants that were posted and not applied, codes that came before them left out."""
        sums: Sums = Counter()
        for said in self._messages(self._unheard(site)):
            if isinstance(said, Granted):
                code, codes = said.code, site.books.codes
                mark = None if code is None else codes.mark(code.epoch, code.index)
                if mark is None or mark.came != "redeemed":
                    sums[said.account, said.unit] += said.micros
        return sums

    def _unheard(self, site: Site) -> list[tuple[str, str | None]]:
        return self._rows(
            "SELECT hash, data FROM event WHERE stream = ? AND seq > ?",
            (self._stream(site, "down")[0], site.books.head(DOWN).seq),
        )

    def _untold(self, site: Site) -> list[tuple[str, str | None]]:
        first, head = self._stream(site, "up")[1] + 1, site.books.head("ledger").seq
        if first > head:
            return []
        return [(each.hash, each.data) for each in site.books.events("ledger", first, head)]

    def _quarantined(self, site: Site) -> list[tuple[str, str | None]]:
        return self._rows(
            "SELECT hash, data FROM event WHERE state = 'quarantined' AND stream = ?",
            (self._stream(site, "up")[0],),
        )

    def _claims(self, texts: list[tuple[str, str | None]], site: Site | None = None) -> Sums:
        """Return what events took out of a site; codes that the centre forgot brought some in."""
        sums: Sums = Counter()
        for said in self._messages(texts):
            if isinstance(said, Charged):
                for part in said.postings:
                    if part.covered_by == "allocation":
                        sums[part.account, part.unit] += part.micros
            elif isinstance(said, Returned | GaveBack):
                sums[said.account, said.unit] += said.micros
            elif isinstance(said, Redeemed) and site is not None:
                of = (site.node, str(site.books.incarnation), said.code.epoch, said.code.index)
                if not self._rows(
                    "SELECT 1 FROM code WHERE node = ? AND incarnation = ? AND epoch = ? "
                    "AND number = ?",
                    of,
                ):
                    sums[said.account, said.unit] -= said.micros
        return sums

    def _debts(self, site: Site) -> None:
        """What a site counts as owed, and the centre's belief of how far past its money it can go.

        Owed there is what is owed in the books, what they have not heard of, and what they have
        collected without the site's having heard of that.
        """
        terms, till = site.books.terms, site.books.till
        open_: Counter[str] = Counter()
        for said in self._messages(self._untold(site)):
            if isinstance(said, Charged):
                _add_uncovered(open_, said.postings)
        for job in site.books.jobs(JobPhase.RELEASING):
            _add_uncovered(open_, job.hold.amounts if job.hold else ())
        due = open_ + self._owed_by(site)
        due.subtract(self._adopted(site))
        for said in self._messages(self._unheard(site)):
            if isinstance(said, Collected):
                due[said.account] += said.micros
        for account in {*due, "user:ana", "user:bob", "project:x"}:
            here = till.owed("EUR", account)
            assert here == due[account], (
                f"{account} owes {here} at {site.node}, it should be {due[account]}"
            )
        owed = till.owed("EUR")
        room = leave(terms.taken, terms.wish, "EUR", site=owed, account=None, alone=True)
        can = room + sum(open_.values())
        with self.of.books.read() as tx:
            known = could_still(tx, site.node, "EUR") if can else 0
        assert known is None or can <= known, (
            f"{site.node} can go {can} past its money, the centre believes {known}"
        )

    def _owed_by(self, site: Site) -> Counter[str]:
        rows = self._rows(
            "SELECT account, SUM(micros - collected) FROM owed WHERE node = ? "
            "AND incarnation = ? AND unit = 'EUR' GROUP BY account",
            (site.node, str(site.books.incarnation)),
        )
        return Counter(dict(rows))

    def _adopted(self, site: Site) -> Counter[str]:
        """Return collections that restored books know again, and their debts not yet."""
        rows = self._rows(
            "SELECT account, SUM(micros) FROM adopted_collection WHERE node = ? AND unit = 'EUR' "
            "GROUP BY account",
            (site.node,),
        )
        return Counter(dict(rows))

    # ── reading ─────────────────────────────────────────────────────────────────────────────

    def _messages(self, texts: list[tuple[str, str | None]]) -> list[Message]:
        found = []
        for hash_, data in texts:
            if hash_ not in self._read:
                read = decode(data or "", _LEDGER, limit=EVENT_LIMIT)
                self._read[hash_] = read.message if isinstance(read, Received) else None
            if (message := self._read[hash_]) is not None:
                found.append(message)
        return found

    def _aside(self, job: UUID) -> bool:
        return bool(
            self._rows(
                "SELECT 1 FROM event WHERE state = 'quarantined' AND type = ? AND data LIKE ?",
                (Charged.TYPE, f"%{job}%"),
            )
        )

    def _rows(self, sql: str, values: tuple[object, ...] = ()) -> list[Any]:
        return self.of.template.raw().execute(sql, values).fetchall()


def _here(site: Site) -> dict[tuple[str, str], int]:
    return {(each.account, each.unit): each.micros for each in site.books.balances()}


def _add_uncovered(sums: Counter[str], postings: Iterable[AccountAmount]) -> None:
    for part in postings:
        if part.covered_by == "uncovered":
            sums[part.account] += part.micros


def _at(balances: Balances, place: str) -> Sums:
    return Counter(
        {(account, unit): micros for (account, at, unit), micros in balances.items() if at == place}
    )
