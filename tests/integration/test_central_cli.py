"""Promises of `printmesh central`: it does what it says, and refuses with what would be right."""

from __future__ import annotations

import json
import stat
from typing import TYPE_CHECKING, Any, TypeVar

import pytest

from broker.credentials import CredentialFile
from broker.messages import AccountAmount, JobHeld, JobSettled
from central.cli import main
from central.store import audit
from central.store.books import Books
from central.store.directory import live
from central.store.funds import park_free
from central.store.nodes import Accepted, accept, enrol, nobody_linked, set_state
from config.settings import CentralSettings, EdgeSettings, load
from tests.integration.books_lab import CODE, MORNING, MemoryEdge, open_account
from tests.integration.dialects import books_url

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from central.store.books import Transaction

T = TypeVar("T")

SETTINGS = """
data = "books"
credentials = "credentials.json"
[broker]
secret = "sssssssssssssssssssssssssssssssssssssssssss"
port = 1
"""


class Command:
    """Runs subcommands on books of their own."""

    def __init__(self, path: Path, capsys: pytest.CaptureFixture[str]) -> None:
        self.path = path
        self._capsys = capsys
        (path / "central.toml").write_text(SETTINGS)

    def __call__(self, *words: str) -> tuple[int, str]:
        """Return the exit status and all that was said."""
        self._capsys.readouterr()
        status = main([*words, "--config", str(self.path / "central.toml")])
        said = self._capsys.readouterr()
        return status, said.out + said.err

    def ok(self, *words: str) -> str:
        """Run what must succeed."""
        status, said = self(*words)
        assert status == 0, said
        return said

    def listed(self, *words: str) -> Any:  # noqa: ANN401  whatever is listed
        """Return what a list says in JSON."""
        return json.loads(self.ok(*words, "--json"))


@pytest.fixture
def run(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> Command:
    """Return the command with settings."""
    return Command(tmp_path, capsys)


def test_a_job_paid_in_parts_costs_their_sum(run: Command) -> None:
    """One sum for each unit for people; JSON has every part."""
    run.ok("migrate")
    books = Books.open(load(CentralSettings, run.path / "central.toml").url)
    for key, much in (("grant:ana", "0.13"), ("user:ana", "1.00")):
        open_account(books, key, much)
    edge = MemoryEdge(books)
    edge.join()
    with books.write() as tx:
        park_free(tx, frozenset({"north"}))
    edge.listen()
    parts = tuple(
        AccountAmount(account=key, unit="EUR", micros=micros)
        for key, micros in (("grant:ana", 130_000), ("user:ana", 220_000))
    )
    charge = edge.charge(0, postings=parts)
    counted = charge.counted
    held = JobHeld(
        job=charge.job, queue="pull", user="ana", name="a", received_at=MORNING, counted=counted
    )
    settled = JobSettled(
        job=charge.job,
        attempt=1,
        printer="north-1",
        disposition="completed",
        counts=(),
        billed=counted,
        charge=charge.charge,
    )
    edge.say(charge)
    edge.send(edge.journal["ledger"])
    edge.say(held, settled, name="jobs")
    edge.send(edge.journal["jobs"], name="jobs")
    books.close()
    assert "0.35 EUR" in run.ok("jobs")
    (job,) = run.listed("jobs")
    assert job["cost"] == "0.35 EUR"
    assert [each["micros"] for each in job["paid"]] == [130_000, 220_000]


def test_from_nothing_to_an_organisation(run: Command) -> None:
    """Each command's effect is seen by the lists, and the books verify."""
    run.ok("migrate")
    run.ok("node", "add", "north", "--site", "North campus")
    run.ok("printer", "add", "north-1", "--node", "north", "--name", "Hall")
    run.ok("tariff", "set", "--mono", "0.05", "--color", "0.20")
    run.ok("user", "add", "Ana", "--display", "Ana A.", "--account", "user:ana")
    run.ok("card", "add", "ana", "0451")
    run.ok("topup", "user:ana", "5.00", "--note", "cash")
    (user,) = run.listed("user", "list")
    assert (user["name"], user["display"], user["accounts"]) == ("ana", "Ana A.", ["user:ana"])
    (card,) = run.listed("card", "list")
    assert card["user"] == "ana"
    assert "0451" not in json.dumps(card)
    (tariff,) = run.listed("tariff", "list")
    assert [line["per_impression"] for line in tariff["lines"]] == [50_000, 200_000]
    (printer,) = run.listed("printer", "list")
    hall = {"device": "north-1", "node": "north", "name": "Hall"}
    assert printer == {**hall, "tags": [], "copies": False}
    (node,) = run.listed("node", "list")
    assert (node["state"], node["linked"], node["may_enrol"]) == ("active", False, True)
    (ana,) = run.listed("balance", "user:ana")
    assert (ana["micros"], ana["places"][0]["place"]) == (5_000_000, "centre")
    assert run.listed("jobs") == []
    assert run.listed("verify")["ok"] is True


def test_the_written_settings_start_an_edge(run: Command) -> None:
    """`node add --out` writes a file for its owner's eyes that loads as it is."""
    out = run.path / "north.toml"
    run.ok("node", "add", "north", "--site", 'The "north" campus', "--out", str(out))
    assert stat.S_IMODE(out.stat().st_mode) == 0o600
    edge = load(EdgeSettings, out)
    assert (edge.node, edge.site, edge.role) == ("north", 'The "north" campus', "remote")
    central = load(CentralSettings, run.path / "central.toml")
    books = Books.open(central.url)
    assert edge.coordinator.incarnation == books.identity.incarnation
    books.close()
    assert [each.name for each in CredentialFile(central.credentials).entries()] == ["north"]
    assert edge.link.secret.get_secret_value() not in central.credentials.read_text()


@pytest.mark.sqlite_only("about the file")
def test_the_books_are_for_their_owner_only(run: Command) -> None:
    """Nobody else on the machine can read who printed what."""
    run.ok("migrate")
    assert stat.S_IMODE((run.path / "books" / "books.db").stat().st_mode) == 0o600


@pytest.mark.parametrize(
    ("words", "said"),
    [
        # each wrong value is answered with what would be right
        (["topup", "user:ana", "1,50"], "write it like 2.50"),
        (["topup", "user:ana", "0"], "more than nothing"),
        (["topup", "user:ana", "-1"], "more than nothing"),
        (["topup", "user:ana", "0.0000001"], "finer than a millionth"),
        (["topup", "user:anna", "1"], "did you mean user:ana?"),
        (["topup", "ana", "1"], "write it like user:ana"),
        (["balance", "user:anna"], "did you mean user:ana?"),
        (["user", "add", "ana"], "already"),
        (["user", "add", "a b"], "without spaces"),
        (["user", "add", "bob", "--account", "income:print"], "organisation's own"),
        (["user", "change", "ana"], "nothing to change"),
        (["user", "remove", "anna"], "did you mean ana?"),
        (["card", "add", "anna", "1"], "did you mean ana?"),
        (["card", "remove", "77"], "no such card"),
        (["node", "add", "North_1"], "a-z, 0-9 and -"),
        (["node", "add", "north"], "already"),
        (["node", "add", "coordinator"], "already"),
        (["node", "add", "x", "--kind", "robot"], "edge or dashboard"),
        (["node", "enrol", "nort"], "did you mean north?"),
        (["printer", "add", "p-1", "--node", "nort"], "did you mean north?"),
        (["printer", "remove", "p-1"], "printer list"),
        (["tariff", "set"], "--mono and --color"),
        (["tariff", "set", "--mono", "1"], "both"),
        (["tariff", "set", "--mono", "-1", "--color", "1"], "below zero"),
        (["jobs", "--state", "done"], "pending-held"),
        (["token", "remove", "x"], "token list"),
        (["run", "--log-level", "loud"], "debug, info, warning, error"),
    ],
)
def test_wrong_values_are_refused_in_words(run: Command, words: list[str], said: str) -> None:
    """The exit status is 1, the answer names what is wrong and what would be right."""
    run.ok("user", "add", "ana")
    run.ok("node", "add", "north")
    status, answer = run(*words)
    assert status == 1
    assert said in answer
    assert "Traceback" not in answer


@pytest.mark.parametrize(
    ("name", "text", "said"),
    [
        # a field that does not exist
        ("t.toml", "[[lines]]\ncolour = 'color'\n", "Extra inputs"),
        # a price that is no whole number of millionths
        ("t.toml", "[[lines]]\nper_impression = 0.05\n", "per_impression"),
        # not TOML
        ("t.toml", "lines = [", "t.toml"),
        # not JSON
        ("t.json", "{", "t.json"),
    ],
)
def test_a_bad_tariff_file_is_refused_by_place(
    run: Command, name: str, text: str, said: str
) -> None:
    """The answer names the file and the field, and no tariff comes into force."""
    file = run.path / name
    file.write_text(text)
    status, answer = run("tariff", "set", str(file))
    assert status == 1
    assert said in answer
    assert run.listed("tariff", "list") == []


def test_a_listed_tariff_can_be_set_again(run: Command) -> None:
    """What `tariff list --json` shows is what `tariff set FILE` takes."""
    run.ok("tariff", "set", "--mono", "0.05", "--color", "0.20")
    (shown,) = run.listed("tariff", "list")
    file = run.path / "t.json"
    file.write_text(json.dumps({"lines": shown["lines"]}))
    run.ok("tariff", "set", str(file))
    assert [each["version"] for each in run.listed("tariff", "list")] == [1, 2]


def test_removing_a_person_takes_their_cards_away(run: Command) -> None:
    """No card outlives its owner in the directory; both are tombstones for the sites."""
    run.ok("user", "add", "ana")
    run.ok("card", "add", "ana", "1")
    run.ok("user", "remove", "ana")
    assert run.listed("card", "list") == []
    books = Books.open(books_url(run.path / "books" / "books.db"))
    with books.read() as tx:
        assert live(tx, "user") == []
    books.close()


def test_a_wrong_option_is_a_wrong_command_line(run: Command) -> None:
    """Exit status 2 is for the command line, 1 for what it asks."""
    status, _ = run("user", "add", "ana", "--colour", "red")
    assert status == 2


def test_settings_that_are_wrong_are_named(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """An unknown key is refused with its file and name."""
    file = tmp_path / "central.toml"
    file.write_text(SETTINGS.replace("credentials =", "credentails ="))
    assert main(["migrate", "--config", str(file)]) == 1
    said = capsys.readouterr().err
    assert "credentails" in said
    assert str(file) in said


def test_a_new_journal_needs_a_decision_about_the_old_ones_money(run: Command) -> None:
    """Money at a journal that was accepted is not forgotten by a new code, only written off."""
    run.ok("node", "add", "north")
    open_account_at(run.path, "north", "5.00")
    status, said = run("node", "enrol", "north")
    assert status == 1
    assert "5.00 EUR of 1 accounts sit at north" in said
    assert "--write-off" in said
    status, said = run("node", "enrol", "north", "--write-off")
    assert status == 1
    assert "linked: it is not lost" in said
    at_books(run.path, nobody_linked)
    told = run.listed("node", "enrol", "north", "--write-off")
    assert len(told["enrolment_code"]) == 20
    (ana,) = run.listed("balance", "user:ana")
    assert ana["micros"] == 5_000_000
    assert run.listed("verify")["ok"] is True


def test_a_frozen_node_can_be_freed(run: Command) -> None:
    """The list names the reason, `node free` lifts it, and only where there is one."""
    run.ok("node", "add", "north")
    assert run("node", "free", "north")[0] == 1
    books = Books.open(books_url(run.path / "books" / "books.db"))
    with books.write() as tx:
        set_state(tx, "north", "frozen", "fork: event 7")
    books.close()
    (node,) = run.listed("node", "list")
    assert (node["state"], node["note"]) == ("frozen", "fork: event 7")
    run.ok("node", "free", "north")
    (node,) = run.listed("node", "list")
    assert node["state"] == "active"


def at_books(path: Path, what: Callable[[Transaction], T]) -> T:
    """Do something with the books of the commands."""
    books = Books.open(books_url(path / "books" / "books.db"))
    with books.write() as tx:
        done = what(tx)
    books.close()
    return done


def test_every_administrative_act_is_in_the_audit(run: Command) -> None:
    """Who may connect, who is who, what it costs, who may read: with author, without secrets."""
    shown = run.listed("node", "add", "north")
    words = [
        ("node", "enrol", "north"),
        ("node", "secret", "north"),
        ("printer", "add", "north-1", "--node", "north"),
        ("printer", "remove", "north-1"),
        ("tariff", "set", "--mono", "0.05", "--color", "0.20"),
        ("user", "add", "ana"),
        ("card", "add", "ana", "0451"),
        ("card", "remove", "0451"),
        ("user", "remove", "ana"),
        ("token", "add", "a screen"),
        ("token", "remove", "a screen"),
    ]
    for each in words:
        run.ok(*each)
    at_books(run.path, lambda tx: set_state(tx, "north", "frozen", "fork"))
    run.ok("node", "free", "north")
    open_account_at(run.path, "north", "5.00")
    at_books(run.path, nobody_linked)
    run.ok("node", "enrol", "north", "--write-off")
    found = at_books(run.path, audit.acts)
    assert [each.act for each in found] == [
        "node add",
        *(" ".join(each[:2]) for each in words),
        "node free",
        "write-off",
        "node enrol",
    ]
    assert all(each.author for each in found)
    told = json.dumps([each.detail for each in found])
    assert not any(secret in told for secret in (shown["secret"], shown["enrolment_code"], "0451"))


def open_account_at(path: Path, node: str, amount: str) -> None:
    """Put money at an edge whose journal was accepted."""
    books = Books.open(books_url(path / "books" / "books.db"))
    edge = MemoryEdge(books, node=node)
    with books.write() as tx:
        enrol(tx, node, CODE)
        assert isinstance(accept(tx, node, edge.birth()), Accepted)
    open_account(books, top_up=amount)
    with books.write() as tx:
        park_free(tx, frozenset({node}))
    books.close()
