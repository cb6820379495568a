"""`printmesh watch`: its options; they win over the environment, which wins over the file."""

from __future__ import annotations

import asyncio
import os
import sys
from pathlib import Path
from typing import Annotated

import typer

from config.command_line import played

DEFAULT_CONFIG = Path("watch.toml")

app = typer.Typer(
    help="The fleet live: sites, printers, jobs and alerts.",
    add_completion=False,
    pretty_exceptions_enable=False,
)


def main(arguments: list[str]) -> int:
    """Run the command; return its exit status: 1 nothing was heard, 2 a wrong command line."""
    return played(app, arguments, "printmesh watch")


@app.command()
def watch(
    config: Annotated[
        Path | None,
        typer.Option(
            "--config",
            "-c",
            help="Settings; else watch.toml here. PRINTMESH_WATCH_… variables win over it.",
        ),
    ] = None,
    broker: Annotated[
        str | None, typer.Option(help="HOST or HOST:PORT of the centre's broker, or a site's.")
    ] = None,
    user: Annotated[str | None, typer.Option(help="The dashboard's id.")] = None,
    secret_file: Annotated[
        Path | None, typer.Option(help="File that holds the dashboard's secret.")
    ] = None,
    *,
    tls: Annotated[
        bool | None, typer.Option("--tls/--no-tls", help="Encrypt, and check who the broker is.")
    ] = None,
    tls_ca: Annotated[
        Path | None, typer.Option(help="PEM file of the authority to trust; implies --tls.")
    ] = None,
    once: Annotated[bool, typer.Option("--once", help="Show it as it is now, and end.")] = False,
    as_json: Annotated[
        bool, typer.Option("--json", help="With --once: write JSON for machines.")
    ] = False,
    patience: Annotated[
        float, typer.Option(min=0.1, max=600, help="With --once: seconds it may take.")
    ] = 10.0,
) -> None:
    """Show sites, printers, jobs and alerts until Ctrl-C; or once."""
    if as_json and not once:
        raise typer.BadParameter("--json goes with --once")
    if not once and not sys.stdout.isatty():
        raise typer.BadParameter("the output is no terminal; --once shows the fleet as it is now")
    from broker.dashboard import watch as screen  # noqa: PLC0415  keeps --help fast
    from config import logs  # noqa: PLC0415
    from config.settings_dashboard import WatchSettings  # noqa: PLC0415
    from config.settings_file import load  # noqa: PLC0415

    if config is None and DEFAULT_CONFIG.exists():
        config = DEFAULT_CONFIG
    given = _given(broker, user, secret_file, tls, tls_ca)
    settings = load(WatchSettings, config, environ={**os.environ, **given})
    with Path(os.devnull).open("w", encoding="utf-8") as nowhere:
        # what is wrong with the line is said on the screen itself
        logs.configure("watch", "error", nowhere)
        if once:
            fleet = asyncio.run(screen.once(settings, patience=patience))
            screen.show_once(fleet, settings, machine=as_json)
            return
        asyncio.run(screen.live(settings))


def _given(
    broker: str | None,
    user: str | None,
    secret_file: Path | None,
    tls: bool | None,  # noqa: FBT001  as it was typed
    tls_ca: Path | None,
) -> dict[str, str]:
    """Return options as the variables they stand for."""
    host, _, port = (broker or "").rpartition(":") if ":" in (broker or "") else (broker, "", "")
    encrypted = True if tls_ca is not None and tls is None else tls
    words = {
        "NODE": user,
        "BROKER__HOST": host,
        "BROKER__PORT": port,
        "BROKER__SECRET_FILE": secret_file and str(secret_file.absolute()),
        "BROKER__TLS": None if encrypted is None else str(encrypted).lower(),
        "BROKER__TLS_CA": tls_ca and str(tls_ca.absolute()),
    }
    return {f"PRINTMESH_WATCH_{key}": word for key, word in words.items() if word}
