"""Which PINs and passwords are taken: weak ones are refused with why."""

from __future__ import annotations

from itertools import count

import pytest
from hypothesis import given
from hypothesis import strategies as st

from central import pins


@pytest.mark.parametrize(
    ("pin", "said"),
    [
        ("", "4 to 12 digits"),
        ("123", "4 to 12 digits"),
        ("1357924680135", "4 to 12 digits"),
        # letters, signs, digits of other scripts, a line's end
        ("12a4", "4 to 12 digits"),
        ("-123", "4 to 12 digits"),
        ("٤٧١١", "4 to 12 digits"),
        ("4711\n", "4 to 12 digits"),
        ("0000", "repeats itself"),
        ("777777", "repeats itself"),
        ("1212", "repeats itself"),
        ("471471", "repeats itself"),
        ("1234", "counts up or down"),
        ("98765", "counts up or down"),
        # past the nine
        ("7890", "counts up or down"),
    ],
)
def test_a_weak_pin_is_refused(pin: str, said: str) -> None:
    """What anybody tries first is no PIN, and the answer says why."""
    assert said in str(pins.wrong_pin(pin))


@pytest.mark.parametrize("pin", ["4711", "0042", "120380", "135792468013"])
def test_other_pins_are_taken(pin: str) -> None:
    """Four to twelve digits are a PIN."""
    assert pins.wrong_pin(pin) is None


@given(st.lists(st.binary(min_size=8, max_size=8), min_size=1, max_size=8))
def test_a_pin_by_chance_is_never_weak(throws: list[bytes]) -> None:
    """Whatever the dice say, what comes out is taken; a weak one is thrown again."""
    sure = (n.to_bytes(8, "big") for n in count(471_100))
    dice = iter([bytes(8), *throws])
    assert pins.wrong_pin(pins.new_pin(lambda _: next(dice, None) or next(sure))) is None


@pytest.mark.parametrize(
    ("password", "said"),
    [
        ("", "10 to 255"),
        ("ninechars", "10 to 255"),
        ("x" * 256, "10 to 255"),
        ("marguerite1", "user name"),
        ("1Marguerite", "user name"),
        ("aaaaaaaaaaaa", "first that anybody"),
        ("abcabcabcabc", "first that anybody"),
        ("0123456789", "first that anybody"),
    ],
)
def test_a_weak_password_is_refused(password: str, said: str) -> None:
    """Too short, the user name, or a few characters over and over."""
    assert said in str(pins.wrong_password(password, "marguerite"))


def test_a_long_password_may_name_the_user() -> None:
    """Only what is little more than the name is refused; a short name is in many words."""
    assert pins.wrong_password("marguerite sleeps late", "marguerite") is None
    assert pins.wrong_password("salt and sand", "a") is None
