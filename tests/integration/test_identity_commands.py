"""Promises of the commands around identity: rights, PINs, passwords, cards; what they tell."""

from __future__ import annotations

import json
import re
import sys
from datetime import UTC, datetime, timedelta
from io import StringIO
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
from argon2 import PasswordHasher, Type, extract_parameters
from sqlalchemy import update

from broker.directory import CARD_KEY, AccountRow, CardRow, UserRow, card_digest, keyed_card
from central.births import greet
from central.cli import main
from central.commands import pins
from central.fleet import Fleet
from central.store import accounts, audit, cards, directory, nodes
from central.store.books import Books, sqlite_url
from central.store.tables import directory_row, node
from tests.integration.books_lab import CODE, Dice, MemoryEdge, open_books
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


def told(desk: Desk) -> str:
    """Return all that lists and the record of acts say."""
    lists = ("user list", "card list", "printer list", "balance", "node list")
    with desk.books.read() as tx:
        acts = [(act.act, act.target, dict(act.detail)) for act in audit.acts(tx)]
    return json.dumps(acts) + "".join(desk.ok(each) + desk.ok(f"{each} --json") for each in lists)


# ── what people may do ──────────────────────────────────────────────────────────────────────


def test_rights_are_set_kept_and_taken(desk: Desk) -> None:
    """Each is told to the sites as given, what is not given stays, `none` takes it away."""
    desk.ok("user set ana --language fr --operates north --delegate Ben")
    ana = person(desk, "ana")
    assert (ana.language, ana.operates, ana.delegates) == ("fr", ("north",), ("ben",))
    desk.ok("user set ana --operates *")
    ana = person(desk, "ana")
    assert (ana.language, ana.operates, ana.delegates) == ("fr", ("*",), ("ben",))
    listed = next(row for row in desk.listed("user list") if row["name"] == "ana")
    assert (listed["operates"], listed["delegates"]) == (["*"], ["ben"])
    desk.ok("user set ana --language none --operates none --delegate none")
    ana = person(desk, "ana")
    assert (ana.language, ana.operates, ana.delegates) == ("", (), ())


@pytest.mark.parametrize(
    ("line", "said"),
    [
        ("user set ana --language french", "two letters like fr"),
        ("user set ana --operates nort", "no edge nort"),
        ("user set ana --delegate benn", "no user 'benn'"),
        ("user set ana --delegate ana", "releases their own jobs anyway"),
        ("pin clear ana", "ana has no PIN"),
        ("pin set anna --generate", "did you mean ana?"),
        ("pin set ana --json", "shown nowhere"),
        ("password clear ana", "ana has no password"),
        ("card add ana 1 --expires tomorrow", "write it like 2027-07-31"),
        ("card add ana 1 --expires 2020-01-01", "that day is over"),
        ("card add ana 1 --expires 9999-12-31", "write it like 2027-07-31"),
        ("card block", "by its number, or by --digest"),
        ("card block 1 --digest 012345", "by its number, or by --digest"),
        ("card block 1 --user ana", "give it alone"),
        ("card block 1", "no such card"),
        ("card block --digest 0123", "at least 6"),
        ("card block --user ben", "ben has no card"),
        ("card unblock 1", "no such card"),
        ("printer set north-1 --copies", "printer list"),
        ("printer set north-1", "nothing to change"),
    ],
)
def test_wrong_values_are_refused_in_words(desk: Desk, line: str, said: str) -> None:
    """The answer names what is wrong and what would be right, and nothing is changed."""
    with desk.books.read() as tx:
        before = directory.live(tx, "user"), directory.live(tx, "card")
    status, answer = desk(line)
    assert status == 1
    assert said in answer
    with desk.books.read() as tx:
        assert (directory.live(tx, "user"), directory.live(tx, "card")) == before


def test_a_namesake_inherits_no_right(desk: Desk) -> None:
    """Who leaves is nobody's delegate any more: the next of that name is somebody else."""
    desk.ok("user set ana --delegate ben")
    desk.ok("user remove ben")
    assert person(desk, "ana").delegates == ()


def test_a_printer_is_changed_and_keeps_the_rest(desk: Desk) -> None:
    """Copies are turned on and off; entering it again with tags forgets neither them nor a name."""
    desk.ok("printer add north-1 --node north --name Hall --tag library")
    desk.ok("printer set north-1 --copies")
    desk.ok("printer add north-1 --node north --tag copier")
    (shown,) = desk.listed("printer list")
    assert (shown["name"], shown["tags"], shown["copies"]) == ("Hall", ["copier"], True)
    desk.ok("printer set north-1 --no-copies --name Foyer")
    (shown,) = desk.listed("printer list")
    assert (shown["name"], shown["tags"], shown["copies"]) == ("Foyer", ["copier"], False)


def test_the_label_of_an_account_travels(desk: Desk) -> None:
    """Sites read it in the account's row; one from before they did is told at the next start."""
    desk.ok("account add department:physics --label Physics")

    def row() -> AccountRow:
        with desk.books.read() as tx:
            return AccountRow.model_validate(directory.get(tx, "account", "department:physics"))

    assert row().label == "Physics"
    with desk.write() as tx:
        before = row().model_copy(update={"label": ""})
        directory.put(tx, "account", "department:physics", before)
        accounts.tell_labels(tx)
        version = directory.version(tx)
        accounts.tell_labels(tx)
        assert directory.version(tx) == version
    assert row().label == "Physics"


# ── PINs and passwords ──────────────────────────────────────────────────────────────────────


def test_a_pin_is_kept_as_a_hash(desk: Desk, monkeypatch: pytest.MonkeyPatch) -> None:
    """argon2id with 19 MiB, two passes, one lane; sites can check it; it can be taken away."""
    monkeypatch.setattr(sys, "stdin", StringIO("471147\n"))
    assert "471147" not in desk.ok("pin set ana")
    phc = person(desk, "ana").pin
    found = extract_parameters(phc)
    assert (found.type, found.memory_cost) == (Type.ID, 19 * 1024)
    assert (found.time_cost, found.parallelism) == (2, 1)
    assert PasswordHasher().verify(phc, "471147")
    desk.ok("pin clear ana")
    assert person(desk, "ana").pin == ""


def test_a_pin_can_be_made_by_chance(desk: Desk) -> None:
    """It is shown once, and what was shown is what was set."""
    pin = desk.listed("pin set ana --generate")["pin"]
    assert PasswordHasher().verify(person(desk, "ana").pin, pin)
    shown = desk.ok("password set ana --generate").split()[-1]
    assert PasswordHasher().verify(person(desk, "ana").password, shown)


@pytest.mark.parametrize(
    ("line", "typed", "said"),
    [
        ("pin set ana", "1234", "counts up or down"),
        ("pin set ana", "", "4 to 12 digits"),
        ("password set ana", "short", "10 to 255"),
        # longer than a line that is read
        ("password set ana", "x" * 5000, "10 to 255"),
    ],
)
def test_a_weak_secret_changes_nothing(
    desk: Desk, monkeypatch: pytest.MonkeyPatch, line: str, typed: str, said: str
) -> None:
    """It is refused in words that do not repeat it."""
    monkeypatch.setattr(sys, "stdin", StringIO(typed + "\n"))
    status, answer = desk(line)
    assert status == 1
    assert said in answer
    assert not typed or typed not in answer
    assert (person(desk, "ana").pin, person(desk, "ana").password) == ("", "")


def test_at_a_terminal_it_is_typed_twice(desk: Desk, monkeypatch: pytest.MonkeyPatch) -> None:
    """Without an echo; two that differ change nothing."""
    typed = iter(["4711", "4712", "4711", "4711"])
    screen = StringIO()
    monkeypatch.setattr(screen, "isatty", lambda: True)
    monkeypatch.setattr(sys, "stdin", screen)
    monkeypatch.setattr(pins, "getpass", lambda _: next(typed))
    status, said = desk("pin set ana")
    assert status == 1
    assert "not the same" in said
    desk.ok("pin set ana")
    assert PasswordHasher().verify(person(desk, "ana").pin, "4711")


def test_no_secret_is_said_anywhere(desk: Desk, monkeypatch: pytest.MonkeyPatch) -> None:
    """No list, no act and no representation has a hash, a card number or the card key."""
    monkeypatch.setattr(sys, "stdin", StringIO("471147\nlong enough to be one\n"))
    for line in (
        "pin set ana",
        "password set ana",
        "user set ana --display A --language de",
        f"card add ana {NUMBER}",
        f"card block {NUMBER} --reason lost",
        "printer add north-1 --node north",
    ):
        desk.ok(line)
    ana = person(desk, "ana")
    with desk.books.read() as tx:
        key = cards.key_in_force(tx)
    assert key is not None
    said = told(desk) + repr(ana)
    full = keyed_card(NUMBER, key)
    hidden = ("argon2", "471147", "long enough", NUMBER, full, card_digest(NUMBER), key.hex())
    assert [each for each in hidden if each in said] == []
    listed = next(row for row in desk.listed("user list") if row["name"] == "ana")
    assert (listed["has_pin"], listed["has_password"]) == (True, True)
    assert not {"pin", "password"} & set(listed)


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
    books = Books.open(sqlite_url(tmp_path / "centre" / "books" / "books.db"))
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
