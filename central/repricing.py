"""What jobs of the past would have cost by other prices, as far as the books know these; pure."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from config.policy.jobs import Figures, Sides, Source
from config.policy.money import Money
from config.policy.pricing import Priced, price

if TYPE_CHECKING:
    from collections.abc import Iterable

    from central.job_fold import JobRecord
    from config.policy.tariffs import Tariff


@dataclass(frozen=True, slots=True)
class Weighed:
    """Jobs by two price lists."""

    jobs: int
    """That both have a price for."""
    before: Money | None
    """By the old prices; None: there are none, or they are in another unit."""
    after: Money
    """By the new ones."""
    without: int
    """Jobs that the new prices say nothing of: they would have been refused."""
    dearer: int
    cheaper: int


def weigh(old: Tariff | None, new: Tariff, jobs: Iterable[JobRecord]) -> Weighed:
    """Return what jobs cost by old and by new prices, without what rules do to either."""
    comparable = old is not None and old.unit == new.unit
    count = without = before = after = dearer = cheaper = 0
    for job in jobs:
        figures = _figures(job)
        if figures is None:
            continue
        now = price(new, job.service, figures, job.printer or "")
        if not isinstance(now, Priced):
            without += 1
            continue
        if comparable and old is not None:
            then = price(old, job.service, figures, job.printer or "")
            if not isinstance(then, Priced):
                continue
            before += then.total.micros
            dearer += now.total.micros > then.total.micros
            cheaper += now.total.micros < then.total.micros
        count += 1
        after += now.total.micros
    known = Money(before, new.unit) if comparable else None
    return Weighed(count, known, Money(after, new.unit), without, dearer, cheaper)


def _figures(job: JobRecord) -> Figures | None:
    """Return what was billed, as far as it was told; paper and its size nobody told the books."""
    told = [each for each in job.counts if each.impressions]
    counted = next((each for each in told if each.impressions == job.impressions), None)
    counted = counted or next(iter(told), None)
    if counted is None or not counted.impressions:
        return None
    impressions = counted.impressions
    color = min(counted.color_impressions or 0, impressions)
    sheets = min(counted.sheets or impressions, impressions)
    two_sided = sheets < impressions and sheets >= -(-impressions // 2)
    return Figures(
        impressions=impressions,
        color_impressions=color,
        monochrome_impressions=impressions - color,
        sheets=sheets if two_sided else impressions,
        media=None,
        sides=Sides.TWO_SIDED_LONG_EDGE if two_sided else Sides.ONE_SIDED,
        source=Source.ANALYSIS,
    )
