"""Promises of the read interface's answers: each thing as the books have it, nothing secret."""

from __future__ import annotations

from typing import TYPE_CHECKING
from uuid import UUID

import pytest

from central.store import nodes
from tests.integration.api_lab import SECRETS, Lab, app_of, caller, fill, problem, read, token_of
from tests.integration.books_lab import euros

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
    """Call with the settings' token."""
    async with caller(app_of(lab)) as calling:
        yield calling


def eur(text: str) -> dict[str, object]:
    """Return an amount as answers have it."""
    return {"micros": euros(text), "unit": "EUR"}


async def test_users_are_listed_and_found_in_any_case(client: httpx.AsyncClient) -> None:
    """A person is told as entered; upper case in the address finds the same one."""
    ana = {
        "name": "ana",
        "display": "Ana",
        "groups": [],
        "accounts": ["user:ana"],
        "enabled": True,
    }
    listed = await read(client, "users")
    assert [user["name"] for user in listed["items"]] == ["ana", "bob"]
    assert listed["items"][0] == ana
    known = await read(client, "users/ana")
    assert ana.items() <= known.items()
    assert known["has_pin"] is True
    assert await read(client, "users/ANA") == known


async def test_an_account_says_where_its_money_sits(client: httpx.AsyncClient) -> None:
    """The balance is the sum of what sits at each place, and each place says if it is linked."""
    account = await read(client, "accounts/user:ana")
    assert account == {
        "key": "user:ana",
        "enabled": True,
        "floor": eur("0"),
        "balance": eur("3.80"),
        "places": [{"node": "north", "amount": eur("3.80"), "linked": True}],
    }


async def test_money_at_a_cut_off_site_is_told_so(lab: Lab, client: httpx.AsyncClient) -> None:
    """Money at an edge that is not heard is counted, and marked."""
    with lab.books.write() as tx:
        nodes.nobody_linked(tx)
    account = await read(client, "accounts/user:ana")
    assert account["places"] == [{"node": "north", "amount": eur("3.80"), "linked": False}]


async def test_accounts_are_listed_with_balances(client: httpx.AsyncClient) -> None:
    """A list has each account's whole balance, also of one that never had any money."""
    listed = await read(client, "accounts")
    balances = {item["key"]: item["balance"] for item in listed["items"]}
    assert balances == {"department:a/b": eur("0"), "user:ana": eur("3.80")}


async def test_an_account_with_a_slash_in_its_key_is_found(client: httpx.AsyncClient) -> None:
    """A slash in a key, encoded or not, is part of the key."""
    for path in ("accounts/department:a/b", "accounts/department:a%2Fb"):
        assert (await read(client, path))["key"] == "department:a/b"
        assert (await read(client, f"{path}/entries"))["items"] == []


async def test_entries_have_all_their_postings(lab: Lab, client: httpx.AsyncClient) -> None:
    """Top-up, grant and charge are listed in order, and each sums to zero."""
    entries = (await read(client, "accounts/user:ana/entries"))["items"]
    assert [entry["kind"] for entry in entries] == ["topup", "grant", "charge"]
    for entry in entries:
        assert sum(line["amount"]["micros"] for line in entry["postings"]) == 0
    assert entries[2]["id"] == str(lab.charge)
    assert {"account": "user:ana", "node": "north", "amount": eur("-1.20")} in entries[2][
        "postings"
    ]


async def test_a_job_says_what_was_paid(lab: Lab, client: httpx.AsyncClient) -> None:
    """A settled job has its state, its counts with their source, its charge and who paid."""
    job = await read(client, f"jobs/{lab.job}")
    updated = job.pop("updated_at")
    assert updated.endswith("Z")
    count = {
        "source": "analysis",
        "impressions": 3,
        "color_impressions": 0,
        "sheets": 2,
        "by": None,
    }
    assert job == {
        "uuid": str(lab.job),
        "node": "north",
        "user": "ana",
        "queue": "pull",
        "service": "print",
        "name": "letter.pdf",
        "state": "completed",
        "printer": "north-1",
        "attempt": 1,
        "counts": [count],
        "impressions": 3,
        "charge": str(lab.charge),
        "paid": [{"account": "user:ana", "amount": eur("1.20")}],
        "detail": "",
        "flag": None,
        "received_at": "2026-11-22T08:00:00Z",
    }


@pytest.mark.parametrize(
    ("name", "value", "found"),
    [
        ("user", "ana", 1),
        ("user", "bob", 0),
        ("node", "north", 1),
        ("node", "south", 0),
        ("state", "completed", 1),
        ("state", "pending-held", 0),
    ],
)
async def test_jobs_are_filtered(
    client: httpx.AsyncClient, name: str, value: str, found: int
) -> None:
    """Each filter lets through what it names and nothing else."""
    assert len((await read(client, "jobs", **{name: value}))["items"]) == found


async def test_nodes_and_printers_are_listed(lab: Lab, client: httpx.AsyncClient) -> None:
    """A node is told with its state and journal, a printer with the edge it stands at."""
    (node,) = (await read(client, "nodes"))["items"]
    assert (node["id"], node["site"], node["role"], node["state"], node["linked"]) == (
        "north",
        "north",
        "remote",
        "active",
        True,
    )
    assert UUID(node["incarnation"]) == lab.north.incarnation
    (printer,) = (await read(client, "printers"))["items"]
    told = {"device": "north-1", "node": "north", "name": "", "tags": [], "copies": False}
    assert printer == told


@pytest.mark.parametrize(
    ("path", "named"),
    [
        ("users/nobody", "nobody"),
        ("accounts/user:nobody", "user:nobody"),
        ("accounts/user:nobody/entries", "user:nobody"),
        ("jobs/00000000-0000-7000-8000-000000000000", "00000000-0000-7000-8000-000000000000"),
        ("nothing-here", "openapi.json"),
    ],
)
async def test_what_is_not_there_is_a_problem(
    client: httpx.AsyncClient, path: str, named: str
) -> None:
    """An unknown name ends in 404 with a sentence that says what was looked for."""
    assert named in problem(await client.get(path), 404)


async def test_no_answer_holds_a_secret(lab: Lab, client: httpx.AsyncClient) -> None:
    """Tokens, card numbers, their digests and enrolment codes are in no answer."""
    document = await read(client, "openapi.json")
    every = token_of(lab)
    visited = 0
    for path, methods in document["paths"].items():
        if "get" not in methods:
            continue
        filled = path.removeprefix("/api/v1/").replace("{uuid}", str(lab.job))
        for parameter in methods["get"].get("parameters", ()):
            if parameter["in"] == "path":
                filled = filled.replace(f"{{{parameter['name']}}}", str(parameter["example"]))
        shown = {"Authorization": f"Bearer {every}"}
        asked = {"since": "2026-11-01", "until": "2026-11-30", "act": "free"}
        text = (await client.get(filled, headers=shown)).text
        text += (await client.get(filled, headers=shown, params=asked)).text
        visited += 1
        assert [secret for secret in SECRETS if secret in text] == []
    assert visited > 30


async def test_other_methods_are_refused(client: httpx.AsyncClient) -> None:
    """What a thing does not know ends in 405 and says what it does know."""
    for method, path, known in (
        ("POST", "devices", "GET"),
        ("PUT", "users", "GET, POST"),
        ("PATCH", "accounts/user:ana", "GET"),
        ("DELETE", "rules", "GET, PUT"),
    ):
        answer = await client.request(method, path)
        assert known in problem(answer, 405)
        assert answer.headers["allow"] == known


async def test_the_document_describes_every_field(client: httpx.AsyncClient) -> None:
    """The OpenAPI 3.1 document has a sentence for each field, and problems as what they are."""
    document = await read(client, "openapi.json")
    assert document["openapi"].startswith("3.1.")
    for name, shape in document["components"]["schemas"].items():
        for field, property_ in shape.get("properties", {}).items():
            assert property_.get("description"), f"{name}.{field}"
    for path, operations in document["paths"].items():
        for operation in operations.values():
            for status, answer in operation["responses"].items():
                if int(status) >= 400 and not path.endswith("/health"):
                    assert list(answer["content"]) == ["application/problem+json"]
