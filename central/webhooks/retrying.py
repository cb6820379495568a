"""What follows an attempt to send: done, again later, or given up until somebody looks; pure.

The pauses are those that Standard Webhooks 1.0.0 suggests, with one more among the short ones:
messages go in order, so what is behind one that fails waits with it.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from email.utils import parsedate_to_datetime
from typing import Final, TypeAlias, assert_never

#: Pauses after the first failure of a message, the second …; after the last one it is given up,
#: three days and a quarter after it was first tried.
PAUSES: Final = (
    timedelta(seconds=5),
    timedelta(minutes=1),
    timedelta(minutes=5),
    timedelta(minutes=30),
    timedelta(hours=2),
    timedelta(hours=5),
    timedelta(hours=10),
    timedelta(hours=14),
    timedelta(hours=20),
    timedelta(hours=24),
)
#: A receiver may ask for as much patience as this, not more.
_MOST: Final = timedelta(hours=24)
#: Pauses are spread by so much either way, that not all come back at once.
_JITTER: Final = 0.1
_GONE: Final = 410
_GOOD: Final = range(200, 300)
_ELSEWHERE: Final = range(300, 400)


@dataclass(frozen=True, slots=True)
class Answered:
    """The receiver answered."""

    status: int
    """Of HTTP."""
    took: timedelta
    retry_after: str = ""
    """The header of that name; empty: none."""


@dataclass(frozen=True, slots=True)
class Unreached:
    """It did not, or was not asked."""

    why: str
    """In a sentence."""
    took: timedelta


Outcome: TypeAlias = Answered | Unreached


@dataclass(frozen=True, slots=True)
class Delivered:
    """The receiver has it."""


@dataclass(frozen=True, slots=True)
class Again:
    """It is tried again, not before a moment."""

    at: datetime
    why: str


@dataclass(frozen=True, slots=True)
class GivenUp:
    """Nothing more is sent there until somebody says so."""

    why: str


Next: TypeAlias = Delivered | Again | GivenUp


def after(outcome: Outcome, failures: int, now: datetime, share: float) -> Next:
    """Return what follows.

    Args:
        outcome: of the attempt.
        failures: of this message, before.
        now: the moment.
        share: 0 to 1, by chance.
    """
    wish = timedelta()
    match outcome:
        case Answered(status=status) if status in _GOOD:
            return Delivered()
        case Answered(status=status) if status == _GONE:
            return GivenUp("it answered 410: it wants nothing more")
        case Answered(status=status, retry_after=header):
            why = f"it answered {status}"
            if status in _ELSEWHERE:
                why += ": it points elsewhere, and that is not followed"
            wish = _wish(header, now)
        case Unreached(why=why):
            pass
        case _:
            assert_never(outcome)
    if failures >= len(PAUSES):
        return GivenUp(f"{why}, {failures + 1} times over three days")
    pause = PAUSES[failures] * (1 - _JITTER + 2 * _JITTER * share)
    return Again(now + max(pause, wish), why)


def _wish(header: str, now: datetime) -> timedelta:
    """Return how long a receiver asks to be left alone (RFC 9110 §10.2.3)."""
    text = header.strip()
    if text.isascii() and text.isdigit():
        return min(timedelta(seconds=min(int(text[:9]), 10**6)), _MOST)
    try:
        at = parsedate_to_datetime(text)
    except ValueError:
        return timedelta()
    at = at if at.tzinfo else at.replace(tzinfo=UTC)
    return min(max(at - now, timedelta()), _MOST)
