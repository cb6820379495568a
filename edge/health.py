"""Whether an edge does its work: what is looked at, and the sentences for monitors; pure."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

#: A checkpoint and the next segment of the journal need some 32 MiB; documents come beside them.
LEAST_FREE: Final = 256 * 1024 * 1024


@dataclass(frozen=True, slots=True)
class Vital:
    """What an edge's health rests on, at one moment."""

    disk_bytes: int
    """Size of the volume with the journal."""
    disk_free: int
    """What is free of it; both 0 where nobody can tell."""
    journal: bool
    """What was written last is on disk."""
    spooler: bool
    """The print system answers, and the queues are as declared."""
    broker: bool
    """The edge itself is connected to the site's broker."""
    linked: bool
    """The centre listens."""
    alone: bool
    """Its role goes on without the centre."""
    out_of_service: bool
    """Nothing is released now, whatever for."""


@dataclass(frozen=True, slots=True)
class Health:
    """What to tell a monitor: no names, no amounts, since it shows no token."""

    reasons: tuple[str, ...]
    """What is wrong, a sentence each; none: it does its work."""
    notes: tuple[str, ...]
    """What is worth knowing and wrong with nothing."""

    @property
    def healthy(self) -> bool:
        """Whether it does its work."""
        return not self.reasons


def checks(vital: Vital) -> dict[str, bool]:
    """Return what is looked at, and whether it is well."""
    return {
        "disk": _has_room(vital),
        "journal": vital.journal,
        "spooler": vital.spooler,
        "broker": vital.broker,
        "link": vital.linked or vital.alone,
        "service": not vital.out_of_service,
    }


def judged(vital: Vital) -> Health:
    """Put it in words."""
    well = checks(vital)
    said = {
        "disk": f"The journal's volume has less than {LEAST_FREE >> 20} MiB left.",
        "journal": "The journal cannot be written: nothing is released until it can.",
        "spooler": "The print system does not answer, or has not taken the queues yet.",
        "broker": "The site's broker cannot be reached: terminals and panels stand still.",
        "link": "The centre cannot be reached, and this site's role does nothing without it.",
        "service": "The site is out of service: nothing is released now.",
    }
    reasons = tuple(text for check, text in said.items() if not well[check])
    if not well["link"]:
        # one cause, said once
        reasons = tuple(text for text in reasons if text != said["service"])
    alone = vital.alone and not vital.linked
    return Health(reasons, ("The site works alone.",) if alone else ())


def _has_room(vital: Vital) -> bool:
    return not vital.disk_bytes or vital.disk_free >= LEAST_FREE
