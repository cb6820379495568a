"""`account add`, `set`, `list` and `show`: accounts of people, departments, projects."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated, Any

import typer

from central.acts import accounts as acts
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
    write_json,
)
from central.store import accounts, audit, wallets
from central.store.accounts import KINDS, AccountRecord, Rules
from config.policy.money import PAGE

if TYPE_CHECKING:
    from central.store.books import Transaction
    from config.policy.accounts import Counts

commands = typer.Typer(
    no_args_is_help=True, help="Accounts: add, show, list, set, freeze, close, merge, members."
)

Key = Annotated[str, typer.Argument(metavar="ACCOUNT", help="For instance department:physics.")]
Overdraft = Annotated[
    str | None, typer.Option("--overdraft", help="How far below nothing it may go, like 5.00.")
]
Label = Annotated[str | None, typer.Option("--label", help="What people read.")]
Parent = Annotated[
    str | None, typer.Option("--parent", help="Where reports add it up; `none` takes it out.")
]
Counting = Annotated[
    str | None,
    typer.Option("--counts", help="In pages: impressions (all), monochrome or color only."),
]
Unlimited = Annotated[
    bool | None,
    typer.Option("--unlimited/--limited", help="Unlimited: it is only counted, and always covers."),
]
_COUNTS: dict[str, Counts] = {
    "impressions": "impressions",
    "monochrome": "monochrome",
    "color": "color",
}
_TABLE = ("account", "label", "balance", "parent", "state")


@commands.command("add")
def add(
    account: Key,
    config: Config = None,
    *,
    unit: Annotated[
        str | None, typer.Option(help="`page`, or the currency of the books (as without).")
    ] = None,
    label: Label = None,
    parent: Parent = None,
    counts: Counting = None,
    unlimited: Unlimited = None,
    overdraft: Overdraft = None,
) -> None:
    """Open an account: user, grant, quota (pages), department, project or shared."""
    key = account_key(account)
    with desk(config) as at, at.books.write() as tx:
        own = tx.identity.currency
        given = unit or (PAGE if key.startswith("quota:") else own)
        rules = _rules(Rules(), given, label, parent, counts, overdraft, unlimited=unlimited)
        opened = done(acts.open_account(tx, by(), key, given, rules))
    console.print(f"Opened {key} in {opened.unit}.")


@commands.command("set")
def change(
    account: Key,
    config: Config = None,
    *,
    label: Label = None,
    parent: Parent = None,
    counts: Counting = None,
    unlimited: Unlimited = None,
    overdraft: Overdraft = None,
) -> None:
    """Change what is given of an account; the rest stays."""
    with desk(config) as at, at.books.write() as tx:
        found = find_account(tx, account)
        rules = _rules(
            found.rules, found.unit, label, parent, counts, overdraft, unlimited=unlimited
        )
        if rules == found.rules:
            raise Refusal("nothing to change; give --label, --parent, --overdraft or --unlimited")
        done(acts.change_account(tx, by(), found.key, rules))
    console.print(f"Changed {found.key}.")


@commands.command("list")
def list_accounts(
    config: Config = None,
    *,
    kind: Annotated[str | None, typer.Option(help="Only of this kind.")] = None,
    parent: Annotated[str | None, typer.Option(help="Only right below this one.")] = None,
    after: Annotated[str, typer.Option(help="Go on after this account.")] = "",
    limit: Annotated[int, typer.Option(min=1, max=100_000, help="At most so many.")] = 1000,
    as_json: AsJson = False,
) -> None:
    """List accounts with what they have."""
    if kind is not None and kind not in KINDS:
        raise Refusal(f"{kind!r} is no kind of account; one of {', '.join(KINDS)}")
    with desk(config) as at, at.books.read() as tx:
        found = accounts.every(tx, after=after, limit=limit, kind=kind, parent=parent)
        rows = [_row(tx, each) for each in found]
    show(rows, as_json=as_json, columns=_TABLE, empty="No accounts; open one with `account add`.")
    if len(found) == limit and not as_json:
        console.print(f"There may be more: --after {found[-1].key}", style="yellow", markup=False)


@commands.command("show")
def show_account(account: Key, config: Config = None, *, as_json: AsJson = False) -> None:
    """Show an account: rules, places, members, and what all below it have together."""
    with desk(config) as at, at.books.read() as tx:
        found = find_account(tx, account)
        row = _row(tx, found)
        row["places"] = [
            {"place": each.place or "centre", "micros": each.micros}
            for each in accounts.balances(tx, found.key)
            if each.micros
        ]
        row["members"] = wallets.members(tx, found.key, limit=100)
        row["below"] = _below(tx, found.key)
        row["acts"] = [
            {"at": act.at, "author": act.author, "act": act.act, **act.detail}
            for act in audit.acts(tx, target=found.key)
        ]
    if as_json:
        write_json(row)
        return
    unit = found.unit
    row["places"] = [f"{money(p['micros'], unit)} at {p['place']}" for p in row["places"]]
    row["below"] = [f"{money(micros, each)} in all" for each, micros in row["below"].items()]
    row["overdraft"] = money(-found.floor, unit) if found.floor else ""
    row["acts"] = [f"{act['act']} by {act['author']}" for act in row["acts"]]
    for name in (
        *("account", "label", "balance", "places", "state", "merged_into", "overdraft"),
        *("unlimited", "counts", "parent", "below", "members", "acts"),
    ):
        value = row[name]
        if value not in (None, "", [], False):
            told = ", ".join(value) if isinstance(value, list) else value
            console.print(f"{name.replace('_', ' '):12}{told}", markup=False, highlight=False)


# ── shared with the neighbours ───────────────────────────────────────────────────────────────


def find_account(tx: Transaction, given: str) -> AccountRecord:
    """Return an account, or refuse with what may have been meant."""
    key = account_key(given)
    found = accounts.find(tx, key)
    if found is None:
        kind = key.partition(":")[0]
        known = (each.key for each in accounts.every(tx, kind=kind, limit=10_000))
        raise unknown("account", key, known, "open it with `printmesh central account add`")
    return found


def _rules(
    before: Rules,
    unit: str,
    label: str | None,
    parent: str | None,
    counts: str | None,
    overdraft: str | None,
    *,
    unlimited: bool | None,
) -> Rules:
    floor = before.floor
    if overdraft is not None:
        below = amount(overdraft, unit)
        if below.micros < 0:
            raise Refusal("an overdraft is written as an amount: 5.00 lets it go to -5.00")
        floor = -below.micros
    if counts is not None and (counts not in _COUNTS or unit != PAGE):
        raise Refusal(f"--counts is for accounts in pages: one of {', '.join(_COUNTS)}")
    above = before.parent
    if parent is not None:
        above = None if parent == "none" else account_key(parent)
    return Rules(
        floor=floor,
        label=before.label if label is None else label,
        parent=above,
        counts=before.counts if counts is None else _COUNTS[counts],
        unlimited=before.unlimited if unlimited is None else unlimited,
    )


def _detail(rules: Rules) -> dict[str, Any]:
    return {
        "floor": rules.floor,
        "label": rules.label,
        "parent": rules.parent,
        "counts": rules.counts,
        "unlimited": rules.unlimited,
    }


def _row(tx: Transaction, each: AccountRecord) -> dict[str, Any]:
    micros = accounts.whole(tx, each.key, each.unit)
    return {
        "account": each.key,
        "unit": each.unit,
        "micros": micros,
        "balance": money(micros, each.unit),
        "state": each.state,
        "merged_into": each.merged_into,
        **_detail(each.rules),
    }


def _below(tx: Transaction, key: str) -> dict[str, int]:
    """Return what all accounts under one have, with its own, by unit."""
    sums: dict[str, int] = {}
    waiting = accounts.every(tx, parent=key)
    if not waiting:
        return sums
    found = accounts.find(tx, key)
    waiting += [found] if found is not None else []
    while waiting:
        each = waiting.pop()
        sums[each.unit] = sums.get(each.unit, 0) + accounts.whole(tx, each.key, each.unit)
        if each.key != key:
            waiting += accounts.every(tx, parent=each.key)
    return sums
