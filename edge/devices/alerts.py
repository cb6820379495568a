"""What somebody should see to at a printer: raised, kept and cleared without flapping; pure.

A trouble that comes and goes must not flood anybody: each time it comes back within an hour it has
to stay away for longer before it counts as over (a minute, two, four … fifteen), so one trouble of
one printer is raised at most nine times in its first hour and four times in each that follows.
While it is kept so, nothing is told of it. Silence needs no such bound: it is raised late, after
`offline_after`, and so no oftener than that.
"""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from typing import TYPE_CHECKING, Final

from broker.messages import DeviceTrouble, Note
from broker.messages.devices import Severity  # noqa: TC001  what is kept is read by its types

if TYPE_CHECKING:
    from collections.abc import Mapping

#: A trouble that was over for so long begins from nothing.
_REMEMBERED: Final = timedelta(hours=1)
_FIRST_HOLD: Final = timedelta(minutes=1)
_LONGEST_HOLD: Final = timedelta(minutes=15)
#: Over at once, however often it came.
_AT_ONCE: Final = frozenset({"offline"})
#: Parts of one trouble, such as supplies: each new one is told once.
_PARTS: Final = 16
#: What lasts for a while lasts no longer than this, whatever was done to the clock.
_LASTS: Final = timedelta(hours=24)
_LINE: Final = 1000
_LEVELS: Final[Mapping[str, int]] = {"info": 0, "warning": 1, "critical": 2}


@dataclass(frozen=True, slots=True)
class Complaint:
    """Something that is wrong at this moment."""

    severity: Severity
    """How loud."""
    detail: str
    """For people."""
    parts: tuple[str, ...] = ()
    """What of the printer it is about, such as keys of supplies."""
    lasts: timedelta | None = None
    """It is over so long after it was last said; None: with the first look that finds it gone."""


@dataclass(frozen=True, slots=True)
class Raised:
    """A trouble as it is kept, over a restart as well. Times are aware."""

    severity: Severity
    """The worst it was since it was raised."""
    detail: str
    """As it was last."""
    since: datetime
    """When it was raised."""
    parts: tuple[str, ...] = ()
    """All that it was about since then."""
    gone: datetime | None = None
    """It was found gone then, and is not told to be over yet."""
    until: datetime | None = None
    """It stands until then, whatever is seen."""
    over: datetime | None = None
    """It was told to be over then; kept so that it is noticed when it comes back."""
    times: int = 1
    """How often it came without an hour between."""


@dataclass(frozen=True, slots=True)
class Told:
    """What comes of one look."""

    raised: Mapping[str, Raised]
    """By code, to be kept."""
    notes: tuple[Note, ...] = ()
    """To be told."""


@dataclass(frozen=True, slots=True)
class Seen:
    """What one look found wrong."""

    complaints: Mapping[str, Complaint] = field(default_factory=dict)
    """By code."""
    unknown: frozenset[str] = frozenset()
    """Codes of which this look says nothing: they stay as they are."""
    all_unknown: bool = False
    """It says nothing of any but those it complains of."""


def standing(raised: Mapping[str, Raised]) -> dict[str, Raised]:
    """Return what is raised at present."""
    return {code: each for code, each in raised.items() if each.over is None}


def troubles(raised: Mapping[str, Raised]) -> tuple[DeviceTrouble, ...]:
    """Return what is raised at present as it is said on the wire."""
    return tuple(
        DeviceTrouble(
            code=code, severity=each.severity, detail=each.detail[:_LINE], since=each.since
        )
        for code, each in standing(raised).items()
    )


def judged(raised: Mapping[str, Raised], seen: Seen, subject: str, now: datetime) -> Told:
    """Take in one look.

    Args:
        raised: what is kept.
        seen: what is wrong now.
        subject: device id, or the node, for notes.
        now: the moment; aware. A clock that was set back makes nothing last for longer from then
            on than it would have from the beginning.
    """
    kept: dict[str, Raised] = {}
    notes: list[Note] = []
    for code, complaint in seen.complaints.items():
        kept[code] = _complained(code, raised.get(code), complaint, subject, now, notes)
    for code, before in raised.items():
        if code not in kept:
            after = _silent(code, before, seen, subject, now, notes)
            if after is not None:
                kept[code] = after
    return Told(kept, tuple(notes))


def dropped(raised: Mapping[str, Raised], subject: str) -> tuple[Note, ...]:
    """Return what is told of a printer that is not watched any more: nothing is raised of it."""
    detail = "over: this printer is not watched here any more"
    return tuple(
        Note(severity="info", code=code, subject=subject, detail=detail, cleared=True)
        for code in standing(raised)
    )


def _complained(
    code: str,
    before: Raised | None,
    complaint: Complaint,
    subject: str,
    now: datetime,
    notes: list[Note],
) -> Raised:
    until = now + complaint.lasts if complaint.lasts is not None else None
    if before is None or before.over is not None:
        back = before is not None and abs(now - (before.over or now)) < _REMEMBERED
        after = Raised(
            severity=complaint.severity,
            detail=complaint.detail,
            since=now,
            parts=complaint.parts[:_PARTS],
            until=until,
            times=before.times + 1 if before is not None and back else 1,
        )
        notes.append(_note(code, after, subject))
        return after
    new = tuple(each for each in complaint.parts if each not in before.parts)
    worse = _LEVELS[complaint.severity] > _LEVELS[before.severity]
    after = replace(
        before,
        severity=complaint.severity if worse else before.severity,
        detail=complaint.detail,
        parts=(*before.parts, *new)[:_PARTS],
        gone=None,
        until=until or before.until,
    )
    if worse or after.parts != before.parts:
        notes.append(_note(code, after, subject))
    return after


def _silent(
    code: str, before: Raised, seen: Seen, subject: str, now: datetime, notes: list[Note]
) -> Raised | None:
    """Return what becomes of a trouble that this look does not complain of."""
    if before.over is not None:
        return before if abs(now - before.over) < _REMEMBERED else None
    if before.until is not None:
        if now < before.until:
            return replace(before, until=min(before.until, now + _LASTS))
    elif seen.all_unknown or code in seen.unknown:
        return replace(before, gone=None)
    gone = before.gone if before.gone is not None and before.gone <= now else now
    if code not in _AT_ONCE and now - gone < _hold(before.times):
        return replace(before, gone=gone)
    notes.append(
        Note(
            severity="info",
            code=code,
            subject=subject,
            detail=f"over: {before.detail}"[:_LINE],
            cleared=True,
        )
    )
    return replace(before, gone=None, until=None, over=now)


def _hold(times: int) -> timedelta:
    """Return how long a trouble has to stay away that came so often."""
    if times <= 1:
        return timedelta(0)
    return min(_FIRST_HOLD * (1 << min(times - 2, 10)), _LONGEST_HOLD)


def _note(code: str, each: Raised, subject: str) -> Note:
    detail = each.detail[:_LINE]
    return Note(severity=each.severity, code=code, subject=subject, detail=detail)
