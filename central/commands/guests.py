"""`guest …`: people for a time."""

from __future__ import annotations

import os
from typing import Annotated

import typer

from central.acts import guests, registrations
from central.commands.desk import AsJson, Config, by, console, day_end, desk, done, show, write_json
from central.sealing import Sealer
from central.store import person_search
from central.store import registrations as kept
from central.store.person import GUEST
from central.store.person_search import Which

commands = typer.Typer(no_args_is_help=True, help="People for a time: add, extend, list.")

Until = Annotated[
    str | None, typer.Option("--until", help="Their last day, like 2027-07-31; else as usual.")
]


@commands.command("add")
def add(
    config: Config = None,
    *,
    display: Annotated[str, typer.Option("--display", help="What people read.")] = "",
    email: Annotated[str, typer.Option("--email", help="Where they can be written to.")] = "",
    sponsor: Annotated[str, typer.Option("--sponsor", help="Who vouches for them.")] = "",
    name: Annotated[str | None, typer.Option("--name", help="Else one is made.")] = None,
    until: Until = None,
    as_json: AsJson = False,
) -> None:
    """Enter a guest: a person with an account of their own, disabled when the time is over."""
    last = None if until is None else day_end(until)
    with desk(config) as at, at.books.write() as tx:
        guest = done(
            guests.invite(
                tx,
                by(),
                at.settings.guests,
                display=display,
                email=email,
                sponsor=sponsor,
                name=name,
                until=last,
                dice=os.urandom,
            )
        )
    if as_json:
        write_json({"name": guest.row.name, "until": guest.until})
        return
    console.print(
        f"Entered {guest.row.name}, until {guest.until.astimezone():%Y-%m-%d %H:%M}. "
        f"`printmesh central pin set {guest.row.name} --generate` gives them a PIN.",
        markup=False,
    )


@commands.command("extend")
def extend(
    user: Annotated[str, typer.Argument(help="User name of a guest.")],
    until: Annotated[str, typer.Argument(help="Their last day, like 2027-07-31.")],
    config: Config = None,
) -> None:
    """Let a guest stay longer, or again."""
    with desk(config) as at, at.books.write() as tx:
        guest = done(guests.extend(tx, by(), at.settings.guests, user, day_end(until)))
    last = f"{guest.until.astimezone():%Y-%m-%d %H:%M}"
    console.print(f"{guest.row.name} stays until {last}.", markup=False)


@commands.command("list")
def list_guests(config: Config = None, *, as_json: AsJson = False) -> None:
    """List guests: until when, and who vouches for them."""
    with desk(config) as at, at.books.read() as tx:
        found = person_search.page(tx, Which(source=GUEST), limit=1000)
    rows = [
        {
            "name": each.name,
            "display": each.display,
            "email": each.about.email,
            "sponsor": each.about.sponsor,
            "until": each.about.expires_at,
            "enabled": each.enabled,
        }
        for each in found
    ]
    columns = ("name", "display", "sponsor", "until", "enabled")
    show(rows, as_json=as_json, columns=columns, empty="No guests.")


@commands.command("waiting")
def waiting(config: Config = None, *, as_json: AsJson = False) -> None:
    """List who asks to be let in; their codes are known to them alone."""
    with desk(config) as at, at.books.read() as tx:
        found = kept.waiting(tx, limit=registrations.MOST)
    rows = [
        {
            "n": each.n,
            "display": each.display,
            "email": each.email,
            "asked": each.made_at,
            "until": each.ends_at,
        }
        for each in found
    ]
    columns = ("n", "display", "email", "asked", "until")
    show(rows, as_json=as_json, columns=columns, empty="Nobody asks to be let in.")


@commands.command("let-in")
def let_in(
    code: Annotated[str, typer.Argument(help="The code that they show.")],
    config: Config = None,
    *,
    sponsor: Annotated[str, typer.Option("--sponsor", help="Who vouches for them.")] = "",
    until: Until = None,
    as_json: AsJson = False,
) -> None:
    """Make a guest of somebody who asked by themselves; their password is the one they chose."""
    last = None if until is None else day_end(until)
    with desk(config) as at, at.books.write() as tx:
        secret = at.settings.web.secret or at.settings.broker.secret
        guest = done(
            registrations.let_in(
                tx,
                by(),
                at.settings.guests,
                code,
                sealer=Sealer(secret.get_secret_value(), os.urandom),
                sponsor=sponsor,
                until=last,
                dice=os.urandom,
            )
        )
    if as_json:
        write_json({"name": guest.row.name, "until": guest.until})
        return
    console.print(
        f"{guest.row.name} is let in, until {guest.until.astimezone():%Y-%m-%d %H:%M}.",
        markup=False,
    )
