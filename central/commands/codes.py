"""`code` and `codes`: courier codes, each shown once, and lists of them without their digits."""

from __future__ import annotations

import time
from dataclasses import asdict
from datetime import timedelta
from typing import TYPE_CHECKING, Annotated, Final

import typer

from broker.directory import UserRow
from central.commands.desk import (
    AsJson,
    Config,
    Refusal,
    account_key,
    amount,
    author,
    console,
    desk,
    errors,
    money,
    show,
    unknown,
    user_name,
    write_json,
)
from central.presence import is_linked
from central.store import accounts, code_list, codes, directory, nodes
from central.store.codes import Issued, Waiting, Wish
from central.store.ledger import Refused

if TYPE_CHECKING:
    from uuid import UUID

    from central.commands.desk import Desk
    from central.store.books import Transaction

#: How long other sites have to give money back for a code.
PATIENCE: Final = timedelta(seconds=10)
_PAUSE: Final = 0.05


def code(
    user: Annotated[str, typer.Argument(help="Who will type it.")],
    site: Annotated[
        str, typer.Argument(help="Where: the edge's id, or what people call the site.")
    ],
    sum_: Annotated[
        str, typer.Argument(metavar="AMOUNT", help="In steps of 0.10, or whole pages.")
    ],
    config: Config = None,
    *,
    account: Annotated[
        str | None, typer.Option(help="Whose money; the person's first wallet if not given.")
    ] = None,
    as_json: AsJson = False,
) -> None:
    """Post money to a site and show a code of 20 digits that frees it there, line or no line.

    The code is shown once. Nobody but this person can use it, nowhere but at this site, and only
    until the site and the centre meet again; then the money is there without a code.
    """
    name = user_name(user)
    with desk(config) as at:
        with at.books.write() as tx:
            wish = _wish(tx, name, site, sum_, account)
            done = codes.issue(tx, wish, _linked(tx), PATIENCE)
            if isinstance(done, Refused):
                raise Refusal(done.reason)
        if isinstance(done, Waiting):
            done = _wait(at, done.id)
    if as_json:
        told = {"node": wish.node, "user": wish.user, "account": wish.account}
        write_json(
            {**told, "micros": wish.money.micros, "unit": wish.money.unit, "code": done.digits}
        )
        return
    console.print(
        f"{wish.money} of {wish.account} sit at {wish.node} now. "
        f"The code for {wish.user}, shown once:",
        highlight=False,
        markup=False,
    )
    console.print(f"  {done.digits}", highlight=False, markup=False)


def list_codes(
    config: Config = None,
    *,
    node: Annotated[str | None, typer.Option(help="Only of this edge.")] = None,
    as_json: AsJson = False,
) -> None:
    """List codes that were asked for, newest first; their digits are kept nowhere."""
    with desk(config) as at, at.books.read() as tx:
        rows = [
            {**asdict(each), "id": str(each.id), "amount": money(each.micros, each.unit)}
            for each in code_list.every(tx, node_id=node)
        ]
    show(
        rows,
        as_json=as_json,
        columns=("at", "node", "user", "account", "amount", "state", "redeemed_at", "detail"),
        empty="No codes yet; `printmesh central code USER SITE AMOUNT` makes one.",
    )


def _wish(tx: Transaction, name: str, site: str, sum_: str, account: str | None) -> Wish:
    row = directory.get(tx, "user", name)
    if row is None:
        known = (key for key, _ in directory.live(tx, "user"))
        raise unknown("user", name, known, "enter them with `printmesh central user add`")
    person = UserRow.model_validate(row)
    own = [key for wallet in person.wallets for key in wallet] or list(person.accounts)
    if not own and account is None:
        raise Refusal(f"{name} has no account; say which one pays with --account")
    key = account_key(account) if account is not None else own[0]
    if key not in (*own, *person.choices):
        yours = ", ".join((*own, *person.choices)) or "no account"
        raise Refusal(f"{name} may not pay from {key}, but from {yours}")
    found = accounts.find(tx, key)
    if found is None:
        raise unknown("account", key, (each.key for each in accounts.every(tx)), "see `balance`")
    return Wish(_node(tx, site), name, key, amount(sum_, found.unit), author())


def _node(tx: Transaction, site: str) -> str:
    """Return the edge of a site, by its id or by what people call the place."""
    edges = {each.id: each.site for each in nodes.every(tx) if each.kind == "edge"}
    if site in edges:
        return site
    there = [id_ for id_, name in edges.items() if name.lower() == site.lower()]
    if len(there) == 1:
        return there[0]
    if there:
        raise Refusal(f"several edges are at {site!r}: {', '.join(there)}; name one")
    raise unknown("site", site, edges, "`printmesh central node list` shows them")


def _linked(tx: Transaction) -> frozenset[str]:
    return frozenset(
        each.id
        for each in nodes.every(tx)
        if is_linked(linked=each.linked, seen_at=each.seen_at, now=tx.now)
    )


def _wait(at: Desk, wish: UUID) -> Issued:
    """Wait for money from other sites; the coordinator issues the code when it has come."""
    errors.print("fetching money from other sites …", style="dim")
    deadline = time.monotonic() + PATIENCE.total_seconds()
    while True:
        with at.books.read() as tx:
            done = codes.outcome(tx, wish)
        if isinstance(done, Issued):
            return done
        if isinstance(done, Refused):
            raise Refusal(done.reason)
        if time.monotonic() >= deadline:
            break
        time.sleep(_PAUSE)
    with at.books.write() as tx:
        codes.give_up(tx, wish, "nobody waited any longer")
        done = codes.outcome(tx, wish)
    if isinstance(done, Issued):
        return done
    raise Refusal(
        f"the other sites did not give the money back within {PATIENCE.total_seconds():g} s; "
        "is the coordinator running? Nothing was issued"
    )
