"""How the site is, for every screen on it: put together from what the edge knows; reads only."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Final, Protocol

from broker.messages import Exposed, PrinterHere, SiteRights, SiteState
from config.policy.money import MICROS_BOUND
from edge.ports import PrinterSeen
from edge.printers import Printer, narrowed
from edge.terms import most_owed

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence

    from broker.messages import Capabilities
    from config.policy.money import Unit
    from config.settings import EdgeSettings
    from edge.standing import SiteStanding
    from edge.store.books import Books
    from edge.store.replica import Replica
    from edge.uplink import Uplink

_LINE = 1000
_NAME = 255
#: A printer may name any number of reasons of any length; these are enough to send somebody.
_REASONS = 4
#: What all printers take of one message, so that it fits; a site of hundreds has room.
_PRINTERS_BYTES = 48 * 1024


#: Of two states of one printer the later one here is told.
_LEAST: Final = ("idle", "processing", "stopped")


@dataclass(frozen=True, slots=True)
class WatchedPrinter:
    """A printer as it says itself."""

    seen: PrinterSeen | None
    """None: it was silent at the last look."""
    can: Capabilities | None
    """What it can do; None: it never said."""


class Watched(Protocol):
    """Who watches printers."""

    @property
    def version(self) -> int:
        """Goes up when any of it changes."""

    def seen(self) -> Mapping[str, WatchedPrinter]:
        """Return the printers that were looked at, by device id."""


class SiteView:
    """Looks at one site."""

    def __init__(
        self,
        settings: EdgeSettings,
        *,
        books: Books,
        replica: Replica,
        standing: SiteStanding,
        uplink: Uplink,
        seen: Callable[[], Mapping[str, PrinterSeen]],
        stale: Callable[[], str | None],
        watched: Watched | None = None,
    ) -> None:
        """Take what is looked at.

        Args:
            settings: of the site: its name, its printers, its screens.
            books: role, terms and what is owed.
            replica: what people call the printers.
            standing: what may be done now.
            uplink: the line to the centre.
            seen: printers as the print system last saw them, by their queue.
            stale: says why nobody is identified here now, None when people are.
            watched: printers as they say themselves.
        """
        self._settings = settings
        self._books = books
        self._replica = replica
        self._standing = standing
        self._uplink = uplink
        self._seen = seen
        self._stale = stale
        self._watched = watched
        self._listed: tuple[object, object, int, tuple[PrinterHere, ...]] | None = None

    def state(self) -> SiteState:
        """Return how the site is at this moment."""
        settings, role = self._settings, self._standing.role()
        closed, stale = self._standing.closed("print"), self._stale()
        return SiteState(
            node=settings.node,
            site=settings.site[:_NAME],
            role=role.name,
            linked=self._uplink.linked,
            since=self._uplink.since,
            waiting=self._uplink.waiting,
            out_of_service=stale or (closed.detail[:_LINE] if closed else None),
            copies=stale is None
            and self._standing.closed("copy") is None
            and any(each.copies for each in settings.printers),
            printers=self._printers(),
            zone=settings.zone,
            exposure=self._exposure(),
            rights=SiteRights(
                holds=role.holds, rules=role.rules, copies=role.copies, alone=role.alone
            ),
            languages=settings.terminals.languages,
            pin_beside_card=settings.terminals.pin_beside_card,
        )

    def _printers(self) -> tuple[PrinterHere, ...]:
        """Return the printers; put together anew only when something is new of them."""
        seen, tags = self._seen(), self._replica.tags()
        version = self._watched.version if self._watched else 0
        known = self._listed
        if known is None or known[0] is not seen or known[1] is not tags or known[2] != version:
            known = self._listed = seen, tags, version, self._put_together(seen)
        return known[3]

    def _put_together(self, seen: Mapping[str, PrinterSeen]) -> tuple[PrinterHere, ...]:
        found = []
        themselves = self._watched.seen() if self._watched else {}
        for each in self._settings.printers:
            row = self._replica.printer(each.id)
            itself = themselves.get(each.id)
            now = put_together(seen.get(each.queue), itself)
            point = Printer.of(each).point
            point = point if itself is None or itself.can is None else narrowed(point, itself.can)
            found.append(
                PrinterHere(
                    printer=each.id,
                    name=((row.name if row else "") or each.name or each.id)[:_NAME],
                    color=point.color,
                    two_sided=point.two_sided,
                    copies=each.copies,
                    media=None if each.media is None else tuple(sorted(each.media)),
                    state=now.state if now else None,
                    reasons=_named(now.reasons) if now else (),
                )
            )
        found.sort(key=lambda each: (each.name.lower(), each.printer))
        return tuple(_fitting(found))

    def _exposure(self) -> tuple[Exposed, ...]:
        """Return each unit in which anything may be owed, or is from terms that held before."""
        terms, owed = self._books.terms.taken, self._books.till.owed_by_unit()
        bounds: dict[Unit, int] = {
            each.unit: most_owed(terms, each.unit) for each in terms.uncovered
        }
        units: list[Unit] = sorted({*owed, *(unit for unit, most in bounds.items() if most)})
        return tuple(
            Exposed(unit=unit, owed=(there := owed.get(unit, 0)), most=_most(bounds, unit, there))
            for unit in units
        )


def put_together(queue: PrinterSeen | None, itself: WatchedPrinter | None) -> PrinterSeen | None:
    """Return how a printer is, by its queue and by its own word.

    The print system knows a printer as of its last job, and first what it does itself; a printer
    knows of its paper and its covers before. So whichever is more than idle is so.
    """
    if itself is None or itself.seen is None:
        return queue
    if queue is None:
        return itself.seen
    state = max(queue.state, itself.seen.state, key=_LEAST.index)
    reasons = dict.fromkeys(each for each in (*itself.seen.reasons, *queue.reasons))
    return PrinterSeen(state, tuple(reasons))


def _fitting(printers: Iterable[PrinterHere]) -> Iterator[PrinterHere]:
    room = _PRINTERS_BYTES
    for each in printers:
        room -= len(each.model_dump_json().encode())
        if room < 0:
            return
        yield each


def _most(bounds: Mapping[Unit, int], unit: Unit, owed: int) -> int | None:
    most = bounds.get(unit, 0)
    # what is owed already stays so, whatever may be added to it
    return None if most >= MICROS_BOUND else max(most, owed)


def _named(reasons: Sequence[str]) -> tuple[str, ...]:
    """Return the reasons that say something."""
    return tuple(each[:_NAME] for each in reasons if each and each != "none")[:_REASONS]
