"""The figures that exporters show, as plain values; who counts them needs no exporter.

Every label has few values: nothing here names a person, a job or a document.
"""

from __future__ import annotations

from bisect import bisect_left
from collections import Counter
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Final

from broker.messages import (
    CopyBegan,
    JobCanceled,
    JobFlagged,
    JobHeld,
    JobRefused,
    JobReleased,
    JobSettled,
)
from config.policy.reasons import Reason

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from broker.messages import AccountAmount, DeviceState, Message

#: What a label says for whatever is not in its list.
OTHER: Final = "other"
#: Why a release is refused; a question that waits for its answer among them.
REASONS: Final = frozenset({*(each.value for each in Reason), "answer-needed"})
#: prtMarkerSuppliesType (RFC 3805) as words, and colorants; others count as `other`.
SUPPLY_KINDS: Final = frozenset(
    {
        "toner",
        "waste-toner",
        "ink",
        "ink-cartridge",
        "ink-ribbon",
        "waste-ink",
        "opc",
        "developer",
        "fuser",
        "fuser-oil",
        "cleaner-unit",
        "transfer-unit",
        "toner-cartridge",
        "staples",
    }
)
COLORS: Final = frozenset({"black", "cyan", "magenta", "yellow", "light-cyan", "light-magenta"})
#: Seconds; a look at a printer takes milliseconds, a silent one its time-outs.
POLL_BOUNDS: Final = (0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0)


@dataclass(slots=True)
class JobTally:
    """What became of jobs since the process started; `take` is told each event of the books."""

    held: int = 0
    canceled: int = 0
    flagged: int = 0
    released: Counter[str] = field(default_factory=lambda: Counter(print=0, copy=0))
    """By service: print, copy."""
    refused: Counter[str] = field(
        default_factory=lambda: Counter(dict.fromkeys(sorted(REASONS), 0))
    )
    """By reason."""
    settled: Counter[tuple[str, str]] = field(default_factory=Counter)
    """By service and disposition."""
    impressions: Counter[tuple[str, str]] = field(default_factory=Counter)
    """Billed, by service and `color` or `monochrome`."""
    sheets: Counter[str] = field(default_factory=Counter)
    """Billed, by service."""
    charged: Counter[tuple[str, str]] = field(default_factory=Counter)
    """Micros, by service and unit."""

    def take(
        self, event: Message, service: str = "print", charged: Sequence[AccountAmount] = ()
    ) -> None:
        """Count one event.

        Args:
            event: as it was written.
            service: print or copy.
            charged: what each account paid, once it is settled.
        """
        match event:
            case JobHeld():
                self.held += 1
            case JobReleased() | CopyBegan():
                self.released[service] += 1
            case JobRefused(reason=reason):
                self.refused[reason if reason in REASONS else OTHER] += 1
            case JobCanceled():
                self.canceled += 1
            case JobFlagged():
                self.flagged += 1
            case JobSettled():
                self._settled(event, service, charged)
            case _:
                pass

    def _settled(self, event: JobSettled, service: str, charged: Sequence[AccountAmount]) -> None:
        self.settled[service, event.disposition] += 1
        billed = event.billed
        color = min(billed.color_impressions or 0, billed.impressions or 0)
        self.impressions[service, "color"] += color
        self.impressions[service, "monochrome"] += (billed.impressions or 0) - color
        self.sheets[service] += billed.sheets or 0
        for each in charged:
            self.charged[service, each.unit] += each.micros


@dataclass(slots=True)
class Durations:
    """How long something took, as counts under bounds; cheap to tell and to read."""

    bounds: tuple[float, ...] = POLL_BOUNDS
    """Seconds, rising; what took longer than all of them is counted beyond."""
    total: float = 0.0
    """Seconds, all together."""
    counts: list[int] = field(default_factory=list)
    """How many took at most each bound and longer than the one before; the last: beyond."""

    def __post_init__(self) -> None:
        self.counts = self.counts or [0] * (len(self.bounds) + 1)

    def took(self, seconds: float) -> None:
        """Count one."""
        self.counts[bisect_left(self.bounds, seconds)] += 1
        self.total += seconds


@dataclass(slots=True)
class Polls:
    """Looks at printers."""

    answered: Durations = field(default_factory=Durations)
    silent: Durations = field(default_factory=Durations)


@dataclass(frozen=True, slots=True)
class EdgeFigures:
    """How an edge is at one moment."""

    node: str
    role: str
    software: str
    jobs: Mapping[str, int]
    """Jobs in the journal by phase."""
    outbox: Mapping[str, int]
    """Events that the centre is not known to have, by stream."""
    oldest: Mapping[str, float]
    """Age of the oldest of them in seconds, by stream; 0 where there is none."""
    linked: bool
    money: Mapping[str, int]
    """Micros here that may be spent, holds included, by unit."""
    owed: Mapping[str, int]
    """Micros charged past that and not collected, by unit."""
    tally: JobTally
    polls: Polls
    devices: tuple[DeviceState, ...]
    """Printers, as they were last told."""
    disk_bytes: int
    disk_free: int
    checks: Mapping[str, bool]
    """What its health rests on: whether each is well."""


@dataclass(slots=True)
class IngestTally:
    """What the coordinator took in since it started; written by one thread, read by others.

    All keys are there from the start: nobody who reads meets a table that grows.
    """

    rounds: int = 0
    seconds: float = 0.0
    """In transactions that take events in."""
    applied: Counter[str] = field(default_factory=lambda: Counter(ledger=0, jobs=0))
    """Events by stream."""
    quarantined: int = 0
    alerts: Counter[str] = field(
        default_factory=lambda: Counter(info=0, warning=0, critical=0, cleared=0)
    )
    """Notes that were told, by severity; those that clear one count as `cleared`."""


@dataclass(slots=True)
class HttpTally:
    """Answers of an HTTP interface since it started."""

    answers: Counter[str] = field(default_factory=Counter)
    """By class of status: `2xx`, `4xx` …"""
    seconds: float = 0.0
    """Until the answer's head, all together."""


@dataclass(frozen=True, slots=True)
class SiteFigures:
    """One edge as the books know it."""

    node: str
    linked: bool
    waiting: int
    """Events it had, as of its last birth, that are not committed here."""


@dataclass(frozen=True, slots=True)
class MoneyFigures:
    """All sites together in one unit, in micros."""

    allocated: int
    owed: int
    quarantined: int
    more: int | None
    """Could still be charged past the allocation; None: without limit."""


@dataclass(frozen=True, slots=True)
class CentralFigures:
    """How the centre is at one moment."""

    node: str
    software: str
    epoch: int
    sites: tuple[SiteFigures, ...]
    states: Mapping[str, int]
    """Edges by state: active, parked, frozen."""
    entries: int
    """Entries of the ledger."""
    quarantined: int
    """Events that are put aside and wait for a person."""
    money: Mapping[str, MoneyFigures]
    """Exposure, by unit."""
    ingest: IngestTally
    http: HttpTally
    disk_bytes: int
    disk_free: int
