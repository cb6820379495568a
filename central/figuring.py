"""Figures in the coordinator: rolls the books up when it has nothing better to do."""

from __future__ import annotations

from time import perf_counter
from typing import TYPE_CHECKING, Final

from central.store import facts
from config.logs import logger

if TYPE_CHECKING:
    from central.fleet import Fleet

_log = logger("central.figuring")

#: Seconds at a stretch while nobody waits: mail that comes in the midst of it waits no longer.
_AT_REST: Final = 0.1
#: How much of its time it may take while mail comes in.
_SHARE: Final = 0.04
#: Entries in one slice then: what waits for it waits some hundredths of a second.
_BESIDE: Final = 250
#: Seconds until it is tried again after it failed.
_AFTER_A_FAILURE: Final = 60.0


class Figuring:
    """Does what is due in slices; a look costs next to nothing when nothing is."""

    def __init__(self, fleet: Fleet) -> None:
        self._fleet = fleet
        self._token: object = None
        self._more = False
        self._rounds = -1
        self._next = float("-inf")
        self._failed = False

    @property
    def restless(self) -> bool:
        """Whether there is more to do at once."""
        return self._more and self._next == float("-inf")

    def look(self, now: float) -> None:
        """Do some slices of what is due; `now` is seconds on a clock that never jumps."""
        rounds = self._fleet.tally.rounds
        busy, self._rounds = rounds != self._rounds, rounds
        if now < self._next and (busy or self._failed):
            return
        self._next, self._failed = float("-inf"), False
        try:
            took = self._slices(at_rest=not busy)
        except Exception:  # noqa: BLE001  figures hold no money up; and what failed is rolled back
            _log.exception("figures are not rolled up", action="figures-failed")
            self._next, self._failed, self._more = now + _AFTER_A_FAILURE, True, False
            return
        if busy:
            self._next = now + took / _SHARE

    def _slices(self, *, at_rest: bool) -> float:
        """Do one slice, or some; return how many seconds that took."""
        books = self._fleet.books
        token = books.change_token()
        if token == self._token and not self._more:
            return 0.0
        began = perf_counter()
        with books.read(self._fleet.clock()) as tx:
            self._more = facts.pending(tx)
        while self._more:
            with books.write(self._fleet.clock()) as tx:
                self._more = facts.step(tx, facts.SLICE if at_rest else _BESIDE).more
            if not at_rest or perf_counter() - began >= _AT_REST:
                break
        self._token = token
        return perf_counter() - began
