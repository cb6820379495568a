"""Promises of the interface about sites: their line, worst case, streams; held jobs from afar."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any
from uuid import UUID

import pytest

from broker.messages import SiteTerminals, TerminalHere, UncoveredCap
from central.acts import nodes as node_acts
from central.acts.by import By
from central.rights import Right
from central.store import audit, commands, nodes, site_terminals
from central.store.terms import Terms, Wish
from tests.integration.api_lab import (
    Lab,
    app_of,
    caller,
    fill,
    held,
    problem,
    put_aside,
    read,
    token_of,
)
from tests.integration.books_lab import MORNING, euros

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
    """Call with a token that may do everything."""
    async with caller(app_of(lab), token_of(lab)) as calling:
        yield calling


async def done(answer: httpx.Response) -> Any:  # noqa: ANN401  JSON
    """Return what an act came to."""
    assert answer.status_code == 200, answer.text
    return answer.json()


def link(lab: Lab, *, linked: bool = True) -> None:
    """Have north be heard now, or not, with a program that knows wishes from afar."""
    birth = lab.north.birth().model_copy(update={"wire": 4})
    with lab.books.write() as tx:
        assert isinstance(nodes.accept(tx, "north", birth), nodes.Accepted)
        nodes.seen(tx, {"north": linked})


def hold(lab: Lab) -> UUID:
    """Have a job of Ana's wait at north."""
    job = lab.north.mint()
    lab.north.send(lab.north.say(held(lab.north, job, "ana"), name="jobs"), name="jobs")
    return job


# ── sites ───────────────────────────────────────────────────────────────────────────────────


async def test_sites_are_listed_with_their_line(lab: Lab, client: httpx.AsyncClient) -> None:
    """Alone, then linked, as the books have it; a new one beside it."""
    link(lab, linked=False)
    with lab.books.write() as tx:
        nodes.add(tx, "south", site="South", role="remote", kind="edge", code="c")
    north, south = (await read(client, "sites"))["items"]
    assert (north["node"], north["state"]) == ("north", "alone")
    assert (south["node"], south["site"], south["state"]) == ("south", "South", "new")
    link(lab)
    first = await read(client, "sites", limit=1)
    assert first["items"][0]["state"] == "linked"
    assert (await read(client, "sites", after=first["next"]))["items"] == [south]


async def test_the_worst_case_of_a_site_is_a_number(lab: Lab, client: httpx.AsyncClient) -> None:
    """What sits there is no exposure; what may be charged past it is, as the terms cap it."""
    link(lab)
    told = await read(client, "nodes/north/exposure")
    assert told["units"]["EUR"]["allocated"] == euros("3.80")
    assert told["units"]["EUR"]["worst"] == 0
    with lab.books.write() as tx:
        cap = UncoveredCap(unit="EUR", site=5_000_000)
        wish = node_acts.set_role(tx, By("cli:test"), "north", Wish("tracker", (cap,)))
        assert isinstance(wish, Terms)
    told = await read(client, "nodes/north/exposure")
    assert (told["wished"], told["units"]["EUR"]["worst"]) == ("tracker", 5_000_000)


async def test_streams_tell_what_is_put_aside(lab: Lab, client: httpx.AsyncClient) -> None:
    """Written, applied, and one that waits for a person."""
    put_aside(lab.north)
    told = await read(client, "nodes/north/streams")
    (ledger,) = [
        each for each in told["streams"] if (each["name"], each["direction"]) == ("ledger", "up")
    ]
    assert (ledger["aside"], ledger["waiting"]) == (1, 0)
    assert ledger["applied"] == ledger["sent"] == len(lab.north.journal["ledger"])
    assert told["directory"] > told["replica"] == 0


async def test_terminals_are_as_their_edge_told(lab: Lab, client: httpx.AsyncClient) -> None:
    """None before it told of any; of what is no edge there is nothing."""
    assert await read(client, "nodes/north/terminals") == {"items": [], "updated_at": None}
    here = TerminalHere(terminal="north-panel", online=False, since=MORNING)
    with lab.books.write() as tx:
        site_terminals.put(tx, "north", SiteTerminals(terminals=(here,), updated_at=MORNING))
        nodes.add(tx, "wall", site="Foyer", role="", kind="dashboard", code=None)
    (told,) = (await read(client, "nodes/north/terminals"))["items"]
    assert (told["terminal"], told["online"]) == ("north-panel", False)
    problem(await client.get("nodes/wall/terminals"), 404)
    problem(await client.get("nodes/nowhere/exposure"), 404)


# ── held jobs ───────────────────────────────────────────────────────────────────────────────


async def test_a_held_job_is_released_from_afar(lab: Lab, client: httpx.AsyncClient) -> None:
    """Its site is told at once, with what is to be different; who wished it is in the audit."""
    link(lab, linked=False)
    job = hold(lab)
    body = {"printer": "north-1", "copies": 2, "print_color_mode": "monochrome"}
    assert "works alone" in problem(await client.post(f"jobs/{job}/release", json=body), 409)
    link(lab)
    wish = await done(await client.post(f"jobs/{job}/release", json=body))
    assert (wish["what"], wish["state"], wish["node"]) == ("release-job", "waiting", "north")
    with lab.books.write() as tx:
        found = commands.find(tx, UUID(wish["wish"]))
        assert found is not None
        assert found.args["changes"] == {"copies": 2, "print_color_mode": "monochrome"}
        assert (found.args["user"], found.args["job"]) == ("ana", str(job))
        (noted,) = [each for each in audit.acts(tx) if each.act == "job release wish"]
        assert noted.author.startswith("api:")
    assert await read(client, f"jobs/{job}/wishes/{wish['wish']}") == wish
    problem(await client.get(f"jobs/{lab.job}/wishes/{wish['wish']}"), 404)


async def test_a_held_job_is_priced_or_thrown_away(lab: Lab, client: httpx.AsyncClient) -> None:
    """Both are the site's to do; at a printer of another site, or for a job that is over: not."""
    link(lab)
    job = hold(lab)
    quote = await done(await client.post(f"jobs/{job}/quote", json={"printer": "north-1"}))
    assert quote["what"] == "quote-job"
    away = await done(await client.post(f"jobs/{job}/cancel"))
    assert away["what"] == "cancel-job"
    problem(await client.post(f"jobs/{job}/quote", json={"printer": "south-1"}), 409)
    problem(await client.post(f"jobs/{lab.job}/cancel"), 409)
    problem(await client.post(f"jobs/{job}/release", json={"printer": "north-1", "copies": 0}), 422)


async def test_held_jobs_of_other_sites_are_not_there(lab: Lab) -> None:
    """A token of another site wishes nothing of a job at this one."""
    link(lab)
    job = hold(lab)
    with lab.books.write() as tx:
        nodes.add(tx, "south", site="South", role="remote", kind="edge", code="c")
    secret = token_of(lab, Right.HANDLE_JOBS, sites=["south"])
    async with caller(app_of(lab), secret) as client:
        problem(await client.post(f"jobs/{job}/release", json={"printer": "north-1"}), 404)
        problem(await client.post(f"jobs/{job}/cancel"), 404)
    with lab.books.read() as tx:
        assert commands.lately(tx, MORNING) == []
