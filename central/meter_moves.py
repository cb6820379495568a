"""How far a machine's counters moved between two readings, and which of them stands for it all.

Pure. A figure is compared with itself only: same name, same unit, same source, same machine.
"""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Final, Literal, TypeAlias

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping
    from datetime import datetime

    from broker.messages import Meter
    from central.tallies import Tally

Unit: TypeAlias = Literal["impressions", "sheets"]

#: Endings of a meter's name that say of what part of its service it is.
_PARTS: Final = frozenset({"mono", "color", "blank", "large", "small", "duplex", "highlight"})
#: Services that put nothing on paper here.
_PAPERLESS: Final = frozenset({"fax-out", "email", "email-to", "send", "store", "transform"})
_SCAN: Final = "scan"
#: A further marker of the same machine: its impressions are the same pages once more.
_MARKER: Final = "marker-"
#: A job under way of which nobody knows how long it is counts as so many pages.
UNKNOWN_JOB: Final = 20
#: Why nothing is compared where nothing was read before.
FIRST: Final = "it is the first reading"


@dataclass(frozen=True, slots=True)
class Read:
    """One reading as the books keep it."""

    n: int
    """Its number; ascends."""
    serial: str | None
    """Of the machine that was read."""
    read_at: datetime
    """When."""
    meters: tuple[Meter, ...]
    """What they showed."""
    continues: bool
    """They go on from the reading before, by the edge's word."""
    tally: Tally | None
    """What had been billed there; None: it was told too late to know."""
    detail: str = ""
    """Why they do not go on, or what was odd."""
    under_way: int = 0
    """Jobs and copies that were not settled then."""
    under_way_pages: int = 0
    """The pages of those whose length is known."""

    @property
    def tolerance(self) -> int:
        """Pages that may count before or after it."""
        return max(self.under_way_pages, self.under_way * UNKNOWN_JOB)


@dataclass(frozen=True, slots=True)
class NotCompared:
    """Two readings say nothing of what happened between them."""

    reason: str
    """One sentence for people."""


@dataclass(frozen=True, slots=True)
class Moved:
    """By how much each meter moved that can be compared."""

    by: Mapping[str, tuple[str, int]]
    """Name → unit, difference."""
    troubles: Mapping[str, str] = field(default_factory=dict)
    """Name → why it cannot be compared."""
    halves: frozenset[str] = frozenset()
    """Names that only one of the two readings has: a table that was read by half."""

    def figure(self, name: str, unit: str = "impressions") -> int | None:
        """Return the difference of a meter, None when it is not told in this unit."""
        found = self.by.get(name)
        return found[1] if found is not None and found[0] == unit else None

    def service(self, name: str) -> int | None:
        """Return the impressions of a service: its own meter, else those of its colours."""
        whole = self.figure(name)
        if whole is not None:
            return whole
        if name in self.troubles:
            return None
        colours = [f"{name}-{part}" for part in ("mono", "color")]
        told = [count for each in colours if (count := self.figure(each)) is not None]
        # half of a figure is none, unless the machine knows one colour only
        half = any(each in self.troubles or each in self.halves for each in colours)
        half = half or (name in self.halves and len(told) < len(colours))
        return sum(told) if told and not half else None

    def trouble_of(self, service: str) -> str | None:
        """Return why a service cannot be compared, or only by half; None: nothing is known."""
        for name, trouble in self.troubles.items():
            if service_of(name) == service:
                return trouble
        half = next((name for name in sorted(self.halves) if service_of(name) == service), None)
        return None if half is None else f"{half} is in one of the two readings only"


def apart(before: Read | None, after: Read) -> NotCompared | None:
    """Say why nothing can be said of what happened between two readings."""
    if before is None:
        return NotCompared(FIRST)
    if not after.continues:
        return NotCompared(after.detail or "its counters do not go on from the reading before")
    if before.tally is None or after.tally is None:
        return NotCompared("a reading was told late: what had been billed then is not known")
    if after.read_at < before.read_at:
        return NotCompared("the readings are not in the order in which they were made")
    if before.serial and after.serial and before.serial != after.serial:
        return NotCompared(f"another machine stands there: {after.serial}, before {before.serial}")
    return None


def moved_between(before: Read, after: Read) -> Moved:
    """Return how far each meter moved, and why some cannot be compared."""
    then = {meter.name: meter for meter in before.meters}
    by: dict[str, tuple[str, int]] = {}
    troubles: dict[str, str] = {}
    for now in after.meters:
        old = then.get(now.name)
        if old is None:
            continue
        if old.unit != now.unit:
            troubles[now.name] = f"{now.name} counts {now.unit} now, {old.unit} before"
        elif old.source != now.source:
            troubles[now.name] = f"{now.name} is told by {now.source} now, by {old.source} before"
        elif now.value < old.value:
            troubles[now.name] = f"{now.name} went back from {old.value} to {now.value}"
        else:
            by[now.name] = now.unit, now.value - old.value
    return Moved(by, troubles, frozenset(_impressions(before) ^ _impressions(after)))


def _impressions(read: Read) -> set[str]:
    return {meter.name for meter in read.meters if meter.unit == "impressions"}


def pages_since(read: Read, serial: str | None, shown: tuple[Meter, ...]) -> int | None:
    """Return the pages that a machine counted since a reading; None when that cannot be said."""
    if read.serial and serial and read.serial != serial:
        return None
    found = figure_of(moved_between(read, replace(read, meters=shown)))
    return None if isinstance(found, NotCompared) else found[2]


def figure_of(moved: Moved) -> tuple[str, Unit, int] | NotCompared:
    """Return what stands for the whole machine: name, unit, difference."""
    if "total" in moved.troubles:
        return NotCompared(moved.troubles["total"])
    services = _paper_services(moved)
    whole = moved.service("total")
    sheets = next(
        (n for name in ("total", "sheets") if (n := moved.figure(name, "sheets")) is not None), None
    )
    if whole is not None:
        return "total", "impressions", whole
    # a sum that lacks one of its services is no sum
    lacking = _on_paper(moved.troubles.keys() | moved.halves) - services.keys()
    if "print" in services and not lacking:
        return "services", "impressions", sum(services.values())
    if sheets is not None:
        return "total", "sheets", sheets
    trouble = next(iter(moved.troubles.values()), None)
    if trouble is None and "print" in services:
        trouble = moved.trouble_of(min(lacking))
    return NotCompared(trouble or "the two readings have no counter of pages in common")


def others_of(moved: Moved, after: Read, name: str) -> dict[str, int]:
    """Return what other services than print and copy put on paper, by their own meters."""
    found = _paper_services(moved)
    if name == "total" and _scans_count(after):
        scans = moved.service(_SCAN)
        if scans is not None:
            found[_SCAN] = scans
    return {service: n for service, n in found.items() if service not in {"print", "copy"} and n}


def _paper_services(moved: Moved) -> dict[str, int]:
    found = {}
    for name in sorted(_on_paper(moved.by)):
        count = moved.service(name)
        if count is not None:
            found[name] = count
    return found


def _on_paper(names: Iterable[str]) -> set[str]:
    """Return the services among these meters that put pages of their own on paper."""
    services = {service_of(name) for name in names if not name.startswith(_MARKER)}
    return services - {"total", _SCAN} - _PAPERLESS


def _scans_count(read: Read) -> bool:
    """Say whether a machine's total counts scans: only where its own figures add up so."""
    values = {each.name: each.value for each in read.meters if each.unit == "impressions"}
    total, scans = values.get("total"), values.get(_SCAN)
    if total is None or not scans:
        return False
    sums = 0
    for name in _on_paper(values):
        parts = values.get(f"{name}-mono", 0) + values.get(f"{name}-color", 0)
        sums += values.get(name, parts)
    return sums + scans == total


def service_of(name: str) -> str:
    """Return the service of a meter's name: `copy` of `copy-color`."""
    base, _, part = name.rpartition("-")
    return base if base and part in _PARTS else name
