"""Promises of central.charging: no charge takes what is not there, and none counts twice."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import TYPE_CHECKING
from uuid import UUID

import pytest
from hypothesis import given
from hypothesis import strategies as st

from broker.messages import AccountAmount, Charged, Counted
from central.charging import Booked, Cap, Charges, Past, Repeated, Unbookable

if TYPE_CHECKING:
    from config.policy.accounts import CoveredBy

ACCOUNTS = ("user:ana", "user:bob", "department:physics")
LINES = st.lists(st.tuples(st.sampled_from(ACCOUNTS), st.integers(-5, 60)), min_size=1, max_size=4)


def charged(number: int, lines: list[tuple[str, int]]) -> Charged:
    """Return a charge of these sums."""
    return Charged(
        charge=UUID(int=number),
        job=UUID(int=1),
        attempt=1,
        user="ana",
        printer="north-1",
        service="print",
        tariff_version=1,
        counted=Counted(source="analysis", impressions=1),
        postings=tuple(AccountAmount(account=a, unit="EUR", micros=m) for a, m in lines),
        alone=False,
        settled_at=datetime(2026, 11, 22, tzinfo=UTC),
    )


@given(
    here=st.dictionaries(st.sampled_from(ACCOUNTS), st.integers(0, 200)),
    told=st.lists(st.tuples(st.integers(1, 12), LINES), max_size=20),
)
def test_what_is_booked_was_there_and_is_booked_once(
    here: dict[str, int], told: list[tuple[int, list[tuple[str, int]]]]
) -> None:
    """Over any sequence the booked sums stay within what was at the edge, each charge once."""
    judge = Charges({(key, "EUR"): micros for key, micros in here.items()}, {}, "north")
    left = dict(here)
    booked: dict[UUID, str] = {}
    for number, lines in told:
        charge = charged(number, lines)
        match judge.judge(charge):
            case Booked(takes, content):
                assert charge.charge not in booked
                booked[charge.charge] = content
                for account, unit, micros in takes:
                    assert unit == "EUR"
                    assert micros > 0
                    left[account] -= micros
                assert sum(m for _, _, m in takes) == sum(m for _, m in lines)
            case Repeated():
                assert charge.charge in booked
            case Unbookable(reason):
                assert reason
        assert all(micros >= 0 for micros in left.values())


def test_a_charge_of_nothing_is_booked_without_touching_an_account() -> None:
    """A free job may name an account that was never given money here."""
    verdict = Charges({}, {}, "north").judge(charged(1, [("user:ana", 0)]))
    assert isinstance(verdict, Booked)
    assert verdict.takes == ()


def test_what_is_in_the_books_counts_against_a_repetition() -> None:
    """The same content is a repetition, other content a contradiction."""
    first = Charges({("user:ana", "EUR"): 9}, {}, "north").judge(charged(1, [("user:ana", 4)]))
    assert isinstance(first, Booked)
    later = Charges({("user:ana", "EUR"): 5}, {UUID(int=1): first.content}, "north")
    assert later.judge(charged(1, [("user:ana", 4)])) == Repeated()
    assert isinstance(later.judge(charged(1, [("user:ana", 5)])), Unbookable)


def past(*, site: int | None = 10, user: int | None = 6, owed: int = 0) -> Past:
    """Return leave to go past the allocation, and two accounts, one without limit."""
    return Past(
        units={"user:ana": "EUR", "user:bob": "EUR", "department:physics": "EUR"},
        unlimited=frozenset({"department:physics"}),
        caps={"EUR": Cap(site, user)},
        owed={"EUR": owed},
        owed_by={("user:ana", "EUR"): owed},
    )


def covered(number: int, *lines: tuple[str, int, CoveredBy]) -> Charged:
    """Return a charge of sums with what stands behind each."""
    postings = tuple(
        AccountAmount(account=account, unit="EUR", micros=micros, covered_by=by)
        for account, micros, by in lines
    )
    return charged(number, [("user:ana", 0)]).model_copy(update={"postings": postings})


def test_a_charge_may_be_split_over_what_stands_behind_it() -> None:
    """The allocation, an account without limit and leave are booked each in its own way."""
    judge = Charges({("user:ana", "EUR"): 4}, {}, "north", past())
    verdict = judge.judge(
        covered(
            1,
            ("user:ana", 4, "allocation"),
            ("user:ana", 3, "uncovered"),
            ("department:physics", 7, "account"),
        )
    )
    assert isinstance(verdict, Booked)
    assert verdict.takes == (("user:ana", "EUR", 4),)
    assert verdict.owes == (("user:ana", "EUR", 3),)
    assert verdict.counted == (("department:physics", "EUR", 7),)


@pytest.mark.parametrize(
    ("leave", "line", "freezes"),
    [
        # one more than the account may owe
        (past(), ("user:ana", 7, "uncovered"), True),
        # within the account's cap, beyond the site's
        (past(user=None, owed=8), ("user:ana", 3, "uncovered"), True),
        # no leave at all
        (Past(units={"user:ana": "EUR"}), ("user:ana", 1, "uncovered"), True),
        # nobody's account: a mistake, not a lie
        (past(), ("user:eve", 1, "uncovered"), False),
        # a limit, whatever the site says
        (past(), ("user:ana", 1, "account"), False),
    ],
)
def test_what_nothing_stands_behind_is_not_booked(
    leave: Past, line: tuple[str, int, CoveredBy], *, freezes: bool
) -> None:
    """It is put aside; what no honest site says freezes it."""
    verdict = Charges({}, {}, "north", leave).judge(covered(1, line))
    assert isinstance(verdict, Unbookable)
    assert verdict.freezes == freezes


@given(
    site=st.none() | st.integers(0, 40),
    user=st.none() | st.integers(0, 20),
    told=st.lists(
        st.tuples(st.sampled_from(["user:ana", "user:bob"]), st.integers(0, 15)), max_size=20
    ),
)
def test_what_is_owed_never_exceeds_the_caps(
    site: int | None, user: int | None, told: list[tuple[str, int]]
) -> None:
    """Over any run of charges, on each account and in all."""
    judge = Charges({}, {}, "north", past(site=site, user=user))
    owes: dict[str, int] = {}
    for number, (account, micros) in enumerate(told, 1):
        verdict = judge.judge(covered(number, (account, micros, "uncovered")))
        fits = (site is None or sum(owes.values()) + micros <= site) and (
            user is None or owes.get(account, 0) + micros <= user
        )
        assert isinstance(verdict, Booked) == (fits or micros == 0)
        if isinstance(verdict, Booked):
            owes[account] = owes.get(account, 0) + micros


def test_a_refused_charge_leaves_nothing_behind() -> None:
    """What is refused for one line takes nothing on the others."""
    judge = Charges({("user:ana", "EUR"): 4}, {}, "north", past())
    mixed = covered(1, ("user:ana", 4, "allocation"), ("user:ana", 7, "uncovered"))
    assert isinstance(judge.judge(mixed), Unbookable)
    assert isinstance(judge.judge(covered(2, ("user:ana", 4, "allocation"))), Booked)
    assert isinstance(judge.judge(covered(3, ("user:ana", 6, "uncovered"))), Booked)
