"""Invariant 1 over the life of accounts: whatever is done to them, nothing is lost."""

from __future__ import annotations

from datetime import datetime, time, timedelta
from typing import TYPE_CHECKING

from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, rule

from broker.directory import UserRow
from central.schedules import Plan
from central.store import accounts, closing, corrections, directory, schedules, wallets
from central.store.allowances import HOUSE_GRANTS, Allowance
from central.store.corrections import HOUSE_CORRECTIONS
from central.store.ledger import HOUSE_KINDS, HOUSE_TOPUP, Posted
from central.store.parking import park_free
from central.store.verify import Counts, verify
from config.policy.money import Money
from tests.integration.accounts_lab import AUTHOR, enter
from tests.integration.books_lab import MORNING, MemoryEdge, open_account, open_books

if TYPE_CHECKING:
    from uuid import UUID

    from broker.messages import Charged

NODES = ("east", "north")
PEOPLE = ("ana", "bob", "cleo")
KEYS = (*(f"user:{name}" for name in PEOPLE), *(f"grant:{name}" for name in PEOPLE), "project:x")
node = st.sampled_from(NODES)
key = st.sampled_from(KEYS)
amount = st.integers(min_value=1, max_value=3_000_000)
PAID_OUT = "house:paidout"


class Household(RuleBasedStateMachine):
    """Three people, a project, two sites, and everything an administrator may do."""

    def __init__(self) -> None:
        super().__init__()
        self.books = open_books()
        self.now: datetime = MORNING
        self.linked = set(NODES)
        self.charges: list[Charged] = []
        self.refunded: dict[UUID, int] = {}
        self.given = 0
        self.edges = {name: MemoryEdge(self.books, node=name) for name in NODES}
        for edge in self.edges.values():
            edge.join()

    @initialize(mode=st.sampled_from(["set", "add"]), micros=amount, cap=st.none() | amount)
    def begin(self, mode: str, micros: int, cap: int | None) -> None:
        """Enter people, a project and a nightly grant."""
        enter(self.books, *PEOPLE)
        open_account(self.books, "project:x")
        allowance = Allowance(
            "group:students",
            "grant",
            "EUR",
            micros,
            "set" if mode == "set" else "add",
            None if mode == "set" else cap,
        )
        plan = Plan("daily", "Europe/Paris", time(2, 30))
        with self.books.write(self.now) as tx:
            added = schedules.add(tx, "pocket", allowance, plan, author=AUTHOR)
        assert isinstance(added, schedules.Schedule)

    @rule(key=key, micros=amount)
    def top_up(self, key: str, micros: int) -> None:
        """Put money on an account."""
        with self.books.write(self.now) as tx:
            done = accounts.top_up(tx, key, Money(micros, "EUR"), note="", author=AUTHOR)
        self.given += micros if isinstance(done, Posted) else 0

    @rule(key=key, micros=st.integers(min_value=-3_000_000, max_value=3_000_000))
    def correct(self, key: str, micros: int) -> None:
        """Put an account right, or wrong."""
        with self.books.write(self.now) as tx:
            by = Money(micros, "EUR")
            done = corrections.correct(tx, key, by, reason="x", author=AUTHOR)
        self.given += micros if isinstance(done, Posted) else 0

    @rule(hours=st.integers(min_value=1, max_value=60))
    def wait(self, hours: int) -> None:
        """Let time go by, and post what is due: a whole number of slices, or only the first."""
        self.now += timedelta(hours=hours)
        step = True
        while step:
            with self.books.write(self.now) as tx:
                step = schedules.step(tx) is not None

    @rule(key=key, heir=st.sampled_from((*KEYS, PAID_OUT, None)))
    def close(self, key: str, heir: str | None) -> None:
        """Close an account, if that can be done."""
        with self.books.write(self.now) as tx:
            closing.close(tx, key, to=heir, author=AUTHOR, reason="x")

    @rule(key=key, into=key)
    def merge(self, key: str, into: str) -> None:
        """Merge two accounts, if that can be done."""
        with self.books.write(self.now) as tx:
            closing.merge(tx, key, into, author=AUTHOR, reason="x")

    @rule(key=key, thaw=st.booleans())
    def freeze(self, key: str, thaw: bool) -> None:  # noqa: FBT001
        """Freeze an account or let it go on."""
        with self.books.write(self.now) as tx:
            turn = closing.unfreeze if thaw else closing.freeze
            turn(tx, key, author=AUTHOR, reason="x")

    @rule()
    def sweep(self) -> None:
        """Do what closed accounts need at present."""
        with self.books.write(self.now) as tx:
            closing.sweep(tx, frozenset(self.linked))

    @rule(which=st.integers(min_value=0, max_value=50), part=st.none() | amount)
    def refund(self, which: int, part: int | None) -> None:
        """Give some of a charge back, or all of it; never more than it took."""
        if not self.charges:
            return
        charge = self.charges[-1 - which % min(len(self.charges), 4)]
        with self.books.write(self.now) as tx:
            wanted = None if part is None else Money(part, "EUR")
            done = corrections.refund(tx, charge.job, wanted, reason="x", author=AUTHOR)
        if isinstance(done, list):
            back = sum(money.micros for each in done for _, money in each.parts)
            self.refunded[charge.job] = self.refunded.get(charge.job, 0) + back
            assert self.refunded[charge.job] <= sum(p.micros for p in charge.postings)

    @rule(name=node)
    def flip_link(self, name: str) -> None:
        """Cut a site off, or bring it back."""
        self.linked ^= {name}

    @rule()
    def park(self) -> None:
        """Spread what is free; linked sites hear of it."""
        with self.books.write(self.now) as tx:
            park_free(tx, frozenset(self.linked))
        for name in self.linked:
            self.edges[name].listen()

    @rule(name=node, key=key, micros=amount)
    def spend(self, name: str, key: str, micros: int) -> None:
        """Charge at a site what it has; it is told when there is a link."""
        edge = self.edges[name]
        if edge.here.get(key, 0) >= micros:
            charge = edge.charge(micros, key)
            edge.say(charge)
            self.charges.append(charge)

    @rule(name=node, part=st.integers(min_value=1, max_value=100))
    def print_something(self, name: str, part: int) -> None:
        """Top up, park, charge some of what is there and tell of it: the common case, in one."""
        self.linked.add(name)
        for key in KEYS:
            self.top_up(key, 1_000_000)
        self.park()
        for key, micros in sorted(self.edges[name].here.items()):
            self.spend(name, key, max(1, micros * part // 100))
        self.report(name)

    @rule(name=node)
    def report(self, name: str) -> None:
        """Answer what was asked for, and let the centre hear all of it."""
        if name not in self.linked:
            return
        edge = self.edges[name]
        edge.listen()
        for asked in edge.reclaims:
            edge.say(edge.give_back(asked))
        edge.reclaims.clear()
        with self.books.write(self.now) as tx:
            edge.send_rest(tx, frozenset(self.linked))

    @invariant()
    def conserved(self) -> None:
        """Sums are zero, people have what was given less what was spent, sites never owe."""
        with self.books.read() as tx:
            rows = accounts.balances(tx)
            states = {each.key: each for each in accounts.every(tx)}
        assert sum(row.micros for row in rows) == 0
        house = {HOUSE_TOPUP, HOUSE_CORRECTIONS}
        assert -sum(row.micros for row in rows if row.account in house) == self.given
        granted = -sum(row.micros for row in rows if row.account == HOUSE_GRANTS)
        people = [row for row in rows if row.account.partition(":")[0] not in HOUSE_KINDS]
        earned = sum(row.micros for row in rows if row.account.startswith("income:"))
        paid_out = sum(row.micros for row in rows if row.account == PAID_OUT)
        assert sum(row.micros for row in people) + earned + paid_out == self.given + granted
        assert all(row.micros >= 0 for row in people)
        assert earned >= 0
        for row in people:
            if row.place:
                assert self.edges[row.place].here.get(row.account, 0) <= row.micros
        for each in states.values():
            assert each.enabled == (each.state == "open")

    def teardown(self) -> None:
        """When all sites are back, closed accounts are empty, and everything verifies."""
        self.linked = set(NODES)
        for _ in range(4):
            self.now += timedelta(minutes=11)
            self.sweep()
            for name in NODES:
                self.report(name)
        for _ in range(20):
            self.sweep()
        with self.books.read() as tx:
            for each in accounts.every(tx):
                if each.merged_into is not None:
                    assert accounts.whole(tx, each.key, each.unit) == 0
            people = [UserRow.model_validate(row) for _, row in directory.live(tx, "user")]
            merged = {each.key for each in accounts.every(tx) if each.state == "merged"}
            for person in people:
                named = {key for each in wallets.lists_of(person) for key in each}
                assert not named & merged
            assert list(verify(tx, Counts(), lambda _done, _all: None)) == []
        self.books.close()


TestHousehold = Household.TestCase
TestHousehold.settings = settings(max_examples=15, stateful_step_count=40, deadline=None)
