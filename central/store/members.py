"""Members of an account, as lists have them: who they are, found by beginnings of words."""

from __future__ import annotations

from typing import TYPE_CHECKING

from sqlalchemy import and_, exists, func, select

from central.folding import LAST, typed
from central.store import person as people
from central.store.tables import member, person, person_word

if TYPE_CHECKING:
    from sqlalchemy import ColumnElement

    from central.store.books import Transaction
    from central.store.person import Person


def page(
    tx: Transaction, key: str, text: str = "", *, after: str = "", limit: int = 50
) -> list[Person]:
    """Return people who may choose an account, by user name.

    Args:
        tx: a reading transaction.
        key: the account.
        text: beginnings of words, all of which they have; empty: everybody.
        after: the last user name of the page before.
        limit: at most so many.
    """
    query = (
        select(person)
        .join(member, member.c.user == person.c.name)
        .where(member.c.account == key, member.c.user > after, *_has(text))
        .order_by(member.c.user)
        .limit(limit)
    )
    return [people.person_of(row) for row in tx.sql.execute(query)]


def count(tx: Transaction, key: str) -> int:
    """Return how many there are."""
    query = select(func.count()).select_from(member).where(member.c.account == key)
    return int(tx.sql.execute(query).scalar_one())


def _has(text: str) -> list[ColumnElement[bool]]:
    found: list[ColumnElement[bool]] = []
    for token in typed(text):
        word = person_word.alias()
        begins = and_(word.c.word >= token, word.c.word < token + LAST)
        found.append(exists().where(word.c.user == member.c.user, begins))
    return found
