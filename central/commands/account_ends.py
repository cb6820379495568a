"""`account freeze`, `unfreeze`, `close` and `merge`: what ends an account, or stops it for now."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated, NoReturn

import typer

from central.acts import accounts as acts
from central.commands import members
from central.commands.accounts import Key, commands, find_account
from central.commands.desk import Config, account_key, by, console, desk, done, money

if TYPE_CHECKING:
    from collections.abc import Callable

    from central.commands.desk import Desk
    from central.store.accounts import AccountRecord
    from central.store.books import Transaction
    from central.store.closing import Outcome

Reason = Annotated[str, typer.Option("--reason", help="Kept with the act.")]
Yes = Annotated[bool, typer.Option("--yes", help="Do not ask.")]
DryRun = Annotated[bool, typer.Option("--dry-run", help="Say what would be done; do nothing.")]


def freeze(account: Key, reason: Reason, config: Config = None) -> None:
    """Let nothing be charged to or granted from an account, from now on."""
    with desk(config) as at, at.books.write() as tx:
        key = find_account(tx, account).key
        done(acts.freeze(tx, by(), key, reason=reason))
    console.print(f"{key} is frozen; sites that are cut off hear of it when they are back.")


def unfreeze(account: Key, config: Config = None, *, reason: Reason = "") -> None:
    """Let a frozen account be used again."""
    with desk(config) as at, at.books.write() as tx:
        key = find_account(tx, account).key
        done(acts.unfreeze(tx, by(), key, reason=reason))
    console.print(f"{key} is open again.")


def close(
    account: Key,
    reason: Reason,
    config: Config = None,
    *,
    to: Annotated[
        str | None,
        typer.Option(help="Where what is left goes: an account, or house:paidout for cash."),
    ] = None,
    yes: Yes = False,
    dry_run: DryRun = False,
) -> None:
    """Close an account for good; what is at cut-off sites follows as they come back."""
    heir = None if to is None else account_key(to)

    def act(tx: Transaction) -> tuple[AccountRecord, Outcome]:
        found = find_account(tx, account)
        return found, acts.close(tx, by(), found.key, to=heir, reason=reason)

    where = f" into {heir}" if heir else ""
    with desk(config) as at:
        _carry_out(at, act, f"close {account}{where}", yes=yes, dry_run=dry_run)


def merge(
    account: Key,
    into: Annotated[str, typer.Argument(metavar="INTO", help="The account that stays.")],
    reason: Reason,
    config: Config = None,
    *,
    yes: Yes = False,
    dry_run: DryRun = False,
) -> None:
    """Make an account part of another: its money, its members, and who pays with it."""

    def act(tx: Transaction) -> tuple[AccountRecord, Outcome]:
        found, heir = find_account(tx, account), find_account(tx, into)
        return found, acts.merge(tx, by(), found.key, heir.key, reason=reason)

    with desk(config) as at:
        _carry_out(at, act, f"merge {account} into {into}", yes=yes, dry_run=dry_run)


class _OnlyTried(Exception):
    """It was done to see what it would do; leaves the transaction without a trace."""

    def __init__(self, told: str) -> None:
        super().__init__(told)
        self.told = told


def _carry_out(
    at: Desk,
    act: Callable[[Transaction], tuple[AccountRecord, Outcome]],
    what: str,
    *,
    yes: bool,
    dry_run: bool,
) -> None:
    """Try, ask, do: nobody waits for the books while a person makes up their mind."""
    if dry_run or not yes:
        try:
            _try(at, act)
        except _OnlyTried as tried:
            console.print(f"This would {what}: {tried.told}", markup=False, highlight=False)
        if dry_run or not typer.confirm("For good?"):
            console.print("Nothing was done.")
            return
    with at.books.write() as tx:
        told = _told(*act(tx))
    console.print(f"Done, {what}: {told}", markup=False, highlight=False)


def _try(at: Desk, act: Callable[[Transaction], tuple[AccountRecord, Outcome]]) -> NoReturn:
    with at.books.write() as tx:
        raise _OnlyTried(_told(*act(tx)))


def _told(found: AccountRecord, outcome: Outcome) -> str:
    closed = done(outcome)
    parts = [f"{money(closed.moved, found.unit)} goes at once"]
    for place, micros in sorted(closed.waiting.items()):
        parts.append(f"{money(micros, found.unit)} follows when {place} gives it back")
    return "; ".join(parts) + "."


commands.command("freeze")(freeze)
commands.command("unfreeze")(unfreeze)
commands.command("close")(close)
commands.command("merge")(merge)
commands.add_typer(members.commands, name="member")
