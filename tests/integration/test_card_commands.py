"""Promises of the commands about cards: several a person, lost ones, and the key they are under."""

from __future__ import annotations

import re
import sys
from datetime import UTC, datetime, timedelta
from io import StringIO
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
from sqlalchemy import update

from broker.directory import CARD_KEY, CardRow, UserRow, card_digest, keyed_card
from central.births import greet
from central.cli import main
from central.fleet import Fleet
from central.store import audit, cards, directory, nodes
from central.store.books import Books
from central.store.tables import directory_row, node
from tests.integration.books_lab import CODE, Dice, MemoryEdge, open_books
from tests.integration.dialects import books_url
from tests.integration.test_account_commands import Desk

if TYPE_CHECKING:
    from collections.abc import Iterator

NUMBER = "04A224FF"
OTHER = "09B117C3"


@pytest.fixture
def desk(tmp_path: Path) -> Iterator[Desk]:
    """Enter two people and a site."""
    at = Desk(tmp_path)
    for line in ("user add ana", "user add ben", "node add north"):
        at.ok(line)
    yield at
    at.books.close()


def person(desk: Desk, name: str) -> UserRow:
    """Return what sites know of a person."""
    with desk.books.read() as tx:
        return UserRow.model_validate(directory.get(tx, "user", name))


def card(desk: Desk, number: str) -> CardRow | None:
    """Return what the books have of a card."""
    with desk.books.read() as tx:
        found = cards.by_number(tx, number)
    return None if found is None else found.row


def join(desk: Desk, *, wire: int) -> None:
    """Have north accepted with a program of some version."""
    birth = MemoryEdge(desk.books).birth().model_copy(update={"wire": wire})
    with desk.write() as tx:
        nodes.enrol(tx, "north", CODE)
        assert isinstance(nodes.accept(tx, "north", birth), nodes.Accepted)


def without_key(desk: Desk, *numbers: str) -> None:
    """Have cards of Ana's as books from before there were keys have them."""
    with desk.write() as tx:
        for number in numbers:
            directory.put(tx, "card", card_digest(number), CardRow(user="ana"))


# ── cards ───────────────────────────────────────────────────────────────────────────────────


def test_a_person_has_several_cards(desk: Desk) -> None:
    """Each is listed with its state; a day holds to its end, can be moved, and taken off."""
    desk.ok(f"card add ana {NUMBER}")
    desk.ok(f"card add ana {OTHER} --expires 2999-07-31")
    until = datetime(2999, 8, 1).astimezone()
    found = card(desk, OTHER)
    assert found is not None
    assert found.expires_at == until
    assert {row["state"] for row in desk.listed("card list --user ana")} == {"good"}
    assert len(desk.listed("card list")) == 2
    desk.ok(f"card add ana {OTHER}")
    assert card(desk, OTHER) == found
    desk.ok(f"card add ana {OTHER} --expires never")
    assert card(desk, OTHER) == CardRow(user="ana")
    with desk.write() as tx:
        over = datetime.now(UTC) - timedelta(days=1)
        name = directory.live(tx, "card")[0][0]
        directory.put(tx, "card", name, CardRow(user="ana", expires_at=over))
    assert sorted(row["state"] for row in desk.listed("card list")) == ["expired", "good"]


def test_a_card_number_is_read_from_the_input(desk: Desk, monkeypatch: pytest.MonkeyPatch) -> None:
    """So a reader that types can be used, and nobody sees the number in the list of processes."""
    monkeypatch.setattr(sys, "stdin", StringIO(f" {NUMBER.lower()}\r\n{NUMBER}\n\n{'7' * 300}\n"))
    desk.ok("card add ana -")
    assert card(desk, NUMBER) == CardRow(user="ana")
    desk.ok("card block -")
    assert card(desk, NUMBER) == CardRow(user="ana", blocked=True)
    for _ in ("nothing", "too long"):
        status, said = desk("card add ana -")
        assert status == 1
        assert "card number is needed" in said


def test_a_card_may_want_the_pin_beside_it(desk: Desk) -> None:
    """Set for one card, kept when it is given again, and not where its owner has none."""
    desk.ok(f"card add ana {NUMBER}")
    assert "has no PIN" in desk(f"card set {NUMBER} --pin")[1]
    assert card(desk, NUMBER) == CardRow(user="ana")
    with desk.write() as tx:
        row = UserRow.model_validate(directory.get(tx, "user", "ana"))
        directory.put(tx, "user", "ana", row.model_copy(update={"pin": "$argon2id$"}))
    desk.ok(f"card set {NUMBER} --pin")
    assert card(desk, NUMBER) == CardRow(user="ana", pin=True)
    desk.ok(f"card add ana {NUMBER} --expires never")
    assert card(desk, NUMBER) == CardRow(user="ana", pin=True)
    assert [row["pin"] for row in desk.listed("card list")] == [True]
    desk.ok(f"card set {NUMBER} --no-pin")
    assert card(desk, NUMBER) == CardRow(user="ana")


def test_a_lost_card_stays_with_nobody(desk: Desk) -> None:
    """Blocked, it can be given to nobody, not even forgotten, until it is back."""
    desk.ok(f"card add ana {NUMBER}")
    desk.ok(f"card block {NUMBER} --reason lost")
    with desk.books.read() as tx:
        act = audit.acts(tx)[-1]
    assert (act.act, act.target, act.detail["reason"]) == ("card block", "person:ana", "lost")
    assert "blocked already" in desk(f"card block {NUMBER}")[1]
    assert "card is blocked" in desk(f"card add ana {NUMBER}")[1]
    assert "belongs to ana" in desk(f"card add ben {NUMBER}")[1]
    assert "whoever found it" in desk(f"card remove {NUMBER}")[1]
    desk.ok("user remove ana")
    assert card(desk, NUMBER) == CardRow(user="ana", blocked=True)
    assert "no user 'ana'" in desk(f"card unblock {NUMBER}")[1]
    desk.ok("user add ana")
    desk.ok(f"card unblock {NUMBER}")
    assert card(desk, NUMBER) == CardRow(user="ana")


def test_a_card_is_blocked_without_its_number(desk: Desk) -> None:
    """Who lost it seldom knows the number: what the list shows will do, or the owner."""
    desk.ok(f"card add ana {NUMBER}")
    desk.ok(f"card add ana {OTHER}")
    first, second = (row["digest"] for row in desk.listed("card list"))
    assert len(first) == 12
    desk.ok(f"card block --digest {first[:8].upper()}")
    assert {row["digest"]: row["state"] for row in desk.listed("card list")} == {
        first: "blocked",
        second: "good",
    }
    assert "1 card is blocked" in desk.ok("card block --user ana --reason stolen")
    assert {row["state"] for row in desk.listed("card list")} == {"blocked"}
    desk.ok(f"card unblock --digest {second}")
    desk.ok(f"card remove --digest {second}")
    assert [row["digest"] for row in desk.listed("card list")] == [first]


def test_the_runbook_of_a_lost_card(desk: Desk) -> None:
    """Followed command by command, no old card is good any more and the new one is."""
    desk.ok(f"card add ana {NUMBER}")
    text = (Path(__file__).parents[2] / "docs" / "runbooks" / "lost-card.md").read_text()
    lines = re.findall(r"^ *```sh\n *printmesh central (.+)\n *```$", text, re.MULTILINE)
    assert len(lines) == text.count("```sh")
    for line in lines:
        desk.ok(line.replace('"$PERSON"', "ana").replace('"$NUMBER"', OTHER))
    assert card(desk, NUMBER) == CardRow(user="ana", blocked=True)
    assert card(desk, OTHER) == CardRow(user="ana")
    assert person(desk, "ana").pin


# ── the card key ────────────────────────────────────────────────────────────────────────────


def test_new_books_have_a_card_key(tmp_path: Path) -> None:
    """From `init` on no card is named by the plain digest."""
    assert main(["init", str(tmp_path / "centre")]) == 0
    books = Books.open(books_url(tmp_path / "centre" / "books" / "books.db"))
    with books.read() as tx:
        key = cards.key_in_force(tx)
    books.close()
    assert key is not None


def test_the_first_card_makes_the_key(desk: Desk) -> None:
    """Books that had no card need not rename any; an old edge keeps them without a key."""
    desk.ok(f"card add ana {NUMBER}")
    with desk.books.read() as tx:
        key = cards.key_in_force(tx)
        assert key is not None
        assert [name for name, _ in directory.live(tx, "card")] == [keyed_card(NUMBER, key)]


def test_an_old_edge_keeps_the_plain_digest(desk: Desk) -> None:
    """No key is made while an accepted edge would know no card by it; the refusal names it."""
    join(desk, wire=2)
    desk.ok(f"card add ana {NUMBER}")
    with desk.books.read() as tx:
        assert [name for name, _ in directory.live(tx, "card")] == [card_digest(NUMBER)]
    for line in ("card rekey", "card rekey --dry-run"):
        status, said = desk(line)
        assert status == 1
        assert "north would know no card" in said
    with desk.write() as tx:
        tx.sql.execute(update(node).values(wire=3))
    assert "1 cards would be named" in desk.ok("card rekey --dry-run")
    assert card(desk, NUMBER) == CardRow(user="ana")
    assert "1 cards are named" in desk.ok("card rekey")


@pytest.mark.parametrize(("wire", "alerts"), [(2, 1), (3, 0)])
def test_an_old_program_that_comes_back_is_reported(wire: int, alerts: int) -> None:
    """Cards identify nobody there, so people are told; the program of today is no news."""
    books = open_books()
    with books.write() as tx:
        cards.begin_key(tx, Dice())
        nodes.add(tx, "north", site="North", role="remote", kind="edge", code=CODE)
    fleet = Fleet(books)
    birth = MemoryEdge(books).birth().model_copy(update={"wire": wire})
    greet(fleet, "north", birth, 0.0)
    said = [say.payload for say in fleet.said() if say.topic.endswith("feed/alerts")]
    assert len([each for each in said if b"knows no card key" in each]) == alerts
    books.close()


def test_rekeying_renames_every_card_once(desk: Desk) -> None:
    """Rows keep what they say, old names become tombstones, and there is no second time."""
    without_key(desk, NUMBER, OTHER)
    desk.ok(f"card block {OTHER}")
    desk.ok("card rekey")
    with desk.books.read() as tx:
        key = cards.key_in_force(tx)
        assert key is not None
        assert dict(directory.live(tx, "card")) == {
            keyed_card(NUMBER, key): {"user": "ana"},
            keyed_card(OTHER, key): {"user": "ana", "blocked": True},
        }
        rows = tx.sql.execute(directory_row.select().order_by(directory_row.c.n)).all()
        last = [(row.kind, row.row is None) for row in rows][-3:]
        assert last == [("setting", False), ("card", True), ("card", True)]
        assert rows[-3].key == CARD_KEY
    status, said = desk("card rekey")
    assert status == 1
    assert "a card key already" in said
    desk.ok(f"card remove {NUMBER}")
    assert card(desk, NUMBER) is None


def test_a_card_entered_by_the_older_digest_is_found(desk: Desk) -> None:
    """A cut-off site may have entered one before it heard of the key: it can be blocked too."""
    desk.ok(f"card add ana {NUMBER}")
    without_key(desk, OTHER)
    desk.ok(f"card block {OTHER}")
    assert card(desk, OTHER) == CardRow(user="ana", blocked=True)
