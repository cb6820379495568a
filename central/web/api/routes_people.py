"""People: entered, changed, called something else, taken out; their groups."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated, Any, Final

from pydantic import AwareDatetime, Field

from central.acts import groups as group_acts
from central.acts import people as acts
from central.rights import Right
from central.store import person, person_search, staff, wallets
from central.store.ledger import Refused
from central.web.answers import Answer, User
from central.web.api.table import Call, Example, Given, Key, Line, Route, UserName
from central.web.kinds import Kind
from central.web.paging import Asked, KeyPage, Page, page_of, paged
from central.web.people import ANA
from central.web.problems import NotAnswered, NotFound
from config.ids import AccountKey  # noqa: TC001  pydantic reads it at run time

if TYPE_CHECKING:
    from broker.directory import UserRow
    from central.store.books import Transaction

_LISTS: Final = 10
_KEYS: Final = 20
_NAMES: Final = 200


class Person(User):
    """A person, with all that is kept of them but secrets."""

    wallets: tuple[tuple[AccountKey, ...], ...]
    """Lists of accounts: each list covers a charge together, and all of them must."""
    choices: tuple[AccountKey, ...]
    """What they may charge instead."""
    language: str
    """ISO 639-1; empty: any."""
    operates: tuple[str, ...]
    """Edges at whose sites they handle other people's jobs; `*`: all."""
    delegates: tuple[str, ...]
    """Who may release their jobs."""
    email: str
    """Where they can be written to; empty: nowhere."""
    department: str
    """What reports add up."""
    source: str
    """Who tells of them: `local`, `csv`, `guest`, or a directory service."""
    expires_at: AwareDatetime | None
    """Disabled from then on; null: never."""
    has_pin: bool
    """Whether there is a PIN."""
    has_password: bool
    """Whether there is a password."""


class PersonWishes(Given):
    """What is to be so of a person; what is left out stays as it is."""

    display: Line | None = None
    """What people read."""
    groups: Annotated[tuple[Line, ...], Field(max_length=_NAMES)] | None = None
    """All groups they are in."""
    enabled: bool | None = None
    """False denies everything."""
    language: Line | None = None
    """ISO 639-1; empty: any."""
    accounts: Annotated[tuple[Key, ...], Field(max_length=_LISTS)] | None = None
    """Each covers every charge; opened where they are not there."""
    wallets: (
        Annotated[
            tuple[Annotated[tuple[Key, ...], Field(max_length=_KEYS)], ...],
            Field(max_length=_LISTS),
        ]
        | None
    ) = None
    """Instead of `accounts`: lists that cover a charge together, the first spent first."""
    choices: Annotated[tuple[Key, ...], Field(max_length=_NAMES)] | None = None
    """What they may charge instead."""
    operates: Annotated[tuple[Line, ...], Field(max_length=_NAMES)] | None = None
    """Edges at whose sites they handle other people's jobs; `*`: all."""
    delegates: Annotated[tuple[UserName, ...], Field(max_length=_NAMES)] | None = None
    """Who may release their jobs."""
    email: Line | None = None
    """Where they can be written to; empty: nowhere."""
    department: Line | None = None
    """What reports add up."""
    expires_at: AwareDatetime | None = None
    """Disabled from then on; null: never."""


class NewPerson(PersonWishes):
    """A person to be entered."""

    name: UserName
    """User name, as jobs carry it."""


class NewName(Given):
    """What somebody is called from now on."""

    name: UserName
    """User name, as jobs carry it."""


class Group(Answer):
    """A group of people."""

    name: str
    """As rules name it."""
    people: int
    """How many are in it."""


class GroupMembers(Given):
    """People of a group."""

    users: Annotated[tuple[UserName, ...], Field(min_length=1, max_length=500)]
    """User names."""


class Moved(Answer):
    """What became of it."""

    changed: int
    """How many it was new for."""


def one(tx: Transaction, call: Call[None, Asked]) -> Person:
    """Show one person."""
    return shown(tx, known(tx, call).name)


def add(tx: Transaction, call: Call[NewPerson, Asked]) -> Person | Refused:
    """Enter a person, with an account of their own unless it is said who pays."""
    done = acts.add(tx, call.by, call.body.name, _wishes(call.body))
    return done if isinstance(done, Refused) else shown(tx, done.name)


def change(tx: Transaction, call: Call[PersonWishes, Asked]) -> Person | Refused:
    """Change what is given of a person; the rest stays."""
    name = hers(tx, call).name
    done = acts.change(tx, call.by, name, _wishes(call.body))
    return done if isinstance(done, Refused) else shown(tx, name)


def rename(tx: Transaction, call: Call[NewName, Asked]) -> Person | Refused:
    """Call a person something else.

    Accounts, cards, PIN and rights are theirs as before; jobs that were printed stay under the
    older name.
    """
    done = acts.rename(tx, call.by, hers(tx, call).name, call.body.name)
    return done if isinstance(done, Refused) else shown(tx, done.name)


def remove(tx: Transaction, call: Call[None, Asked]) -> Refused | None:
    """Take a person out of the directory; accounts and history stay."""
    done = acts.remove(tx, call.by, hers(tx, call).name)
    return done if isinstance(done, Refused) else None


def every_group(tx: Transaction, call: Call[None, KeyPage]) -> Page[Group]:
    """List groups by name."""
    after, limit = call.asked.after, call.asked.limit
    # ordered here: databases sort texts each in its own way
    rows = sorted(each for each in person_search.groups(tx) if each[0] > after)
    return page_of(
        rows, limit, show=lambda row: Group(name=row[0], people=row[1]), key=lambda row: row[0]
    )


def admit(tx: Transaction, call: Call[GroupMembers, Asked]) -> Moved | Refused:
    """Put people into a group; it begins with the first of them."""
    return _moved(group_acts.admit(tx, call.by, call.path["group"], call.body.users))


def dismiss(tx: Transaction, call: Call[GroupMembers, Asked]) -> Moved | Refused:
    """Take people out of a group; it ends with the last of them."""
    return _moved(group_acts.dismiss(tx, call.by, call.path["group"], call.body.users))


# ── what others use too ─────────────────────────────────────────────────────────────────────


def known(tx: Transaction, call: Call[Any, Any]) -> UserRow:
    """Return the person of the address.

    Raises:
        NotFound: there is none.
    """
    row = acts.find(tx, call.path["name"])
    if isinstance(row, Refused):
        raise NotFound(row.reason)
    return row


def hers(tx: Transaction, call: Call[Any, Any]) -> UserRow:
    """Return the person of the address, who may be changed by the caller.

    Who could change a person of the staff could become one: it takes the right to do that.

    Raises:
        NotFound: there is none.
        NotAnswered: they are staff, and the caller may not change that.
    """
    row = known(tx, call)
    if staff.grants(tx, row.name) and not call.caller.scope.may(Right.CHANGE_STAFF):
        right = Right.CHANGE_STAFF.value
        raise NotAnswered(Kind.RIGHT, f"{row.name} is staff: that takes the right {right} too.")
    return row


def shown(tx: Transaction, name: str) -> Person:
    """Return a person as they are told."""
    row = acts.find(tx, name)
    if isinstance(row, Refused):
        raise NotFound(row.reason)
    found = person.find(tx, row.name)
    about = person.Particulars() if found is None else found.about
    return Person(
        name=row.name,
        display=row.display,
        groups=row.groups,
        accounts=row.accounts,
        enabled=row.enabled,
        wallets=wallets.lists_of(row),
        choices=row.choices,
        language=row.language,
        operates=row.operates,
        delegates=row.delegates,
        email=about.email,
        department=about.department,
        source=about.source,
        expires_at=about.expires_at,
        has_pin=bool(row.pin),
        has_password=bool(row.password),
    )


def _row(tx: Transaction, call: Call[Any, Any]) -> Person:
    return shown(tx, known(tx, call).name)


def _wishes(body: PersonWishes) -> acts.Wishes:
    given = body.model_dump(exclude={"name"}, exclude_none=True)
    lasting = "expires_at" in body.model_fields_set and body.expires_at is None
    return acts.Wishes(**given, lasting=lasting)


def _moved(done: int | Refused) -> Moved | Refused:
    return done if isinstance(done, Refused) else Moved(changed=done)


_PERSON: Final = {
    **ANA,
    "wallets": [["user:ana"]],
    "choices": ["department:physics"],
    "language": "fr",
    "operates": [],
    "delegates": ["ben"],
    "email": "ana@example.org",
    "department": "Physics",
    "source": "local",
    "expires_at": None,
    "has_pin": True,
    "has_password": False,
}
_USERS: Final = {"users": ["ana", "ben"]}

ROUTES: Final = (
    Route(
        method="POST",
        path="/users",
        right=Right.CHANGE_PEOPLE,
        do=add,
        takes=NewPerson,
        gives=Person,
        status=201,
        example=Example(_PERSON, {"name": "ana", "display": "Ana", "groups": ["staff"]}),
    ),
    Route(
        method="POST",
        path="/users/{name}/rename",
        right=Right.CHANGE_PEOPLE,
        do=rename,
        takes=NewName,
        gives=Person,
        example=Example(_PERSON, {"name": "ana"}),
    ),
    Route(
        method="GET",
        path="/groups",
        right=Right.SEE_PEOPLE,
        do=every_group,
        asks=KeyPage,
        gives=paged(Group),
        example=Example({"items": [{"name": "staff", "people": 12}], "next": None}),
    ),
    Route(
        method="POST",
        path="/groups/{group}/admit",
        right=Right.CHANGE_PEOPLE,
        do=admit,
        takes=GroupMembers,
        gives=Moved,
        example=Example({"changed": 1}, _USERS),
    ),
    Route(
        method="POST",
        path="/groups/{group}/dismiss",
        right=Right.CHANGE_PEOPLE,
        do=dismiss,
        takes=GroupMembers,
        gives=Moved,
        example=Example({"changed": 2}, _USERS),
    ),
)
#: Old books may have names with a slash in them: the person stands last.
LAST: Final = (
    Route(
        method="GET",
        path="/users/{name:path}",
        right=Right.SEE_PEOPLE,
        do=one,
        gives=Person,
        tagged=True,
        example=Example(_PERSON),
    ),
    Route(
        method="PATCH",
        path="/users/{name:path}",
        right=Right.CHANGE_PEOPLE,
        do=change,
        takes=PersonWishes,
        gives=Person,
        row=_row,
        example=Example(_PERSON, {"department": "Physics", "groups": ["staff"]}),
    ),
    Route(
        method="DELETE",
        path="/users/{name:path}",
        right=Right.CHANGE_PEOPLE,
        do=remove,
        row=_row,
    ),
)
