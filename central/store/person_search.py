"""Finding people among very many: as one types, and in lists with filters, a page at a time.

Words that begin alike stand together in an index of plain words, which every database has: the
databases' own full-text searches differ in all but the name.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final, Literal, TypeAlias

from sqlalchemy import and_, exists, func, literal, or_, select, tuple_

from central.folding import LAST, folded, typed
from central.store import person as people
from central.store.tables import person, person_group, person_word

if TYPE_CHECKING:
    from collections.abc import Sequence

    from sqlalchemy import ColumnElement, Select

    from central.store.books import Transaction
    from central.store.person import Person

Order: TypeAlias = Literal["read", "name"]
#: Where a page of a list ends: the last person's `folded` and `name`.
Cursor: TypeAlias = tuple[str, str]

#: Words with fewer owners than this are where a search begins; more are not counted.
_FEW: Final = 2000
#: A person may stand under several words that begin alike: `ana`, `ana.silva`, `anasilva`.
_ALIKE: Final = 4


@dataclass(frozen=True, slots=True)
class Which:
    """Which people; what is not given is any."""

    text: str = ""
    """Beginnings of words, all of which they have."""
    group: str | None = None
    department: str | None = None
    source: str | None = None
    """Who tells of them: local, csv, guest or `ldap:NAME`."""
    enabled: bool | None = None


ANY: Final = Which()


def suggest(tx: Transaction, text: str, *, limit: int = 10, which: Which = ANY) -> list[Person]:
    """Return whom somebody means who is still typing, the likeliest first.

    First the one whose user name it is, then those who have just that word, then those who have a
    word that begins so, by the word.
    """
    tokens = typed(text)
    if not tokens:
        return []
    names: dict[str, None] = {}
    if (exact := _exact(tx, text, which)) is not None:
        names[exact] = None
    driving, others = _rarest(tx, tokens)
    word = person_word.alias("driving")
    query = (
        select(word.c.user)
        .where(_begins(word.c.word, driving), *(_has(each, word.c.user) for each in others))
        .order_by(word.c.word, word.c.user)
    )
    filters = _filters(which)
    if filters:
        query = query.join(person, person.c.name == word.c.user).where(*filters)
    for name in tx.sql.execute(query.limit(limit * _ALIKE)).scalars():
        names[name] = None
    wanted = list(names)[:limit]
    found = people.some(tx, wanted)
    return [found[name] for name in wanted if name in found]


def page(
    tx: Transaction,
    which: Which = ANY,
    *,
    order: Order = "read",
    after: Cursor | None = None,
    limit: int = 50,
) -> list[Person]:
    """Return people in the order of what people read, or of their user names."""
    query = _matching(tx, select(person), which)
    if order == "read":
        at: tuple[Any, ...] = (person.c.folded, person.c.name)
        if after is not None:
            query = query.where(tuple_(*at) > tuple_(literal(after[0]), literal(after[1])))
    else:
        at = (person.c.name,)
        if after is not None:
            query = query.where(person.c.name > after[1])
    rows = tx.sql.execute(query.order_by(*at).limit(limit))
    return [people.person_of(row) for row in rows]


def cursor_of(last: Person) -> Cursor:
    """Return where a page ends that has this person last."""
    return last.folded, last.name


def count(tx: Transaction, which: Which = ANY) -> int:
    """Return how many there are."""
    tokens, filters = typed(which.text), _filters(which)
    if len(tokens) == 1 and not filters:
        owners = select(func.count(person_word.c.user.distinct())).where(
            _begins(person_word.c.word, tokens[0])
        )
        return int(tx.sql.execute(owners).scalar_one())
    query = _matching(tx, select(func.count()).select_from(person), which)
    return int(tx.sql.execute(query).scalar_one())


def groups(tx: Transaction) -> list[tuple[str, int]]:
    """Return every group and how many people are in it, by name."""
    at = person_group.c.group
    query = select(at, func.count()).group_by(at).order_by(at)
    return [(name, many) for name, many in tx.sql.execute(query)]


def departments(tx: Transaction) -> list[tuple[str, int]]:
    """Return every department and how many people are of it, by name."""
    at = person.c.department
    query = select(at, func.count()).where(at != "").group_by(at).order_by(at)
    return [(name, many) for name, many in tx.sql.execute(query)]


def sources(tx: Transaction) -> list[tuple[str, int, int]]:
    """Return each source, how many people it told of, and how many of these are enabled."""
    at = person.c.source
    on = func.count().filter(person.c.enabled)
    query = select(at, func.count(), on).group_by(at).order_by(at)
    return [(name, many, enabled) for name, many, enabled in tx.sql.execute(query)]


def _matching(tx: Transaction, query: Select[Any], which: Which) -> Select[Any]:
    query = query.where(*_filters(which))
    tokens = typed(which.text)
    if not tokens:
        return query
    driving, others = _rarest(tx, tokens)
    if _owners(tx, driving) < _FEW:
        # few: looked up one by one
        few = select(person_word.c.user).where(_begins(person_word.c.word, driving))
        query = query.where(person.c.name.in_(few))
    else:
        # many: the list is gone along in its order, and each looked at
        query = query.where(_has(driving, person.c.name))
    return query.where(*(_has(each, person.c.name) for each in others))


def _filters(which: Which) -> list[ColumnElement[bool]]:
    filters: list[ColumnElement[bool]] = []
    if which.group is not None:
        filters.append(
            exists().where(
                person_group.c.group == which.group, person_group.c.user == person.c.name
            )
        )
    for column, value in (
        (person.c.department, which.department),
        (person.c.source, which.source),
    ):
        if value is not None:
            filters.append(column == value)
    if which.enabled is not None:
        filters.append(person.c.enabled if which.enabled else ~person.c.enabled)
    return filters


def _exact(tx: Transaction, text: str, which: Which) -> str | None:
    """Return whose user name, or address, was typed to its end."""
    given = text.strip().lower()
    # `folded` leaves out what no database takes: octets of no text
    if not folded(given) or "\0" in given:
        return None
    query = select(person.c.name).where(
        or_(person.c.name == given, person.c.email == given), *_filters(which)
    )
    found = tx.sql.execute(query.order_by(person.c.name != given, person.c.name).limit(1))
    return found.scalar_one_or_none()


def _rarest(tx: Transaction, tokens: Sequence[str]) -> tuple[str, tuple[str, ...]]:
    """Return the word with the fewest owners, to begin with, and the others."""
    if len(tokens) == 1:
        return tokens[0], ()
    driving = min(tokens, key=lambda token: _owners(tx, token))
    return driving, tuple(each for each in tokens if each != driving)


def _owners(tx: Transaction, token: str) -> int:
    """Return how many stand under words that begin so; _FEW when there are more."""
    some = select(person_word.c.user).where(_begins(person_word.c.word, token)).limit(_FEW)
    return int(tx.sql.execute(select(func.count()).select_from(some.subquery())).scalar_one())


def _begins(column: ColumnElement[str], token: str) -> ColumnElement[bool]:
    return and_(column >= token, column < token + LAST)


def _has(token: str, user: ColumnElement[str]) -> ColumnElement[bool]:
    word = person_word.alias()
    return exists().where(word.c.user == user, _begins(word.c.word, token))
