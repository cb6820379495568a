"""The overview's table: every printer of the fleet, its state in a word, what runs out first."""

from __future__ import annotations

from dataclasses import dataclass
from functools import partial
from typing import TYPE_CHECKING, Final

from central.rights import Right
from central.store import overview
from central.web.pages import addresses
from central.web.pages.lists import Cell, Column, Filter, ListOf, Query, Rows
from central.web.pages.sentences import mark
from central.web.pages.views import Chip, Choice

if TYPE_CHECKING:
    from collections.abc import Mapping

    from central.store.books import Transaction
    from central.store.overview import DeviceGlance, SiteGlance
    from central.web.pages.views import Tone
    from central.web.pages.visit import Visit

_IDLE: Final = mark("ready")
_PROCESSING: Final = mark("printing")
_STOPPED: Final = mark("stopped")
_SILENT: Final = mark("does not answer")
_UNKNOWN: Final = mark("not known")
_HAND: Final = mark("needs a hand")


@dataclass(frozen=True, slots=True)
class Fleet:
    """A printer as the table has it."""

    device: DeviceGlance
    site: SiteGlance | None


@dataclass(frozen=True, slots=True)
class State:
    """A printer's state, as it is live."""

    tone: Tone
    word: str
    """Marked."""
    note: str


def live_state(each: DeviceGlance) -> State:
    """Return a printer's state, as it is live."""
    tone, word = state_of(each)
    return State(tone, word, each.troubles[0].detail if each.troubles else "")


def state_chip(visit: Visit, each: DeviceGlance) -> Chip:
    """Return a printer's state in a word."""
    tone, word = state_of(each)
    return Chip(tone, visit.say(word))


def state_of(each: DeviceGlance) -> tuple[Tone, str]:
    """Return tone and marked word of a printer's state."""
    if each.needs_hand:
        return "trouble", _HAND
    if each.answers is False:
        return "trouble", _SILENT
    match each.state:
        case "idle":
            return "good", _IDLE
        case "processing":
            return "good", _PROCESSING
        case "stopped":
            return "waiting", _STOPPED
        case "unknown":
            return "unknown", _UNKNOWN


def _fleet(picture: overview.Picture, tx: Transaction, query: Query) -> Rows[Fleet]:
    sites = {each.node: each for each in overview.sites(tx, query.sites)}
    rows = [Fleet(each, sites.get(each.node)) for each in picture.devices(tx, query.sites)]
    return page_of(rows, query)


def page_of(rows: list[Fleet], query: Query) -> Rows[Fleet]:
    """Return a page of what is small enough to be sorted here."""
    text = query.filters.get("q", "").casefold()
    site, state = query.filters.get("site"), query.filters.get("state")
    kept = [
        each
        for each in rows
        if (not text or text in f"{each.device.name} {each.device.device}".casefold())
        and (not site or each.device.node == site)
        and (not state or state_of(each.device)[1] == _WORDS.get(state))
    ]
    if query.sort == "site":
        kept.sort(
            key=lambda each: overview.natural(each.site.site if each.site else each.device.node)
        )
    elif query.sort == "supplies":
        kept.sort(
            key=lambda each: _DAYS if each.device.supply_days is None else each.device.supply_days
        )
    elif query.sort == "state":
        kept.sort(key=lambda each: TONES[state_of(each.device)[0]])
    if query.descending:
        kept.reverse()
    shown, following = addresses.cut(kept, query)
    return Rows(tuple(shown), following, len(kept))


_NONE: Final = "\N{EN DASH}"
_DAYS: Final = 10_000
TONES: Final[Mapping[Tone, int]] = {"trouble": 0, "waiting": 1, "unknown": 2, "good": 3}
_WORDS: Final = {
    "hand": _HAND,
    "silent": _SILENT,
    "ready": _IDLE,
    "printing": _PROCESSING,
    "stopped": _STOPPED,
    "unknown": _UNKNOWN,
}


def _state_choices(visit: Visit) -> tuple[Choice, ...]:
    return tuple(Choice(key, visit.say(word)) for key, word in _WORDS.items())


def name_cell(each: DeviceGlance) -> Cell:
    """Return what a printer is called, and its id where that says more."""
    return Cell(each.name, note=each.device if each.device != each.name else "")


def state_cell(visit: Visit, each: DeviceGlance) -> Cell:
    """Return a printer's state, kept fresh, with its worst trouble."""
    return Cell(
        chip=state_chip(visit, each),
        note=each.troubles[0].detail if each.troubles else "",
        key=f"printer/{each.node}/{each.device}",
    )


def supply_cell(visit: Visit, each: DeviceGlance) -> Cell:
    """Return how long the supply lasts that is used up first."""
    days = each.supply_days
    if days is None:
        return Cell(_NONE)
    return Cell(visit.say_of("%(num)s day", "%(num)s days", days), note=each.supply)


def seen_cell(visit: Visit, each: DeviceGlance) -> Cell:
    """Return when a printer was seen so."""
    at = each.updated_at
    return Cell(_NONE) if at is None else Cell(when=visit.local(at))


_COLUMNS: Final = (
    Column[Fleet](
        "printer",
        mark("Printer"),
        lambda row, _: name_cell(row.device),
        lambda row: row.device.name,
        sort=True,
    ),
    Column[Fleet](
        "site",
        mark("Site"),
        lambda row, _: Cell(row.site.site if row.site else row.device.node),
        lambda row: row.site.site if row.site else row.device.node,
        sort=True,
    ),
    Column[Fleet](
        "state",
        mark("State"),
        lambda row, visit: state_cell(visit, row.device),
        lambda row: row.device.state,
        sort=True,
    ),
    Column[Fleet](
        "supplies",
        mark("Runs out first"),
        lambda row, visit: supply_cell(visit, row.device),
        lambda row: row.device.supply_days,
        number=True,
        sort=True,
        wide=True,
    ),
    Column[Fleet](
        "seen",
        mark("Seen"),
        lambda row, visit: seen_cell(visit, row.device),
        lambda row: row.device.updated_at,
        number=True,
        wide=True,
    ),
)

#: One for the process: what edges told of printers is parsed once.
PICTURE: Final = overview.Picture()

FLEET: Final = ListOf(
    "printers",
    _COLUMNS,
    partial(_fleet, PICTURE),
    Right.SEE_FLEET,
    filters=(
        Filter("q", mark("Search"), hint=mark("name or id")),
        Filter("state", mark("State"), "choice", _state_choices),
    ),
    sort="printer",
    limit=25,
    link=lambda row: f"/printers/{row.device.node}/{row.device.device}",
)
