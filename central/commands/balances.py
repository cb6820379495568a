"""`balance`: how much there is, where it sits, and what a person pays with."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated, Any

import typer

from broker.directory import UserRow
from central.commands.desk import (
    AsJson,
    Config,
    account_key,
    desk,
    money,
    show,
    unknown,
    write_json,
)
from central.presence import is_linked
from central.store import accounts, directory, nodes, wallets
from central.store.ledger import CENTRE, HOUSE_KINDS

if TYPE_CHECKING:
    from collections.abc import Sequence
    from datetime import datetime

    from central.store.books import Transaction


def balance(
    account: Annotated[
        str | None,
        typer.Argument(
            metavar="[ACCOUNT|USER]",
            help="For instance user:ana; a user name shows all that the person pays with.",
        ),
    ] = None,
    config: Config = None,
    *,
    as_json: AsJson = False,
) -> None:
    """Show where money sits: at the centre and at each edge, linked or cut off."""
    with desk(config) as at, at.books.read() as tx:
        person = None if account is None or ":" in account else _person(tx, account)
        sites = {each.id: each for each in nodes.every(tx)}
        linked = {
            each.id: is_linked(linked=each.linked, seen_at=each.seen_at, now=tx.now)
            for each in sites.values()
        }
        if person is not None:
            told = _of_person(tx, person)
        elif account is None:
            told = _rows(tx, None)
        else:
            told = _rows(tx, account_key(account))
    for row in told:
        for place in row["places"]:
            place["linked"] = place["place"] == "centre" or linked.get(place["place"], False)
            if (site := sites.get(place["place"])) is not None:
                place |= {"site": site.site, "seen_at": site.seen_at}
    if as_json:
        write_json(told)
        return
    for row in told:
        row["balance"] = "only counted: " if row["unlimited"] else ""
        row["balance"] += money(row["micros"], row["unit"])
        row["where"] = "; ".join(
            f"{money(p['micros'], row['unit'])} at {p.get('site', p['place'])}"
            + ("" if p["linked"] else f" ({_alone(p.get('seen_at'))})")
            for p in row["places"]
            if p["micros"]
        )
    columns = ["account", "balance", "where"]
    if any(row["state"] != "open" for row in told):
        columns.append("state")
    if person is not None:
        columns.append("pays")
    show(told, as_json=False, columns=columns, empty="No accounts yet.")


def _alone(seen_at: datetime | None) -> str:
    return "cut off" if seen_at is None else f"cut off since {seen_at:%d %b %H:%M}Z"


def _person(tx: Transaction, name: str) -> UserRow | None:
    row = directory.get(tx, "user", name.lower())
    return None if row is None else UserRow.model_validate(row)


def _of_person(tx: Transaction, person: UserRow) -> list[dict[str, Any]]:
    """Return a row for each account of a person, in the order of spending."""
    rows = []
    lists = wallets.lists_of(person)
    for n, each in enumerate(lists, 1):
        for m, key in enumerate(each, 1):
            turn = f"in turn {m}" if len(each) > 1 else "all of it"
            which = f"list {n} of {len(lists)}, {turn}" if len(lists) > 1 else turn
            rows += [row | {"pays": which, "list": n, "turn": m} for row in _rows(tx, key)]
    for key in person.choices:
        rows += [row | {"pays": "if chosen", "list": 0, "turn": 0} for row in _rows(tx, key)]
    return rows


def _rows(tx: Transaction, key: str | None) -> list[dict[str, Any]]:
    """Return a row for each account and unit; of one account, or of all with the house's own."""
    held = accounts.balances(tx, key)
    known: Sequence[accounts.AccountRecord]
    if key is None:
        known = accounts.every(tx)
    else:
        found = accounts.find(tx, key)
        known = [] if found is None else [found]
        if not known and key.partition(":")[0] not in HOUSE_KINDS:
            near = (each.key for each in accounts.every(tx, limit=10_000))
            raise unknown("account", key, near, "`balance` without a name lists all")
    rows: dict[tuple[str, str], dict[str, Any]] = {}
    for record in known:
        rows[record.key, record.unit] = _row(record.key, record.unit) | {
            "state": record.state,
            "unlimited": record.rules.unlimited,
        }
    for each in held:
        row = rows.setdefault((each.account, each.unit), _row(each.account, each.unit))
        row["micros"] += each.micros
        place = each.place if each.place != CENTRE else "centre"
        row["places"].append({"place": place, "micros": each.micros})
    return [rows[name] for name in sorted(rows)]


def _row(account: str, unit: str) -> dict[str, Any]:
    empty: dict[str, Any] = {"account": account, "unit": unit, "micros": 0, "places": []}
    return empty | {"state": "open", "unlimited": False}
