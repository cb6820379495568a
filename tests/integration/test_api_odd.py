"""Promises of the interface to what is sent in error or ill will: a problem, and nothing done."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from central.store import accounts
from tests.integration.api_lab import Lab, app_of, caller, fill, problem, read, token_of

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Iterator
    from pathlib import Path

    import httpx


@pytest.fixture
def lab(tmp_path: Path) -> Iterator[Lab]:
    """Make an organisation with one of everything."""
    made = fill(tmp_path)
    yield made
    made.books.close()


@pytest.fixture
async def client(lab: Lab) -> AsyncIterator[httpx.AsyncClient]:
    """Call with a token that may do everything."""
    async with caller(app_of(lab), token_of(lab)) as calling:
        yield calling


def whole(lab: Lab) -> int:
    """Return what Ana has."""
    with lab.books.read() as tx:
        return accounts.whole(tx, "user:ana", "EUR")


async def test_who_asks_too_often_is_told_to_wait(lab: Lab) -> None:
    """Beyond so many a minute: 429 with the seconds to wait; another token is not held up."""
    app = app_of(lab, per_minute=3)
    async with caller(app, token_of(lab)) as client:
        for _ in range(3):
            await read(client, "users")
        answer = await client.get("users")
        problem(answer, 429)
        assert 1 <= int(answer.headers["retry-after"]) <= 20
    async with caller(app) as client:
        await read(client, "users")


ODD: list[tuple[bytes, int]] = [
    (b"", 422),
    (b"{", 422),
    (b"null", 422),
    (b"[]", 422),
    (b'{"amount":{"micros":1,"unit":"EUR"},"note":"a\\u0000b"}', 422),
    (b'{"amount":{"micros":1,"unit":"EUR"},"note":"\\ud800"}', 422),
    (b'{"amount":{"micros":1,"unit":"EUR"},"note":"\xff\xfe"}', 422),
    (b'{"amount":{"micros":1e400,"unit":"EUR"}}', 422),
    (b'{"amount":{"micros":' + b"9" * 5000 + b',"unit":"EUR"}}', 422),
    (b'{"amount":{"micros":99999999999999999999,"unit":"EUR"}}', 422),
    (b'{"amount":{"micros":-1,"unit":"EUR"}}', 422),
    (b'{"amount":{"micros":"1","unit":"EUR"}}', 422),
    (b'{"amount":{"micros":NaN,"unit":"EUR"}}', 422),
    (b"[" * 100_000, 422),
    (b'{"a":' * 20_000, 422),
    (b'{"amount":{"micros":1,"unit":"EUR"},"other":1}', 422),
    (b'{"amount":{"micros":1,"unit":"XXX"}}', 409),
    (b" " * 300_000, 413),
]


@pytest.mark.parametrize(("body", "status"), ODD)
async def test_odd_bodies_are_problems(
    lab: Lab, client: httpx.AsyncClient, body: bytes, status: int
) -> None:
    """Nothing that is sent as a body is a fault of the program, and nothing of it is booked."""
    had = whole(lab)
    headers = {"Content-Type": "application/json"}
    answer = await client.post("accounts/user:ana/top-up", content=body, headers=headers)
    problem(answer, status)
    assert whole(lab) == had


async def test_a_body_without_an_end_is_not_read_to_it(client: httpx.AsyncClient) -> None:
    """A body that says no length is read as far as one may be."""
    sent = 0

    async def endless() -> AsyncIterator[bytes]:
        nonlocal sent
        while sent < 100_000_000:
            sent += 65_536
            yield b" " * 65_536

    headers = {"Content-Type": "application/json"}
    answer = await client.post("accounts/user:ana/top-up", content=endless(), headers=headers)
    problem(answer, 413)


@pytest.mark.parametrize("path", ["users/a%00b", "users/%ff", "accounts/%00/rules", "tariffs/0"])
async def test_odd_addresses_are_problems(client: httpx.AsyncClient, path: str) -> None:
    """NUL, wrong UTF-8, numbers that are none: 404 or 422."""
    assert (await client.get(path)).status_code in {404, 422}


async def test_only_json_is_taken(client: httpx.AsyncClient) -> None:
    """A form, as a page of somebody else's could send one, is no body here."""
    answer = await client.post("accounts/user:ana/top-up", data={"amount": "5"})
    problem(answer, 415)
