"""`printmesh central …`: the commands around the books, and the coordinator's process itself."""

from __future__ import annotations

import asyncio
import signal
import sys
from typing import TYPE_CHECKING

import typer

from central import collecting
from central.commands import listing
from central.commands.desk import Config, Refusal, config_file, settings_of
from config.command_line import LogLevel, played
from config.errors import PrintmeshError

if TYPE_CHECKING:
    from collections.abc import Iterable
    from pathlib import Path

    from central.app import Running
    from config.settings import CentralSettings


def application(commands: Iterable[str] = listing.PLACES) -> typer.Typer:
    """Return the program with some of its commands loaded; `run` always is."""
    app = typer.Typer(
        no_args_is_help=True,
        add_completion=False,
        pretty_exceptions_enable=False,
        help="The books: the coordinator, people, money, tariffs, the fleet.",
    )
    app.callback()(_program)
    app.command("run")(run)
    for each in commands:
        listing.add(app, each)
    return app


def main(arguments: list[str]) -> int:
    """Run one subcommand; return its exit status: 1 refused or failed, 2 a wrong command line."""
    word = arguments[0] if arguments else ""
    app = application([word] if word in listing.PLACES else [])
    if word not in listing.PLACES and word != "run":
        # no command, or an unknown one: what there is needs its names only
        for each in listing.PLACES:
            listing.name(app, each)
    return played(app, arguments, "printmesh central")


def _program() -> None:
    """Be a program of several commands, however few of them are loaded."""


def run(
    config: Config = None,
    *,
    log_level: LogLevel = "info",
) -> None:
    """Run the coordinator until SIGTERM or SIGINT."""
    from config import logs  # noqa: PLC0415  the other commands do not log

    if log_level not in logs.LEVELS:
        raise Refusal(f"{log_level!r} is no level; one of {', '.join(logs.LEVELS)}")
    file = config_file(config)
    settings = settings_of(file)
    logs.configure("central", log_level)
    asyncio.run(_run(settings, file, log_level))


async def _run(settings: CentralSettings, file: Path | None, log_level: str) -> None:
    from central.web.beside import Beside, begun  # noqa: PLC0415  other commands serve nothing

    stop = asyncio.Event()
    for number in (signal.SIGTERM, signal.SIGINT):
        asyncio.get_running_loop().add_signal_handler(number, stop.set)
    try:
        async with begun(Beside(file, log_level), settings) as pages:
            # late: the pages' process loads what it needs while we do
            from central.app import serve  # noqa: PLC0415

            await serve(settings, stop, _announce, pages=pages)
    except ExceptionGroup as group:
        # what a person can act on is said in one line; the rest is a fault and shows itself
        ours, others = group.split(PrintmeshError)
        if ours is not None and others is None:
            raise PrintmeshError("; ".join(map(str, ours.exceptions))) from group
        raise


def _announce(running: Running) -> None:
    collecting.begun()
    where = f"online {running.node}"
    if running.broker_port is not None:
        where += f" broker=127.0.0.1:{running.broker_port}"
    if running.api_port is not None:
        where += f" api=127.0.0.1:{running.api_port}"
    if running.web_port is not None:
        where += f" web=127.0.0.1:{running.web_port}"
    sys.stdout.write(where + "\n")
    sys.stdout.flush()
