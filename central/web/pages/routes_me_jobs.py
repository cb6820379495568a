"""One's own held jobs, from anywhere: where they wait, and how each is to be printed."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final

from starlette.exceptions import HTTPException

from broker.directory import PrinterRow
from central.acts import wishes
from central.acts.wishes import NotSent
from central.rights import Right
from central.store import directory, job_life, job_search, nodes, overview, uploads
from central.web.pages import me_paper, me_words, sentences
from central.web.pages.sentences import mark
from central.web.pages.table import Page
from central.web.pages.views import Choice, Consequence, Notice, SiteChip

if TYPE_CHECKING:
    from collections.abc import Mapping
    from datetime import datetime
    from uuid import UUID

    from starlette.responses import Response

    from central.acts.wishes import What
    from central.job_fold import JobRecord
    from central.store.books import Transaction
    from central.store.job_life import JobLife
    from central.store.lists import ListedJob
    from central.store.overview import SiteGlance
    from central.web.pages.visit import Visit

#: Jobs that are shown at once; at a site at most 200 of a person's wait.
_MOST: Final = 100
NOT_SENT: Final = {
    "no-job": mark("This document does not wait any more."),
    "alone": mark(
        "%(site)s works alone now, so nothing can be sent there. Nothing was queued: "
        "print it at a machine there, which works as always."
    ),
    "old": mark(
        "The program at %(site)s is older than this page and cannot be asked from here. "
        "Print it at a machine there."
    ),
    "printer": mark("This printer is not at %(site)s. Choose another one."),
    "too-many": mark("That was very much at once. Wait a minute."),
}


@dataclass(frozen=True, slots=True)
class Waiting:
    """A document that waits."""

    job: UUID
    name: str
    what: str
    at: datetime
    refusal: str
    """Why it was not released the last time; empty: it was not tried, or it went well."""
    asked: str
    """Address of a wish that is under way; empty: none."""


@dataclass(frozen=True, slots=True)
class Place:
    """A site where documents wait."""

    chip: SiteChip
    reachable: bool
    why_not: str
    printers: tuple[Choice, ...]
    jobs: tuple[Waiting, ...]


@dataclass(frozen=True, slots=True)
class Jobs:
    """The page."""

    number: int
    places: tuple[Place, ...]
    more: bool
    send: bool
    """Documents can be sent from here."""
    on_their_way: int = 0
    """Documents that were sent from here and are not there yet."""


async def jobs(visit: Visit) -> Response:
    """Show what waits, by site."""
    return visit.page("me-jobs.html", await visit.read(lambda tx: _jobs(tx, visit)))


def _jobs(tx: Transaction, visit: Visit) -> Jobs:
    name = visit.me.name
    which = job_search.Which(user=name, state="pending-held")
    found = job_search.search(tx, which, limit=_MOST)
    asked = {each.args.get("job"): each for each in wishes.lately(tx, name)}
    done = {
        job
        for job, each in asked.items()
        if each.state == "successful" and each.what != "quote-job"
    }
    under_way = {
        job: f"/me/asked/{each.id}"
        for job, each in asked.items()
        if not each.over and each.what != "quote-job"
    }
    by_site: dict[str, list[ListedJob]] = {}
    for each in found.jobs:
        if str(each.job.job) not in done:
            by_site.setdefault(each.job.node, []).append(each)
    glances = {each.node: each for each in overview.sites(tx, set(by_site))} if by_site else {}
    printers = _printers(tx, visit, set(by_site))
    places = []
    for node, held in by_site.items():
        glance = glances.get(node)
        if glance is None:
            continue
        why_not = _why_not(tx, visit, glance)
        places.append(
            Place(
                site_chip(visit, glance),
                reachable=not why_not and bool(printers.get(node)),
                why_not=why_not,
                printers=tuple(printers.get(node, ())),
                jobs=tuple(_waiting(visit, each, under_way) for each in held),
            )
        )
    number = sum(len(each.jobs) for each in places)
    send = visit.centre.settings.web.uploads.enabled
    on_their_way = uploads.taken(tx, name).documents if send else 0
    return Jobs(number, tuple(places), found.before is not None, send, on_their_way)


def _waiting(visit: Visit, listed: ListedJob, under_way: Mapping[Any, str]) -> Waiting:
    job = listed.job
    counted = next((each for each in job.counts if each.source == "analysis"), None)
    what = visit.say(mark("pages nobody has counted yet"))
    if counted is not None and counted.impressions is not None:
        what = visit.words.pages(counted.impressions, counted.sheets)
        if counted.color_impressions:
            number = visit.words.number(counted.color_impressions)
            what += ", " + visit.say(mark("%(num)s in colour"), num=number)
    at = visit.local(job.received_at or listed.updated_at)
    asked = under_way.get(str(job.job), "")
    return Waiting(job.job, me_words.name_of(visit, job), what, at, _refusal(visit, job), asked)


def site_chip(visit: Visit, glance: SiteGlance) -> SiteChip:
    """Return how a site's line is, as everywhere."""
    since = None if glance.since is None else visit.local(glance.since)
    return SiteChip(glance.node, glance.site, glance.state, since)


def _refusal(visit: Visit, job: JobRecord) -> str:
    return me_words.reason(visit, job.refused, job.detail) if job.refused else job.detail


def _why_not(tx: Transaction, visit: Visit, glance: SiteGlance) -> str:
    """Say why nothing can be sent to a site now; empty: it can."""
    if glance.state != "linked":
        return visit.say(NOT_SENT["alone"], site=glance.site)
    if nodes.wire(tx, glance.node) < wishes.WIRE:
        return visit.say(NOT_SENT["old"], site=glance.site)
    return ""


def _printers(tx: Transaction, visit: Visit, at: set[str]) -> dict[str, list[Choice]]:
    """Return the printers of sites, the one used last at each first."""
    last = visit.request.cookies.get("printmesh-printer", "")
    found: dict[str, list[Choice]] = {}
    rows = [PrinterRow.model_validate(row) for row in directory.printers_at(tx, at).values()]
    for row in sorted(rows, key=lambda each: overview.natural(each.name or each.device)):
        choice = Choice(row.device, row.name or row.device, chosen=row.device == last)
        found.setdefault(row.node, []).append(choice)
    return found


# ── one of them ─────────────────────────────────────────────────────────────────────────────


@dataclass(frozen=True, slots=True)
class OneHeld:
    """The page."""

    job: UUID
    name: str
    what: str
    chip: SiteChip
    why_not: str
    printers: tuple[Choice, ...]
    sides: tuple[Choice, ...]
    modes: tuple[Choice, ...]
    refusal: str
    """Why it was not released the last time; empty: it was not tried, or it went well."""
    copies: str = ""
    wrong: str = ""


async def one(visit: Visit) -> Response:
    """Show how a document is to be printed, and where."""
    job = visit.uuid("job")
    view = await visit.read(lambda tx: _one(tx, visit, job, {}))
    if view is None:
        return visit.go(f"/me/jobs/{job}/why")
    return visit.page("me-held.html", view)


def _one(
    tx: Transaction, visit: Visit, id_: UUID, given: Mapping[str, str], wrong: str = ""
) -> OneHeld | None:
    life = own(tx, visit, id_)
    job = life.listed.job
    glances = overview.sites(tx, {job.node})
    if job.state != "pending-held" or not glances:
        return None
    printer = given.get("printer", "")
    printers = [
        Choice(each.value, each.label, chosen=each.value == printer if printer else each.chosen)
        for each in _printers(tx, visit, {job.node}).get(job.node, ())
    ]
    return OneHeld(
        id_,
        me_words.name_of(visit, job),
        me_words.what(visit, life.answer),
        site_chip(visit, glances[0]),
        _why_not(tx, visit, glances[0]),
        tuple(printers),
        me_paper.choices(visit, me_paper.SIDES, given.get("sides", "")),
        me_paper.choices(visit, me_paper.MODES, given.get("mode", "")),
        _refusal(visit, job),
        given.get("copies", ""),
        wrong,
    )


async def send(visit: Visit) -> Response:
    """Have a document printed, or priced, at its site."""
    job, form = visit.uuid("job"), visit.form
    changes = me_paper.chosen(visit)
    what: What = "quote-job" if form.text("do", 20) == "quote" else "release-job"
    printer = form.text("printer", 64)
    if isinstance(changes, str):
        view = await visit.read(lambda tx: _one(tx, visit, job, form.fields, changes))
        if view is None:
            return visit.go("/me/jobs")
        return visit.page("me-held.html", view, status=422)
    if printer:
        visit.choose("printmesh-printer", printer)
    return await wished(
        visit, what, job, printer=printer, changes=changes, confirmed=form.ticked("confirmed")
    )


async def delete(visit: Visit) -> Response:
    """Tell what deleting comes to, or do it."""
    job = visit.uuid("job")
    if visit.request.method == "POST":
        return await wished(visit, "cancel-job", job)
    life = await visit.read(lambda tx: own(tx, visit, job))
    if life.listed.job.state != "pending-held":
        return visit.go(f"/me/jobs/{job}/why")
    what = me_words.what(visit, life.answer)
    view = Consequence(
        title=visit.say(mark("Delete %(name)s?"), name=me_words.name_of(visit, life.listed.job)),
        numbers=(
            visit.say(mark("It is thrown away at %(site)s: %(what)s."), site=life.site, what=what),
            visit.say(mark("Nothing was charged for it, and nothing will be.")),
        ),
        verb=visit.say(mark("Delete")),
        action=f"/me/jobs/{job}/delete",
        undo=visit.say(mark("It cannot be brought back; you would print it once more.")),
    )
    return visit.page("me-delete.html", view)


async def wished(visit: Visit, what: What, job: UUID, **more: Any) -> Response:  # noqa: ANN401
    """Say a wish to a job's site, and go where its answer will stand."""
    name, by = visit.me.name, visit.by
    await visit.read(lambda tx: own(tx, visit, job))
    done = await visit.write(lambda tx: wishes.wish(tx, by, what, job, user=name, **more))
    if isinstance(done, NotSent):
        said = visit.say(NOT_SENT[done.why])
        said = said % {"site": done.site} if "%(site)s" in said else said
        return visit.go("/me/jobs", Notice("trouble", said))
    return visit.go(f"/me/asked/{done}")


def own(tx: Transaction, visit: Visit, job: UUID) -> JobLife:
    """Return a job of one's own.

    Raises:
        HTTPException: 404, there is none; of somebody else's the same is said.
    """
    life = job_life.job_life(tx, job)
    if life is None or life.listed.job.user.lower() != visit.me.name.lower():
        raise HTTPException(404, sentences.NO_PAGE)
    return life


PAGES: Final = (
    Page("/me/jobs", jobs, Right.OWN),
    Page("/me/jobs/{job}", one, Right.OWN),
    Page("/me/jobs/{job}/send", send, Right.OWN, methods=("POST",)),
    Page("/me/jobs/{job}/delete", delete, Right.OWN),
    Page("/me/jobs/{job}/delete", delete, Right.OWN, methods=("POST",)),
)
