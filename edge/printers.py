"""The points of print of this site, as its settings have them."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Self

from config.policy.decisions import PointOfPrint
from edge.ports import PeopleQueue, PrinterQueue

if TYPE_CHECKING:
    from config.settings import EdgeSettings, PrinterSettings


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


def declared(settings: EdgeSettings) -> tuple[list[PeopleQueue], list[PrinterQueue]]:
    """Return the queues that the site is to have: people's, and those of its printers."""
    people = [PeopleQueue(each.name, each.kind) for each in settings.queues]
    return people, [PrinterQueue(each.queue, each.uri, each.name) for each in settings.printers]
