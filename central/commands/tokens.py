"""`token`: who may use the interface, for what, at which sites and until when."""

from __future__ import annotations

from typing import Annotated

import typer

from broker.credentials import mint
from central.acts import tokens as acts
from central.commands.audit import moment_of
from central.commands.desk import (
    AsJson,
    Config,
    by,
    console,
    desk,
    done,
    show,
    unknown,
    write_json,
)
from central.rights import EVERYWHERE, READS, Right, Scope
from central.store import tokens

commands = typer.Typer(no_args_is_help=True, help="Who may use the API: add, list, remove.")

Name = Annotated[str, typer.Argument(help="What the token is for.")]


@commands.command("add")
def add_token(
    name: Name,
    config: Config = None,
    *,
    right: Annotated[
        list[str] | None,
        typer.Option(help=f"What it may do; again for more. Without: it reads. {', '.join(Right)}"),
    ] = None,
    site: Annotated[
        list[str] | None,
        typer.Option(help="An edge at whose site it may; again for more. Without: at all."),
    ] = None,
    expires: Annotated[
        str | None, typer.Option(help="Until the end of this day, or this moment, UTC.")
    ] = None,
    as_json: AsJson = False,
) -> None:
    """Make a token for the interface; it is shown once."""
    scope = Scope(_rights(right), frozenset(site or [EVERYWHERE]))
    until = None if expires is None else moment_of(expires, end=True)
    secret = mint()
    with desk(config) as at, at.books.write() as tx:
        made = done(acts.add(tx, by(), name, secret, scope, expires_at=until))
    if as_json:
        write_json({"name": made.name, "token": secret, **_row(made)})
        return
    console.print(f"Send it as `Authorization: Bearer …`; it is not shown again:\n{secret}")


@commands.command("remove")
def remove_token(name: Name, config: Config = None) -> None:
    """Take a token's rights away, at once."""
    with desk(config) as at, at.books.write() as tx:
        names = [each.name for each in tokens.every(tx)]
        if name not in names:
            raise unknown("token", name, names, "see `printmesh central token list`")
        done(acts.remove(tx, by(), name))
    console.print("Removed.")


@commands.command("list")
def list_tokens(config: Config = None, *, as_json: AsJson = False) -> None:
    """List tokens by name, and what each may; what they are nobody knows."""
    with desk(config) as at, at.books.read() as tx:
        rows = [_row(each) for each in tokens.every(tx)]
    columns = ("name", "rights", "sites", "expires_at", "created_at")
    show(rows, as_json=as_json, columns=columns, empty="No tokens yet.")


def _rights(given: list[str] | None) -> frozenset[Right]:
    if not given:
        return READS
    try:
        return frozenset(map(Right, given))
    except ValueError:
        wrong = next(each for each in given if each not in set(Right))
        raise unknown("right", wrong, acts.GIVEN, f"one of {', '.join(acts.GIVEN)}") from None


def _row(token: tokens.Token) -> dict[str, object]:
    return {
        "name": token.name,
        "rights": sorted(token.scope.rights),
        "sites": sorted(token.scope.sites),
        "expires_at": token.expires_at,
        "created_at": token.created_at,
    }
