"""The site's till under whatever order of grants, terms, releases and crashes: nothing is lost."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, field
from datetime import timedelta
from functools import partial
from typing import TYPE_CHECKING
from uuid import UUID

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from broker.messages import (
    AccountAmount,
    Charged,
    Collected,
    Counted,
    GaveBack,
    JobHeld,
    JobRefused,
    JobReleased,
    JobSettled,
    Reclaim,
    Returned,
    Role,
    SetTerms,
    TermsTaken,
    UncoveredCap,
)
from config.policy.accounts import Demand, Short, Wallet, cover
from config.policy.jobs import Source
from config.policy.money import Money
from edge.changing import Changing
from edge.jobs import Hold, JobRecord, amounts_of
from edge.leftovers import Leftovers
from edge.release import Phase
from edge.standing import SiteStanding
from edge.store.books import Overdrawn
from edge.store.holds import disagreements
from edge.store.memory_disk import MemoryDisk
from edge.store.recovery import recover
from tests.unit.edge_lab import ANA, NOW, amount, centre_says, grant, open_books, said

if TYPE_CHECKING:
    from collections.abc import Callable

BOB = "user:bob"
ACCOUNTS = (ANA, BOB)
ROLES: tuple[Role, ...] = ("agent", "tracker", "remote")
COUNTED = Counted(source=Source.ANALYSIS, impressions=1)


def waiting(number: int) -> JobRecord:
    """Return a job that waits."""
    return JobRecord(
        job=UUID(int=number),
        queue="direct",
        direct=True,
        user="ana",
        name="",
        received_at=NOW,
        phase=Phase.HELD,
    )


@dataclass
class Life:
    """A site's books, what the centre gave and took, and a crash now and then."""

    disk: MemoryDisk = field(default_factory=MemoryDisk)
    reachable: bool = True
    number: int = 0
    granted: int = 0
    collected: int = 0

    def __post_init__(self) -> None:
        self.books = open_books(self.disk)
        self.begin()

    def begin(self) -> None:
        """Put together what stands on the books."""
        self.standing = SiteStanding(
            self.books, reachable=lambda: self.reachable, alone_for=lambda: timedelta(0)
        )
        self.leftovers = Leftovers(self.books, busy=lambda _: False, clock=lambda: NOW)

    def crash(self, kept: int) -> None:
        """Die; of what was not durable a part may be there."""
        self.disk = self.disk.crash(lambda most: min(kept, most))
        self.books = open_books(self.disk)
        self.begin()

    def job(self, number: int) -> JobRecord:
        """Return a job, new or known."""
        record = self.books.job(UUID(int=number + 1))
        if record is None:
            record = waiting(number + 1)
            event = JobHeld(
                job=record.job, queue="q", user="ana", name="x", received_at=NOW, counted=None
            )
            self.books.hold(record, event, NOW)
        return record

    def grants(self, who: int, micros: int, job: int | None) -> None:
        """Let money come, for one job or any."""
        self.granted += micros
        for_job = None if job is None else UUID(int=job + 1)
        grant(self.books, micros, ACCOUNTS[who], job=for_job)

    def reclaims(self, who: int, micros: int) -> None:
        """Let the centre want money back."""
        self.number += 1
        asked = Reclaim(
            reclaim=UUID(int=self.number), account=ACCOUNTS[who], unit="EUR", up_to=micros
        )
        centre_says(self.books, asked)

    def wishes(self, role: int, cap: int) -> None:
        """Let the centre wish for terms."""
        self.number += 1
        own = cap if self.number % 2 else max(1, cap // 2)
        caps = (UncoveredCap(unit="EUR", site=cap, user=own),)
        centre_says(self.books, SetTerms(terms=self.number, role=ROLES[role], uncovered=caps))

    def releases(self, number: int, price: int, who: int = 2) -> None:
        """Decide as the edge does, and hold in one go; refuse what is not covered."""
        record = self.job(number)
        if record.phase is not Phase.HELD:
            return
        wallets = tuple(map(Wallet, ACCOUNTS if who == len(ACCOUNTS) else ACCOUNTS[who : who + 1]))
        demand = Demand(wallets, Money(price, "EUR"))
        available = {each: self.standing.available(each, "EUR", record.job) for each in ACCOUNTS}
        past = {each: self.standing.past(each, "EUR") for each in ACCOUNTS}
        found = cover([demand], available, past)
        refused = (
            self.standing.refuses(record) is not None
            or isinstance(found, Short)
            or self.standing.beyond(found.charges) is not None
        )
        if refused or isinstance(found, Short):
            no = JobRefused(
                job=record.job, user="ana", printer=None, reason="x", detail="x", alone=False
            )
            self.books.refuse(record, no, NOW)
            return
        held = amounts_of(found.charges)
        after = record.with_(phase=Phase.RELEASING, hold=Hold(amounts=held, tariff_version=1))
        event = JobReleased(
            job=record.job, attempt=1, user="ana", printer="p", held=held, alone=False
        )
        self.books.release(after, event, NOW)
        if any(each.covered_by == "uncovered" for each in held):
            (cap,) = self.books.terms.taken.uncovered
            assert self.books.till.owed("EUR") <= (cap.site or 0)

    def settles(self, number: int, percent: int) -> None:
        """Charge a part of a hold, in its own order, and let the rest go."""
        record = self.books.job(UUID(int=number + 1))
        if record is None or record.hold is None:
            return
        due = sum(each.micros for each in record.hold.amounts) * percent // 100
        charged: list[AccountAmount] = []
        for each in record.hold.amounts:
            part = min(due, each.micros)
            due -= part
            if part:
                charged.append(each.model_copy(update={"micros": part}))
        after = record.with_(phase=Phase.SETTLED, hold=None)
        settled = JobSettled(
            job=record.job,
            attempt=1,
            printer="p",
            disposition="completed",
            counts=(),
            billed=COUNTED,
            charge=None,
        )
        charge = charged and Charged(
            charge=UUID(int=1),
            job=record.job,
            attempt=1,
            user="ana",
            printer="p",
            service="print",
            tariff_version=1,
            counted=COUNTED,
            postings=tuple(charged),
            alone=False,
            settled_at=NOW,
        )
        self.books.settle(after, record.hold.amounts, settled, charge or None, NOW)

    def changes(self, now: float) -> None:
        """Go a step towards the terms that are wished for."""
        Changing(self.books, clock=lambda: NOW).step(now)

    def turns(self) -> None:
        """Cut the line, or mend it."""
        self.reachable = not self.reachable

    def collects(self) -> None:
        """Let the centre collect what is owed and not held."""
        owed: Counter[str] = Counter()
        for each in said(self.books, "ledger"):
            if isinstance(each, Charged):
                for part in each.postings:
                    owed[part.account] += part.micros * (part.covered_by == "uncovered")
        micros = sum(owed.values()) - self.collected
        for account, most in owed.items():
            have = min(micros, most, self.books.till.owed("EUR", account))
            if have > 0:
                self.collected += have
                micros -= have
                self.number += 1
                event = Collected(
                    id=UUID(int=self.number), account=account, unit="EUR", micros=have
                )
                centre_says(self.books, event)

    def check(self) -> None:
        """Hold the books against what was said."""
        recovered = recover(self.disk.crash(lambda _: 0))
        assert recovered is not None
        assert list(disagreements(recovered.fold)) == []
        balance = sum(each.micros for each in self.books.balances())
        gone = 0
        for each in said(self.books, "ledger"):
            match each:
                case Charged(postings=parts):
                    gone += sum(p.micros for p in parts if p.covered_by == "allocation")
                case GaveBack(micros=micros) | Returned(micros=micros):
                    gone += micros
                case _:
                    pass
        assert balance == self.granted - gone
        assert self.books.money() == (({"EUR": balance} if balance else {}), self._filled())

    def _filled(self) -> int:
        return sum(each.micros > 0 for each in self.books.balances())


STEPS = st.lists(
    st.tuples(
        st.sampled_from(
            [
                "grants",
                "grants",
                "for-job",
                "for-job",
                "arrives",
                "reclaims",
                "wishes",
                "changes",
                "link",
                "releases",
                "releases",
                "releases",
                "settles",
                "settles",
                "collects",
                "sweeps",
                "crash",
            ]
        ),
        st.integers(0, 2),
        st.integers(1, 100),
        st.integers(0, 3),
    ),
    min_size=15,
    max_size=60,
)


def live(life: Life, steps: list[tuple[str, int, int, int]]) -> None:
    """Let it all happen."""
    for at, (kind, which, much, job) in enumerate(steps):
        acts: dict[str, Callable[[], object]] = {
            "grants": partial(life.grants, which % 2, much, None),
            "for-job": partial(life.grants, which % 2, much, job),
            "arrives": partial(life.job, job),
            "reclaims": partial(life.reclaims, which % 2, much),
            "wishes": partial(life.wishes, which, much),
            "changes": partial(life.changes, 0.0),
            "link": life.turns,
            "releases": partial(life.releases, job, much, which),
            "settles": partial(life.settles, job, much),
            "collects": life.collects,
            "sweeps": partial(life.leftovers.sweep, 100.0 * at),
            "crash": partial(life.crash, which),
        }
        acts[kind]()


@settings(max_examples=300, deadline=None)
@given(st.tuples(st.sampled_from([1, 1, 2, 0]), st.integers(1, 200)), STEPS)
def test_money_is_conserved_whatever_happens(
    begin: tuple[int, int], steps: list[tuple[str, int, int, int]]
) -> None:
    """What came is here or went; never below nothing, never owed beyond the caps, tables agree."""
    life = Life()
    life.wishes(*begin)
    life.changes(0.0)
    live(life, steps)
    life.check()


@settings(max_examples=80, deadline=None)
@given(STEPS)
def test_nothing_is_stuck_in_the_end(steps: list[tuple[str, int, int, int]]) -> None:
    """When all jobs are settled no money is held or set aside; an agent then has none at all."""
    life = Life()
    live(life, steps)
    for number in range(5):
        life.settles(number, 50)
    life.wishes(0, 1)
    for _ in range(5):
        life.changes(0.0)
    for now in (10_000.0, 20_000.0):
        life.leftovers.sweep(now)
    life.check()
    assert life.books.terms.taken.name == "agent"
    assert isinstance(
        [each for each in said(life.books, "ledger") if isinstance(each, TermsTaken)][-1],
        TermsTaken,
    )
    assert life.books.money() == ({}, 0)
    assert life.books.till.jobs_aside() == set()


def test_a_debt_is_not_settled_above_its_hold() -> None:
    """A charge past the allocation is at most what was held of it; nothing is written otherwise."""
    life = Life()
    life.wishes(1, 100)
    life.changes(0.0)
    life.releases(0, 30)
    record = life.books.job(UUID(int=1))
    assert record is not None
    assert record.hold is not None
    too_much = tuple(
        each.model_copy(update={"micros": each.micros + 1}) for each in record.hold.amounts
    )
    with pytest.raises(Overdrawn):
        life.books.till.settle(record.hold.amounts, too_much)
    assert life.books.till.owed("EUR") == 30


def test_what_is_not_here_cannot_be_set_aside_or_held() -> None:
    """The till refuses a hold beyond free and own money, and leaves everything as it was."""
    life = Life()
    life.grants(0, 10, None)
    life.job(3)
    life.grants(0, 5, 3)
    with pytest.raises(Overdrawn), life.books._db.transaction():
        life.books.till.hold(UUID(int=1), [amount(11)])
    with life.books._db.transaction():
        life.books.till.hold(UUID(int=4), [amount(15)])
    assert life.books.free(ANA, "EUR") == 0
