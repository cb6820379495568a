"""When each printer is looked at next, and when what was seen is told, pure.

Times are seconds of a clock that never jumps. Every printer has a beat of its own, by its id: a
start, a process that was stopped for an hour, or a network that is back never wakes all at once.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from enum import StrEnum
from hashlib import blake2b
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from collections.abc import Hashable

    from broker.messages import DeviceState
    from config.settings_devices import DeviceSettings
    from edge.devices.merge import View

#: The first look at a site's printers: so many of them a second.
_FIRST_A_SECOND: Final = 20
#: A look that is late by more than this, or by a whole beat, waits for its place among all.
_LATE: Final = 5.0
#: Within so much of a beat after a look there is no other.
_SOONEST: Final = 0.25
#: A printer in trouble for longer than this is looked at like any other.
_STILL_TROUBLED: Final = 3600.0
#: What does not change is told again after so long: a state from yesterday could be anything.
_AT_LEAST: Final = 600.0
#: Troubles that somebody is about to end, standing before the machine.
_SEEN_TO: Final = frozenset({"jam", "cover-open", "tray-empty", "attention"})


class Pace(StrEnum):
    """How often a printer is looked at."""

    BUSY = "busy"
    IDLE = "idle"
    ASLEEP = "asleep"
    SILENT = "silent"


def pace_of(view: View, *, troubles: dict[str, float], jobs: int) -> Pace:
    """Say how often a printer should be looked at now.

    Args:
        view: as it was last seen.
        troubles: codes of what is raised, each with the seconds since when.
        jobs: of ours that are at it.
    """
    if view.answers is False:
        return Pace.SILENT
    if jobs or view.state == "processing":
        return Pace.BUSY
    if any(code in _SEEN_TO and age < _STILL_TROUBLED for code, age in troubles.items()):
        return Pace.BUSY
    return Pace.ASLEEP if view.asleep else Pace.IDLE


def every(pace: Pace, settings: DeviceSettings, *, unanswered: int = 0) -> float:
    """Return the seconds between two looks.

    Args:
        pace: how often.
        settings: of the site.
        unanswered: looks in a row that nothing came back from; each doubles the next pause.
    """
    match pace:
        case Pace.BUSY:
            return settings.busy.total_seconds()
        case Pace.IDLE:
            return settings.idle.total_seconds()
        case Pace.ASLEEP:
            return settings.asleep.total_seconds()
        case Pace.SILENT:
            longest = max(settings.silent, settings.busy).total_seconds()
            doublings = min(max(unanswered - 1, 0), 30)
            return min(settings.busy.total_seconds() * 2.0**doublings, longest)


def share(device: str) -> float:
    """Return a printer's place among all, from 0 to below 1: the same for ever."""
    return int.from_bytes(blake2b(device.encode(), digest_size=6).digest()) / 2**48


def first_look(device: str, now: float, settings: DeviceSettings, printers: int) -> float:
    """Return when a printer is looked at first after a start."""
    spread = min(settings.idle.total_seconds(), max(printers, 1) / _FIRST_A_SECOND)
    return now + share(device) * spread


def next_look(device: str, looked: float, now: float, beat: float) -> float:
    """Return when a printer is looked at again: at the next stroke of its own beat.

    Args:
        device: its id.
        looked: when the last look began.
        now: the moment, after that look.
        beat: seconds between two looks.
    """
    phase = share(device) * beat
    strokes = math.ceil((looked + beat * _SOONEST - phase) / beat)
    stroke = phase + strokes * beat
    while stroke < now:  # the look took longer than a beat
        stroke += beat * max(1, math.ceil((now - stroke) / beat))
    return stroke


def caught_up(device: str, planned: float, now: float, beat: float) -> float:
    """Return when a look that is late is done: at once, or after a stop in its own place.

    Args:
        device: its id.
        planned: when it should have begun.
        now: the moment.
        beat: seconds between two looks.
    """
    if now - planned <= min(_LATE, beat):
        return planned
    return now + share(device) * beat


# ── what is told ────────────────────────────────────────────────────────────────────────────


@dataclass(frozen=True, slots=True)
class AtOnce:
    """Tell it now."""


@dataclass(frozen=True, slots=True)
class Later:
    """Tell it then, unless something else comes first."""

    at: float
    """Seconds of the same clock."""


@dataclass(frozen=True, slots=True)
class NoNews:
    """It was told already."""


def when_told(
    before: DeviceState | None, after: DeviceState, *, said: float, now: float, snapshot: float
) -> AtOnce | Later | NoNews:
    """Say when a state is told: changes at once, slow figures at most once in `snapshot`.

    Args:
        before: what was told last; none: nothing, or to somebody who has forgotten it.
        after: what is so now.
        said: when that was told.
        now: the moment.
        snapshot: seconds.
    """
    if before is None or quick(before) != quick(after):
        return AtOnce()
    if before.model_copy(update={"updated_at": after.updated_at}) == after:
        return AtOnce() if now - said >= _AT_LEAST else NoNews()
    return AtOnce() if now - said >= snapshot else Later(said + snapshot)


def quick(state: DeviceState) -> Hashable:
    """Return what is told as soon as it changes."""
    return (
        state.name,
        state.state,
        state.reasons,
        state.answers,
        state.identity,
        tuple((each.key, each.state) for each in state.supplies),
        tuple((each.key, each.state) for each in state.trays),
        state.covers,
        tuple((each.code, each.severity, each.since) for each in state.troubles),
        state.can,
    )
