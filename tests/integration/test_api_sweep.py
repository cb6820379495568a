"""The promise that no request, however odd, ends in a fault of the program."""

from __future__ import annotations

from typing import TYPE_CHECKING
from urllib.parse import quote, urlencode

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from tests.integration.api_lab import Lab, app_of, caller, fill

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

ROOMS = ("health", "users", "accounts", "jobs", "nodes", "printers", "nowhere")
NAMES = ("limit", "after", "user", "node", "state", "other")

CALM = (HealthCheck.too_slow, HealthCheck.function_scoped_fixture)

odd = st.one_of(
    st.text(max_size=300),
    st.sampled_from(("ana", "user:ana", "north", "completed", "1", "-1", "1e3", "9" * 400, "\0")),
    st.integers().map(str),
    st.binary(max_size=40).map(lambda raw: raw.decode("utf-8", "surrogateescape")),
)
path = st.tuples(st.sampled_from(ROOMS), st.lists(odd, max_size=3))
query = st.lists(st.tuples(st.sampled_from(NAMES), odd), max_size=4)


@pytest.fixture
def lab(tmp_path: Path) -> Iterator[Lab]:
    """Make an organisation once for all requests; none of them changes it."""
    made = fill(tmp_path)
    yield made
    made.books.close()


def _encoded(value: str) -> str:
    return quote(value.encode("utf-8", "surrogateescape"), safe="")


@settings(max_examples=150, deadline=None, suppress_health_check=CALM)
@given(where=path, asked=query)
async def test_no_request_is_a_fault(
    lab: Lab, where: tuple[str, list[str]], asked: list[tuple[str, str]]
) -> None:
    """Whatever stands in the path and the parameters, the answer is one of those documented."""
    room, parts = where
    target = "/".join([room, *map(_encoded, parts)])
    pairs = [(name, value.encode("utf-8", "surrogateescape")) for name, value in asked]
    async with caller(app_of(lab)) as client:
        answer = await client.get(f"{target}?{urlencode(pairs)}")
    assert answer.status_code in {200, 404, 422}, answer.text
    expected = "application/json" if answer.status_code == 200 else "application/problem+json"
    assert answer.headers["content-type"] == expected
