"""`setup`: what a new centre lacks to be used: a name, an administrator, a first site."""

from __future__ import annotations

import json
import sys
from getpass import getpass
from pathlib import Path  # noqa: TC003  typer reads it at run time
from typing import TYPE_CHECKING, Annotated, Any

import typer

from broker.credentials import CredentialFile, mint, write_private
from broker.topics import Party
from central import edge_settings, pins
from central.acts import setup as acts
from central.acts.by import By
from central.acts.setup import Wanted
from central.commands.desk import (
    AsJson,
    Config,
    Refusal,
    author,
    console,
    desk,
    first_line,
    node_id,
    user_name,
    write_json,
)
from central.store import nodes, organisation, secrets
from central.store.ledger import Refused

if TYPE_CHECKING:
    from central.commands.desk import Desk


def setup(
    config: Config = None,
    *,
    name: Annotated[
        str | None, typer.Option("--organisation", help="What people call the organisation.")
    ] = None,
    administrator: Annotated[
        str | None, typer.Option(help="User name of the first administrator.")
    ] = None,
    display: Annotated[str, typer.Option(help="What people call them.")] = "",
    site: Annotated[str | None, typer.Option(help="What people call the first site.")] = None,
    node: Annotated[str | None, typer.Option(help="Id of its edge; without, made of SITE.")] = None,
    out: Annotated[
        Path | None, typer.Option(help="Write the edge's settings there, ready to use (0600).")
    ] = None,
    as_json: AsJson = False,
) -> None:
    """Make what a new centre lacks: its name, the first administrator, the first site.

    Asks for what no option says, at a terminal; what there is already is left as it is. The
    administrator's password is asked for, or the input's first line.
    """
    if out is not None and out.exists():
        raise Refusal(f"{out} exists; it is not overwritten")
    asking = sys.stdin.isatty() and not as_json
    with desk(config) as at:
        with at.books.read() as tx:
            named = organisation.name(tx)
            needed = acts.needed(tx)
            sites = any(each.kind == "edge" for each in nodes.every(tx))
        if name is None and not named and asking:
            name = _ask("What is the organisation called?")
        if needed and administrator is None:
            if not asking:
                raise Refusal("nobody looks after this centre; name --administrator")
            administrator = _ask("User name of the first administrator?")
        if site is None and not sites and asking:
            site = _ask("What is the first site called? (empty: later)", empty=True)
        user = user_name(administrator) if administrator and needed else ""
        password = _password(user, asking=asking) if user else ""
        place = site or ""
        edge = node_id(node) if node else acts.node_id_of(place)
        if place and not edge:
            raise Refusal(f"{place!r} makes no id; name --node, such as edge-north")
        wanted = Wanted(
            organisation=name or "",
            user=user,
            display=display,
            # beside the transaction: it takes long, by intention
            password=secrets.hashed(password) if password else "",
            site=place,
            node=edge if place else "",
            code=mint() if place else "",
            currency=at.settings.currency,
        )
        with at.books.write() as tx:
            done = acts.set_up(tx, By(author()), wanted)
        if isinstance(done, Refused):
            raise Refusal(done.reason)
        told = _told(at, wanted, done, out)
        told["organisation"] = name or named
    if as_json:
        write_json(told)
        return
    _say(told, wanted, done, out)


def _told(at: Desk, wanted: Wanted, done: acts.SetUp, out: Path | None) -> dict[str, Any]:
    told: dict[str, Any] = {
        "organisation": "",
        "administrator": wanted.user if done.administrator else None,
        "node": wanted.node if done.site else None,
    }
    if not done.site:
        return told
    secret = CredentialFile(at.settings.credentials).add(wanted.node, Party.NODE)
    edge = edge_settings.Enrolled(wanted.node, wanted.site, secret, wanted.code)
    if out is not None:
        write_private(out, edge_settings.text_of(edge, at.settings, at.books.identity))
        return told
    identity = at.books.identity
    told |= {
        "secret": secret,
        "enrolment_code": wanted.code,
        "coordinator_incarnation": str(identity.incarnation),
    }
    return told


def _say(told: dict[str, Any], wanted: Wanted, done: acts.SetUp, out: Path | None) -> None:
    if not (done.organisation or done.administrator or done.site):
        console.print("This centre is set up already; nothing was changed.")
        return
    if done.organisation:
        console.print(f"The organisation is called {wanted.organisation}.", markup=False)
    if done.administrator:
        console.print(f"{wanted.user} is administrator of all sites.", markup=False)
    if done.site and out is not None:
        console.print(
            f"Entered {wanted.node}. Its settings are in {out}; it starts with them as they are.",
            markup=False,
        )
    elif done.site:
        console.print(f"Entered {wanted.node}. These are shown once:", markup=False)
        for key in ("secret", "enrolment_code", "coordinator_incarnation"):
            console.print(f"  {key} = {json.dumps(told[key])}", highlight=False, markup=False)


def _ask(question: str, *, empty: bool = False) -> str:
    while True:
        answer = str(typer.prompt(question, default="", show_default=False)).strip()
        if answer or empty:
            return answer


def _password(user: str, *, asking: bool) -> str:
    if asking:
        password = getpass(f"New password of {user}: ")
        if getpass("Once more: ") != password:
            raise Refusal("the two are not the same; nothing was changed")
    else:
        password = first_line(pins.PASSWORD_LONGEST + 1)
    wrong = pins.wrong_password(password, user)
    if wrong is not None:
        raise Refusal(wrong)
    return password
