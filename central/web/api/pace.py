"""How many requests a token may send: so many a minute, at once or spread; pure."""

from __future__ import annotations

from collections import OrderedDict
from typing import Final

_MINUTE: Final = 60.0
#: Tokens that are remembered; whoever is forgotten had not asked for long.
_MOST: Final = 1000


class Pace:
    """What is left to each token: a bucket that fills again with time."""

    def __init__(self, per_minute: int) -> None:
        self._most = float(per_minute)
        self._left: OrderedDict[str, tuple[float, float]] = OrderedDict()

    def take(self, who: str, now: float) -> float:
        """Count a request; return how many seconds to wait instead, 0: none.

        Args:
            who: the token.
            now: seconds of a clock that only goes on.
        """
        left, at = self._left.pop(who, (self._most, now))
        left = min(self._most, left + (now - at) * self._most / _MINUTE)
        short = 1.0 - left
        self._left[who] = (left if short > 0 else left - 1.0, now)
        if len(self._left) > _MOST:
            self._left.popitem(last=False)
        return max(0.0, short) * _MINUTE / self._most
