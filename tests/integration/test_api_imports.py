"""Promises of imports through the interface: nothing before it was seen, nothing but what was."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING, Any

import pytest

from central.store import audit
from central.web.api.table import BODY_MOST, Desk
from central.web.app import make_app
from config.settings_directory_services import LdapSettings
from tests.integration.api_lab import Lab, app_of, caller, fill, problem, read, token_of

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Iterator
    from pathlib import Path

    import httpx

HEAD = "Login;Name;Groups;Room\n"
FILE = HEAD + "cara;Cara;staff;12\ndan;Dan;staff;\n"


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


async def done(answer: httpx.Response) -> Any:  # noqa: ANN401  JSON
    """Return what an act came to."""
    assert answer.status_code == 200, answer.text
    return answer.json()


async def taken(client: httpx.AsyncClient, csv: str, **more: object) -> httpx.Response:
    """Look at a file, and take it as it was shown."""
    asked = {name: value for name, value in more.items() if name in {"complete", "adopt"}}
    told = await done(await client.post("imports/check", json={"csv": csv, **asked}))
    return await client.post("imports/take", json={"csv": csv, "plan": told["plan"], **more})


async def test_a_file_is_looked_at_and_taken(lab: Lab, client: httpx.AsyncClient) -> None:
    """The look changes nothing; what it showed is done, and audited with who did it."""
    told = await done(await client.post("imports/check", json={"csv": FILE}))
    assert told["counts"]["added"] == 2
    assert [(each["user"], each["what"]) for each in told["lines"]] == [
        ("cara", "added"),
        ("dan", "added"),
    ]
    assert (told["columns"]["name"], told["ignored"]) == ("Login", ["Room"])
    problem(await client.get("users/cara"), 404)
    body = {"csv": FILE, "plan": told["plan"]}
    assert (await done(await client.post("imports/take", json=body)))["counts"]["added"] == 2
    assert (await read(client, "users/cara"))["groups"] == ["staff"]
    (source,) = [each for each in (await read(client, "sources"))["items"] if each["counts"]]
    assert (source["source"], source["people"], source["state"]) == ("csv", 2, "done")
    with lab.books.read() as tx:
        (noted,) = [each for each in audit.acts(tx) if each.act == "people import"]
    assert noted.author.startswith("api:")


async def test_only_what_was_seen_is_done(client: httpx.AsyncClient) -> None:
    """Another file than was looked at, or people changed since: it is refused."""
    told = await done(await client.post("imports/check", json={"csv": FILE}))
    other = {"csv": FILE + "eve;Eve;;\n", "plan": told["plan"]}
    problem(await client.post("imports/take", json=other), 409)
    await client.post("users", json={"name": "dan"})
    same = {"csv": FILE, "plan": told["plan"]}
    assert "look at it again" in problem(await client.post("imports/take", json=same), 409)
    problem(await client.get("users/cara"), 404)


async def test_a_take_is_done_once_by_its_key(client: httpx.AsyncClient) -> None:
    """No answer came: the same key brings the same answer, though the plan is done by now."""
    told = await done(await client.post("imports/check", json={"csv": FILE}))
    body, shown = {"csv": FILE, "plan": told["plan"]}, {"Idempotency-Key": "k"}
    first, again = [await client.post("imports/take", json=body, headers=shown) for _ in range(2)]
    assert (first.status_code, first.content) == (200, again.content)
    assert again.headers["idempotency-replayed"] == "true"
    problem(await client.post("imports/take", json=body), 409)


async def test_wrong_lines_are_left_out_only_when_it_is_said(client: httpx.AsyncClient) -> None:
    """They are named; without a word nobody is taken, with it all others are."""
    csv = FILE + "bad name!;X;;\n"
    told = await done(await client.post("imports/check", json={"csv": csv}))
    (wrong,) = told["wrong"]
    assert wrong["where"] == "line 4"
    assert "line 4" in problem(await taken(client, csv), 409)
    assert (await done(await taken(client, csv, skip_wrong=True)))["counts"]["added"] == 2


async def test_many_leave_only_when_their_number_is_said(client: httpx.AsyncClient) -> None:
    """A complete file without most of them: nothing is done until the number is confirmed."""
    many = "".join(f"u{n};U{n};;\n" for n in range(10))
    await done(await taken(client, HEAD + many))
    less = HEAD + "u0;U0;;\n"
    told = await done(await client.post("imports/check", json={"csv": less, "complete": True}))
    assert told["brake"] == {"leaving": 9, "of": 10}
    problem(await taken(client, less, complete=True), 409)
    problem(await taken(client, less, complete=True, confirmed=8), 409)
    assert (await read(client, "users/u9"))["enabled"]
    left = await done(await taken(client, less, complete=True, confirmed=9))
    assert left["counts"]["disabled"] == 9
    assert not (await read(client, "users/u9"))["enabled"]


async def test_a_file_may_be_longer_than_other_bodies(client: httpx.AsyncClient) -> None:
    """One of some hundred kilobytes is read; elsewhere a body of that length is refused."""
    long = HEAD + "".join(f"u{n};{'x' * 200};;\n" for n in range(1300))
    assert len(long) > BODY_MOST
    told = await done(await client.post("imports/check", json={"csv": long}))
    assert (told["counts"]["added"], len(told["lines"])) == (1300, 500)
    problem(await client.post("rules/check", json={"text": long}), 413)


@pytest.mark.parametrize("csv", ["x", "\ufeff", "Room\n12\n", '"', "Login\n" + '"' * 7])
async def test_odd_files_are_refused_or_bring_nobody(client: httpx.AsyncClient, csv: str) -> None:
    """Whatever it is: a sentence for people, or a plan that adds nobody."""
    answer = await client.post("imports/check", json={"csv": csv})
    if answer.status_code == 200:
        assert answer.json()["counts"]["added"] == 0
    else:
        problem(answer, 409)


async def test_one_import_at_a_time(client: httpx.AsyncClient) -> None:
    """Of several at once one is worked on; the others are told to come again, or are done after."""
    told = await done(await client.post("imports/check", json={"csv": FILE}))
    body = {"csv": FILE, "plan": told["plan"]}
    answers = await asyncio.gather(
        *(client.post("imports/take", json=body) for _ in range(4)),
    )
    statuses = sorted(each.status_code for each in answers)
    assert statuses.count(200) == 1
    assert set(statuses) <= {200, 409, 503}


async def test_a_service_that_cannot_be_read_says_so(lab: Lab) -> None:
    """The directory services of the settings are listed and asked; another name is not there."""
    service = LdapSettings(
        name="staff",
        url="ldap://127.0.0.1:1",
        base="dc=example",
    )
    app = make_app(lab.books, desk=Desk(services=(service,)))
    async with caller(app, token_of(lab)) as client:
        listed = (await read(client, "sources"))["items"]
        assert "staff" in [each["service"] for each in listed]
        assert "staff cannot be read" in problem(await client.post("sources/staff/check"), 409)
        problem(await client.post("sources/staff/take", json={"plan": "x"}), 409)
        problem(await client.post("sources/other/check"), 404)
