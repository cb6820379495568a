"""The front door: one command, its subcommands loaded on use, wrong words answered in order."""

from __future__ import annotations

import ast
import subprocess
import sys
from importlib.metadata import entry_points, version
from importlib.util import find_spec
from pathlib import Path

import pytest

import printmesh
from broker import asyncapi

LIBRARIES = ("amqtt", "fastapi", "paho", "pikepdf", "pydantic", "rich", "sqlalchemy", "typer")


def subcommands() -> list[str]:
    """Return the names of all subcommands whose module is in this tree."""
    return [name for name, (module, _) in printmesh.SUBCOMMANDS.items() if find_spec(module)]


def test_the_installed_command_is_this_one() -> None:
    """`printmesh` on the command line is `printmesh.main`."""
    (command,) = entry_points(group="console_scripts", name="printmesh")
    assert command.value == "printmesh:main"


@pytest.mark.parametrize("word", ["-h", "--help", "help"])
def test_help_names_every_subcommand(word: str, capsys: pytest.CaptureFixture[str]) -> None:
    """Help goes to standard output, lists each subcommand with a line, and is no error."""
    assert printmesh.main([word]) == 0
    said = capsys.readouterr()
    assert said.err == ""
    for name, (_, about) in printmesh.SUBCOMMANDS.items():
        assert f"  {name} " in said.out
        assert about in said.out


def test_no_word_at_all_is_a_wrong_command_line(capsys: pytest.CaptureFixture[str]) -> None:
    """Without a subcommand one reads how it is used; a script sees that it was wrong."""
    assert printmesh.main([]) == 2
    assert "usage: printmesh COMMAND" in capsys.readouterr().out


def test_version_is_the_installed_one(capsys: pytest.CaptureFixture[str]) -> None:
    """`--version` says name and version on one line."""
    assert printmesh.main(["--version"]) == 0
    assert capsys.readouterr().out == f"printmesh {version('printmesh')}\n"


@pytest.mark.parametrize("word", ["edg", "EDGE", "--edge", "", "edge.cli", "ed\x1bge"])
def test_a_wrong_word_is_named(word: str, capsys: pytest.CaptureFixture[str]) -> None:
    """A word that is no subcommand is repeated harmlessly on standard error, with the usage."""
    assert printmesh.main([word]) == 2
    said = capsys.readouterr()
    assert said.out == ""
    assert said.err.startswith(f"printmesh: there is no command {word!r}\n")
    assert "usage: printmesh COMMAND" in said.err
    assert "\x1b" not in said.err


def test_every_subcommand_has_its_door() -> None:
    """Each module in the table is in this tree and has `main(arguments)`."""
    for module, _ in printmesh.SUBCOMMANDS.values():
        file = Path(printmesh.__file__).parent.joinpath(*module.split(".")).with_suffix(".py")
        tree = ast.parse(file.read_text(encoding="utf-8"))
        mains = [each for each in tree.body if getattr(each, "name", None) == "main"]
        assert len(mains) == 1, module


@pytest.mark.parametrize("name", subcommands())
def test_help_of_a_subcommand_is_no_error(name: str, capsys: pytest.CaptureFixture[str]) -> None:
    """Every subcommand explains itself and ends with 0."""
    assert printmesh.main([name, "--help"]) == 0
    assert f"printmesh {name}" in capsys.readouterr().out


@pytest.mark.parametrize("name", subcommands())
def test_a_wrong_option_of_a_subcommand_is_told(
    name: str, capsys: pytest.CaptureFixture[str]
) -> None:
    """A wrong word behind a subcommand ends with 2 and one message, never a traceback."""
    assert printmesh.main([name, "--no-such-option"]) == 2
    said = capsys.readouterr().err
    assert "--no-such-option" in said
    assert "Traceback" not in said


def test_the_asyncapi_document_is_printed(capsys: pytest.CaptureFixture[str]) -> None:
    """`printmesh broker asyncapi` prints the document that is kept beside the code."""
    assert printmesh.main(["broker", "asyncapi"]) == 0
    assert capsys.readouterr().out == asyncapi.FILE.read_text(encoding="utf-8")


def test_the_command_that_renews_the_document_is_there(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    """What the freshness test tells people to type does what it says."""
    written = tmp_path / "asyncapi.json"
    real = asyncapi.write
    monkeypatch.setattr(asyncapi, "write", lambda: real(written))
    program, *words = asyncapi.COMMAND_LINE.split()
    assert program == "printmesh"
    assert printmesh.main(words) == 0
    assert written.read_text(encoding="utf-8") == asyncapi.text()


def test_help_loads_no_library() -> None:
    """The front door alone opens at once: no subcommand's library is imported for `--help`."""
    script = (
        "import sys, printmesh; printmesh.main(['--help']);"
        f"print([name for name in {LIBRARIES} if name in sys.modules], file=sys.stderr)"
    )
    done = subprocess.run(
        [sys.executable, "-c", script], capture_output=True, text=True, check=True, timeout=60
    )
    assert done.stderr == "[]\n"
