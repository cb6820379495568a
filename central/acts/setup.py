"""Setting a centre up: its organisation, its first administrator, its first site."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from broker.directory import UserRow
from central.acts.staff import shown
from central.rights import EVERYWHERE, Grant, Role
from central.store import accounts, audit, directory, nodes, organisation, staff
from central.store.ledger import Refused
from config.ids import NODE_ID_PATTERN

if TYPE_CHECKING:
    from central.acts.by import By
    from central.store.books import Transaction

_NAME: Final = 120
#: As `central.commands.desk` has it: what CUPS compares.
_USER: Final = re.compile(r"[^\s@:/]{1,110}")


@dataclass(frozen=True, slots=True)
class Wanted:
    """What somebody wants the centre to be; empty: leave it as it is, or out."""

    organisation: str = ""
    """What people call it."""
    user: str = ""
    """User name of the first administrator."""
    display: str = ""
    """What people call them."""
    password: str = ""
    """Its hash (`central.store.secrets.hashed`), made beside the transaction."""
    site: str = ""
    """What people call the first site."""
    node: str = ""
    """Id of its edge."""
    code: str = ""
    """The edge's enrolment code, minted by who asks: it is shown once."""
    currency: str = ""
    """In which accounts are kept; the settings have it, so this opens the first account."""


@dataclass(frozen=True, slots=True)
class SetUp:
    """What was done, in the order of the questions; what was there already is not done again."""

    organisation: bool
    administrator: bool
    site: bool


def needed(tx: Transaction) -> bool:
    """Say whether nobody can look after this centre yet."""
    return not staff.anybody(tx)


def set_up(tx: Transaction, by: By, wanted: Wanted) -> SetUp | Refused:
    """Make the organisation, its first administrator and its first site, as far as they lack."""
    refused = wrong(wanted)
    if refused is not None:
        return refused
    named = bool(wanted.organisation) and wanted.organisation != organisation.name(tx)
    if named:
        organisation.set_name(tx, wanted.organisation)
    first = bool(wanted.user) and needed(tx)
    if first and (refused := _administrator(tx, by, wanted)) is not None:
        return refused
    fresh = bool(wanted.node) and nodes.find(tx, wanted.node) is None
    if fresh:
        nodes.add(
            tx,
            wanted.node,
            site=wanted.site or wanted.node,
            role="remote",
            kind="edge",
            code=wanted.code or None,
        )
        audit.note(
            tx,
            author=by.author,
            from_=by.from_,
            act="node add",
            target=wanted.node,
            detail={"kind": "edge"},
        )
    organisation.spend_code(tx)
    done = SetUp(named, first, fresh)
    if named or first or fresh:
        detail = {"organisation": wanted.organisation, "user": wanted.user, "node": wanted.node}
        audit.note(
            tx, author=by.author, from_=by.from_, act="setup", target="centre", detail=detail
        )
    return done


def wrong(wanted: Wanted) -> Refused | None:
    """Say what of the wishes cannot be, whatever the books have."""
    if len(wanted.organisation) > _NAME or not wanted.organisation.isprintable():
        return Refused(f"an organisation's name is one line of at most {_NAME} characters")
    if wanted.user and not (_USER.fullmatch(wanted.user) and wanted.user.isprintable()):
        return Refused("a user name is 1 to 110 characters without spaces, @, : and /")
    if wanted.node and (not re.match(NODE_ID_PATTERN, wanted.node) or wanted.node.endswith("\n")):
        return Refused("an id is 1 to 32 of a-z, 0-9 and -, like edge-north")
    return None


def node_id_of(site: str) -> str:
    """Propose an edge's id for a site's name."""
    plain = "".join(each if each.isascii() and each.isalnum() else "-" for each in site.lower())
    return "-".join(part for part in plain.split("-") if part)[:32].strip("-")


def _administrator(tx: Transaction, by: By, wanted: Wanted) -> Refused | None:
    name = wanted.user.lower()
    row = directory.get(tx, "user", name)
    if row is None:
        key = f"user:{name}"
        if wanted.currency and accounts.find(tx, key) is None:
            accounts.put(tx, key, wanted.currency, floor=0, enabled=True)
        person = UserRow(
            name=name,
            display=wanted.display,
            accounts=(key,) if wanted.currency else (),
            password=wanted.password,
        )
        if not wanted.password:
            return Refused("the first administrator needs a password")
    else:
        person = UserRow.model_validate(row)
        if not person.enabled:
            return Refused(f"{name} is disabled; enable them first")
        if wanted.password:
            person = person.model_copy(update={"password": wanted.password})
    directory.put(tx, "user", name, person)
    grant = Grant(Role.ADMINISTRATOR, frozenset({EVERYWHERE}))
    staff.put(tx, name, grant, author=by.author)
    audit.note(
        tx,
        author=by.author,
        from_=by.from_,
        act="staff add",
        target=f"person:{name}",
        after=shown(grant),
    )
    return None
