"""Who belonged to which groups and which department, and since when: figures look back at it."""

from __future__ import annotations

import hashlib
import json
from typing import TYPE_CHECKING, Any, Final, TypeAlias

from sqlalchemy import func, select

from central.figures.folding import NO_COHORT
from central.store.bulk import fetch, insert_rows
from central.store.tables import belonging, cohort, cohort_group, instant

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

    from sqlalchemy import BindParameter, Select

    from central.store.books import Transaction

#: Groups, sorted, and the department.
Belongs: TypeAlias = "tuple[tuple[str, ...], str]"
NOWHERE: Final[Belongs] = ((), "")
#: People looked up at once: each is a parameter.
_SLICE: Final = 512


def groups_are(tx: Transaction, groups: Mapping[str, Sequence[str]]) -> None:
    """Note the groups of some people (none: gone) from now on; departments stay."""
    for users in _slices(list(groups)):
        before = now_of(tx, users)
        _note(tx, {u: (_set(groups[u]), before[u][1]) for u in users}, before)


def departments_are(tx: Transaction, departments: Mapping[str, str]) -> None:
    """Note the departments of some people from now on; groups stay."""
    for users in _slices(list(departments)):
        before = now_of(tx, users)
        _note(tx, {u: (before[u][0], departments[u]) for u in users}, before)


def now_of(tx: Transaction, users: Sequence[str]) -> dict[str, Belongs]:
    """Return what some people, not too many, belong to at present."""
    found = dict.fromkeys(users, NOWHERE)
    for user, _, groups, department in fetch(tx, _newest, users):
        found[user] = (tuple(json.loads(groups)), department)
    return found


class Past:
    """What some people belonged to at any moment."""

    def __init__(self, tx: Transaction, users: Sequence[str]) -> None:
        self._since: dict[str, list[tuple[int, int]]] = {}
        for user, since, id_ in fetch(tx, _all_of, users):
            self._since.setdefault(user, []).append((since, id_))

    def cohort(self, user: str, at: int) -> int:
        """Return somebody's cohort at a moment, as stored; before the first known one: that."""
        known = self._since.get(user)
        if known is None:
            return NO_COHORT
        found = known[0][1]
        for since, id_ in known:
            if since > at:
                break
            found = id_
        return found


def _note(tx: Transaction, after: Mapping[str, Belongs], before: Mapping[str, Belongs]) -> None:
    changed = {user: each for user, each in after.items() if each != before[user]}
    if not changed:
        return
    ids = _ids(tx, set(changed.values()))
    last = {user: since for user, since, *_ in fetch(tx, _newest, list(changed))}
    now = instant(tx.now)
    # two changes in one moment, or a clock that went back: they still have an order
    rows = [(user, max(now, last.get(user, -1) + 1), ids[each]) for user, each in changed.items()]
    insert_rows(tx, belonging, ("user", "since", "cohort"), rows)


def _ids(tx: Transaction, wanted: set[Belongs]) -> dict[Belongs, int]:
    """Return the numbers of cohorts, made where they are new."""
    digests = {_digest(each): each for each in wanted}
    found = {digests[d]: id_ for d, id_ in fetch(tx, _by_digest, sorted(digests))}
    fresh = sorted(wanted - set(found))
    if fresh:
        last = tx.sql.execute(select(func.max(cohort.c.id))).scalar() or NO_COHORT
        found |= {each: n for n, each in enumerate(fresh, last + 1)}
        rows = [(found[e], _digest(e), json.dumps(e[0], ensure_ascii=False), e[1]) for e in fresh]
        insert_rows(tx, cohort, ("id", "digest", "groups", "department"), rows)
        members = [(group, found[each]) for each in fresh for group in each[0]]
        insert_rows(tx, cohort_group, ("group", "cohort"), members)
    return found


def _digest(belongs: Belongs) -> str:
    return hashlib.sha256(json.dumps(belongs, ensure_ascii=False).encode()).hexdigest()


def _slices(users: list[str]) -> Iterator[list[str]]:
    for first in range(0, len(users), _SLICE):
        yield users[first : first + _SLICE]


def _set(groups: Sequence[str]) -> tuple[str, ...]:
    return tuple(sorted(set(groups)))


def _newest(keys: Sequence[BindParameter[str]]) -> Select[Any]:
    last = (
        select(belonging.c.user, func.max(belonging.c.since).label("since"))
        .where(belonging.c.user.in_(keys))
        .group_by(belonging.c.user)
        .subquery()
    )
    return (
        select(belonging.c.user, belonging.c.since, cohort.c.groups, cohort.c.department)
        .join(last, (last.c.user == belonging.c.user) & (last.c.since == belonging.c.since))
        .join(cohort, cohort.c.id == belonging.c.cohort)
    )


def _all_of(keys: Sequence[BindParameter[str]]) -> Select[Any]:
    at = belonging.c
    return select(at.user, at.since, at.cohort).where(at.user.in_(keys)).order_by(at.user, at.since)


def _by_digest(keys: Sequence[BindParameter[str]]) -> Select[Any]:
    return select(cohort.c.digest, cohort.c.id).where(cohort.c.digest.in_(keys))
