"""What edges tell of their devices: the newest is kept, and what changed is passed on to the feed.

States are retained: all of them come again whenever the coordinator starts, and then nothing is
written or said. Levels and meters move without a word on the feed; who wants them reads the state.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from broker import topics
from broker.codec import Unreadable, decode
from broker.messages import DeviceState, FeedDevice
from central.store import devices
from central.store.books import BooksUnwritable
from central.store.meters import Place

if TYPE_CHECKING:
    from central.fleet import Fleet

#: Seconds between two times that states are written.
WRITE_EVERY: Final = 10.0
#: Seconds after which a state is written again though only its time is new.
FRESH: Final = 300.0
#: Devices of one node; of more nothing is kept.
MOST: Final = 2000
#: States written in one transaction.
AT_ONCE: Final = 2000


class Devices:
    """Keeps the last state of each device. Times are seconds on a clock that never jumps."""

    def __init__(self, fleet: Fleet) -> None:
        self._fleet = fleet
        self._known: dict[Place, DeviceState] = {}
        self._count: dict[str, int] = {}
        self._unwritten: dict[Place, DeviceState | None] = {}
        self._wrote = float("-inf")
        with fleet.books.read() as tx:
            self._accepted = devices.accepted(tx)
            for kept in devices.every(tx):
                self._keep(kept.place, kept.state)
        self._written = dict(self._known)

    def heard(self, node: str, device: str, payload: bytes, now: float) -> None:
        """Take in what a node says of one of its devices; an empty message: it is gone."""
        place = Place(node, device)
        if not payload:
            if self._known.pop(place, None) is not None:
                self._count[node] -= 1
                self._unwritten[place] = None
            return
        read = decode(payload, (DeviceState,))
        if isinstance(read, Unreadable):
            detail = f"{DeviceState.TYPE}: {read.reason}"
            self._fleet.alert(node, "unreadable", detail, now, subject=device)
            return
        told = read.message
        if told.device != device:
            detail = f"{told.device} is told of at the place of {device}"
            self._fleet.alert(node, "unreadable", detail, now, subject=device)
            return
        before = self._known.get(place)
        if before is None and self._count.get(node, 0) >= MOST:
            detail = f"it tells of more than {MOST} devices; the rest is left out"
            self._fleet.alert(node, "devices", detail, now)
            return
        self._keep(place, told)
        if self._is_news(place, told):
            self._unwritten[place] = told
        if (before is None or _shown(before) != _shown(told)) and self._may_speak(node):
            self._tell(place, told)

    def look(self, now: float) -> None:
        """Write what is new, at most every ten seconds, in one transaction."""
        if not self._unwritten or now - self._wrote < WRITE_EVERY:
            return
        self._wrote = now
        fleet = self._fleet
        with fleet.books.read() as tx:
            was, self._accepted = self._accepted, devices.accepted(tx)
        # whoever is not accepted waits; bounded, since the broker knows them all
        due = {p: s for p, s in self._unwritten.items() if self._may_speak(p.node)}
        due = dict(list(due.items())[:AT_ONCE])
        if not due:
            return
        try:
            with fleet.books.write(fleet.clock()) as tx:
                devices.put(tx, due)
        except BooksUnwritable as error:
            fleet.unwritable = True
            fleet.alert(fleet.books.identity.node, "books", str(error), now)
            return
        fleet.unwritable = False
        for place, state in due.items():
            del self._unwritten[place]
            if state is None:
                self._written.pop(place, None)
                continue
            if place not in self._written and place.node not in was:
                self._tell(place, state)  # it was told before its node was accepted
            self._written[place] = state

    def _may_speak(self, node: str) -> bool:
        return node in self._accepted or node in self._fleet.conversations

    def _keep(self, place: Place, state: DeviceState) -> None:
        if place not in self._known:
            self._count[place.node] = self._count.get(place.node, 0) + 1
        self._known[place] = state

    def _is_news(self, place: Place, told: DeviceState) -> bool:
        """Say whether a state is worth being written: it differs, or is much newer."""
        kept = self._written.get(place)
        if kept is None or place in self._unwritten:
            return True
        # either way: its clock may have been put back
        if abs((told.updated_at - kept.updated_at).total_seconds()) >= FRESH:
            return True
        return told.model_copy(update={"updated_at": kept.updated_at}) != kept

    def _tell(self, place: Place, state: DeviceState) -> None:
        told = FeedDevice(
            node=place.node,
            device=place.device,
            name=state.name,
            state=state.state,
            answers=state.answers,
            troubles=state.troubles,
            updated_at=state.updated_at,
        )
        self._fleet.say(topics.FEED, told, kind="fleet")


def _shown(state: DeviceState) -> tuple[object, ...]:
    """Return what the feed tells of; the words of a trouble may hold a level that moves."""
    troubles = {(each.code, each.severity, each.since) for each in state.troubles}
    return state.name, state.state, state.answers, troubles
