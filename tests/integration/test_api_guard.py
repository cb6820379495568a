"""Promises of the read interface's door: who may read, and what happens when the books fail."""

from __future__ import annotations

import asyncio
import threading
from typing import TYPE_CHECKING

import pytest
from pydantic import SecretStr
from sqlalchemy import text

from central.store import tokens
from central.web.app import make_app
from central.web.health import Probe
from central.web.problems import TooBusy
from central.web.reading import Reader
from tests.integration.api_lab import (
    STORED,
    TOKEN,
    Lab,
    StuckBooks,
    app_of,
    caller,
    fill,
    problem,
    read,
)
from tests.integration.dialects import books_url

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path


@pytest.fixture
def lab(tmp_path: Path) -> Iterator[Lab]:
    """Make an organisation with one of everything."""
    made = fill(tmp_path)
    yield made
    made.books.close()


@pytest.mark.parametrize("token", [TOKEN, STORED])
async def test_both_kinds_of_token_let_in(lab: Lab, token: str) -> None:
    """The settings' token and one that the books know are let in."""
    async with caller(app_of(lab), token) as client:
        assert await read(client, "users")


async def test_every_list_and_thing_needs_a_token(lab: Lab) -> None:
    """Without a token everything but health and descriptions ends in 401, wrong parameters too."""
    async with caller(app_of(lab), token=None) as client:
        document = await read(client, "openapi.json")
        for open_to_all in ("health", "problems", "problems/refused"):
            await read(client, open_to_all)
        asked = 0
        for path, methods in document["paths"].items():
            for method, operation in methods.items():
                if path.endswith("/health") or "/problems" in path:
                    continue
                assert operation["security"] == [{"token": []}], path
                where = path.removeprefix("/api/v1/")
                answer = await client.request(method, where, params={"limit": "none"})
                problem(answer, 401)
                assert answer.headers["www-authenticate"] == 'Bearer realm="printmesh"'
                asked += 1
        assert asked > 80


@pytest.mark.parametrize(
    "shown",
    [
        "Bearer wrong",
        f"Bearer {TOKEN}x",
        f"Bearer {TOKEN[:-1]}",
        "Bearer é",  # not ASCII
        f"Bearer {'x' * 10_000}",
        f"Basic {TOKEN}",
        "Bearer",
        "Bearer ",
        TOKEN,
    ],
)
async def test_wrong_tokens_are_refused(lab: Lab, shown: str) -> None:
    """What is not exactly a token, as a bearer's, ends in 401 that says how to come in."""
    async with caller(app_of(lab), token=None) as client:
        answer = await client.get("users", headers={b"Authorization": shown.encode()})
    assert "printmesh central token add" in problem(answer, 401)
    assert answer.headers["www-authenticate"].startswith("Bearer ")


async def test_a_removed_token_is_refused_at_once(lab: Lab) -> None:
    """A token that was taken away does not let in any more."""
    async with caller(app_of(lab), STORED) as client:
        await read(client, "users")
        with lab.books.write() as tx:
            tokens.remove(tx, "reports")
        problem(await client.get("users"), 401)


async def test_without_a_token_in_the_settings_none_is_guessed(lab: Lab) -> None:
    """Without a settings' token, or with an empty one, only the books' tokens let in."""
    for app in (make_app(lab.books), make_app(lab.books, token=SecretStr(""))):
        async with caller(app, token=None) as client:
            for shown in ("Bearer ", "Bearer   ", "Bearer \t"):
                problem(await client.get("users", headers={"Authorization": shown}), 401)
        async with caller(app, STORED) as client:
            await read(client, "users")


async def test_health_tells_what_is_wrong(lab: Lab) -> None:
    """Health is 200 without reasons, 503 with those that the coordinator has."""
    wrong: list[str] = []
    async with caller(make_app(lab.books, troubles=lambda: wrong), token=None) as client:
        assert await read(client, "health") == {"healthy": True, "reasons": []}
        wrong.append("The broker is not reached.")
        answer = await client.get("health")
    assert answer.status_code == 503
    assert answer.json() == {"healthy": False, "reasons": ["The broker is not reached."]}


async def test_books_that_fail_are_told_without_details(lab: Lab) -> None:
    """A database that fails makes health and lists 503, and no name of a table or file shows."""
    with lab.books.write() as tx:
        tx.sql.execute(text("DROP TABLE directory_row"))
    async with caller(app_of(lab)) as client:
        health = await client.get("health")
        answer = await client.get("users")
    assert health.json()["reasons"] == ["The books cannot be read at present."]
    sentence = problem(answer, 503)
    assert "directory_row" not in health.text + sentence
    assert answer.headers["retry-after"]


async def test_a_look_that_hangs_is_not_repeated(tmp_path: Path) -> None:
    """While the disk does not answer, health says so in time, and only one look hangs."""
    books = StuckBooks.open(books_url(tmp_path / "books.db"))
    books.gate.clear()
    look = Probe(books, tuple, patience=0.01)
    try:
        told = [await look.reasons() for _ in range(3)]
        assert told == [("The books have not answered for 0.01 seconds.",)] * 3
        assert books.looks == 1
    finally:
        books.gate.set()
    patient = Probe(books, tuple)
    assert await patient.reasons() == ()
    books.close()


async def test_only_so_many_wait_for_the_books(lab: Lab) -> None:
    """Beyond what is worth queueing a request is refused at once instead of waiting too."""
    reader, gate = Reader(lab.books, None), threading.Event()
    asked = [asyncio.create_task(reader.ask(lambda _: gate.wait(30))) for _ in range(4 + 64)]
    try:
        await asyncio.sleep(0)
        with pytest.raises(TooBusy):
            await reader.ask(lambda _: None)
    finally:
        gate.set()
    assert await asyncio.gather(*asked) == [True] * 68


async def test_a_fault_of_ours_is_a_problem_without_details(lab: Lab) -> None:
    """What nobody planned for ends in 500 and tells a caller nothing of the inside."""
    with lab.books.write() as tx:
        tx.sql.execute(text("UPDATE job SET state = 'no such state'"))
    async with caller(app_of(lab)) as client:
        sentence = problem(await client.get("jobs"), 500)
        assert "no such state" not in sentence
        await read(client, "users")
