"""The points of print of this site, as its settings have them."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Final, Self

from config.policy.decisions import PointOfPrint
from config.policy.media import CUSTOM
from edge.ports import PeopleQueue, PrinterQueue

if TYPE_CHECKING:
    from broker.messages import Capabilities
    from config.settings import EdgeSettings, PrinterSettings

#: As many kinds of paper as a printer may list.
_LISTED: Final = 64


@dataclass(frozen=True, slots=True)
class Printer:
    """A point of print at this site."""

    device: str
    """Device id."""
    queue: str
    """The spooler's queue in front of it."""
    color: bool = True
    """It prints colour."""
    two_sided: bool = True
    """It prints both sides."""
    name: str = ""
    """What people call it; empty: its device id."""
    media: frozenset[str] | None = None
    """Media classes it takes; None: not known, so any."""

    @classmethod
    def of(cls, each: PrinterSettings) -> Self:
        """Return it as it is set up."""
        return cls(each.id, each.queue, each.color, each.two_sided, each.name, each.media)

    @property
    def point(self) -> PointOfPrint:
        """As the policy sees it; its tags are the directory's."""
        return PointOfPrint((), self.color, self.two_sided, self.media, self.name)


def narrowed(point: PointOfPrint, can: Capabilities) -> PointOfPrint:
    """Return a printer as it is set up, less what it says that it cannot do.

    Settings stand above it where they forbid; paper that they name is not asked after. A size of
    nobody's list may be laid in anywhere, and a list that was cut short says nothing.
    """
    media = point.media
    if media is None and can.media and len(can.media) < _LISTED:
        media = frozenset({*can.media, CUSTOM})
    return replace(
        point,
        color=point.color and can.color is not False,
        two_sided=point.two_sided and can.two_sided is not False,
        media=media,
    )


def declared(settings: EdgeSettings) -> tuple[list[PeopleQueue], list[PrinterQueue]]:
    """Return the queues that the site is to have: people's, and those of its printers."""
    people = [PeopleQueue(each.name, each.kind) for each in settings.queues]
    return people, [PrinterQueue(each.queue, each.uri, each.name) for each in settings.printers]
