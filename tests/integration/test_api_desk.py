"""Promises of the interface at the desk: guests, people who wait, codes that are carried."""

from __future__ import annotations

import re
from datetime import timedelta
from typing import TYPE_CHECKING, Any

import pytest

from central.acts import people
from central.store import accounts, audit, funds, nodes, secrets
from central.store.ledger import Refused
from central.web.app import make_app
from config.policy.money import Money
from tests.integration.api_lab import (
    Lab,
    app_of,
    ask_to_be_let_in,
    caller,
    fill,
    problem,
    read,
    take_codes,
    token_of,
)
from tests.integration.books_lab import MORNING, MemoryEdge, euros

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Iterator
    from pathlib import Path

    import httpx

CODE = {"user": "ana", "node": "north", "account": "user:ana"}


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


def amount(text: str) -> dict[str, object]:
    """Return an amount as requests have it."""
    return {"micros": euros(text), "unit": "EUR"}


async def done(answer: httpx.Response, status: int = 200) -> Any:  # noqa: ANN401  JSON
    """Return what an act came to."""
    assert answer.status_code == status, answer.text
    return answer.json()


# ── guests ──────────────────────────────────────────────────────────────────────────────────


async def test_a_guest_comes_and_stays_longer(lab: Lab, client: httpx.AsyncClient) -> None:
    """They can sign in by the PIN that was told once, until their time is over."""
    made = await done(await client.post("guests", json={"display": "Dr. Lima"}), 201)
    assert made["name"].startswith("guest-")
    (listed,) = (await read(client, "guests"))["items"]
    assert (listed["name"], listed["until"], listed["enabled"]) == (
        made["name"],
        made["until"],
        True,
    )
    assert "pin" not in listed
    with lab.books.read() as tx:
        row = people.find(tx, made["name"])
    assert not isinstance(row, Refused)
    assert secrets.matches(row.pin or "", made["pin"])
    of = f"guests/{made['name']}/extend"
    later = (MORNING + timedelta(days=9)).isoformat()
    assert (await done(await client.post(of, json={"until": later})))["until"] > made["until"]
    far = (MORNING + timedelta(days=99)).isoformat()
    assert "30 days" in problem(await client.post(of, json={"until": far}), 409)
    assert "no guest" in problem(await client.post("guests/bob/extend", json={"until": later}), 409)


async def test_a_guest_is_told_the_same_pin_when_asked_again(client: httpx.AsyncClient) -> None:
    """No answer came: the same key brings the same guest and PIN, and no second one."""
    shown = {"Idempotency-Key": "k"}
    first, again = [await client.post("guests", json={}, headers=shown) for _ in range(2)]
    assert first.content == again.content
    assert len((await read(client, "guests"))["items"]) == 1


async def test_without_guests_in_the_settings_there_are_none(lab: Lab) -> None:
    """Nobody is made, and no PIN is told."""
    app = make_app(lab.books)
    async with caller(app, token_of(lab)) as client:
        assert "switched off" in problem(await client.post("guests", json={}), 409)
        problem(await client.post("registrations/let-in", json={"code": "x"}), 409)


async def test_who_waits_is_let_in_by_their_code(lab: Lab, client: httpx.AsyncClient) -> None:
    """Listed, let in once with the password they chose, and not listed any more."""
    with lab.books.write() as tx:
        code = ask_to_be_let_in(tx)
    (waits,) = (await read(client, "registrations"))["items"]
    assert (waits["display"], waits["email"]) == ("Dr. Lima", "lima@example.org")
    assert code not in str(waits)
    problem(await client.post("registrations/let-in", json={"code": "wrong"}), 409)
    body = {"code": code.upper(), "pin": False}
    made = await done(await client.post("registrations/let-in", json=body), 201)
    assert (made["name"], made["pin"]) == (waits["name"], None)
    assert (await read(client, "registrations"))["items"] == []
    assert (await read(client, f"users/{made['name']}"))["has_password"]
    problem(await client.post("registrations/let-in", json=body), 409)


async def test_who_waits_may_be_turned_away(lab: Lab, client: httpx.AsyncClient) -> None:
    """Once; their code opens nothing then."""
    with lab.books.write() as tx:
        code = ask_to_be_let_in(tx)
    (waits,) = (await read(client, "registrations"))["items"]
    assert (await client.delete(f"registrations/{waits['n']}")).status_code == 204
    problem(await client.delete(f"registrations/{waits['n']}"), 404)
    problem(await client.post("registrations/let-in", json={"code": code}), 409)


# ── codes ───────────────────────────────────────────────────────────────────────────────────


async def test_a_code_is_made_listed_and_shown(lab: Lab, client: httpx.AsyncClient) -> None:
    """The money goes to the site; the digits are told to who may have them, for half an hour."""
    take_codes(lab)
    await client.post("accounts/user:ana/top-up", json={"amount": amount("2.00")})
    made = await done(await client.post("codes", json=CODE | {"amount": amount("0.50")}), 201)
    assert re.fullmatch(r"(\d{4} ){4}\d{4}", made["digits"])
    (listed,) = (await read(client, "codes", user="Ana"))["items"]
    assert listed == {name: value for name, value in made.items() if name != "digits"}
    assert (await read(client, "codes", node="south"))["items"] == []
    of = f"codes/{made['id']}"
    assert await read(client, of) == listed
    assert (await done(await client.post(f"{of}/show")))["digits"] == made["digits"]
    assert "may have been typed" in problem(await client.post(f"{of}/take-back"), 409)
    lab.clock.now += timedelta(minutes=31)
    assert "not shown any more" in problem(await client.post(f"{of}/show"), 409)


async def test_a_code_that_waits_is_taken_back(lab: Lab, client: httpx.AsyncClient) -> None:
    """While its money is fetched from another site it can be ended, once, and that is audited."""
    take_codes(lab)
    south = MemoryEdge(lab.books, "south")
    south.join()
    with lab.books.write() as tx:
        nodes.seen(tx, {"south": True})
        accounts.top_up(tx, "user:ana", Money(euros("9.00"), "EUR"), note="", author="test")
        funds.grant(tx, "south", "user:ana", "EUR", euros("9.00"), "parked")
    south.listen()
    made = await done(await client.post("codes", json=CODE | {"amount": amount("5.00")}), 201)
    assert (made["state"], made["digits"]) == ("waiting", None)
    of = f"codes/{made['id']}"
    assert (await done(await client.post(f"{of}/show")))["digits"] is None
    assert (await done(await client.post(f"{of}/take-back")))["state"] == "failed"
    assert "taken back" in problem(await client.post(f"{of}/take-back"), 409)
    with lab.books.read() as tx:
        (noted,) = [each for each in audit.acts(tx) if each.act == "code end"]
    assert noted.author.startswith("api:")


async def test_a_code_is_of_an_account_that_one_may_pay_from(
    lab: Lab, client: httpx.AsyncClient
) -> None:
    """Nobody brings another's money, to no site that there is not, and no crooked amount."""
    take_codes(lab)
    await client.post("accounts/user:ana/top-up", json={"amount": amount("2.00")})
    for changed in (
        {"user": "bob"},
        {"user": "nobody"},
        {"node": "nowhere"},
        {"account": "department:a/b"},
        {"amount": amount("0.55")},
        {"amount": amount("200.00")},
    ):
        body = CODE | {"amount": amount("0.50")} | changed
        problem(await client.post("codes", json=body), 409)
    assert (await read(client, "codes"))["items"] == []
