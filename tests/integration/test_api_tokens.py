"""Promises of tokens: what each may do, where and until when; old ones read as they did."""

from __future__ import annotations

import json
from datetime import timedelta
from typing import TYPE_CHECKING

import pytest
from sqlalchemy import update

from central.acts import tokens as acts
from central.acts.by import By
from central.rights import EVERYWHERE, READS, Right, Scope
from central.store import audit, nodes, tokens
from central.store.ledger import Refused
from central.store.tables import api_token
from tests.integration.api_lab import (
    STORED,
    Lab,
    app_of,
    caller,
    fill,
    problem,
    read,
    token_of,
)

if TYPE_CHECKING:
    from collections.abc import Iterator
    from datetime import datetime
    from pathlib import Path

    from central.store.tokens import Token

EVA = By("cli:eva", "")
NORTH = frozenset({"north"})


@pytest.fixture
def lab(tmp_path: Path) -> Iterator[Lab]:
    """Make an organisation with one of everything."""
    made = fill(tmp_path)
    yield made
    made.books.close()


def add(
    lab: Lab,
    *rights: Right,
    sites: frozenset[str] = frozenset({EVERYWHERE}),
    expires_at: datetime | None = None,
) -> Token | Refused:
    """Make a token by the act of people."""
    scope = Scope(frozenset(rights), sites)
    with lab.books.write() as tx:
        return acts.add(tx, EVA, "till", "a-secret", scope, expires_at=expires_at)


async def test_a_token_does_what_it_was_given_and_the_audit_says_what(lab: Lab) -> None:
    """It is listed with its scope, the audit has it without its secret, and it is let in."""
    made = add(lab, Right.SEE_JOBS, sites=NORTH)
    assert not isinstance(made, Refused)
    assert made.scope == Scope(frozenset({Right.SEE_JOBS}), NORTH)
    with lab.books.read() as tx:
        assert [each.name for each in tokens.every(tx)] == ["reports", "till"]
        (act,) = audit.acts(tx, target="till")
    assert act.after == {"rights": ["see-jobs"], "sites": ["north"], "expires_at": None}
    assert "a-secret" not in json.dumps([act.detail, act.after])
    async with caller(app_of(lab), "a-secret") as client:
        assert (await read(client, "jobs"))["items"]
        assert "see-people" in problem(await client.get("users"), 403)


async def test_old_tokens_read_all_that_they_read(lab: Lab) -> None:
    """A token from before there were rights reads, at all sites, and changes nothing."""
    with lab.books.write() as tx:
        tx.sql.execute(update(api_token).values(rights=None, sites=None, expires_at=None))
        (old,) = tokens.every(tx)
    assert old.scope == Scope(READS, frozenset({EVERYWHERE}))
    async with caller(app_of(lab), STORED) as client:
        for path in ("users", "accounts", "jobs", "nodes", "printers", "devices"):
            assert (await read(client, path))["items"] or path == "devices"
        problem(await client.post("accounts/user:ana/freeze", json={"reason": "no"}), 403)


async def test_a_token_ends_when_it_is_said_to(lab: Lab) -> None:
    """From its moment on it lets nobody in, and the answer says until when it did."""
    with lab.books.read() as tx:
        until = tx.now + timedelta(hours=1)
    add(lab, Right.SEE_JOBS, expires_at=until)
    async with caller(app_of(lab), "a-secret") as client:
        await read(client, "jobs")
        with lab.books.write() as tx:
            tx.sql.execute(update(api_token).values(expires_at=tx.now))
        assert "was good until 2026-11-22" in problem(await client.get("jobs"), 401)


@pytest.mark.parametrize(
    ("rights", "sites", "words"),
    [
        ((Right.CHANGE_STAFF, Right.SEE_JOBS), NORTH, "change-staff: reaches beyond any site"),
        ((Right.SEE_JOBS,), frozenset({"nowhere"}), "there is no edge nowhere"),
        ((Right.SEE_JOBS,), frozenset(), "at least one site"),
        ((), NORTH, "given rights of"),
        ((Right.OWN,), NORTH, "given rights of"),
    ],
)
def test_scopes_that_make_no_sense_are_refused(
    lab: Lab, rights: tuple[Right, ...], sites: frozenset[str], words: str
) -> None:
    """A scope that would give nothing, or more than it says, makes no token."""
    done = add(lab, *rights, sites=sites)
    assert isinstance(done, Refused)
    assert words in done.reason
    with lab.books.read() as tx:
        assert len(tokens.every(tx)) == 1


def test_a_token_that_is_over_or_named_twice_is_refused(lab: Lab) -> None:
    """A moment that is over, a name that is taken, or none: no token."""
    with lab.books.read() as tx:
        now = tx.now
    assert isinstance(add(lab, Right.SEE_JOBS, expires_at=now), Refused)
    assert not isinstance(add(lab, Right.SEE_JOBS), Refused)
    assert isinstance(add(lab, Right.SEE_JOBS), Refused)
    with lab.books.write() as tx:
        assert isinstance(acts.add(tx, EVA, " \t", "x", Scope()), Refused)
        assert isinstance(acts.remove(tx, EVA, "nobody"), Refused)


async def test_what_is_at_another_site_is_not_there(lab: Lab) -> None:
    """A token of south sees no job, node, printer or device of north, and can do nothing there."""
    with lab.books.write() as tx:
        nodes.add(tx, "south", site="South", role="remote", kind="edge", code="c")
    secret = token_of(lab, Right.SEE_JOBS, Right.SEE_FLEET, Right.RUN_FLEET, sites=["south"])
    why = {"reason": "lost"}
    async with caller(app_of(lab), secret) as client:
        assert (await read(client, "jobs"))["items"] == []
        assert (await read(client, "jobs/search"))["items"] == []
        assert (await read(client, "jobs/search", node="north"))["items"] == []
        assert [each["id"] for each in (await read(client, "nodes"))["items"]] == ["south"]
        assert (await read(client, "printers"))["items"] == []
        assert (await read(client, "devices"))["items"] == []
        for path in (f"jobs/{lab.job}", f"jobs/{lab.job}/life", "nodes/north", "printers/north-1"):
            problem(await client.get(path), 404)
        problem(await client.post("nodes/north/revoke", json=why), 404)
        problem(await client.patch("printers/north-1", json={"name": "mine"}), 404)
        new = {"device": "x", "node": "north"}
        problem(await client.post("printers", json=new), 404)
        # a printer of theirs cannot be put to where they have nothing to say
        mine = {"device": "south-1", "node": "south"}
        assert (await client.post("printers", json=mine)).status_code == 201
        problem(await client.patch("printers/south-1", json={"node": "north"}), 404)
        # and a new site is nobody's yet
        problem(await client.post("nodes", json={"node": "west"}), 409)
