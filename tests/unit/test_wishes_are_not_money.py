"""Prices, budgets and users in a request are wishes of who wrote it: the edge's books decide."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any, Final
from uuid import UUID

import pytest

from broker.codec import encode
from broker.messages import (
    CopyBeginRequest,
    CopyCountRequest,
    CopyCounts,
    CopyEndRequest,
    CopyState,
    ReleaseRequest,
    Reply,
    Request,
)
from broker.topics import METHODS
from tests.unit.counter_lab import CARD, Counter, asked
from tests.unit.edge_lab import CENT, NOW, Site, grant
from tests.unit.test_copy_answers import Beside

if TYPE_CHECKING:
    from pathlib import Path

    from edge.requests import Requests

#: What somebody who may write what they like would add, by the names that the edge itself uses.
WISHES: Final[dict[str, Any]] = {
    "price": 0,
    "budget": 10**12,
    "cost": [],
    "charges": [],
    "held": [],
    "hold": {"amounts": []},
    "left": 10**9,
    "pages_left": {"monochrome": 10**6},
    "go_on": True,
    "settled": False,
    "stop_margin": -100,
    "most": 10**6,
    "user": "rich",
    "acting": "operator",
    "operator": True,
    "vouched": True,
    "node": "operator",
    "tariff_version": 0,
    "figures": {"impressions": 0},
    "impressions": 0,
    "unlimited": True,
    "decision": "allowed",
}


async def _says(requests: Requests, question: Request) -> Reply:
    """Ask as a terminal would that adds all of that, wherever it can."""
    method = next(name for name, model in METHODS.items() if isinstance(question, model))
    said = json.loads(encode(question, source="panel", id_=UUID(int=1), now=NOW))
    said["data"] = WISHES | said["data"]
    for inside in ("person", "changes", "counts"):
        if isinstance(said["data"].get(inside), dict):
            extra = {key: each for key, each in WISHES.items() if key not in {"user", "node"}}
            said["data"][inside] = extra | said["data"][inside]
    reply = await requests.answer("panel", method, json.dumps(said).encode())
    assert isinstance(reply, Reply), reply
    return reply


async def test_a_budget_in_a_request_is_none() -> None:
    """A copy is as dear, and reaches as far, as without it."""
    states = []
    for wishing in (False, True):
        beside = Beside()

        async def ask(
            question: Request, beside: Beside = beside, *, wishing: bool = wishing
        ) -> CopyState:
            reply = await (
                _says(beside.requests, question) if wishing else beside.gets(question, "panel")
            )
            return CopyState.model_validate(reply.data)

        began = await ask(CopyBeginRequest(**asked(person=CARD, printer="lib-1")))
        counts = {"copy_id": began.copy_id, "counts": CopyCounts(monochrome=3)}
        counted = await ask(CopyCountRequest(**asked(**counts)))
        ended = await ask(CopyEndRequest(**asked(**counts)))
        states.append([each.model_dump(exclude={"copy_id"}) for each in (began, counted, ended)])
        assert ended.cost[0].micros == 15 * CENT
    assert states[0] == states[1]


@pytest.mark.parametrize("cents", [49, 1000])
async def test_a_price_in_a_request_is_none(tmp_path: Path, cents: int) -> None:
    """A release costs what the tariff says, and without that money there is none."""
    site = Site(tmp_path)
    await site.ready()
    grant(site.books, cents * CENT)
    job = await site.arrive()
    reply = await _says(
        Counter(site).requests, ReleaseRequest(**asked(person=CARD, job=job, printer="lib-1"))
    )
    assert reply.status == ("ok" if cents == 1000 else "refused")
    await site.intake.sweep()
    paid = 50 if cents == 1000 else 0
    assert site.books.free("user:ana", "EUR") == (cents - paid) * CENT
