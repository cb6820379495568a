"""Invariants 1 and 2 on real books: whatever happens, money is conserved and never overspent."""

from __future__ import annotations

from typing import TYPE_CHECKING

from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, rule

from broker.messages import FundsRequest
from central.store import accounts, funds, ledger, nodes
from central.store.verify import Counts, verify
from config.policy.money import Money
from tests.integration.books_lab import MORNING, MemoryEdge, open_account, open_books

if TYPE_CHECKING:
    from broker.messages import Charged

NODES = ("east", "north", "south")
ACCOUNTS = ("user:ana", "user:bob")
node = st.sampled_from(NODES)
account = st.sampled_from(ACCOUNTS)
amount = st.integers(min_value=1, max_value=3_000_000)


class Organisation(RuleBasedStateMachine):
    """Two people, three edges, and everything that may happen to their money."""

    def __init__(self) -> None:
        super().__init__()
        self.books = open_books()
        self.paid_in = 0
        self.lowest_floor = 0
        self.linked = set(NODES)
        self.last: dict[str, Charged] = {}
        for key in ACCOUNTS:
            open_account(self.books, key)
        self.edges = {name: MemoryEdge(self.books, node=name) for name in NODES}
        for edge in self.edges.values():
            edge.join()

    @rule(account=account, micros=amount)
    def top_up(self, account: str, micros: int) -> None:
        """Put money on an account."""
        with self.books.write() as tx:
            accounts.top_up(tx, account, Money(micros, "EUR"), note="", author="test")
        self.paid_in += micros

    @rule(account=account, floor=st.integers(min_value=-1_000_000, max_value=0))
    def set_floor(self, account: str, floor: int) -> None:
        """Allow an overdraft at the centre."""
        with self.books.write() as tx:
            accounts.put(tx, account, "EUR", floor=floor, enabled=True)
        self.lowest_floor = min(self.lowest_floor, floor)

    @rule(name=node)
    def flip_link(self, name: str) -> None:
        """Cut a site off, or bring it back."""
        self.linked ^= {name}

    @rule()
    def park(self) -> None:
        """Spread what is free."""
        with self.books.write() as tx:
            funds.park_free(tx, frozenset(self.linked))

    @rule(name=node)
    def listen(self, name: str) -> None:
        """Let an edge hear what was sent to it, and answer reclaims."""
        if name in self.linked:
            self.edges[name].listen()

    @rule(name=node, account=account, micros=amount, kept=st.booleans())
    def spend(self, name: str, account: str, micros: int, kept: bool) -> None:  # noqa: FBT001
        """Charge at an edge what it has, as an edge does; tell the centre now or later."""
        edge = self.edges[name]
        if edge.here.get(account, 0) >= micros:
            self.last[name] = charge = edge.charge(micros, account)
            edge.say(charge)
        if not kept:
            self.report(name)

    @rule(name=node)
    def charge_twice(self, name: str) -> None:
        """Repeat the last charge in a new event."""
        if name in self.last:
            self.edges[name].say(self.last[name])

    @rule(name=node, account=account, micros=amount)
    def lie(self, name: str, account: str, micros: int) -> None:
        """Charge more than was ever there, without having it."""
        edge = self.edges[name]
        before = edge.here.get(account, 0)
        edge.say(edge.charge(10**9 + micros, account))
        edge.here[account] = before

    @rule(name=node)
    def answer_reclaims(self, name: str) -> None:
        """Give back what was asked for."""
        edge = self.edges[name]
        for asked in edge.reclaims:
            edge.say(edge.give_back(asked))
        edge.reclaims.clear()
        self.report(name)

    @rule(name=node, account=account, micros=amount)
    def ask(self, name: str, account: str, micros: int) -> None:
        """Ask for funds at an edge."""
        asked = FundsRequest(
            corr=self.edges[name].mint(),
            expires_at=MORNING.replace(year=2027),
            account=account,
            unit="EUR",
            micros=micros,
        )
        with self.books.write() as tx:
            first = funds.ask(tx, name, asked, frozenset(self.linked))
        with self.books.write() as tx:
            again = funds.ask(tx, name, asked, frozenset(self.linked))
        assert isinstance(first, funds.Answered)
        assert isinstance(again, funds.Answered)
        assert first.answer.coming == again.answer.coming
        assert again.wake == frozenset()

    def report(self, name: str) -> None:
        """Send everything the centre has not seen."""
        edge = self.edges[name]
        if name not in self.linked:
            return
        with self.books.write() as tx:
            edge.send_rest(tx, frozenset(self.linked))
            # who lied is frozen; somebody looks at it and lets the node go on
            nodes.set_state(tx, name, "active", "")

    @invariant()
    def conserved(self) -> None:
        """All sums to zero, nobody is below the floor, no edge has more than the books say."""
        with self.books.read() as tx:
            rows = accounts.balances(tx)
        assert sum(row.micros for row in rows) == 0
        people = [row for row in rows if row.account in ACCOUNTS]
        earned = sum(row.micros for row in rows if row.account.startswith("income:"))
        assert sum(row.micros for row in people) + earned == self.paid_in
        spent = sum(-row.micros for row in rows if row.account == ledger.HOUSE_TOPUP)
        assert spent == self.paid_in
        assert all(row.micros >= 0 for row in people if row.place)
        assert all(row.micros >= self.lowest_floor for row in people)
        for row in people:
            if row.place:
                assert self.edges[row.place].here.get(row.account, 0) <= row.micros

    def teardown(self) -> None:
        """Verify everything at the end."""
        with self.books.read() as tx:
            assert list(verify(tx, Counts(), lambda _done, _all: None)) == []
        self.books.close()


TestOrganisation = Organisation.TestCase
TestOrganisation.settings = settings(max_examples=20, stateful_step_count=40, deadline=None)
