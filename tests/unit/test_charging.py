"""Promises of central.charging: no charge takes what is not there, and none counts twice."""

from __future__ import annotations

from datetime import UTC, datetime
from uuid import UUID

from hypothesis import given
from hypothesis import strategies as st

from broker.messages import AccountAmount, Charged, Counted
from central.charging import Booked, Charges, Repeated, Unbookable

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
