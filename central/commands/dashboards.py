"""`dashboard`: who may watch the fleet; each hears feed, status and devices, and says nothing."""

from __future__ import annotations

import json
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from broker.credentials import CredentialFile, write_private
from broker.topics import Party
from central.commands.desk import (
    AsJson,
    Config,
    Refusal,
    author,
    console,
    desk,
    node_id,
    show,
    unknown,
    write_json,
)
from central.store import audit, nodes

if TYPE_CHECKING:
    from central.store.books import Transaction
    from config.settings import CentralSettings

dashboards = typer.Typer(
    no_args_is_help=True, help="Who watches and says nothing: add, list, secret, remove."
)

Name = Annotated[str, typer.Argument(help="Its id: 1 to 32 of a-z, 0-9 and -.")]
Out = Annotated[
    Path | None,
    typer.Option(help="Write settings for `printmesh watch` there, the secret among them (0600)."),
]


@dashboards.command("add")
def add_dashboard(
    name: Name,
    config: Config = None,
    *,
    out: Out = None,
    as_json: AsJson = False,
) -> None:
    """Enter a dashboard; its secret is shown once, or written to a file."""
    name = node_id(name)
    _is_free(out)
    with desk(config) as at:
        with at.books.write() as tx:
            if name == at.settings.node or not nodes.add(
                tx, name, site=name, role="", kind="dashboard", code=None
            ):
                raise Refusal(f"there is a node {name!r} already; choose another name")
            audit.note(tx, author=author(), act="dashboard add", target=name)
        _give(at.settings, name, out, f"Entered {name}.", as_json=as_json)


@dashboards.command("secret")
def renew_secret(
    name: Name, config: Config = None, *, out: Out = None, as_json: AsJson = False
) -> None:
    """Give a dashboard a new secret; the old one ends at once."""
    _is_free(out)
    with desk(config) as at:
        with at.books.write() as tx:
            _known(tx, name)
            audit.note(tx, author=author(), act="dashboard secret", target=name)
        _give(at.settings, name, out, f"The old secret of {name} has ended.", as_json=as_json)


@dashboards.command("list")
def list_dashboards(config: Config = None, *, as_json: AsJson = False) -> None:
    """List dashboards, and whether the broker lets them in."""
    with desk(config) as at, at.books.read() as tx:
        there = {entry.name for entry in CredentialFile(at.settings.credentials).entries()}
        rows = [
            {"dashboard": each.id, "may_connect": each.id in there}
            for each in nodes.every(tx)
            if each.kind == "dashboard"
        ]
    show(
        rows,
        as_json=as_json,
        columns=("dashboard", "may_connect"),
        empty="No dashboards yet; `printmesh central dashboard add NAME`.",
    )


@dashboards.command("remove")
def remove_dashboard(name: Name, config: Config = None) -> None:
    """Take a dashboard back: it is cut off within seconds, and its name is free again."""
    with desk(config) as at, at.books.write() as tx:
        _known(tx, name)
        # first: should it end in between, nobody is let in whom no list shows
        CredentialFile(at.settings.credentials).remove(name)
        nodes.remove_dashboard(tx, name)
        audit.note(tx, author=author(), act="dashboard remove", target=name)
    console.print(f"{name} hears nothing any more.", highlight=False)


def _known(tx: Transaction, name: str) -> None:
    known = nodes.find(tx, name)
    if known is None or known.kind != "dashboard":
        names = (each.id for each in nodes.every(tx) if each.kind == "dashboard")
        raise unknown("dashboard", name, names, "enter it with `printmesh central dashboard add`")


def _is_free(out: Path | None) -> None:
    if out is not None and out.exists():
        raise Refusal(f"{out} exists; it is not overwritten")


def _give(
    settings: CentralSettings, name: str, out: Path | None, done: str, *, as_json: bool
) -> None:
    """Make the secret and hand it out; kept is its hash."""
    secret = CredentialFile(settings.credentials).add(name, Party.DASHBOARD)
    link = settings.broker
    told = {
        "dashboard": name,
        "secret": secret,
        "host": link.host,
        "port": link.port,
        "tls": link.tls,
        "tls_ca": str(link.tls_ca.absolute()) if link.tls_ca else None,
        "websocket": link.websocket,
    }
    if out is not None:
        keys = ("host", "port", "secret", "tls", "tls_ca", "websocket")
        lines = [
            f"# The dashboard {name}, made by `printmesh central dashboard`; holds its secret.",
            f"node = {json.dumps(name)}",
            "",
            "[broker]",
            *(f"{key} = {json.dumps(told[key])}" for key in keys if told[key] is not None),
        ]
        write_private(out, "\n".join(lines) + "\n")
    if as_json:
        write_json(told)
    elif out is not None:
        text = f"{done} `printmesh watch --config {out}` shows the fleet."
        console.print(text, highlight=False, markup=False)
    else:
        console.print(f"{done} This is shown once:", highlight=False)
        console.print(f"  secret = {json.dumps(secret)}", highlight=False, markup=False)
