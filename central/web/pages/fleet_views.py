"""What pages of the fleet share: a site's line in words, the sites to choose from, its money."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Final

from starlette.exceptions import HTTPException

from central.store import nodes, overview
from central.store.exposure import worst_of
from central.web.pages import sentences
from central.web.pages.sentences import mark
from central.web.pages.views import Chip, Choice
from config.policy.money import Money

if TYPE_CHECKING:
    from collections.abc import Collection, Mapping, Sequence
    from zoneinfo import ZoneInfo

    from central.store.books import Transaction
    from central.store.nodes import NodeRecord
    from central.store.overview import SiteGlance
    from central.web.pages.views import Tone
    from central.web.pages.visit import Visit

#: In the state of a line: shape and colour, and the word for it.
LINES: Final[Mapping[str, tuple[Tone, str]]] = {
    "linked": ("good", mark("linked")),
    "alone": ("waiting", mark("working alone")),
    "out": ("trouble", mark("out of service")),
    "parked": ("trouble", mark("not listened to")),
    "new": ("unknown", mark("not set up yet")),
}
#: A site in these may charge what nobody here knows of.
APART: Final = frozenset({"alone", "out", "parked"})
ROLES: Final = {
    "agent": mark("agent"),
    "tracker": mark("tracker"),
    "remote": mark("remote"),
}


@dataclass(frozen=True, slots=True)
class Line:
    """A site and its line, with the worst case where it is apart."""

    glance: SiteGlance
    """Its moments in the organisation's zone."""
    worst: tuple[Money, ...] = ()
    """What the house may have to bear at most; empty: nothing, or it is linked."""
    unlimited: bool = False
    """The worst case has no bound."""

    @property
    def apart(self) -> bool:
        """Whether it is to be told that it is not linked, with what waits."""
        return self.glance.state in APART


def line_of(tx: Transaction, glance: SiteGlance, zone: ZoneInfo) -> Line:
    """Return a site's line; the worst case is worked out only where the site is apart."""
    return lines_of(tx, (glance,), zone)[0]


def lines_of(tx: Transaction, glances: Sequence[SiteGlance], zone: ZoneInfo) -> list[Line]:
    """Return the lines of some sites, in their order."""
    worst = worst_of(tx, [each.node for each in glances if each.state in APART])
    lines = []
    for each in glances:
        since = None if each.since is None else each.since.astimezone(zone)
        sums = worst.get(each.node, {}).items()
        lines.append(
            Line(
                replace(each, since=since),
                tuple(Money(micros, unit) for unit, micros in sums if micros),
                any(micros is None for _, micros in sums),
            )
        )
    return lines


def line_chip(visit: Visit, line: Line) -> Chip:
    """Return the state of a line in a word."""
    tone, word = LINES[line.glance.state]
    return Chip(tone, visit.say(word), line.glance.state)


def line_note(visit: Visit, line: Line) -> str:
    """Return what goes with it: since when, what waits, the worst case."""
    if not line.apart:
        return ""
    glance, said = line.glance, [line.glance.reason] if line.glance.reason else []
    if glance.since is not None:
        said.append(visit.words.when(glance.since, visit.now))
    if glance.waiting:
        said.append(visit.say_of("%(num)s event waiting", "%(num)s events waiting", glance.waiting))
    if line.unlimited:
        said.append(visit.say(mark("worst case without bound")))
    elif line.worst:
        said.append(visit.say(mark("worst case %(sum)s"), sum=visit.words.moneys(line.worst)))
    return " · ".join(said)


def site_choices(visit: Visit) -> tuple[Choice, ...]:
    """Return the sites somebody may choose from in a filter, as `keep_choices` kept them."""
    found: tuple[Choice, ...] = getattr(visit.request.state, "sites", ())
    return found


def keep_choices(visit: Visit, found: Collection[SiteGlance]) -> None:
    """Let filters of this page choose from sites."""
    visit.request.state.sites = tuple(Choice(each.node, each.site) for each in found)


def edge(tx: Transaction, node: str) -> NodeRecord:
    """Return a site's edge.

    Raises:
        HTTPException: 404, there is none.
    """
    found = nodes.find(tx, node)
    if found is None or found.kind != "edge":
        raise HTTPException(404, sentences.NO_PAGE)
    return found


def glance_at(tx: Transaction, node: str) -> SiteGlance:
    """Return a site's line as the overview has it.

    Raises:
        HTTPException: 404, there is none.
    """
    found = overview.sites(tx, {node})
    if not found:
        raise HTTPException(404, sentences.NO_PAGE)
    return found[0]
