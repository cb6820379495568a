"""What time it is at the centre, learned from its answers; pure.

A question's deadline is judged by who answers it. An edge whose clock is wrong would ask in
vain, or for ever; so deadlines are written by the centre's clock, and nothing else is.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Final

#: An answer that was longer on its way says too little: the centre's time is within it.
LONGEST_ROUND: Final = 10.0
#: A clock that has never been set is not further off than that; who says more, errs.
FURTHEST: Final = timedelta(days=36_525)
#: Seconds that two clocks may drift apart before an older, better measurement counts no more.
_DRIFT: Final = 1e-4


@dataclass(frozen=True, slots=True)
class _Measured:
    said: datetime
    at: float
    """When on our monotonic clock the centre said so: half way of the round."""
    doubt: float
    """It may be so many seconds off, either way."""


class CentreTime:
    """The centre's clock as this node knows it. Monotonic times are seconds."""

    def __init__(self) -> None:
        """Begin without knowing."""
        self._best: _Measured | None = None

    def learn(self, said: datetime, *, asked: float, answered: float, wall: datetime) -> None:
        """Take in the time that an answer bears.

        Args:
            said: when the centre wrote it, by its own clock.
            asked: when the question left, on our monotonic clock.
            answered: when the answer came, likewise.
            wall: our own time of day when it came.
        """
        round_trip = answered - asked
        if not 0 <= round_trip <= LONGEST_ROUND or abs(said - wall) > FURTHEST:
            return
        found = _Measured(said, asked + round_trip / 2, round_trip / 2)
        best = self._best
        if best is None or found.doubt <= best.doubt + (answered - best.at) * _DRIFT:
            self._best = found
        elif abs((found.said - self._at(best, found.at)).total_seconds()) > (
            found.doubt + best.doubt + 1.0
        ):
            self._best = found  # its clock was set

    def now(self, wall: datetime, monotonic: float) -> datetime:
        """Return the centre's time; our own time of day while it is not known."""
        return wall if self._best is None else self._at(self._best, monotonic)

    @staticmethod
    def _at(measured: _Measured, monotonic: float) -> datetime:
        return measured.said + timedelta(seconds=monotonic - measured.at)
