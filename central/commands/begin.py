"""`init`: everything a new centre needs in one directory, ready to run."""

from __future__ import annotations

import json
import os
import re
from pathlib import Path  # noqa: TC003  typer reads it at run time
from typing import Annotated, Final

import typer

from broker.credentials import CredentialFile, write_private
from broker.topics import Party
from central.commands.desk import Refusal, console
from central.opening import open_books
from central.store import cards
from central.store.schema import migrate_url
from config.settings import CentralSettings, load

_SECRET = "coordinator.secret"  # noqa: S105  the name of a file
_CREDENTIALS = "credentials.json"
_UNIT: Final = re.compile(r"[A-Z]{3}|page")


def init(
    directory: Annotated[Path, typer.Argument(help="Made when missing; must be empty.")],
    *,
    host: Annotated[
        str, typer.Option(help="Name or address by which the sites reach this machine.")
    ] = "127.0.0.1",
    port: Annotated[int, typer.Option(help="Port of the broker.", min=1, max=65535)] = 1883,
    currency: Annotated[
        str, typer.Option(help="ISO 4217 code in which accounts are kept, or page.")
    ] = "EUR",
) -> None:
    """Set a new centre up: settings, the coordinator's secret, who may connect, empty books."""
    if not _UNIT.fullmatch(currency):
        raise Refusal(f"{currency!r} is no currency; give three capital letters like EUR, or page")
    file = directory / "central.toml"
    try:
        directory.mkdir(parents=True, exist_ok=True)
        if any(directory.iterdir()):
            raise Refusal(f"{directory} is not empty; name a new directory")
        secret = CredentialFile(directory / _CREDENTIALS).add("coordinator", Party.COORDINATOR)
        write_private(directory / _SECRET, secret + "\n")
        file.write_text(_settings(host, port, currency), encoding="utf-8")
    except OSError as error:
        raise Refusal(f"{error.filename or directory}: {error.strerror}") from error
    settings = load(CentralSettings, file)
    migrate_url(settings.url)
    books = open_books(settings)
    try:
        with books.write() as tx:
            cards.begin_key(tx, os.urandom)
    finally:
        books.close()
    console.print(f"A new centre is in {directory}. Next:")
    console.print(f"  printmesh central run --config {file}", markup=False)


def _settings(host: str, port: int, currency: str) -> str:
    """Return the settings as TOML; JSON's strings are TOML's."""
    listen = "127.0.0.1" if host in {"127.0.0.1", "localhost"} else "0.0.0.0"  # noqa: S104
    lines = [
        "# Settings of the centre; the sample central.toml explains every key.",
        'data = "books"',
        f'credentials = "{_CREDENTIALS}"',
        f"currency = {json.dumps(currency)}",
        "",
        "# Where the coordinator and the sites find the broker.",
        "[broker]",
        f"host = {json.dumps(host)}",
        f"port = {port}",
        f'secret_file = "{_SECRET}"',
        "",
        "# The broker itself runs in this process; take this table out where Mosquitto does it.",
        "[embedded_broker]",
        f"host = {json.dumps(listen)}",
        f"port = {port}",
    ]
    return "\n".join(lines) + "\n"
