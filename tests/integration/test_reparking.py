"""Promises of parking by the coordinator: money follows people, debts and requests go first."""

from __future__ import annotations

from datetime import timedelta
from typing import TYPE_CHECKING

import pytest
from sqlalchemy import event, insert, select, update

from broker.messages import FundsRequest, Reclaim
from central.births import greet
from central.fleet import Fleet
from central.news import News
from central.reparking import DAILY, MOST, spent
from central.store import accounts, funds, owed, parking
from central.store.ledger import Posted
from central.store.tables import reclaim, recovery_edge, visit
from config.policy.money import Money
from tests.integration.accounts_lab import assert_sound, balance
from tests.integration.books_lab import MORNING, Clock, Dice, euros, open_account, open_books
from tests.integration.terms_lab import TermsEdge

if TYPE_CHECKING:
    from collections.abc import Iterator

    from central.store.books import Books

BOTH = frozenset({"north", "south"})


@pytest.fixture
def books() -> Iterator[Books]:
    """Open books with Ana's account."""
    opened = open_books()
    open_account(opened)
    yield opened
    assert_sound(opened)
    opened.close()


@pytest.fixture
def edges(books: Books) -> dict[str, TermsEdge]:
    """Return two remote sites that have joined."""
    made = {name: TermsEdge(books, name) for name in sorted(BOTH)}
    for edge in made.values():
        edge.join()
        edge.listen()
    return made


def put(books: Books, amount: str, where: str) -> None:
    """Put money on Ana's account and grant it to one site."""
    with books.write() as tx:
        accounts.top_up(tx, "user:ana", Money.parse(amount, "EUR"), note="", author="test")
        funds.grant(tx, where, "user:ana", "EUR", euros(amount), "parked")


def seen_at(books: Books, where: str, visits: float) -> None:
    """Have Ana seen at a site."""
    with books.write() as tx:
        values = {"account": "user:ana", "node": where, "value": visits, "at": tx.now}
        tx.sql.execute(insert(visit).values(**values))


def news_of(books: Books, edges: dict[str, TermsEdge]) -> tuple[Fleet, News]:
    """Return a coordinator's news with both sites linked."""
    fleet = Fleet(books, clock=Clock(), dice=Dice())
    for name, edge in edges.items():
        greet(fleet, name, edge.birth(), 0.0)
        fleet.presence.message(name, 0.0)
    return fleet, News(fleet)


def misplaced(books: Books) -> frozenset[str]:
    """Ask for what sits wrong; return who was asked."""
    with books.write() as tx:
        return parking.fetch(tx, parking.misplaced(tx, ["user:ana"], BOTH))


def test_money_follows_who_moved(books: Books, edges: dict[str, TermsEdge]) -> None:
    """What lies where Ana is never seen goes, by a return and a grant, to where she is."""
    put(books, "2.00", "north")
    seen_at(books, "south", 9.0)
    fleet, news = news_of(books, edges)
    fleet.spent.add("user:ana")
    news.look(0.0)
    edges["north"].listen()
    (asked,) = edges["north"].reclaims
    assert asked.request is None
    edges["north"].say(edges["north"].give_back(asked))
    edges["north"].tell(BOTH)
    news.look(1.0, anyway=True)
    held = balance(books, "user:ana")
    assert held["south"] > euros("1.00")
    assert "" not in held
    news.look(2.0, anyway=True)
    edges["north"].listen()
    edges["south"].listen()
    assert len(edges["north"].reclaims) == 1
    assert edges["south"].reclaims == []


def test_a_site_is_not_asked_twice_at_a_time_nor_again_soon(
    books: Books, edges: dict[str, TermsEdge]
) -> None:
    """One open reclaim per account and site; after an answer of nothing a while passes."""
    put(books, "2.00", "north")
    seen_at(books, "south", 9.0)
    assert misplaced(books) == {"north"}
    assert misplaced(books) == frozenset()
    edges["north"].listen()
    edges["north"].say(edges["north"].give_back(edges["north"].reclaims[0], 0))
    edges["north"].tell(BOTH)
    assert misplaced(books) == frozenset()
    with books.write() as tx:
        tx.sql.execute(update(reclaim).values(at=tx.now - timedelta(hours=1)))
    assert misplaced(books) == {"north"}


def test_more_accounts_are_not_more_questions(books: Books, edges: dict[str, TermsEdge]) -> None:
    """While one site prints, where its people's money sits is asked for all of them at once."""
    people = [f"user:p{n}" for n in range(8)]
    for key in people:
        open_account(books, key, "1.00")
    with books.write() as tx:
        for key in people:
            assert isinstance(funds.grant(tx, "north", key, "EUR", 100, "parked"), Posted)
    asked: list[int] = []
    for some in (people[:1], people):
        with books.read() as tx:
            texts: list[str] = []
            event.listen(
                tx.sql, "before_cursor_execute", lambda *call, texts=texts: texts.append(call[2])
            )
            assert parking.misplaced(tx, some, frozenset({"north"})) == []
            asked.append(len(texts))
    assert asked[0] == asked[1]


def test_a_person_who_waits_takes_what_is_under_way(
    books: Books, edges: dict[str, TermsEdge]
) -> None:
    """A quiet reclaim does not stand in the way of a request: its answer goes to it."""
    put(books, "2.00", "north")
    seen_at(books, "south", 9.0)
    misplaced(books)
    asked = FundsRequest(
        corr=edges["south"].mint(),
        expires_at=MORNING.replace(year=2027),
        account="user:ana",
        unit="EUR",
        micros=euros("1.00"),
    )
    with books.write() as tx:
        answer = funds.ask(tx, "south", asked, BOTH)
    assert isinstance(answer, funds.Answered)
    assert answer.answer.coming == euros("1.00")
    edges["north"].listen()
    edges["north"].say(edges["north"].give_back(edges["north"].reclaims[0]))
    edges["north"].tell(BOTH)
    assert balance(books, "user:ana")["south"] == euros("1.00")


def test_a_prefetch_brings_as_much_as_there_is(books: Books, edges: dict[str, TermsEdge]) -> None:
    """Nobody waits: less than was asked for is better than nothing."""
    put(books, "1.00", "north")
    asked = FundsRequest(
        corr=edges["south"].mint(),
        expires_at=MORNING.replace(year=2027),
        account="user:ana",
        unit="EUR",
        micros=euros("5.00"),
        prefetch=True,
    )
    with books.write() as tx:
        answer = funds.ask(tx, "south", asked, BOTH)
    assert isinstance(answer, funds.Answered)
    assert answer.answer.coming == euros("1.00")
    assert [(place.site, place.micros) for place in answer.answer.where] == [
        ("north", euros("1.00"))
    ]


def test_a_debt_is_fetched_from_where_the_money_is(
    books: Books, edges: dict[str, TermsEdge]
) -> None:
    """Who owes at one site and has money at another pays with it as soon as that is linked."""
    tracker = TermsEdge(books, "lobby", role="tracker")
    tracker.join()
    tracker.listen()
    tracker.take_terms()
    tracker.print_for("user:ana", euros("0.70"))
    tracker.tell()
    put(books, "2.00", "north")
    fleet, news = news_of(books, edges)
    spent(fleet, [tracker.charge(0)])
    news.look(0.0)
    edges["north"].listen()
    (asked,) = edges["north"].reclaims
    assert asked.up_to == euros("0.70")
    edges["north"].say(edges["north"].give_back(asked))
    edges["north"].tell(BOTH)
    news.look(1.0, anyway=True)
    assert balance(books, "user:ana") == {"north": euros("1.30")}
    assert balance(books, "uncovered:lobby") == {}


def test_a_debt_is_fetched_from_a_site_that_returns_after_it_was_booked(
    books: Books, edges: dict[str, TermsEdge]
) -> None:
    """The site with the money was cut off when the debt came: it is asked once it is back."""
    tracker = TermsEdge(books, "lobby", role="tracker")
    tracker.join()
    tracker.listen()
    tracker.take_terms()
    tracker.print_for("user:ana", euros("0.70"))
    tracker.tell()
    put(books, "2.00", "north")
    fleet, news = news_of(books, {"south": edges["south"]})
    spent(fleet, [tracker.charge(0)])
    news.look(0.0)
    assert fleet.spent == set()
    edges["north"].listen()
    assert edges["north"].reclaims == []
    greet(fleet, "north", edges["north"].birth(), 1.0)
    fleet.presence.message("north", 1.0)
    news.look(1.0, anyway=True)
    edges["north"].listen()
    (asked,) = edges["north"].reclaims
    assert asked.up_to == euros("0.70")


def test_a_round_of_all_accounts_finds_what_nobody_remembered(
    books: Books, edges: dict[str, TermsEdge]
) -> None:
    """Nobody was charged: the daily round asks for what sits wrong all the same."""
    fleet, news = news_of(books, edges)
    news.look(0.0)
    put(books, "2.00", "north")
    seen_at(books, "south", 9.0)
    news.look(1.0)
    with books.read() as tx:
        assert tx.sql.execute(select(reclaim)).all() == []
    for edge in edges:
        fleet.presence.message(edge, DAILY)
    news.look(DAILY)
    assert any(isinstance(each, Reclaim) for each in edges["north"].listen())


def test_what_is_remembered_is_bounded(books: Books, edges: dict[str, TermsEdge]) -> None:
    """Charges made alone are not remembered, nor more accounts than there is room for."""
    fleet = Fleet(books)
    spent(fleet, [edges["north"].charge(0, alone=True)])
    assert fleet.spent == set()
    many = [edges["north"].charge(0, account=f"user:u{n}") for n in range(MOST + 5)]
    spent(fleet, many)
    assert len(fleet.spent) == MOST


def test_own_costs_count_once_there_are_enough(books: Books, edges: dict[str, TermsEdge]) -> None:
    """After twenty charges an account's own mean stands for its jobs."""
    put(books, "50.00", "north")
    north = edges["north"]
    north.listen()
    for _ in range(20):
        north.say(north.charge(euros("2.00")))
    north.tell()
    with books.read() as tx:
        found = parking.habits(tx, "user:ana", "EUR", None)
    assert found.mean_cost == euros("2.00")
    assert found.visits["north"] > 19


def test_debts_at_an_edge_that_is_given_up_hold_nobody_up(
    books: Books, edges: dict[str, TermsEdge]
) -> None:
    """They cannot be told there, so they are left alone; all others are collected, and it ends."""
    people = [f"user:p{n:02}" for n in range(30)]
    for key in people:
        open_account(books, key)
    for name, some in (("lobby", people[:-1]), ("porch", people[-1:])):
        tracker = TermsEdge(books, name, role="tracker")
        tracker.join()
        tracker.listen()
        tracker.take_terms()
        for key in some:
            tracker.print_for(key, euros("0.10"))
        tracker.tell()
    with books.write() as tx:
        for key in people:
            accounts.top_up(tx, key, Money.parse("0.10", "EUR"), note="", author="test")
            done = funds.grant(tx, "north", key, "EUR", euros("0.02"), "parked")
            assert isinstance(done, Posted)
        values = {"node": "lobby", "state": "accepted", "adopted": 0, "known_upto": 0, "detail": ""}
        tx.sql.execute(insert(recovery_edge).values(**values))
        _, more = funds.park_free(tx, frozenset())
        assert owed.of(tx, people[-1], "EUR") == euros("0.02")
        assert owed.of(tx, people[0], "EUR") == euros("0.10")
        wanted = parking.misplaced(tx, people, frozenset({"north"}))
        assert [each.account for each in wanted] == people[-1:]
    assert not more
