"""Promises of the commands around accounts: what they say is done, and refused in words."""

from __future__ import annotations

import json
from contextlib import redirect_stderr, redirect_stdout
from datetime import UTC, datetime, timedelta
from io import StringIO
from typing import TYPE_CHECKING, Any

import pytest

from broker.messages import AccountAmount
from central.cli import main
from central.store import nodes, schedules
from central.store.books import Books
from central.store.grants import grant
from central.store.parking import park_free
from config.settings import CentralSettings, load
from tests.integration.books_lab import MemoryEdge, euros

if TYPE_CHECKING:
    from collections.abc import Iterator
    from contextlib import AbstractContextManager
    from pathlib import Path

    from central.store.books import Transaction

SETTINGS = """
data = "books"
credentials = "credentials.json"
[broker]
secret = "sssssssssssssssssssssssssssssssssssssssssss"
port = 1
"""


class Desk:
    """Runs subcommands on books of their own, with Ana, Bob and a department."""

    def __init__(self, path: Path) -> None:
        self._config = path / "central.toml"
        self._config.write_text(SETTINGS)
        self.books = Books.open(load(CentralSettings, self._config).url)

    def __call__(self, line: str) -> tuple[int, str]:
        """Return the exit status and all that was said."""
        said = StringIO()
        with redirect_stdout(said), redirect_stderr(said):
            status = main([*line.split(), "--config", str(self._config)])
        return status, " ".join(said.getvalue().split())

    def ok(self, line: str) -> str:
        """Run what must succeed."""
        status, said = self(line)
        assert status == 0, said
        return said

    def listed(self, line: str) -> Any:  # noqa: ANN401  whatever is listed
        """Return what a command says in JSON."""
        return json.loads(self.ok(f"{line} --json"))

    def allow(self, settings: str) -> None:
        """Add to the settings."""
        self._config.write_text(self._config.read_text() + settings)

    def write(self, now: datetime | None = None) -> AbstractContextManager[Transaction]:
        """Open a transaction behind the command's back."""
        return self.books.write(now)


def _open(path: Path) -> Iterator[Desk]:
    at = Desk(path)
    for line in (
        "user add ana --group students",
        "user add bob --group students",
        "account add department:physics --label Physics --overdraft 2.00",
        "topup user:ana 5.00",
        "topup department:physics 9.00",
    ):
        at.ok(line)
    yield at
    at.books.close()


@pytest.fixture
def desk(tmp_path: Path) -> Iterator[Desk]:
    """Enter two people and a department with money."""
    yield from _open(tmp_path)


@pytest.fixture(scope="module")
def steady(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Desk]:
    """Return one desk for all that is refused, which changes nothing."""
    yield from _open(tmp_path_factory.mktemp("steady"))


def test_an_account_is_opened_shown_and_changed(desk: Desk) -> None:
    """Rules are listed as given, what is not given stays, the tree adds up."""
    desk.ok("account add project:apollo --parent department:physics --unlimited")
    desk.ok("account add quota:ana.color --counts color")
    desk.ok("account set project:apollo --limited")
    desk.ok("topup project:apollo 1.00")
    shown = desk.listed("account show department:physics")
    assert (shown["label"], shown["floor"]) == ("Physics", -euros("2.00"))
    assert shown["below"] == {"EUR": euros("10.00")}
    (quota,) = desk.listed("account list --kind quota")
    assert (quota["unit"], quota["counts"]) == ("page", "color")
    (apollo,) = desk.listed("account list --parent department:physics")
    assert (apollo["account"], apollo["unlimited"]) == ("project:apollo", False)
    assert [act["act"] for act in desk.listed("account show project:apollo")["acts"]] == [
        "account add",
        "account set",
        "topup",
    ]
    assert "overdraft 2.00 EUR" in desk.ok("account show department:physics")


def test_wallets_and_choices_are_set_and_the_balance_follows_them(desk: Desk) -> None:
    """A person's own accounts are opened, their order is told, and sites know the first of each."""
    desk.ok("user set ana --wallet grant:ana,user:ana --wallet quota:ana,quota:ana.color")
    desk.ok("user set ana --choice department:physics")
    ana = next(row for row in desk.listed("user list") if row["name"] == "ana")
    assert ana["wallets"] == [["grant:ana", "user:ana"], ["quota:ana", "quota:ana.color"]]
    assert ana["accounts"] == ["grant:ana", "quota:ana"]
    assert ana["choices"] == ["department:physics"]
    rows = desk.listed("balance ana")
    assert [(row["account"], row["list"], row["turn"]) for row in rows] == [
        ("grant:ana", 1, 1),
        ("user:ana", 1, 2),
        ("quota:ana", 2, 1),
        ("quota:ana.color", 2, 2),
        ("department:physics", 0, 0),
    ]
    desk.ok("user set ana --choice none")
    ana = next(row for row in desk.listed("user list") if row["name"] == "ana")
    assert ana["choices"] == []


def test_shared_accounts_are_chosen_by_membership(desk: Desk) -> None:
    """Members see the account among their choices until they are removed."""
    desk.ok("account add shared:lab")
    desk.ok("account member add shared:lab ana bob")
    assert desk.listed("account member list shared:lab") == [{"user": "ana"}, {"user": "bob"}]
    desk.ok("account member remove shared:lab bob")
    people = {row["name"]: row["choices"] for row in desk.listed("user list")}
    assert people == {"ana": ["shared:lab"], "bob": []}
    desk.ok("user remove ana")
    assert desk.listed("account member list shared:lab") == []


def test_closing_is_tried_before_it_is_done(desk: Desk) -> None:
    """A dry run says what would move and moves nothing; then it is done, listed and audited."""
    said = desk.ok("account close user:ana --to department:physics --reason left --dry-run")
    assert "5.00 EUR goes at once" in said
    assert desk.listed("account show user:ana")["state"] == "open"
    desk.ok("account close user:ana --to department:physics --reason left --yes")
    shown = desk.listed("account show user:ana")
    assert (shown["state"], shown["merged_into"]) == ("closed", "department:physics")
    assert shown["acts"][-1]["reason"] == "left"
    *_, last = desk.listed("entries department:physics")
    assert (last["kind"], last["note"], last["change"]) == ("close", "left", "5.00 EUR")


def test_merging_needs_a_yes(desk: Desk, monkeypatch: pytest.MonkeyPatch) -> None:
    """Who says no, or nothing, has done nothing."""
    for answer, status in (("n\n", 0), ("", 1)):
        monkeypatch.setattr("sys.stdin", StringIO(answer))
        assert desk("account merge user:ana user:bob --reason same")[0] == status
    assert desk.listed("account show user:ana")["state"] == "open"
    desk.ok("account merge user:ana user:bob --reason same --yes")
    assert desk.listed("account show user:bob")["micros"] == euros("5.00")


def test_a_frozen_account_says_so(desk: Desk) -> None:
    """The state is in lists and balances until it is unfrozen."""
    desk.ok("account freeze user:ana --reason stolen")
    assert "frozen" in desk.ok("balance user:ana")
    desk.ok("account unfreeze user:ana")
    assert "frozen" not in desk.ok("balance user:ana")


def test_a_grant_is_entered_previewed_and_posted(desk: Desk) -> None:
    """A dry run lists who would get what; run posts what is due, once."""
    desk.ok(
        "grant add pocket --to group:students --amount 5.00 --every daily --zone Europe/Paris "
        "--at 06:30 --mode add --cap 20.00"
    )
    (row,) = desk.listed("grant list")
    assert (row["every"], row["cap"]) == ("daily at 06:30 Europe/Paris", euros("20.00"))
    preview = desk.listed("grant run pocket --dry-run")
    assert (preview["accounts"], preview["micros"]) == (2, euros("10.00"))
    assert "Nothing is due" in desk.ok("grant run pocket")
    assert desk.listed("entries house:grants") == []
    with desk.write(datetime.now(UTC) + timedelta(days=1, hours=2)) as tx:
        assert schedules.step(tx) is not None
    assert desk.listed("account show grant:ana")["micros"] == euros("5.00")
    assert desk.listed("account show grant:ana")["parent"] == "user:ana"
    desk.ok("grant pause pocket")
    assert desk.listed("grant show pocket")["paused"] is True
    desk.ok("grant resume pocket")
    desk.ok("grant remove pocket")
    assert desk.listed("grant list") == []


def test_corrections_and_refunds_are_listed_with_their_reason(desk: Desk) -> None:
    """A charge is given back in part and in whole; each entry names what it belongs to."""
    north = MemoryEdge(desk.books)
    north.join()
    with desk.write() as tx:
        park_free(tx, frozenset({"north"}))
    north.listen()
    paid = AccountAmount(account="user:ana", unit="EUR", micros=euros("1.00"))
    charge = north.charge(0, postings=(paid,))
    north.send(north.say(charge))
    (row,) = desk.listed(f"refund {charge.job} --amount 0.30 --reason jammed")
    assert (row["account"], row["refund"]) == ("user:ana", "0.30 EUR")
    assert row["charge"] == str(charge.charge)
    desk.ok(f"refund {charge.charge} --all --reason jammed")
    desk.ok("correct user:ana -0.50 --reason counted-twice")
    *_, part, rest, last = desk.listed("entries user:ana")
    assert [each["kind"] for each in (part, rest, last)] == ["refund", "refund", "correction"]
    assert (part["reference"], part["change"]) == (str(charge.charge), "0.30 EUR")
    assert (last["note"], last["change"]) == ("counted-twice", "-0.50 EUR")
    assert last["author"].startswith("cli")
    assert desk.listed("verify")["ok"] is True


def test_the_balance_says_which_site_is_cut_off(desk: Desk) -> None:
    """Money at a site that is not linked is marked, money at the centre is not."""
    north = MemoryEdge(desk.books)
    north.join()
    with desk.write() as tx:
        grant(tx, "north", "user:ana", "EUR", euros("4.00"), "parked")
        nodes.nobody_linked(tx)
    assert "1.00 EUR at centre; 4.00 EUR at north (cut off since " in desk.ok("balance user:ana")


@pytest.mark.sqlite_only("nothing is written: one desk is enough for all of it")
@pytest.mark.parametrize(
    ("line", "said"),
    [
        # each wrong value is answered with what would be right
        ("account add club:chess", "no kind of account"),
        ("account add house:x", "no kind of account"),
        ("account add user:ana", "already"),
        ("account add project:x --unit USD", "books are in EUR"),
        ("account add quota:x --unit EUR", "a quota is in pages"),
        ("account add project:x --parent project:y", "no account project:y"),
        ("account add project:x --parent project:x", "above itself"),
        ("account add project:x --overdraft 1,5", "write it like 2.50"),
        ("account add project:x --overdraft 1000000001", "beyond"),
        ("account add project:x --counts color", "accounts in pages"),
        ("account set user:ana", "nothing to change"),
        ("account show user:anna", "did you mean user:ana?"),
        ("account freeze user:anna --reason x", "did you mean user:ana?"),
        ("account unfreeze user:ana", "user:ana is open"),
        ("account close user:ana --reason x --yes", "still has 5.00 EUR at the centre"),
        ("account close user:ana --to quota:x --reason x --yes", "no account quota:x"),
        ("account merge user:ana user:ana --reason x --yes", "come back"),
        ("account member add user:ana bob", "has no members"),
        ("account member add department:physics bobb", "did you mean bob?"),
        ("account member remove department:physics bob", "no member"),
        ("account list --kind club", "no kind"),
        ("user set ana --wallet user:ana,department:math", "no account department:math"),
        ("user set ana --wallet user:ana,quota:ana", "one list has one unit"),
        ("user set ana --wallet user:ana --wallet user:ana", "named twice"),
        ("user set ana --wallet user:ana --account user:ana", "give one of them"),
        ("user set ana --choice user:bob", "has no members"),
        ("user set ana", "nothing to change"),
        ("grant add x --to students --amount 1", "write group:students"),
        ("grant add x --to group:s --amount 1 --wallet purse", "no account of a person"),
        ("grant add x --to group:s --amount 1 --every hourly", "no period"),
        ("grant add x --to group:s --amount 1 --mode sub", "no mode"),
        ("grant add x --to group:s --amount 1 --at 25:00", "no time of day"),
        ("grant add x --to group:s --amount 1 --zone Paris", "no time zone"),
        ("grant add x --to group:s --amount 1 --weekday frday", "no day of the week"),
        ("grant add x --to group:s --amount 1 --every term", "needs it"),
        ("grant add x --to group:s --amount 1 --terms 2027-02-30 --every term", "no days"),
        ("grant add x --to group:s --amount 1 --every term --terms 2020-01-01", "still to come"),
        ("grant add x --to account:user:anna --amount 1", "did you mean user:ana?"),
        ("grant add x --to group:s --amount 0 --mode add", "more than nothing"),
        ("grant add x --to group:s --amount 9999999999", "beyond"),
        ("grant show x", "grant list"),
        ("grant run x", "grant list"),
        ("correct user:ana 0 --reason x", "needs an amount"),
        ("correct user:ana -6 --reason x", "cannot be taken"),
        ("correct user:anna 1 --reason x", "did you mean user:ana?"),
        ("refund 7 --all --reason x", "is no job"),
        ("refund 019aaba6-0b12-7000-8000-000000000002 --all --reason x", "nothing was charged"),
        ("refund 019aaba6-0b12-7000-8000-000000000002 --reason x", "say how much"),
        ("entries user:anna", "did you mean user:ana?"),
        ("balance anna", "write it like user:ana"),
    ],
)
def test_wrong_values_are_refused_with_what_would_be_right(
    steady: Desk, line: str, said: str
) -> None:
    """The exit status is 1, and the answer names what is wrong."""
    status, answer = steady(line)
    assert status == 1, answer
    assert said in answer
