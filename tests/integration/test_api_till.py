"""Promises of the till through the interface: every coin has a receipt, and the count is kept."""

from __future__ import annotations

from base64 import b64decode
from typing import TYPE_CHECKING, Any

import pytest

from central.store import accounts
from tests.integration.api_lab import Lab, app_of, caller, fill, problem, read, token_of
from tests.integration.books_lab import euros

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Iterator
    from pathlib import Path

    import httpx

CASH = {"account": "user:ana", "amount": {"micros": 5_000_000, "unit": "EUR"}}


@pytest.fixture
def lab(tmp_path: Path) -> Iterator[Lab]:
    """Make an organisation with one of everything."""
    made = fill(tmp_path)
    yield made
    made.books.close()


@pytest.fixture
async def client(lab: Lab) -> AsyncIterator[httpx.AsyncClient]:
    """Call with a token that may do everything; the till of the front desk is open."""
    async with caller(app_of(lab), token_of(lab)) as calling:
        body = {"amount": {"micros": 10_000_000, "unit": "EUR"}}
        await done(await calling.post("tills/front-desk/open", json=body))
        yield calling


async def done(answer: httpx.Response) -> Any:  # noqa: ANN401  JSON
    """Return what an act came to."""
    assert answer.status_code == 200, answer.text
    return answer.json()


def whole(lab: Lab) -> int:
    """Return what Ana has."""
    with lab.books.read() as tx:
        return accounts.whole(tx, "user:ana", "EUR")


async def test_a_day_of_a_till(lab: Lab, client: httpx.AsyncClient) -> None:
    """Opened, cash in and out by receipts without gaps, counted with a difference, closed."""
    had = whole(lab)
    first = await done(await client.post("tills/front-desk/take", json=CASH))
    assert (first["kind"], first["amount"]["micros"]) == ("topup", 5_000_000)
    assert first["balance"]["micros"] == had + 5_000_000 == whole(lab)
    back = {**CASH, "amount": {"micros": 2_000_000, "unit": "EUR"}}
    problem(await client.post("tills/front-desk/pay-back", json={**back, "note": ""}), 422)
    second = await done(
        await client.post("tills/front-desk/pay-back", json={**back, "note": "leaves"})
    )
    assert (second["number"], second["amount"]["micros"]) == (first["number"] + 1, -2_000_000)
    (now,) = (await read(client, "tills"))["items"]
    assert (now["receipts"], now["taken"], now["paid_back"]) == (2, 5_000_000, 2_000_000)
    assert now["expected"] == 13_000_000
    assert await read(client, "tills/front-desk") == now
    less = {"counted": 12_900_000}
    assert "Count again" in problem(await client.post("tills/front-desk/close", json=less), 409)
    closed = await done(
        await client.post("tills/front-desk/close", json={**less, "note": "ten cents"})
    )
    assert (closed["difference"], closed["note"]) == (-100_000, "ten cents")
    assert (await read(client, "tills"))["items"] == []
    problem(await client.get("tills/front-desk"), 404)
    problem(await client.post("tills/front-desk/take", json=CASH), 404)
    assert await read(client, f"till-sessions/{closed['n']}") == closed
    assert (await read(client, "till-sessions", till="front-desk"))["items"] == [closed]
    listed = (await read(client, "receipts", session=closed["n"]))["items"]
    assert listed == [second, first]
    assert (await read(client, "receipts", account="user:bob"))["items"] == []


async def test_a_receipt_is_taken_back_once(lab: Lab, client: httpx.AsyncClient) -> None:
    """By another one that names it; the money is off the account again."""
    had = whole(lab)
    first = await done(await client.post("tills/front-desk/take", json=CASH))
    of = f"receipts/{first['number']}"
    assert (await read(client, of))["taken_back"] is None
    back = await done(await client.post(f"{of}/take-back", json={"reason": "wrong person"}))
    assert (back["reverses"], whole(lab)) == (first["number"], had)
    assert (await read(client, of))["taken_back"] == back["number"]
    again = await client.post(f"{of}/take-back", json={"reason": "wrong person"})
    assert "already" in problem(again, 409)


async def test_cash_is_taken_once_by_its_key(lab: Lab, client: httpx.AsyncClient) -> None:
    """No answer came: the same key brings the same receipt, and no second one."""
    had, shown = whole(lab), {"Idempotency-Key": "k"}
    for _ in range(2):
        await done(await client.post("tills/front-desk/take", json=CASH, headers=shown))
    assert whole(lab) == had + euros("5.00")
    assert len((await read(client, "receipts"))["items"]) == 1


async def test_papers_are_pdf(client: httpx.AsyncClient) -> None:
    """A receipt on a sheet and on a roll, in each language; a close once it is closed."""
    first = await done(await client.post("tills/front-desk/take", json=CASH))
    told = [
        await read(client, f"receipts/{first['number']}/paper", paper=paper, language=language)
        for paper, language in (("a4", "en"), ("80mm", "fr"), ("80mm", "de"), ("a4", "es"))
    ]
    assert {each["name"] for each in told} == {f"receipt-{first['number']}.pdf"}
    assert all(b64decode(each["pdf"]).startswith(b"%PDF-") for each in told)
    assert len({each["pdf"] for each in told}) == len(told)
    at = f"till-sessions/{first['session']}/paper"
    problem(await client.get(at), 404)
    await done(await client.post("tills/front-desk/close", json={"counted": 15_000_000}))
    assert b64decode((await read(client, at))["pdf"]).startswith(b"%PDF-")


async def test_a_till_is_opened_once_and_in_the_books_currency(client: httpx.AsyncClient) -> None:
    """Neither twice, nor with pages or a debt in it, nor under a name that is none."""
    for name, micros, unit, status in (
        ("front-desk", 0, "EUR", 409),  # open already
        ("other", 0, "page", 409),
        ("other", -1, "EUR", 409),
        ("Other", 0, "EUR", 422),
    ):
        body = {"amount": {"micros": micros, "unit": unit}}
        problem(await client.post(f"tills/{name}/open", json=body), status)
    problem(await client.get("till-sessions/99"), 404)
    problem(await client.get("receipts/99"), 404)
    problem(await client.get("receipts/99/paper"), 404)
