"""Meters in the coordinator: looks whether readings wait, and publishes what they gave rise to."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from central.store import metering

if TYPE_CHECKING:
    from central.fleet import Fleet

#: Seconds between two tries to book what waits for money.
AGAIN: Final = 3600.0


class Metering:
    """Does a slice of what is due in each look; a look costs next to nothing when nothing is."""

    def __init__(self, fleet: Fleet) -> None:
        self._fleet = fleet
        self._token: object = None
        self._again = float("-inf")
        self._more = False

    @property
    def restless(self) -> bool:
        """Whether there is more to do at once."""
        return self._more

    def look(self, now: float) -> None:
        """Do one slice of what is due; `now` is seconds on a clock that never jumps."""
        fleet = self._fleet
        token, due = fleet.books.change_token(), now - self._again >= AGAIN
        if token == self._token and not self._more and not due:
            return
        self._more = False
        if not due:
            with fleet.books.read() as tx:
                if not metering.pending(tx):
                    self._token = token
                    return
        with fleet.books.write(fleet.clock()) as tx:
            done = metering.step(tx, fleet.limits, again=due)
        self._token = token
        self._more = done.more
        if due:
            self._again = now
        for node, note in done.notes:
            fleet.pass_on(node, note)
