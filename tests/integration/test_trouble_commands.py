"""Promises of `fork`, `write-off` and `quarantine`: they show first, do it once, and say so."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

import pytest

from central.store import funds, nodes
from central.store.books import Books
from tests.integration.books_lab import MemoryEdge, euros, open_account
from tests.integration.dialects import books_url
from tests.integration.test_central_cli import Command

if TYPE_CHECKING:
    from pathlib import Path


@pytest.fixture
def run(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> Command:
    """Return the command with settings, and a site with 5.00 of Ana's."""
    made = Command(tmp_path, capsys)
    made.ok("migrate")
    return made


@pytest.fixture
def north(run: Command) -> MemoryEdge:
    """Return the site's edge; nobody else has the books open afterwards."""
    books = Books.open(books_url(run.path / "books" / "books.db"))
    open_account(books, "user:ana", "5.00")
    edge = MemoryEdge(books)
    edge.join()
    with books.write() as tx:
        funds.grant(tx, "north", "user:ana", "EUR", euros("5.00"), "parked")
        nodes.nobody_linked(tx)
    edge.listen()
    return edge


def test_a_write_off_is_shown_before_it_is_done(run: Command, north: MemoryEdge) -> None:
    """Without --yes nothing moves; with it the person has the money again."""
    assert run.listed("write-off", "north", "--dry-run")["done"] is False
    status, said = run("write-off", "north")
    assert status == 1
    assert "--yes" in said
    assert run.listed("write-off", "north", "--yes")["micros"] == {"EUR": euros("5.00")}
    assert "5.00 EUR at centre" in run.ok("balance", "user:ana")
    assert "all of it agrees" in run.ok("verify")
    assert run("write-off", "north", "--yes")[0] == 1
    north.books.close()


def test_a_linked_edge_is_not_written_off(run: Command, north: MemoryEdge) -> None:
    """It is not lost: what it has can be asked back."""
    with north.books.write() as tx:
        nodes.seen(tx, {"north": True})
    status, said = run("write-off", "north", "--yes")
    assert status == 1
    assert "linked" in said
    north.books.close()


def test_a_fork_is_booked_without_an_edge_that_is_not_there(
    run: Command, north: MemoryEdge
) -> None:
    """What is known is shown and can be wished for; an edge that has not forked is refused."""
    status, said = run("fork", "show", "north", "--wait", "0")
    assert status == 1
    assert "not frozen" in said
    with north.books.write() as tx:
        nodes.set_state(tx, "north", "frozen", "fork")
    told = run.listed("fork", "show", "north", "--wait", "0")
    assert told["would_be"] == {"returned": {"EUR": euros("5.00")}}
    assert told["done"] == {}
    assert told["step"] == "open"
    assert run("fork", "resolve", "north")[0] == 1
    told = run.listed("fork", "resolve", "north", "--without-branch", "--yes", "--wait", "0")
    assert told["step"] == "booking"
    north.books.close()


def test_the_quarantine_is_listed_shown_and_mended(run: Command, north: MemoryEdge) -> None:
    """A wrong repair is refused in words; a right one shows its difference and counts once."""
    charge = north.charge(euros("2.00"))
    good = north.say(charge)
    bad = json.loads(str(good[-1].data))
    north.journal["ledger"].pop()
    bad["data"]["printer"] = "?"
    north.send([*good[:-1], north.say_text(json.dumps(bad))])
    (row,) = run.listed("quarantine", "list")
    id_ = row["id"]
    assert '"?"' in run.ok("quarantine", "show", id_)
    new = run.path / "new.json"
    new.write_text("{}")
    words = ("quarantine", "repair", id_, "--file", str(new), "--reason", "a typing error")
    assert run(*words, "--yes")[0] == 1
    new.write_text(str(good[-1].data))
    assert "north-1" in run.ok(*words, "--dry-run")
    assert run.listed("quarantine", "list") != []
    run.ok(*words, "--yes")
    assert run(*words, "--yes")[0] == 1
    assert run.listed("quarantine", "list") == []
    assert "repaired" in run.ok("quarantine", "list", "--all")
    assert "all of it agrees" in run.ok("verify")
    assert run("quarantine", "dismiss", "9.9", "--reason", "none", "--yes")[0] == 1
    north.books.close()
