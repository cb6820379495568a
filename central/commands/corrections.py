"""`correct`, `refund` and `entries`: putting right by new entries, and reading them all."""

from __future__ import annotations

from typing import Annotated, Any
from uuid import UUID

import typer

from central.commands.accounts import find_account
from central.commands.desk import (
    AsJson,
    Config,
    Refusal,
    account_key,
    amount,
    author,
    console,
    desk,
    money,
    show,
)
from central.store import accounts, corrections, lists
from central.store.ledger import CENTRE, HOUSE_KINDS, Refused

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
        by = amount(sum_, found.unit)
        done = corrections.correct(tx, found.key, by, reason=reason, author=author())
        if isinstance(done, Refused):
            raise Refusal(done.reason)
        whole = accounts.whole(tx, found.key, found.unit)
    console.print(f"{found.key} was corrected by {by}; it has {money(whole, found.unit)}.")


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
        done = corrections.refund(tx, named, wanted, reason=reason, author=author())
        if isinstance(done, Refused):
            raise Refusal(done.reason)
    rows = [
        {
            "account": account,
            "refund": str(back),
            "micros": back.micros,
            "unit": back.unit,
            "charge": str(each.charge),
            "entry": str(each.entry),
        }
        for each in done
        for account, back in each.parts
    ]
    show(rows, as_json=as_json, columns=("account", "refund", "charge"), empty="Nothing.")


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
