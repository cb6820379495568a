"""People from elsewhere: a file that is looked at before it is taken; directory services."""

from __future__ import annotations

import asyncio
from dataclasses import dataclass, field
from functools import partial
from typing import TYPE_CHECKING, Final

from starlette.exceptions import HTTPException

from central.importing import files, rounds
from central.importing.plan import Habits
from central.rights import Right
from central.store import people_sources, person_search
from central.store.ledger import Refused
from central.store.person import CSV
from central.web.pages import import_words, people_drafts, people_words, sentences
from central.web.pages.people_drafts import Draft
from central.web.pages.sentences import mark
from central.web.pages.table import Page
from central.web.pages.views import Notice
from config.errors import PrintmeshError

if TYPE_CHECKING:
    from datetime import datetime

    from starlette.responses import Response

    from central.importing.plan import Plan
    from central.store.books import Books, Transaction
    from central.web.pages.forms import Wrong
    from central.web.pages.import_words import Preview
    from central.web.pages.views import Chip
    from central.web.pages.visit import Visit
    from config.settings_directory_services import LdapSettings

#: Octets of a file from a browser; longer ones are for the command line.
_LONGEST: Final = 16 * 1024 * 1024
_FORM: Final = 16_384
#: Seconds that a short import is waited for before its page shows how far it is.
_PATIENCE: Final = 1.5


@dataclass(frozen=True, slots=True)
class Upload:
    """The form."""

    wrong: Wrong = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class SourceView:
    """Where people come from."""

    label: str
    service: str
    """Name of the directory service; empty: it is none, or not in the settings."""
    people: int
    enabled: int
    chip: Chip | None
    ended_at: datetime | None
    due: datetime | None
    counts: str
    remark: str


@dataclass(frozen=True, slots=True)
class Sources:
    """The page."""

    sources: tuple[SourceView, ...]
    services: int


# ── a file ──────────────────────────────────────────────────────────────────────────────────


async def ask(visit: Visit) -> Response:
    """Ask for a file."""
    return visit.page("import-file.html", Upload())


async def upload(visit: Visit) -> Response:
    """Look at a file: nothing is changed by it."""
    file, form = visit.form.files.get("file"), visit.form
    content = b""
    if file is not None:
        content = await file.read()
        await file.close()
    if not content:
        view = Upload({"file": visit.say(mark("Choose a file that is not empty."))})
        return visit.page("import-file.html", view, status=422)
    habits = Habits(CSV, whole=form.ticked("complete"), adopt=form.ticked("adopt"))
    books = visit.centre.books
    found = await asyncio.to_thread(files.look, books, content, habits)
    if isinstance(found, Refused):
        why = found.reason
        view = Upload({"file": visit.say(mark("This file cannot be read: %(why)s"), why=why)})
        return visit.page("import-file.html", view, status=422)
    draft = Draft(
        people_drafts.new_id(),
        visit.name,
        visit.centre.clock(),
        CSV,
        found.plan,
        partial(_again, books, content, habits),
        tuple((column, header) for column, header in found.read.columns.items()),
        found.read.ignored,
        skip_wrong=form.ticked("skip_wrong"),
    )
    visit.centre.drafts.keep(draft, visit.centre.clock())
    return visit.go(f"/people/:import/{draft.id}")


def _again(books: Books, content: bytes, habits: Habits) -> Plan:
    found = files.look(books, content, habits)
    if isinstance(found, Refused):
        raise PrintmeshError("the file cannot be read any more")
    return found.plan


# ── looked at, and carried out ──────────────────────────────────────────────────────────────


def _draft(visit: Visit) -> Draft:
    found = visit.centre.drafts.find(visit.path("id"), visit.name, visit.centre.clock())
    if found is None:
        raise HTTPException(404, sentences.NO_PAGE)
    return found


async def show(visit: Visit) -> Response:
    """Show what an import would change, how far it is, or what became of it."""
    draft = _draft(visit)
    response = visit.page("import-draft.html", _preview(visit, draft))
    if draft.state == "running":
        response.headers["refresh"] = "2"
    return response


def _preview(visit: Visit, draft: Draft, wrong: str = "") -> Preview:
    return import_words.preview(visit, draft, wrong)


async def apply(visit: Visit) -> Response:
    """Carry an import out as it was shown; another one than that is shown first."""
    draft = _draft(visit)
    here = f"/people/:import/{draft.id}"
    if draft.state in {"running", "done"}:
        return visit.go(here)
    if visit.centre.drafts.running:
        notice = visit.told("waiting", mark("Another import is under way; wait until it is done."))
        return visit.go(here, notice)
    plan = draft.plan
    if plan.refusals and not (draft.skip_wrong or visit.form.ticked("skip_wrong")):
        said = visit.say(mark("Say that the others shall be taken without those that are wrong."))
        return visit.page("import-draft.html", _preview(visit, draft, said), status=422)
    typed = visit.form.text("confirm", 9)
    confirmed = int(typed) if typed.isascii() and typed.isdigit() else None
    if plan.brake is not None and confirmed != plan.brake.leaving:
        said = visit.say(mark("Type how many people would be disabled."))
        return visit.page("import-draft.html", _preview(visit, draft, said), status=422)
    if visit.form.text("plan", 40) != plan.fingerprint:
        return visit.go(here)
    task = people_drafts.begin(visit.centre.books, visit.by, draft, confirmed=confirmed)
    await asyncio.wait({task}, timeout=_PATIENCE)
    return visit.go(here)


# ── sources ─────────────────────────────────────────────────────────────────────────────────


async def show_sources(visit: Visit) -> Response:
    """Show where people come from."""
    services = {rounds.source_of(each): each for each in visit.centre.settings.ldap}

    def look(tx: Transaction) -> tuple[SourceView, ...]:
        states = {each.source: each for each in people_sources.every(tx)}
        people = {source: (many, on) for source, many, on in person_search.sources(tx)}
        return tuple(
            _source(visit, each, services.get(each), people.get(each, (0, 0)), states.get(each))
            for each in dict.fromkeys([*people, *services, *states])
        )

    return visit.page("import-sources.html", Sources(await visit.read(look), len(services)))


def _source(
    visit: Visit,
    source: str,
    service: LdapSettings | None,
    people: tuple[int, int],
    state: people_sources.SourceState | None,
) -> SourceView:
    ended = None if state is None else state.ended_at
    due = None if state is None else state.due
    return SourceView(
        people_words.source_word(visit, source),
        "" if service is None else service.name,
        *people,
        None if state is None else import_words.state_chip(visit, state.state),
        None if ended is None else visit.local(ended),
        None if due is None else visit.local(due),
        "" if state is None else import_words.counts(visit, state.counts),
        "" if state is None else state.remark,
    )


async def preview_service(visit: Visit) -> Response:
    """Ask a directory service, and show what would change."""
    name, books = visit.path("name"), visit.centre.books
    service = next((each for each in visit.centre.settings.ldap if each.name == name), None)
    if service is None:
        raise HTTPException(404, sentences.NO_PAGE)
    again = partial(rounds.plan_of, books, service)
    try:
        plan = await asyncio.to_thread(again)
    except PrintmeshError as error:
        notice = Notice("trouble", visit.say(mark("The service cannot be read.")), str(error))
        return visit.go("/people/:sources", notice)
    now = visit.centre.clock()
    draft = Draft(
        people_drafts.new_id(), visit.name, now, plan.source, plan, again, skip_wrong=True
    )
    visit.centre.drafts.keep(draft, now)
    return visit.go(f"/people/:import/{draft.id}")


PAGES: Final = (
    Page("/people/:import", ask, Right.CHANGE_PEOPLE),
    Page(
        "/people/:import",
        upload,
        Right.CHANGE_PEOPLE,
        methods=("POST",),
        body_most=_LONGEST + _FORM,
        files=1,
    ),
    Page("/people/:import/{id}", show, Right.CHANGE_PEOPLE),
    Page("/people/:import/{id}", apply, Right.CHANGE_PEOPLE, methods=("POST",)),
    Page("/people/:sources", show_sources, Right.CHANGE_PEOPLE),
    Page("/people/:sources/{name}", preview_service, Right.CHANGE_PEOPLE, methods=("POST",)),
)
