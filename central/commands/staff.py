"""`staff`: who has which role, at which sites."""

from __future__ import annotations

from typing import Annotated

import typer

from central.acts import staff as acts
from central.acts.by import By
from central.commands.desk import (
    AsJson,
    Config,
    Refusal,
    author,
    console,
    desk,
    show,
    user_name,
)
from central.rights import EVERYWHERE, Role
from central.store import directory, second_factors, staff
from central.store.ledger import Refused

commands = typer.Typer(no_args_is_help=True, help="Staff: add, list, remove, reset-factor.")

User = Annotated[str, typer.Argument(help="User name, as jobs carry it.")]
Site = Annotated[
    list[str] | None,
    typer.Option("--site", help="Edge at whose site the role counts; may be given again; *: all."),
]


@commands.command("add")
def add_staff(
    user: User,
    role: Annotated[
        str, typer.Argument(help="administrator, site-administrator, operator or auditor.")
    ],
    config: Config = None,
    *,
    site: Site = None,
) -> None:
    """Give a person of the directory a role, at all sites unless --site names some."""
    which = _role(role)
    with desk(config) as at, at.books.write() as tx:
        done = acts.give(tx, By(author()), user_name(user), which, site or (EVERYWHERE,))
        if isinstance(done, Refused):
            raise Refusal(done.reason)
    where = "all sites" if done.grant.everywhere else ", ".join(sorted(done.grant.sites))
    console.print(f"{done.user} is {which.value} of {where}.", markup=False)


@commands.command("list")
def list_staff(config: Config = None, *, as_json: AsJson = False) -> None:
    """List who has which role, and whether they have a second factor."""
    with desk(config) as at, at.books.read() as tx:
        rows = []
        for each in staff.every(tx):
            person = directory.get(tx, "user", each.user) or {}
            factor = second_factors.find(tx, each.user)
            rows.append(
                {
                    "user": each.user,
                    "display": person.get("display", ""),
                    "role": each.grant.role.value,
                    "sites": sorted(each.grant.sites),
                    "second_factor": factor is not None and factor.confirmed,
                    "enabled": bool(person.get("enabled", False)),
                    "given_by": each.author,
                    "at": each.at,
                }
            )
    show(
        rows,
        as_json=as_json,
        columns=("user", "display", "role", "sites", "second_factor", "enabled", "given_by"),
        empty="Nobody yet; `printmesh central setup` makes the first administrator.",
    )


@commands.command("remove")
def remove_staff(
    user: User,
    role: Annotated[str | None, typer.Argument(help="Which role; without, all.")] = None,
    config: Config = None,
) -> None:
    """Take a person's roles away; what they have open as staff ends at once."""
    which = None if role is None else _role(role)
    with desk(config) as at, at.books.write() as tx:
        done = acts.take(tx, By(author()), user_name(user), which)
        if isinstance(done, Refused):
            raise Refusal(done.reason)
    gone = ", ".join(each.value for each in done.roles)
    console.print(f"{done.user} is no longer {gone}.", markup=False)


@commands.command("reset-factor")
def reset_factor(user: User, config: Config = None) -> None:
    """Take a person's authenticator away; they set a new one up when they sign in next."""
    name = user_name(user)
    with desk(config) as at, at.books.write() as tx:
        refused = acts.forget_second_factor(tx, By(author()), name)
        if refused is not None:
            raise Refusal(refused.reason)
    console.print(f"{name} sets an authenticator up anew when they sign in next.", markup=False)


def _role(text: str) -> Role:
    try:
        return Role(text.lower())
    except ValueError:
        known = ", ".join(role.value for role in Role)
        raise Refusal(f"{text!r} is no role; one of {known}") from None
