"""A charge over several accounts: all cover it, or nobody pays."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from config.policy.accounts import Covered, Short, cover
from config.policy.money import Money, MoneyError


def eur(micros: int) -> Money:
    """Make an amount in euros."""
    return Money(micros, "EUR")


def test_all_must_cover_it() -> None:
    """One short account refuses for all, and is named with what it needs and has."""
    demands = [("user:ana", eur(60)), ("project:apollo", eur(60))]
    here = {"user:ana": eur(60), "project:apollo": eur(59)}
    answer = cover(demands, here)
    assert Short("project:apollo", eur(60), eur(59)) == answer
    assert eur(1) == answer.missing
    assert Covered(tuple(demands)) == cover(demands, here | {"project:apollo": eur(60)})


@pytest.mark.parametrize(
    "here",
    [
        {},  # not known here
        {"user:ana": Money(100, "page")},  # another unit
        {"user:ana": eur(-5)},  # owes
    ],
)
def test_what_is_not_here_is_nothing(here: dict[str, Money]) -> None:
    """Silence, another unit and debt all count as nothing in the unit that is needed."""
    assert Short("user:ana", eur(1), eur(0)) == cover([("user:ana", eur(1))], here)


def test_an_account_named_twice_pays_the_sum() -> None:
    """Two demands on one account cannot both spend the same money."""
    demands = [("user:ana", eur(6)), ("user:ana", eur(5))]
    assert Short("user:ana", eur(11), eur(10)) == cover(demands, {"user:ana": eur(10)})
    assert Covered((("user:ana", eur(11)),)) == cover(demands, {"user:ana": eur(11)})


def test_a_charge_of_nothing_is_covered_by_nothing() -> None:
    """A free job needs no balance."""
    assert Covered((("user:ana", eur(0)),)) == cover([("user:ana", eur(0))], {})
    assert Covered(()) == cover([], {})


def test_a_negative_demand_is_a_fault() -> None:
    """A charge never gives money."""
    with pytest.raises(ValueError, match=r"cannot be charged -0\.01 EUR"):
        cover([("user:ana", eur(-10_000))], {})


def test_one_account_in_two_units_is_a_fault() -> None:
    """An account has one unit."""
    with pytest.raises(MoneyError):
        cover([("user:ana", eur(1)), ("user:ana", Money(1, "page"))], {})


keys = st.sampled_from(["user:a", "department:b", "project:c"])


@given(
    st.lists(st.tuples(keys, st.integers(0, 9).map(eur))),
    st.dictionaries(keys, st.integers(-3, 30).map(eur)),
)
def test_what_is_covered_never_overdraws(
    demands: list[tuple[str, Money]], here: dict[str, Money]
) -> None:
    """Covered means that no balance falls below zero and that the sums agree; Short, that not."""
    answer = cover(demands, here)
    sums = {key: sum(m.micros for k, m in demands if k == key) for key, _ in demands}
    fits = all(max(here.get(key, eur(0)).micros, 0) >= needed for key, needed in sums.items())
    assert fits == isinstance(answer, Covered)
    if isinstance(answer, Covered):
        assert sums == {key: money.micros for key, money in answer.charges}
    else:
        assert answer.here < answer.needed
