"""People from elsewhere: a file or a directory service is looked at, then taken as it was shown."""

from __future__ import annotations

from itertools import islice
from typing import TYPE_CHECKING, Annotated, Any, Final, Literal

from pydantic import AwareDatetime, Field, StringConstraints

from central.importing import files, rounds
from central.importing.plan import Habits
from central.rights import Right
from central.store import people_sources, person_search
from central.store.ledger import Refused
from central.store.person import CSV
from central.web.answers import Answer
from central.web.api.table import Call, Example, Given, Route
from central.web.paging import TEXT, Asked
from central.web.problems import NotFound
from config.errors import PrintmeshError

if TYPE_CHECKING:
    from collections.abc import Iterator

    from central.importing.applying import Applied
    from central.importing.plan import Plan, Refusal
    from central.store.books import Books, Transaction
    from config.settings_directory_services import LdapSettings

#: Characters of a file; longer ones are for the command line.
_LONGEST: Final = 16 * 1024 * 1024
#: Of the body: what JSON makes of a file is longer.
_BODY: Final = 24 * 1024 * 1024
#: People that an answer tells of; the rest is told by its number.
_SHOWN: Final = 500


class Line(Answer):
    """What becomes of one person."""

    user: str
    """User name, as it is until now."""
    what: Literal["added", "changed", "returned", "disabled"]
    """What becomes of them."""
    display: str
    """What people read."""
    fields: tuple[str, ...]
    """What is another than before."""


class Wrong(Answer):
    """Somebody who is not taken."""

    where: str
    """A line of the file, an entry of the service; empty: it is about a person."""
    user: str
    """User name; empty: that is what is wrong."""
    why: str
    """For people."""


class Brake(Answer):
    """So many would be disabled that somebody is to say the number."""

    leaving: int
    """How many would be disabled: give it as `confirmed`."""
    of: int
    """Of so many that the source told of."""


class Planned(Answer):
    """What an import would change."""

    plan: str
    """Names what is shown here: only just this is carried out by it."""
    counts: dict[str, int]
    """How many are added, changed, returned, disabled, the same, refused."""
    lines: tuple[Line, ...]
    """The first 500."""
    wrong: tuple[Wrong, ...]
    """Who is not taken, the first 500."""
    brake: Brake | None
    """Null: the number need not be confirmed."""
    columns: dict[str, str]
    """What was taken for what: column, and its header in the file."""
    ignored: tuple[str, ...]
    """Headers that mean nothing here."""


class Done(Answer):
    """What an import came to."""

    counts: dict[str, int]
    """How many were added, changed, returned, disabled, the same, refused."""
    skipped: tuple[Wrong, ...]
    """Who was left as they are, because somebody changed them meanwhile."""


class File(Given):
    """People in separated values, as a spreadsheet writes them."""

    # whatever is in it: no body has a NUL, and looking for it here would take as long again
    csv: Annotated[str, StringConstraints(min_length=1, max_length=_LONGEST)]
    """The file; its first line names the columns."""
    complete: bool = False
    """It has everybody who ever came from a file: who is missing is disabled."""
    adopt: bool = False
    """People of the same name who were entered here become the file's."""


class Going(Given):
    """A plan that was seen."""

    plan: Annotated[str, StringConstraints(max_length=64, pattern=TEXT)]
    """As `check` named it."""
    skip_wrong: bool = False
    """Take the others without those that are wrong."""
    confirmed: Annotated[int, Field(strict=True, ge=0, lt=2**31)] | None = None
    """How many may be disabled, where `brake` asks for it."""


class Taking(File, Going):
    """A file that was looked at."""


class Source(Answer):
    """Where people come from."""

    source: str
    """`local`, `csv`, `guest`, `oidc`, or `ldap:NAME`."""
    service: str | None
    """Name of the directory service; null: it is none, or not in the settings."""
    people: int
    """How many it told of."""
    enabled: int
    """How many of these are enabled."""
    state: Literal["done", "partial", "braked", "failed"] | None
    """How the last import ended; null: there was none."""
    counts: dict[str, int]
    """What it came to."""
    remark: str
    """What was wrong, for people."""
    ended_at: AwareDatetime | None
    """When."""
    due: AwareDatetime | None
    """When the next one begins of itself; null: never."""


class Sources(Answer):
    """Where people come from."""

    items: tuple[Source, ...]
    """All of them."""


def check_file(books: Books, call: Call[File, Asked]) -> Planned | Refused:
    """Say what a file of people would change; nothing is done."""
    found = _looked(books, call.body)
    if isinstance(found, Refused):
        return found
    columns = {str(column): header for column, header in found.read.columns.items()}
    return _planned(found.plan, columns, found.read.ignored)


def take_file(books: Books, call: Call[Taking, Asked]) -> Done | Refused:
    """Take a file of people as it was shown by `check`; in parts of a hundred people.

    Should it break off, what was done stays: look at the file again, and take the rest.
    """
    found = _looked(books, call.body)
    return found if isinstance(found, Refused) else _gone(books, call, found.plan)


def sources(tx: Transaction, call: Call[None, Asked]) -> Sources:
    """List where people come from, and how the last import of each ended."""
    services = {rounds.source_of(each): each.name for each in call.desk.services}
    states = {each.source: each for each in people_sources.every(tx)}
    people = {source: (many, on) for source, many, on in person_search.sources(tx)}
    return Sources(
        items=tuple(
            _source(each, services.get(each), people.get(each, (0, 0)), states.get(each))
            for each in dict.fromkeys([*people, *services, *states])
        )
    )


def check_service(books: Books, call: Call[None, Asked]) -> Planned | Refused:
    """Ask a directory service, and say what would change; nothing is done."""
    plan = _asked(books, call)
    return plan if isinstance(plan, Refused) else _planned(plan, {}, ())


def take_service(books: Books, call: Call[Going, Asked]) -> Done | Refused:
    """Take what a directory service tells, as it was shown by `check`."""
    plan = _asked(books, call)
    return plan if isinstance(plan, Refused) else _gone(books, call, plan)


# ── inside ──────────────────────────────────────────────────────────────────────────────────


def _looked(books: Books, body: File) -> files.Looked | Refused:
    habits = Habits(CSV, whole=body.complete, adopt=body.adopt)
    return files.look(books, body.csv.encode(), habits)


def _asked(books: Books, call: Call[Any, Any]) -> Plan | Refused:
    service = _service(call)
    try:
        return rounds.plan_of(books, service)
    except PrintmeshError as error:
        return Refused(f"{service.name} cannot be read: {error}")


def _service(call: Call[Any, Any]) -> LdapSettings:
    name = call.path["service"]
    found = next((each for each in call.desk.services if each.name == name), None)
    if found is None:
        raise NotFound(f"There is no directory service {name!r} in the settings.")
    return found


def _gone(books: Books, call: Call[Any, Any], plan: Plan) -> Done | Refused:
    body: Going = call.body
    done = files.carry_out_as_shown(
        books,
        call.by,
        plan,
        shown=body.plan,
        skip_wrong=body.skip_wrong,
        confirmed=body.confirmed,
    )
    return done if isinstance(done, Refused) else _done(done)


def _done(done: Applied) -> Done:
    return Done(counts=done.plan.counts(), skipped=_wrong(done.skipped))


def _planned(plan: Plan, columns: dict[str, str], ignored: tuple[str, ...]) -> Planned:
    brake = plan.brake
    return Planned(
        plan=plan.fingerprint,
        counts=plan.counts(),
        lines=tuple(islice(_lines(plan), _SHOWN)),
        wrong=_wrong(plan.refusals),
        brake=None if brake is None else Brake(leaving=brake.leaving, of=brake.of),
        columns=columns,
        ignored=ignored,
    )


def _lines(plan: Plan) -> Iterator[Line]:
    for each in plan.disables:
        yield Line(user=each.name, what="disabled", display=each.display, fields=())
    for change in plan.returns:
        yield Line(
            user=change.name,
            what="returned",
            display=change.wanted.display or "",
            fields=change.fields,
        )
    for change in plan.changes:
        yield Line(
            user=change.name,
            what="changed",
            display=change.wanted.display or "",
            fields=change.fields,
        )
    for change in plan.adds:
        yield Line(user=change.name, what="added", display=change.wanted.display or "", fields=())


def _wrong(given: tuple[Refusal, ...]) -> tuple[Wrong, ...]:
    return tuple(Wrong(where=each.where, user=each.name, why=each.why) for each in given[:_SHOWN])


def _source(
    source: str,
    service: str | None,
    people: tuple[int, int],
    state: people_sources.SourceState | None,
) -> Source:
    return Source(
        source=source,
        service=service,
        people=people[0],
        enabled=people[1],
        state=None if state is None else state.state,
        counts={} if state is None else dict(state.counts),
        remark="" if state is None else state.remark,
        ended_at=None if state is None else state.ended_at,
        due=None if state is None else state.due,
    )


_COUNTS: Final = {
    "added": 1,
    "changed": 1,
    "returned": 0,
    "disabled": 0,
    "same": 40,
    "refused": 1,
}
_PLANNED: Final = {
    "plan": "5f0c4e1a9b27d386",
    "counts": _COUNTS,
    "lines": [
        {"user": "ana", "what": "changed", "display": "Ana Lima", "fields": ["display"]},
        {"user": "cara", "what": "added", "display": "Cara", "fields": []},
    ],
    "wrong": [{"where": "line 7", "user": "", "why": "there is no user name"}],
    "brake": None,
    "columns": {"name": "Login", "display": "Name"},
    "ignored": ["Room"],
}
_CSV: Final = {"csv": "Login;Name;Room\nana;Ana Lima;12\ncara;Cara;\n"}
_DONE: Final = {"counts": {**_COUNTS, "refused": 0}, "skipped": []}
_GOING: Final = {"plan": "5f0c4e1a9b27d386"}
_SOURCE: Final = {
    "source": "ldap:staff",
    "service": "staff",
    "people": 42,
    "enabled": 41,
    "state": "done",
    "counts": _COUNTS,
    "remark": "",
    "ended_at": "2026-11-22T02:00:04Z",
    "due": "2026-11-23T02:00:00Z",
}

ROUTES: Final = (
    Route(
        method="POST",
        path="/imports/check",
        right=Right.CHANGE_PEOPLE,
        at_length=check_file,
        reads=True,
        body_most=_BODY,
        takes=File,
        gives=Planned,
        example=Example(_PLANNED, _CSV),
    ),
    Route(
        method="POST",
        path="/imports/take",
        right=Right.CHANGE_PEOPLE,
        at_length=take_file,
        body_most=_BODY,
        takes=Taking,
        gives=Done,
        example=Example(_DONE, {**_CSV, **_GOING}),
    ),
    Route(
        method="GET",
        path="/sources",
        right=Right.CHANGE_PEOPLE,
        do=sources,
        gives=Sources,
        example=Example({"items": [_SOURCE]}),
    ),
    Route(
        method="POST",
        path="/sources/{service}/check",
        right=Right.CHANGE_PEOPLE,
        at_length=check_service,
        reads=True,
        gives=Planned,
        example=Example({**_PLANNED, "columns": {}, "ignored": []}),
    ),
    Route(
        method="POST",
        path="/sources/{service}/take",
        right=Right.CHANGE_PEOPLE,
        at_length=take_service,
        takes=Going,
        gives=Done,
        example=Example(_DONE, _GOING),
    ),
)
