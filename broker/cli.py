"""`printmesh broker`: run the embedded broker, export to Mosquitto, print the AsyncAPI document."""

from __future__ import annotations

import asyncio
import json
import os
import signal
import sys
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from config.command_line import LogLevel, played
from config.errors import PrintmeshError

if TYPE_CHECKING:
    from broker.listeners import Listener
    from config.settings import BrokerSettings

_PORT, _WEBSOCKET_PORT = 1883, 9001

app = typer.Typer(no_args_is_help=True, add_completion=False, help="The wire: the MQTT broker.")
export_app = typer.Typer(no_args_is_help=True, help="Write what another broker needs.")
app.add_typer(export_app, name="export")

_Config = Annotated[
    Path | None,
    typer.Option("--config", help="TOML file; PRINTMESH_BROKER_… variables win over it."),
]


class SecretsFileError(PrintmeshError):
    """A file of secrets is not what it should be."""


def main(arguments: list[str]) -> int:
    """Run one sub-command; return its exit status: 1 refused or failed, 2 a wrong command line."""
    return played(app, arguments, "printmesh broker")


@app.command()
def run(
    config: _Config = None,
    ready_fd: Annotated[
        int | None,
        typer.Option(help="File descriptor for the line `listening …`; standard output if none."),
    ] = None,
    log_level: LogLevel = "info",
) -> None:
    """Run the embedded broker until SIGTERM or SIGINT."""
    from config import logs  # noqa: PLC0415  here and below: --help answers without the wire
    from config.settings import BrokerSettings, load  # noqa: PLC0415

    if log_level not in logs.LEVELS:
        raise typer.BadParameter(f"{log_level!r}; expected one of {', '.join(logs.LEVELS)}")
    logs.configure("broker", log_level)
    asyncio.run(_run(load(BrokerSettings, config), ready_fd))


async def _run(settings: BrokerSettings, ready_fd: int | None) -> None:
    from broker.credentials import CredentialFile  # noqa: PLC0415
    from broker.listeners import limits_of, listeners_of  # noqa: PLC0415
    from broker.server import BrokerServer  # noqa: PLC0415

    credentials = CredentialFile(settings.credentials)
    credentials.entries()  # a damaged file is told at once, not at the first login
    listeners = listeners_of(settings)
    server = BrokerServer(
        listeners, credentials.authenticate, limits=limits_of(settings), knows=credentials.knows
    )
    stop = asyncio.Event()
    for number in (signal.SIGTERM, signal.SIGINT):
        asyncio.get_running_loop().add_signal_handler(number, stop.set)
    async with server:
        _announce(zip(listeners, server.ports(), strict=True), ready_fd)
        await stop.wait()


def _announce(where: zip[tuple[Listener, int]], ready_fd: int | None) -> None:
    names = []
    for listener, port in where:
        scheme = ("ws" if listener.websocket else "mqtt") + ("s" if listener.tls else "")
        names.append(f"{scheme}://{listener.host}:{port}")
    line = f"listening {' '.join(names)}\n"
    if ready_fd is None:
        sys.stdout.write(line)
        sys.stdout.flush()
        return
    try:
        with os.fdopen(ready_fd, "w") as ready:
            ready.write(line)
    except OSError as error:
        raise PrintmeshError(f"--ready-fd {ready_fd}: {error.strerror}") from error


@app.command(name="home-assistant")
def home_assistant(
    config: Annotated[
        Path | None,
        typer.Option("--config", help="TOML file; PRINTMESH_HOME_ASSISTANT_… variables win."),
    ] = None,
    log_level: LogLevel = "info",
) -> None:
    """Announce the fleet to Home Assistant (MQTT discovery) until SIGTERM or SIGINT."""
    from broker.dashboard.home_assistant_line import run as announce  # noqa: PLC0415
    from config import logs  # noqa: PLC0415
    from config.settings_dashboard import HomeAssistantSettings  # noqa: PLC0415
    from config.settings_file import load  # noqa: PLC0415

    if log_level not in logs.LEVELS:
        raise typer.BadParameter(f"{log_level!r}; expected one of {', '.join(logs.LEVELS)}")
    logs.configure("home-assistant", log_level)
    settings = load(HomeAssistantSettings, config)

    async def until_told() -> None:
        stop = asyncio.Event()
        for number in (signal.SIGTERM, signal.SIGINT):
            asyncio.get_running_loop().add_signal_handler(number, stop.set)
        await announce(settings, stop)

    asyncio.run(until_told())


@app.command(name="asyncapi")
def print_asyncapi(
    *, write: Annotated[bool, typer.Option("--write", help="Renew the generated file.")] = False
) -> None:
    """Print the AsyncAPI 3 document of the wire."""
    from broker import asyncapi  # noqa: PLC0415

    if write:
        asyncapi.write()
        return
    sys.stdout.write(asyncapi.text())


@export_app.command(name="mosquitto")
def export_mosquitto(
    directory: Annotated[Path, typer.Argument(help="Where to write; made when missing.")],
    config: _Config = None,
    secrets: Annotated[
        Path | None, typer.Option(help="JSON: name → secret as it was handed out.")
    ] = None,
    *,
    rotate: Annotated[
        bool, typer.Option("--rotate", help="Make new secrets, written to DIR/secrets.json.")
    ] = False,
    force: Annotated[bool, typer.Option("--force", help="Overwrite what is there.")] = False,
) -> None:
    """Write a working configuration, ACL and password file for Mosquitto 2."""
    from broker import mosquitto  # noqa: PLC0415
    from broker.credentials import CredentialFile, mint, write_private  # noqa: PLC0415
    from broker.listeners import limits_of, listeners_of  # noqa: PLC0415
    from config.settings import BrokerSettings, load  # noqa: PLC0415

    settings = load(BrokerSettings, config)
    if rotate and secrets:
        raise typer.BadParameter("--secrets or --rotate, not both")
    home = directory.absolute()
    credentials = CredentialFile(settings.credentials).entries()
    if not credentials:
        raise PrintmeshError(f"{settings.credentials}: nobody is in it, so nobody could connect")
    known = {entry.name: mint() for entry in credentials} if rotate else _secrets(secrets)
    kept = home / mosquitto.PASSWORDS
    lines = mosquitto.password_lines(
        credentials, known, kept.read_text() if kept.exists() else "", os.urandom
    )
    listeners = [
        replace(each, port=each.port or (_WEBSOCKET_PORT if each.websocket else _PORT))
        for each in listeners_of(settings)
    ]
    export = mosquitto.compose(home, listeners, limits_of(settings), credentials, lines)
    written = mosquitto.write(home, export, force=force)
    if rotate:
        write_private(home / mosquitto.SECRETS, json.dumps(known, indent=1) + "\n")
        written = (*written, home / mosquitto.SECRETS)
    sys.stdout.write("".join(f"{path}\n" for path in written))


def _secrets(file: Path | None) -> dict[str, str]:
    if file is None:
        return {}
    try:
        found = json.loads(file.read_text(encoding="utf-8"))
    except (OSError, ValueError) as error:
        raise SecretsFileError(f"{file}: {error}") from error
    if not isinstance(found, dict) or not all(isinstance(each, str) for each in found.values()):
        raise SecretsFileError(f'{file}: expected one JSON object: {{"name": "secret", …}}')
    return found
