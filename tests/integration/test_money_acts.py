"""Promises of acts on money: done and written down together, or refused in words and undone."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from central.acts import accounts as account_acts
from central.acts import money as acts
from central.acts import till as till_acts
from central.acts.by import By
from central.store import accounts, audit, refund_requests, till
from central.store.accounts import AccountRecord, Rules
from central.store.audit import Which
from central.store.ledger import Refused
from config.policy.money import Money
from tests.integration.accounts_lab import assert_sound
from tests.integration.books_lab import euros, open_books
from tests.integration.jobs_lab import Office, office

if TYPE_CHECKING:
    from collections.abc import Iterator

    from central.store.refund_requests import RefundRequest
    from central.store.till import Receipt

EVA = By("web:eva", "10.0.0.7")


def eur(text: str) -> Money:
    """Return an amount."""
    return Money.parse(text, "EUR")


@pytest.fixture
def here() -> Iterator[Office]:
    """Return books with somebody who prints; whatever was done, they hold."""
    books = open_books()
    yield office(books)
    assert_sound(books)
    books.close()


def last_act(here: Office) -> audit.Act:
    """Return the newest act."""
    with here.books.read() as tx:
        return audit.search(tx, Which(), limit=1)[0]


# ── accounts ────────────────────────────────────────────────────────────────────────────────


def test_a_top_up_is_written_down_with_address_before_and_after(here: Office) -> None:
    """Who, from where, how much there was and is."""
    with here.books.write() as tx:
        done = acts.top_up(tx, EVA, "user:ana", eur("2.50"), note="cash")
    assert isinstance(done, acts.Moved)
    assert done.balance == eur("52.50")
    act = last_act(here)
    assert (act.act, act.author, act.address) == ("topup", "web:eva", "10.0.0.7")
    assert (act.before, act.after) == ("50.00 EUR", "52.50 EUR")


@pytest.mark.parametrize(
    ("key", "amount", "said"),
    [
        ("user:nobody", "1.00", "no account"),
        ("user:ana", "0.00", "more than nothing"),
        ("user:ana", "-1.00", "more than nothing"),
    ],
)
def test_a_top_up_that_cannot_be_is_refused(here: Office, key: str, amount: str, said: str) -> None:
    """In words, and nothing is written."""
    before = last_act(here)
    with here.books.write() as tx:
        done = acts.top_up(tx, EVA, key, eur(amount))
    assert isinstance(done, Refused)
    assert said in done.reason
    assert last_act(here) == before


def test_an_account_is_opened_changed_frozen_and_closed(here: Office) -> None:
    """Each is an act; what changed stands there as it was and as it is."""
    with here.books.write() as tx:
        opened = account_acts.open_account(tx, EVA, "department:physics")
        assert isinstance(opened, AccountRecord)
        rules = Rules(floor=-euros("5.00"), label="Physics")
        assert isinstance(account_acts.change_account(tx, EVA, opened.key, rules), AccountRecord)
    act = last_act(here)
    assert (act.before, act.after) == (
        {"floor": 0, "label": ""},
        {"floor": -euros("5.00"), "label": "Physics"},
    )
    with here.books.write() as tx:
        assert account_acts.freeze(tx, EVA, opened.key, reason="audit") is None
        assert account_acts.unfreeze(tx, EVA, opened.key) is None
        assert account_acts.admit(tx, EVA, opened.key, ["ana"]) is None
        assert account_acts.leaving(tx, opened.key) == account_acts.Leaving(0, {}, 1)
        refused = account_acts.admit(tx, EVA, opened.key, ["nobody"])
        assert isinstance(refused, Refused)
        done = account_acts.close(tx, EVA, opened.key, to=None, reason="over")
        assert not isinstance(done, Refused)
    assert last_act(here).address == "10.0.0.7"


# ── requests ────────────────────────────────────────────────────────────────────────────────


def asked(here: Office) -> RefundRequest:
    """Let ana ask for a job's money."""
    job = here.printed()
    with here.books.write() as tx:
        done = acts.ask_refund(tx, By("web:ana"), job, user="ana", reason="all\nwhite")
    assert not isinstance(done, Refused)
    return done


def test_a_request_is_settled_once_with_the_evidence_beside(here: Office) -> None:
    """The money goes back to who paid; who asks again is told that it is done."""
    request = asked(here)
    assert request.reason == "all white"
    with here.books.write() as tx:
        life = acts.evidence(tx, request)
        assert life is not None
        assert life.answer.paid == (eur("0.18"),)
        done = acts.settle_refund(tx, EVA, request.id, answer="sorry")
        assert isinstance(done, acts.Settled)
        assert done.request.state == "refunded"
        (back,) = done.refunds
        assert back.parts == (("user:ana", eur("0.18")),)
        again = acts.settle_refund(tx, EVA, request.id)
        assert isinstance(again, Refused)
        assert "refunded already" in again.reason
        assert refund_requests.waiting(tx) == 0


def test_a_part_may_be_given_back_and_no_more_than_was_paid(here: Office) -> None:
    """Too much is refused, and the request stays open."""
    request = asked(here)
    with here.books.write() as tx:
        assert isinstance(acts.settle_refund(tx, EVA, request.id, eur("0.19")), Refused)
        assert refund_requests.waiting(tx) == 1
        done = acts.settle_refund(tx, EVA, request.id, eur("0.05"))
        assert isinstance(done, acts.Settled)


def test_a_request_is_declined_with_words(here: Office) -> None:
    """Without a word to the person nobody is sent away."""
    request = asked(here)
    with here.books.write() as tx:
        assert isinstance(acts.decline_refund(tx, EVA, request.id, answer=" "), Refused)
        done = acts.decline_refund(tx, EVA, request.id, answer="it was printed well")
        assert isinstance(done, acts.Settled)
        assert (done.request.state, done.request.answer) == ("declined", "it was printed well")
    assert last_act(here).act == "refund decline"


def test_nobody_asks_for_what_is_not_theirs_or_twice(here: Office) -> None:
    """Another's job is not even known of; one request is open at a time."""
    request = asked(here)
    with here.books.write() as tx:
        other = acts.ask_refund(tx, By("web:bob"), request.job, user="bob", reason="x")
        assert isinstance(other, Refused)
        assert "you have no job" in other.reason
        again = acts.ask_refund(tx, By("web:ana"), request.job, user="ana", reason="x")
        assert isinstance(again, Refused)
        withdrawn = acts.withdraw_refund(tx, By("web:ana"), request.id, user="ana")
        assert isinstance(withdrawn, acts.Settled)
    held = here.held()
    with here.books.write() as tx:
        nothing = acts.ask_refund(tx, By("web:ana"), held, user="ana", reason="x")
        assert isinstance(nothing, Refused)
        assert "nothing was charged" in nothing.reason


# ── the till ────────────────────────────────────────────────────────────────────────────────


def taken(here: Office, amount: str) -> Receipt:
    """Take cash for ana."""
    with here.books.write() as tx:
        done = till_acts.take_cash(tx, EVA, "desk", "user:ana", eur(amount), note="in coins")
    assert isinstance(done, till.Receipt)
    return done


def test_a_day_at_the_till(here: Office) -> None:
    """Opened with a float, cash in and out by numbers without gaps, counted at the end."""
    with here.books.write() as tx:
        assert isinstance(till_acts.open_till(tx, EVA, "desk", eur("20.00")), till.Session)
        assert isinstance(till_acts.open_till(tx, EVA, "desk", eur("1.00")), Refused)
    first, second = taken(here, "5.00"), taken(here, "2.00")
    with here.books.write() as tx:
        back = till_acts.reverse(tx, EVA, second.number, reason="wrong person")
        assert isinstance(back, till.Receipt)
        assert (back.micros, back.reverses) == (-euros("2.00"), second.number)
        assert isinstance(till_acts.reverse(tx, EVA, second.number, reason="x"), Refused)
    assert [first.number, second.number, back.number] == [1, 2, 3]
    with here.books.write() as tx:
        told = till_acts.close_till(tx, EVA, "desk", eur("24.90"))
        assert isinstance(told, Refused)
        assert "25.00 EUR should be in it" in told.reason
        assert "-0.10 EUR" in told.reason
        done = till_acts.close_till(tx, EVA, "desk", eur("24.90"), note="a coin is missing")
        assert isinstance(done, till_acts.Close)
        assert done.difference == eur("-0.10")
        assert (done.sums.receipts, done.sums.taken) == (3, euros("7.00"))
        assert isinstance(till_acts.close_till(tx, EVA, "desk", eur("0.00")), Refused)
        assert accounts.whole(tx, "user:ana", "EUR") == euros("55.00")


def test_cash_needs_an_open_till_and_money_to_pay_back(here: Office) -> None:
    """Nothing goes out that is not in the till, or not at the centre on the account."""
    with here.books.write() as tx:
        closed = till_acts.take_cash(tx, EVA, "desk", "user:ana", eur("1.00"))
        assert isinstance(closed, Refused)
        till_acts.open_till(tx, EVA, "desk", eur("3.00"))
        empty = till_acts.pay_back(tx, EVA, "desk", "user:ana", eur("4.00"), note="leaves")
        assert isinstance(empty, Refused)
        assert "has 3.00 EUR in it" in empty.reason
        # all of ana's money is parked at north
        away = till_acts.pay_back(tx, EVA, "desk", "user:ana", eur("2.00"), note="leaves")
        assert isinstance(away, Refused)
        assert "at the centre" in away.reason
        wrong = till_acts.take_cash(tx, EVA, "desk", "user:nobody", eur("1.00"))
        assert isinstance(wrong, Refused)
    assert till_sum(here) == euros("3.00")


def till_sum(here: Office) -> int:
    """Return what is to be in the till."""
    with here.books.read() as tx:
        session = till.open_now(tx, "desk")
        assert session is not None
        return till.sums(tx, session).expected
