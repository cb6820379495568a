"""Promises of acts through the interface: done once, by whom, and nothing of what is refused."""

from __future__ import annotations

import asyncio
import json
from datetime import timedelta
from typing import TYPE_CHECKING, Any

import pytest
from sqlalchemy import select, update

from broker.credentials import CredentialFile
from central.rights import Right
from central.store import accounts, audit, directory, staff
from central.store.kept_answers import KEPT
from central.store.tables import api_answer
from tests.integration.api_lab import Lab, app_of, caller, fill, problem, read, token_of
from tests.integration.books_lab import euros

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Iterator
    from pathlib import Path

    import httpx

FIVE = {"amount": {"micros": 5_000_000, "unit": "EUR"}, "note": "cash"}
RULES = '[[rules]]\nname = "both sides"\nthen.two_sided = true\n'


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


def key(name: str) -> dict[str, str]:
    """Return the header of a key."""
    return {"Idempotency-Key": name}


# ── once ────────────────────────────────────────────────────────────────────────────────────


async def test_the_same_key_and_request_is_done_once(lab: Lab, client: httpx.AsyncClient) -> None:
    """Sent three times it is booked once, and each time the answer is the same to the byte."""
    had = whole(lab)
    told = [
        await client.post("accounts/user:ana/top-up", json=FIVE, headers=key(name))
        for name in ("k-1", "k-1", '"k-1"')
    ]
    assert [each.status_code for each in told] == [200, 200, 200]
    assert len({each.content for each in told}) == 1
    assert [each.headers.get("idempotency-replayed") for each in told] == [None, "true", "true"]
    assert whole(lab) == had + 5_000_000
    await client.post("accounts/user:ana/top-up", json=FIVE, headers=key("k-2"))
    assert whole(lab) == had + 10_000_000


async def test_a_key_is_one_requests(lab: Lab, client: httpx.AsyncClient) -> None:
    """With another body, at another address: 422, and nothing is done."""
    had = whole(lab)
    await client.post("accounts/user:ana/top-up", json=FIVE, headers=key("k"))
    more = {**FIVE, "note": "twice"}
    for path, body in (
        ("accounts/user:ana/top-up", more),
        ("accounts/department:a%2Fb/top-up", FIVE),
    ):
        answer = await client.post(path, json=body, headers=key("k"))
        problem(answer, 422)
        assert answer.json()["type"] == "/api/v1/problems/key-used"
    assert whole(lab) == had + 5_000_000


async def test_keys_of_others_are_others(lab: Lab, client: httpx.AsyncClient) -> None:
    """Two tokens may take the same key: each has its own."""
    had = whole(lab)
    await client.post("accounts/user:ana/top-up", json=FIVE, headers=key("k"))
    other = token_of(lab, Right.TAKE_MONEY)
    shown = {**key("k"), "Authorization": f"Bearer {other}"}
    answer = await client.post("accounts/user:ana/top-up", json=FIVE, headers=shown)
    assert "idempotency-replayed" not in answer.headers
    assert whole(lab) == had + 10_000_000


async def test_of_many_at_once_one_acts(lab: Lab) -> None:
    """Ten requests with one key through two applications at the same moment: one is booked."""
    had, secret = whole(lab), token_of(lab)
    async with caller(app_of(lab), secret) as one, caller(app_of(lab), secret) as other:
        told = await asyncio.gather(
            *(
                each.post("accounts/user:ana/top-up", json=FIVE, headers=key("k"))
                for each in (one, other) * 5
            )
        )
    assert len({each.content for each in told}) == 1
    assert sum("idempotency-replayed" in each.headers for each in told) == 9
    assert whole(lab) == had + 5_000_000


async def test_what_was_refused_is_tried_anew(lab: Lab, client: httpx.AsyncClient) -> None:
    """A refusal did nothing and is not kept: with the same key it can be done later."""
    body = {"key": "project:x", "parent": "project:y"}
    refused = await client.post("accounts", json=body, headers=key("k"))
    problem(refused, 409)
    await client.post("accounts", json={"key": "project:y"})
    again = await client.post("accounts", json=body, headers=key("k"))
    assert again.status_code == 201, again.text


async def test_answers_are_kept_for_a_day_and_are_unreadable(
    lab: Lab, client: httpx.AsyncClient
) -> None:
    """A secret in an answer is nowhere in the books; after a day the key is new, and it is gone."""
    new = {"node": "south", "site": "South"}
    told = (await client.post("nodes", json=new, headers=key("n"))).json()
    again = (await client.post("nodes", json=new, headers=key("n"))).json()
    assert told == again
    with lab.books.read() as tx:
        rows = tx.sql.execute(select(api_answer)).all()
        kept = json.dumps([list(map(str, row)) for row in rows])
    assert told["secret"] not in kept
    assert told["enrolment_code"] not in kept
    assert "south" not in kept
    with lab.books.write() as tx:
        tx.sql.execute(update(api_answer).values(at=tx.now - KEPT - timedelta(seconds=1)))
    assert "already" in problem(await client.post("nodes", json=new, headers=key("n")), 409)
    await client.post("accounts/user:ana/top-up", json=FIVE, headers=key("t"))
    with lab.books.read() as tx:
        assert len(tx.sql.execute(select(api_answer)).all()) == 1


@pytest.mark.parametrize("wrong", ["", " ", "é", "x" * 256, "two words"])
async def test_keys_that_are_none_are_refused(client: httpx.AsyncClient, wrong: str) -> None:
    """A key nobody could send again as it was: 422, nothing is done."""
    headers = {b"Idempotency-Key": wrong.encode()}
    problem(await client.post("accounts/user:ana/top-up", json=FIVE, headers=headers), 422)


# ── states ──────────────────────────────────────────────────────────────────────────────────


async def test_two_do_not_undo_each_others_changes(client: httpx.AsyncClient) -> None:
    """Both read, one changes: the other's If-Match is refused until they have read again."""
    seen = (await client.get("users/ana")).headers["etag"]
    first = await client.patch("users/ana", json={"department": "A"}, headers={"If-Match": seen})
    assert first.status_code == 200, first.text
    late = await client.patch("users/ana", json={"display": "B"}, headers={"If-Match": seen})
    problem(late, 412)
    assert (await read(client, "users/ana"))["display"] == "Ana"
    fresh = first.headers["etag"]
    assert (await client.get("users/ana")).headers["etag"] == fresh
    done = await client.patch("users/ana", json={"display": "B"}, headers={"If-Match": fresh})
    assert done.json()["display"] == "B"
    unchanged = await client.get("users/ana", headers={"If-None-Match": done.headers["etag"]})
    assert (unchanged.status_code, unchanged.content) == (304, b"")


async def test_rules_are_put_in_force_over_those_that_were_read(client: httpx.AsyncClient) -> None:
    """Without If-Match 428; with that of older rules 412; what is wrong with rules is said."""
    body = {"text": RULES, "why": "less paper"}
    problem(await client.put("rules", json=body), 428)
    seen = (await client.get("rules")).headers["etag"]
    done = await client.put("rules", json=body, headers={"If-Match": seen})
    assert done.json()["rules"][0]["name"] == "both sides"
    problem(await client.put("rules", json={"text": ""}, headers={"If-Match": seen}), 412)
    assert (await read(client, "rules"))["version"] == 1
    checked = (await client.post("rules/check", json={"text": "[[rules]]\nname = 1"})).json()
    assert checked["usable"] is False
    assert {each["line"] for each in checked["faults"]} == {1, 2}
    thought = {"user": "ana", "printer": "north-1", "pages": 2}
    tried = (await client.post("rules/try", json={"thought": thought})).json()
    assert tried["conversions"]["sides"] == "two-sided-long-edge"
    past = await client.post("rules/try", json={"job": "00000000-0000-7000-8000-000000000000"})
    problem(past, 404)


# ── who, and what of it stays ───────────────────────────────────────────────────────────────


async def test_the_audit_and_entries_name_the_token_and_the_address(
    lab: Lab, client: httpx.AsyncClient
) -> None:
    """Whatever a program does is told with its token's name, and where it came from."""
    await client.post("accounts/user:ana/top-up", json=FIVE)
    with lab.books.read() as tx:
        act = audit.search(tx, audit.Which(act="topup"), limit=1)[0]
    assert act.author.startswith("api:a-token-with-")
    assert act.address == "127.0.0.1"
    entry = (await read(client, "accounts/user:ana/entries"))["items"][-1]
    assert (entry["author"], entry["note"]) == (act.author, "cash")
    told = (await read(client, "audit", act="topup"))["items"][0]
    assert (told["author"], told["address"]) == (act.author, "127.0.0.1")


async def test_what_is_refused_leaves_nothing(lab: Lab, client: httpx.AsyncClient) -> None:
    """A refusal half-way undoes what came before it: no member, no act, no entry."""
    with lab.books.read() as tx:
        before = len(audit.acts(tx))
    users = {"users": ["ana", "nobody"]}
    said = problem(await client.post("accounts/department:a%2Fb/members/admit", json=users), 409)
    assert "nobody" in said
    assert (await read(client, "accounts/department:a%2Fb/members"))["items"] == []
    said = problem(await client.post("groups/g/admit", json=users), 409)
    assert "nobody" in said
    with lab.books.read() as tx:
        assert len(audit.acts(tx)) == before


async def test_staff_is_changed_by_who_may_change_staff(lab: Lab) -> None:
    """Who helps people could become an administrator by a password: not without that right."""
    async with caller(app_of(lab), token_of(lab)) as client:
        given = await client.put("staff/ana/roles/administrator", json={"sites": ["*"]})
        assert given.status_code == 200, given.text
        last = await client.delete("staff/ana/roles/administrator")
        assert "last administrator" in problem(last, 409)
    helping = token_of(lab, Right.HELP_PEOPLE, Right.CHANGE_PEOPLE)
    secret = {"secret": "four dry words rain"}
    async with caller(app_of(lab), helping) as client:
        for method, path, body in (
            ("PUT", "users/ana/password", secret),
            ("PUT", "users/ana/pin", {"secret": "730519"}),
            ("POST", "users/ana/cards", {"number": "X1Y2"}),
            ("PATCH", "users/ana", {"enabled": False}),
            ("DELETE", "users/ana", None),
        ):
            assert "change-staff" in problem(await client.request(method, path, json=body), 403)
        assert (await client.put("users/bob/password", json=secret)).status_code == 204
    with lab.books.read() as tx:
        assert staff.grants(tx, "ana")
        row = directory.get(tx, "user", "bob")
        assert row is not None
        assert row["password"].startswith("$argon2id$")


async def test_secrets_of_nodes_are_the_brokers_too(lab: Lab, client: httpx.AsyncClient) -> None:
    """Entered, renewed and revoked: the broker's file holds the hash of just what was told."""
    file = CredentialFile(lab.credentials)
    told = (await client.post("nodes", json={"node": "south", "site": "South"})).json()
    from broker.credentials import hash_of  # noqa: PLC0415

    assert [each.hash for each in file.entries()] == [hash_of(told["secret"])]
    renewed = (await client.post("nodes/south/secret")).json()
    assert [each.hash for each in file.entries()] == [hash_of(renewed["secret"])]
    why = {"reason": "stolen"}
    assert (await client.post("nodes/south/revoke", json=why)).status_code == 204
    assert file.entries() == ()
    assert (await read(client, "nodes/north/meaning", act="write-off"))["refused"]
    wished = await client.put("nodes/south/role", json={"role": "agent"})
    assert (wished.json()["role"], wished.json()["taken_at"]) == ("agent", None)


# ── how much, how fast, how odd ─────────────────────────────────────────────────────────────


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


# ── each subject, once through ──────────────────────────────────────────────────────────────


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
    assert (await ok("GET", f"{of}/members"))["items"] == [{"user": "ana"}]
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
    from central.acts import money  # noqa: PLC0415
    from central.acts.by import By  # noqa: PLC0415

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
