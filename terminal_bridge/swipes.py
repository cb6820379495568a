"""Which cards of a reader are taken for swipes: a flood of them reaches nobody; pure."""

from __future__ import annotations

from collections import OrderedDict
from dataclasses import dataclass
from typing import Final

#: Cards that are told apart within `same`; where more come, the bound below has spoken long ago.
_REMEMBERED: Final = 16


@dataclass(frozen=True, slots=True)
class Refused:
    """What was no swipe since the last report."""

    repeats: int
    """The same card again at once: held on, bounced, or replayed."""
    flood: int
    """More cards than people can hold against a reader."""


class Swipes:
    """One reader's. Keeps a few marks and two counts, whatever comes.

    A second swipe of the same card signs its person off, and each swipe is a question to the edge,
    often with a copy begun and ended behind it; so neither may be had by the thousand.
    """

    def __init__(
        self, *, same: float = 1.0, at_once: int = 10, every: float = 1.0, told_every: float = 60.0
    ) -> None:
        """Begin; durations in seconds.

        Args:
            same: the same card within so long of when it was last held is the same swipe, whatever
                other cards come between.
            at_once: so many swipes may come one right after the other …
            every: … and one more after each of these.
            told_every: what is refused is told at most so often.
        """
        self._same = same
        self._at_once = at_once
        self._every = every
        self._told_every = told_every
        self._seen: OrderedDict[bytes, float] = OrderedDict()
        self._room = float(at_once)
        self._filled = 0.0
        self._refused = Refused(0, 0)
        self._told: float | None = None

    def taken(self, mark: bytes, now: float) -> bool:
        """Say whether a card that is held at this moment is a swipe."""
        last = self._seen.pop(mark, None)
        self._seen[mark] = now
        if len(self._seen) > _REMEMBERED:
            self._seen.popitem(last=False)
        if last is not None and now - last < self._same:
            self._refused = Refused(self._refused.repeats + 1, self._refused.flood)
            return False
        self._room = min(self._at_once, self._room + (now - self._filled) / self._every)
        self._filled = now
        if self._room < 1:
            self._refused = Refused(self._refused.repeats, self._refused.flood + 1)
            return False
        self._room -= 1
        return True

    def gone(self) -> None:
        """The card left, says the reader: held again, it is a swipe again."""
        if self._seen:
            self._seen.popitem()

    def report(self, now: float) -> Refused | None:
        """Return what was refused, when it is time to tell; None: nothing, or not yet."""
        waits = self._told is not None and now - self._told < self._told_every
        if waits or self._refused == Refused(0, 0):
            return None
        refused, self._refused, self._told = self._refused, Refused(0, 0), now
        return refused
