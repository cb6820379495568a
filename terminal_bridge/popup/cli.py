"""`printmesh popup`: a person's own window on their workstation; enrolled once by a token."""

from __future__ import annotations

import os
import sys
from pathlib import Path  # noqa: TC003  typer reads it
from typing import Annotated, NoReturn

import typer

from config.command_line import LogLevel, played

app = typer.Typer(
    help="A person's own window: jobs, balance, questions of rules, notes.",
    add_completion=False,
    pretty_exceptions_enable=False,
)


def main(arguments: list[str]) -> int:
    """Run the command; return its exit status: 1 failed, 2 a wrong command line."""
    return played(app, arguments, "printmesh popup")


@app.command()
def popup(
    token: Annotated[
        str | None,
        typer.Option(
            "--token", help="From `printmesh edge popup`: keep it and end; - reads it, unseen."
        ),
    ] = None,
    config: Annotated[
        Path | None,
        typer.Option("--config", "-c", help="Settings, if not in your directory of settings."),
    ] = None,
    *,
    window: Annotated[
        bool, typer.Option("--window", help="Begin with the window open, also with a tray.")
    ] = False,
    log_level: LogLevel = "warning",
) -> None:
    """Show your jobs and balance at the tray; ask when a rule asks; tell what is printed.

    A question that nobody answers in time is closed, and the job stays held.
    """
    from config import logs  # noqa: PLC0415  keeps --help fast
    from terminal_bridge.popup.stored import settings_file  # noqa: PLC0415

    path = config or settings_file()
    if token is not None:
        _keep(token, path)
        return
    if log_level not in logs.LEVELS:
        _wrong(f"{log_level!r} is no level; one of {', '.join(logs.LEVELS)}", 2)
    if not path.exists():
        _wrong(
            f"{path} is not there yet. Ask for a token at the desk (`printmesh edge popup`), then "
            "`printmesh popup --token -` and paste it",
            1,
        )
    logs.configure("popup", log_level)
    raise typer.Exit(_show(path, visible=window))


def _keep(given: str, path: Path) -> None:
    """Write down what a token says."""
    from config.popup_token import NotAToken, read  # noqa: PLC0415  keeps --help fast
    from terminal_bridge.popup.stored import store  # noqa: PLC0415

    token = read(_typed() if given == "-" else given)
    if isinstance(token, NotAToken):
        _wrong(token.reason, 2)
    store(token, path)
    typer.echo(f"Kept in {path}, for you only. `printmesh popup` needs no options now.")


def _typed() -> str:
    """Read a line; from a person it is not echoed."""
    if sys.stdin.isatty():
        from getpass import getpass  # noqa: PLC0415  only here

        return getpass("Token (not shown): ")
    return sys.stdin.readline()


def _show(path: Path, *, visible: bool) -> int:
    from config.settings_file import load  # noqa: PLC0415  keeps --help fast
    from config.settings_popup import PopupSettings  # noqa: PLC0415

    settings = load(PopupSettings, path)
    if sys.platform == "linux" and not any(
        os.environ.get(name) for name in ("DISPLAY", "WAYLAND_DISPLAY", "QT_QPA_PLATFORM")
    ):
        _wrong("there is no desktop here (neither DISPLAY nor WAYLAND_DISPLAY is set)", 1)
    try:
        from terminal_bridge.popup import app as put_together  # noqa: PLC0415  Qt is an extra
    except ImportError as error:
        _wrong(
            f"Qt cannot be used: {error}. It comes with pip install 'printmesh[popup]', and on "
            "Debian it wants libegl1 libgl1 libxkbcommon0 libdbus-1-3 libfontconfig1",
            1,
        )
    return put_together.run(settings, path.parent / f"{settings.node}.state", visible=visible)


def _wrong(what: str, status: int) -> NoReturn:
    typer.echo(f"printmesh popup: {what}", err=True)
    raise typer.Exit(status)
