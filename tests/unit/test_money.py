"""Amounts: read, written, added and compared without ever a float."""

from __future__ import annotations

import operator
from typing import TYPE_CHECKING, Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from config.errors import PrintmeshError
from config.policy.money import MICROS_BOUND, PAGE, Money, MoneyError

if TYPE_CHECKING:
    from collections.abc import Callable

EUR = "EUR"
micros = st.integers(-MICROS_BOUND, MICROS_BOUND)


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("2.50", 2_500_000),
        (" 3 ", 3_000_000),
        ("+0.000001", 1),
        ("-0.1234", -123_400),
        ("1.0000000000", 1_000_000),  # zeros are not finer
        ("1000000000", MICROS_BOUND),
        ("-0", 0),
    ],
)
def test_decimals_are_read_exactly(text: str, expected: int) -> None:
    """Every accepted text is its exact number of millionths."""
    assert Money(expected, EUR) == Money.parse(text, EUR)


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("", "not an amount"),
        ("free", "not an amount"),
        ("2,50", "not an amount"),
        ("1e3", "not an amount"),
        ("1e999999999999999999", "not an amount"),
        ("1_000", "not an amount"),
        ("NaN", "not an amount"),
        ("Infinity", "not an amount"),
        (".5", "not an amount"),
        ("٣", "not an amount"),
        ("9" * 5000, "not an amount"),
        ("0.0000001", "finer"),
        ("1.0000000000000000000000000000001", "finer"),  # beyond a decimal context's precision
        ("1000000000.000001", "beyond"),
        ("-1000000001", "beyond"),
    ],
)
def test_what_is_no_amount_is_refused(text: str, expected: str) -> None:
    """The refusal says why, in one short line."""
    with pytest.raises(MoneyError, match=expected) as caught:
        Money.parse(text, EUR)
    assert len(str(caught.value)) < 120
    assert isinstance(caught.value, PrintmeshError)


@given(micros)
def test_what_is_written_reads_back(amount: int) -> None:
    """The text of an amount is the amount."""
    text, unit = str(Money(amount, EUR)).split()
    assert Money(amount, EUR) == Money.parse(text, unit)


@pytest.mark.parametrize(
    ("money", "expected"),
    [
        (Money(2_500_000, EUR), "2.50 EUR"),
        (Money(-123_400, EUR), "-0.1234 EUR"),
        (Money(0, EUR), "0.00 EUR"),
        (Money(1_000_000, PAGE), "1 page"),
        (Money(-3_000_000, PAGE), "-3 pages"),
        (Money(500_000, PAGE), "0.50 page"),
    ],
)
def test_amounts_are_written_for_people(money: Money, expected: str) -> None:
    """Two decimals at least, no more than needed; whole pages as such."""
    assert expected == str(money)


@given(micros, micros)
def test_sums_and_order_are_those_of_integers(one: int, other: int) -> None:
    """Addition, subtraction, negation and order lose nothing."""
    left, right = Money(one, EUR), Money(other, EUR)
    assert (left + right).micros == one + other
    assert (left - right).micros == one - other
    assert (-left).micros == -one
    assert (left < right, left <= right, left > right) == (one < other, one <= other, one > other)


@pytest.mark.parametrize(
    "operation", [operator.add, operator.sub, operator.lt, operator.le, operator.gt, operator.ge]
)
def test_two_units_never_meet(operation: Callable[[Any, Any], object]) -> None:
    """Pages and euros are neither added nor compared."""
    with pytest.raises(MoneyError, match="cannot be added or compared"):
        operation(Money(1, EUR), Money(1, PAGE))
