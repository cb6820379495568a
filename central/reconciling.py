"""What a machine counted between two readings against what was billed there: pure, no opinion lost.

Only what is counted alike is compared: impressions with impressions, sheets with sheets, a figure
with the same source's figure before. What cannot be compared is said so, and never charged.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import timedelta
from typing import TYPE_CHECKING, Final, TypeAlias

from central.meter_moves import (
    UNKNOWN_JOB,
    NotCompared,
    apart,
    figure_of,
    moved_between,
    others_of,
)

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from datetime import date, datetime, tzinfo

    from central.meter_moves import Read, Unit

ONE_DAY: Final = timedelta(days=1)


@dataclass(frozen=True, slots=True)
class Limits:
    """From when on pages that nobody explains are worth an alert: beyond both."""

    pages: int = 20
    """Pages a device and day."""
    percent: float = 2.0
    """Of what its meters moved."""


@dataclass(frozen=True, slots=True)
class Stretch:
    """What happened between two readings of one machine."""

    unit: Unit
    """What is counted."""
    metered: int
    """What the machine counted."""
    prints: int
    """Billed as printed."""
    copies: int
    """Billed as copied, whoever counted."""
    unbilled: int = 0
    """Put out and charged to nobody, as the jobs say themselves."""
    large: int = 0
    """Counted more than once for sides of large paper."""
    others: Mapping[str, int] = field(default_factory=dict)
    """Other services by their own meters: `fax` → pages."""
    tolerance: int = 0
    """Pages that may belong to the stretch before or after, or of which nobody can tell."""
    by_service: Mapping[str, tuple[int, int]] = field(default_factory=dict)
    """`print` and `copy`, where the machine tells them apart: (counted, billed)."""
    remarks: tuple[str, ...] = ()
    """What was left out and why."""

    @property
    def known(self) -> int:
        """What is known to have come out."""
        billed = self.prints + self.copies + self.unbilled + self.large
        return billed + sum(self.others.values())

    @property
    def left(self) -> int:
        """What nobody knows of; negative: more was billed than the machine counted."""
        return self.metered - self.known


@dataclass(frozen=True, slots=True)
class Day:
    """A device's day, whole or so far."""

    node: str
    """Its edge."""
    device: str
    """Device id."""
    day: date
    """By the time zone of its site."""
    stretches: tuple[Stretch, ...]
    """What could be compared, in one unit."""
    breaks: tuple[str, ...] = ()
    """Why the rest could not."""
    entered: int = 0
    """Pages that an administrator explained."""
    since: datetime | None = None
    """When the first reading was made that it is compared with."""
    until: datetime | None = None
    """When its last reading was made."""
    whole: bool = True
    """Its end was read; else it is the day so far."""

    @property
    def unit(self) -> Unit | None:
        """What is counted; None when nothing could be compared."""
        return self.stretches[0].unit if self.stretches else None

    @property
    def metered(self) -> int:
        """What the machine counted."""
        return sum(each.metered for each in self.stretches)

    @property
    def prints(self) -> int:
        """Billed as printed."""
        return sum(each.prints for each in self.stretches)

    @property
    def copies(self) -> int:
        """Billed as copied."""
        return sum(each.copies for each in self.stretches)

    @property
    def others(self) -> int:
        """Explained by other services, by large paper, and by jobs that nobody paid."""
        return sum(
            each.unbilled + each.large + sum(each.others.values()) for each in self.stretches
        )

    @property
    def tolerance(self) -> int:
        """Pages that may belong to another day, or of which nobody can tell."""
        return sum(each.tolerance for each in self.stretches)

    @property
    def explained(self) -> int:
        """What of an administrator's pages was needed: never negative, never more than is left."""
        return min(max(0, self.entered), abs(self._left))

    @property
    def unexplained(self) -> int:
        """Pages that nobody knows of; negative: more was billed than the machine counted."""
        left = self._left
        return left - self.explained if left >= 0 else left + self.explained

    @property
    def percent(self) -> float:
        """The same of what the machine counted, or of what was billed where that is more."""
        whole = max(self.metered, self.prints + self.copies)
        return 100.0 * abs(self.unexplained) / whole if whole else 0.0

    @property
    def _left(self) -> int:
        return sum(each.left for each in self.stretches)

    def over(self, limits: Limits) -> bool:
        """Say whether so much of a whole day is unexplained that somebody should look."""
        # what is missing at noon may well be settled by midnight
        beyond = abs(self.unexplained) - self.tolerance
        return self.whole and beyond > limits.pages and self.percent > limits.percent


@dataclass(frozen=True, slots=True)
class Copied:
    """Copies by the machine's own meters that no terminal billed."""

    monochrome: int
    """Impressions; those whose colour the machine does not tell, too."""
    color: int
    """Impressions."""
    carried: int = 0
    """Negative: so many more were billed than the meters moved; the next ones are theirs."""


def first_day(began: datetime, seen: date | None, zone: tzinfo | None) -> date:
    """Return the day of a site in which the readings of a device began.

    Nobody tells the centre a site's time zone; but its edge reads the end of each day before
    anything else of the next one, so that other devices of the site say which day it was.

    Args:
        began: when the first reading was made; aware.
        seen: the last day whose end was read there by then; None: none was.
        zone: for a site that saw no midnight yet; None: this machine's.
    """
    own = began.astimezone(zone).date()
    if seen is None:
        return own
    # zones are no further apart than that; else the site was down for days, and nothing says more
    return seen + ONE_DAY if abs(seen + ONE_DAY - own) <= ONE_DAY else own


def compare(before: Read | None, after: Read, factor: int = 1, booked: int = 0) -> _Compared:
    """Compare two readings in a row.

    Args:
        before: None when there is none.
        after: the later one.
        factor: as how many the machine counts one side of large paper.
        booked: copies that were booked to the device's account by `after`.
    """
    if (why := apart(before, after)) is not None:
        return why
    assert before is not None  # noqa: S101  else it is apart
    assert after.tally is not None  # noqa: S101  the same
    assert before.tally is not None  # noqa: S101  the same
    moved = moved_between(before, after)
    found = figure_of(moved)
    if isinstance(found, NotCompared):
        return found
    name, unit, metered = found
    billed = after.tally - before.tally
    tolerance = before.tolerance + after.tolerance + billed.doubtful
    if unit == "sheets":
        return Stretch(
            unit,
            metered,
            billed.print_sheets,
            billed.copy_sheets + booked,
            # what is counted in impressions cannot be taken off sheets
            tolerance=tolerance + billed.unbilled + sum(others_of(moved, after, name).values()),
            remarks=tuple(moved.troubles.values()),
        )
    by_service = {}
    for service, count in (("print", billed.prints), ("copy", billed.copies + booked)):
        counted = moved.service(service)
        if counted is not None:
            by_service[service] = counted, count
    return Stretch(
        unit,
        metered,
        billed.prints,
        billed.copies + booked,
        unbilled=billed.unbilled,
        large=(factor - 1) * billed.large,
        others=others_of(moved, after, name),
        tolerance=tolerance,
        by_service=by_service,
        remarks=tuple(moved.troubles.values()),
    )


_Compared: TypeAlias = Stretch | NotCompared


def copied(before: Read | None, after: Read, carried: int = 0) -> Copied | NotCompared:
    """Return the copies between two readings that no terminal billed.

    Args:
        before: None when there is none.
        after: the later one.
        carried: what the stretches before billed beyond their meters; at most 0.
    """
    if (why := apart(before, after)) is not None:
        return why
    assert before is not None  # noqa: S101  else it is apart
    assert after.tally is not None  # noqa: S101  the same
    assert before.tally is not None  # noqa: S101  the same
    moved = moved_between(before, after)
    if (trouble := moved.trouble_of("copy")) is not None:
        return NotCompared(trouble)
    total, whole = moved.service("copy"), moved.service("total")
    if total is None:
        return NotCompared("the machine does not tell copies from other pages")
    # two counters that are read one after the other may be some pages apart, and no more
    if whole is not None and total > whole + UNKNOWN_JOB + before.tolerance + after.tolerance:
        return NotCompared(f"it counted {total} copies, and {whole} pages of all kinds together")
    in_color = moved.by.get("copy-color")
    color = 0 if in_color is None or in_color[0] != "impressions" else min(in_color[1], total)
    billed = after.tally - before.tally
    monochrome = total - color - (billed.copies - billed.copy_color) + min(0, carried)
    color -= billed.copy_color
    # a colour that two counters see differently is still one copy
    if monochrome < 0 < color:
        monochrome, color = min(0, monochrome + color), max(0, monochrome + color)
    if color < 0 < monochrome:
        monochrome, color = max(0, monochrome + color), min(0, monochrome + color)
    return Copied(max(0, monochrome), max(0, color), min(0, monochrome) + min(0, color))


def day_of(
    node: str,
    device: str,
    day: date,
    compared: Sequence[_Compared],
    *,
    entered: int = 0,
    since: datetime | None = None,
    until: datetime | None = None,
    whole: bool = True,
) -> Day:
    """Put the stretches of a day together; those in another unit than the last are left out."""
    stretches = [each for each in compared if isinstance(each, Stretch)]
    breaks = [each.reason for each in compared if isinstance(each, NotCompared)]
    unit = stretches[-1].unit if stretches else None
    other = [each for each in stretches if each.unit != unit]
    breaks += [f"{each.metered} {each.unit} were counted in another unit" for each in other]
    alike = tuple(each for each in stretches if each.unit == unit)
    return Day(node, device, day, alike, tuple(breaks), entered, since, until, whole)
