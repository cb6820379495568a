"""Which jobs of ours are at which printer, and whether one was there alone; no waiting here."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from uuid import UUID

    from edge.devices.counters import Taken


@dataclass(slots=True)
class _There:
    """One job at a printer."""

    alone: bool
    before: Taken | None = None
    """The meters as they were before anything of it came out."""


class Windows:
    """The jobs that are at the printers of a site."""

    def __init__(self) -> None:
        """Begin with all printers free."""
        self._there: dict[str, dict[UUID, _There]] = {}

    def at(self, device: str) -> int:
        """Return how many jobs are at a printer."""
        return len(self._there.get(device, ()))

    def began(self, device: str, job: UUID, *, sure: bool = True) -> None:
        """Note a job that goes to a printer; whoever is there too is alone no more, for good.

        Args:
            device: the printer.
            job: its job-uuid.
            sure: it begins now; else it was found under way, and what was there is not known.
        """
        there = self._there.setdefault(device, {})
        if job in there:
            there[job].alone = False  # again: something went wrong with it
            return
        for each in there.values():
            each.alone = False
        there[job] = _There(alone=sure and not there)

    def read(self, device: str, job: UUID, before: Taken) -> None:
        """Note what the meters showed before a job came out."""
        if (each := self._there.get(device, {}).get(job)) is not None:
            each.before = before

    def before(self, device: str, job: UUID) -> Taken | None:
        """Return that, while the job is and was the only one there; else None."""
        each = self._there.get(device, {}).get(job)
        return each.before if each is not None and each.alone else None

    def over(self, device: str, job: UUID) -> bool:
        """Note that a job is settled, or not at the printer any more; return whether it was."""
        there = self._there.get(device, {})
        was = there.pop(job, None) is not None
        if not there:
            self._there.pop(device, None)
        return was
