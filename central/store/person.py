"""People at the centre: what the sites need not know of them, kept in step with the directory.

`told` is called by the directory wherever a user row is put, so that nothing else has to think of
it; `central.store.person_search` finds them.
"""

from __future__ import annotations

import json
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final, Literal, TypeAlias, cast

from sqlalchemy import bindparam, delete, func, select, update

from central.folding import folded, words
from central.store import belonging
from central.store.bulk import fetch, insert_all, run_all
from central.store.tables import instant, person, person_group, person_word

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping, Sequence
    from datetime import datetime

    from pydantic import BaseModel
    from sqlalchemy import BindParameter, Row, Select

    from broker.directory import UserRow
    from central.store.books import Transaction

LOCAL: Final = "local"
CSV: Final = "csv"
GUEST: Final = "guest"
#: Entered when they came by a provider of OpenID Connect.
OIDC: Final = "oidc"
#: Followed by the name of a directory service of the settings.
LDAP: Final = "ldap:"

#: `left`: their source has them no more; `expired`: their time was over.
Ended: TypeAlias = Literal["", "left", "expired"]

#: People that one statement looks up.
_AT_ONCE: Final = 500


@dataclass(frozen=True, slots=True)
class Particulars:
    """What is known of a person here only."""

    email: str = ""
    department: str = ""
    """What reports add up, as people read it."""
    source: str = LOCAL
    """Who tells of this person: local, csv, guest, oidc or `ldap:NAME`."""
    source_id: str = ""
    """What the source calls them for ever, whatever their name becomes."""
    told_groups: tuple[str, ...] = ()
    """Which of the groups the source tells."""
    sponsor: str = ""
    """Guests: who vouches for them."""
    expires_at: datetime | None = None
    """Disabled from then on."""
    ended: Ended = ""
    """Why they were disabled, if nobody did it by hand."""


@dataclass(frozen=True, slots=True)
class Person:
    """A person as lists show them."""

    name: str
    """User name, lower case."""
    display: str
    """What people read; may be empty."""
    groups: tuple[str, ...]
    enabled: bool
    about: Particulars
    entered_at: datetime | None
    """None: before this was kept."""
    last_seen: datetime | None
    """When they last signed in at the centre."""
    folded: str
    """By which lists are ordered."""

    @property
    def read(self) -> str:
        """What people read of them, in any case."""
        return self.display or self.name


# ── in step with the directory ──────────────────────────────────────────────────────────────


def told(tx: Transaction, rows: Mapping[str, BaseModel | None]) -> list[str]:
    """Follow what was put into the directory: user rows by name, None for tombstones.

    Returns who is in other groups than before, or is there no more.
    """
    names, moved = list(rows), []
    for at in range(0, len(names), _AT_ONCE):
        some = names[at : at + _AT_ONCE]
        moved += _follow(tx, {name: cast("UserRow | None", rows[name]) for name in some})
    return moved


@dataclass(frozen=True, slots=True)
class _Was:
    display: str
    groups: str
    enabled: bool
    email: str
    ended: str

    def is_said_by(self, row: UserRow, groups: str) -> bool:
        """Say whether a row says the same."""
        return (self.display, self.groups, self.enabled) == (row.display, groups, row.enabled)


def _follow(tx: Transaction, rows: Mapping[str, UserRow | None]) -> list[str]:
    before = {
        name: _Was(display, groups, bool(enabled), email, ended)
        for name, display, groups, enabled, email, ended in fetch(tx, _before, list(rows))
    }
    fresh, changed, said, joined = [], [], {}, {}
    for name, row in rows.items():
        if row is None:
            continue
        was = before.get(name)
        groups = json.dumps(row.groups, ensure_ascii=False)
        if was is not None and was.is_said_by(row, groups):
            continue
        values = {
            "display": row.display,
            "groups": groups,
            "enabled": row.enabled,
            "folded": folded(row.display) or folded(name),
        }
        if was is None:
            fresh.append(_fresh(tx, name, values))
        else:
            # enabled again, by whomever: nothing is left of why they were not
            values["ended"] = "" if row.enabled else was.ended
            changed.append({"name_": name, **{f"{key}_": value for key, value in values.items()}})
        if was is None or was.display != row.display:
            said[name] = words(name, row.display, email="" if was is None else was.email)
        if was is None or was.groups != groups:
            joined[name] = tuple(dict.fromkeys(row.groups))
    gone = [name for name, row in rows.items() if row is None and name in before]
    _forget(tx, gone)
    insert_all(tx, person, fresh)
    run_all(tx, _CHANGED, changed)
    _say(tx, said, known=before)
    run_all(tx, _NO_GROUPS, [{"user_": name} for name in joined if name in before])
    pairs = [{"group": group, "user": name} for name, some in joined.items() for group in some]
    insert_all(tx, person_group, pairs)
    return [*gone, *joined]


def _fresh(tx: Transaction, name: str, values: Mapping[str, object]) -> dict[str, Any]:
    return {
        "name": name,
        **values,
        "email": "",
        "department": "",
        "source": LOCAL,
        "source_id": "",
        "told_groups": "[]",
        "sponsor": "",
        "expires_at": None,
        "ended": "",
        "entered_at": instant(tx.now),
        "last_seen": None,
    }


def _say(tx: Transaction, said: Mapping[str, Sequence[str]], *, known: Iterable[str]) -> None:
    known = set(known)
    run_all(tx, _NO_WORDS, [{"user_": name} for name in said if name in known])
    pairs = [{"word": word, "user": name} for name, some in said.items() for word in some]
    insert_all(tx, person_word, pairs)


def _forget(tx: Transaction, names: Sequence[str]) -> None:
    gone = [{"user_": name} for name in names]
    for statement in (_NO_WORDS, _NO_GROUPS, _NOBODY):
        run_all(tx, statement, gone)


# ── finding ─────────────────────────────────────────────────────────────────────────────────


def find(tx: Transaction, name: str) -> Person | None:
    """Return a person, or None."""
    row = tx.sql.execute(select(person).where(person.c.name == name)).one_or_none()
    return None if row is None else person_of(row)


def some(tx: Transaction, names: Sequence[str]) -> dict[str, Person]:
    """Return people by name; who is not there is left out."""
    found: dict[str, Person] = {}
    for at in range(0, len(names), _AT_ONCE):
        query = select(person).where(person.c.name.in_(names[at : at + _AT_ONCE]))
        found.update((row.name, person_of(row)) for row in tx.sql.execute(query))
    return found


def every(tx: Transaction, *, after: str = "", limit: int | None = None) -> Iterator[Person]:
    """Yield people by name."""
    query = select(person).where(person.c.name > after).order_by(person.c.name).limit(limit)
    for row in tx.sql.execute(query):
        yield person_of(row)


def by_email(tx: Transaction, email: str) -> list[Person]:
    """Return who has an address, in any case; two people may share one."""
    query = select(person).where(person.c.email == email.strip().lower()).order_by(person.c.name)
    return [person_of(row) for row in tx.sql.execute(query)]


def like(tx: Transaction, given: str, *, limit: int = 2000) -> list[str]:
    """Return names among which the one may be that somebody meant to write."""
    begins = select(person.c.name).where(person.c.name >= given[:1]).order_by(person.c.name)
    return list(tx.sql.execute(begins.limit(limit)).scalars())


def next_expiry(tx: Transaction) -> datetime | None:
    """Return when the time of somebody who is enabled is over; None: never."""
    soonest: datetime | None = tx.sql.execute(_SOONEST).scalar_one()
    return soonest


def over(tx: Transaction, *, limit: int) -> list[str]:
    """Return some of those who are enabled and whose time is over."""
    query = (
        select(person.c.name)
        .where(person.c.expires_at <= tx.now, person.c.enabled)
        .order_by(person.c.expires_at, person.c.name)
        .limit(limit)
    )
    return list(tx.sql.execute(query).scalars())


def person_of(row: Row[Any]) -> Person:
    """Return the person that a row of the table is."""
    about = Particulars(
        row.email,
        row.department,
        row.source,
        row.source_id,
        tuple(json.loads(row.told_groups)),
        row.sponsor,
        row.expires_at,
        row.ended,
    )
    return Person(
        row.name,
        row.display,
        tuple(json.loads(row.groups)),
        row.enabled,
        about,
        row.entered_at,
        row.last_seen,
        row.folded,
    )


# ── changing ────────────────────────────────────────────────────────────────────────────────


def set_all(tx: Transaction, rows: Mapping[str, Particulars]) -> None:
    """Write the particulars of people whom the directory has already."""
    before = {name: (display, email) for name, display, _, _, email, _ in _known(tx, rows)}
    values = [
        {
            "name_": name,
            "email_": about.email.strip().lower(),
            "department_": about.department,
            "source_": about.source,
            "source_id_": about.source_id,
            "told_groups_": json.dumps(about.told_groups, ensure_ascii=False),
            "sponsor_": about.sponsor,
            "expires_at_": None if about.expires_at is None else instant(about.expires_at),
            "ended_": about.ended,
        }
        for name, about in rows.items()
        if name in before
    ]
    run_all(tx, _PARTICULARS, values)
    departments = {name: about.department for name, about in rows.items() if name in before}
    belonging.departments_are(tx, departments)
    said = {
        name: words(name, before[name][0], email=about.email)
        for name, about in rows.items()
        if name in before and before[name][1] != about.email.strip().lower()
    }
    _say(tx, said, known=before)


def seen(tx: Transaction, name: str) -> None:
    """Note that somebody signed in just now."""
    tx.sql.execute(update(person).where(person.c.name == name).values(last_seen=tx.now))


def _before(keys: Sequence[BindParameter[str]]) -> Select[Any]:
    at = person.c
    known = select(at.name, at.display, at.groups, at.enabled, at.email, at.ended)
    return known.where(at.name.in_(keys))


def _known(tx: Transaction, names: Iterable[str]) -> Iterator[tuple[Any, ...]]:
    wanted = list(names)
    for at in range(0, len(wanted), _AT_ONCE):
        yield from fetch(tx, _before, wanted[at : at + _AT_ONCE])


_CHANGED: Final = (
    update(person)
    .where(person.c.name == bindparam("name_"))
    .values(
        {key: bindparam(f"{key}_") for key in ("display", "groups", "enabled", "folded", "ended")}
    )
)
_PARTICULARS: Final = (
    update(person)
    .where(person.c.name == bindparam("name_"))
    .values(
        {
            key: bindparam(f"{key}_")
            for key in (
                "email",
                "department",
                "source",
                "source_id",
                "told_groups",
                "sponsor",
                "expires_at",
                "ended",
            )
        }
    )
)
_NO_WORDS: Final = delete(person_word).where(person_word.c.user == bindparam("user_"))
_NO_GROUPS: Final = delete(person_group).where(person_group.c.user == bindparam("user_"))
_NOBODY: Final = delete(person).where(person.c.name == bindparam("user_"))
_SOONEST: Final = select(func.min(person.c.expires_at)).where(
    person.c.expires_at.is_not(None), person.c.enabled
)
