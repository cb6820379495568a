"""Whose cards are which, by person; the directory has them by card. It keeps this in step."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final, cast

from sqlalchemy import bindparam, delete, select, update

from central.store.bulk import fetch, insert_all, run_all
from central.store.tables import card_holder, directory_row

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from pydantic import BaseModel
    from sqlalchemy import BindParameter, Select

    from broker.directory import CardRow
    from central.store.books import Transaction

_AT_ONCE: Final = 500


@dataclass(frozen=True, slots=True)
class Holder:
    """Who has a card."""

    user: str
    source: str
    """Who told of it: as of people; empty: somebody here, or a terminal."""


def told(tx: Transaction, rows: Mapping[str, BaseModel | None]) -> None:
    """Follow what was put into the directory: card rows by key, None for tombstones."""
    keys = list(rows)
    for at in range(0, len(keys), _AT_ONCE):
        _follow(tx, {key: cast("CardRow | None", rows[key]) for key in keys[at : at + _AT_ONCE]})


def of(tx: Transaction, users: Sequence[str]) -> dict[str, list[str]]:
    """Return the keys of people's cards; a key for each of them."""
    found: dict[str, list[str]] = {user: [] for user in users}
    for at in range(0, len(users), _AT_ONCE):
        query = select(card_holder.c.user, card_holder.c.card).where(
            card_holder.c.user.in_(users[at : at + _AT_ONCE])
        )
        for user, card in tx.sql.execute(query.order_by(card_holder.c.user, card_holder.c.card)):
            found[user].append(card)
    return found


def every(tx: Transaction) -> dict[str, Holder]:
    """Return who has each card, by its key."""
    return {row.card: Holder(row.user, row.source) for row in tx.sql.execute(select(card_holder))}


def blocked(tx: Transaction) -> frozenset[str]:
    """Return the keys of blocked cards."""
    query = select(directory_row.c.key).where(
        directory_row.c.kind == "card", directory_row.c.row.contains('"blocked":true')
    )
    return frozenset(tx.sql.execute(query).scalars())


def from_source(tx: Transaction, cards: Sequence[str], source: str) -> None:
    """Note who told of cards that the directory has."""
    run_all(tx, _SOURCE, [{"card_": card, "source_": source} for card in cards])


def _follow(tx: Transaction, rows: Mapping[str, CardRow | None]) -> None:
    before = dict(fetch(tx, _before, list(rows)))
    gone = [{"card_": key} for key, row in rows.items() if row is None and key in before]
    run_all(tx, _GONE, gone)
    fresh = [
        {"card": key, "user": row.user, "source": ""}
        for key, row in rows.items()
        if row is not None and key not in before
    ]
    insert_all(tx, card_holder, fresh)
    moved = [
        {"card_": key, "user_": row.user}
        for key, row in rows.items()
        if row is not None and before.get(key, row.user) != row.user
    ]
    run_all(tx, _MOVED, moved)


def _before(keys: Sequence[BindParameter[str]]) -> Select[Any]:
    return select(card_holder.c.card, card_holder.c.user).where(card_holder.c.card.in_(keys))


_GONE: Final = delete(card_holder).where(card_holder.c.card == bindparam("card_"))
_MOVED: Final = (
    update(card_holder)
    .where(card_holder.c.card == bindparam("card_"))
    .values(user=bindparam("user_"))
)
_SOURCE: Final = (
    update(card_holder)
    .where(card_holder.c.card == bindparam("card_"))
    .values(source=bindparam("source_"))
)
