"""`printmesh terminal …`: run a site's terminals, say how they are, pair screens, learn readers."""

from __future__ import annotations

import asyncio
import json
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from config.command_line import LogLevel, played
from config.errors import PrintmeshError

if TYPE_CHECKING:
    from config.settings_terminal import OneTerminal, TerminalSettings

if TYPE_CHECKING:
    from rich.console import Console

DEFAULT_CONFIG = Path("terminal.toml")
app = typer.Typer(
    help="What people touch: run card readers, copiers and panels of a site, say how they are.",
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
)

Config = Annotated[
    Path,
    typer.Option(
        "--config", "-c", help="Settings of these terminals.", envvar="PRINTMESH_TERMINAL_CONFIG"
    ),
]


@cache
def console() -> Console:
    """Return where answers are written; made at the first, so that `run` starts without it."""
    from rich.console import Console  # noqa: PLC0415  terminals that run show nothing here

    return Console(highlight=False)


@cache
def errors() -> Console:
    """Return where it is said what is wrong."""
    from rich.console import Console  # noqa: PLC0415  as above

    return Console(stderr=True, highlight=False)


def main(arguments: list[str]) -> int:
    """Run one subcommand; return its exit status: 1 failed, 2 a wrong command line."""
    return played(app, arguments, "printmesh terminal")


@app.command()
def run(
    config: Config = DEFAULT_CONFIG,
    *,
    log_level: LogLevel = "info",
) -> None:
    """Run these terminals until SIGTERM or SIGINT."""
    from config import logs  # noqa: PLC0415  keeps --help fast
    from config.settings_file import load  # noqa: PLC0415
    from config.settings_terminal import TerminalSettings  # noqa: PLC0415
    from terminal_bridge.app import run as run_terminals  # noqa: PLC0415

    if log_level not in logs.LEVELS:
        errors().print(f"printmesh terminal: {log_level!r} is no level; {', '.join(logs.LEVELS)}")
        raise typer.Exit(2)
    settings = load(TerminalSettings, config)
    logs.configure("terminal", log_level)
    asyncio.run(run_terminals(settings))


@app.command()
def status(
    config: Config = DEFAULT_CONFIG,
    *,
    as_json: Annotated[bool, typer.Option("--json", help="Write JSON for machines.")] = False,
) -> None:
    """Say how these terminals are; exit status 1 when one cannot serve anybody.

    Asks nobody: a second connection of the same name would end the first.
    """
    from config.settings_file import load  # noqa: PLC0415  keeps --help fast
    from config.settings_terminal import TerminalSettings  # noqa: PLC0415
    from terminal_bridge.status_file import runs  # noqa: PLC0415

    settings = load(TerminalSettings, config)
    running = runs(settings.data)
    rows = [_row(settings.data, each.id, each.printer, running) for each in settings.terminals]
    if as_json:
        console().print_json(json.dumps(rows))
    else:
        if not running:
            console().print("These terminals do not run; `printmesh terminal run` starts them.")
        from rich.table import Table  # noqa: PLC0415  as at `console`

        table = Table("terminal", "printer", "state", "counts the site does not have", box=None)
        for row in rows:
            told = ", ".join(f"{each['pages']} pages" for each in row["unreported"]) or "none"
            table.add_row(row["terminal"], row["printer"], row["state"], told)
        console().print(table)
    if any(row["state"] not in {"ready", "in use"} for row in rows):
        raise typer.Exit(1)


@app.command()
def pair(
    terminal: Annotated[str, typer.Argument(help="The panel's id.")],
    config: Config = DEFAULT_CONFIG,
    *,
    as_json: Annotated[bool, typer.Option("--json", help="Write JSON for machines.")] = False,
) -> None:
    """Make a code that makes a browser the screen of a panel; the screen before it is let go.

    Only the screen hears of cards at the panel's reader, starts copies and shows who is there.
    Type the code once at the address that is shown, at the machine's own browser.
    """
    from terminal_bridge.app import pairing_file  # noqa: PLC0415  keeps --help fast
    from terminal_bridge.panel.pairing import CODE_LASTS, Pairing  # noqa: PLC0415

    settings, panel = _panel(config, terminal)
    code = Pairing(pairing_file(settings.data, panel.id)).code()
    address = f"{settings.web.outside}/{panel.id}/pair"
    minutes = int(CODE_LASTS.total_seconds() // 60)
    if as_json:
        row = {"terminal": panel.id, "code": code, "address": address, "minutes": minutes}
        console().print_json(json.dumps(row))
        return
    shown = f"{code[:4]} {code[4:]}"
    told = f"Open [bold]{address}[/bold] at the machine and type [bold]{shown}[/bold]."
    console().print(told, soft_wrap=True)
    console().print(f"The code serves once, within {minutes} minutes.")


@app.command()
def sticker(
    terminal: Annotated[str, typer.Argument(help="The panel's id.")],
    file: Annotated[Path, typer.Argument(help="Where to write the picture (SVG).")],
    config: Config = DEFAULT_CONFIG,
) -> None:
    """Draw the QR code to stick on a machine: a phone that scans it opens the machine's page."""
    from terminal_bridge.panel.render import qr_file  # noqa: PLC0415  keeps --help fast

    settings, panel = _panel(config, terminal)
    address = f"{settings.web.outside}/{panel.id}/"
    try:
        file.write_text(qr_file(address), encoding="utf-8")
    except OSError as error:
        raise PrintmeshError(f"{file} cannot be written: {error.strerror}") from error
    console().print(f"{file} leads to {address}", soft_wrap=True)


@app.command()
def learn(
    device: Annotated[
        str,
        typer.Option(
            help="A path, socket://host:port, rfc2217://host:port, or part of a pcsc reader's name."
        ),
    ] = "",
    *,
    kind: Annotated[str, typer.Option(help="serial, keyboard or pcsc.")] = "serial",
    speed: Annotated[int, typer.Option(help="Bits a second, of a serial line.")] = 9600,
    cards: Annotated[int, typer.Option(min=1, max=50, help="Swipes to wait for.")] = 3,
    seconds: Annotated[float, typer.Option(min=0.1, help="How long to wait for them.")] = 60.0,
    number: Annotated[
        str | None,
        typer.Option(help="What the first card is known by, to find how that is made."),
    ] = None,
    config: Annotated[
        Path | None, typer.Option("--config", "-c", help="Settings to put the reader into.")
    ] = None,
    terminal: Annotated[str | None, typer.Option(help="The terminal's id in them.")] = None,
    write: Annotated[bool, typer.Option("--write", help="Write; else it is shown only.")] = False,
) -> None:
    """Show what a card reader sends, and find the settings that read it.

    Card numbers are shown. A reader that `run` drives at the same time may not be heard.
    """
    from terminal_bridge.learn import learn as listen  # noqa: PLC0415  keeps --help fast

    if (config is None) != (terminal is None) or (write and config is None):
        raise typer.BadParameter("--config and --terminal together, both wherever --write is")
    place = None if config is None or terminal is None else (config, terminal)
    listen(
        console(),
        kind=kind,
        device=device,
        speed=speed,
        cards=cards,
        seconds=seconds,
        number=number,
        place=place,
        write=write,
    )


def _panel(config: Path, terminal: str) -> tuple[TerminalSettings, OneTerminal]:
    """Return the settings, and those of one panel.

    Raises:
        PrintmeshError: there is no panel of that name.
    """
    from config.settings_file import load  # noqa: PLC0415  keeps --help fast
    from config.settings_terminal import TerminalSettings  # noqa: PLC0415

    settings = load(TerminalSettings, config)
    panels = {each.id: each for each in settings.terminals if each.kind == "panel"}
    if terminal not in panels:
        known = ", ".join(panels) or "none"
        raise PrintmeshError(f"{terminal} is no panel in {config}; panels: {known}")
    return settings, panels[terminal]


def _row(data: Path, terminal: str, printer: str, running: bool) -> dict[str, Any]:  # noqa: FBT001
    from terminal_bridge.app import copies_file, status_file  # noqa: PLC0415  keeps --help fast
    from terminal_bridge.durable import peek  # noqa: PLC0415
    from terminal_bridge.status_file import read_status  # noqa: PLC0415

    said = read_status(status_file(data, terminal)) if running else {}
    if not running:
        state = "not running"
    elif not said.get("edge"):
        state = "no edge: the site's broker or its edge does not answer"
    elif said.get("trouble"):
        state = str(said["trouble"])
    elif said.get("reader"):
        state = f"no reader: {said['reader']}"
    else:
        state = "ready" if said.get("phase") == "idle" else "in use"
    unreported = [
        {"copy": str(copy.copy_id), "pages": copy.counts.total}
        for copy in peek(copies_file(data, terminal))
    ]
    return {
        "terminal": terminal,
        "printer": printer,
        "state": state,
        "running": running,
        "unreported": unreported,
    }
