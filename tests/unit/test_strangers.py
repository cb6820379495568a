"""Ten thousand swipes a minute: one terminal is told to wait, the others notice nothing."""

from __future__ import annotations

from typing import Any
from uuid import UUID

from hypothesis import given
from hypothesis import strategies as st
from pydantic import SecretStr
from structlog.testing import capture_logs

from broker.codec import encode
from broker.directory import UserRow
from broker.messages import EnrolRequest, IdentifyRequest, Person, Reply, Request
from broker.topics import METHODS
from edge.answers.people import PeopleAnswers
from edge.cards import Allowance
from edge.proving import Proving
from edge.requests import Requests
from edge.store.tries import PinTries
from edge.strangers import MOST, WINDOW, Strangers
from tests.unit.counter_lab import asked
from tests.unit.edge_lab import NOW
from tests.unit.test_pin_backoff import Door, Quick
from tests.unit.test_visitors import Hall

CARD = "4711"
SWIPES = 10_000
#: Answers kept for a terminal, so that what comes twice is acted on once.
KEPT = 200


@given(st.lists(st.floats(0, 20), max_size=120))
def test_no_more_than_so_many_in_any_minute(pauses: list[float]) -> None:
    """Whenever they come, no window has more looks at unknown cards than the limit."""
    strangers, now, looked = Strangers(), 0.0, []
    for pause in pauses:
        now += pause
        rest = strangers.rest("panel", now)
        if rest is None:
            looked.append(now)
            strangers.unknown("panel", now)
        else:
            assert 0 < rest <= WINDOW
            # once it is over they are looked at again
            assert strangers.rest("panel", now + rest + 1e-6) is None
    for first in looked:
        assert sum(first <= each < first + WINDOW for each in looked) <= MOST
    assert strangers.rest("other", now) is None


class Lobby:
    """Terminals of a site in memory, and who answers them."""

    def __init__(self) -> None:
        self.hall = hall = Hall()
        door = Door()
        numbers = iter(range(1, 10**9))
        people = PeopleAnswers(
            visitors=hall.people,
            proving=Proving(
                PinTries(door.tries._kept._database),
                Quick(),  # type: ignore[arg-type]  # a fake of the same shape
                clock=lambda: NOW,
                monotonic=lambda: hall.seconds,
            ),
            replica=hall.replica,
            cards=hall.books.cards,
            bound={},
            allowance=Allowance(),
            node="north",
            mint=lambda: UUID(int=next(numbers)),
            clock=lambda: NOW,
            monotonic=lambda: hall.seconds,
        )
        self.requests = Requests((people,), operators=frozenset(), clock=lambda: NOW)

    async def asks(self, question: Request, node: str = "panel") -> Reply:
        """Let a terminal ask."""
        method = next(name for name, model in METHODS.items() if isinstance(question, model))
        payload = encode(question, source=node, id_=UUID(int=1), now=NOW)
        reply = await self.requests.answer(node, method, payload)
        assert isinstance(reply, Reply)
        return reply

    async def swipes(self, number: str, node: str = "panel") -> Reply:
        """Hold a card to a reader."""
        return await self.asks(IdentifyRequest(**asked(), card=SecretStr(number)), node)


def code(reply: Reply) -> str:
    """Return why it was refused."""
    assert reply.problem is not None, reply
    return reply.problem.code


async def test_a_flood_of_cards_is_bounded_and_keeps_nobody_else() -> None:
    """A few are looked at, the rest wait; elsewhere cards go on, and little is kept and logged."""
    lobby = Lobby()
    first = await lobby.swipes(CARD, "other")
    again = IdentifyRequest(**asked(), card=SecretStr(CARD))
    told = await lobby.asks(again, "other")
    with capture_logs() as lines:
        replies = [await lobby.swipes(f"noise{number}") for number in range(SWIPES)]
    assert [code(each) for each in replies[:MOST]] == ["no-identity"] * MOST
    assert {code(each) for each in replies[MOST:]} == {"wait"}
    assert {each.data["wait_seconds"] for each in replies[MOST:]} == {WINDOW}
    assert len(lines) <= MOST + 1
    # a good card there waits too, or what waits and what does not would tell them apart
    assert code(await lobby.swipes(CARD)) == "wait"
    assert first.status == (await lobby.swipes(CARD, "other")).status == "ok"
    # a doubled question of another terminal is still known
    assert await lobby.asks(again, "other") == told
    assert len(lobby.requests._answers["panel"]) == KEPT
    lobby.hall.seconds += WINDOW
    assert (await lobby.swipes(CARD)).status == "ok"


def test_cards_in_other_questions_count_too() -> None:
    """Nobody gets around it by asking for jobs with a card instead of signing in."""
    hall = Hall()
    seen = [hall.people.seen("panel", Person(card=f"noise{number}")) for number in range(2 * MOST)]
    codes = [getattr(each, "code", "") for each in seen]
    assert codes == ["no-identity"] * MOST + ["wait"] * MOST
    # a node whose word is taken could name anybody anyway
    vouched = [
        hall.people.seen("desk-pc", Person(card=f"noise{number}")) for number in range(2 * MOST)
    ]
    assert {getattr(each, "code", "") for each in vouched} == {"no-identity"}


async def test_nobody_finds_out_whose_numbers_are_taken_by_entering_them() -> None:
    """Refused new cards count as unknown ones: somebody who is signed in learns as little."""
    lobby = Lobby()
    row: dict[str, Any] = {"name": "eve", "pin": "2468"}
    lobby.hall.says("user", "eve", UserRow(**row))
    signed = await lobby.asks(IdentifyRequest(**asked(), user="eve", pin=SecretStr("2468")))
    person = Person(session=UUID(signed.data["session"]))
    replies = [
        await lobby.asks(EnrolRequest(**asked(), person=person, card=SecretStr(CARD)))
        for _ in range(2 * MOST)
    ]
    assert [code(each) for each in replies] == ["card-used"] * MOST + ["wait"] * MOST
