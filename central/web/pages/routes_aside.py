"""Events that were put aside: listed, shown, mended by hand, tried again, let be."""

from __future__ import annotations

import json
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Final

from starlette.exceptions import HTTPException

from central.acts import consequences
from central.acts import nodes as acts
from central.rights import Right
from central.store import aside_list, overview, quarantine
from central.store.aside_list import Listed
from central.store.ledger import Refused
from central.web.export import Kind
from central.web.pages import fleet_views, lists, node_words, sentences
from central.web.pages.lists import Cell, Column, Filter, ListOf, Query, Rows
from central.web.pages.sentences import mark
from central.web.pages.table import Page
from central.web.pages.views import Chip, Empty, Notice

if TYPE_CHECKING:
    from starlette.responses import Response

    from central.store.books import Transaction
    from central.store.quarantine import Put
    from central.web.pages.forms import Wrong
    from central.web.pages.lists import ListView
    from central.web.pages.views import Tone
    from central.web.pages.visit import Visit

#: What became of it → in words.
STATES: Final[dict[str, tuple[Tone, str]]] = {
    "quarantined": ("trouble", mark("waits")),
    "repaired": ("good", mark("mended")),
    "applied": ("good", mark("went well when tried again")),
    "dismissed": ("unknown", mark("let be")),
}
_WHY: Final = mark("Say why; it is kept.")
_TEXT_MOST: Final = 20_000


@dataclass(frozen=True, slots=True)
class Aside:
    """The list."""

    waiting: int
    """That wait, as far as they were counted."""
    all: bool
    list: ListView


@dataclass(frozen=True, slots=True)
class Event:
    """One event's page."""

    put: Put
    site: str
    state: Chip
    text: str
    """Its own text, with its lines broken for people."""
    instead: str
    """What was applied in its place, the same."""
    meant: tuple[str, ...]
    """What letting it be would mean."""
    may_run: bool
    typed: str = ""
    """The event that is to stand for it."""
    difference: tuple[tuple[str, str], ...] = ()
    """Lines in which it differs: `+`, `-` or blank, and the line."""
    reason: str = ""
    wrong: Wrong = field(default_factory=dict)


def _read(tx: Transaction, query: Query) -> Rows[Listed]:
    nodes = query.sites
    wanted = query.filters.get("node")
    if wanted:
        nodes = frozenset({wanted}) if nodes is None or wanted in nodes else frozenset()
    stream, _, seq = query.after.partition(".")
    after = (int(stream), int(seq)) if stream.isdigit() and seq.isdigit() else None
    found = aside_list.page(
        tx,
        nodes,
        also_mended=bool(query.filters.get("all")),
        after=after,
        limit=query.limit + 1,
    )
    shown = found[: query.limit]
    return Rows(tuple(shown), shown[-1].id if len(found) > query.limit else "")


def _chip(visit: Visit, state: str) -> Chip:
    tone, word = STATES.get(state, ("unknown", state))
    return Chip(tone, visit.say(word))


_COLUMNS: Final = (
    Column[Listed](
        "event",
        mark("Event"),
        lambda row, _: Cell(row.type or row.id, row.id if row.type else ""),
        lambda row: row.id,
    ),
    Column[Listed](
        "node",
        mark("Site"),
        lambda row, _: Cell(row.node, href=f"/nodes/{row.node}"),
        lambda row: row.node,
    ),
    Column[Listed](
        "why", mark("Why"), lambda row, _: Cell(row.reason), lambda row: row.reason, wide=True
    ),
    Column[Listed](
        "state",
        mark("State"),
        lambda row, visit: Cell(chip=_chip(visit, row.state), note=row.author),
        lambda row: row.state,
    ),
    Column[Listed](
        "at",
        mark("Since"),
        lambda row, visit: Cell(when=visit.local(row.at)),
        lambda row: row.at,
        Kind.MOMENT,
        number=True,
    ),
)

LIST: Final = ListOf(
    "put-aside",
    _COLUMNS,
    _read,
    Right.SEE_FLEET,
    filters=(
        Filter("node", mark("Site"), "choice", fleet_views.site_choices),
        Filter("all", mark("Also those that were seen to"), "switch"),
    ),
    link=lambda row: f"/nodes/~aside/{row.id}",
)


async def show(visit: Visit) -> Response:
    """Show what was put aside."""
    if (fetched := lists.file(visit, LIST)) is not None:
        return fetched
    query = lists.query_of(visit, LIST)

    def look(tx: Transaction) -> tuple[list[overview.SiteGlance], Rows[Listed]]:
        return overview.sites(tx, query.sites), _read(tx, query)

    sites, rows = await visit.read(look)
    fleet_views.keep_choices(visit, sites)
    empty = Empty(
        "good",
        visit.say(mark("Nothing was put aside")),
        visit.say(
            mark(
                "An event that cannot be booked waits here with its reason, while all others go on."
            )
        ),
    )
    table = lists.shown(visit, LIST, query, rows, empty=empty)
    waiting = sum(each.state == "quarantined" for each in rows.rows)
    return visit.page("fleet-aside.html", Aside(waiting, bool(query.filters.get("all")), table))


def _find(tx: Transaction, visit: Visit, right: Right) -> Put:
    put = quarantine.find(tx, visit.path("id"))
    if put is None:
        raise HTTPException(404, sentences.NO_PAGE)
    visit.check(right, put.node)
    return put


def _pretty(text: str | None) -> str:
    try:
        return json.dumps(json.loads(text or ""), indent=2, ensure_ascii=False)
    except ValueError:
        return text or ""


async def one(visit: Visit) -> Response:
    """Show an event."""
    return await _shown(visit, 200)


async def _shown(
    visit: Visit, status: int, *, typed: str = "", wrong: Wrong | None = None
) -> Response:
    def look(tx: Transaction) -> tuple[Put, str, tuple[str, ...]]:
        put = _find(tx, visit, Right.SEE_FLEET)
        told = consequences.of_dismissal(tx, put)
        meant = [visit.say(mark("What was printed is then not charged to anybody."))]
        if told.money:
            said = mark("%(what)s that it had spent go back.")
            meant.append(visit.say(said, what=node_words.accounts(visit, told)))
        return put, fleet_views.glance_at(tx, put.node).site, tuple(meant)

    put, site, meant = await visit.read(look)
    difference: tuple[tuple[str, str], ...] = ()
    found = dict(wrong or {})
    if typed and put.state == "quarantined":
        checked = quarantine.check(put, _compact(typed))
        if isinstance(checked, Refused):
            found.setdefault("event", checked.reason)
        # without the two lines that name both
        lines = quarantine.difference(put, typed)[2:]
        difference = tuple((line[:1], line[1:]) for line in lines)
    view = Event(
        put,
        site,
        _chip(visit, put.state),
        _pretty(put.data),
        _pretty(put.instead) if put.instead else "",
        meant,
        visit.may(Right.RUN_FLEET, put.node),
        typed,
        difference,
        visit.form.text("reason", 300),
        found,
    )
    return visit.page("fleet-event.html", view, status=status)


def _compact(text: str) -> str:
    """Return an event as it is kept: what people broke into lines is one."""
    try:
        return json.dumps(json.loads(text), ensure_ascii=False, separators=(",", ":"))
    except ValueError:
        return text


async def repair(visit: Visit) -> Response:
    """Apply another event in its place; first it is shown what differs."""
    id_, reason = visit.path("id"), visit.form.text("reason", 300)
    typed = visit.form.text("event", _TEXT_MOST)
    await visit.read(lambda tx: _find(tx, visit, Right.RUN_FLEET))
    if visit.form.text("step") != "apply":
        return await _shown(visit, 200, typed=typed)
    if not reason:
        return await _shown(visit, 422, typed=typed, wrong={"reason": visit.say(_WHY)})

    def act(tx: Transaction) -> object:
        _find(tx, visit, Right.RUN_FLEET)
        text = _compact(typed)
        return acts.repair(tx, visit.by, id_, text, reason=reason, linked=frozenset())

    done = await visit.write(act)
    if isinstance(done, Refused):
        return await _shown(visit, 422, typed=typed, wrong={"event": done.reason})
    return _on(visit, mark("Applied in its place. Its own text and hash stay."))


async def replay(visit: Visit) -> Response:
    """Try it again."""
    id_, reason = visit.path("id"), visit.form.text("reason", 300)

    def act(tx: Transaction) -> object:
        _find(tx, visit, Right.RUN_FLEET)
        return acts.replay(tx, visit.by, id_, reason=reason, linked=frozenset())

    done = await visit.write(act)
    if isinstance(done, Refused):
        said = visit.say(mark("It still cannot be booked; nothing was changed."))
        return visit.go(f"/nodes/~aside/{id_}", Notice("waiting", said, done.reason))
    return _on(visit, mark("It is booked now."))


async def dismiss(visit: Visit) -> Response:
    """Let it be."""
    id_, reason = visit.path("id"), visit.form.text("reason", 300)
    await visit.read(lambda tx: _find(tx, visit, Right.RUN_FLEET))
    if not reason:
        return await _shown(visit, 422, wrong={"dismiss": visit.say(_WHY)})

    def act(tx: Transaction) -> object:
        _find(tx, visit, Right.RUN_FLEET)
        return acts.dismiss(tx, visit.by, id_, reason=reason)

    done = await visit.write(act)
    if isinstance(done, Refused):
        return visit.go(f"/nodes/~aside/{id_}", Notice("waiting", done.reason))
    return _on(visit, mark("It is without effect now. What it had spent is back."))


def _on(visit: Visit, sentence: str) -> Response:
    return visit.go(f"/nodes/~aside/{visit.path('id')}", Notice("good", visit.say(sentence)))


PAGES: Final = (
    Page("/nodes/~aside", show, Right.SEE_FLEET),
    Page("/nodes/~aside/{id}", one, Right.SEE_FLEET),
    Page("/nodes/~aside/{id}/repair", repair, Right.RUN_FLEET, methods=("POST",)),
    Page("/nodes/~aside/{id}/replay", replay, Right.RUN_FLEET, methods=("POST",)),
    Page("/nodes/~aside/{id}/dismiss", dismiss, Right.RUN_FLEET, methods=("POST",)),
)
