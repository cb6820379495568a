"""Promises of acts through the interface: done once, by whom, and nothing of what is refused."""

from __future__ import annotations

import asyncio
import json
from datetime import timedelta
from typing import TYPE_CHECKING

import pytest
from sqlalchemy import select, update

from broker.credentials import CredentialFile, hash_of
from central.rights import Right
from central.store import accounts, audit, directory, staff
from central.store.kept_answers import KEPT
from central.store.tables import api_answer
from tests.integration.api_lab import Lab, app_of, caller, fill, problem, read, token_of

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
    assert [each.hash for each in file.entries()] == [hash_of(told["secret"])]
    renewed = (await client.post("nodes/south/secret")).json()
    assert [each.hash for each in file.entries()] == [hash_of(renewed["secret"])]
    why = {"reason": "stolen"}
    assert (await client.post("nodes/south/revoke", json=why)).status_code == 204
    assert file.entries() == ()
    assert (await read(client, "nodes/north/meaning", act="write-off"))["refused"]
    wished = await client.put("nodes/south/role", json={"role": "agent"})
    assert (wished.json()["role"], wished.json()["taken_at"]) == ("agent", None)


async def test_a_file_of_secrets_that_cannot_be_written_undoes_the_act(
    lab: Lab, client: httpx.AsyncClient
) -> None:
    """There is no node that cannot connect: the act is refused, and can be done later."""
    lab.credentials.write_text("no JSON")
    new = {"node": "south", "site": "South"}
    said = problem(await client.post("nodes", json=new, headers=key("n")), 409)
    assert "cannot be written" in said
    assert str(lab.credentials) not in said
    problem(await client.get("nodes/south"), 404)
    lab.credentials.unlink()
    assert (await client.post("nodes", json=new, headers=key("n"))).status_code == 201
