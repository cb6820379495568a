"""Promises of the coordinator about rolled-back journals: found out, frozen, ended by itself."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from broker import topics
from broker.codec import Received, decode, encode
from broker.messages import Command, FeedAlert, Reply
from central.coordinator import Coordinator
from central.fleet import Fleet
from central.mailboxes import Mail
from central.store import accounts, closures, funds, nodes, streams
from central.store.ledger import LedgerUnbalanced
from config.policy.money import Money
from edge.store.books import DOWN
from tests.integration.books_lab import euros
from tests.integration.forks_lab import ANA, DiskEdge, sound

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence
    from pathlib import Path

    from broker.messages import Message
    from central.fleet import Say


class Talk:
    """The coordinator and one real edge's journal, with everything that is said between them."""

    def __init__(self, edge: DiskEdge) -> None:
        self.edge = edge
        self.coordinator = Coordinator(Fleet(edge.centre, clock=edge.ticks, dice=edge.dice))
        self.now = 0.0
        self.alerts: list[str] = []
        self.replies: list[Reply] = []
        self.coordinator.connected(edge.mint(), self.now)

    def say(self, topic: topics.Topic, message: Message, **levels: str) -> None:
        """Let the edge say something, and answer what it is told, until nobody has more to say."""
        payload = encode(message, source="north", id_=self.edge.mint(), now=self.edge.clock())
        mail = Mail("north", topic.of(node="north", **levels), payload)
        self.now += 0.1
        self._answer(self.coordinator.heard([mail], self.now))

    def born(self) -> None:
        """Let the edge introduce itself."""
        self.say(topics.BIRTH, self.edge.birth())

    def look(self) -> None:
        """Let the coordinator look around, and time go by."""
        self.now += 1.0
        self.edge.wait()
        self._answer(self.coordinator.look(self.now))

    def _answer(self, said: Sequence[Say]) -> None:
        for each in said:
            for topic, kind in (
                (topics.COMMAND, Command),
                (topics.FEED, FeedAlert),
                (topics.REPLY, Reply),
            ):
                read = decode(each.payload, (kind,)) if topic.match(each.topic) else None
                if isinstance(read, Received):
                    self._take(read.message)

    def _take(self, message: Message) -> None:
        match message:
            case Command():
                told = self.edge.obey(message)
                self.say(topics.COMMAND_STATE, told, id=str(message.id))
            case FeedAlert(note=note):
                self.alerts.append(note.code)
            case Reply():
                self.replies.append(message)
            case _:
                pass


@pytest.fixture
def talk(tmp_path: Path) -> Iterator[Talk]:
    """Return a site with 10.00 of Ana's, which has told that 1.00 of it is spent."""
    edge = DiskEdge(tmp_path / "data")
    edge.begin("10.00")
    edge.print_one(euros("1.00"))
    edge.report()
    yield Talk(edge)
    edge.close()
    edge.centre.close()


def state(talk: Talk) -> str:
    """Return the node's state."""
    with talk.edge.centre.read() as tx:
        known = nodes.find(tx, "north")
    assert known is not None
    return known.state


def roll_back(talk: Talk) -> None:
    """Roll the disk back behind what was told, and go on from there."""
    edge = talk.edge
    edge.copy()
    edge.print_one(euros("3.00"))
    edge.report()
    edge.roll_back()
    edge.print_one(euros("5.00"))
    edge.print_one(euros("4.00"))


def test_a_whole_journal_is_asked_and_believed(talk: Talk) -> None:
    """An edge that missed an ack shows what it has, and nothing is frozen."""
    old = talk.edge.birth()
    talk.edge.print_one(euros("1.00"))
    talk.edge.report()
    talk.say(topics.BIRTH, old)
    assert state(talk) == "active"
    assert talk.alerts == []


def test_a_rolled_back_journal_is_frozen_at_its_birth(talk: Talk) -> None:
    """Before a single event of it is taken in, with an alert, and its next birth is refused."""
    roll_back(talk)
    talk.born()
    assert state(talk) == "frozen"
    assert "fork" in talk.alerts
    talk.born()
    assert talk.replies[-1].status == "refused"


def test_a_journal_that_lost_only_what_came_down_is_frozen(talk: Talk) -> None:
    """It has forgotten money that it had confirmed: it was rolled back, whatever it says."""
    edge = talk.edge
    edge.copy()
    with edge.centre.write() as tx:
        accounts.top_up(tx, ANA, Money.parse("1.00", "EUR"), note="", author="test")
        funds.grant(tx, "north", ANA, "EUR", euros("1.00"), "parked")
    edge.listen()
    with edge.centre.write() as tx:
        down = streams.open_stream(tx, "north", edge.books.incarnation, "down", "ledger")
        streams.acknowledged(tx, down.id, edge.books.head(DOWN))
    edge.roll_back()
    talk.born()
    assert state(talk) == "frozen"


def test_a_fork_is_ended_over_the_wire_by_the_coordinator_alone(talk: Talk) -> None:
    """Once it is wished for: stopped, collected, booked, put away; the next journal is let in."""
    roll_back(talk)
    talk.born()
    edge = talk.edge
    old = edge.books.incarnation
    with edge.centre.write() as tx:
        closed = closures.begin(tx, "north", old, "fork", author="test")
        closures.go(tx, closed, "stopping")
    talk.born()
    for _ in range(40):
        talk.look()
        with edge.centre.read() as tx:
            if closures.active(tx) == []:
                break
    assert edge.begun_anew
    edge.close()
    edge.open()
    assert edge.books.incarnation != old
    talk.born()
    assert state(talk) == "active"
    assert talk.replies[-1].status == "ok"
    sound(edge.centre)


@pytest.mark.parametrize("nonsense", [{"running": "many"}, {"ledger": None}, {"jobs": -1}])
def test_an_answer_that_makes_no_sense_stops_only_its_own_end(
    talk: Talk, monkeypatch: pytest.MonkeyPatch, nonsense: dict[str, object]
) -> None:
    """The end of that journal rests, with the reason; the coordinator goes on with all else."""
    edge = talk.edge
    talk.born()
    obey = edge.obey
    monkeypatch.setattr(
        edge,
        "obey",
        lambda command: obey(command).model_copy(
            update={"state": "successful", "data": nonsense, "detail": ""}
        ),
    )
    with edge.centre.write() as tx:
        closed = closures.begin(tx, "north", edge.books.incarnation, "fork", author="test")
        closures.go(tx, closed, "stopping")
    for _ in range(3):
        talk.look()
    with edge.centre.read() as tx:
        (found,) = closures.of(tx, "north")
    assert found.step == "open"
    assert "no sense" in found.detail


def test_an_end_that_cannot_go_on_holds_nobody_up(
    talk: Talk, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Whatever breaks in the end of one journal, what is due for all others is still said."""
    edge = talk.edge
    with edge.centre.write() as tx:
        closed = closures.begin(tx, "north", edge.books.incarnation, "fork", author="test")
        closures.go(tx, closed, "booking")

    def broken(*_: object) -> bool:
        raise LedgerUnbalanced("a balance is not what it was")

    monkeypatch.setattr("central.store.forks.book_slice", broken)
    said = talk.coordinator.look(talk.now + 31.0)
    assert any(topics.ALL_COORDINATOR.match(each.topic) is not None for each in said)
