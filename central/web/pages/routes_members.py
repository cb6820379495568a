"""Who belongs to a department, project or shared account: found, put in and taken out."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Final
from urllib.parse import quote

from central.acts import accounts as acts
from central.rights import Right
from central.store import directory, members, person_search
from central.store.person import Person
from central.store.wallets import CHOSEN_KINDS
from central.web.pages import account_words, ledgers, lists, people_words, sentences
from central.web.pages.lists import Cell, Column, Filter, ListOf, Query, Rows
from central.web.pages.routes_account import known
from central.web.pages.routes_people import lines_of
from central.web.pages.sentences import mark
from central.web.pages.table import Page
from central.web.pages.views import Empty, Notice

if TYPE_CHECKING:
    from starlette.responses import Response

    from central.store.accounts import AccountRecord
    from central.store.books import Transaction
    from central.store.ledger import Refused
    from central.web.pages.forms import Wrong
    from central.web.pages.lists import ListView
    from central.web.pages.visit import Visit

#: Whom somebody may mean who types a part of a name.
_MEANT: Final = 8
_AT_ONCE: Final = 500


@dataclass(frozen=True, slots=True)
class Members:
    """The page."""

    key: str
    label: str
    kind: str
    number: int
    list: ListView
    address: str
    """Of the key, in addresses."""
    people: tuple[Person, ...]
    """Of the rows."""
    may_change: bool
    can_have: bool
    """It is a kind of account that people choose, and usable."""
    who: str
    """As typed."""
    meant: tuple[Person, ...]
    """Whom that may mean."""
    wrong: Wrong = field(default_factory=dict)


def _read(tx: Transaction, key: str, query: Query) -> Rows[Person]:
    text = query.filters.get("q", "")
    found = members.page(tx, key, text, after=query.after, limit=query.limit + 1)
    rows = tuple(found[: query.limit])
    return Rows(rows, rows[-1].name if len(found) > query.limit else "")


def _list(key: str, visit: Visit) -> ListOf[Person]:
    sees = visit.may(Right.SEE_PEOPLE)
    return ListOf(
        "members",
        (
            Column[Person](
                "name",
                mark("Person"),
                lambda row, _: Cell(row.read),
                lambda row: row.display,
            ),
            Column[Person](
                "user", mark("User name"), lambda row, _: Cell(row.name), lambda row: row.name
            ),
            Column[Person](
                "department",
                mark("Department"),
                lambda row, _: Cell(row.about.department),
                lambda row: row.about.department,
                wide=True,
            ),
            Column[Person](
                "state",
                mark("State"),
                lambda row, visit: Cell(chip=people_words.state_chip(visit, row)),
                lambda row: "enabled" if row.enabled else "disabled",
                # a phone has room for who it is and what can be done
                wide=True,
            ),
        ),
        lambda tx, query: _read(tx, key, query),
        Right.SEE_ACCOUNTS,
        filters=(Filter("q", mark("Search"), hint=mark("A part of a name")),),
        link=(lambda row: people_words.address_of(row.name)) if sees else None,
    )


async def show(visit: Visit) -> Response:
    """Show who belongs to an account."""
    what = _list(visit.path("key"), visit)
    await visit.read(lambda tx: known(tx, visit.path("key")))
    if (fetched := lists.file(visit, what)) is not None:
        return fetched
    return await _show(visit, 200)


async def _show(
    visit: Visit, status: int, meant: tuple[Person, ...] = (), wrong: Wrong | None = None
) -> Response:
    key = visit.path("key")
    what = _list(key, visit)
    query = lists.query_of(visit, what)

    def look(tx: Transaction) -> tuple[AccountRecord, Rows[Person], int, str]:
        record = known(tx, key)
        return record, _read(tx, key, query), members.count(tx, key), ledgers.label_of(tx, key)

    record, rows, number, label = await visit.read(look)
    empty = Empty(
        "people",
        visit.say(mark("People will stand here")),
        visit.say(mark("Whoever belongs to it may charge it instead of their own account.")),
    )
    can_have = key.partition(":")[0] in CHOSEN_KINDS and record.state in {"open", "frozen"}
    view = Members(
        key,
        label or key,
        account_words.kind_of(visit, key),
        number,
        lists.shown(visit, what, query, rows, empty=empty),
        quote(key, safe=":"),
        rows.rows,
        visit.may(Right.CHANGE_ACCOUNTS),
        can_have,
        visit.form.text("who", 20_000),
        meant,
        wrong or {},
    )
    return visit.page("account-members.html", view, status=status)


async def admit(visit: Visit) -> Response:
    """Put people in: by their user names, or whoever is meant by a part of a name."""
    key, by = visit.path("key"), visit.by
    typed = visit.form.text("pick", 200) or visit.form.text("who", 20_000)
    users = tuple(dict.fromkeys(lines_of(typed.lower())))
    if not users or len(users) > _AT_ONCE:
        said = visit.say(
            mark("1 to %(most)s user names, one on each line."), most=visit.words.number(_AT_ONCE)
        )
        return await _show(visit, 422, wrong={"who": said})
    if len(users) == 1:
        meant = await visit.read(lambda tx: _meant(tx, users[0]))
        if meant is not None:
            said = (
                visit.say(mark("Who of these?"))
                if meant
                else visit.say(mark("Nobody is called so."))
            )
            return await _show(visit, 422, meant, {"who": said})

    def act(tx: Transaction) -> Refused | None:
        known(tx, key)
        return acts.admit(tx, by, key, users)

    refused = await visit.write(act)
    if refused is not None:
        return await _show(visit, 422, wrong={"who": refused.reason})
    said = visit.say_of(
        "%(num)s person belongs to it now.", "%(num)s people belong to it now.", len(users)
    )
    return visit.go(_address(key), visit.told("good", said))


async def dismiss(visit: Visit) -> Response:
    """Take somebody out."""
    key, by, user = visit.path("key"), visit.by, visit.form.text("user", 200)

    def act(tx: Transaction) -> Refused | None:
        known(tx, key)
        return acts.dismiss(tx, by, key, (user,))

    refused = await visit.write(act)
    if refused is not None:
        return visit.go(
            _address(key), Notice("trouble", visit.say(sentences.SORRY), refused.reason)
        )
    said = visit.say(mark("%(name)s does not belong to it any more."), name=user)
    return visit.go(_address(key), visit.told("good", said))


def _address(key: str) -> str:
    return f"/accounts/members/{quote(key, safe=':')}"


def _meant(tx: Transaction, text: str) -> tuple[Person, ...] | None:
    """Return whom a text may mean; None: it is a user name."""
    if directory.get(tx, "user", text) is not None:
        return None
    return tuple(person_search.suggest(tx, text, limit=_MEANT))


PAGES: Final = (
    Page("/accounts/members/{key:path}", show, Right.SEE_ACCOUNTS),
    Page("/accounts/admit/{key:path}", admit, Right.CHANGE_ACCOUNTS, methods=("POST",)),
    Page("/accounts/dismiss/{key:path}", dismiss, Right.CHANGE_ACCOUNTS, methods=("POST",)),
)
