"""People in the coordinator: whose time is over is disabled; imports in trouble raise alerts."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from central.acts import guests
from central.acts.by import By
from central.store import people_sources, person

if TYPE_CHECKING:
    from datetime import datetime

    from central.fleet import Fleet
    from central.store.people_sources import SourceState

#: People that one transaction disables.
_SLICE: Final = 100
#: Seconds between two alerts: the fleet tells of one a minute.
_APART: Final = 61.0


class Peopling:
    """Does a slice of what is due in each look; a look costs next to nothing when nothing is."""

    def __init__(self, fleet: Fleet) -> None:
        self._fleet = fleet
        self._token: object = None
        self._expiry: datetime | None = None
        self._told: dict[str, datetime | None] = {}
        self._waiting: list[SourceState] = []
        self._alerted = float("-inf")
        self._more = False

    @property
    def restless(self) -> bool:
        """Whether there is more to do at once."""
        return self._more

    def look(self, now: float) -> None:
        """Do one slice of what is due; `now` is seconds on a clock that never jumps."""
        fleet = self._fleet
        token = fleet.books.change_token()
        if token != self._token or self._more:
            with fleet.books.read() as tx:
                self._expiry = person.next_expiry(tx)
                self._note(people_sources.every(tx))
            self._token = token
        self._more = False
        if self._expiry is not None and self._expiry <= fleet.clock():
            with fleet.books.write(fleet.clock()) as tx:
                gone = guests.expire(tx, By(fleet.books.identity.node), limit=_SLICE)
                self._expiry = person.next_expiry(tx)
            self._more = len(gone) == _SLICE
        if self._waiting and now - self._alerted >= _APART:
            trouble = self._waiting.pop(0)
            self._alerted = now
            detail = f"people from {trouble.source}: {trouble.remark}"
            fleet.alert(fleet.books.identity.node, "people", detail, now, subject=trouble.source)

    def _note(self, states: list[SourceState]) -> None:
        """Have an alert raised for each import that ended badly, once."""
        for state in states:
            if self._told.get(state.source) == state.ended_at:
                continue
            self._told[state.source] = state.ended_at
            self._waiting = [each for each in self._waiting if each.source != state.source]
            if state.state in {"braked", "failed"}:
                self._waiting.append(state)
