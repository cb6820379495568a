"""What people wish at the centre's pages: carried out at the edge as theirs, each wish once."""

from __future__ import annotations

import asyncio
import re
from contextlib import asynccontextmanager
from datetime import timedelta
from typing import TYPE_CHECKING, Any
from uuid import UUID

import pytest

from broker.messages import Command, CommandState, JobReleased
from config.ids import NODE_ID_PATTERN
from edge.bidding import CENTRE, Bidding
from tests.unit.counter_lab import NUMBERS, Counter
from tests.unit.edge_lab import ANA, CENT, NOW, Site, grant, said

if TYPE_CHECKING:
    from collections.abc import AsyncIterator
    from pathlib import Path


class Line:
    """The line to the centre: what it was told."""

    def __init__(self) -> None:
        self.told: asyncio.Queue[CommandState] = asyncio.Queue()
        self.cut = False
        self.lost = asyncio.Event()
        """Something was said while it was cut."""

    async def say(self, state: CommandState) -> None:
        """Tell the centre, unless the line is cut."""
        await asyncio.sleep(0)
        if self.cut:
            self.lost.set()
            raise ConnectionError
        self.told.put_nowait(state)


class Afar:
    """A site whose jobs are wished for from the centre."""

    def __init__(self, site: Site) -> None:
        self.site = site
        self.line = Line()
        counter = Counter(site)
        self.bidding = Bidding(counter.requests, say=self.line.say, clock=site.clock)

    async def wish(self, command: Command) -> CommandState:
        """Send a command; return what it came to."""
        taken = self.bidding.obey(command)
        if taken.state != "accepted":
            return taken
        async with asyncio.timeout(5):
            return await self.line.told.get()


@pytest.fixture
async def afar(tmp_path: Path) -> AsyncIterator[Afar]:
    """Make a site with money for two jobs, and serve the centre's wishes."""
    async with _afar(tmp_path) as made:
        yield made


@asynccontextmanager
async def _afar(path: Path) -> AsyncIterator[Afar]:
    site = Site(path)
    await site.ready()
    grant(site.books, 100 * CENT)
    made = Afar(site)
    serving = asyncio.create_task(made.bidding.run())
    try:
        yield made
    finally:
        serving.cancel()
        await asyncio.gather(serving, return_exceptions=True)


def command(what: str, job: object, **args: Any) -> Command:  # noqa: ANN401  any argument
    """Return a wish of Ana's."""
    return Command.model_validate(
        {
            "id": UUID(int=next(NUMBERS)),
            "command": what,
            "args": {"user": "ana", "job": str(job), **args},
            "expires_at": NOW + timedelta(minutes=1),
        }
    )


def releases(site: Site) -> int:
    """Return how often a job was released."""
    return sum(isinstance(each, JobReleased) for each in said(site.books, "jobs"))


async def test_a_wish_releases_its_owners_job_as_wished(afar: Afar) -> None:
    """The answer is the decision; what was to be changed is changed."""
    job = await afar.site.arrive()
    changes = {"sides": "two-sided-long-edge"}
    told = await afar.wish(command("release-job", job, printer="lib-1", changes=changes))
    assert told.state == "successful"
    assert told.data["job"]["job"] == str(job)
    assert told.data["job"]["changed"] == changes
    assert releases(afar.site) == 1


async def test_a_wish_that_comes_twice_releases_once(afar: Afar) -> None:
    """While it is carried out the second is silent, and afterwards it is told the same end."""
    job = await afar.site.arrive()
    wish = command("release-job", job, printer="lib-1")
    assert afar.bidding.obey(wish).state == afar.bidding.obey(wish).state == "accepted"
    async with asyncio.timeout(5):
        first = await afar.line.told.get()
    assert first == await afar.wish(wish)
    assert first.state == "successful"
    assert releases(afar.site) == 1


async def test_an_answer_that_was_lost_is_told_again(afar: Afar) -> None:
    """The line fails after the release: the same command, come again, is told its end."""
    job = await afar.site.arrive()
    wish = command("release-job", job, printer="lib-1")
    afar.line.cut = True
    afar.bidding.obey(wish)
    async with asyncio.timeout(5):
        await afar.line.lost.wait()
    afar.line.cut = False
    assert (await afar.wish(wish)).state == "successful"
    assert releases(afar.site) == 1


async def test_a_refusal_says_why(afar: Afar) -> None:
    """What is not enough money at a terminal is not enough money from afar; it stays held."""
    afar.site.pages = 100
    job = await afar.site.arrive()
    told = await afar.wish(command("release-job", job, printer="lib-1"))
    assert told.state == "failed"
    assert told.data["code"] == "account-limit-reached"
    assert told.detail
    assert told.data["because"]
    assert afar.site.phase(job) == "held"


async def test_nobody_gets_at_the_job_of_another(afar: Afar) -> None:
    """The person the centre names has the rights of that person, and no more."""
    theirs = await afar.site.arrive(user="eve")
    for what in ("release-job", "quote-job", "cancel-job"):
        told = await afar.wish(command(what, theirs, printer="lib-1"))
        assert (told.state, told.data["code"]) == ("failed", "not-found")
    assert afar.site.phase(theirs) == "held"


async def test_a_wish_deletes_and_pays_nothing(afar: Afar) -> None:
    """It is gone, and the money is there as before."""
    job = await afar.site.arrive()
    assert (await afar.wish(command("cancel-job", job))).state == "successful"
    assert afar.site.phase(job) == "canceled"
    assert afar.site.books.free(ANA, "EUR") == 100 * CENT


async def test_a_price_is_said_and_nothing_done(afar: Afar) -> None:
    """What it would come to binds nobody."""
    job = await afar.site.arrive()
    told = await afar.wish(command("quote-job", job, printer="lib-1", changes={"copies": 2}))
    assert told.data["price"][0]["micros"] == 100 * CENT
    assert afar.site.phase(job) == "held"


@pytest.mark.parametrize(
    "args",
    [
        {"user": ""},
        {"user": None},
        {"user": {"card": "4711"}},
        {"job": "no job"},
        {"printer": "../lib"},
        {"changes": {"copies": -1}},
    ],
)
async def test_nonsense_is_refused_in_words(afar: Afar, args: dict[str, Any]) -> None:
    """A wish that is none is answered, and does nothing."""
    job = await afar.site.arrive()
    asked = {"job": job, "printer": "lib-1", **args}
    told = await afar.wish(command("release-job", **asked))
    assert (told.state, told.data["code"]) == ("failed", "invalid")
    assert releases(afar.site) == 0


async def test_more_wishes_than_there_is_room_for_are_told_so(tmp_path: Path) -> None:
    """A flood from afar waits nowhere: what is too much is refused at once."""
    site = Site(tmp_path)
    await site.ready()
    afar = Afar(site)  # nobody serves
    job = await site.arrive()
    states = [
        afar.bidding.obey(command("release-job", job, printer="lib-1")).state for _ in range(40)
    ]
    assert states.count("accepted") < 40
    assert states[-1] == "failed"


def test_no_node_can_be_called_as_the_centre_is() -> None:
    """Its word is taken for people: a terminal of that name would be anybody."""
    assert re.fullmatch(NODE_ID_PATTERN, CENTRE) is None
