"""Accounts: what they have, where it sits, and every entry that touched them."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated

from fastapi import APIRouter, Path, Query

from central.store import accounts, lists, nodes
from central.store.ledger import CENTRE
from central.web.answers import Account, AccountDetail, Amount, Entry, Place, Posting
from central.web.paging import TEXT, KeyPage, NumberPage, Page, page_of
from central.web.problems import NOT_FOUND, NotFound
from central.web.reading import Read  # noqa: TC001  FastAPI reads it at run time

if TYPE_CHECKING:
    from collections.abc import Sequence

    from central.store.accounts import AccountRecord, Balance
    from central.store.books import Transaction
    from central.store.lists import ListedEntry

routes = APIRouter(prefix="/accounts", tags=["accounts"])

Key = Annotated[
    str, Path(min_length=1, max_length=130, pattern=TEXT, description="`kind:name`: `user:ana`.")
]


@routes.get("")
async def list_accounts(page: Annotated[KeyPage, Query()], read: Read) -> Page[Account]:
    """List accounts by key."""
    return await read.ask(lambda tx: _accounts(tx, page))


# before the account itself: keys may have a slash in them, so the longer path must win
@routes.get("/{key:path}/entries", responses=NOT_FOUND)
async def list_entries(key: Key, page: Annotated[NumberPage, Query()], read: Read) -> Page[Entry]:
    """List the entries that touched an account, oldest first."""
    return await read.ask(lambda tx: _entries(tx, key, page))


@routes.get("/{key:path}", responses=NOT_FOUND)
async def show_account(key: Key, read: Read) -> AccountDetail:
    """Show an account: its balance, and where that sits."""
    return await read.ask(lambda tx: _account(tx, key))


def _accounts(tx: Transaction, page: KeyPage) -> Page[Account]:
    rows = accounts.every(tx, after=page.after, limit=page.limit + 1)
    where = lists.balances(tx, [row.key for row in rows])
    return page_of(
        rows, page.limit, show=lambda row: _shown(row, where[row.key]), key=lambda row: row.key
    )


def _account(tx: Transaction, key: str) -> AccountDetail:
    found = _find(tx, key)
    where = accounts.balances(tx, key)
    linked = {node.id: node.linked for node in nodes.every(tx)}
    places = tuple(
        Place(
            node=each.place or None,
            amount=Amount(micros=each.micros, unit=each.unit),
            linked=None if each.place == CENTRE else linked.get(each.place, False),
        )
        for each in where
        if each.micros
    )
    return AccountDetail(**dict(_shown(found, where)), places=places)


def _entries(tx: Transaction, key: str, page: NumberPage) -> Page[Entry]:
    _find(tx, key)
    rows = lists.entries(tx, account=key, after=page.after, limit=page.limit + 1)
    return page_of(rows, page.limit, show=_entry, key=lambda row: row.n)


def _find(tx: Transaction, key: str) -> AccountRecord:
    found = accounts.find(tx, key)
    if found is None:
        raise NotFound(f"There is no account {key!r}; /api/v1/accounts lists those there are.")
    return found


def _shown(row: AccountRecord, where: Sequence[Balance]) -> Account:
    return Account(
        key=row.key,
        enabled=row.enabled,
        floor=Amount(micros=row.floor, unit=row.unit),
        balance=Amount(micros=sum(each.micros for each in where), unit=row.unit),
    )


def _entry(row: ListedEntry) -> Entry:
    return Entry(
        id=row.id,
        kind=row.kind,
        at=row.at,
        reference=row.reference,
        note=row.note,
        author=row.author,
        postings=tuple(
            Posting(
                account=line.account,
                node=line.place or None,
                amount=Amount(micros=line.micros, unit=line.unit),
            )
            for line in row.postings
        ),
    )
