"""Where the money path could get stuck at the centre: crossing reclaims, lost journals, races."""

from __future__ import annotations

from datetime import timedelta
from typing import TYPE_CHECKING, Any

import pytest

from broker import topics
from broker.codec import Received, decode, encode
from broker.messages import Ack, Batch, FundsRequest, Reclaim
from central.births import greet
from central.fleet import Fleet
from central.news import News
from central.rounds import hear_batch, take_round
from central.store import accounts, funds, nodes
from central.store.books import Books, BooksUnwritable
from central.store.ingest import Ingested, ingest
from central.store.ledger import Refused
from config.policy.money import Money
from tests.integration.books_lab import CODE, MORNING, MemoryEdge, euros, open_account, open_books

if TYPE_CHECKING:
    from central.store.books import Transaction
    from central.store.streams import StreamState

BOTH = frozenset({"north", "south"})


def asked(edge: MemoryEdge, amount: str, *, seconds: float = 8) -> FundsRequest:
    """Return a question for money."""
    return FundsRequest(
        corr=edge.mint(),
        expires_at=MORNING + timedelta(seconds=seconds),
        account="user:ana",
        unit="EUR",
        micros=euros(amount),
    )


def ask(books: Books, edge: MemoryEdge, question: FundsRequest) -> int:
    """Put a question; return what is coming."""
    with books.write() as tx:
        answer = funds.ask(tx, edge.node, question, BOTH)
    assert isinstance(answer, funds.Answered)
    return answer.answer.coming


def two_sites() -> tuple[Books, MemoryEdge, MemoryEdge]:
    """Make an organisation with 0.60 of Ana's at each of two sites."""
    books = open_books()
    open_account(books)
    north, south = MemoryEdge(books, "north"), MemoryEdge(books, "south")
    for edge in (north, south):
        edge.join()
        with books.write() as tx:
            accounts.top_up(tx, "user:ana", Money.parse("0.60", "EUR"), note="", author="test")
            funds.grant(tx, edge.node, "user:ana", "EUR", euros("0.60"), "parked")
        edge.listen()
    return books, north, south


def test_two_sites_that_ask_for_each_others_money_do_not_swap_it() -> None:
    """Of two requests that cross, the first is served; the second is told at once that it is not.

    Each taking the other's would leave both short, and again at the next try.
    """
    books, north, south = two_sites()
    first = asked(north, "0.40")
    assert ask(books, north, first) == euros("0.40")
    assert ask(books, south, asked(south, "0.40")) == 0
    south.listen()
    south.send(south.say(south.give_back(south.reclaims[0])), BOTH)
    north.listen()
    assert north.here["user:ana"] == euros("1.00")
    books.close()


def test_a_request_that_ended_protects_nobodys_money() -> None:
    """Money under way to a site keeps others from taking its own only until the deadline."""
    books, north, south = two_sites()
    ask(books, north, asked(north, "0.40", seconds=0.001))
    assert ask(books, south, asked(south, "0.40")) == euros("0.40")
    books.close()


def test_a_return_after_the_deadline_stays_at_the_centre() -> None:
    """Nobody waits for it any more: it is parked anew instead of going where nobody stands."""
    books, north, south = two_sites()
    ask(books, north, asked(north, "0.40", seconds=0.001))
    south.listen()
    south.send(south.say(south.give_back(south.reclaims[0])), BOTH)
    north.listen()
    assert north.here["user:ana"] == euros("0.60")
    with books.read() as tx:
        there = {row.place: row.micros for row in accounts.balances(tx) if row.micros > 0}
    assert there[""] == euros("0.40")
    books.close()


def test_a_new_journal_can_be_reclaimed_from() -> None:
    """What the old journal was asked for is over: it does not count as open for ever."""
    books, north, _ = two_sites()
    ask(books, north, asked(north, "0.40", seconds=0.001))
    with books.write() as tx:
        nodes.enrol(tx, "south", CODE)
    fresh = MemoryEdge(books, "south")
    fresh.dice(3)
    fresh.incarnation = fresh.mint()
    with books.write() as tx:
        assert isinstance(nodes.accept(tx, "south", fresh.birth()), nodes.Accepted)
    assert ask(books, north, asked(north, "0.40")) == euros("0.40")
    assert any(isinstance(each, Reclaim) for each in fresh.listen())
    books.close()


def test_a_journal_that_was_written_off_is_given_nothing() -> None:
    """It still has the money that people were given back: it may tell, and is granted nothing."""
    books, north, _ = two_sites()
    with books.write() as tx:
        assert funds.write_off(tx, "north", "test") == 1
        funds.park_free(tx, BOTH)
    assert north.listen() == []
    with books.write() as tx:
        late = nodes.accept(tx, "north", north.birth(None))
        assert isinstance(late, nodes.Accepted)
        assert late.closed
        funds.park_free(tx, BOTH)
        assert isinstance(funds.ask(tx, "north", asked(north, "0.10"), BOTH), Refused)
    assert north.listen() == []
    with books.write() as tx:
        nodes.enrol(tx, "north", CODE)
    fresh = MemoryEdge(books, "north")
    fresh.dice(3)
    fresh.incarnation = fresh.mint()
    with books.write() as tx:
        assert isinstance(nodes.accept(tx, "north", fresh.birth()), nodes.Accepted)
    books.close()


def said_acks(fleet: Fleet) -> list[Ack]:
    """Return the acks that the coordinator wants to send."""
    found = []
    for say in fleet.said():
        if topics.DOWN_ACK.match(say.topic) is not None:
            read = decode(say.payload, (Ack,))
            assert isinstance(read, Received)
            found.append(read.message)
    return found


def test_a_stream_that_moved_behind_our_back_goes_on() -> None:
    """After a round that was half taken in, the node's next batch is acked, without a new birth."""
    books = open_books()
    open_account(books)
    edge = MemoryEdge(books, "north")
    edge.join()
    fleet = Fleet(books)
    greet(fleet, "north", edge.birth(), 0.0)
    events = edge.say()
    edge.send(events)
    batch = Batch(
        stream="ledger",
        sender_incarnation=edge.incarnation,
        receiver_incarnation=books.identity.incarnation,
        events=tuple(events),
    )
    payload = encode(batch, source="north", id_=edge.mint(), now=MORNING)
    hear_batch(fleet, "north", "ledger", payload, 1.0)
    take_round(fleet, 1.0)
    fleet.said()
    hear_batch(fleet, "north", "ledger", payload, 10.0)
    take_round(fleet, 10.0)
    assert [ack.upto for ack in said_acks(fleet)] == [1]
    books.close()


def test_a_stream_that_cannot_be_taken_in_at_all_keeps_nobody_waiting(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """What breaks one stream, whatever it is, does not stop the streams of other nodes."""
    books = open_books()
    open_account(books)
    north, south = MemoryEdge(books, "north"), MemoryEdge(books, "south")
    fleet = Fleet(books)
    whole = ingest

    def breaks(tx: Transaction, state: StreamState, *rest: Any, **more: Any) -> Ingested:  # noqa: ANN401
        if state.key.sender == "north":
            raise ZeroDivisionError
        return whole(tx, state, *rest, **more)

    monkeypatch.setattr("central.store.intake.ingest", breaks)
    for edge in (north, south):
        edge.join()
        greet(fleet, edge.node, edge.birth(), 0.0)
        batch = Batch(
            stream="ledger",
            sender_incarnation=edge.incarnation,
            receiver_incarnation=books.identity.incarnation,
            events=tuple(edge.say()),
        )
        payload = encode(batch, source=edge.node, id_=edge.mint(), now=MORNING)
        hear_batch(fleet, edge.node, "ledger", payload, 1.0)
    take_round(fleet, 1.0)
    assert [ack.incarnation for ack in said_acks(fleet)] == [south.incarnation]
    books.close()


def test_news_that_found_the_books_busy_is_looked_at_again(monkeypatch: pytest.MonkeyPatch) -> None:
    """A top-up by another process is parked though the first try found the database locked."""
    books = open_books()
    open_account(books)
    edge = MemoryEdge(books, "north")
    edge.join()
    fleet = Fleet(books)
    greet(fleet, "north", edge.birth(), 0.0)
    fleet.presence.born("north", edge.mint(), 0.0)
    monkeypatch.setattr(books, "change_token", lambda: 1)
    news = News(fleet)
    park = funds.park_free

    def busy(_tx: Transaction, _linked: frozenset[str], _: object) -> tuple[frozenset[str], bool]:
        raise BooksUnwritable("locked")

    with books.write() as tx:
        accounts.top_up(tx, "user:ana", Money.parse("1.00", "EUR"), note="", author="test")
    monkeypatch.setattr(funds, "park_free", busy)
    with pytest.raises(BooksUnwritable):
        news.look(0.0)
    monkeypatch.setattr(funds, "park_free", park)
    news.look(0.0)
    edge.listen()
    assert edge.here["user:ana"] == euros("1.00")
    books.close()
