"""`printmesh central code`: one code, shown once; every wrong wish answered with what would do."""

from __future__ import annotations

import json
import re
from typing import TYPE_CHECKING, Any

import pytest

from broker.directory import UserRow
from central.cli import main
from central.store import accounts, code_list, courier, directory, funds, nodes, streams
from central.store.books import Books
from config.policy.money import Money
from tests.integration.books_lab import CODE, Dice, MemoryEdge
from tests.integration.dialects import books_url

if TYPE_CHECKING:
    from pathlib import Path

SETTINGS = """
data = "."
credentials = "credentials.json"
[broker]
secret = "sssssssssssssssssssssssssssssssssssssssssss"
port = 1
"""


class Desk:
    """Runs the command on books with Ana's 10.00, the lab's account, and a site that was met."""

    def __init__(self, path: Path, capsys: pytest.CaptureFixture[str]) -> None:
        self._path = path
        self._capsys = capsys
        (path / "central.toml").write_text(SETTINGS)
        books = Books.open(books_url(path / "books.db"))
        with books.write() as tx:
            for key, unit in (("user:ana", "EUR"), ("quota:ana", "page"), ("project:lab", "EUR")):
                accounts.put(tx, key, unit, floor=0, enabled=True)
                given = Money.parse("10.00", unit)
                accounts.top_up(tx, key, given, note="", author="test")
            lists = (("user:ana", "quota:ana"),)
            ana = UserRow(name="ana", accounts=("user:ana",), wallets=lists)
            directory.put(tx, "user", "ana", ana.model_copy(update={"choices": ("project:lab",)}))
            for name in ("north", "north-2", "east"):
                site = "East" if name == "east" else "North"
                nodes.add(tx, name, site=site, role="remote", kind="edge", code=CODE)
        for name in ("north", "east"):
            edge = MemoryEdge(books, name)
            birth = edge.birth().model_copy(update={"wire": 2})
            with books.write() as tx:
                accepted = nodes.accept(tx, name, birth)
                assert isinstance(accepted, nodes.Accepted)
                courier.contact(tx, name, birth, accepted.down.acked, Dice())
                state = streams.find(tx, accepted.down.id)
                streams.acknowledged(tx, state.id, state.at)
        books.close()

    def __call__(self, *words: str) -> tuple[int, str]:
        """Return the exit status and all that was said."""
        self._capsys.readouterr()
        status = main([*words, "--config", str(self._path / "central.toml")])
        said = self._capsys.readouterr()
        return status, said.out + said.err

    def listed(self, *words: str) -> Any:  # noqa: ANN401  whatever is listed
        """Return what a command says in JSON."""
        status, said = self(*words, "--json")
        assert status == 0, said
        return json.loads(said[min(said.find(each) for each in "{[" if each in said) :])


@pytest.fixture
def desk(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> Desk:
    """Make the books."""
    return Desk(tmp_path, capsys)


def test_a_code_is_shown_in_groups_and_only_once(desk: Desk) -> None:
    """What lists show afterwards is that there was one, for whom, where and how much."""
    status, said = desk("code", "Ana", "north", "2.50")
    assert status == 0
    found = re.search(r"^  (\d{4} \d{4} \d{4} \d{4} \d{4})$", said, re.MULTILINE)
    assert found is not None
    (row,) = desk.listed("codes")
    assert (row["user"], row["node"], row["amount"], row["state"]) == (
        "ana",
        "north",
        "2.50 EUR",
        "issued",
    )
    table = desk("codes", "--node", "north")[1]
    for digits in (found[1], found[1].replace(" ", "")):
        assert digits not in json.dumps(row)
        assert digits not in table


@pytest.mark.parametrize(
    ("words", "expected"),
    [
        # by the site's name; another of the person's wallets; what they may choose
        (("ana", "East", "1.00"), ("east", "user:ana", 1_000_000, "EUR")),
        (
            ("ana", "north", "7", "--account", "quota:ana"),
            ("north", "quota:ana", 7_000_000, "page"),
        ),
        (
            ("ana", "north", "0.10", "--account", "project:lab"),
            ("north", "project:lab", 100_000, "EUR"),
        ),
    ],
)
def test_a_code_is_for_one_account_at_one_site(
    desk: Desk, words: tuple[str, ...], expected: tuple[str, str, int, str]
) -> None:
    """Machines get all of it in JSON."""
    told = desk.listed("code", *words)
    assert expected == (told["node"], told["account"], told["micros"], told["unit"])
    assert re.fullmatch(r"(\d{4} ){4}\d{4}", told["code"])


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (("anna", "north", "1.00"), "did you mean ana?"),
        (("ana", "nroth", "1.00"), "did you mean north?"),
        (("ana", "North", "1.00"), "several edges are at 'North': north, north-2"),
        (("ana", "north", "one"), "is not an amount"),
        (("ana", "north", "1.05"), "steps of 0.10 EUR"),
        (("ana", "north", "-1.00"), "steps of 0.10 EUR"),
        (("ana", "north", "1.5", "--account", "quota:ana"), "steps of 1 page"),
        (("ana", "north", "200.00"), "102.30 EUR at most"),
        (("ana", "north", "50.00"), "10.00 EUR at the centre, 40.00 EUR is missing"),
        (("ana", "north", "1.00", "--account", "lab"), "is no account"),
        (("ana", "north", "1.00", "--account", "user:bob"), "ana may not pay from user:bob"),
        (("ana", "north-2", "1.00"), "has never been met"),
    ],
)
def test_a_wrong_wish_is_refused_in_words(desk: Desk, words: tuple[str, ...], said: str) -> None:
    """Exit status 1, the reason, and nothing was issued."""
    status, answer = desk("code", *words)
    assert status == 1
    assert said in answer
    assert desk.listed("codes") == []


def test_a_wish_that_no_coordinator_serves_ends_in_words(
    desk: Desk, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    """Money sits at a linked site and nobody fetches it: the command says so, and gives up."""
    books = Books.open(books_url(tmp_path / "books.db"))
    with books.write() as tx:
        funds.grant(tx, "east", "user:ana", "EUR", 9_000_000, "parked")
        nodes.seen(tx, {"east": True})
    moments = iter([0.0, 11.0])
    monkeypatch.setattr("central.commands.codes.time.monotonic", lambda: next(moments))
    status, said = desk("code", "ana", "north", "5.00")
    assert status == 1
    assert "is the coordinator running?" in said
    with books.read() as tx:
        assert [each.state for each in code_list.every(tx)] == ["failed"]
    books.close()
