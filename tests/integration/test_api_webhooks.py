"""Promises of webhooks through the interface: entered with a secret told once, paused, removed."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest
from sqlalchemy import select

from central.store import webhooks
from central.store.tables import happening
from central.web.app import make_app
from tests.integration.api_lab import Lab, app_of, caller, fill, problem, read, token_of

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Iterator
    from pathlib import Path

    import httpx

ERP = {"name": "erp", "url": "https://erp.example.org/in?key=hidden", "events": ["job", "refund"]}


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


async def done(answer: httpx.Response, status: int = 200) -> Any:  # noqa: ANN401  JSON
    """Return what an act came to."""
    assert answer.status_code == status, answer.text
    return answer.json()


async def test_a_webhook_from_coming_to_leaving(lab: Lab, client: httpx.AsyncClient) -> None:
    """Entered, listed without its secret or key, tried out, paused, gone on with, removed."""
    made = await done(await client.post("webhooks", json=ERP), 201)
    assert "job.held" in made["events"]
    assert "refund.settled" in made["events"]
    (listed,) = (await read(client, "webhooks"))["items"]
    assert listed == {name: value for name, value in made.items() if name != "secret"}
    assert "hidden" not in str(made)
    with lab.books.read() as tx:
        kept = webhooks.find(tx, "erp")
    assert kept is not None
    assert made["secret"] not in kept.sealed
    assert (await client.post("webhooks/erp/try")).status_code == 204
    with lab.books.read() as tx:
        assert tx.sql.execute(select(happening.c.kind)).scalars().all() == ["webhook.test"]
    paused = await done(await client.post("webhooks/erp/pause", json={"why": "moves house"}))
    assert (paused["state"], paused["why"]) == ("paused", "moves house")
    problem(await client.post("webhooks/erp/pause", json={}), 409)
    problem(await client.post("webhooks/erp/try"), 409)
    again = await done(await client.post("webhooks/erp/resume", json={"how": "from-now"}))
    assert (again["state"], again["left_out"]) == ("active", 0)
    problem(await client.post("webhooks/erp/resume", json={}), 409)
    assert (await client.delete("webhooks/erp")).status_code == 204
    problem(await client.get("webhooks/erp"), 404)
    problem(await client.delete("webhooks/erp"), 404)


async def test_a_secret_is_changed_and_both_sign_for_a_day(
    lab: Lab, client: httpx.AsyncClient
) -> None:
    """The new one is told once, by its key the same; the old one ends after a day."""
    made = await done(await client.post("webhooks", json=ERP), 201)
    shown = {"Idempotency-Key": "k"}
    fresh = await done(await client.post("webhooks/erp/rotate", headers=shown))
    assert fresh["secret"] != made["secret"]
    assert await done(await client.post("webhooks/erp/rotate", headers=shown)) == fresh
    with lab.books.read() as tx:
        kept = webhooks.find(tx, "erp")
        assert kept is not None
        assert kept.before_until is not None
        assert (kept.before_until - tx.now).total_seconds() > 86_000


@pytest.mark.parametrize(
    "changed",
    [
        {"url": "http://erp.example.org/"},  # not secret on its way
        {"url": "ftp://erp.example.org/"},
        {"events": ["jobs"]},
        {"above": 1_000_000},  # of use with money only
    ],
)
async def test_what_cannot_be_told_is_refused(
    client: httpx.AsyncClient, changed: dict[str, object]
) -> None:
    """Nothing is entered that nobody could be told of, or nowhere."""
    problem(await client.post("webhooks", json=ERP | changed), 409)
    assert (await read(client, "webhooks"))["items"] == []


async def test_without_a_secret_of_the_centre_none_is_made(lab: Lab) -> None:
    """The secret could not be hidden in the books: it is said, and nothing is entered."""
    async with caller(make_app(lab.books), token_of(lab)) as client:
        problem(await client.post("webhooks", json=ERP), 409)


async def test_kinds_and_messages_are_listed(lab: Lab, client: httpx.AsyncClient) -> None:
    """Every kind with what it tells; messages newest first, a page at a time."""
    kinds = (await read(client, "webhook-kinds"))["items"]
    assert {"job.held", "money.booked"} <= {each["event"] for each in kinds}
    await done(await client.post("webhooks", json=ERP), 201)
    with lab.books.write() as tx:
        kept = webhooks.find(tx, "erp")
        assert kept is not None
        told = [(str(n), "job.held", "{}") for n in range(3)]
        webhooks.enter(tx, kept.n, told, {})
    first = await read(client, "webhooks/erp/messages", limit=2)
    rest = await read(client, "webhooks/erp/messages", limit=2, after=first["next"])
    numbers = [each["n"] for each in first["items"] + rest["items"]]
    assert numbers == sorted(numbers, reverse=True)
    assert (len(numbers), rest["next"]) == (3, None)
