"""People who may print; their cards are not told."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated, Any

from fastapi import APIRouter, Path, Query

from broker.directory import UserRow
from central.store import directory
from central.web.answers import User
from central.web.paging import TEXT, KeyPage, Page, page_of
from central.web.problems import NOT_FOUND, NotFound
from central.web.reading import Read  # noqa: TC001  FastAPI reads it at run time

if TYPE_CHECKING:
    from central.store.books import Transaction

routes = APIRouter(prefix="/users", tags=["users"])

Name = Annotated[
    str, Path(min_length=1, max_length=255, pattern=TEXT, description="User name, in any case.")
]


@routes.get("")
async def list_users(page: Annotated[KeyPage, Query()], read: Read) -> Page[User]:
    """List people by name."""
    return await read.ask(lambda tx: _users(tx, page))


@routes.get("/{name:path}", responses=NOT_FOUND)
async def show_user(name: Name, read: Read) -> User:
    """Show one person."""
    return await read.ask(lambda tx: _user(tx, name))


def _users(tx: Transaction, page: KeyPage) -> Page[User]:
    rows = directory.live(tx, "user", after=page.after, limit=page.limit + 1)
    return page_of(rows, page.limit, show=lambda row: _shown(row[1]), key=lambda row: row[0])


def _user(tx: Transaction, name: str) -> User:
    row = directory.get(tx, "user", name.lower())
    if row is None:
        raise NotFound(f"There is no user {name!r}; /api/v1/users lists those there are.")
    return _shown(row)


def _shown(row: dict[str, Any]) -> User:
    user = UserRow.model_validate(row)
    return User(
        name=user.name,
        display=user.display,
        groups=user.groups,
        accounts=user.accounts,
        enabled=user.enabled,
    )
