"""All people: found as one types, listed with filters, and entered."""

from __future__ import annotations

import json
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Final

from central.acts import naming, people
from central.acts.people import Wishes
from central.rights import Right
from central.store import directory, person_search
from central.store.ledger import Refused
from central.store.person import Person
from central.web.export import Kind
from central.web.pages import lists, people_words
from central.web.pages.lists import Cell, Column, Filter, ListOf, Query, Rows
from central.web.pages.sentences import mark
from central.web.pages.table import Nav, Page
from central.web.pages.views import Choice, Empty

if TYPE_CHECKING:
    from starlette.responses import Response

    from broker.directory import UserRow
    from central.store.books import Transaction
    from central.web.pages.forms import Wrong
    from central.web.pages.lists import ListView
    from central.web.pages.visit import Visit

#: Counting stops here: beyond it nobody asks how many exactly.
COUNTED: Final = 10_000
_SUGGESTED: Final = 8
_NONE: Final = "\N{EN DASH}"


@dataclass(frozen=True, slots=True)
class People:
    """The page."""

    list: ListView
    number: int
    more: bool
    """There are more than that."""
    may_change: bool
    may_invite: bool
    """Guests are let in, and whoever looks may do it."""


@dataclass(frozen=True, slots=True)
class Entering:
    """The form for a new person."""

    name: str = ""
    display: str = ""
    email: str = ""
    department: str = ""
    groups: str = ""
    wrong: Wrong = field(default_factory=dict)


def which_of(query: Query) -> person_search.Which:
    """Return whom a list's filters ask for."""
    asked = query.filters
    state = asked.get("state", "")
    return person_search.Which(
        text=asked.get("q", ""),
        group=asked.get("group"),
        department=asked.get("department"),
        source=asked.get("source"),
        enabled=state == "enabled" if state in {"enabled", "disabled"} else None,
    )


def _cursor(text: str) -> person_search.Cursor | None:
    try:
        folded, name = json.loads(text)
    except (ValueError, TypeError):
        return None
    return (str(folded), str(name))


def _read(tx: Transaction, query: Query) -> Rows[Person]:
    found = person_search.page(
        tx, which_of(query), after=_cursor(query.after), limit=query.limit + 1
    )
    rows = tuple(found[: query.limit])
    further = json.dumps(person_search.cursor_of(rows[-1])) if len(found) > query.limit else ""
    return Rows(rows, further)


def _states(visit: Visit) -> tuple[Choice, ...]:
    return (
        Choice("enabled", visit.say(mark("may print"))),
        Choice("disabled", visit.say(mark("disabled"))),
    )


def _sources(visit: Visit) -> tuple[Choice, ...]:
    services = [f"ldap:{each.name}" for each in visit.centre.settings.ldap]
    if visit.centre.provider is not None:
        services.append("oidc")
    return tuple(
        Choice(each, people_words.source_word(visit, each))
        for each in ("local", "csv", "guest", *services)
    )


_COLUMNS: Final = (
    Column[Person](
        "name",
        mark("Person"),
        lambda row, _: Cell(row.read, note=row.name if row.display else ""),
        lambda row: row.display,
    ),
    Column[Person](
        "state",
        mark("State"),
        lambda row, visit: Cell(chip=people_words.state_chip(visit, row)),
        lambda row: "enabled" if row.enabled else "disabled",
    ),
    Column[Person](
        "department",
        mark("Department"),
        lambda row, _: Cell(row.about.department or _NONE),
        lambda row: row.about.department,
    ),
    Column[Person](
        "groups",
        mark("Groups"),
        lambda row, _: Cell(", ".join(row.groups) or _NONE),
        lambda row: "; ".join(row.groups),
        wide=True,
    ),
    Column[Person](
        "source",
        mark("Comes from"),
        lambda row, visit: Cell(people_words.source_word(visit, row.about.source)),
        lambda row: row.about.source,
        wide=True,
    ),
    Column[Person](
        "seen",
        mark("Signed in here"),
        lambda row, visit: (
            Cell(_NONE) if row.last_seen is None else Cell(when=visit.local(row.last_seen))
        ),
        lambda row: row.last_seen,
        Kind.MOMENT,
        number=True,
        wide=True,
    ),
)
_FILE_COLUMNS: Final = (
    Column[Person]("user", mark("User name"), lambda row, _: Cell(row.name), lambda row: row.name),
    *_COLUMNS[:1],
    Column[Person](
        "email",
        mark("E-mail"),
        lambda row, _: Cell(row.about.email),
        lambda row: row.about.email,
    ),
    *_COLUMNS[1:],
)
_FILTERS: Final = (
    Filter("q", mark("Search"), hint=mark("name or e-mail")),
    Filter("group", mark("Group"), hint=mark("its whole name")),
    Filter("department", mark("Department"), hint=mark("its whole name")),
    Filter("source", mark("Comes from"), "choice", _sources),
    Filter("state", mark("State"), "choice", _states),
)
PEOPLE: Final = ListOf(
    "people",
    _COLUMNS,
    _read,
    Right.SEE_PEOPLE,
    filters=_FILTERS,
    link=lambda row: people_words.address_of(row.name),
)
_IN_FILE: Final = ListOf("people", _FILE_COLUMNS, _read, Right.SEE_PEOPLE, filters=_FILTERS)


async def show(visit: Visit) -> Response:
    """Show people."""
    if (fetched := lists.file(visit, _IN_FILE)) is not None:
        return fetched
    query = lists.query_of(visit, PEOPLE)

    def look(tx: Transaction) -> tuple[Rows[Person], int]:
        many = person_search.count(tx, which_of(query), at_most=COUNTED + 1)
        return _read(tx, query), many

    rows, many = await visit.read(look)
    may_change = visit.may(Right.CHANGE_PEOPLE)
    empty = Empty(
        "people",
        visit.say(mark("People will stand here")),
        visit.say(mark("Enter them one by one, from a file, or from your directory service.")),
        action="/people/:add" if may_change else "",
        verb=visit.say(mark("Enter a person")) if may_change else "",
        command="printmesh central user add ana",
    )
    table = lists.shown(visit, PEOPLE, query, rows, empty=empty)
    may_invite = visit.centre.settings.guests.enabled and visit.may(Right.HELP_PEOPLE)
    view = People(table, min(many, COUNTED), many > COUNTED, may_change, may_invite)
    return visit.page("people.html", view)


async def find(visit: Visit) -> Response:
    """Return whom somebody means who is still typing: a part of a page."""
    text = visit.asked("q", 80)
    found = await visit.read(lambda tx: person_search.suggest(tx, text, limit=_SUGGESTED))
    hits = [(people_words.address_of(each.name), each) for each in found]
    return visit.page("people-found.html", hits)


# ── entering ────────────────────────────────────────────────────────────────────────────────


async def ask(visit: Visit) -> Response:
    """Show the form for a new person."""
    return visit.page("people-add.html", Entering())


async def add(visit: Visit) -> Response:
    """Enter a person, with an account of their own."""
    form, by = visit.form, visit.by
    typed = Entering(
        form.text("name", 200).lower(),
        form.text("display", 300),
        form.text("email", 400),
        form.text("department", 300),
        form.text("groups", 20_000),
    )
    wrong = wrong_fields(visit, typed.name, typed.email)
    wishes = Wishes(
        display=typed.display,
        email=typed.email,
        department=typed.department,
        groups=lines_of(typed.groups),
    )

    def act(tx: Transaction) -> UserRow | Refused:
        if directory.get(tx, "user", typed.name) is not None:
            return Refused(visit.say(mark("There is somebody of this name already.")))
        return people.add(tx, by, typed.name, wishes)

    done = None if wrong else await visit.write(act)
    if isinstance(done, Refused):
        wrong["name"] = done.reason
    if wrong or done is None or isinstance(done, Refused):
        view = Entering(
            typed.name, typed.display, typed.email, typed.department, typed.groups, wrong
        )
        return visit.page("people-add.html", view, status=422)
    notice = visit.told("good", mark("They are entered. Every linked site knows them already."))
    return visit.go(people_words.address_of(done.name), notice)


def wrong_fields(visit: Visit, name: str, email: str) -> Wrong:
    """Return what is wrong with what is easily mistyped."""
    wrong: Wrong = {}
    if isinstance(naming.user_name(name), Refused):
        wrong["name"] = visit.say(
            mark("A user name has 1 to 110 characters, none of them a space, @, : or /.")
        )
    if isinstance(naming.email(email), Refused):
        wrong["email"] = visit.say(mark("Write it like ana@example.org."))
    return wrong


def lines_of(text: str) -> list[str]:
    """Return what stands on lines, or between commas."""
    return [each.strip() for each in text.replace(",", "\n").split("\n") if each.strip()]


PAGES: Final = (
    Page("/people", show, Right.SEE_PEOPLE, nav=Nav(mark("People"), "people", 50, phone=True)),
    Page("/people/:find", find, Right.SEE_PEOPLE),
    Page("/people/:add", ask, Right.CHANGE_PEOPLE),
    Page("/people/:add", add, Right.CHANGE_PEOPLE, methods=("POST",)),
)
