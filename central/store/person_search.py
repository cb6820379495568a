"""Finding people among very many: as one types, and in lists with filters, a page at a time.

Words that begin alike stand together in an index of plain words, which every database has: the
databases' own full-text searches differ in all but the name.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final, Literal, TypeAlias

from sqlalchemy import and_, exists, func, literal, literal_column, or_, select, tuple_

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

#: So many are looked up by name; where there are more, a list is gone along in its order.
_FEW: Final = 1000
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
    """Who tells of them: local, csv, guest, oidc or `ldap:NAME`."""
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
    driving, *others = _rarest_first(tx, tokens)
    query = (
        select(person_word.c.user)
        .where(_begins(person_word.c.word, driving))
        .where(*(_has(each, person_word.c.user) for each in others))
        .order_by(person_word.c.word, person_word.c.user)
    )
    filters = [*_filters(which), *_within(which.group, person_word.c.user)]
    if filters:
        query = query.join(person, person.c.name == person_word.c.user).where(*filters)
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
    few = _few(tx, which)
    if few is not None:
        query = select(person).where(*_filters(which), person.c.name.in_(few))
    else:
        query = select(person).where(*_filters(which, in_order=True))
        query = query.where(*_conditions(which, person.c.name))
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


def count(tx: Transaction, which: Which = ANY, *, at_most: int | None = None) -> int:
    """Return how many there are.

    Args:
        tx: a reading transaction.
        which: who counts.
        at_most: counting stops here: a page says "more than" sooner than how many exactly.
    """
    filters, few = _filters(which), _few(tx, which)
    if few is not None and not filters:
        return len(few) if at_most is None else min(len(few), at_most)
    tokens = _rarest_first(tx, typed(which.text)) if few is None else []
    if tokens:
        user = person_word.c.user
        query = select(user).distinct().where(_begins(person_word.c.word, tokens[0]))
        query = query.where(*(_has(each, user) for each in tokens[1:]), *_within(which.group, user))
        if filters:
            query = query.join(person, person.c.name == user).where(*filters)
    else:
        query = select(person.c.name).where(*filters)
        named = _within(which.group, person.c.name) if few is None else [person.c.name.in_(few)]
        query = query.where(*named)
    some = query.limit(at_most).subquery()
    return int(tx.sql.execute(select(func.count()).select_from(some)).scalar_one())


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
    # all by the index of sources; the few disabled ones by theirs, not by that of sources
    query = select(at, func.count()).group_by(at).order_by(at)
    of = at + literal_column("''")
    disabled = select(of, func.count()).where(~person.c.enabled).group_by(of)
    off = {row[0]: int(row[1]) for row in tx.sql.execute(disabled)}
    return [(name, many, many - off.get(name, 0)) for name, many in tx.sql.execute(query)]


def _few(tx: Transaction, which: Which) -> list[str] | None:
    """Return who has all the words, is in the group and of the source, if asked, and if few.

    It begins with what the fewest have, so that two common words that few have together cost what
    one of them does.
    """
    starts: list[tuple[Select[Any], ColumnElement[str], Which]] = []
    tokens = typed(which.text)
    for token in tokens:
        begin = select(person_word.c.user).where(_begins(person_word.c.word, token))
        rest = " ".join(each for each in tokens if each != token)
        starts.append((begin, person_word.c.user, Which(rest, which.group)))
    if which.group is not None:
        members = select(person_group.c.user).where(person_group.c.group == which.group)
        starts.append((members, person_group.c.user, Which(which.text)))
    if which.source is not None:
        told = select(person.c.name).where(person.c.source == which.source)
        starts.append((told, person.c.name, Which(which.text, which.group)))
    if not starts:
        return None
    begin, user, rest_of = min(starts, key=lambda start: _bounded(tx, start[0]))
    query = begin.where(*_conditions(rest_of, user)).distinct().limit(_FEW + 1)
    names = list(tx.sql.execute(query).scalars())
    return None if len(names) > _FEW else names


def _conditions(which: Which, user: ColumnElement[str]) -> list[ColumnElement[bool]]:
    """Return that a user has all the words, and is in the group."""
    return [*(_has(each, user) for each in typed(which.text)), *_within(which.group, user)]


def _within(group: str | None, user: ColumnElement[str]) -> list[ColumnElement[bool]]:
    if group is None:
        return []
    inside = person_group.alias()
    return [exists().where(inside.c.group == group, inside.c.user == user)]


def _filters(which: Which, *, in_order: bool = False) -> list[ColumnElement[bool]]:
    """Return what a person's own row says.

    Args:
        which: people.
        in_order: they are gone along in the order of the list until there are enough: a source
            that told of most of them is not to be looked up by its index, and sorted as a whole.
    """
    filters: list[ColumnElement[bool]] = []
    if which.department is not None:
        filters.append(person.c.department == which.department)
    if which.source is not None:
        told = person.c.source
        filters.append((told + literal_column("''") if in_order else told) == which.source)
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
        or_(person.c.name == given, person.c.email == given),
        *_filters(which),
        *_within(which.group, person.c.name),
    )
    found = tx.sql.execute(query.order_by(person.c.name != given, person.c.name).limit(1))
    return found.scalar_one_or_none()


def _rarest_first(tx: Transaction, tokens: Sequence[str]) -> list[str]:
    """Return words, the one that the fewest have before the others."""
    if len(tokens) < 2:  # noqa: PLR2004  nothing to choose from
        return list(tokens)

    def owners(token: str) -> int:
        return _bounded(tx, select(person_word.c.user).where(_begins(person_word.c.word, token)))

    first = min(tokens, key=owners)
    return [first, *(each for each in tokens if each != first)]


def _bounded(tx: Transaction, query: Select[Any]) -> int:
    """Return how many rows a query has; _FEW when there are more."""
    some = query.limit(_FEW).subquery()
    return int(tx.sql.execute(select(func.count()).select_from(some)).scalar_one())


def _begins(column: ColumnElement[str], token: str) -> ColumnElement[bool]:
    return and_(column >= token, column < token + LAST)


def _has(token: str, user: ColumnElement[str]) -> ColumnElement[bool]:
    word = person_word.alias()
    return exists().where(word.c.user == user, _begins(word.c.word, token))
