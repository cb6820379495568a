"""Promises of `till`, `refund-request`, `privacy`, `retention`, `rule try`, `node revoke`."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

import pytest

from broker.credentials import CredentialFile
from central.cli import main
from central.store import lists
from central.store.books import Books
from config.settings import CentralSettings, load
from tests.integration.jobs_lab import Office, office

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

SETTINGS = """
data = "books"
credentials = "credentials.json"
[broker]
secret = "sssssssssssssssssssssssssssssssssssssssssss"
port = 1
[privacy]
document_names = "hash"
keep_names_days = 30
keep_jobs_days = 400
"""


class Command:
    """Runs subcommands on books with somebody who prints."""

    def __init__(self, path: Path, capsys: pytest.CaptureFixture[str]) -> None:
        self.path = path
        self._capsys = capsys
        (path / "central.toml").write_text(SETTINGS)
        self.settings = load(CentralSettings, path / "central.toml")
        self.books = Books.open(self.settings.url)
        self.here: Office = office(self.books)

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

    def told(self, *words: str) -> Any:  # noqa: ANN401  whatever is told
        """Return what is said in JSON."""
        return json.loads(self.ok(*words, "--json"))


@pytest.fixture
def run(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> Iterator[Command]:
    """Return the command."""
    command = Command(tmp_path, capsys)
    yield command
    command.books.close()


def test_a_till_is_opened_used_and_closed(run: Command) -> None:
    """A receipt is a PDF for its owner's eyes; a difference needs a word."""
    run.ok("till", "open", "desk", "--float", "20.00")
    pdf = run.path / "receipt.pdf"
    words = ("--receipt", str(pdf), "--paper", "80mm", "--language", "fr")
    (taken,) = run.told("till", "take", "desk", "user:ana", "5.00", *words)
    assert (taken["number"], taken["micros"]) == (1, 5_000_000)
    assert pdf.read_bytes().startswith(b"%PDF")
    assert pdf.stat().st_mode & 0o777 == 0o600
    again = run.path / "again.pdf"
    run.ok("till", "receipt", "1", str(again), "--organisation", "City Library")
    assert run("till", "receipt", "1", str(again))[0] == 1
    (listed,) = run.told("till", "receipts", "--account", "user:ana")
    assert listed["entry"] == taken["entry"]
    status, said = run("till", "close", "desk", "--counted", "24.00")
    assert (status, "25.00 EUR should be in it" in said) == (1, True)
    sheet = run.path / "close.pdf"
    words = ("--counted", "24.00", "--note", "a coin rolled away", "--sheet", str(sheet))
    (closed,) = run.told("till", "close", "desk", *words)
    assert (closed["expected"], closed["difference"]) == (25_000_000, -1_000_000)
    assert sheet.exists()
    assert "desk" in run.ok("till", "list")


def test_a_request_is_shown_with_its_job_and_settled(run: Command) -> None:
    """By the first digits of its id; the list is empty afterwards."""
    job = run.here.printed()
    words = ("--user", "ana", "--reason", "all white")
    asked = run.told("refund-request", "ask", str(job), *words)
    assert [each["id"] for each in run.told("refund-request", "list")] == [asked["id"]]
    shown = run.ok("refund-request", "show", asked["id"][:30])
    assert "all white" in shown
    assert "Paid 0.18 EUR" in shown
    done = run.told("refund-request", "settle", asked["id"], "--answer", "sorry")
    assert done["refunds"][0]["refund"] == "0.18 EUR"
    assert run.told("refund-request", "list") == []
    assert run("refund-request", "decline", asked["id"], "--answer", "no")[0] == 1
    assert run.told("refund-request", "list", "--all")[0]["answer"] == "sorry"


def test_names_are_treated_as_the_settings_say(run: Command) -> None:
    """`apply` treats what is there; `retention` says what is due and deletes it."""
    job = run.here.printed(name="Letter.pdf")
    assert "hash" in run.ok("privacy", "show")
    assert run.told("privacy", "apply") == {"document_names": "hash", "jobs": 1, "texts": 1}
    assert run.told("privacy", "apply")["jobs"] == 0
    with run.books.read() as tx:
        found = lists.job(tx, job)
        assert found is not None
        assert found.job.name.startswith("#")
    assert "400 days" in run.ok("retention", "show")
    # the clock of these books stands in the past or not: what is old by now is deleted
    counts = run.told("retention", "run", "--dry-run")["due"]
    assert set(counts) == {"jobs", "names"}
    run.ok("retention", "run")


def test_rules_are_tried_on_what_is_described(run: Command) -> None:
    """In words: what is done, where, for how much; and why not."""
    words = ("rule", "try", "--user", "ana", "--printer", "north-1")
    assert "Printed at north-1 for 0.30 EUR" in run.ok(*words, "--pages", "10")
    assert "Refused: too long" in run.ok(*words, "--pages", "600")
    assert run(*words[:4], "--printer", "nowhere")[0] == 1


def test_prices_to_come_are_listed_and_taken_back(run: Command) -> None:
    """From a day on; with their state and author."""
    run.ok("tariff", "set", "--mono", "0.05", "--color", "0.20", "--from", "2099-01-01")
    told = run.told("tariff", "list")
    assert [each["state"] for each in told] == ["now", "future"]
    assert told[1]["author"].startswith("cli")
    run.ok("tariff", "withdraw", "2")
    assert run("tariff", "withdraw", "1")[0] == 1


def test_a_node_that_is_revoked_cannot_connect(run: Command) -> None:
    """The consequence is said, and the credentials are gone; another secret lets it in again."""
    run.ok("node", "secret", "north")
    names = [each.name for each in CredentialFile(run.settings.credentials).entries()]
    assert "north" in names
    said = run.ok("node", "revoke", "north", "--reason", "stolen", "--dry-run")
    assert "50.00 EUR of 1 account" in said
    run.ok("node", "revoke", "north", "--reason", "stolen")
    names = [each.name for each in CredentialFile(run.settings.credentials).entries()]
    assert "north" not in names
    run.ok("node", "resync", "north")


def test_a_token_is_made_listed_and_taken_back(run: Command) -> None:
    """With rights, sites and an end, shown once; without rights it reads; wrong ones are named."""
    rights = ("--right", "see-jobs", "--right", "handle-jobs")
    ends = ("--site", "north", "--expires", "2099-12-31")
    made = run.told("token", "add", "till", *rights, *ends)
    assert made["rights"] == ["handle-jobs", "see-jobs"]
    assert (made["sites"], made["expires_at"]) == (["north"], "2100-01-01T00:00:00+00:00")
    assert len(made["token"]) == 43
    run.ok("token", "add", "reports")
    till, reports = sorted(run.told("token", "list"), key=lambda each: each["name"] != "till")
    assert (till["name"], till["rights"]) == ("till", ["handle-jobs", "see-jobs"])
    assert all(right.startswith("see-") for right in reports["rights"])
    assert reports["sites"] == ["*"]
    assert made["token"] not in json.dumps([till, reports])
    status, said = run("token", "add", "x", "--right", "see-job")
    assert (status, "did you mean see-jobs?" in said) == (1, True)
    status, said = run("token", "add", "x", "--right", "change-staff", "--site", "north")
    assert (status, "reaches beyond any site" in said) == (1, True)
    status, said = run("token", "add", "x", "--expires", "2001-01-01")
    assert (status, "is over" in said) == (1, True)
    run.ok("token", "remove", "till")
    assert [each["name"] for each in run.told("token", "list")] == ["reports"]
