"""Promises of the interface's subjects: people, money, requests, each from coming to going."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest

from central.acts import money
from central.acts.by import By
from tests.integration.api_lab import Lab, app_of, caller, fill, problem, read, token_of
from tests.integration.books_lab import euros

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Iterator
    from pathlib import Path

    import httpx

FIVE = {"amount": {"micros": 5_000_000, "unit": "EUR"}, "note": "cash"}


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


async def test_a_person_from_coming_to_leaving(client: httpx.AsyncClient) -> None:
    """Entered, changed, put into a group, given a card and a PIN, renamed, taken out."""

    async def ok(method: str, path: str, body: object = None, status: int = 200) -> Any:  # noqa: ANN401
        answer = await client.request(method, path, json=body)
        assert answer.status_code == status, answer.text
        return answer.json() if answer.content else None

    new = await ok("POST", "users", {"name": "Cara", "display": "Cara", "groups": ["g"]}, 201)
    assert (new["name"], new["wallets"]) == ("cara", [["user:cara"]])
    problem(await client.post("users", json={"name": "cara"}), 409)
    until = {"expires_at": "2027-01-01T00:00:00Z", "language": "fr"}
    assert (await ok("PATCH", "users/cara", until))["expires_at"] == "2027-01-01T00:00:00Z"
    assert (await ok("PATCH", "users/cara", {"expires_at": None}))["expires_at"] is None
    assert (await ok("PATCH", "users/cara", {"display": "C"}))["language"] == "fr"
    assert await ok("POST", "groups/h/admit", {"users": ["cara", "ana"]}) == {"changed": 2}
    assert await ok("POST", "groups/g/dismiss", {"users": ["cara"]}) == {"changed": 1}
    assert await ok("GET", "groups") == {"items": [{"name": "h", "people": 2}], "next": None}
    card = await ok("POST", "users/cara/cards", {"number": "04DEADBEEF"}, 201)
    name = card["card"]
    assert (await ok("POST", f"users/cara/cards/{name}/block", {"reason": "lost"}))["blocked"]
    problem(await client.post(f"users/ana/cards/{name}/unblock"), 404)
    assert not (await ok("POST", f"users/cara/cards/{name}/unblock"))["blocked"]
    await ok("DELETE", f"users/cara/cards/{name}", status=204)
    assert (await ok("GET", "users/cara/cards")) == {"items": []}
    assert "first that anybody tries" in problem(
        await client.put("users/cara/pin", json={"secret": "1234"}), 409
    )
    await ok("PUT", "users/cara/pin", {"secret": "730519"}, 204)
    assert (await ok("GET", "users/cara"))["has_pin"]
    await ok("DELETE", "users/cara/pin", status=204)
    assert (await ok("POST", "users/cara/rename", {"name": "carla"}))["display"] == "C"
    await ok("DELETE", "users/carla", status=204)
    problem(await client.get("users/carla"), 404)


async def test_money_from_an_account_opened_to_its_end(lab: Lab, client: httpx.AsyncClient) -> None:
    """Opened, changed, topped up, corrected, frozen, merged; a job refunded; a grant entered."""

    async def ok(method: str, path: str, body: object = None, status: int = 200) -> Any:  # noqa: ANN401
        answer = await client.request(method, path, json=body)
        assert answer.status_code == status, answer.text
        return answer.json() if answer.content else None

    await ok("POST", "accounts", {"key": "department:physics", "label": "Physics"}, 201)
    of = "accounts/department:physics"
    assert (await ok("PATCH", f"{of}/rules", {"floor": -1_000_000}))["label"] == "Physics"
    assert (await ok("GET", f"{of}/rules"))["floor"] == -1_000_000
    assert (await ok("POST", f"{of}/top-up", FIVE))["balance"]["micros"] == 5_000_000
    less = {"amount": {"micros": -2_000_000, "unit": "EUR"}, "reason": "counted twice"}
    assert (await ok("POST", f"{of}/correct", less))["balance"]["micros"] == 3_000_000
    assert not (await ok("POST", f"{of}/freeze", {"reason": "a look"}))["enabled"]
    assert (await ok("POST", f"{of}/unfreeze", {}))["enabled"]
    await ok("POST", f"{of}/members/admit", {"users": ["ana"]}, 204)
    ana = {"user": "ana", "display": "Ana", "department": "", "enabled": True}
    assert (await ok("GET", f"{of}/members"))["items"] == [ana]
    assert (await ok("GET", f"{of}/members?q=an"))["items"] == [ana]
    assert (await ok("GET", f"{of}/members?q=bob"))["items"] == []
    await ok("POST", f"{of}/members/dismiss", {"users": ["ana"]}, 204)
    into = {"into": "department:a/b", "reason": "one now"}
    assert (await ok("POST", f"{of}/merge", into))["moved"] == 3_000_000
    part = {"amount": {"micros": euros("0.20"), "unit": "EUR"}, "reason": "pale"}
    (back,) = (await ok("POST", f"jobs/{lab.job}/refund", part))["items"]
    assert back["parts"][0]["amount"]["micros"] == 200_000
    life = await ok("GET", f"jobs/{lab.job}/life")
    assert len(life["charges"][0]["refunds"]) == 1
    grant = {"name": "daily", "account": "user:ana", "micros": 1, "when": {"every": "daily"}}
    assert (await ok("POST", "grants", grant, 201))["target"] == "account:user:ana"
    assert (await ok("POST", "grants/daily/pause"))["paused"]
    assert not (await ok("POST", "grants/daily/resume"))["paused"]
    await ok("DELETE", "grants/daily", status=204)
    lines = {"lines": [{"per_impression": 50_000}]}
    assert (await ok("POST", "tariffs", lines, 201))["state"] == "now"
    later = {**lines, "effective_from": "2030-01-01T00:00:00Z"}
    version = (await ok("POST", "tariffs", later, 201))["version"]
    await ok("DELETE", f"tariffs/{version}", status=204)
    problem(await client.delete("tariffs/1"), 409)


async def test_requests_for_money_are_settled(lab: Lab, client: httpx.AsyncClient) -> None:
    """Asked for by a person, one is given back and another declined; each once."""
    with lab.books.write() as tx:
        asked = money.ask_refund(tx, By("web:ana"), lab.job, user="ana", reason="pale")
    (found,) = (await read(client, "refund-requests", state="open"))["items"]
    assert found["id"] == str(getattr(asked, "id", ""))
    of = f"refund-requests/{found['id']}"
    problem(await client.post(f"{of}/decline", json={"answer": ""}), 422)
    done = (await client.post(f"{of}/settle", json={"answer": "sorry"})).json()
    assert done["request"]["state"] == "refunded"
    assert done["refunds"][0]["parts"][0]["amount"]["micros"] == euros("1.20")
    assert "refunded already" in problem(await client.post(f"{of}/settle", json={}), 409)
