"""Money that is not here: asked for, waited for within bounds, and told about."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING, cast
from uuid import UUID

from broker.messages import FundsAnswer, FundsRequest, Granted, MoneyAtSite, Reply, Request
from config.policy.money import Money
from edge.funds import CentralFunds
from edge.store.memory_disk import MemoryDisk
from tests.unit.edge_lab import ANA, NOW, grant, minting, open_books

if TYPE_CHECKING:
    from edge.uplink import Uplink

JOB = UUID(int=1)
WANTED = Money(500, "EUR")


class Line:
    """The line to the centre, which answers what the test says."""

    node = "north"

    def __init__(self, *, coming: int | None = 500, linked: bool = True) -> None:
        self.linked = linked
        self.coming = coming
        self.asked: list[FundsRequest] = []

    async def request(self, method: str, question: Request, *, seconds: float) -> Reply | None:
        """Answer a question."""
        await asyncio.sleep(0)
        assert (method, isinstance(question, FundsRequest)) == ("funds", True)
        assert seconds > 0
        self.asked.append(cast("FundsRequest", question))
        if self.coming is None:
            return None
        where = (
            MoneyAtSite(site="north", micros=1, linked=True),
            MoneyAtSite(site="south", micros=2_000_000, linked=False),
        )
        data = FundsAnswer(coming=self.coming, where=where).model_dump(mode="json")
        return Reply(corr=question.corr, status="ok", data=data)


def funds_on(line: Line) -> CentralFunds:
    """Put the parts together."""
    funds = CentralFunds(books=open_books(MemoryDisk()), mint=minting(), clock=lambda: NOW)
    funds.ask_through(cast("Uplink", line))
    return funds


def granted() -> tuple[Granted, ...]:
    """Return what is told when a grant was applied."""
    return (Granted(grant=UUID(int=3), account=ANA, unit="EUR", micros=500, reason="requested"),)


async def test_it_waits_until_the_grant_is_here() -> None:
    """The answer is not the money: what may be spent is what was applied."""
    books = open_books(MemoryDisk())
    funds = CentralFunds(books=books, mint=minting(), clock=lambda: NOW)
    funds.ask_through(cast("Uplink", Line()))
    fetching = asyncio.create_task(funds.fetch(ANA, WANTED, JOB))
    for _ in range(5):
        await asyncio.sleep(0)
    assert not fetching.done()
    grant(books, 499)
    funds.granted(granted())
    for _ in range(5):
        await asyncio.sleep(0)
    assert not fetching.done()
    grant(books, 1)
    funds.granted(granted())
    async with asyncio.timeout(1):
        await fetching
    assert books.free(ANA, "EUR") == 500


async def test_nobody_waits_for_what_does_not_come() -> None:
    """Too little, no answer or no line: the person is told at once."""
    for line in (Line(coming=499), Line(coming=None)):
        async with asyncio.timeout(1):
            await funds_on(line).fetch(ANA, WANTED, JOB)
        assert [each.micros for each in line.asked] == [500]
    async with asyncio.timeout(1):
        await CentralFunds(books=open_books(MemoryDisk()), mint=minting(), clock=lambda: NOW).fetch(
            ANA, WANTED, JOB
        )


async def test_it_says_where_the_rest_of_the_money_is() -> None:
    """With the line up: the other places; with the line down: why nothing can be fetched."""
    line = Line(coming=0)
    funds = funds_on(line)
    assert funds.whereabouts(ANA, "EUR") == ""  # nobody was asked yet: that is no "nowhere"
    await funds.fetch(ANA, WANTED, JOB)
    assert "at south, which works alone now" in funds.whereabouts(ANA, "EUR")
    assert "north" not in funds.whereabouts(ANA, "EUR")
    line.linked = False
    assert "line to the centre is down" in funds.whereabouts(ANA, "EUR")


async def test_an_answer_that_cannot_be_read_is_no_money() -> None:
    """What a newer centre says in other words is a refusal, not a fault."""

    class Odd(Line):
        async def request(self, method: str, question: Request, *, seconds: float) -> Reply | None:
            reply = await super().request(method, question, seconds=seconds)
            return None if reply is None else reply.model_copy(update={"data": {"coming": "lots"}})

    async with asyncio.timeout(1):
        await funds_on(Odd()).fetch(ANA, WANTED, JOB)
