"""Unknown cards at each terminal, pure: so many a minute, then none is looked at for a while.

A reader that makes noise, or somebody who tries numbers, costs the site little and learns little.
"""

from __future__ import annotations

from collections import deque
from typing import Final

#: Unknown cards of one terminal in any so many seconds: more than a queue of people can hold up.
MOST: Final = 30
WINDOW: Final = 60.0


class Strangers:
    """Cards that nobody is known by, by the terminal that showed them. Times are seconds."""

    def __init__(self) -> None:
        """Begin with none."""
        # terminals are those that the site's broker lets in
        self._shown: dict[str, deque[float]] = {}

    def rest(self, node: str, now: float) -> float | None:
        """Return how long a terminal's cards are not looked at, None when they are.

        Known ones too: whoever tries numbers is told nothing meanwhile.
        """
        shown = self._shown.get(node)
        if shown is None or len(shown) < MOST:
            return None
        rest = shown[0] + WINDOW - now
        return rest if rest > 0 else None

    def unknown(self, node: str, now: float) -> bool:
        """Note one; say whether it was the last for a while."""
        self._shown.setdefault(node, deque(maxlen=MOST)).append(now)
        return self.rest(node, now) is not None
