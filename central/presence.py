"""Who is heard: sessions, silence, and who counts as linked (PROTOCOL 7); no clock of its own."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import timedelta
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from datetime import datetime
    from uuid import UUID

#: Seconds without any message after which a node counts as cut off.
SILENCE: Final = 90.0
#: A node that said so long nothing is not linked, whatever the books remember.
_STALE: Final = timedelta(seconds=150)


def is_linked(*, linked: bool, seen_at: datetime | None, now: datetime) -> bool:
    """Say whether a node can be reached, when the coordinator itself may have died.

    Args:
        linked: as the coordinator stored it last.
        seen_at: when it heard the node last.
        now: the time of day.
    """
    return linked and seen_at is not None and now - seen_at <= _STALE


@dataclass(slots=True)
class _Heard:
    session: UUID
    last: float
    online: bool = True


class Presence:
    """Nodes that were born since the coordinator came on line, and whether they are heard.

    `now` is in seconds on a clock that never jumps.
    """

    def __init__(self, silence: float = SILENCE) -> None:
        self._silence = silence
        self._heard: dict[str, _Heard] = {}
        self._said: frozenset[str] = frozenset()

    def born(self, node: str, session: UUID, now: float) -> None:
        """A node was accepted under this session."""
        self._heard[node] = _Heard(session, now)

    def message(self, node: str, now: float) -> None:
        """A node said something, whatever it was."""
        if (heard := self._heard.get(node)) is not None:
            heard.last = now

    def status(self, node: str, session: UUID, now: float, *, online: bool) -> bool:
        """A status came, perhaps a will; return whether it ends the session that is known.

        An `offline` of another session is ignored: it is late. An `online` of another session
        changes nothing either, its birth will.
        """
        heard = self._heard.get(node)
        if heard is None or heard.session != session:
            return False
        heard.last = now
        ended = heard.online and not online
        heard.online = online
        return ended

    def forget(self, node: str) -> None:
        """A node is no longer listened to."""
        self._heard.pop(node, None)

    def forget_all(self) -> None:
        """Our own link is gone: nobody is heard until born again."""
        self._heard.clear()

    def linked(self, now: float) -> frozenset[str]:
        """Return the nodes that can be reached."""
        return frozenset(
            node
            for node, heard in self._heard.items()
            if heard.online and now - heard.last <= self._silence
        )

    def changes(self, now: float) -> dict[str, bool]:
        """Return who became linked or cut off since this was asked last."""
        linked = self.linked(now)
        changed = {node: node in linked for node in linked ^ self._said}
        self._said = linked
        return changed
