"""Identifiers: UUIDs ordered by time, and names that fit one topic level."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from uuid import RFC_4122

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import TypeAdapter, ValidationError

from config.ids import AccountKey, NodeId, uuid7

EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
moments = st.timedeltas(timedelta(0), timedelta(days=8000 * 365)).map(lambda age: EPOCH + age)
dice = st.binary(min_size=10, max_size=16)


@given(moments, dice)
def test_a_uuid7_is_what_the_rfc_says(moment: datetime, thrown: bytes) -> None:
    """Version 7, RFC variant, and the milliseconds since 1970 in its first 48 bits."""
    made = uuid7(moment, thrown)
    assert (made.version, made.variant) == (7, RFC_4122)
    elapsed = moment - EPOCH
    assert elapsed // timedelta(milliseconds=1) == made.int >> 80


@given(moments, dice, dice, st.integers(1, 10**6))
def test_later_uuids_sort_later(moment: datetime, one: bytes, other: bytes, later: int) -> None:
    """Whatever the dice say, a later millisecond sorts after an earlier one."""
    assert uuid7(moment, one) < uuid7(moment + timedelta(milliseconds=later), other)


@given(moments, st.integers(0, 2**74 - 1), st.integers(0, 2**74 - 1))
def test_all_74_random_bits_count(moment: datetime, one: int, other: int) -> None:
    """Two throws that differ in their last 74 bits make two ids."""
    ids = {uuid7(moment, number.to_bytes(10, "big")) for number in (one, other)}
    assert len({one, other}) == len(ids)


def test_the_example_of_the_rfc() -> None:
    """RFC 9562 appendix A.6: 2022-02-22 14:22:22 -05:00."""
    moment = datetime.fromtimestamp(0x017F22E279B0 / 1000, UTC)
    thrown = (0xCC3 << 62 | 0x18C4DC0C0C07398F).to_bytes(10, "big")
    assert str(uuid7(moment, thrown)) == "017f22e2-79b0-7cc3-98c4-dc0c0c07398f"


@pytest.mark.parametrize("name", ["a", "edge-1", "0" * 32, "-"])
def test_names_that_are_nodes(name: str) -> None:
    """Small letters, digits and hyphens, up to 32."""
    assert name == TypeAdapter(NodeId).validate_python(name)


@pytest.mark.parametrize("name", ["", "Edge", "a/b", "a+", "#", "é", "a b", "a\n", "0" * 33, "$x"])
def test_names_that_are_no_nodes(name: str) -> None:
    """Nothing that would be another topic level, a wildcard, or another name in disguise."""
    with pytest.raises(ValidationError):
        TypeAdapter(NodeId).validate_python(name)


@pytest.mark.parametrize("key", ["user:ana", "department:physics", "house:print-income"])
def test_keys_that_are_accounts(key: str) -> None:
    """A kind and a name."""
    assert key == TypeAdapter(AccountKey).validate_python(key)


@pytest.mark.parametrize(
    "key", ["ana", "user:", "user:a b", "user:a@b", "User:a", "user:" + "a" * 121]
)
def test_keys_that_are_no_accounts(key: str) -> None:
    """No white space, no `@` (which is where the site goes), no kind left out."""
    with pytest.raises(ValidationError):
        TypeAdapter(AccountKey).validate_python(key)
