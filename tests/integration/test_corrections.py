"""Promises of corrections and refunds: new entries with reason and author, never too much."""

from __future__ import annotations

from typing import TYPE_CHECKING
from uuid import UUID

import pytest
from hypothesis import given
from hypothesis import strategies as st

from broker.messages import AccountAmount
from central.store import accounts, audit, closing, corrections, lists
from central.store.accounts import Rules
from central.store.corrections import Refunded, shares
from central.store.ledger import Posted, Refused
from central.store.parking import park_free
from config.policy.money import Money
from tests.integration.accounts_lab import AUTHOR, assert_sound, balance, enter, sweep
from tests.integration.books_lab import MemoryEdge, euros, open_account, open_books

if TYPE_CHECKING:
    from collections.abc import Iterator

    from broker.messages import Charged
    from central.store.books import Books

NORTH = frozenset({"north"})


@pytest.fixture
def books() -> Iterator[Books]:
    """Open books with Ana's and her department's money."""
    opened = open_books()
    enter(opened, "ana")
    open_account(opened, "department:physics")
    with opened.write() as tx:
        for key in ("user:ana", "department:physics"):
            accounts.top_up(tx, key, Money.parse("5.00", "EUR"), note="", author=AUTHOR)
    yield opened
    assert_sound(opened)
    opened.close()


@pytest.fixture
def charge(books: Books) -> Charged:
    """Print something for 1.00 of Ana's and 0.50 of the department's."""
    north = MemoryEdge(books)
    north.join()
    with books.write() as tx:
        park_free(tx, NORTH)
    north.listen()
    paid = (
        AccountAmount(account="user:ana", unit="EUR", micros=euros("1.00")),
        AccountAmount(account="department:physics", unit="EUR", micros=euros("0.50")),
    )
    charged = north.charge(0, postings=paid)
    assert north.send(north.say(charged)).quarantined == ()
    return charged


def refund(books: Books, job: UUID, amount: str | None) -> list[Refunded] | Refused:
    """Give back a sum, or all."""
    with books.write() as tx:
        wanted = None if amount is None else Money.parse(amount, "EUR")
        return corrections.refund(tx, job, wanted, reason="jammed", author=AUTHOR)


def at_centre(books: Books, key: str) -> int:
    """Return what an account has at the centre."""
    return balance(books, key).get("", 0)


def test_a_refund_goes_to_those_who_paid_in_proportion(books: Books, charge: Charged) -> None:
    """Of 0.60 two thirds are Ana's; the entry names the charge, the reason and who did it."""
    done = refund(books, charge.job, "0.60")
    assert isinstance(done, list)
    assert at_centre(books, "user:ana") == euros("0.40")
    assert at_centre(books, "department:physics") == euros("0.20")
    with books.read() as tx:
        entry = lists.entries(tx, account="user:ana")[-1]
        (act,) = audit.acts(tx, target=str(charge.job))
    assert (entry.kind, entry.reference) == ("refund", str(charge.charge))
    assert (entry.note, entry.author) == ("jammed", AUTHOR)
    assert (act.author, act.act) == (AUTHOR, "refund")


def test_never_more_is_given_back_than_was_paid(books: Books, charge: Charged) -> None:
    """Parts add up to the whole; then nothing more goes, and a sum above the rest is refused."""
    refund(books, charge.job, "0.60")
    refused = refund(books, charge.job, "0.91")
    assert isinstance(refused, Refused)
    assert "at most 0.90 EUR" in refused.reason
    refund(books, charge.job, None)
    assert at_centre(books, "user:ana") == euros("1.00")
    assert at_centre(books, "department:physics") == euros("0.50")
    again = refund(books, charge.job, None)
    assert isinstance(again, Refused)
    assert "given back already" in again.reason


def test_the_charge_can_be_named_itself(books: Books, charge: Charged) -> None:
    """What an entry names as its charge is taken for the job as well."""
    assert isinstance(refund(books, charge.charge, None), list)


@pytest.mark.parametrize(
    ("amount", "unit", "reason", "said"),
    [
        # a reason is needed
        ("0.10", "EUR", " ", "needs its reason"),
        # less than nothing
        ("-0.10", "EUR", "x", "more than nothing"),
        # another unit than was paid
        ("1", "page", "x", "never paid in that unit"),
    ],
)
def test_a_wrong_refund_is_refused(
    books: Books, charge: Charged, amount: str, unit: str, reason: str, said: str
) -> None:
    """The answer names what is wrong, and nothing is given."""
    with books.write() as tx:
        money = Money.parse(amount, unit)
        done = corrections.refund(tx, charge.job, money, reason=reason, author=AUTHOR)
    assert isinstance(done, Refused)
    assert said in done.reason
    assert at_centre(books, "user:ana") == 0


def test_a_job_that_cost_nothing_has_nothing_to_give_back(books: Books) -> None:
    """An unknown job is said to be one."""
    refused = refund(books, UUID(int=7), None)
    assert isinstance(refused, Refused)
    assert "nothing was charged" in refused.reason


def test_a_refund_follows_its_account(books: Books, charge: Charged) -> None:
    """Of a merged account it goes on to the other; of a closed one it must be said where."""
    open_account(books, "user:anna")
    with books.write() as tx:
        closing.merge(tx, "user:ana", "user:anna", author=AUTHOR, reason="married")
    refund(books, charge.job, None)
    sweep(books, frozenset())
    assert at_centre(books, "user:ana") == 0
    assert at_centre(books, "user:anna") == euros("1.00")


def test_a_correction_adds_or_takes_with_its_reason(books: Books) -> None:
    """Both ways by an entry; below the floor it does not go, and the balance stays."""
    with books.write() as tx:
        for by in ("0.50", "-1.00"):
            done = corrections.correct(
                tx, "user:ana", Money.parse(by, "EUR"), reason="miscounted", author=AUTHOR
            )
            assert isinstance(done, Posted)
        refused = corrections.correct(
            tx, "user:ana", Money.parse("-4.51", "EUR"), reason="more", author=AUTHOR
        )
    assert isinstance(refused, Refused)
    assert balance(books, "user:ana") == {"": euros("4.50")}
    with books.read() as tx:
        last = lists.entries(tx, account="user:ana")[-1]
    assert (last.kind, last.note, last.author) == ("correction", "miscounted", AUTHOR)


@pytest.mark.parametrize(
    ("key", "by", "reason", "said"),
    [
        # nothing
        ("user:ana", Money(0, "EUR"), "x", "needs an amount"),
        # no reason
        ("user:ana", Money(1, "EUR"), "", "needs an amount and its reason"),
        # no such account
        ("user:zoe", Money(1, "EUR"), "x", "no account user:zoe"),
        # another unit
        ("user:ana", Money(1, "page"), "x", "is in EUR"),
        # a closed one
        ("quota:old", Money(1, "page"), "x", "is closed"),
        # beyond the bound
        ("user:ana", Money(10**15, "EUR"), "x", "at most"),
    ],
)
def test_a_wrong_correction_is_refused(
    books: Books, key: str, by: Money, reason: str, said: str
) -> None:
    """The answer names what is wrong."""
    with books.write() as tx:
        accounts.open_new(tx, "quota:old", "page", Rules())
        closing.close(tx, "quota:old", to=None, author=AUTHOR, reason="")
        done = corrections.correct(tx, key, by, reason=reason, author=AUTHOR)
    assert isinstance(done, Refused)
    assert said in done.reason


@given(
    by=st.dictionaries(
        st.tuples(st.text(max_size=3), st.just("EUR")),
        st.integers(1, 10**15),
        min_size=1,
        max_size=5,
    ),
    part=st.fractions(0, 1),
)
def test_shares_sum_to_the_amount(by: dict[tuple[str, str], int], part: object) -> None:
    """Whole micros, exactly the amount, nobody above what they paid, off by less than one."""
    total = sum(by.values())
    amount = int(total * part)  # type: ignore[operator]
    parts = shares(amount, by)
    assert sum(parts.values()) == amount
    for key, micros in by.items():
        got = parts.get(key, 0)
        assert 0 <= got <= micros
        assert abs(got * total - amount * micros) < total
