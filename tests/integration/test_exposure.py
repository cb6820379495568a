"""Exposure is never understated and money is conserved, whatever sites and people do."""

from __future__ import annotations

from typing import TYPE_CHECKING

from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, rule

from broker.messages import FundsRequest, UncoveredCap
from central.store import accounts, funds, owed, parking
from central.store.exposure import NOTHING, exposure, worst_at
from central.store.ledger import HOUSE_TOPUP
from central.store.terms import Wish
from central.store.verify import Counts, verify
from config.policy.money import Money
from tests.integration.books_lab import MORNING, open_account, open_books
from tests.integration.terms_lab import TermsEdge, wish

if TYPE_CHECKING:
    from config.policy.roles import RoleName

ROLES: dict[str, RoleName] = {"east": "tracker", "north": "remote", "south": "agent"}
ACCOUNTS = ("user:ana", "user:bob")
node = st.sampled_from(sorted(ROLES))
account = st.sampled_from(ACCOUNTS)
amount = st.integers(min_value=1, max_value=3_000_000)
cap = st.builds(
    UncoveredCap,
    unit=st.just("EUR"),
    site=st.none() | st.integers(min_value=1_000_000, max_value=4_000_000),
    user=st.none() | st.integers(min_value=1, max_value=1_000_000),
)
wishes = st.one_of(
    st.just(Wish("agent")),
    st.builds(Wish, st.just("tracker"), st.tuples(cap)),
    st.builds(Wish, st.just("remote"), st.just(()) | st.tuples(cap)),
)


class Fleet(RuleBasedStateMachine):
    """Three sites in any role, which use all that they are allowed, and two people."""

    def __init__(self) -> None:
        super().__init__()
        self.books = open_books()
        self.paid_in = 0
        self.linked = set(ROLES)
        self.lost: set[str] = set()
        for key in ACCOUNTS:
            open_account(self.books, key)
        self.edges = {name: TermsEdge(self.books, name, role=role) for name, role in ROLES.items()}
        for edge in self.edges.values():
            edge.join()

    @rule(account=account, micros=amount)
    def top_up(self, account: str, micros: int) -> None:
        """Put money on an account."""
        with self.books.write() as tx:
            accounts.top_up(tx, account, Money(micros, "EUR"), note="", author="test")
        self.paid_in += micros

    @rule(name=node)
    def flip_link(self, name: str) -> None:
        """Cut a site off, or bring it back."""
        self.linked ^= {name}

    @rule()
    def park(self) -> None:
        """Collect what is owed and spread what is free."""
        with self.books.write() as tx:
            funds.park_free(tx, self.reachable)

    @rule()
    def park_anew(self) -> None:
        """Ask back what sits wrong, or is owed."""
        with self.books.write() as tx:
            parking.fetch(tx, parking.misplaced(tx, ACCOUNTS, self.reachable))

    @rule(name=node, wanted=wishes)
    def set_terms(self, name: str, wanted: Wish) -> None:
        """Wish a site another role and other caps, linked or not."""
        if name not in self.lost and all(
            each.site is None or each.user is None or each.user <= each.site
            for each in wanted.uncovered
        ):
            wish(self.books, name, wanted)

    @rule(name=node)
    def listen(self, name: str) -> None:
        """Let an edge hear what was sent to it."""
        if name in self.reachable:
            self.edges[name].listen()

    @rule(name=node)
    def take_terms(self, name: str) -> None:
        """Take what was heard, whenever it pleases the edge."""
        edge = self.edges[name]
        if not edge.aside:
            edge.take_terms()

    @rule(name=node, account=account, micros=amount)
    def spend(self, name: str, account: str, micros: int) -> None:
        """Charge what is here, and past it as far as that is allowed."""
        self.edges[name].print_for(account, micros)

    @rule(name=node, account=account)
    def spend_all_leave(self, name: str, account: str) -> None:
        """Charge all that could be charged past the allocation."""
        edge = self.edges[name]
        leave = min(edge.leave(account), 10**9)
        if leave:
            edge.print_for(account, leave + edge.here.get(account, 0))

    @rule(name=node, account=account, micros=amount)
    def ask(self, name: str, account: str, micros: int) -> None:
        """Ask for funds, for a job."""
        edge = self.edges[name]
        asked = FundsRequest(
            corr=edge.mint(),
            expires_at=MORNING.replace(year=2027),
            account=account,
            unit="EUR",
            micros=micros,
            job=edge.mint(),
        )
        if name in self.reachable:
            with self.books.write() as tx:
                funds.ask(tx, name, asked, self.reachable)

    @rule(name=node, cost=amount)
    def end_jobs(self, name: str, cost: int) -> None:
        """Settle jobs that have grants of their own."""
        edge = self.edges[name]
        for job in list(edge.aside):
            edge.end_job(job, cost)

    @rule(name=node)
    def answer_reclaims(self, name: str) -> None:
        """Give back what was asked for, as far as it is here."""
        edge = self.edges[name]
        for asked in edge.reclaims:
            edge.say(edge.give_back(asked))
        edge.reclaims.clear()

    @rule(name=node)
    def report(self, name: str) -> None:
        """Send everything that the centre has not seen."""
        if name in self.reachable:
            self.edges[name].tell(self.reachable)

    @rule(name=node)
    def write_off(self, name: str) -> None:
        """Give a silent site up: it never comes back, but what it did was done."""
        if name not in self.linked and name not in self.lost and len(self.lost) < 2:
            with self.books.write() as tx:
                funds.write_off(tx, name, "test")
            self.lost.add(name)

    @property
    def reachable(self) -> frozenset[str]:
        """Return who can be spoken with."""
        return frozenset(self.linked - self.lost)

    @invariant()
    def conserved(self) -> None:
        """All sums to zero; people, income, losses and debts make up what was paid in."""
        with self.books.read() as tx:
            rows = accounts.balances(tx)
        assert sum(row.micros for row in rows) == 0
        assert sum(-row.micros for row in rows if row.account == HOUSE_TOPUP) == self.paid_in
        people = [row for row in rows if row.account in ACCOUNTS]
        assert all(row.micros >= 0 for row in people)
        for row in people:
            if row.place and row.place not in self.lost:
                edge = self.edges[row.place]
                aside = sum(micros for key, micros in edge.aside.values() if key == row.account)
                assert edge.here.get(row.account, 0) + aside <= row.micros

    @invariant()
    def not_understated(self) -> None:
        """What the house has lent, told or not, and what an edge could still lend, is in it."""
        with self.books.read() as tx:
            all_of_them = {each.node: each.units for each in exposure(tx).sites}
        for name, edge in self.edges.items():
            found = all_of_them[name].get("EUR", NOTHING)
            with self.books.read() as tx:
                assert worst_at(tx, name).get("EUR", 0) == found.worst
                lent = sum(owed.at_site(tx, name).values())
            if found.worst is None:
                continue
            booked = self._booked(name)
            untold = edge.uncovered - booked
            assert untold >= 0
            still = max(sum(edge.leave(key) for key in ACCOUNTS[:1]), self._later(edge))
            assert lent + untold + still <= found.worst

    def _later(self, edge: TermsEdge) -> int:
        """Return the leave that terms give which the edge has heard and may take at any time."""
        before, role, most = edge.caps, edge.role, 0
        for each in edge.heard:
            edge.caps, edge.role = each, each.role
            most = max(most, *(edge.leave(key) for key in ACCOUNTS))
        edge.caps, edge.role = before, role
        return most

    def _booked(self, name: str) -> int:
        with self.books.read() as tx:
            rows = tx.sql.exec_driver_sql(
                "SELECT COALESCE(SUM(micros), 0) FROM owed WHERE node = ?", (name,)
            )
            return int(rows.scalar_one())

    def teardown(self) -> None:
        """Let everybody tell; verify everything; nothing honest was put aside."""
        for name, edge in self.edges.items():
            if name not in self.lost:
                edge.tell()
        counts = Counts()
        with self.books.read() as tx:
            assert list(verify(tx, counts, lambda _done, _all: None)) == []
        assert counts.quarantined == 0
        self.books.close()


TestFleet = Fleet.TestCase
TestFleet.settings = settings(max_examples=12, stateful_step_count=40, deadline=None)
