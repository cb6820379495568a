"""Promises of the interface where something went wrong: events put aside, journals that forked."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest

from central.rights import Right
from central.store import audit, closures, nodes, quarantine
from tests.integration.api_lab import (
    Lab,
    app_of,
    caller,
    fill,
    problem,
    put_aside,
    read,
    token_of,
)
from tests.integration.books_lab import euros

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Iterator
    from pathlib import Path

    import httpx

WHY = {"reason": "typo"}


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


# ── put aside ───────────────────────────────────────────────────────────────────────────────


async def test_what_was_put_aside_is_mended_once(lab: Lab, client: httpx.AsyncClient) -> None:
    """Listed, shown, compared, mended by another event: then it is charged, and no second time."""
    id_, meant = put_aside(lab.north)
    (listed,) = (await read(client, "quarantine"))["items"]
    assert (listed["id"], listed["node"], listed["state"]) == (id_, "north", "quarantined")
    of = f"quarantine/{id_}"
    shown = await read(client, of)
    assert '"printer": "?"' in shown["data"]
    assert "not charged to anybody" in shown["meaning"][0]
    problem(await client.post(f"{of}/replay", json={}), 409)
    same = await done(await client.post(f"{of}/compare", json={"event": meant}))
    assert same["refused"] is None
    assert any("north-1" in line for line in same["lines"])
    other = {**meant, "type": "printmesh.ledger.opening"}
    wrong = await done(await client.post(f"{of}/compare", json={"event": other}))
    assert "cannot be used" in wrong["refused"]
    problem(await client.post(f"{of}/repair", json={"event": other, **WHY}), 409)
    problem(await client.post(f"{of}/repair", json={"event": meant, "reason": ""}), 422)
    mended = await done(await client.post(f"{of}/repair", json={"event": meant, **WHY}))
    assert (mended["state"], mended["because"]) == ("repaired", "typo")
    assert mended["author"].startswith("api:")
    assert "already" in problem(
        await client.post(f"{of}/repair", json={"event": meant, **WHY}), 409
    )
    assert (await read(client, "quarantine"))["items"] == []
    assert len((await read(client, "quarantine", all="true"))["items"]) == 1


async def test_what_was_put_aside_is_let_be(lab: Lab, client: httpx.AsyncClient) -> None:
    """What it had spent at the edge goes back to the centre, with who let it be and why."""
    first = lab.north.charge(euros("0.12"))
    lab.north.send(lab.north.say(first))
    # the same charge with another figure: nobody can book both
    lab.north.send(lab.north.say(first.model_copy(update={"printed_above": 1})))
    with lab.books.read() as tx:
        (put,) = quarantine.every(tx)

    async def there() -> int:
        places = (await read(client, "accounts/user:ana"))["places"]
        return next((p["amount"]["micros"] for p in places if p["node"] == "north"), 0)

    before = await there()
    let = await done(await client.post(f"quarantine/{put.id}/dismiss", json=WHY))
    assert (let["state"], let["meaning"]) == ("dismissed", [])
    assert await there() == before - euros("0.12")
    with lab.books.read() as tx:
        (noted,) = [each for each in audit.acts(tx) if each.act == "quarantine dismissed"]
    assert noted.author.startswith("api:")


async def test_events_put_aside_are_paged_and_filtered(lab: Lab, client: httpx.AsyncClient) -> None:
    """A page at a time each comes once; of another edge, or after a foreign cursor: none."""
    made = [put_aside(lab.north)[0] for _ in range(3)]
    first = await read(client, "quarantine", limit=2, node="north")
    rest = await read(client, "quarantine", limit=2, after=first["next"])
    assert [each["id"] for each in first["items"] + rest["items"]] == made
    assert rest["next"] is None
    assert (await read(client, "quarantine", node="south"))["items"] == []
    users = await read(client, "users", limit=1)
    problem(await client.get("quarantine", params={"after": users["next"]}), 422)


# ── forked ──────────────────────────────────────────────────────────────────────────────────


async def test_a_fork_is_looked_at_and_resolved(lab: Lab, client: httpx.AsyncClient) -> None:
    """Nothing is there before; then it is asked for, tried out, and goes on by itself."""
    assert (await read(client, "forks"))["items"] == []
    problem(await client.get("nodes/north/fork"), 404)
    with lab.books.write() as tx:
        nodes.set_state(tx, "north", "frozen", "two branches follow event 1")
    (new,) = (await read(client, "forks"))["items"]
    assert new == {"node": "north", "step": "new", "reason": "two branches follow event 1"}
    assert (await read(client, "nodes/north/fork"))["author"] == ""
    problem(await client.post("nodes/north/fork/rehearse"), 409)
    asked = await done(await client.post("nodes/north/fork/look"))
    assert (asked["step"], asked["collected"]) == ("looking", False)
    assert asked["author"].startswith("api:")
    assert {each["name"] for each in asked["branches"]} == {"ledger", "jobs"}
    going = await done(await client.post("nodes/north/fork/resolve", json={"without_branch": True}))
    assert going["step"] == "booking"
    assert (await read(client, "nodes/north/fork"))["step"] == "booking"
    assert [each["step"] for each in (await read(client, "forks"))["items"]] == ["booking"]


async def test_a_rehearsal_leaves_nothing(lab: Lab, client: httpx.AsyncClient) -> None:
    """It tells what would go back to whom; the money is where it was, and no act is noted."""
    with lab.books.write() as tx:
        nodes.set_state(tx, "north", "frozen", "fork")
    await done(await client.post("nodes/north/fork/look"))
    with lab.books.read() as tx:
        closed, acts = closures.of(tx, "north"), len(audit.acts(tx))
    before = await read(client, "accounts/user:ana")
    for _ in range(2):
        told = await done(await client.post("nodes/north/fork/rehearse"))
        assert told["returned"] == {"EUR": euros("3.80")}
    assert await read(client, "accounts/user:ana") == before
    with lab.books.read() as tx:
        assert (closures.of(tx, "north"), len(audit.acts(tx))) == (closed, acts)


async def test_trouble_of_other_sites_is_not_there(lab: Lab) -> None:
    """A token of another site lists neither event nor fork of this one, and changes none."""
    id_, _ = put_aside(lab.north)
    with lab.books.write() as tx:
        nodes.add(tx, "south", site="South", role="remote", kind="edge", code="c")
        nodes.set_state(tx, "north", "frozen", "fork")
    secret = token_of(lab, Right.RUN_FLEET, Right.SEE_FLEET, sites=["south"])
    async with caller(app_of(lab), secret) as client:
        for path in ("quarantine", "quarantine?node=north", "forks"):
            assert (await read(client, path))["items"] == []
        problem(await client.get(f"quarantine/{id_}"), 404)
        problem(await client.post(f"quarantine/{id_}/dismiss", json=WHY), 404)
        problem(await client.get("nodes/north/fork"), 404)
        problem(await client.post("nodes/north/fork/look"), 404)
        problem(await client.post("nodes/north/fork/resolve", json={}), 404)
        problem(await client.post("nodes/north/fork/rehearse"), 404)
