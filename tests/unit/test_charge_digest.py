"""The digest of a charge: it stands in old books, so it never changes."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta, timezone
from hashlib import sha256

import pytest
from hypothesis import given
from hypothesis import strategies as st

from broker.messages import AccountAmount, Charged, Counted
from central.charging import content_of
from config.policy.jobs import Source
from tests.wire_examples import EXAMPLES

COUNT = st.integers(0, 100_000_000)
ZONES = st.sampled_from(
    [UTC, timezone(timedelta(hours=5, minutes=45)), timezone(-timedelta(1) / 3)]
)
AMOUNTS = st.builds(
    AccountAmount,
    account=st.from_regex(r"\Auser:[^\s@]{1,9}\Z"),
    unit=st.sampled_from(["EUR", "page"]),
    micros=st.integers(-(10**15), 10**15),
    covered_by=st.sampled_from(["allocation", "account", "uncovered"]),
)
CHARGES = st.builds(
    Charged,
    charge=st.uuids(),
    job=st.uuids(),
    attempt=st.integers(1, 2**63),
    user=st.text(st.characters(exclude_categories=["Cs"]), max_size=40),
    printer=st.from_regex(r"\A[a-z0-9-]{1,32}\Z"),
    service=st.sampled_from(["print", "copy"]),
    tariff_version=st.integers(0, 2**63 - 1),
    rules_version=st.integers(0, 3),
    counted=st.builds(
        Counted,
        source=st.sampled_from(Source),
        impressions=st.none() | COUNT,
        color_impressions=st.none() | COUNT,
        sheets=st.none() | COUNT,
    ),
    postings=st.lists(AMOUNTS, min_size=1, max_size=3).map(tuple),
    printed_above=COUNT,
    alone=st.booleans(),
    settled_at=st.datetimes(datetime(1970, 1, 2), timezones=ZONES),  # noqa: DTZ001  it gets one
)


@given(CHARGES)
def test_a_digest_is_of_the_json_that_the_model_writes(charge: Charged) -> None:
    """However it is made, it is that of `model_dump_json`, byte for byte."""
    expected = sha256(charge.model_dump_json().encode()).hexdigest()
    assert content_of(charge) == expected


@pytest.mark.parametrize(
    ("name", "digest"),
    [
        ("charged", "15820485ef4b2487fb4477cdcdd09f76d39458fb01ed0f759eceeca43c287146"),
        # fields of the second version, and what is not written when it says nothing
        (
            "charged, past the allocation",
            "1baa2f94814c3989123246d3db3e550076ce536fec2aac3ef939da3e2d3c94e6",
        ),
    ],
)
def test_digests_in_old_books_are_those_of_today(*, name: str, digest: str) -> None:
    """A charge that comes again after an update is a repetition, not a contradiction."""
    charge = EXAMPLES[name]
    assert isinstance(charge, Charged)
    assert content_of(charge) == digest
