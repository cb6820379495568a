"""Promises of `central role` and `central exposure`: consequences are said before they are made."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

import pytest

from central.cli import main
from central.store import audit, funds, nodes, terms
from central.store.books import Books
from tests.integration.books_lab import CODE, euros, open_account
from tests.integration.dialects import books_url
from tests.integration.terms_lab import TermsEdge

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

SETTINGS = """
data = "books"
credentials = "credentials.json"
[broker]
secret = "sssssssssssssssssssssssssssssssssssssssssss"
port = 1
"""


class Desk:
    """Runs subcommands on books that the test has open as well."""

    def __init__(self, path: Path, books: Books, capsys: pytest.CaptureFixture[str]) -> None:
        self._path, self.books, self._capsys = path, books, capsys

    def __call__(self, line: str) -> tuple[int, str]:
        """Return the exit status and all that was said."""
        self._capsys.readouterr()
        status = main([*line.split(), "--config", str(self._path / "central.toml")])
        said = self._capsys.readouterr()
        return status, said.out + said.err

    def ok(self, line: str) -> str:
        """Run what must succeed."""
        status, said = self(line)
        assert status == 0, said
        return said

    def listed(self, line: str) -> Any:  # noqa: ANN401  whatever is listed
        """Return what is said in JSON."""
        return json.loads(self.ok(f"{line} --json"))


@pytest.fixture
def desk(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> Iterator[Desk]:
    """Return the commands, with a remote site `north` that was met and is cut off."""
    (tmp_path / "central.toml").write_text(SETTINGS)
    (tmp_path / "books").mkdir()
    books = Books.open(books_url(tmp_path / "books" / "books.db"))
    open_account(books, top_up="3.00")
    TermsEdge(books, "north").join()
    with books.write() as tx:
        nodes.add(tx, "south", site="South hall", role="remote", kind="edge", code=CODE)
    yield Desk(tmp_path, books, capsys)
    books.close()


def test_a_role_is_set_with_what_it_means(desk: Desk) -> None:
    """The consequence is said in words, kept in the record of acts, and sent down."""
    said = desk.ok("role north tracker --uncovered EUR:100:5 --offline-max 14d")
    assert "is to be a tracker; it is a remote now" in said
    assert "up to 100.00 EUR outstanding, 5.00 EUR on one account" in said
    assert "After 14 days without the centre it releases nothing" in said
    with desk.books.read() as tx:
        made = terms.newest(tx, "north")
        acts = audit.acts(tx, target="north")
    assert made is not None
    assert made.incarnation is not None
    assert made.wish.offline_seconds == 14 * 86_400
    assert [act.act for act in acts] == ["role"]


def test_the_list_of_nodes_says_what_sites_are_and_are_to_be(desk: Desk) -> None:
    """As exposure says it; in JSON each is by itself."""
    assert "to be" not in desk.ok("node list")
    desk.ok("role north agent")
    assert "to be" in desk.ok("node list")
    rows = {each["node"]: (each["role"], each["wished"]) for each in desk.listed("node list")}
    assert rows == {"north": ("remote", "agent"), "south": ("remote", None)}
    edge = TermsEdge(desk.books, "west")
    edge.join()
    desk.ok("role west tracker")
    edge.listen()
    edge.take_terms()
    edge.tell()
    rows = {each["node"]: (each["role"], each["wished"]) for each in desk.listed("node list")}
    assert rows["west"] == ("tracker", None)


def test_a_dry_run_changes_nothing(desk: Desk) -> None:
    """It says the same, and nothing is sent or recorded."""
    said = desk.ok("role north agent --dry-run")
    assert "each job asks for its own" in said
    assert "Nothing was changed" in said
    with desk.books.read() as tx:
        assert terms.newest(tx, "north") is None


def test_a_site_that_was_never_met_is_told_later(desk: Desk) -> None:
    """The wish waits for its first birth."""
    assert "told at its first birth" in desk.ok("role south tracker --no-limit")
    assert desk.listed("role south remote --float EUR:20:0.50")["sent"] is False


@pytest.mark.parametrize(
    ("line", "said"),
    [
        # no such role
        ("role north boss", "one of agent, tracker, remote"),
        # a site that is none, with what may have been meant
        ("role nort agent", "did you mean north?"),
        # a cap on what never goes past its allocation
        ("role north agent --uncovered EUR:5", "takes no cap"),
        # the wrong word for the role
        ("role north remote --uncovered EUR:5", "use --float"),
        ("role north tracker --float EUR:5", "use --uncovered"),
        # two words that contradict each other
        ("role north tracker --no-limit --deny", "not several"),
        # no unit, no amount, nothing, more for one than for all
        ("role north tracker --uncovered 500", "write it like EUR:500:20"),
        ("role north tracker --uncovered EUR:x", "not an amount"),
        ("role north tracker --uncovered EUR:0", "more than nothing"),
        ("role north tracker --uncovered EUR:5:6", "more than the whole site"),
        # no span
        ("role north remote --offline-max soon", "write it like 90m, 12h or 14d"),
    ],
)
def test_what_cannot_be_is_refused_with_what_would_be_right(
    desk: Desk, line: str, said: str
) -> None:
    """Exit status 1, a sentence, and no terms."""
    status, words = desk(line)
    assert status == 1
    assert said in words
    with desk.books.read() as tx:
        assert terms.newest(tx, "north") is None


def test_exposure_is_nothing_without_float_or_trackers(desk: Desk) -> None:
    """Money at sites is shown, and exposes nobody; the disk put back is named apart."""
    with desk.books.write() as tx:
        funds.park_free(tx, frozenset({"north"}))
    told = desk.listed("exposure")
    assert told["units"]["EUR"] == {
        "allocated": euros("3.00"),
        "owed": 0,
        "quarantined": 0,
        "more": 0,
        "exposure": 0,
    }
    assert "a disk put back to an older copy" in told["outside"][0]
    assert "Outside the failure model" in desk.ok("exposure")


def test_exposure_shows_caps_and_no_limit(desk: Desk) -> None:
    """What was wished counts from the moment it is sent; without limit is ∞, in all as well."""
    desk.ok("role north remote --float EUR:20:0.50")
    assert desk.listed("exposure")["units"]["EUR"]["exposure"] == euros("20.00")
    desk.ok("role north tracker --no-limit")
    told = desk.listed("exposure")
    assert told["units"]["EUR"]["more"] is None
    assert told["sites"][0]["wished"] == "tracker"
    assert "∞ EUR" in desk.ok("exposure")


def test_a_balance_says_where_money_is_cut_off_and_since_when(desk: Desk) -> None:
    """People read what the site is called, and when it was heard last."""
    with desk.books.write() as tx:
        funds.park_free(tx, frozenset({"north"}))
        nodes.nobody_linked(tx)
    (row,) = desk.listed("balance user:ana")
    (place,) = [each for each in row["places"] if each["micros"]]
    assert (place["site"], place["linked"]) == ("north", False)
    assert place["seen_at"]
    assert "3.00 EUR at north (cut off since " in desk.ok("balance user:ana")
