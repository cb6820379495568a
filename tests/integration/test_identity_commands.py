"""Promises of the commands around identity: rights, PINs, passwords; what they tell."""

from __future__ import annotations

import json
import sys
from io import StringIO
from typing import TYPE_CHECKING

import pytest
from argon2 import PasswordHasher, Type, extract_parameters

from broker.directory import AccountRow, UserRow, card_digest, keyed_card
from central.commands import pins
from central.store import accounts, audit, cards, directory
from tests.integration.test_account_commands import Desk

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

NUMBER = "04A224FF"


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
