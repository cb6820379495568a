"""Members of departments, projects and shared accounts: listed, found, put in and taken out."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated, Final

from pydantic import Field, StringConstraints

from central.acts import accounts as acts
from central.rights import Right
from central.store import members as store_members
from central.web import money
from central.web.answers import Answer
from central.web.api.table import Call, Example, Given, Route, UserName, act
from central.web.paging import TEXT, Asked, KeyPage, Page, page_of, paged

if TYPE_CHECKING:
    from central.store.books import Transaction
    from central.store.ledger import Refused
    from central.store.person import Person


class Member(Answer):
    """Somebody who may charge an account instead of their own."""

    user: str
    """User name."""
    display: str
    """What people read."""
    department: str
    """What reports add up."""
    enabled: bool
    """False: they may print nothing."""


class MembersAsked(KeyPage):
    """Which members; filters that are left out let all through."""

    q: Annotated[str, StringConstraints(max_length=200, pattern=TEXT)] = ""
    """Beginnings of words of their names, all of which they have."""


class Members(Given):
    """People who may charge an account."""

    users: Annotated[tuple[UserName, ...], Field(min_length=1, max_length=500)]
    """User names."""


def members(tx: Transaction, call: Call[None, MembersAsked]) -> Page[Member]:
    """List people who may charge an account instead of their own, by user name."""
    key, page = money.known(tx, call.path["key"]).key, call.asked
    rows = store_members.page(tx, key, page.q, after=page.after, limit=page.limit + 1)
    return page_of(rows, page.limit, show=_member, key=lambda row: row.name)


def admit(tx: Transaction, call: Call[Members, Asked]) -> Refused | None:
    """Let people charge an account instead of their own."""
    key = money.known(tx, call.path["key"]).key
    return acts.admit(tx, call.by, key, call.body.users)


def dismiss(tx: Transaction, call: Call[Members, Asked]) -> Refused | None:
    """Take the choice of an account away from people."""
    key = money.known(tx, call.path["key"]).key
    return acts.dismiss(tx, call.by, key, call.body.users)


# ── inside ──────────────────────────────────────────────────────────────────────────────────


def _member(row: Person) -> Member:
    return Member(
        user=row.name, display=row.display, department=row.about.department, enabled=row.enabled
    )


_MEMBER: Final = {"user": "ana", "display": "Ana", "department": "Physics", "enabled": True}
_MEMBERS: Final = {"users": ["ana", "ben"]}
_ONE: Final = "/accounts/{key:path}"

ROUTES: Final = (
    Route(
        method="GET",
        path=f"{_ONE}/members",
        right=Right.SEE_ACCOUNTS,
        do=members,
        asks=MembersAsked,
        gives=paged(Member),
        example=Example({"items": [_MEMBER], "next": None}, asked={"q": "an"}),
    ),
    act(
        f"{_ONE}/members/admit",
        Right.CHANGE_ACCOUNTS,
        admit,
        Example(body=_MEMBERS),
        takes=Members,
    ),
    act(
        f"{_ONE}/members/dismiss",
        Right.CHANGE_ACCOUNTS,
        dismiss,
        Example(body=_MEMBERS),
        takes=Members,
    ),
)
