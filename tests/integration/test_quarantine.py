"""Promises of the quarantine: nothing is lost, nothing applied twice, the edge's sums agree."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

import pytest

from broker.messages import EdgeDigest
from central.store import accounts, audit, funds, nodes, quarantine, streams
from central.store.edges import Expected, expected
from central.store.ingest import ingest
from central.store.ledger import Refused
from central.store.quarantine import Done
from central.store.verify import Counts, verify
from tests.integration.books_lab import MemoryEdge, euros, open_account, open_books

if TYPE_CHECKING:
    from collections.abc import Iterator

    from broker.messages import Position
    from central.store.books import Books

ANA, BEN = "user:ana", "user:ben"
NOBODY: frozenset[str] = frozenset()


@pytest.fixture
def books() -> Iterator[Books]:
    """Return books with 10.00 of Ana's."""
    opened = open_books()
    open_account(opened, ANA, "10.00")
    yield opened
    opened.close()


@pytest.fixture
def north(books: Books) -> MemoryEdge:
    """Return an edge where 10.00 of Ana's is."""
    edge = MemoryEdge(books)
    edge.join()
    with books.write() as tx:
        funds.grant(tx, "north", ANA, "EUR", euros("10.00"), "parked")
    edge.listen()
    return edge


def unreadable(edge: MemoryEdge, amount: str) -> tuple[str, str]:
    """Have a charge quarantined whose printer nobody can read; return its id and what it meant."""
    edge.send(edge.say())
    charge = edge.charge(euros(amount))
    (good,) = edge.say(charge)
    edge.journal["ledger"].pop()
    text = str(good.data)
    bad = json.loads(text)
    bad["data"]["printer"] = "?"
    edge.send([edge.say_text(json.dumps(bad))])
    return only(edge.books), text


def only(books: Books) -> str:
    """Return the id of what is quarantined."""
    with books.read() as tx:
        (put,) = quarantine.every(tx)
    return put.id


def sound(books: Books) -> None:
    """Check that the books hold."""
    with books.read() as tx:
        assert list(verify(tx, Counts(), lambda _done, _all: None)) == []


def agrees(edge: MemoryEdge) -> None:
    """Check that the books know what the edge has."""
    down = _down(edge)
    with edge.books.read() as tx:
        told = EdgeDigest(up=edge.head("ledger"), down=down, accounts=1, digest="0" * 64)
        ours = expected(tx, "north", edge.incarnation, told)
    assert isinstance(ours, Expected)
    here = {(key, "EUR"): micros for key, micros in edge.here.items() if micros}
    assert ours.balances == here


def _down(edge: MemoryEdge) -> Position:
    with edge.books.read() as tx:
        return streams.open_stream(tx, "north", edge.incarnation, "down", "ledger").at


def repair(books: Books, id_: str, text: str) -> Done | Refused:
    """Repair it."""
    with books.write() as tx:
        return quarantine.repair(
            tx, id_, text, author="eva", reason="a typing error", linked=NOBODY
        )


def test_a_repaired_charge_is_booked_once(books: Books, north: MemoryEdge) -> None:
    """The new event counts for the old one, whose text stays; a second repair is refused."""
    id_, text = unreadable(north, "2.00")
    assert isinstance(repair(books, id_, text), Done)
    again = repair(books, id_, text)
    assert isinstance(again, Refused)
    assert "eva" in again.reason
    with books.read() as tx:
        put = quarantine.find(tx, id_)
        earned = sum(row.micros for row in accounts.balances(tx, "income:print"))
        acts = [act.act for act in audit.acts(tx, target=id_)]
    assert put is not None
    assert (put.state, put.instead, '"?"' in str(put.data)) == ("repaired", text, True)
    assert earned == euros("2.00")
    assert acts == ["quarantine repaired"]
    sound(books)
    agrees(north)


def test_a_repair_that_is_no_event_changes_nothing(books: Books, north: MemoryEdge) -> None:
    """It is checked against the model first, and must be of the same kind."""
    id_, text = unreadable(north, "2.00")
    other = json.loads(text)
    other["type"] = "printmesh.opening.v1"
    for wrong in ("{}", "nothing", json.dumps(other)):
        assert isinstance(repair(books, id_, wrong), Refused)
    assert only(books) == id_
    sound(books)


def contradiction(north: MemoryEdge) -> tuple[str, str]:
    """Have a charge put aside that is readable: for an account in a unit that it is not in."""
    edge = north
    charge = edge.charge(euros("3.00"), BEN)
    edge.here.pop(BEN)
    (envelope,) = edge.say(charge)[-1:]
    with edge.books.write() as tx:
        edge.send_rest(tx, NOBODY)
    return only(edge.books), str(envelope.data)


def test_a_replay_goes_well_once_what_was_in_its_way_is_gone(
    books: Books, north: MemoryEdge
) -> None:
    """A charge of an account that was opened late is booked as it is, with no new text."""
    id_, _ = contradiction(north)
    with books.write() as tx:
        refused = quarantine.replay(tx, id_, author="eva", reason="", linked=NOBODY)
    assert isinstance(refused, Refused)
    open_account(books, BEN, "3.00")
    with books.write() as tx:
        nodes.set_state(tx, "north", "active", "")
        funds.grant(tx, "north", BEN, "EUR", euros("3.00"), "parked")
    with books.write() as tx:
        done = quarantine.replay(tx, id_, author="eva", reason="opened", linked=NOBODY)
    assert isinstance(done, Done)
    with books.read() as tx:
        assert quarantine.every(tx) == []
        (put,) = quarantine.every(tx, also_mended=True)
    assert (put.state, put.act) == ("applied", "replayed")
    with books.write() as tx:
        again = quarantine.replay(tx, id_, author="eva", reason="", linked=NOBODY)
    assert isinstance(again, Refused)
    sound(books)


def test_a_dismissed_charge_goes_back_to_its_account(books: Books, north: MemoryEdge) -> None:
    """The edge has spent it, nobody is charged: the account has it again, and the sums agree."""
    first = north.charge(euros("1.00"))
    north.send(north.say(first))
    wrong = first.model_copy(update={"printed_above": 1})
    north.here[ANA] -= euros("1.00")
    north.send(north.say(wrong))
    id_ = only(books)
    with books.write() as tx:
        assert isinstance(quarantine.dismiss(tx, id_, author="eva", reason="a test"), Done)
    with books.read() as tx:
        places = {row.place: row.micros for row in accounts.balances(tx, ANA)}
    assert places == {"": euros("1.00"), "north": euros("8.00")}
    sound(books)
    agrees(north)


def test_a_repair_that_charges_less_gives_the_rest_back(books: Books, north: MemoryEdge) -> None:
    """The edge went by its own event: what is not charged after all is the person's again."""
    north.send(north.say())
    (envelope,) = north.say(north.charge(euros("2.00")))
    with books.write() as tx:
        state = streams.open_stream(tx, "north", north.incarnation, "up", "ledger")
        ingest(tx, state, [envelope], NOBODY, because="it broke its transaction")
    id_ = only(books)
    agrees(north)
    new = json.loads(str(envelope.data))
    new["data"]["charge"] = str(north.mint())
    refused = repair(books, id_, json.dumps(new))
    assert isinstance(refused, Refused)
    assert "charge" in refused.reason
    new = json.loads(str(envelope.data))
    new["data"]["postings"][0]["micros"] = euros("1.50")
    assert isinstance(repair(books, id_, json.dumps(new)), Done)
    with books.read() as tx:
        places = {row.place: row.micros for row in accounts.balances(tx, ANA)}
    assert places == {"": euros("0.50"), "north": euros("8.00")}
    sound(books)
    agrees(north)


def test_an_edge_that_spends_what_it_was_never_given_is_frozen(
    books: Books, north: MemoryEdge
) -> None:
    """No honest edge does: the event is put aside and nothing is granted until a person looked."""
    north.send(north.say(north.charge(euros("10.01"))))
    with books.read() as tx:
        known = nodes.find(tx, "north")
        assert len(quarantine.every(tx)) == 1
    assert known is not None
    assert known.state == "frozen"
    assert "micros" in known.reason
    sound(books)
