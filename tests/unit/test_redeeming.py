"""Courier codes at the edge: credited once, to whom they are for, whatever dies or is guessed."""

from __future__ import annotations

from contextlib import suppress
from dataclasses import dataclass, field
from datetime import timedelta
from typing import TYPE_CHECKING
from uuid import UUID

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from broker.codec import text_of
from broker.directory import AccountRow, UserRow
from broker.messages import (
    CodeMark,
    CodesFrom,
    DirectoryRows,
    GaveBack,
    Granted,
    Message,
    Opening,
    Reclaim,
    Redeemed,
    Returned,
    SetTerms,
)
from broker.stream import place, seal
from config.policy.courier import Purpose, make, step
from edge.changing import Changing
from edge.redeeming import Credited, NotTaken, Redeeming
from edge.store.books import DOWN, Books
from edge.store.errors import StoreUnwritableError
from edge.store.memory_disk import MemoryDisk, PowerCutError
from edge.store.replica import Replica, rows_of
from tests.unit.edge_lab import ANA, NOW, open_books, open_replica, said

if TYPE_CHECKING:
    from datetime import datetime

    from config.policy.money import Unit

KEY = bytes(range(1, 33))
TENTH = 100_000
LAB = "department:lab"
QUOTA = "quota:ana"
BOB = "user:bob"
PEOPLE = {
    "ana": UserRow(name="ana", accounts=(ANA,), wallets=((ANA, QUOTA), (LAB,))),
    "bob": UserRow(name="bob", accounts=(BOB,), choices=(LAB,)),
    "cem": UserRow(name="cem", accounts=("user:cem",)),
}


def people() -> DirectoryRows:
    """Return who is known at the site."""
    units: dict[str, Unit] = {ANA: "EUR", BOB: "EUR", LAB: "EUR", QUOTA: "page", "user:cem": "EUR"}
    rows = rows_of(
        [
            *(("user", name, 1, row) for name, row in PEOPLE.items()),
            *(
                ("account", key, 1, AccountRow(account=key, unit=unit, enabled=key != "user:cem"))
                for key, unit in units.items()
            ),
        ]
    )
    return DirectoryRows(epoch=1, kind="snapshot", upto=1, snapshot=UUID(int=1), rows=rows)


@dataclass
class Site:
    """An edge that has met the centre once, and the centre's side of it."""

    disk: MemoryDisk = field(default_factory=MemoryDisk)
    wall: datetime = NOW
    running: float = 0.0
    issued: list[tuple[CodeMark, str, int, str]] = field(default_factory=list)
    """Mark, account, micros, code."""
    down: list[Message] = field(default_factory=lambda: [Opening()])
    books: Books = field(init=False)
    replica: Replica = field(init=False)
    redeeming: Redeeming = field(init=False)

    def __post_init__(self) -> None:
        """Begin, and meet the centre."""
        self.replica = open_replica(MemoryDisk())
        self.replica.apply(people())
        self.open()
        self.books.codes.keep_key(KEY.hex())
        self.contact()

    def open(self) -> None:
        """Start the edge on its disk."""
        self.books = open_books(self.disk)
        self.redeeming = Redeeming(
            books=self.books,
            replica=self.replica,
            clock=lambda: self.wall,
            monotonic=lambda: self.running,
        )

    def crash(self) -> None:
        """Die and start again with what was durable."""
        self.disk = self.disk.crash(lambda _: 0)
        self.open()

    def issue(self, account: str = ANA, steps: int = 25) -> str:
        """Post money to the site and return the code; its grant waits in the stream down."""
        row = self.replica.account(account)
        epoch = self.books.codes.epoch
        assert row is not None
        assert epoch is not None
        index = sum(mark.epoch == epoch for mark, *_ in self.issued)
        purpose = Purpose(self.books.incarnation, epoch, account, row.unit, index, steps)
        code = make(KEY, purpose)
        mark, micros = CodeMark(epoch=epoch, index=index), steps * step(row.unit)
        self.issued.append((mark, account, micros, code))
        self.down.append(
            Granted(
                grant=UUID(int=len(self.down)),
                account=account,
                unit=row.unit,
                micros=micros,
                reason="courier",
                code=mark,
            )
        )
        return code

    def deliver(self) -> None:
        """Let everything that waits come down."""
        while (head := self.books.head(DOWN)).seq < len(self.down):
            message = self.down[head.seq]
            text = text_of(message, source="coordinator", id_=UUID(int=9), now=NOW)
            self.books.apply([seal(self.books.down_key, head, text)], NOW)
            assert place(seal(self.books.down_key, head, text)) == self.books.head(DOWN)

    def contact(self) -> None:
        """Meet the centre: what waits comes down, and then the next epoch."""
        self.down.append(CodesFrom(epoch=sum(isinstance(e, CodesFrom) for e in self.down) + 1))
        self.deliver()

    def types(self, code: str, user: str = "ana", account: str | None = None) -> str:
        """Let somebody type a code; return what became of it in a word."""
        match self.redeeming.redeem(code, PEOPLE[user], account):
            case Credited(before=before):
                return "before" if before else "credited"
            case NotTaken(code=why):
                return why

    def free(self, account: str = ANA, unit: Unit = "EUR") -> int:
        """Return what may be spent."""
        return self.books.free(account, unit)

    def redeemed(self) -> list[Redeemed]:
        """Return the events that tell the centre of codes."""
        return [each for each in said(self.books, "ledger") if isinstance(each, Redeemed)]


def wrong(code: str, by: int = 1) -> str:
    """Return another code with the same beginning."""
    return f"{int(code.replace(' ', '')) ^ by:020d}"


@pytest.fixture
def site() -> Site:
    """Make a site."""
    return Site()


def test_a_code_brings_its_money_at_once(site: Site) -> None:
    """Without any line: the balance rises, and one event will tell the centre which code it was."""
    code = site.issue(steps=25)
    found = site.redeeming.redeem(code, PEOPLE["ana"])
    assert found == Credited(ANA, "EUR", 25 * TENTH, before=False, free=25 * TENTH)
    assert [(each.code, each.micros, each.user) for each in site.redeemed()] == [
        (site.issued[0][0], 25 * TENTH, "ana")
    ]


def test_a_code_typed_again_brings_nothing_more(site: Site) -> None:
    """The same code is told that its money is here: no error, no try, no event."""
    code = site.issue()
    assert site.types(code) == "credited"
    assert [site.types(code) for _ in range(20)] == ["before"] * 20
    assert site.free() == 25 * TENTH
    assert len(site.redeemed()) == 1
    assert site.books.codes.tries() == []


def test_two_terminals_at_once_credit_once(site: Site) -> None:
    """One is looked at after the other, and the second is told that the money is here."""
    code = site.issue()
    assert [site.types(code), site.types(code)] == ["credited", "before"]
    assert site.free() == 25 * TENTH


def test_codes_may_be_used_in_any_order(site: Site) -> None:
    """The newest first or last: each brings its own money."""
    codes = [site.issue(steps=each) for each in (1, 20, 300)]
    assert [site.types(code) for code in reversed(codes)] == ["credited"] * 3
    assert site.free() == 321 * TENTH


def test_a_grant_after_its_code_brings_nothing_more(site: Site) -> None:
    """The code was the grant, delivered early: what comes by the stream later is the same money."""
    code = site.issue()
    site.types(code)
    site.deliver()
    assert site.free() == 25 * TENTH


def test_a_site_that_keeps_no_money_gives_back_what_a_code_brought(site: Site) -> None:
    """At an agent it may be spent until the centre is met, and stays no longer."""
    site.down.append(SetTerms(terms=1, role="agent"))
    site.deliver()
    assert Changing(site.books, clock=lambda: site.wall).step(0.0)
    assert site.types(site.issue()) == "credited"
    assert site.free() == 25 * TENTH
    site.contact()
    assert site.free() == 0
    back = [each for each in said(site.books, "ledger") if isinstance(each, GaveBack)]
    assert [(each.micros, each.why) for each in back] == [(25 * TENTH, "role")]


def test_a_code_after_its_grant_brings_nothing_more(site: Site) -> None:
    """Whoever types a code whose money came by the line is told so, and no event is made."""
    code = site.issue()
    site.deliver()
    assert site.free() == 25 * TENTH
    assert site.types(code) == "before"
    assert site.free() == 25 * TENTH
    assert site.redeemed() == []


def test_an_unused_code_is_an_ordinary_allocation_after_the_next_contact(site: Site) -> None:
    """Its money is spent, or given back when the centre asks, like any other."""
    site.issue()
    site.down.append(Reclaim(reclaim=UUID(int=1), account=ANA, unit="EUR", up_to=10 * TENTH))
    site.contact()
    assert site.free() == 15 * TENTH
    returned = [each for each in said(site.books, "ledger") if isinstance(each, Returned)]
    assert [each.micros for each in returned] == [10 * TENTH]


def test_a_code_is_void_after_the_next_contact(site: Site) -> None:
    """No clock ends a code but the next contact; its owner is told where the money is."""
    code = site.issue()
    site.contact()
    assert site.types(code) == "before"
    site.contact()
    site.contact()
    assert site.types(code) == "code-void"
    assert site.free() == 25 * TENTH
    assert site.books.codes.tries() == []


def test_codes_of_an_epoch_with_the_same_last_bits_are_refused(site: Site) -> None:
    """Four epochs later a code looks current; its MAC is of another epoch."""
    code = site.issue()
    for _ in range(4):
        site.contact()
    assert site.types(code) == "code-wrong"
    assert site.free() == 25 * TENTH


def test_an_old_centre_cannot_bring_back_an_epoch(site: Site) -> None:
    """Epochs only ascend here: a lower one from a backup makes no void code good again."""
    code = site.issue()
    site.contact()
    site.down.append(CodesFrom(epoch=1))
    site.deliver()
    assert site.types(code) == "before"
    assert site.books.codes.epoch == 2


@pytest.mark.parametrize(
    ("user", "account", "expected"),
    [
        # each of the own wallets is tried, and one that is named
        ("ana", None, "credited"),
        ("ana", LAB, "credited"),
        # a choice must be named
        ("bob", LAB, "credited"),
        ("bob", None, "code-wrong"),
        # not one's own
        ("ana", BOB, "no-account"),
        ("bob", ANA, "no-account"),
        # closed
        ("cem", None, "no-account"),
    ],
)
def test_only_the_accounts_of_who_stands_there_are_tried(
    site: Site, user: str, account: str | None, expected: str
) -> None:
    """A code for the lab serves who pays from the lab, and nobody who found it."""
    code = site.issue(LAB)
    assert site.types(code, user, account) == expected


def test_a_stolen_picture_of_a_code_is_worth_nothing_to_others(site: Site) -> None:
    """Another person spends tries on it; its owner still gets the money."""
    code = site.issue()
    assert site.types(code, "bob") == "code-wrong"
    assert site.types(code) == "credited"
    assert site.free(BOB) == 0


def test_pages_come_whole(site: Site) -> None:
    """A code for a quota brings pages, one a step."""
    assert site.types(site.issue(QUOTA, steps=40)) == "credited"
    assert site.free(QUOTA, "page") == 40_000_000


def test_five_wrong_codes_an_hour_are_all(site: Site) -> None:
    """The sixth is not looked at, were it right; an hour later it is."""
    code = site.issue()
    assert [site.types(wrong(code, each)) for each in range(1, 6)] == ["code-wrong"] * 5
    assert site.types(code) == "too-many-tries"
    site.running += 3599
    assert site.types(code) == "too-many-tries"
    site.running += 1
    assert site.types(code) == "credited"


def test_tries_survive_a_start_and_a_clock_set_back(site: Site) -> None:
    """Neither the plug nor the clock gives tries back; time that the edge was off does count."""
    code = site.issue()
    for each in range(1, 6):
        site.types(wrong(code, each))
    site.wall = NOW - timedelta(days=365)
    site.crash()
    assert site.types(code) == "too-many-tries"
    site.wall = NOW + timedelta(hours=1)
    site.crash()
    assert site.types(code) == "credited"


def test_a_clock_set_forward_while_the_edge_runs_gives_no_tries(site: Site) -> None:
    """Only time that passes counts."""
    code = site.issue()
    for each in range(1, 6):
        site.types(wrong(code, each))
    site.wall = NOW + timedelta(days=1)
    assert site.types(code) == "too-many-tries"


def test_a_text_that_can_be_no_code_costs_no_try(site: Site) -> None:
    """A digit too few is no guess."""
    assert [site.types("1234") for _ in range(20)] == ["not-a-code"] * 20
    assert site.books.codes.tries() == []


def test_a_try_is_durable_before_the_code_is_looked_at(
    site: Site, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Whoever pulls the plug at the right moment has spent the try all the same."""
    code = site.issue()

    def look(*_: object) -> bool:
        assert len(open_books(site.disk.crash(lambda _: 0)).codes.tries()) == 1
        raise PowerCutError

    monkeypatch.setattr("edge.redeeming.check", look)
    with pytest.raises(PowerCutError):
        site.types(code)


def test_a_disk_that_is_full_credits_nothing(site: Site) -> None:
    """Nothing is taken that cannot be written down, and the code is still good afterwards."""
    code = site.issue()
    site.disk.space = 0
    with pytest.raises(StoreUnwritableError):
        site.types(code)
    assert site.free() == 0
    site.disk.space = None
    assert site.types(code) == "credited"


def test_a_site_that_never_met_the_centre_takes_no_codes() -> None:
    """Without a key, or an epoch, there is nothing to check a code with."""
    books = open_books(MemoryDisk())
    replica = open_replica(MemoryDisk())
    replica.apply(people())
    redeeming = Redeeming(books=books, replica=replica, clock=lambda: NOW, monotonic=lambda: 0.0)
    found = redeeming.redeem("1852 3417 8625 3145 0128", PEOPLE["ana"])
    assert isinstance(found, NotTaken)
    assert found.code == "no-codes-here"


def test_a_disk_rolled_back_takes_a_code_again_but_never_more_than_was_issued_to_it() -> None:
    """Outside the failure model: each rollback repeats at most what was allocated here."""
    site = Site()
    code = site.issue()
    before = site.disk.crash(lambda _: 0)
    assert site.types(code) == "credited"
    site.disk = before
    site.open()
    assert site.types(code) == "credited"
    assert site.free() == 25 * TENTH


def test_marks_do_not_heap_up(site: Site) -> None:
    """What is over is forgotten at the next contact but one; what waits for its grant is kept."""
    waiting = site.issue()
    site.types(waiting)
    late = site.down.pop()
    for _ in range(5):
        for _ in range(10):
            site.types(site.issue(steps=1))
        site.contact()
    assert len(list(site.books._db.table("codes"))) == 11
    site.down.append(late)
    site.deliver()
    assert site.free() == (25 + 50) * TENTH


OPERATIONS = st.lists(
    st.tuples(
        st.sampled_from(["issue", "type", "type", "wrong", "deliver", "contact", "crash", "power"]),
        st.integers(0, 40),
    ),
    max_size=40,
)


@settings(max_examples=150, deadline=None)
@given(OPERATIONS)
def test_every_code_is_credited_once_whatever_dies_and_in_any_order(
    history: list[tuple[str, int]],
) -> None:
    """What is here came by codes or grants, each once, after any order, crash and power cut."""
    site = Site()
    for what, number in history:
        try:
            if what == "issue":
                site.issue((ANA, LAB)[number % 2], number + 1)
            elif what in {"type", "wrong"} and site.issued:
                code = site.issued[number % len(site.issued)][3]
                site.running += 3600
                site.types(code if what == "type" else wrong(code))
            elif what == "deliver":
                site.deliver()
            elif what == "contact":
                site.contact()
            elif what == "crash":
                site.crash()
            elif what == "power":
                site.disk.power = number % 12
        except PowerCutError:
            site.crash()
        assert_conserved(site)
    with suppress(PowerCutError):
        site.deliver()
    site.crash()
    site.deliver()
    assert_conserved(site)
    posted = sum(micros for _, _, micros, _ in site.issued)
    assert posted == site.free(ANA) + site.free(LAB)


def assert_conserved(site: Site) -> None:
    """PROTOCOL 3: central(a@e) = edge + grants not applied - codes redeemed whose grant is not."""
    redeemed = [(each.code.epoch, each.code.index) for each in site.redeemed()]
    assert len(redeemed) == len(set(redeemed))
    applied = site.books.head(DOWN).seq
    waiting = [each for each in site.down[applied:] if isinstance(each, Granted) and each.code]
    for account in (ANA, LAB):
        posted = sum(micros for _, owner, micros, _ in site.issued if owner == account)
        not_applied = sum(each.micros for each in waiting if each.account == account)
        early = sum(
            each.micros
            for each in waiting
            if each.code and (each.code.epoch, each.code.index) in redeemed
            if each.account == account
        )
        assert posted == site.free(account) + not_applied - early
