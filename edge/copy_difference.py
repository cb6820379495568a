"""What a machine's own meters say was made of a copy, pure; beside what its terminal counted.

A terminal may die in mid-copy; the machine's totalisers go on. Where their difference is more than
what was counted, a copy is settled by it, and flagged. They count everything, so it says nothing
of a copy while something else may have come out of the machine.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, TypeAlias

from broker.messages import CopyCounts, MeterReading
from edge.copy_meter import KINDS, Meter, dearness, more, of

if TYPE_CHECKING:
    from collections.abc import Iterable

    from edge.jobs import JobRecord


@dataclass(frozen=True, slots=True)
class NoMore:
    """They are not known, or say no more than was counted."""


@dataclass(frozen=True, slots=True)
class Uncounted:
    """They say that more was made."""

    more: CopyCounts
    """Beyond what was counted."""
    detail: str
    """For people."""


@dataclass(frozen=True, slots=True)
class Doubted:
    """They say that more was made, and may be wrong: what was counted stands."""

    detail: str
    """For people."""


Difference: TypeAlias = NoMore | Uncounted | Doubted


def read(meter: Meter, reading: MeterReading | None, counts: CopyCounts) -> Meter:
    """Return a copy's meter with what the machine says; the first reading is what others begin at.

    Args:
        meter: as it was.
        reading: what the machine's totalisers say; None: nothing.
        counts: what the terminal has counted at that moment.
    """
    if reading is None or (reading.total is None and reading.kinds is None):
        return meter
    first = {} if meter.first else {"first": reading, "first_at": counts}
    return meter.model_copy(update={**first, "last": reading})


def difference(meter: Meter, *, others: int | None) -> Difference:
    """Say what was made beyond what was counted, by the readings so far.

    Args:
        meter: a copy's.
        others: impressions that other jobs may have put out there meanwhile; None: there was none.
    """
    found = _more(meter)
    if not isinstance(found, CopyCounts):
        return found
    if not found.total:
        return NoMore()
    counted = meter.counts.total
    said = f"the machine's meters say {counted + found.total}, its terminal counted {counted}"
    if others is not None and found.total <= others:
        return NoMore()  # they are those of the other jobs
    if others is not None:
        return Doubted(f"{said}; others printed there meanwhile, so what was counted stands")
    if counted + found.total > meter.most + meter.margin:
        return Doubted(f"{said}, more than one copy can come to; what was counted stands")
    return Uncounted(found, f"{said}; settled by the meters")


def totalised(meter: Meter) -> int | None:
    """Return the impressions that a machine's own meters went on by; None: they do not say."""
    first, last = meter.first, meter.last
    if first is None or last is None:
        return None
    then, now = _whole(first), _whole(last)
    if then is None or now is None or now < then:
        return None
    return meter.first_at.total + now - then


def meanwhile(copy: JobRecord, jobs: Iterable[JobRecord]) -> int | None:
    """Return how many impressions these may have put out at a copy's machine since it began.

    None where none of them was there.
    """
    found: int | None = None
    for each in jobs:
        if each.job == copy.job or each.printer != copy.printer:
            continue
        if each.ended_at is None or each.ended_at >= copy.received_at:
            planned = each.expected.impressions if each.expected else 0
            billed = each.billed.impressions if each.billed else 0
            found = (found or 0) + max(planned, billed)
    return found


def _whole(reading: MeterReading) -> int | None:
    return reading.total if reading.kinds is None else reading.kinds.total


def _more(meter: Meter) -> CopyCounts | NoMore | Doubted:
    first, last = meter.first or MeterReading(), meter.last or MeterReading()
    if first.kinds is not None and last.kinds is not None:
        return _by_kind(meter, first.kinds, last.kinds)
    if first.total is not None and last.total is not None:
        return _in_all(meter, first.total, last.total)
    return NoMore()


def _by_kind(meter: Meter, first: CopyCounts, last: CopyCounts) -> CopyCounts | Doubted:
    grown = {kind: of(last, kind) - of(first, kind) for kind in KINDS}
    if min(grown.values()) < 0:
        return _fell(first, last)
    made = {kind: of(meter.first_at, kind) + grown[kind] for kind in KINDS}
    return CopyCounts(**{kind: max(0, made[kind] - of(meter.counts, kind)) for kind in KINDS})


def _in_all(meter: Meter, first: int, last: int) -> CopyCounts | Doubted:
    """Nobody knows of which kind they are: of the cheapest that may be made."""
    if last < first:
        return _fell(first, last)
    number = max(0, meter.first_at.total + last - first - meter.counts.total)
    allowed = [kind for kind in KINDS if meter.terms[kind].allowed]
    cheapest = min(allowed, key=lambda kind: dearness(meter, kind), default=KINDS[0])
    return more(CopyCounts(), cheapest, number)


def _fell(first: object, last: object) -> Doubted:
    return Doubted(f"the machine's meters fell from {first} to {last}; what was counted stands")


def settled_by(meter: Meter, uncounted: CopyCounts) -> Meter:
    """Return a copy's meter as it is settled: what was not counted stands beside what was."""
    return meter.model_copy(update={"uncounted": uncounted})


def told_late(meter: Meter, counts: CopyCounts) -> tuple[Meter, int]:
    """Return a settled copy's meter with counts that came late, and how many nobody paid for.

    What the meters had said already was paid, whatever kind it was taken for.
    """
    kept = meter.kept(counts)
    grown = kept.total - meter.counts.total
    paid = min(grown, meter.uncounted.total)
    rest = _fewer(meter.uncounted, paid)
    return meter.model_copy(update={"counts": kept, "uncounted": rest}), grown - paid


def _fewer(counts: CopyCounts, number: int) -> CopyCounts:
    left: dict[str, int] = {}
    for kind in KINDS:
        taken = min(number, of(counts, kind))
        number -= taken
        left[kind] = of(counts, kind) - taken
    return CopyCounts(**left)
