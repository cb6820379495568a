"""The promise that each thing is done by who may: every route as every right and as nobody."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from central.acts.tokens import GIVEN
from central.rights import READS, SITES_RIGHTS, Right, unbounded
from central.store import nodes
from central.web.api.every import ROUTES
from tests.integration.api_lab import STORED, Lab, app_of, caller, fill, things, token_of

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping
    from pathlib import Path

    import httpx

    from central.web.api.table import Route

#: Parts of addresses that lead to a thing at a site.
AT_A_SITE = {"uuid", "id", "node", "device", "event"}


@pytest.fixture
def lab(tmp_path: Path) -> Iterator[Lab]:
    """Make an organisation with one of everything, and a site that has nothing."""
    made = fill(tmp_path)
    with made.books.write() as tx:
        nodes.add(tx, "south", site="South", role="remote", kind="edge", code="c")
    yield made
    made.books.close()


async def ask(client: httpx.AsyncClient, route: Route, parts: Mapping[str, str]) -> httpx.Response:
    """Ask for what a route's example asks for, of what there is."""
    path = route.documented_path
    for name in route.parts:
        path = path.replace(f"{{{name}}}", parts[name])
    return await client.request(
        route.method, path.removeprefix("/"), params=dict(route.example.asked),
        json=route.example.body,
    )  # fmt: skip


async def test_nobody_does_anything(lab: Lab) -> None:
    """Without a token every route but descriptions answers 401."""
    parts = things(lab)
    async with caller(app_of(lab), token=None) as client:
        for route in ROUTES:
            answer = await ask(client, route, parts)
            expected = 200 if route.right is Right.PUBLIC else 401
            assert answer.status_code == expected, (route.method, route.path)


async def test_each_right_opens_its_routes_and_no_other(lab: Lab) -> None:
    """With one right alone, what needs it is let in and all else is 403, before it is looked at."""
    parts = things(lab)
    app = app_of(lab)
    for right in GIVEN:
        async with caller(app, token_of(lab, right)) as client:
            for route in ROUTES:
                if route.right in {right, Right.PUBLIC}:
                    continue
                answer = await ask(client, route, parts)
                assert answer.status_code == 403, (right, route.method, route.path)
                assert route.right.value in answer.json()["detail"]
    async with caller(app, STORED) as client:
        for route in ROUTES:
            answer = await ask(client, route, parts)
            may = route.right in READS or route.right is Right.PUBLIC
            assert (answer.status_code != 403) is may, (route.method, route.path)
            assert not (may and route.writes)


async def test_with_its_right_each_route_answers_as_documented(lab: Lab) -> None:
    """With its right alone each example is done or refused for a reason that its line names."""
    parts = things(lab)
    app = app_of(lab)
    done = 0
    # whoever is staff is another's to change, and what is deleted is nobody's
    for route in sorted(ROUTES, key=lambda each: ("/staff" in each.path, each.method == "DELETE")):
        shown = {} if route.right is Right.PUBLIC else {"token": token_of(lab, route.right)}
        async with caller(app, shown.get("token")) as client:
            answer = await ask(client, route, parts)
        documented = {200, 201, 204, 404, 409, 412, 428}
        assert answer.status_code in documented, (route.method, route.path, answer.text)
        assert answer.status_code != 404 or route.parts, (route.path, answer.text)
        done += answer.status_code < 300
    assert done > 60


async def test_what_is_at_a_site_is_there_for_its_tokens_only(lab: Lab) -> None:
    """A token of the other site finds nothing of this one: no row, no thing, no act."""
    parts = things(lab)
    app = app_of(lab)
    for right in SITES_RIGHTS:
        async with caller(app, token_of(lab, right, sites=["south"])) as client:
            for route in ROUTES:
                if route.right is not right:
                    continue
                answer = await ask(client, route, parts)
                where = (right, route.method, route.path, answer.text)
                if AT_A_SITE & set(route.parts):
                    assert answer.status_code == 404, where
                elif route.method == "GET":
                    assert answer.status_code == 200, where
                    assert "north" not in answer.text, where
                else:
                    assert answer.status_code in {404, 409}, where


async def test_rights_beyond_sites_are_nothing_at_one(lab: Lab) -> None:
    """Of what reaches beyond any site a token of one site does nothing, however it came to it."""
    parts = things(lab)
    app = app_of(lab)
    for right in unbounded(GIVEN):
        async with caller(app, token_of(lab, right, sites=["south"])) as client:
            for route in ROUTES:
                if route.right is right:
                    answer = await ask(client, route, parts)
                    assert answer.status_code == 403, (right, route.method, route.path)
