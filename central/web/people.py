"""People who may print; their cards are not told."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

from broker.directory import UserRow
from central.rights import Right
from central.store import directory
from central.web.answers import User
from central.web.api.table import Call, Example, Route
from central.web.paging import KeyPage, Page, page_of, paged

if TYPE_CHECKING:
    from central.store.books import Transaction


def every(tx: Transaction, call: Call[None, KeyPage]) -> Page[User]:
    """List people by name."""
    page = call.asked
    rows = directory.live(tx, "user", after=page.after, limit=page.limit + 1)
    return page_of(rows, page.limit, show=lambda row: _shown(row[1]), key=lambda row: row[0])


def _shown(row: dict[str, Any]) -> User:
    user = UserRow.model_validate(row)
    return User(
        name=user.name,
        display=user.display,
        groups=user.groups,
        accounts=user.accounts,
        enabled=user.enabled,
    )


ANA: Final = {
    "name": "ana",
    "display": "Ana",
    "groups": ["staff"],
    "accounts": ["user:ana"],
    "enabled": True,
}

ROUTES: Final = (
    Route(
        method="GET",
        path="/users",
        right=Right.SEE_PEOPLE,
        do=every,
        gives=paged(User),
        asks=KeyPage,
        example=Example({"items": [ANA], "next": "YW5h"}, asked={"limit": "1"}),
    ),
)
