"""People: entered, changed, called something else, taken out; their PINs and passwords."""

from __future__ import annotations

from dataclasses import dataclass, replace
from difflib import get_close_matches
from typing import TYPE_CHECKING, Any, Final, TypeVar, cast

from broker.directory import UserRow
from central import pins
from central.acts import accounts_of_people, naming
from central.store import audit, cards, directory, person, secrets, staff, wallets
from central.store import people as rights
from central.store.ledger import Refused

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence
    from datetime import datetime

    from central.acts.accounts_of_people import Paying
    from central.acts.by import By
    from central.store.books import Transaction
    from central.store.person import Particulars
    from central.store.secrets import Which
    from central.store.wallets import Lists
    from config.policy.money import Unit

T = TypeVar("T")

#: Hashes: they are shown, kept and said nowhere but in the row.
SECRETS: Final = frozenset({"pin", "password"})
WORDS: Final[dict[Which, str]] = {"pin": "PIN", "password": "password"}
_GROUPS: Final = 200


@dataclass(frozen=True, slots=True)
class Wishes:
    """What is to be so of a person; None stays as it is."""

    display: str | None = None
    groups: Sequence[str] | None = None
    enabled: bool | None = None
    language: str | None = None
    """Two letters; empty: any."""
    accounts: Sequence[str] | None = None
    """Each covers every charge; opened where they are not there."""
    wallets: Lists | None = None
    """Instead of `accounts`: lists that cover a charge together, the first spent first."""
    choices: Sequence[str] | None = None
    """Departments and projects they may charge instead."""
    operates: Sequence[str] | None = None
    """Edges at whose sites they handle other people's jobs; `*`: all."""
    delegates: Sequence[str] | None = None
    """Who may release their jobs."""
    email: str | None = None
    department: str | None = None
    expires_at: datetime | None = None
    """Disabled from then on."""
    lasting: bool = False
    """For ever, whatever was said before."""


@dataclass(frozen=True, slots=True)
class Changed:
    """The row as it is now, and what of it is another."""

    row: UserRow
    fields: frozenset[str]


@dataclass(frozen=True, slots=True)
class Gone:
    """Somebody is out of the directory; accounts and history stay."""

    name: str
    cards: int
    """How many they had."""
    pays_from: tuple[str, ...]
    """What they paid from; it is there as it was."""


@dataclass(frozen=True, slots=True)
class _Looked:
    """Wishes that were looked at and found good."""

    row: dict[str, Any]
    """Fields of the directory row that are told outright."""
    about: dict[str, Any]
    """Fields of the particulars."""
    paying: Paying | None
    choices: tuple[str, ...] | None


# ── finding ─────────────────────────────────────────────────────────────────────────────────


def find(tx: Transaction, given: str) -> UserRow | Refused:
    """Return a person, or say who may have been meant."""
    name = naming.user_name(given)
    if isinstance(name, Refused):
        return name
    row = directory.get(tx, "user", name)
    if row is not None:
        return UserRow.model_validate(row)
    near = near_to(tx, name)
    return Refused(
        f"there is no user {name!r}" + ("" if near is None else f"; did you mean {near}?")
    )


def near_to(tx: Transaction, name: str) -> str | None:
    """Return the user name that somebody may have meant to write, if one is near."""
    return next(iter(get_close_matches(name, person.like(tx, name), n=1)), None)


# ── entering, changing ──────────────────────────────────────────────────────────────────────


def add(
    tx: Transaction, by: By, given: str, wishes: Wishes, *, currency: Unit | None = None
) -> UserRow | Refused:
    """Enter a person, with an account of their own unless the wishes say who pays.

    Args:
        tx: the transaction.
        by: who does it.
        given: the user name, as jobs carry it.
        wishes: what is to be so of them.
        currency: of accounts that are opened for it; None: the books' own.
    """
    name = naming.user_name(given)
    if isinstance(name, Refused):
        return name
    if directory.get(tx, "user", name) is not None:
        return Refused(f"there is a user {name!r} already; change them with `user set`")
    if wishes.accounts is None and wishes.wallets is None:
        wishes = replace(wishes, accounts=[f"user:{name}"])
    row = UserRow(name=name)
    looked = _look(tx, row, wishes, currency or tx.identity.currency)
    if isinstance(looked, Refused):
        return looked
    row, _ = _carry_out(tx, row, person.Particulars(), looked)
    detail: dict[str, object] = {
        "accounts": [key for each in wallets.lists_of(row) for key in each]
    }
    detail |= {key: value for key, value in looked.about.items() if value}
    audit.note(tx, author=by.author, act="user add", target=f"person:{name}", detail=detail)
    return row


def change(
    tx: Transaction, by: By, given: str, wishes: Wishes, *, currency: Unit | None = None
) -> Changed | Refused:
    """Change what is wished of a person; the rest stays.

    Args:
        tx: the transaction.
        by: who does it.
        given: the user name.
        wishes: what is to be so.
        currency: of accounts that are opened for it; None: the books' own.
    """
    before = find(tx, given)
    if isinstance(before, Refused):
        return before
    looked = _look(tx, before, wishes, currency or tx.identity.currency)
    if isinstance(looked, Refused):
        return looked
    known = person.find(tx, before.name)
    about = person.Particulars() if known is None else known.about
    until = looked.about.get("expires_at", about.expires_at)
    if wishes.enabled and until is not None and until <= tx.now:
        return Refused(f"the time of {before.name} is over; say until when they are enabled again")
    row, after = _carry_out(tx, before, about, looked)
    fields = {key for key in UserRow.model_fields if getattr(row, key) != getattr(before, key)}
    detail = row.model_dump(mode="json", include=fields, exclude=set(SECRETS))
    for key, value in looked.about.items():
        if getattr(about, key) != getattr(after, key):
            fields.add(key)
            detail[key] = value
    audit.note(tx, author=by.author, act="user set", target=f"person:{row.name}", detail=detail)
    return Changed(row, frozenset(fields))


def disable(tx: Transaction, by: By, given: str) -> Changed | Refused:
    """Deny a person everything from now on; sites hear of it before all else."""
    return change(tx, by, given, Wishes(enabled=False))


def remove(tx: Transaction, by: By, given: str) -> Gone | Refused:
    """Take a person out of the directory; accounts and history stay."""
    row = find(tx, given)
    if isinstance(row, Refused):
        return row
    held = len(cards.every(tx, row.name))
    cards.forget(tx, row.name)
    directory.remove(tx, "user", row.name)
    wallets.forget(tx, row.name)
    rights.forget_delegate(tx, row.name)
    staff.forget(tx, row.name)
    audit.note(tx, author=by.author, act="user remove", target=f"person:{row.name}")
    pays = tuple(key for each in wallets.lists_of(row) for key in each)
    return Gone(row.name, held, pays)


def rename(tx: Transaction, by: By, given: str, wanted: str) -> UserRow | Refused:
    """Call a person something else: their accounts, cards, PIN and rights are theirs as before.

    Jobs that were printed stay under the older name; accounts keep their keys.
    """
    before, name = find(tx, given), naming.user_name(wanted)
    if isinstance(before, Refused):
        return before
    if isinstance(name, Refused):
        return name
    if directory.get(tx, "user", name) is not None:
        return Refused(f"there is a user {name!r} already; two people cannot become one")
    known = person.find(tx, before.name)
    row = before.model_copy(update={"name": name})
    directory.put(tx, "user", name, row)
    if known is not None:
        person.set_all(tx, {name: known.about})
    held = {
        card.key: card.row.model_copy(update={"user": name})
        for card in cards.every(tx, before.name)
    }
    directory.put_all(tx, "card", held)
    wallets.rename_member(tx, before.name, name)
    rights.rename_delegate(tx, before.name, name)
    staff.rename(tx, before.name, name)
    directory.remove(tx, "user", before.name)
    detail = {"before": before.name}
    audit.note(tx, author=by.author, act="user rename", target=f"person:{name}", detail=detail)
    return row


# ── PINs and passwords ──────────────────────────────────────────────────────────────────────


def wrong_secret(which: Which, secret: str, name: str) -> Refused | None:
    """Say why a PIN or a password is not taken; ask before it is hashed."""
    wrong = pins.wrong_pin(secret) if which == "pin" else pins.wrong_password(secret, name)
    return None if wrong is None else Refused(wrong)


def set_secret(tx: Transaction, by: By, given: str, which: Which, phc: str) -> UserRow | Refused:
    """Give a person a PIN or a password, by what `secrets.hashed` made of it."""
    row = find(tx, given)
    if isinstance(row, Refused):
        return row
    secrets.store(tx, row, which, phc, author=by.author)
    return row.model_copy(update={which: phc})


def clear_secret(tx: Transaction, by: By, given: str, which: Which) -> UserRow | Refused:
    """Take a person's PIN or password away; sites hear of it at once."""
    row = find(tx, given)
    if isinstance(row, Refused):
        return row
    if not getattr(row, which):
        return Refused(f"{row.name} has no {WORDS[which]}")
    secrets.store(tx, row, which, "", author=by.author)
    return row.model_copy(update={which: ""})


# ── looking at wishes ───────────────────────────────────────────────────────────────────────


def _look(tx: Transaction, row: UserRow, wishes: Wishes, currency: Unit) -> _Looked | Refused:
    """Look at all wishes before anything is written."""
    if wishes.accounts is not None and wishes.wallets is not None:
        return Refused("lists of accounts say who pays, and so do accounts; give one of them")
    told = _told(tx, row.name, wishes)
    about = _about(tx, wishes)
    paying = _paying(tx, row, wishes, currency)
    chosen = _choices(tx, row, wishes)
    for each in (*told.values(), *about.values(), paying, chosen):
        if isinstance(each, Refused):
            return each
    return _Looked(told, about, _good(paying), _good(chosen))


def _told(tx: Transaction, name: str, wishes: Wishes) -> dict[str, object]:
    """Return fields of the row that are wished for, or why one cannot be so."""
    looks: dict[str, Callable[[Any], object]] = {
        "display": lambda given: naming.line(given, "name"),
        "groups": _groups,
        "enabled": bool,
        "language": naming.language,
        "operates": lambda given: rights.sites(tx, given),
        "delegates": lambda given: _delegates(tx, name, given),
    }
    wished = {field: getattr(wishes, field) for field in looks}
    return {field: looks[field](value) for field, value in wished.items() if value is not None}


def _about(tx: Transaction, wishes: Wishes) -> dict[str, object]:
    about: dict[str, object] = {}
    if wishes.email is not None:
        about["email"] = naming.email(wishes.email)
    if wishes.department is not None:
        about["department"] = naming.line(wishes.department, "department")
    if wishes.lasting:
        about["expires_at"] = None
    elif wishes.expires_at is not None:
        over = wishes.expires_at <= tx.now
        about["expires_at"] = Refused("that moment is over") if over else wishes.expires_at
    return about


def _paying(
    tx: Transaction, row: UserRow, wishes: Wishes, currency: Unit
) -> Paying | Refused | None:
    if wishes.accounts is not None:
        return accounts_of_people.each_of(tx, wishes.accounts, currency)
    if wishes.wallets is not None:
        return accounts_of_people.lists_of(tx, row.name, wishes.wallets, currency)
    return None


def _choices(tx: Transaction, row: UserRow, wishes: Wishes) -> tuple[str, ...] | Refused | None:
    if wishes.choices is None:
        return None
    keys: list[str] = []
    for given in wishes.choices:
        key = naming.account_key(given)
        if isinstance(key, Refused):
            return key
        keys.append(key)
    return wallets.may_choose(tx, row, keys) or tuple(keys)


def _groups(given: Sequence[str]) -> tuple[str, ...] | Refused:
    found: dict[str, None] = {}
    for each in given:
        name = naming.group(each)
        if isinstance(name, Refused):
            return name
        found[name] = None
    if len(found) > _GROUPS:
        return Refused(f"one person is in at most {_GROUPS} groups")
    return tuple(found)


def _delegates(tx: Transaction, user: str, given: Sequence[str]) -> tuple[str, ...] | Refused:
    names: list[str] = []
    for each in given:
        name = naming.user_name(each)
        if isinstance(name, Refused):
            return name
        names.append(name)
    return rights.delegates(tx, user, names)


def _good(outcome: T | Refused) -> T:
    return cast("T", outcome)


def _carry_out(
    tx: Transaction, before: UserRow, about: Particulars, looked: _Looked
) -> tuple[UserRow, Particulars]:
    row = before.model_copy(update=looked.row)
    if looked.paying is not None:
        row = accounts_of_people.carried_out(tx, row, looked.paying)
    if looked.choices is not None:
        chosen = wallets.choose(tx, row, looked.choices)
        if not isinstance(chosen, Refused):  # it was looked at
            row = chosen
    directory.put(tx, "user", row.name, row)
    after = replace(about, **looked.about)
    if row.enabled:
        after = replace(after, ended="")
    if after != about:
        person.set_all(tx, {row.name: after})
    return row, after
