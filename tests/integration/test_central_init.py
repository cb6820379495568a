"""Promises of `printmesh central init`: a directory that runs as it is, and nothing overwritten."""

from __future__ import annotations

import stat
from typing import TYPE_CHECKING

import pytest

from broker.credentials import CredentialFile, Login
from broker.topics import Party
from central.cli import main
from config.settings import CentralSettings, load

if TYPE_CHECKING:
    from pathlib import Path


def test_a_new_centre_is_ready(tmp_path: Path) -> None:
    """Settings load, the coordinator's secret opens its broker, the books are empty and sound."""
    home = tmp_path / "centre"
    assert main(["init", str(home), "--host", "print.example.org", "--port", "8883"]) == 0

    settings = load(CentralSettings, home / "central.toml")
    assert (settings.broker.host, settings.broker.port) == ("print.example.org", 8883)
    assert settings.embedded_broker is not None
    assert settings.embedded_broker.host == "0.0.0.0"  # noqa: S104  sites come from elsewhere
    assert stat.S_IMODE((home / "coordinator.secret").stat().st_mode) == 0o600
    secret = settings.broker.secret.get_secret_value()
    login = Login("coordinator", "coordinator", secret)
    identity = CredentialFile(settings.credentials).authenticate(login)
    assert identity is not None
    assert identity.party is Party.COORDINATOR
    assert main(["verify", "--config", str(home / "central.toml")]) == 0


def test_a_centre_is_never_overwritten(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """A directory with anything in it is refused and left as it is."""
    kept = tmp_path / "kept"
    kept.write_text("mine")

    assert main(["init", str(tmp_path)]) == 1

    assert "is not empty" in capsys.readouterr().err
    assert list(tmp_path.iterdir()) == [kept]


@pytest.mark.parametrize("wrong", ["euro", "EU", "", "€"])
def test_a_wrong_currency_makes_nothing(
    wrong: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """What is no currency is told, before anything is written."""
    assert main(["init", str(tmp_path / "centre"), "--currency", wrong]) == 1
    assert "three capital letters like EUR" in capsys.readouterr().err
    assert not (tmp_path / "centre").exists()


@pytest.mark.parametrize("command", [["run"], ["balance"], ["migrate"]])
def test_lost_books_are_not_replaced_by_empty_ones(
    command: list[str], tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """Where sites have credentials and the file is gone, nothing is made, and restore is named."""
    home = tmp_path / "centre"
    config = ["--config", str(home / "central.toml")]
    assert main(["init", str(home)]) == 0
    assert main(["node", "add", "north", "--site", "North", *config]) == 0
    settings = load(CentralSettings, home / "central.toml")
    for file in settings.file.parent.glob("books.db*"):
        file.unlink()

    assert main([*command, *config]) == 1

    said = capsys.readouterr().err
    assert "no books at" in said
    assert "north" in said
    assert "restore" in said
    assert not settings.file.exists()
