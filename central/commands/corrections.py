"""`topup`, `correct`, `refund`, `entries`: putting on, putting right by new entries, reading."""

from __future__ import annotations

from typing import Annotated, Any
from uuid import UUID

import typer

from central.acts import money as acts
from central.commands.accounts import find_account
from central.commands.desk import (
    AsJson,
    Config,
    Refusal,
    account_key,
    amount,
    by,
    console,
    desk,
    done,
    money,
    show,
    unknown,
)
from central.store import accounts, lists
from central.store.ledger import CENTRE, HOUSE_KINDS

Reason = Annotated[str, typer.Option("--reason", help="Why; kept with the entry.")]


def correct(
    account: Annotated[str, typer.Argument(help="For instance user:ana.")],
    sum_: Annotated[str, typer.Argument(metavar="AMOUNT", help="2.50 adds, -2.50 takes.")],
    reason: Reason,
    config: Config = None,
) -> None:
    """Add to an account, or take from what of it is at the centre, by an entry with its reason."""
    with desk(config) as at, at.books.write() as tx:
        found = find_account(tx, account)
        change = amount(sum_, found.unit)
        moved = done(acts.correct(tx, by(), found.key, change, reason=reason))
    console.print(f"{found.key} was corrected by {change}; it has {moved.balance}.")


def refund(
    job: Annotated[str, typer.Argument(help="job-uuid, or the charge that an entry names.")],
    reason: Reason,
    config: Config = None,
    *,
    sum_: Annotated[
        str | None,
        typer.Option("--amount", help="Of all that was paid in the currency, together."),
    ] = None,
    unit: Annotated[str | None, typer.Option(help="`page` to give back pages.")] = None,
    everything: Annotated[
        bool, typer.Option("--all", help="Everything, in every unit it was paid in.")
    ] = False,
    as_json: AsJson = False,
) -> None:
    """Give back what a job cost to those who paid, in proportion; never more than they paid."""
    if everything == (sum_ is not None):
        raise Refusal("say how much: --amount 0.50, or --all")
    try:
        named = UUID(job.removeprefix("urn:uuid:"))
    except ValueError as error:
        raise Refusal(
            f"{job!r} is no job; `printmesh central jobs --json` has them whole"
        ) from error
    with desk(config) as at, at.books.write() as tx:
        wanted = None if sum_ is None else amount(sum_, unit or at.settings.currency)
        refunds = done(acts.refund(tx, by(), named, wanted, reason=reason))
    rows = [
        {
            "account": account,
            "refund": str(back),
            "micros": back.micros,
            "unit": back.unit,
            "charge": str(each.charge),
            "entry": str(each.entry),
        }
        for each in refunds
        for account, back in each.parts
    ]
    show(rows, as_json=as_json, columns=("account", "refund", "charge"), empty="Nothing.")


def topup(
    account: Annotated[str, typer.Argument(help="For instance user:ana.")],
    sum_: Annotated[str, typer.Argument(metavar="AMOUNT", help="For instance 5.00.")],
    config: Config = None,
    *,
    note: Annotated[str, typer.Option(help="Kept with the entry.")] = "",
) -> None:
    """Put money on an account; it goes on to the sites by itself."""
    key = account_key(account)
    with desk(config) as at, at.books.write() as tx:
        found = accounts.find(tx, key)
        if found is None:
            known = (each.key for each in accounts.every(tx, limit=10_000))
            how = "accounts are opened by `printmesh central user add`"
            raise unknown("account", key, known, how)
        given = amount(sum_, found.unit)
        moved = done(acts.top_up(tx, by(), key, given, note=note))
    console.print(f"{key} got {given}; it has {moved.balance}.")


def entries(
    account: Annotated[str, typer.Argument(help="For instance user:ana, or house:grants.")],
    config: Config = None,
    *,
    after: Annotated[int, typer.Option(min=0, help="Go on after this entry's number.")] = 0,
    limit: Annotated[int, typer.Option(min=1, max=10_000, help="At most so many.")] = 200,
    as_json: AsJson = False,
) -> None:
    """List the entries that touched an account, oldest first."""
    with desk(config) as at, at.books.read() as tx:
        key = account_key(account)
        if key.partition(":")[0] not in HOUSE_KINDS:
            find_account(tx, key)
        found = lists.entries(tx, account=key, after=after, limit=limit)
    rows = [_row(key, each) for each in found]
    columns = ("n", "at", "kind", "change", "reference", "note", "author")
    show(rows, as_json=as_json, columns=columns, empty=f"Nothing has touched {key} yet.")
    if len(found) == limit and not as_json:
        console.print(f"There may be more: --after {found[-1].n}", style="yellow")


def _row(key: str, each: lists.ListedEntry) -> dict[str, Any]:
    sums: dict[str, int] = {}
    for line in each.postings:
        if line.account == key:
            sums[line.unit] = sums.get(line.unit, 0) + line.micros
    return {
        "n": each.n,
        "id": str(each.id),
        "at": each.at,
        "kind": each.kind,
        # a move between places changes nothing in all
        "change": ", ".join(money(micros, unit) for unit, micros in sums.items() if micros),
        "reference": each.reference,
        "note": each.note,
        "author": each.author,
        "postings": [
            {
                "account": line.account,
                "place": line.place if line.place != CENTRE else "centre",
                "unit": line.unit,
                "micros": line.micros,
            }
            for line in each.postings
        ],
    }
