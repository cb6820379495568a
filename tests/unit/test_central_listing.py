"""The list of the centre's commands: it says of each what the command says of itself."""

from __future__ import annotations

from typing import Any

import pytest
import typer

from central.cli import application, main
from central.commands.listing import PLACES


def test_the_list_says_what_each_command_says_itself() -> None:
    """Help that loads nothing must not tell another story than help that does."""
    every: dict[str, Any] = vars(typer.main.get_command(application()))["commands"]
    said = {name: (command.help or "").splitlines()[0] for name, command in every.items()}
    said.pop("run")
    assert said == {name: place.sentence for name, place in PLACES.items()}


def test_help_names_every_command(capsys: pytest.CaptureFixture[str]) -> None:
    """Nothing is hidden by not being loaded."""
    assert main(["--help"]) == 0
    told = capsys.readouterr().out
    assert [name for name in (*PLACES, "run") if f" {name} " not in told] == []


def test_what_is_nearly_a_command_is_suggested(capsys: pytest.CaptureFixture[str]) -> None:
    """A slip of the finger is told from a command that there is not."""
    assert main(["acount", "list"]) == 2
    assert "'account'" in capsys.readouterr().err


@pytest.mark.parametrize(
    "words", [["run", "--help"], ["user", "add", "--help"], ["topup", "--help"]]
)
def test_one_command_alone_is_still_called_by_its_name(
    words: list[str], capsys: pytest.CaptureFixture[str]
) -> None:
    """With one command loaded, the program takes its name and shows it."""
    assert main(words) == 0
    assert f"printmesh central {' '.join(words[:-1])}" in capsys.readouterr().out
