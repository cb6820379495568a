"""Courier codes: what is made is read and checked, and nothing else is."""

from __future__ import annotations

import re
from dataclasses import replace
from uuid import UUID

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from config.policy.courier import (
    EPOCHS,
    MOST_STEPS,
    NotACode,
    Parts,
    Purpose,
    check,
    full_epoch,
    hkdf,
    make,
    read,
    steps_of,
)
from config.policy.money import Money

KEY = bytes(range(32))
#: RFC 5869 A.1 to A.3: key, salt, info, length, what comes out.
VECTORS = [
    # A.1: basic
    (
        "0b" * 22,
        "000102030405060708090a0b0c",
        "f0f1f2f3f4f5f6f7f8f9",
        42,
        "3cb25f25faacd57a90434f64d0362f2a2d2d0a90cf1a5a4c5db02d56ecc4c5bf34007208d5b887185865",
    ),
    # A.2: longer than two blocks
    (
        bytes(range(0x50)).hex(),
        bytes(range(0x60, 0xB0)).hex(),
        bytes(range(0xB0, 0x100)).hex(),
        82,
        (
            "b11e398dc80327a1c8e7f78c596a49344f012eda2d4efad8a050cc4c19afa97c59045a99cac7827271cb"
            "41c65e590e09da3275600c2f09b8367793a9aca3db71cc30c58179ec3e87c14c01d5c1f3434f1d87"
        ),
    ),
    # A.3: neither salt nor info
    (
        "0b" * 22,
        "",
        "",
        42,
        "8da4e775a563c18f715f802a063c5a31b8a11f5c5ee1879ec3454e5f3c738d2d9d201395faa4b61a96c8",
    ),
]

purposes = st.builds(
    Purpose,
    incarnation=st.uuids(),
    epoch=st.integers(1, 2**63 - 1),
    account=st.from_regex(r"[a-z]{1,8}:[^\s@]{1,40}", fullmatch=True),
    unit=st.sampled_from(["EUR", "USD", "page"]),
    index=st.integers(0, 4095),
    steps=st.integers(1, MOST_STEPS),
)


def purpose(**changes: object) -> Purpose:
    """Return a purpose, somewhat changed."""
    plain = Purpose(UUID(int=1), 5, "user:ana", "EUR", 17, 25)
    return replace(plain, **changes)  # type: ignore[arg-type]


def parts(text: str) -> Parts:
    """Return the parts of a code that is one."""
    found = read(text)
    assert isinstance(found, Parts)
    return found


@pytest.mark.parametrize(("key", "salt", "info", "length", "out"), VECTORS)
def test_keys_are_derived_as_the_rfc_says(
    key: str, salt: str, info: str, length: int, out: str
) -> None:
    """The test vectors of RFC 5869 come out to the byte."""
    derived = hkdf(bytes.fromhex(key), bytes.fromhex(info), length, salt=bytes.fromhex(salt))
    assert out == derived.hex()


def test_a_key_can_be_too_long_to_derive() -> None:
    """More than 255 blocks are refused, as the RFC demands."""
    with pytest.raises(ValueError, match="255"):
        hkdf(KEY, b"", 255 * 32 + 1)


@given(purposes, st.binary(min_size=32, max_size=32))
@example(purpose(index=4095, steps=MOST_STEPS, epoch=3), KEY)
@example(purpose(index=0, steps=1, epoch=4), KEY)
def test_a_code_is_accepted_for_what_it_was_made_for(what: Purpose, key: bytes) -> None:
    """Any purpose goes into 20 digits in groups of 4, and comes out of them again."""
    code = make(key, what)
    assert re.fullmatch(r"(\d{4} ){4}\d{4}", code)
    found = parts(code)
    assert (found.index, found.steps) == (what.index, what.steps)
    assert found.epoch_bits == what.epoch % EPOCHS
    assert check(key, what, found)


@given(purposes, st.integers(0, 65))
def test_one_changed_bit_is_refused(what: Purpose, bit: int) -> None:
    """No bit of a code is without meaning: each, turned over, spoils it for every purpose."""
    number = int(make(KEY, what).replace(" ", "")) ^ 1 << bit
    found = read(f"{number:020d}")
    if isinstance(found, NotACode):
        return
    claimed = replace(what, index=found.index, steps=found.steps)
    assert not check(KEY, what, found)
    assert not check(KEY, claimed, found)


@pytest.mark.parametrize(
    "other",
    [
        # another journal: a site, or a new beginning of the same one
        {"incarnation": UUID(int=2)},
        # an epoch later, and the next one that looks the same
        {"epoch": 6},
        {"epoch": 9},
        {"account": "user:bob"},
        {"unit": "page"},
        {"index": 18},
        {"steps": 26},
        # what moves from one part to its neighbour
        {"account": "user:anaE", "unit": "UR"},
    ],
)
def test_a_code_is_worth_nothing_for_anything_else(other: dict[str, object]) -> None:
    """Journal, epoch, account, unit, index and amount are all under the MAC."""
    assert not check(KEY, purpose(**other), parts(make(KEY, purpose())))


def test_a_code_of_another_key_is_refused() -> None:
    """Only who has the key of this journal makes its codes."""
    assert not check(bytes(32), purpose(), parts(make(KEY, purpose())))


def test_codes_stay_what_they_are() -> None:
    """Centre and edge may differ by a version: the digits of a purpose never change."""
    assert make(KEY, purpose()) == "1852 3417 8625 3145 0128"


@pytest.mark.parametrize(
    "text",
    [
        # as shown, as scanned, as people write
        "{0} {1} {2} {3} {4}",
        "{0}{1}{2}{3}{4}",
        "{0}-{1}-{2}-{3}-{4}",
        "  {0}\u00a0{1}\u2013{2}\t{3} {4} ",
    ],
)
def test_blanks_and_hyphens_do_not_matter(text: str) -> None:
    """People type a code as they like."""
    code = make(KEY, purpose())
    assert parts(code) == parts(text.format(*code.split()))


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("", "digits"),
        ("hello", "digits"),
        ("1234", "these are 4"),
        ("1" * 21, "these are 21"),
        # digits, but no ASCII ones: int() would take them
        ("\u0661" * 20, "digits only"),
        ("+1234567890123456789", "digits only"),
        # 2⁶⁶ and more
        ("73786976294838206464", "begins"),
        ("99999999999999999999", "begins"),
        # worth nothing
        ("0" * 20, "looks like this"),
    ],
)
def test_what_cannot_be_a_code_is_refused_in_words(text: str, said: str) -> None:
    """The answer says what is wrong with the text, and no key was needed to find out."""
    found = read(text)
    assert isinstance(found, NotACode)
    assert said in found.reason


@given(st.text(max_size=64))
def test_any_text_is_read(text: str) -> None:
    """Whatever somebody types is parts of a code or a reason, and never an exception."""
    assert isinstance(read(text), Parts | NotACode)


@pytest.mark.parametrize(
    ("text", "unit", "steps"),
    [
        ("0.10", "EUR", 1),
        ("102.30", "EUR", 1023),
        ("1", "page", 1),
        ("1023", "page", 1023),
        # between steps, nothing, less than nothing, too much
        ("0.15", "EUR", None),
        ("0", "EUR", None),
        ("-1.00", "EUR", None),
        ("102.40", "EUR", None),
        ("0.5", "page", None),
        ("1024", "page", None),
    ],
)
def test_amounts_go_in_steps(text: str, unit: str, steps: int | None) -> None:
    """Tenths of a currency and whole pages, up to 1023 of them; the rest is refused in words."""
    found = steps_of(Money.parse(text, unit))
    if steps is None:
        assert isinstance(found, NotACode)
    else:
        assert found == steps


@given(st.integers(0, 3), st.integers(1, 2**62))
def test_an_epoch_is_known_by_its_last_bits(bits: int, current: int) -> None:
    """Two bits name one of the last four epochs, and never one that has not begun."""
    found = full_epoch(bits, current)
    assert found % EPOCHS == bits
    assert current - EPOCHS < found <= current


@pytest.mark.parametrize("wrong", [{"index": 4096}, {"index": -1}, {"steps": 0}, {"steps": 1024}])
def test_what_does_not_fit_is_never_made(wrong: dict[str, object]) -> None:
    """A number outside its bits would spill into its neighbour's: it is refused."""
    with pytest.raises(ValueError, match="does not fit"):
        make(KEY, purpose(**wrong))
