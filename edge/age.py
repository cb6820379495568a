"""For how long the centre has not been heard; pure, the journal keeps what must outlive a reboot.

While the edge runs, time goes on by a monotonic clock alone (one that counts a suspended machine
as well). Over a reboot there is none, so the wall clock has to do: what is kept is the age and the
highest time seen. A clock set forward makes the site older; one set back buys nothing, for it
counts from the highest time that ever was, and each start costs what may have gone unstored.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Final

#: What is kept is stored this often; so much may be missing of it.
STORE_EVERY: Final = timedelta(seconds=30)


@dataclass(frozen=True, slots=True)
class Kept:
    """What outlives a reboot."""

    age: timedelta
    """Since the centre was heard, at that moment."""
    mark: datetime
    """The highest wall-clock time seen until then."""


class Age:
    """Counts since the last receipt from the centre. Monotonic times are seconds."""

    def __init__(self, kept: Kept | None, wall: datetime, monotonic: float) -> None:
        """Begin; a fresh journal is as if it had just heard the centre.

        Args:
            kept: the newest that was stored.
            wall: the time of day as the machine has it.
            monotonic: the monotonic clock at the same moment.
        """
        self._mark, self._carried, self._began = wall, timedelta(0), monotonic
        if kept is not None:
            self._mark = max(wall, kept.mark)
            self._carried = kept.age + max(STORE_EVERY, self._mark - kept.mark)

    def heard(self, monotonic: float) -> None:
        """Something came from the centre."""
        self._carried, self._began = timedelta(0), monotonic

    def at(self, monotonic: float) -> timedelta:
        """Return the age."""
        return self._carried + timedelta(seconds=max(0.0, monotonic - self._began))

    def keep(self, wall: datetime, monotonic: float) -> Kept:
        """Return what is to be stored now; older times of day than the highest one are not kept."""
        self._mark = max(self._mark, wall)
        return Kept(self.at(monotonic), self._mark)


def too_old(age: timedelta, longest: timedelta | None) -> bool:
    """Say whether a site has been alone for longer than its terms allow."""
    return longest is not None and age >= longest
