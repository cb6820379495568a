"""`node`: who belongs to the fleet; secrets and one-use codes are shown or written once."""

from __future__ import annotations

import json
import secrets
from pathlib import Path  # noqa: TC003  typer reads it at run time
from typing import TYPE_CHECKING, Annotated, Any, Final, Literal, cast

import typer

from broker.credentials import CredentialFile, write_private
from broker.topics import Party
from central.acts import consequences
from central.acts import nodes as acts
from central.commands.desk import (
    AsJson,
    Config,
    Refusal,
    by,
    console,
    desk,
    done,
    money,
    node_id,
    role_text,
    show,
    unknown,
    write_json,
)
from central.presence import is_linked
from central.store import nodes, terms

if TYPE_CHECKING:
    from central.commands.desk import Desk
    from central.store.books import Transaction
    from central.store.nodes import NodeRecord

fleet = typer.Typer(
    no_args_is_help=True,
    help="The fleet: add, enrol, free, list and resync nodes; give and revoke secrets.",
)

Name = Annotated[str, typer.Argument(help="Node id: 1 to 32 of a-z, 0-9 and -.")]
#: 120 random bits: enough for a code that opens one door once.
_CODE_BYTES: Final = 15


@fleet.command("add")
def add_node(
    name: Name,
    config: Config = None,
    *,
    site: Annotated[str, typer.Option(help="What people call the place.")] = "",
    kind: Annotated[str, typer.Option(help="edge, or dashboard.")] = "edge",
    out: Annotated[
        Path | None, typer.Option(help="Write the node's settings there, ready to use (0600).")
    ] = None,
    as_json: AsJson = False,
) -> None:
    """Enter a node: its secret for the broker, and a one-use code for its journal."""
    name = node_id(name)
    if kind not in {"edge", "dashboard"}:
        raise Refusal(f"{kind!r} is no kind of node; edge or dashboard")
    if out is not None and (kind != "edge" or out.exists()):
        raise Refusal(
            f"{out} exists; it is not overwritten" if out.exists() else "--out is for edges"
        )
    code = secrets.token_urlsafe(_CODE_BYTES) if kind == "edge" else None
    with desk(config) as at:
        with at.books.write() as tx:
            if name == at.settings.node:
                raise Refusal(f"there is a node {name!r} already: the coordinator itself")
            which = cast('Literal["edge", "dashboard"]', kind)
            done(acts.enter(tx, by(), name, site=site, kind=which, code=code))
        party = Party.NODE if kind == "edge" else Party.DASHBOARD
        secret = CredentialFile(at.settings.credentials).add(name, party)
        told = {
            "node": name,
            "site": site or name,
            "kind": kind,
            "secret": secret,
            "enrolment_code": code,
            "coordinator": at.settings.node,
            "coordinator_incarnation": str(at.books.identity.incarnation),
        }
        if out is not None and kind == "edge":
            write_private(out, _settings(at, told))
    if as_json:
        write_json(told)
    elif out is not None:
        console.print(
            f"Entered {name}. Its settings are in {out}; it starts with them as they are."
        )
    else:
        console.print(f"Entered {name}. These are shown once:", highlight=False)
        for key in ("secret", "enrolment_code", "coordinator_incarnation"):
            if told[key]:
                console.print(f"  {key} = {json.dumps(told[key])}", highlight=False, markup=False)


@fleet.command("enrol")
def enrol_node(
    name: Name,
    config: Config = None,
    *,
    write_off: Annotated[
        bool,
        typer.Option(
            "--write-off", help="The old journal is lost: make people whole at the house's cost."
        ),
    ] = False,
    as_json: AsJson = False,
) -> None:
    """Make a one-use code that lets one new journal of a node in; frees a parked or frozen node."""
    code = secrets.token_urlsafe(_CODE_BYTES)
    with desk(config) as at, at.books.write() as tx:
        _node(tx, name)
        done(acts.enrol(tx, by(), name, code, write_off=write_off))
    if as_json:
        write_json({"node": name, "enrolment_code": code})
        return
    console.print("The code, shown once:")
    console.print(f"  enrolment_code = {json.dumps(code)}", highlight=False, markup=False)


@fleet.command("free")
def free_node(name: Name, config: Config = None) -> None:
    """Listen again to a parked or frozen node; what is wrong with it will show again."""
    with desk(config) as at, at.books.write() as tx:
        _node(tx, name)
        known = done(acts.free(tx, by(), name))
    console.print(
        f"{name} was {known.state} ({known.reason}). It is listened to at its next birth."
    )


@fleet.command("secret")
def renew_secret(name: Name, config: Config = None, *, as_json: AsJson = False) -> None:
    """Give a node a new secret for the broker; the old one ends at once."""
    with desk(config) as at:
        with at.books.write() as tx:
            _node(tx, name)
            known = done(acts.new_secret(tx, by(), name))
        party = Party.NODE if known.kind == "edge" else Party.DASHBOARD
        secret = CredentialFile(at.settings.credentials).add(name, party)
    if as_json:
        write_json({"node": name, "secret": secret})
        return
    console.print(f"  secret = {json.dumps(secret)}", highlight=False, markup=False)


@fleet.command("revoke")
def revoke_node(
    name: Name,
    reason: Annotated[str, typer.Option(help="Why; it is kept.")],
    config: Config = None,
    *,
    dry_run: Annotated[bool, typer.Option("--dry-run", help="Only say what it means.")] = False,
) -> None:
    """Let a node connect no more; `node secret` lets it in again."""
    with desk(config) as at:
        with at.books.read() as tx:
            told = consequences.of_revoking(tx, _node(tx, name))
        for sentence in told.sentences:
            console.print(sentence, markup=False, highlight=False)
        if dry_run:
            return
        with at.books.write() as tx:
            done(acts.revoke(tx, by(), name, reason=reason))
        CredentialFile(at.settings.credentials).remove(name)
    console.print("Revoked.")


@fleet.command("resync")
def resync_node(
    name: Name,
    config: Config = None,
    *,
    dry_run: Annotated[bool, typer.Option("--dry-run", help="Only say what it means.")] = False,
) -> None:
    """Send a site every person, card, price and rule again."""
    with desk(config) as at:
        with at.books.read() as tx:
            told = consequences.of_resync(tx, _node(tx, name))
        for sentence in told.sentences:
            console.print(sentence, markup=False, highlight=False)
        if dry_run:
            return
        with at.books.write() as tx:
            done(acts.resync(tx, by(), name))
    console.print("It is sent as soon as the site is linked.")


@fleet.command("list")
def list_nodes(config: Config = None, *, as_json: AsJson = False) -> None:
    """List nodes: who is linked, who is parked or frozen and why."""
    with desk(config) as at, at.books.read() as tx:
        rows = []
        for each in nodes.every(tx):
            row = _row(each, nodes.sums_at(tx, each.id)[0], tx)
            rows.append(row if as_json else row | {"role": _role(each, row["wished"])})
    show(
        rows,
        as_json=as_json,
        columns=("node", "site", "role", "state", "linked", "seen_at", "holds", "note"),
        empty="No nodes yet; `printmesh central node add NAME --site SITE`.",
    )


@fleet.command("coordinator")
def show_coordinator(config: Config = None, *, as_json: AsJson = False) -> None:
    """Show whose books these are, as an edge's settings name them."""
    with desk(config) as at:
        identity = at.books.identity
        told = {
            "node": identity.node,
            "incarnation": str(identity.incarnation),
            "epoch": identity.epoch,
        }
    if as_json:
        write_json(told)
        return
    for key, value in told.items():
        console.print(f"{key} = {json.dumps(value)}", highlight=False, markup=False)


def _node(tx: Transaction, name: str) -> NodeRecord:
    known = nodes.find(tx, name)
    if known is None:
        names = (each.id for each in nodes.every(tx))
        raise unknown("node", name, names, "enter it with `printmesh central node add`")
    return known


def _role(each: NodeRecord, wished: str | None) -> str:
    return role_text(each.role, wished) if each.kind == "edge" else ""


def _row(each: NodeRecord, sums: dict[str, int], tx: Transaction) -> dict[str, Any]:
    note = each.reason or ("" if each.born_at else "never born; its code waits")
    return {
        "node": each.id,
        "site": each.site,
        "kind": each.kind,
        "role": each.role,
        "wished": terms.wished_role(tx, each.id),
        "state": each.state,
        "linked": is_linked(linked=each.linked, seen_at=each.seen_at, now=tx.now),
        "seen_at": each.seen_at,
        "born_at": each.born_at,
        "software": each.software,
        "incarnation": each.incarnation,
        "may_enrol": each.may_enrol,
        "micros": sums,
        "holds": ", ".join(money(micros, unit) for unit, micros in sums.items()),
        "note": note,
    }


def _settings(at: Desk, told: dict[str, str | None]) -> str:
    """Return an edge's settings as TOML; JSON's strings are TOML's."""
    link = at.settings.broker
    text = {key: json.dumps(value) for key, value in told.items()}
    lines = [
        f"# Settings of the edge {told['node']}, made by `printmesh central node add`.",
        "# Its secret is in here: keep it to yourself.",
        f"node = {text['node']}",
        f"site = {text['site']}",
        'role = "remote"',
        'data = "journal"',
        "",
        "# Needed once, by a new journal.",
        f"enrolment_code = {text['enrolment_code']}",
        "",
        "[coordinator]",
        f"node = {text['coordinator']}",
        f"incarnation = {text['coordinator_incarnation']}",
        "",
        "[link]",
        f"host = {json.dumps(link.host)}",
        f"port = {link.port}",
        f"secret = {text['secret']}",
        f"tls = {json.dumps(link.tls)}",
        *([f"tls_ca = {json.dumps(str(link.tls_ca))}"] if link.tls_ca else []),
        f"websocket = {json.dumps(link.websocket)}",
        "",
        "# Queues and printers of the site come next; the sample edge.toml explains them.",
    ]
    return "\n".join(lines) + "\n"
