"""Accounts: what they have, where it sits, and every entry that touched them."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from central.rights import Right
from central.store import accounts, lists, nodes
from central.store.ledger import CENTRE
from central.web.answers import Account, AccountDetail, Amount, Entry, Place, Posting
from central.web.api.table import Call, Example, Route
from central.web.paging import Asked, KeyPage, NumberPage, Page, page_of, paged
from central.web.problems import NotFound

if TYPE_CHECKING:
    from collections.abc import Sequence

    from central.store.accounts import AccountRecord, Balance
    from central.store.books import Transaction
    from central.store.lists import ListedEntry


def every(tx: Transaction, call: Call[None, KeyPage]) -> Page[Account]:
    """List accounts by key."""
    page = call.asked
    rows = accounts.every(tx, after=page.after, limit=page.limit + 1)
    where = lists.balances(tx, [row.key for row in rows])
    return page_of(
        rows, page.limit, show=lambda row: _shown(row, where[row.key]), key=lambda row: row.key
    )


def one(tx: Transaction, call: Call[None, Asked]) -> AccountDetail:
    """Show an account: its balance, and where that sits."""
    return detail(tx, call.path["key"])


def detail(tx: Transaction, key: str) -> AccountDetail:
    """Return an account and where its money sits.

    Raises:
        NotFound: there is none.
    """
    found = known(tx, key)
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


def entries(tx: Transaction, call: Call[None, NumberPage]) -> Page[Entry]:
    """List the entries that touched an account, oldest first."""
    key, page = call.path["key"], call.asked
    known(tx, key)
    rows = lists.entries(tx, account=key, after=page.after, limit=page.limit + 1)
    return page_of(rows, page.limit, show=entry, key=lambda row: row.n)


def known(tx: Transaction, key: str) -> AccountRecord:
    """Return an account.

    Raises:
        NotFound: there is none.
    """
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


def entry(row: ListedEntry) -> Entry:
    """Return an entry as it is told."""
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


_EUROS: Final = {"micros": 3_800_000, "unit": "EUR"}
_ZERO: Final = {"micros": 0, "unit": "EUR"}
_ACCOUNT: Final = {"key": "user:ana", "enabled": True, "floor": _ZERO, "balance": _EUROS}
#: An account and where its money sits.
DETAIL: Final = {**_ACCOUNT, "places": [{"node": "north", "amount": _EUROS, "linked": True}]}
_LINES: Final = [
    {"account": "house:topup", "node": None, "amount": {"micros": -3_800_000, "unit": "EUR"}},
    {"account": "user:ana", "node": None, "amount": _EUROS},
]
ENTRY: Final = {
    "id": "019aaba6-0b12-7000-8000-000000000001",
    "kind": "topup",
    "at": "2026-11-22T08:00:00Z",
    "reference": "user:ana",
    "note": "cash",
    "author": "api:till-1",
    "postings": _LINES,
}

EVERY: Final = Route(
    method="GET",
    path="/accounts",
    right=Right.SEE_ACCOUNTS,
    do=every,
    gives=paged(Account),
    asks=KeyPage,
    example=Example({"items": [_ACCOUNT], "next": None}),
)
ENTRIES: Final = Route(
    method="GET",
    path="/accounts/{key:path}/entries",
    right=Right.SEE_ACCOUNTS,
    do=entries,
    gives=paged(Entry),
    asks=NumberPage,
    example=Example({"items": [ENTRY], "next": None}),
)
ONE: Final = Route(
    method="GET",
    path="/accounts/{key:path}",
    right=Right.SEE_ACCOUNTS,
    do=one,
    gives=AccountDetail,
    example=Example(DETAIL),
)
#: Keys may have a slash in them: the account itself stands last, or it would hide the others.
ROUTES: Final = (EVERY, ENTRIES)
LAST: Final = (ONE,)
