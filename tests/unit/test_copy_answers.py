"""What a terminal beside a copier asks, as it comes over the wire."""

from __future__ import annotations

from typing import TYPE_CHECKING
from uuid import UUID

from broker.codec import encode
from broker.messages import (
    CopyBeginRequest,
    CopyCountRequest,
    CopyCounts,
    CopyEndRequest,
    CopyState,
    Person,
    Reply,
    Request,
)
from broker.topics import METHODS
from edge.answers.copies import CopyAnswers
from edge.listing import job_row
from edge.requests import Requests, Unanswered
from edge.sessions import Sessions
from edge.visitors import Vouched
from tests.unit.copies_lab import CopySite
from tests.unit.counter_lab import CARD, asked
from tests.unit.edge_lab import CENT, NOW, euros, grant

if TYPE_CHECKING:
    from edge.answers.words import Visitors

SESSION = UUID(int=0x5E55)


class Beside:
    """A terminal beside a copier."""

    def __init__(self, visitors: Visitors | None = None) -> None:
        self.site = CopySite()
        grant(self.site.books, euros("10"))
        known = visitors or Vouched(self.site.replica)
        copies = CopyAnswers(copying=self.site.copying, visitors=known)
        self.requests = Requests((copies,), operators=frozenset(), clock=self.site.clock)

    async def says(self, question: Request, node: str = "reader-1") -> Reply | Unanswered:
        """Let a node ask."""
        method = next(name for name, model in METHODS.items() if isinstance(question, model))
        payload = encode(question, source=node, id_=UUID(int=1), now=NOW)
        return await self.requests.answer(node, method, payload)

    async def gets(self, question: Request, node: str = "reader-1") -> Reply:
        """Let a node ask what is answered."""
        reply = await self.says(question, node)
        assert isinstance(reply, Reply)
        return reply


def begin(person: Person = CARD, printer: str = "lib-1") -> CopyBeginRequest:
    """Return a wish to copy."""
    return CopyBeginRequest(**asked(person=person, printer=printer))


async def test_a_card_copies_and_pays() -> None:
    """Begin, count and end by the wire's own models: what is charged is what was counted."""
    beside = Beside()
    began = CopyState.model_validate((await beside.gets(begin())).data)
    assert began.go_on
    counts = CopyCounts(monochrome=2)
    question = CopyCountRequest(**asked(copy_id=began.copy_id, counts=counts))
    counted = CopyState.model_validate((await beside.gets(question)).data)
    assert counted.counts == counts
    last = CopyEndRequest(**asked(copy_id=began.copy_id, counts=counts, why="signed off"))
    ended = CopyState.model_validate((await beside.gets(last)).data)
    assert ended.settled
    assert ended.cost[0].micros == 10 * CENT


async def test_an_unknown_card_copies_nothing() -> None:
    """Silence denies: nobody is known by it."""
    beside = Beside()
    reply = await beside.gets(begin(Person(card="0815")))
    assert (reply.status, reply.problem and reply.problem.code) == ("refused", "no-identity")


async def test_a_beginning_that_comes_twice_holds_once() -> None:
    """The same question is answered with the same copy."""
    beside = Beside()
    question = begin()
    first, second = await beside.gets(question), await beside.gets(question)
    assert first == second
    assert len(beside.site.books.jobs()) == 1


async def test_somebody_elses_copy_is_not_found() -> None:
    """Another node that guesses an id learns nothing and changes nothing."""
    beside = Beside()
    began = CopyState.model_validate((await beside.gets(begin())).data)
    counts = CopyCounts(color_large=99)
    for kind in (CopyCountRequest, CopyEndRequest):
        question = kind(**asked(copy_id=began.copy_id, counts=counts))
        reply = await beside.gets(question, node="reader-2")
        assert (reply.status, reply.problem and reply.problem.code) == ("refused", "not-found")
    assert not beside.site.charged()


async def test_a_refusal_says_why() -> None:
    """The code is for machines, the sentence for people, the lines for who wants to know."""
    beside = Beside()
    reply = await beside.gets(begin(printer="lib-9"))
    assert (reply.status, reply.problem and reply.problem.code) == ("refused", "printer-unknown")
    reply = await beside.gets(begin(Person(user="ana")))
    assert reply.status == "ok"


async def test_a_copy_is_listed_as_one() -> None:
    """Lists can tell copies from prints."""
    beside = Beside()
    began = CopyState.model_validate((await beside.gets(begin())).data)
    record = beside.site.books.job(began.copy_id)
    assert record is not None
    assert (job_row(record)["service"], job_row(record)["name"]) == ("copy", "Copies")


class OneSession:
    """Ana, signed in at one terminal until nothing is asked for a minute."""

    def __init__(self) -> None:
        self.seconds = 0.0
        self.sessions = Sessions(idle=60.0, longest=900.0)
        self.sessions.begin(SESSION, "reader-1", "ana", "card", 0.0)

    def who(self, node: str, person: Person) -> str | None:
        """Return Ana while she is signed in."""
        assert person.session is not None
        session = self.sessions.at(node, person.session, self.seconds)
        return session.user if session else None

    def new_card(self, node: str, person: Person) -> str | None:
        """Return None: hers is known."""
        del node, person
        return None


async def test_who_copies_is_not_signed_off_meanwhile() -> None:
    """A long copy keeps its person signed in; a copy at rest does not, and goes on without them."""
    ana = OneSession()
    beside = Beside(ana)
    began = CopyState.model_validate((await beside.gets(begin(Person(session=SESSION)))).data)

    async def count(made: int) -> CopyState:
        counts = CopyCounts(monochrome=made)
        question = CopyCountRequest(**asked(copy_id=began.copy_id, counts=counts))
        return CopyState.model_validate((await beside.gets(question)).data)

    for made in range(1, 6):
        ana.seconds += 50
        assert (await count(made)).go_on
    assert ana.who("reader-1", Person(session=SESSION)) == "ana"
    for _ in range(2):
        ana.seconds += 50
        assert (await count(5)).go_on
    assert ana.who("reader-1", Person(session=SESSION)) is None
    assert (await count(6)).go_on
