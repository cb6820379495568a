"""What a machine's meters counted between two readings, or why nobody can say; pure.

Facts: some lose up to nine when they lose power and go round at 999,999; a board that was changed
begins anew; two sources of one figure differ. A difference is evidence, never a charge by itself.
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator
    from datetime import datetime

    from broker.messages import Meter

#: Where counters go round: at six digits on some machines, at 32 bits by their type (RFC 2578).
ROUNDS: Final = (1_000_000, 2**32)
#: Impressions a minute that no machine makes.
_FASTEST: Final = 500
#: What no time explains: readings and the clock are a little off.
_GRACE: Final = 1000
#: Two clocks go apart by so many seconds, and by such a part of the time.
_CLOCKS: Final = 30.0
_DRIFT: Final = 0.02
#: A counter that is about to go round is as near to its limit as this.
_NEAR: Final = 0.01
#: What a power cut takes from a counter at most.
_LOST_AT_POWER_OFF: Final = 50


class Why(StrEnum):
    """Why two values of a meter cannot be compared."""

    OTHER_SERIAL = "other-serial"
    """Two machines."""
    OTHER_UNIT = "other-unit"
    """Sheets then, impressions now."""
    OTHER_SOURCE = "other-source"
    """Read in another place; nobody promises that the two agree."""
    HALF_READ = "half-read"
    """One of the readings lacks it."""
    WENT_BACK = "went-back"
    """It shows less than before."""
    RESET = "reset"
    """It began anew."""
    JUMPED = "jumped"
    """More than any machine makes in that time."""


#: Of these somebody should know; the others only mean that a figure is missing.
BROKEN: Final = frozenset({Why.WENT_BACK, Why.RESET, Why.JUMPED})


@dataclass(frozen=True, slots=True)
class Taken:
    """One reading."""

    meters: tuple[Meter, ...]
    """What was read, each from one source."""
    serial: str | None
    """Of the machine, by one source; None: it does not say."""
    at: datetime
    """When, by our clock; aware."""
    up_for: float | None = None
    """Seconds since the machine was switched on, by its own clock."""


@dataclass(frozen=True, slots=True)
class Counted:
    """A meter that went on."""

    name: str
    """Of the meter."""
    unit: str
    """What it counts."""
    source: str
    """Where it was read."""
    count: int
    """How much it went on; at least 0."""
    wrapped: bool = False
    """It went round its limit once, for certain."""


@dataclass(frozen=True, slots=True)
class Unknown:
    """A meter of which nobody can say how far it went."""

    name: str
    """Of the meter."""
    why: Why
    """For programs."""
    detail: str
    """For people."""


@dataclass(frozen=True, slots=True)
class Difference:
    """Two readings compared."""

    counted: tuple[Counted, ...] = ()
    """What went on."""
    unknown: tuple[Unknown, ...] = ()
    """What did not, each with its reason."""
    restarted: bool = False
    """The machine was switched on in between."""

    @property
    def broken(self) -> tuple[Unknown, ...]:
        """Meters that somebody should know of."""
        return tuple(each for each in self.unknown if each.why in BROKEN)

    @property
    def continues(self) -> bool:
        """The whole stretch can be compared by the plain difference of what was read.

        A figure that one reading lacks, or has from elsewhere, is compared by nobody; a counter
        that went back or round spoils the plain difference.
        """
        wrapped = any(each.wrapped for each in self.counted)
        return bool(self.counted) and not self.broken and not wrapped

    @property
    def detail(self) -> str:
        """What was odd, for people; empty: nothing."""
        said = [each.detail for each in self.unknown]
        said += [f"{each.name} went round its limit" for each in self.counted if each.wrapped]
        return "; ".join(said)[:1000]

    def of(self, name: str) -> Counted | None:
        """Return one meter that went on."""
        return next((each for each in self.counted if each.name == name), None)


def restarted(before: Taken, after: Taken) -> bool | None:
    """Say whether the machine was switched on in between; None: nobody knows for certain."""
    if before.up_for is None or after.up_for is None:
        return None
    ran, passed = after.up_for - before.up_for, (after.at - before.at).total_seconds()
    if ran < 0:
        return True
    # it ran on for as long as passed; a clock that was set, or one that stops asleep, says nothing
    return False if abs(ran - passed) <= _CLOCKS + passed * _DRIFT else None


def difference(before: Taken, after: Taken) -> Difference:
    """Compare two readings of one printer.

    A counter that shows less went round only where the machine's own limit leaves no other way: it
    was not switched on in between, it stood just below the limit, and what lies between is no more
    than it can make in that time. Everything else "went back".
    """
    if before.serial and after.serial and before.serial != after.serial:
        detail = f"{before.serial} before, {after.serial} now"
        names = dict.fromkeys(each.name for each in (*before.meters, *after.meters))
        unknown = tuple(Unknown(name, Why.OTHER_SERIAL, f"{name}: {detail}") for name in names)
        return Difference((), unknown)
    found = list(_each(before, after))
    return Difference(
        tuple(each for each in found if isinstance(each, Counted)),
        tuple(each for each in found if isinstance(each, Unknown)),
        bool(restarted(before, after)),
    )


def _each(before: Taken, after: Taken) -> Iterator[Counted | Unknown]:
    then, now = _by_name(before.meters), _by_name(after.meters)
    minutes = max(0.0, (after.at - before.at).total_seconds()) / 60
    possible, anew = _GRACE + _FASTEST * minutes, restarted(before, after)
    for name in dict.fromkeys((*then, *now)):
        if name not in then or name not in now:
            which = "the later" if name in then else "the earlier"
            yield Unknown(name, Why.HALF_READ, f"{name} is missing in {which} reading")
        else:
            yield _one(then[name], now[name], possible, anew=anew)


def _one(then: Meter, now: Meter, possible: float, *, anew: bool | None) -> Counted | Unknown:
    name, count = then.name, now.value - then.value
    if then.unit != now.unit:
        detail = f"{name} counted {then.unit} before, {now.unit} now"
        return Unknown(name, Why.OTHER_UNIT, detail)
    if then.source != now.source:
        detail = f"{name} was read from {then.source} before, from {now.source} now"
        return Unknown(name, Why.OTHER_SOURCE, detail)
    if count > possible:
        return Unknown(name, Why.JUMPED, f"{name} jumped from {then.value} to {now.value}")
    if count >= 0:
        return Counted(name, now.unit, now.source, count)
    return _fallen(then, now, possible, anew=anew)


def _fallen(then: Meter, now: Meter, possible: float, *, anew: bool | None) -> Counted | Unknown:
    """Say what became of a counter that shows less than before."""
    name = then.name
    for limit in ROUNDS if anew is False else ():
        further = limit - then.value + now.value
        if then.value < limit and further <= min(possible, limit * _NEAR):
            return Counted(name, now.unit, now.source, further, wrapped=True)
    fell = f"{name} went back from {then.value} to {now.value}"
    if anew and then.value - now.value <= _LOST_AT_POWER_OFF:
        return Unknown(name, Why.WENT_BACK, f"{fell} when it was switched off")
    if anew or now.value * 2 <= then.value:
        return Unknown(name, Why.RESET, f"{name} began anew: {then.value} before, {now.value} now")
    return Unknown(name, Why.WENT_BACK, fell)


def _by_name(meters: Iterable[Meter]) -> dict[str, Meter]:
    """Return meters by name; two of one name are none: nobody knows which is meant."""
    found: dict[str, Meter] = {}
    twice: set[str] = set()
    for each in meters:
        if each.name in found:
            twice.add(each.name)
        found[each.name] = each
    return {name: each for name, each in found.items() if name not in twice}


# ── while a job of ours was alone at a printer ──────────────────────────────────────────────

#: Meters that a print moves; every other service that puts out paper is nobody's print.
_PRINTS: Final = frozenset({"total", "print", "marker", "sheets"})
_NO_PAPER: Final = "scan"
#: What a machine may have made beyond what the time explains: the readings are seconds apart.
_AT_MOST_EARLIER: Final = 50


@dataclass(frozen=True, slots=True)
class MeterCount:
    """What a machine's meters say of one job."""

    impressions: int
    """Sides."""
    color: int | None = None
    """Of these in colour, where it splits them."""


def alone(before: Taken, after: Taken) -> MeterCount | None:
    """Return what was printed between two readings by the one job that was there; None: unsure.

    The caller knows that no other job of ours was there and that it stood idle at both. Here: it is
    one and the same machine, it was not switched on in between, it counts impressions, no counter
    went back or ran faster than paper does, and no other service of it counted. A counter that did
    not move says nothing: some lag, and the first reading may have come when all was out already.

    Args:
        before: read before the job came out.
        after: read when it had ended.
    """
    found = difference(before, after)
    if restarted(before, after) is not False:
        return None
    if before.serial is None or before.serial != after.serial:
        return None
    total, color = found.of("total"), found.of("total-color")
    if found.broken or total is None or total.unit != "impressions" or not total.count:
        return None
    minutes = (after.at - before.at).total_seconds() / 60
    if total.count > _AT_MOST_EARLIER + _FASTEST * minutes:
        return None
    if any(each.count and _of_others(each.name) for each in found.counted):
        return None
    usable = color is not None and color.unit == "impressions" and color.count <= total.count
    return MeterCount(total.count, color.count if color is not None and usable else None)


def stood_still(before: Taken, after: Taken) -> bool:
    """Say whether nothing at all was counted between two readings, for certain."""
    total = difference(before, after).of("total")
    return total is not None and not total.count


def _of_others(name: str) -> bool:
    """Say whether a meter counts paper that no print moves: such as `copy-color`."""
    service = name.partition("-")[0]
    return service not in _PRINTS and service != _NO_PAPER
