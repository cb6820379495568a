"""Promises of freezing, closing and merging accounts: nothing lost, nothing edited."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta
from typing import TYPE_CHECKING

import pytest
from sqlalchemy import delete, insert

from broker.directory import AccountRow, UserRow
from broker.messages import FundsRequest
from central.store import accounts, audit, closing, directory, funds, ledger, wallets
from central.store.accounts import Rules
from central.store.closing import Closed
from central.store.grants import grant
from central.store.ledger import Refused
from central.store.parking import park_free
from central.store.tables import owed as owed_table
from config.policy.money import Money
from tests.integration.accounts_lab import AUTHOR, assert_sound, balance, enter, person, sweep
from tests.integration.books_lab import MORNING, MemoryEdge, euros, open_account, open_books
from tests.integration.dialects import unchecked

if TYPE_CHECKING:
    from collections.abc import Iterator

    from central.store.books import Books

NORTH = frozenset({"north"})
NOBODY: frozenset[str] = frozenset()


@pytest.fixture
def books() -> Iterator[Books]:
    """Open books with Ana's 5.00, a project and one site."""
    opened = open_books()
    enter(opened, "ana", "bob")
    open_account(opened, "project:apollo")
    with opened.write() as tx:
        accounts.top_up(tx, "user:ana", Money.parse("5.00", "EUR"), note="", author=AUTHOR)
    yield opened
    assert_sound(opened)
    opened.close()


@pytest.fixture
def north(books: Books) -> MemoryEdge:
    """Return a site."""
    edge = MemoryEdge(books)
    edge.join()
    return edge


def close(books: Books, key: str, to: str | None = None) -> Closed | Refused:
    """Close an account."""
    with books.write() as tx:
        return closing.close(tx, key, to=to, author=AUTHOR, reason="left")


def merge(books: Books, key: str, into: str) -> Closed | Refused:
    """Merge an account."""
    with books.write() as tx:
        return closing.merge(tx, key, into, author=AUTHOR, reason="one and the same")


def park(books: Books, north: MemoryEdge) -> None:
    """Give the site what is free."""
    with books.write() as tx:
        park_free(tx, NORTH)
    north.listen()


def state(books: Books, key: str) -> tuple[str, bool]:
    """Return an account's state, and whether sites take it for usable."""
    with books.read() as tx:
        found = accounts.find(tx, key)
        row = AccountRow.model_validate(directory.get(tx, "account", key))
    assert found is not None
    return found.state, row.enabled


def test_a_frozen_account_is_neither_charged_nor_granted(books: Books, north: MemoryEdge) -> None:
    """Its money stays at the centre, requests are refused in words, until it is unfrozen."""
    with books.write() as tx:
        assert closing.freeze(tx, "user:ana", author=AUTHOR, reason="card lost") is None
    assert state(books, "user:ana") == ("frozen", False)
    park(books, north)
    assert north.here == {}
    asked = FundsRequest(
        corr=north.mint(),
        expires_at=MORNING + timedelta(days=1),
        account="user:ana",
        unit="EUR",
        micros=1,
    )
    with books.write() as tx:
        refused = funds.ask(tx, "north", asked, NORTH)
        granted = grant(tx, "north", "user:ana", "EUR", 1, "parked")
        acts = audit.acts(tx, target="user:ana")
    assert isinstance(refused, Refused)
    assert refused.reason == "user:ana is frozen"
    assert isinstance(granted, Refused)
    assert [(act.author, act.act, act.detail["reason"]) for act in acts] == [
        (AUTHOR, "account freeze", "card lost")
    ]
    with books.write() as tx:
        assert closing.unfreeze(tx, "user:ana", author=AUTHOR, reason="") is None
    park(books, north)
    assert north.here == {"user:ana": euros("5.00")}


def test_charges_made_before_the_freeze_was_heard_are_booked(
    books: Books, north: MemoryEdge
) -> None:
    """What a cut-off site spent is spent: it had the money."""
    park(books, north)
    with books.write() as tx:
        closing.freeze(tx, "user:ana", author=AUTHOR, reason="")
    assert north.send(north.say(north.charge(euros("1.00")))).quarantined == ()
    assert balance(books, "user:ana") == {"north": euros("4.00")}


def test_an_account_with_money_is_not_closed_into_nothing(books: Books, north: MemoryEdge) -> None:
    """Without a place for the rest the answer says how much is where."""
    park(books, north)
    refused = close(books, "user:ana")
    assert isinstance(refused, Refused)
    assert refused.reason.startswith("user:ana still has 5.00 EUR at north")
    assert state(books, "user:ana") == ("open", True)


def test_an_empty_account_is_closed_for_good(books: Books) -> None:
    """Nothing goes on it any more, and it cannot be opened again by the way."""
    assert close(books, "user:bob") == Closed(0, {})
    assert state(books, "user:bob") == ("closed", False)
    with books.write() as tx:
        for done in (
            accounts.top_up(tx, "user:bob", Money(1, "EUR"), note="", author=AUTHOR),
            accounts.put(tx, "user:bob", "EUR", floor=0, enabled=True),
            closing.unfreeze(tx, "user:bob", author=AUTHOR, reason=""),
        ):
            assert isinstance(done, Refused)
            assert "user:bob is closed" in done.reason


def test_money_at_a_cut_off_site_follows_when_it_comes_back(
    books: Books, north: MemoryEdge
) -> None:
    """Closed at once, chargeable nowhere; what the site has not spent goes on when it returns."""
    park(books, north)
    with books.write() as tx:
        accounts.top_up(tx, "user:ana", Money.parse("2.00", "EUR"), note="", author=AUTHOR)
    done = close(books, "user:ana", "house:paidout")
    assert done == Closed(euros("2.00"), {"north": euros("5.00")})
    assert state(books, "user:ana") == ("closed", False)
    sweep(books, NOBODY)
    assert balance(books, "user:ana") == {"north": euros("5.00")}
    charge = north.charge(euros("1.00"))
    later = MORNING + timedelta(minutes=5)
    sweep(books, NORTH, later)
    north.listen()
    (asked,) = north.reclaims
    north.send(north.say(charge, north.give_back(asked)))
    sweep(books, NORTH)
    assert balance(books, "user:ana") == {}
    assert balance(books, "house:paidout") == {"": euros("6.00")}
    with books.read() as tx:
        # a minute later it is seen that nothing is left, and nobody looks any more
        assert closing.waiting(tx) is not None
    sweep(books, NORTH, later + timedelta(minutes=5))
    with books.read() as tx:
        assert closing.waiting(tx) is None


def test_a_site_that_holds_some_back_is_asked_again(books: Books, north: MemoryEdge) -> None:
    """A running job keeps its hold; after ten minutes the rest is asked for, not before."""
    park(books, north)
    close(books, "user:ana", "user:bob")
    sweep(books, NORTH, MORNING + timedelta(minutes=1))
    north.listen()
    (asked,) = north.reclaims
    north.send(north.say(north.give_back(asked, euros("3.00"))))
    sweep(books, NORTH, MORNING + timedelta(minutes=10))
    assert balance(books, "user:bob") == {"": euros("3.00")}
    north.reclaims.clear()
    north.listen()
    assert north.reclaims == []
    sweep(books, NORTH, MORNING + timedelta(minutes=12))
    north.listen()
    (asked,) = north.reclaims
    assert asked.up_to == euros("2.00")


def test_merging_takes_money_members_and_names_along(books: Books, north: MemoryEdge) -> None:
    """Who paid from the one pays from the other, choices and children too, each named once."""
    open_account(books, "project:apollo13")
    open_account(books, "project:lander")
    with books.write() as tx:
        for key in ("project:apollo", "project:apollo13"):
            accounts.top_up(tx, key, Money.parse("1.00", "EUR"), note="", author=AUTHOR)
        lander = accounts.find(tx, "project:lander")
        assert lander is not None
        accounts.store(tx, replace(lander, rules=Rules(parent="project:apollo13")))
        lists = (("project:apollo13", "project:apollo"), ("user:ana",))
        row = wallets.with_lists(UserRow(name="ana"), lists)
        directory.put(tx, "user", "ana", row)
        assert wallets.admit(tx, "project:apollo13", row) is None
        bob = UserRow.model_validate(directory.get(tx, "user", "bob"))
        assert wallets.admit(tx, "project:apollo13", bob) is None
    assert merge(books, "project:apollo13", "project:apollo") == Closed(euros("1.00"), {})
    sweep(books, NOBODY)
    assert balance(books, "project:apollo") == {"": euros("2.00")}
    assert wallets.lists_of(person(books, "ana")) == (("project:apollo",), ("user:ana",))
    assert person(books, "ana").accounts == ("project:apollo", "user:ana")
    assert person(books, "bob").choices == ("project:apollo",)
    with books.read() as tx:
        child = accounts.find(tx, "project:lander")
    assert child is not None
    assert child.rules.parent == "project:apollo"


def test_what_comes_back_after_two_mergers_goes_to_the_last(
    books: Books, north: MemoryEdge
) -> None:
    """A into B, B into C: the site's money of A arrives at C."""
    open_account(books, "user:cleo")
    park(books, north)
    merge(books, "user:ana", "user:bob")
    merge(books, "user:bob", "user:cleo")
    sweep(books, NORTH, MORNING + timedelta(minutes=5))
    north.listen()
    (asked,) = north.reclaims
    north.send(north.say(north.give_back(asked)))
    sweep(books, NORTH)
    assert balance(books, "user:cleo") == {"": euros("5.00")}


def test_names_follow_two_mergers_at_once(books: Books) -> None:
    """Whoever paid from the first pays from the last, in whichever order rows are rewritten."""
    open_account(books, "project:zeus")
    with books.write() as tx:
        row = UserRow(name="bob", accounts=("project:zeus",))
        directory.put(tx, "user", "bob", row)
    merge(books, "project:zeus", "project:apollo")
    merge(books, "project:apollo", "user:ana")
    sweep(books, NOBODY)
    assert person(books, "bob").accounts == ("user:ana",)


def test_an_account_may_be_closed_into_one_that_went_on(books: Books) -> None:
    """The money does not stop at the closed one."""
    close(books, "user:bob", "project:apollo")
    close(books, "user:ana", "user:bob")
    assert balance(books, "user:bob") == {}
    assert balance(books, "project:apollo") == {"": euros("5.00")}


@pytest.mark.parametrize(
    ("key", "into", "said"),
    [
        # itself
        ("user:ana", "user:ana", "come back to user:ana"),
        # what is not there
        ("user:ana", "user:zoe", "no account user:zoe"),
        ("user:zoe", "user:ana", "no account user:zoe"),
        # another unit
        ("user:ana", "quota:ana", "user:ana is in EUR, quota:ana in page"),
        # one that is gone itself
        ("user:ana", "user:gone", "user:gone is closed itself"),
        # one that is only counted
        ("user:ana", "department:all", "count differently"),
    ],
)
def test_a_wrong_merger_is_refused(books: Books, key: str, into: str, said: str) -> None:
    """The answer names what is wrong, and nothing has moved."""
    open_account(books, "user:gone")
    close(books, "user:gone")
    with books.write() as tx:
        accounts.open_new(tx, "quota:ana", "page", Rules())
        accounts.open_new(tx, "department:all", "EUR", Rules(unlimited=True))
    refused = merge(books, key, into)
    assert isinstance(refused, Refused)
    assert said in refused.reason
    assert balance(books, "user:ana") == {"": euros("5.00")}


def test_money_cannot_be_sent_in_a_circle(books: Books) -> None:
    """An account cannot be closed into one that forwards to it."""
    close(books, "user:bob", "user:ana")
    refused = close(books, "user:ana", "user:bob")
    assert isinstance(refused, Refused)
    assert "come back" in refused.reason


def test_who_owes_pays_first(books: Books, north: MemoryEdge) -> None:
    """What was printed past the allocation is collected before an account ends; it says so."""
    charge = north.charge(euros("1.00"), "user:bob")
    assert north.send(north.say(charge)).quarantined
    with books.write() as tx:
        row = {
            "charge": str(charge.charge),
            "account": "user:bob",
            "unit": "EUR",
            "node": "north",
            "incarnation": str(north.incarnation),
            "debtor": "user:bob",
            "micros": euros("1.00"),
            "collected": 0,
        }
        unchecked(tx)
        tx.sql.execute(insert(owed_table).values(**row))
        for refused in (
            closing.close(tx, "user:bob", to="user:ana", author=AUTHOR, reason=""),
            closing.merge(tx, "user:bob", "user:ana", author=AUTHOR, reason=""),
        ):
            assert isinstance(refused, Refused)
            assert "owes 1.00 EUR" in refused.reason
        tx.sql.execute(delete(owed_table))


def test_an_heir_is_not_closed_into_nothing(books: Books) -> None:
    """What comes back later must have somewhere to go."""
    open_account(books, "user:cleo")
    close(books, "user:bob", "user:cleo")
    refused = close(books, "user:cleo")
    assert isinstance(refused, Refused)
    assert "user:bob goes to user:cleo" in refused.reason


def test_a_debt_goes_along_only_where_it_may(books: Books) -> None:
    """An overdrawn account cannot be closed into one that may not owe."""
    with books.write() as tx:
        accounts.put(tx, "user:bob", "EUR", floor=-euros("2.00"), enabled=True)
        owed = [
            ledger.Line("user:bob", "", "EUR", -euros("1.00")),
            ledger.Line("income:print", "", "EUR", euros("1.00")),
        ]
        ledger.post(tx, ledger.Entry(tx.mint(), "correction"), owed)
    refused = close(books, "user:bob", "project:apollo")
    assert isinstance(refused, Refused)
    assert state(books, "user:bob") == ("open", True)
    assert close(books, "user:bob", "user:ana") == Closed(-euros("1.00"), {})
    assert balance(books, "user:ana") == {"": euros("4.00")}


def test_an_unlimited_account_is_only_counted(books: Books, north: MemoryEdge) -> None:
    """It goes below zero at the centre without limit, and what sits at sites comes home."""
    park(books, north)
    with books.write() as tx:
        ana = accounts.find(tx, "user:ana")
        assert ana is not None
        accounts.store(tx, replace(ana, rules=Rules(unlimited=True)))
        row = AccountRow.model_validate(directory.get(tx, "account", "user:ana"))
        spent = [
            ledger.Line("user:ana", "", "EUR", -euros("900.00")),
            ledger.Line("income:print", "", "EUR", euros("900.00")),
        ]
        assert isinstance(
            ledger.post(tx, ledger.Entry(tx.mint(), "correction"), spent), ledger.Posted
        )
        assert isinstance(grant(tx, "north", "user:ana", "EUR", 1, "parked"), Refused)
    assert row.unlimited
    sweep(books, NORTH, MORNING + timedelta(minutes=5))
    north.listen()
    (asked,) = north.reclaims
    north.send(north.say(north.give_back(asked)))
    park(books, north)
    assert balance(books, "user:ana") == {"": -euros("895.00")}


def test_parents_make_no_loop(books: Books) -> None:
    """An account cannot stand above itself, by however many steps."""
    with books.write() as tx:
        for below, above in (("user:ana", "user:bob"), ("user:bob", "project:apollo")):
            found = accounts.find(tx, below)
            assert found is not None
            assert accounts.store(tx, replace(found, rules=Rules(parent=above))) is None
        apollo = accounts.find(tx, "project:apollo")
        assert apollo is not None
        refused = accounts.store(tx, replace(apollo, rules=Rules(parent="user:ana")))
    assert isinstance(refused, Refused)
    assert "above itself" in refused.reason


def test_nobody_holds_more_than_the_bound(books: Books) -> None:
    """A balance stays within what every sum of the ledger can bear."""
    with books.write() as tx:
        full = Money(10**15, "EUR")
        assert isinstance(
            accounts.top_up(tx, "user:bob", full, note="", author=AUTHOR), ledger.Posted
        )
        refused = accounts.top_up(tx, "user:bob", Money(1, "EUR"), note="", author=AUTHOR)
    assert isinstance(refused, Refused)
    assert "at most" in refused.reason


@pytest.mark.parametrize(
    ("lists", "said"),
    [
        # two units cannot share a charge
        ((("user:ana", "quota:ana"),), "one list has one unit"),
        # the same account would pay the same charge twice
        ((("user:ana",), ("user:ana",)), "named twice"),
        # an account that is not there
        ((("user:ana", "user:zoe"),), "no account user:zoe"),
        # no list at all
        ((), "1 to 8 lists"),
        # an empty list covers nothing
        (((),), "1 to 8 lists"),
    ],
)
def test_wrong_wallets_are_refused(
    books: Books, lists: tuple[tuple[str, ...], ...], said: str
) -> None:
    """The answer names what is wrong."""
    with books.write() as tx:
        accounts.open_new(tx, "quota:ana", "page", Rules())
        refused = wallets.wrong(tx, lists)
    assert refused is not None
    assert said in refused.reason


def test_members_choose_what_is_shared(books: Books) -> None:
    """Membership puts an account among the choices of a person, dismissal takes it out."""
    open_account(books, "shared:lab")
    with books.write() as tx:
        bob = UserRow.model_validate(directory.get(tx, "user", "bob"))
        assert isinstance(wallets.admit(tx, "user:ana", bob), Refused)
        assert wallets.admit(tx, "shared:lab", bob) is None
        assert wallets.members(tx, "shared:lab") == ["bob"]
    assert person(books, "bob").choices == ("shared:lab",)
    with books.write() as tx:
        bob = UserRow.model_validate(directory.get(tx, "user", "bob"))
        chosen = wallets.choose(tx, bob, ["project:apollo"])
        assert isinstance(chosen, UserRow)
        assert chosen.choices == ("project:apollo", "shared:lab")
        assert wallets.dismiss(tx, "shared:lab", bob)
        assert not wallets.dismiss(tx, "shared:lab", bob)
    assert person(books, "bob").choices == ("project:apollo",)
