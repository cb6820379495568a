"""Staff: who has which role, and at which sites."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated, Any, Final

from pydantic import AwareDatetime, Field

from central.acts import staff as acts
from central.rights import Right, Role
from central.store import staff as store
from central.store.ledger import Refused
from central.web.answers import Answer
from central.web.api.routes_people import known
from central.web.api.table import Call, Example, Given, Line, Route
from central.web.problems import NotFound

if TYPE_CHECKING:
    from central.store.books import Transaction
    from central.store.staff import Member as Record
    from central.web.paging import Asked


class Member(Answer):
    """A role that somebody has."""

    user: str
    """User name."""
    role: Role
    """Which."""
    sites: tuple[str, ...]
    """Edges at whose sites it counts; `*`: all."""
    author: str
    """Who gave it."""
    at: AwareDatetime
    """When."""


class Members(Answer):
    """Everybody with a role."""

    items: tuple[Member, ...]
    """By user and role; they are few."""


class Sites(Given):
    """Where a role counts."""

    sites: Annotated[tuple[Line, ...], Field(min_length=1, max_length=500)]
    """Edges at whose sites it counts; `*`: all."""


def every(tx: Transaction, call: Call[None, Asked]) -> Members:
    """List everybody with a role."""
    del call
    return Members(items=tuple(map(_shown, store.every(tx))))


def one(tx: Transaction, call: Call[None, Asked]) -> Member:
    """Show somebody's role."""
    return _shown(_known(tx, call))


def give(tx: Transaction, call: Call[Sites, Asked]) -> Member | Refused:
    """Give somebody a role at some sites, in place of those it had before."""
    name = known(tx, call).name
    done = acts.give(tx, call.by, name, Role(call.path["role"]), call.body.sites)
    return done if isinstance(done, Refused) else _shown(_known(tx, call))


def take(tx: Transaction, call: Call[None, Asked]) -> Refused | None:
    """Take a role of somebody away."""
    found = _known(tx, call)
    done = acts.take(tx, call.by, found.user, found.grant.role)
    return done if isinstance(done, Refused) else None


def forget_factor(tx: Transaction, call: Call[None, Asked]) -> Refused | None:
    """Take somebody's authenticator away: they set a new one up when they sign in next."""
    return acts.forget_second_factor(tx, call.by, known(tx, call).name)


def _known(tx: Transaction, call: Call[Any, Any]) -> Record:
    name, role = call.path["name"].lower(), call.path["role"]
    for each in store.every(tx):
        if each.user == name and each.grant.role == role:
            return each
    raise NotFound(f"{name} is not {role}; /api/v1/staff lists who is what.")


def _shown(row: Record) -> Member:
    return Member(
        user=row.user,
        role=row.grant.role,
        sites=tuple(sorted(row.grant.sites)),
        author=row.author,
        at=row.at,
    )


_MEMBER: Final = {
    "user": "olga",
    "role": "operator",
    "sites": ["north"],
    "author": "cli:root",
    "at": "2026-11-22T08:00:00Z",
}
_ONE: Final = "/staff/{name}/roles/{role}"

ROUTES: Final = (
    Route(
        method="GET",
        path="/staff",
        right=Right.SEE_AUDIT,
        do=every,
        gives=Members,
        example=Example({"items": [_MEMBER]}),
    ),
    Route(
        method="GET",
        path=_ONE,
        right=Right.SEE_AUDIT,
        do=one,
        gives=Member,
        example=Example(_MEMBER),
    ),
    Route(
        method="PUT",
        path=_ONE,
        right=Right.CHANGE_STAFF,
        do=give,
        takes=Sites,
        gives=Member,
        example=Example(_MEMBER, {"sites": ["north"]}),
    ),
    Route(method="DELETE", path=_ONE, right=Right.CHANGE_STAFF, do=take),
    Route(
        method="DELETE",
        path="/staff/{name}/second-factor",
        right=Right.CHANGE_STAFF,
        do=forget_factor,
    ),
)
