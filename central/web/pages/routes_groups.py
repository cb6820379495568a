"""Groups and departments: who is in them, put in and taken out."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Final
from urllib.parse import urlencode

from central.acts import groups as acts
from central.rights import Right
from central.store import person_search
from central.store.ledger import Refused
from central.web.pages.routes_people import lines_of
from central.web.pages.sentences import mark
from central.web.pages.table import Page

if TYPE_CHECKING:
    from starlette.responses import Response

    from central.store.books import Transaction
    from central.web.pages.forms import Wrong
    from central.web.pages.visit import Visit

_SHOWN: Final = 500
_AT_ONCE: Final = 500


@dataclass(frozen=True, slots=True)
class GroupView:
    """A group or a department."""

    name: str
    people: int
    href: str


@dataclass(frozen=True, slots=True)
class Groups:
    """The page."""

    groups: tuple[GroupView, ...]
    departments: tuple[GroupView, ...]
    many: int
    """Groups there are in all."""
    may_change: bool
    group: str = ""
    users: str = ""
    wrong: Wrong = field(default_factory=dict)


async def show(visit: Visit) -> Response:
    """Show all groups."""
    view = await visit.read(lambda tx: _groups(tx, visit, group=visit.asked("group")))
    return visit.page("groups.html", view)


def _groups(
    tx: Transaction, visit: Visit, *, group: str = "", users: str = "", wrong: Wrong | None = None
) -> Groups:
    found, departments = person_search.groups(tx), person_search.departments(tx)
    return Groups(
        tuple(
            GroupView(name, many, f"/people?{urlencode({'group': name})}")
            for name, many in found[:_SHOWN]
        ),
        tuple(
            GroupView(name, many, f"/people?{urlencode({'department': name})}")
            for name, many in departments[:_SHOWN]
        ),
        len(found),
        visit.may(Right.CHANGE_PEOPLE),
        group,
        users,
        wrong or {},
    )


async def change(visit: Visit) -> Response:
    """Put people into a group, or take them out of it."""
    form, by = visit.form, visit.by
    group, typed = form.text("group", 200), form.text("users", 20_000)
    users, inside = lines_of(typed.lower()), form.text("do", 10) != "dismiss"
    wrong: Wrong = {}
    if not users or len(users) > _AT_ONCE:
        wrong["users"] = visit.say(
            mark("1 to %(most)s user names, one on each line."), most=visit.words.number(_AT_ONCE)
        )

    def act(tx: Transaction) -> int | Refused:
        return (acts.admit if inside else acts.dismiss)(tx, by, group, users)

    done = None if wrong else await visit.write(act)
    if isinstance(done, Refused):
        wrong["users" if "user" in done.reason else "group"] = done.reason
    if wrong or done is None or isinstance(done, Refused):
        view = await visit.read(
            lambda tx: _groups(tx, visit, group=group, users=typed, wrong=wrong)
        )
        return visit.page("groups.html", view, status=422)
    said = (
        visit.say_of("%(num)s person is in it now.", "%(num)s people are in it now.", done)
        if inside
        else visit.say_of("%(num)s person was taken out.", "%(num)s people were taken out.", done)
    )
    return visit.go("/groups", visit.told("good" if done else "unknown", said))


PAGES: Final = (
    Page("/groups", show, Right.SEE_PEOPLE),
    Page("/groups", change, Right.CHANGE_PEOPLE, methods=("POST",)),
)
