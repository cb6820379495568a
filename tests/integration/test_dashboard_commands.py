"""Promises of `printmesh central dashboard`: who may watch, by which secret, and how that ends."""

from __future__ import annotations

import json
import stat
from typing import TYPE_CHECKING

import pytest

from broker.credentials import CredentialFile, Login
from broker.topics import Party
from central.cli import main
from config.settings_dashboard import WatchSettings
from config.settings_file import load

if TYPE_CHECKING:
    from pathlib import Path

SETTINGS = """
data = "books"
credentials = "credentials.json"
[broker]
secret = "sssssssssssssssssssssssssssssssssssssssssss"
host = "broker.example"
port = 8883
tls = true
"""


@pytest.fixture
def home(tmp_path: Path) -> Path:
    """Return a directory with settings of a centre."""
    (tmp_path / "central.toml").write_text(SETTINGS)
    return tmp_path


def run(home: Path, *words: str) -> int:
    """Run `printmesh central dashboard …`."""
    return main(["dashboard", *words, "--config", str(home / "central.toml")])


def test_a_dashboard_is_let_in_as_a_dashboard(
    home: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """The secret that is shown once opens the broker, and as what only listens."""
    assert run(home, "add", "wall", "--json") == 0
    told = json.loads(capsys.readouterr().out)
    file = CredentialFile(home / "credentials.json")
    identity = file.authenticate(Login("wall", "wall", told["secret"]))
    assert identity is not None
    assert identity.party is Party.DASHBOARD
    assert told["secret"] not in (home / "credentials.json").read_text()


def test_its_settings_are_written_ready_to_use(home: Path) -> None:
    """`--out` writes what `printmesh watch` reads: the centre's own broker, privately."""
    out = home / "wall.toml"
    assert run(home, "add", "wall", "--out", str(out)) == 0
    assert stat.S_IMODE(out.stat().st_mode) == 0o600
    settings = load(WatchSettings, out, environ={})
    assert (settings.node, settings.broker.host, settings.broker.port) == (
        "wall",
        "broker.example",
        8883,
    )
    assert settings.broker.tls
    assert run(home, "add", "other", "--out", str(out)) == 1
    assert load(WatchSettings, out, environ={}) == settings


def test_a_dashboard_that_is_taken_back_is_known_no_more(
    home: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """Removed, it may not connect, and its name can be given again; others are left alone."""
    for name in ("wall", "hall"):
        assert run(home, "add", name) == 0
    assert run(home, "remove", "wall") == 0
    capsys.readouterr()
    assert run(home, "list", "--json") == 0
    assert json.loads(capsys.readouterr().out) == [{"dashboard": "hall", "may_connect": True}]
    known = {entry.name for entry in CredentialFile(home / "credentials.json").entries()}
    assert "wall" not in known
    assert run(home, "add", "wall") == 0


def test_a_dashboard_is_never_let_in_unlisted(
    home: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """Where its secret cannot be taken back, it stays on the list and can be removed later."""
    assert run(home, "add", "wall") == 0
    file = home / "credentials.json"
    whole = file.read_text()
    file.write_text("nonsense")
    assert run(home, "remove", "wall") == 1
    file.write_text(whole)
    capsys.readouterr()
    assert run(home, "list", "--json") == 0
    assert json.loads(capsys.readouterr().out) == [{"dashboard": "wall", "may_connect": True}]
    assert run(home, "remove", "wall") == 0
    assert "wall" not in {entry.name for entry in CredentialFile(file).entries()}


def test_a_new_secret_ends_the_old_one(home: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """After `secret` only the new one opens."""
    assert run(home, "add", "wall", "--json") == 0
    first = json.loads(capsys.readouterr().out)["secret"]
    assert run(home, "secret", "wall", "--json") == 0
    second = json.loads(capsys.readouterr().out)["secret"]
    file = CredentialFile(home / "credentials.json")
    assert file.authenticate(Login("wall", "wall", first)) is None
    assert file.authenticate(Login("wall", "wall", second)) is not None


def test_an_edge_is_no_dashboard(home: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """What takes dashboards back touches no edge, and a taken name is refused."""
    assert main(["node", "add", "north-1", "--config", str(home / "central.toml")]) == 0
    assert run(home, "remove", "north-1") == 1
    assert run(home, "secret", "north-1") == 1
    assert run(home, "add", "north-1") == 1
    assert "already" in capsys.readouterr().err
    known = {entry.name for entry in CredentialFile(home / "credentials.json").entries()}
    assert "north-1" in known
