"""A counter where terminals ask: a site in memory and everything that may be asked there."""

from __future__ import annotations

import asyncio
from datetime import timedelta
from itertools import count
from typing import TYPE_CHECKING, Any
from uuid import UUID

from broker.codec import encode
from broker.messages import Person, Reply, Request
from broker.topics import METHODS
from edge.answers.jobs import JobAnswers
from edge.answers.rights import Rights
from edge.answers.site import SiteAnswers
from edge.prefetch import Prefetch
from edge.redeeming import Redeeming
from edge.requests import Requests, Unanswered
from edge.visitors import Vouched
from tests.unit.edge_lab import NOW

if TYPE_CHECKING:
    from tests.unit.edge_lab import Site

CARD = Person(card="4711")
NUMBERS = count(1)


class Counter:
    """A site and what may be asked there."""

    def __init__(self, site: Site) -> None:
        self.site = site
        self.verified = asyncio.Event()
        operators = frozenset({"operator"})
        self.rights = Rights(
            books=site.books,
            replica=site.replica,
            visitors=Vouched(site.replica),
            operators=operators,
            node="north",
        )
        jobs = JobAnswers(
            books=site.books,
            replica=site.replica,
            rights=self.rights,
            open_jobs=site.open_jobs,
            releasing=site.releasing,
            redeeming=Redeeming(
                books=site.books, replica=site.replica, clock=site.clock, monotonic=lambda: 0.0
            ),
            prefetch=Prefetch(site.funds.prefetch, wanted=lambda: site.funds.reachable),
            discarding=site.discarding,
        )
        about = SiteAnswers(
            operators=operators, status=lambda: {"ready": True}, verify=self._verify
        )
        self.requests = Requests((jobs, about), operators=operators, clock=site.clock)

    async def _verify(self) -> dict[str, Any]:
        await self.verified.wait()
        return {"holds": True}

    async def hears(self, question: Request, node: str = "panel") -> Reply | Unanswered:
        """Let a node ask."""
        method = next(name for name, model in METHODS.items() if isinstance(question, model))
        payload = encode(question, source=node, id_=UUID(int=1), now=NOW)
        return await self.requests.answer(node, method, payload)

    async def answers(self, question: Request, node: str = "panel") -> Reply:
        """Let a node ask what is answered."""
        reply = await self.hears(question, node)
        assert isinstance(reply, Reply)
        return reply


def asked(**more: Any) -> dict[str, Any]:  # noqa: ANN401  any field
    """Return what every question carries."""
    return {"corr": UUID(int=next(NUMBERS)), "expires_at": NOW + timedelta(seconds=30), **more}
