"""Promises about an edge that is written off: people are whole at once, its return is harmless."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from broker.messages import CommandState
from central.fleet import Fleet
from central.retiring import Retiring, advance
from central.store import accounts, closures, commands, funds, nodes, reclaims
from central.store.streams import NodeUnborn
from central.store.writeoff import write_off
from tests.integration.books_lab import CODE, euros
from tests.integration.forks_lab import ANA, DiskEdge, go_on, sound

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from central.store.closures import Closure


@pytest.fixture
def north(tmp_path: Path) -> Iterator[DiskEdge]:
    """Return a site with 10.00 of Ana's that was written off; 4.00 were printed and not told."""
    edge = DiskEdge(tmp_path / "data")
    edge.begin("10.00")
    edge.print_one(euros("4.00"))
    with edge.centre.write() as tx:
        assert write_off(tx, "north", "test") == 1
    yield edge
    edge.close()
    edge.centre.close()


def lost(edge: DiskEdge) -> Closure:
    """Return the end of its journal."""
    with edge.centre.read() as tx:
        closed = closures.find(tx, "north", edge.books.incarnation)
    assert closed is not None
    return closed


def sums(edge: DiskEdge) -> dict[str, int]:
    """Return every balance that is not zero, in cents."""
    with edge.centre.read() as tx:
        return {
            row.account + (f"@{row.place}" if row.place else ""): row.micros // 10_000
            for row in accounts.balances(tx)
            if row.micros
        }


def test_people_are_whole_at_once(north: DiskEdge) -> None:
    """What sat there is on the account again; the house has it as suspense, and the loss."""
    assert sums(north) == {
        ANA: 1000,
        "house:topup": -1000,
        "loss:writeoff": -1000,
        "suspense:north": 1000,
    }
    sound(north.centre)


def test_a_lost_edge_that_comes_back_tells_and_begins_anew(north: DiskEdge) -> None:
    """Its prints are paid from what was written off, the rest is no loss, Ana pays nothing."""
    born = north.born()
    assert isinstance(born, nodes.Accepted)
    assert born.closed
    closed = lost(north)
    assert closed.step == "stopping"
    closed = go_on(north, closed, steps=4)
    north.report()
    closed = go_on(north, closed, restart=True)
    assert closed.step == "done"
    assert sums(north) == {
        ANA: 1000,
        "house:topup": -1000,
        "loss:writeoff": -400,
        "income:print": 400,
    }
    assert north.books.incarnation != closed.incarnation
    accepted = north.born()
    assert isinstance(accepted, nodes.Accepted)
    assert accepted.first
    sound(north.centre)


def test_more_than_was_written_off_is_a_loss_and_nobodys_debt(north: DiskEdge) -> None:
    """A charge of a code's money, or of a forger's, beyond the suspense goes to the loss."""
    with north.centre.write() as tx:
        at = closures.find(tx, "north", north.books.incarnation)
        assert at is not None
        closures.change(tx, at, remains={"EUR": euros("3.00")})
    assert isinstance(north.born(), nodes.Accepted)
    north.report()
    assert sums(north)[ANA] == 1000
    assert sums(north)["loss:writeoff"] == -1100
    assert sums(north)["suspense:north"] == 700
    sound(north.centre)


def test_a_closed_journal_is_granted_nothing(north: DiskEdge) -> None:
    """Linked or not, no money goes to it."""
    assert isinstance(north.born(), nodes.Accepted)
    with north.centre.write() as tx:
        funds.park_free(tx, frozenset({"north"}))
    with pytest.raises(NodeUnborn), north.centre.write() as tx:
        funds.grant(tx, "north", ANA, "EUR", euros("1.00"), "parked")
    assert sums(north)[ANA] == 1000


def test_a_late_return_moves_nothing(tmp_path: Path) -> None:
    """Money that a lost edge had given back was made good with all the rest."""
    edge = DiskEdge(tmp_path / "data")
    edge.begin("10.00")
    with edge.centre.write() as tx:
        assert reclaims.ask_quietly(tx, "north", ANA, "EUR", euros("6.00"), "parking")
    edge.listen()
    with edge.centre.write() as tx:
        write_off(tx, "north", "test")
    assert isinstance(edge.born(), nodes.Accepted)
    before = sums(edge)
    edge.report()
    assert sums(edge) == before
    sound(edge.centre)
    edge.close()
    edge.centre.close()


def test_what_came_back_before_the_loss_is_told_as_before(tmp_path: Path) -> None:
    """A site that was written off had answered reclaims: books and their backups verify on."""
    edge = DiskEdge(tmp_path / "data")
    edge.begin("10.00")
    with edge.centre.write() as tx:
        assert reclaims.ask_quietly(tx, "north", ANA, "EUR", euros("6.00"), "parking")
    edge.listen()
    edge.report()
    assert sums(edge)[ANA] == euros("6.00") // 10_000
    with edge.centre.write() as tx:
        write_off(tx, "north", "test")
    sound(edge.centre)
    edge.close()
    edge.centre.close()


def test_a_new_machine_in_its_place_is_left_alone(north: DiskEdge, tmp_path: Path) -> None:
    """The old machine tells what it has; the new one's journal and money stay as they are."""
    with north.centre.write() as tx:
        nodes.enrol(tx, "north", CODE)
    old_data = north.data
    north.close()
    north.data = tmp_path / "new"
    north.data.mkdir()
    north.open()
    assert isinstance(north.born(), nodes.Accepted)
    new = north.books.incarnation
    with north.centre.write() as tx:
        funds.grant(tx, "north", ANA, "EUR", euros("2.00"), "parked")
    north.listen()
    north.close()
    north.data = old_data
    north.open()
    assert isinstance(north.born(), nodes.Accepted)
    north.report()
    closed = go_on(north, lost(north), restart=True)
    assert closed.step == "done"
    with north.centre.read() as tx:
        known = nodes.find(tx, "north")
    assert known is not None
    assert known.incarnation == new
    assert known.state == "active"
    assert sums(north)[f"{ANA}@north"] == 200
    assert isinstance(north.born(), nodes.NotAccepted)
    with north.centre.read() as tx:
        known = nodes.find(tx, "north")
    assert known is not None
    assert known.state == "active"
    sound(north.centre)


def test_the_coordinator_tells_the_edge_by_itself(north: DiskEdge) -> None:
    """Nobody has to ask: who is back is told to stop as soon as it is there."""
    fleet = Fleet(north.centre, clock=north.clock)
    retiring = Retiring(fleet)
    retiring.look(0.0)
    assert fleet.said() == []
    assert isinstance(north.born(), nodes.Accepted)
    retiring.look(1.0)
    retiring.born("north", 1.0)
    retiring.look(1.0)
    assert [say.topic.rpartition("/")[0] for say in fleet.said()] == ["pm/v1/down/north/cmd"]


def test_nobody_is_told_who_is_not_there(north: DiskEdge) -> None:
    """A journal whose edge went away again costs no commands."""
    assert isinstance(north.born(), nodes.Accepted)
    fleet = Fleet(north.centre, clock=north.clock)
    retiring = Retiring(fleet)
    retiring.look(1.0)
    retiring.look(2.0)
    assert fleet.said() == []


def test_a_new_machine_cannot_speak_for_the_lost_one(north: DiskEdge) -> None:
    """That it has put such a journal away ends nothing: the lost one may still come and tell."""
    assert isinstance(north.born(), nodes.Accepted)
    closed = lost(north)
    command = advance(north.centre, closed, north.dice).command
    assert command is not None
    told = CommandState(id=command.id, state="successful", detail="it is put away")
    with north.centre.write() as tx:
        commands.answered(tx, "north", told)
    for _ in range(3):
        advance(north.centre, lost(north), north.dice, there=False)
    assert lost(north).step == "open"
    assert lost(north).remains == closed.remains
    assert isinstance(north.born(), nodes.Accepted)
    assert lost(north).step == "stopping"
