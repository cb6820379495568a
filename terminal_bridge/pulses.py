"""Counts pulses on a line that bounces: a level counts once it has lasted; reads no clock."""

from __future__ import annotations


class PulseCounter:
    """One input line. A pulse is the active level, held for at least the debounce time.

    Edges come with the times at which they happened, which may be on another clock than the
    caller's own, and late: only differences between them are taken.
    """

    def __init__(self, *, debounce: float, active: bool) -> None:
        """Begin with the level as it is; a pulse that lasts already is none of ours.

        Args:
            debounce: seconds.
            active: the line is at its active level now.
        """
        self.pulses = 0
        self.glitches = 0
        """Levels that did not last."""
        self._debounce = debounce
        self._level = active
        self._settled = active
        self._since: float | None = None

    def edge(self, *, active: bool, at: float) -> bool:
        """Take a change of level; tell whether a pulse was counted, by the level that it ended.

        An edge to the level that is known already stands for two that were seen as one.
        """
        lasted = self._since is None or at - self._since >= self._debounce
        counted = self.quiet() if lasted else False
        self.glitches += not lasted or active == self._level
        self._level, self._since = active, at
        return counted

    def quiet(self) -> bool:
        """Take that no edge came for the debounce time; tell whether a pulse was counted by it."""
        counted = self._level and not self._settled
        self._settled = self._level
        self.pulses += counted
        return counted
