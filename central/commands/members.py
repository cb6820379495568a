"""`account member …`: who may charge a department, a project or a shared account."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated

import typer

from broker.directory import UserRow
from central.acts import accounts as acts
from central.commands.accounts import Key, find_account
from central.commands.desk import (
    AsJson,
    Config,
    by,
    console,
    desk,
    done,
    show,
    unknown,
    user_name,
)
from central.store import directory, wallets

if TYPE_CHECKING:
    from central.store.books import Transaction

commands = typer.Typer(no_args_is_help=True, help="Who may charge an account: add, remove, list.")


@commands.command("add")
def add_members(
    account: Key,
    users: Annotated[list[str], typer.Argument(metavar="USER...", help="People.")],
    config: Config = None,
) -> None:
    """Let people charge an account instead of their own."""
    with desk(config) as at, at.books.write() as tx:
        key = find_account(tx, account).key
        names = [_user(tx, user).name for user in users]
        done(acts.admit(tx, by(), key, names))
    console.print(f"{', '.join(users)} may choose {key}.", markup=False)


@commands.command("remove")
def remove_members(
    account: Key,
    users: Annotated[list[str], typer.Argument(metavar="USER...", help="People.")],
    config: Config = None,
) -> None:
    """Take the choice of an account away from people."""
    with desk(config) as at, at.books.write() as tx:
        key = find_account(tx, account).key
        names = [_user(tx, user).name for user in users]
        done(acts.dismiss(tx, by(), key, names))
    console.print(f"{', '.join(users)} may not choose {key} any more.", markup=False)


@commands.command("list")
def list_members(
    account: Key,
    config: Config = None,
    *,
    after: Annotated[str, typer.Option(help="Go on after this person.")] = "",
    as_json: AsJson = False,
) -> None:
    """List who may charge an account."""
    with desk(config) as at, at.books.read() as tx:
        key = find_account(tx, account).key
        found = wallets.members(tx, key, after=after)
    rows = [{"user": user} for user in found]
    show(rows, as_json=as_json, columns=("user",), empty=f"{key} has no members.")


def _user(tx: Transaction, given: str) -> UserRow:
    row = directory.get(tx, "user", user_name(given))
    if row is None:
        known = (key for key, _ in directory.live(tx, "user", limit=10_000))
        raise unknown("user", given, known, "enter them with `printmesh central user add`")
    return UserRow.model_validate(row)
