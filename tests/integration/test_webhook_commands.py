"""Promises of `printmesh central webhook`: a secret once, and no address with its key."""

from __future__ import annotations

import json
import re
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from threading import Thread
from typing import TYPE_CHECKING, Final

import pytest

from central.cli import main
from central.webhooks.signing import headers

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

pytestmark = pytest.mark.sqlite_only("what commands do is done by acts, which have their own tests")

SETTINGS: Final = """
data = "books"
credentials = "credentials.json"
[broker]
secret = "sssssssssssssssssssssssssssssssssssssssssss"
port = 1
[webhooks]
allow_private = ["127.0.0.1/32"]
"""


class Taker(BaseHTTPRequestHandler):
    """Takes one message after another."""

    got: list[tuple[dict[str, str], bytes]]
    status = 204

    def do_POST(self) -> None:
        """Take one."""
        body = self.rfile.read(int(self.headers["content-length"]))
        self.got.append(({k.lower(): v for k, v in self.headers.items()}, body))
        self.send_response(self.status)
        self.end_headers()

    def log_message(self, *_: object) -> None:
        """Say nothing."""


@pytest.fixture
def taker() -> Iterator[tuple[str, type[Taker]]]:
    """Run a receiver in a thread; return its address and what it is."""
    kind = type("Mine", (Taker,), {"got": []})
    server = ThreadingHTTPServer(("127.0.0.1", 0), kind)
    thread = Thread(target=server.serve_forever, args=(0.01,), daemon=True)
    thread.start()
    yield f"http://127.0.0.1:{server.server_address[1]}/in?key=hunter2", kind
    server.shutdown()
    thread.join()
    server.server_close()


@pytest.fixture
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Return a directory with settings, where commands run."""
    (tmp_path / "books").mkdir()
    (tmp_path / "central.toml").write_text(SETTINGS)
    monkeypatch.chdir(tmp_path)
    return tmp_path


def run(*words: str) -> int:
    """Run a command."""
    return main(["webhook", *words])


def test_a_program_is_entered_tried_shown_and_removed(
    home: Path, taker: tuple[str, type[Taker]], capsys: pytest.CaptureFixture[str]
) -> None:
    """From the first word to the last; the secret signs, and is said once."""
    url, kind = taker
    assert run("add", "erp", url, "--event", "job", "--event", "money.booked", "--above", "5") == 0
    said = capsys.readouterr().out
    found = re.search(r"whsec_[A-Za-z0-9+/=]{44}", said)
    assert found
    secret = found[0]
    assert run("test", "erp") == 0
    assert "answered 204" in capsys.readouterr().out
    ((got, body),) = kind.got
    mine = headers((secret,), got["webhook-id"], int(got["webhook-timestamp"]), body)
    assert got["webhook-signature"] == mine["webhook-signature"]
    assert json.loads(body)["type"] == "webhook.test"
    kind.status = 500
    assert run("test", "erp", "--json") == 1
    assert json.loads(capsys.readouterr().out)["status"] == 500
    for words in (("list",), ("show", "erp"), ("list", "--json"), ("show", "erp", "--json")):
        assert run(*words) == 0
        said = capsys.readouterr().out
        assert "erp" in said
        assert "hunter2" not in said
        assert secret not in said
    assert json.loads(said)["above"] == "5.00 EUR"
    assert run("pause", "erp") == 0
    assert run("resume", "erp") == 0
    assert run("rotate", "erp") == 0
    fresh = re.search(r"whsec_\S+", capsys.readouterr().out)
    assert fresh
    assert fresh[0] != secret
    assert run("remove", "erp") == 1
    assert "--yes" in capsys.readouterr().err
    assert run("remove", "erp", "--yes") == 0
    assert run("list") == 0
    assert "Nobody is told anything" in capsys.readouterr().out


@pytest.mark.parametrize(
    ("words", "says"),
    [
        ("add erp https://example.org --event nothing", "job.settled"),
        ("add erp https://u:p@example.org --event job", "without a name and a password"),
        ("add Erp! https://example.org --event job", "is no name"),
        ("add erp https://example.org --event job --above 3", "money.booked"),
        ("add erp https://example.org --event money --above much", "much"),
        ("show erp", "there is no webhook 'erp'"),
        ("test erp", "there is no webhook 'erp'"),
        ("resume erp", "there is no webhook 'erp'"),
        ("rotate erp", "there is no webhook 'erp'"),
    ],
)
def test_what_cannot_be_done_is_said(
    words: str, says: str, home: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """In one line that says what would be right; nothing is entered."""
    assert run(*words.split()) == 1
    assert says in capsys.readouterr().err
    assert run("list", "--json") == 0
    assert json.loads(capsys.readouterr().out) == []


def test_events_are_listed(capsys: pytest.CaptureFixture[str]) -> None:
    """Each with what it tells."""
    assert run("events") == 0
    assert "refund.asked" in capsys.readouterr().out
