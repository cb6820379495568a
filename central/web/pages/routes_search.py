"""One field for everything: people, printers, sites and jobs, each within what one may see."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Final
from urllib.parse import urlencode
from uuid import UUID

from central.folding import folded
from central.rights import Right
from central.store import job_search, lists, nodes, person_search
from central.web.pages import people_words, routes_jobs
from central.web.pages.overview_table import PICTURE, state_chip
from central.web.pages.sentences import mark
from central.web.pages.table import Page

if TYPE_CHECKING:
    from starlette.responses import Response

    from central.store.books import Transaction
    from central.web.pages.views import Chip
    from central.web.pages.visit import Visit

_EACH: Final = 10
_TYPING: Final = 4
_LEAST: Final = 2


@dataclass(frozen=True, slots=True)
class Hit:
    """Something that was found."""

    href: str
    icon: str
    text: str
    note: str = ""
    chip: Chip | None = None


@dataclass(frozen=True, slots=True)
class Kind:
    """Hits of one kind."""

    label: str
    hits: tuple[Hit, ...]
    more: str = ""
    """Where the rest is; empty: this is all."""


@dataclass(frozen=True, slots=True)
class Search:
    """The page."""

    text: str
    kinds: tuple[Kind, ...]
    short: bool
    """So little was typed that nothing was looked for."""

    @property
    def number(self) -> int:
        """How many hits are shown."""
        return sum(len(each.hits) for each in self.kinds)


async def show(visit: Visit) -> Response:
    """Show what is found."""
    text = visit.asked("q", 100)
    return visit.page("search.html", await visit.read(lambda tx: _search(tx, visit, text, _EACH)))


async def find(visit: Visit) -> Response:
    """Return the same while somebody types: a part of a page; jobs by their id only."""
    text = visit.asked("q", 100)
    found = await visit.read(lambda tx: _search(tx, visit, text, _TYPING, typing=True))
    return visit.page("search-found.html", found)


def _search(tx: Transaction, visit: Visit, text: str, most: int, *, typing: bool = False) -> Search:
    if len(text) < _LEAST:
        return Search(text, (), short=True)
    kinds = (
        _people(tx, visit, text, most),
        _places(tx, visit, text, most),
        _printers(tx, visit, text, most),
        _jobs(tx, visit, text, most, typing=typing),
    )
    return Search(
        text, tuple(each for each in kinds if each is not None and each.hits), short=False
    )


def _people(tx: Transaction, visit: Visit, text: str, most: int) -> Kind | None:
    if not visit.may(Right.SEE_PEOPLE):
        return None
    found = person_search.suggest(tx, text, limit=most + 1)
    hits = tuple(
        Hit(
            people_words.address_of(each.name),
            "person",
            each.read,
            " · ".join(filter(None, (each.name, each.about.department))),
            None if each.enabled else people_words.state_chip(visit, each),
        )
        for each in found[:most]
    )
    more = f"/people?{urlencode({'q': text})}" if len(found) > most else ""
    return Kind(visit.say(mark("People")), hits, more)


def _places(tx: Transaction, visit: Visit, text: str, most: int) -> Kind | None:
    if not visit.may(Right.SEE_FLEET):
        return None
    sites, wanted = visit.sites(Right.SEE_FLEET), folded(text)
    hits = [
        Hit(f"/sites/{node_id}", "site", site, node_id)
        for node_id, site in nodes.sites_called(tx).items()
        if (sites is None or node_id in sites)
        and wanted
        and (wanted in folded(site) or wanted in node_id)
    ]
    return Kind(visit.say(mark("Sites")), tuple(hits[:most]), "/sites" if len(hits) > most else "")


def _printers(tx: Transaction, visit: Visit, text: str, most: int) -> Kind | None:
    if not visit.may(Right.SEE_FLEET):
        return None
    wanted, sites = folded(text), visit.sites(Right.SEE_FLEET)
    found = [
        each
        for each in PICTURE.devices(tx, sites)
        if wanted and (wanted in folded(each.name) or wanted in each.device.lower())
    ]
    hits = tuple(
        Hit(
            f"/printers/{each.node}/{each.device}",
            "release",
            each.name,
            each.device,
            state_chip(visit, each),
        )
        for each in found[:most]
    )
    more = f"/printers?{urlencode({'q': text})}" if len(found) > most else ""
    return Kind(visit.say(mark("Printers")), hits, more)


def _jobs(tx: Transaction, visit: Visit, text: str, most: int, *, typing: bool) -> Kind | None:
    if not visit.may(Right.SEE_JOBS):
        return None
    sites = visit.sites(Right.SEE_JOBS)
    try:
        one = lists.job(tx, UUID(text))
    except ValueError:
        one = None
    if one is not None:
        found: tuple[lists.ListedJob, ...] = (one,)
        if sites is not None and one.job.node not in sites:
            found = ()
    elif typing:
        # names of jobs are in no index of words: at each key that would be too dear
        return None
    else:
        found = job_search.search(tx, job_search.Which(nodes=sites, name=text), limit=most).jobs
    hits = tuple(
        Hit(
            f"/jobs/{row.listed.job.job}",
            "jobs",
            routes_jobs.named(row, visit),
            " · ".join(filter(None, (row.listed.job.user, row.site, row.printer))),
        )
        for row in routes_jobs.rows_of(tx, found)
    )
    more = f"/jobs?{urlencode({'q': text})}" if len(hits) == most else ""
    return replace(Kind(visit.say(mark("Jobs")), hits), more=more)


PAGES: Final = (
    Page("/search", show, Right.STAFF),
    Page("/search/:find", find, Right.STAFF),
)
