"""Documents sent from a browser: taken in, and on their way to the site where they will wait."""

from __future__ import annotations

import asyncio
import tempfile
from contextlib import ExitStack
from dataclasses import dataclass, field
from typing import IO, TYPE_CHECKING, Any, Final
from uuid import UUID

from starlette.exceptions import HTTPException

from central.acts import uploads as acts
from central.rights import Right
from central.store import overview, uploads
from central.uploading import directory_of
from central.uploads import kinds
from central.uploads.converting import NotMade, program_of
from central.uploads.files import NoRoom, UploadFiles
from central.web.pages import me_paper, sentences
from central.web.pages.routes_me_jobs import site_chip
from central.web.pages.sentences import mark
from central.web.pages.table import Page
from central.web.pages.views import Choice
from config.policy.attributes import clean_name
from config.settings_uploads import LARGEST

if TYPE_CHECKING:
    from collections.abc import Mapping
    from datetime import datetime

    from starlette.datastructures import UploadFile
    from starlette.responses import Response

    from central.store.books import Transaction
    from central.store.overview import SiteGlance
    from central.store.uploads import Upload
    from central.uploads.files import Kept
    from central.web.pages.forms import Wrong
    from central.web.pages.views import SiteChip, Tone
    from central.web.pages.visit import Visit
    from config.settings_uploads import UploadSettings

_FORM: Final = 16_384
_MEGABYTE: Final = 1 << 20
_IN_MEMORY: Final = 1 << 20
#: Seconds between two looks of a page that shows documents on their way, and of one that shows
#: documents for sites that work alone.
_LOOKS: Final = "3"
_SELDOM: Final = "60"
_SITE: Final = "printmesh-site"
#: Why a document is not taken, each with what to do instead.
_NOT_TAKEN: Final = {
    "empty": mark("This file is empty."),
    "unknown": mark(
        "This is no kind of document that can be printed from here. Save it as PDF and send that."
    ),
    "web-page": mark("This is a web page. Print it to PDF in your browser and send that."),
    "not-that": mark("This file does not hold what its name says. Save it again and send that."),
    "pixels": mark("This picture has too many pixels. Make it smaller and send that."),
    "encoding": mark("This text is not in UTF-8. Save it as UTF-8 or as PDF and send that."),
    "absent": mark("Office documents cannot be sent here. Save it as PDF and send that."),
    "busy": mark("Other documents are being made into PDF. Try again in a minute."),
    "slow": mark("Making PDF of it took too long. Save it as PDF and send that."),
    "failed": mark("No PDF could be made of it. Save it as PDF and send that."),
    "site": mark("Nothing can be sent to this site now. Choose another one."),
    "many": mark("Many of your documents are on their way already. Wait until a site has them."),
    "large": mark("Together with those on their way it is too large. Wait until a site has them."),
    "full": mark("There is no room here for more documents. Try again later."),
}
_TOO_LARGE: Final = mark("This file is too large: %(most)s MB is the most.")
#: Why a site did not take a document.
_REFUSED: Final = {
    "over-limit": mark("Too many of your documents wait there. Print or delete some, send again."),
    "no-hold": mark("Documents cannot wait at this site."),
    "damaged": mark("It did not arrive as it was sent. Send it again."),
}
_REFUSED_ELSE: Final = mark("The site could not take it. Send it again, or print it there.")
_ON_ITS_WAY: Final = mark("It is on its way to %(site)s.")
_WAITS: Final = mark("%(site)s works alone now. It waits here for the line, until %(until)s.")
_STATES: Final[dict[str, tuple[Tone, str]]] = {
    "held": ("good", mark("It is at %(site)s and waits for you there.")),
    "expired": (
        "trouble",
        mark("%(site)s did not come back in time, so it was deleted. Send it again."),
    ),
    "withdrawn": ("unknown", mark("You took it back. It was deleted.")),
    "sent": ("waiting", _ON_ITS_WAY),
    "waiting": ("waiting", _ON_ITS_WAY),
}


@dataclass(frozen=True, slots=True)
class Form:
    """The page."""

    sites: tuple[Choice, ...]
    sides: tuple[Choice, ...]
    modes: tuple[Choice, ...]
    alone: bool
    """Some of the sites work alone now."""
    office: bool
    megabytes: int
    hours: str
    """For how long a document waits for a site that works alone."""
    copies: str = ""
    on_their_way: int = 0
    wrong: Wrong = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Sent:
    """One document."""

    id: UUID
    name: str
    tone: Tone
    state: str
    """What became of it, in a sentence."""
    detail: str
    at: datetime
    chip: SiteChip | None
    live: bool
    href: str
    """Where it is now; empty: nowhere."""


@dataclass(frozen=True, slots=True)
class AllSent:
    """The page of what was sent."""

    documents: tuple[Sent, ...]
    live: int
    moving: bool
    """Some are for a site that is linked: they are there in a moment."""


# ── sending ─────────────────────────────────────────────────────────────────────────────────


async def ask(visit: Visit) -> Response:
    """Ask for a document, and where it is to wait."""
    _offered(visit)
    return visit.page("me-print.html", await visit.read(lambda tx: _form(tx, visit)))


def _offered(visit: Visit) -> UploadSettings:
    settings = visit.centre.settings.web.uploads
    if not settings.enabled:
        raise HTTPException(404, sentences.NO_PAGE)
    return settings


def _form(
    tx: Transaction,
    visit: Visit,
    given: Mapping[str, str] | None = None,
    wrong: Wrong | None = None,
) -> Form:
    given = given or {}
    settings = visit.centre.settings.web.uploads
    sites = acts.offered(tx)
    chosen = given.get("site", "") or visit.request.cookies.get(_SITE, "")
    return Form(
        sites=tuple(
            Choice(each.node, _called(visit, each), chosen=each.node == chosen) for each in sites
        ),
        sides=me_paper.choices(
            visit, me_paper.SIDES, given.get("sides", ""), mark("as the document says")
        ),
        modes=me_paper.choices(
            visit, me_paper.MODES, given.get("mode", ""), mark("as the document says")
        ),
        alone=any(each.state != "linked" for each in sites),
        office=program_of(settings) is not None,
        megabytes=settings.largest // _MEGABYTE,
        hours=visit.words.lasting(settings.kept),
        copies=given.get("copies", ""),
        on_their_way=uploads.taken(tx, visit.me.name).documents,
        wrong=wrong or {},
    )


def _called(visit: Visit, site: SiteGlance) -> str:
    if site.state == "linked":
        return site.site
    return visit.say(mark("%(site)s (works alone now)"), site=site.site)


async def send(visit: Visit) -> Response:
    """Take a document in."""
    settings, form = _offered(visit), visit.form
    file = form.files.get("file")
    try:
        done = await _taken(visit, settings, file)
    finally:
        for each in form.files.values():
            await each.close()
    if isinstance(done, UUID):
        visit.choose(_SITE, form.text("site", 64))
        return visit.go("/me/sent")
    view = await visit.read(lambda tx: _form(tx, visit, form.fields, done))
    return visit.page("me-print.html", view, status=422)


async def _taken(visit: Visit, settings: UploadSettings, file: UploadFile | None) -> UUID | Wrong:
    """Look at a document, keep it and enter it; or say what is wrong with which field."""
    options = me_paper.chosen(visit)
    if isinstance(options, str):
        return {"copies": options}
    if file is None or not file.size:
        return {"file": visit.say(mark("Choose a file that is not empty."))}
    if file.size > settings.largest:
        return {"file": visit.say(_TOO_LARGE, most=settings.largest // _MEGABYTE)}
    with ExitStack() as stack:
        name = _name(file.filename)
        document: IO[bytes] = file.file
        found = await asyncio.to_thread(kinds.recognise, document, name)
        if isinstance(found, kinds.NotTaken):
            return {"file": visit.say(_NOT_TAKEN[found.why])}
        if found.kind == "office":
            made = stack.enter_context(tempfile.SpooledTemporaryFile(_IN_MEMORY))
            not_made = await visit.centre.office.pdf(settings, document, made)
            if isinstance(not_made, NotMade):
                return {"file": visit.say(_NOT_TAKEN[not_made.why])}
            document = made
        return await _entered(visit, settings, document, found.kind, name, options)


async def _entered(
    visit: Visit,
    settings: UploadSettings,
    document: IO[bytes],
    kind: str,
    name: str,
    options: dict[str, Any],
) -> UUID | Wrong:
    files = UploadFiles(directory_of(visit.centre.settings.data))
    try:
        kept: Kept = await asyncio.to_thread(files.keep, document)
    except NoRoom:
        return {"file": visit.say(_NOT_TAKEN["full"])}
    entered = False
    try:
        by, user, site = visit.by, visit.me.name, visit.form.text("site", 64)
        done = await visit.write(
            lambda tx: acts.send(
                tx,
                by,
                settings,
                user=user,
                site=site,
                name=name,
                kind=kind,
                kept=kept,
                options=options,
            )
        )
        entered = isinstance(done, UUID)
    finally:
        if not entered:
            files.remove(kept.file)
    if isinstance(done, acts.NotTaken):
        return {"site" if done.why == "site" else "file": visit.say(_NOT_TAKEN[done.why])}
    return done


def _name(given: str | None) -> str:
    """Return what a document is called: the last part of whatever a browser says."""
    last = (given or "").replace("\\", "/").rsplit("/", 1)[-1]
    return clean_name(last) or "document"


# ── on their way ────────────────────────────────────────────────────────────────────────────


async def sent(visit: Visit) -> Response:
    """Show what was sent, and what became of it."""
    _offered(visit)
    view = await visit.read(lambda tx: _sent(tx, visit))
    response = visit.page("me-sent.html", view)
    if view.live:
        response.headers["refresh"] = _LOOKS if view.moving else _SELDOM
    return response


def _sent(tx: Transaction, visit: Visit) -> AllSent:
    found = uploads.of(tx, visit.me.name)
    glances = {each.node: each for each in overview.sites(tx, {each.node for each in found})}
    documents = tuple(_one(visit, each, glances.get(each.node)) for each in found)
    linked = {node for node, each in glances.items() if each.state == "linked"}
    moving = any(each.live and each.node in linked for each in found)
    return AllSent(documents, sum(each.live for each in found), moving)


def _one(visit: Visit, upload: Upload, glance: SiteGlance | None) -> Sent:
    tone, state = _state(visit, upload, glance)
    known = upload.code in _REFUSED
    return Sent(
        upload.id,
        upload.name,
        tone,
        state,
        "" if known else upload.detail,
        visit.local(upload.made_at),
        None if glance is None else site_chip(visit, glance),
        upload.live,
        "/me/jobs" if upload.state == "held" else "",
    )


def _state(visit: Visit, upload: Upload, glance: SiteGlance | None) -> tuple[Tone, str]:
    """Say what became of a document, or where it is."""
    site = upload.node if glance is None else glance.site
    match upload.state:
        case "refused":
            return "trouble", visit.say(_REFUSED.get(upload.code, _REFUSED_ELSE))
        case "waiting" if glance is None or glance.state != "linked":
            until = visit.words.clock(visit.local(upload.ends_at), visit.now)
            return "waiting", visit.say(_WAITS, site=site, until=until)
    tone, said = _STATES[upload.state]
    return tone, visit.say(said, site=site)


async def withdraw(visit: Visit) -> Response:
    """Take a document back."""
    _offered(visit)
    id_ = visit.uuid("upload")
    by, user = visit.by, visit.me.name
    found = await visit.write(lambda tx: acts.withdraw(tx, by, id_, user=user))
    if found is None:
        return visit.go("/me/sent", visit.told("unknown", mark("It is not here any more.")))
    files = UploadFiles(directory_of(visit.centre.settings.data))
    await asyncio.to_thread(files.remove, found.file)
    return visit.go("/me/sent")


PAGES: Final = (
    Page("/me/print", ask, Right.OWN),
    Page("/me/print", send, Right.OWN, methods=("POST",), body_most=LARGEST + _FORM, files=1),
    Page("/me/sent", sent, Right.OWN),
    Page("/me/sent/{upload}/withdraw", withdraw, Right.OWN, methods=("POST",)),
)
