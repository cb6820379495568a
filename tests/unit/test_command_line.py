"""How every command of Printmesh fails: its exit status, and its words."""

from __future__ import annotations

import pytest

from config.command_line import played
from config.errors import PrintmeshError


def _ends(outcome: object) -> None:
    if isinstance(outcome, BaseException):
        raise outcome


@pytest.mark.parametrize(
    ("outcome", "status"),
    [
        (None, 0),
        (SystemExit(0), 0),
        (SystemExit(2), 2),  # typer's own: a wrong command line
        (SystemExit(3), 3),  # the command's own
        (SystemExit("in words"), 1),
        (PrintmeshError("in words"), 1),
    ],
)
def test_each_end_has_its_status(outcome: object, status: int) -> None:
    """What a command ends with is what the shell is told."""
    assert status == played(lambda **_: _ends(outcome), [], "printmesh edge")


def test_errors_are_said_as_they_are(capsys: pytest.CaptureFixture[str]) -> None:
    """Brackets in an error's words are no markup, and a long line is not folded."""
    words = "[red]a.toml[/red]: " + "x" * 300

    played(lambda **_: _ends(PrintmeshError(words)), [], "printmesh edge")

    assert f"printmesh edge: {words}\n" == capsys.readouterr().err


def test_what_nobody_planned_shows_itself() -> None:
    """A fault is not turned into one line."""
    with pytest.raises(ZeroDivisionError):
        played(lambda **_: _ends(ZeroDivisionError()), [], "printmesh edge")
