"""Who is signed in at which terminal, and until when; pure: seconds on a clock that never jumps.

In memory on purpose: with the edge's process every session ends, and people identify again.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Final, Literal, TypeAlias

if TYPE_CHECKING:
    from uuid import UUID

#: How somebody showed who they are; `bound`: the terminal is theirs; `session`: at another one.
Way: TypeAlias = Literal["card", "pin", "password", "bound", "session"]
#: Sessions of one shared node at a time; one more ends the one that idled longest.
SHARED_MOST: Final = 200


@dataclass(frozen=True, slots=True)
class Session:
    """Somebody is signed in at a terminal."""

    id: UUID
    """Names it."""
    node: str
    """The terminal that may use it, and no other."""
    user: str
    """User name."""
    by: Way
    """How they showed it."""
    card: str | None
    """The card's key in the directory, where they came by one; blocked, the session is over."""
    ends: float
    """At the latest, whatever is asked."""
    heard: float
    """The last question."""


class Sessions:
    """The sessions of a site."""

    def __init__(
        self, *, idle: float, longest: float, shared: frozenset[str] = frozenset()
    ) -> None:
        """Begin with nobody.

        Args:
            idle: a session ends after so many seconds without a question.
            longest: and after so many in any case.
            shared: nodes at which several people are signed in at once; elsewhere it is one.
        """
        self.idle = idle
        self._longest = longest
        self._shared = shared
        self._all: dict[UUID, Session] = {}

    def begin(
        self,
        id_: UUID,
        node: str,
        user: str,
        by: Way,
        now: float,
        *,
        card: str | None = None,
        ends: float | None = None,
    ) -> Session:
        """Sign somebody in; at a node that is not shared whoever was there leaves.

        Args:
            id_: fresh, and not to be guessed.
            node: the terminal.
            user: user name.
            by: how they showed it.
            now: the moment.
            card: the key of the card they came by.
            ends: no later than this, where it goes on from a session elsewhere.
        """
        self._sweep(now)
        there = [each for each in self._all.values() if each.node == node]
        room = SHARED_MOST if node in self._shared else 1
        there.sort(key=lambda each: each.heard)
        for each in there[: max(0, len(there) - room + 1)]:
            del self._all[each.id]
        latest = now + self._longest
        session = Session(
            id_, node, user, by, card, latest if ends is None else min(ends, latest), now
        )
        self._all[id_] = session
        return session

    def at(self, node: str, id_: UUID, now: float) -> Session | None:
        """Return a session of this node and let it go on; None: over, unknown, or another's."""
        session = self.elsewhere(id_, now)
        if session is None or session.node != node:
            return None
        session = self._all[id_] = replace(session, heard=now)
        return session

    def elsewhere(self, id_: UUID, now: float) -> Session | None:
        """Return a session wherever it is; nobody was heard by that."""
        session = self._all.get(id_)
        if session is not None and self._over(session, now):
            del self._all[id_]
            return None
        return session

    def end(self, node: str, id_: UUID) -> bool:
        """End a session of this node; say whether there was one."""
        session = self._all.get(id_)
        if session is None or session.node != node:
            return False
        del self._all[id_]
        return True

    def of(self, user: str, now: float) -> tuple[Session, ...]:
        """Return where a person is signed in."""
        name = user.lower()
        return tuple(
            each
            for each in self._all.values()
            if each.user.lower() == name and not self._over(each, now)
        )

    def every(self, now: float) -> tuple[Session, ...]:
        """Return who is signed in anywhere."""
        return tuple(each for each in self._all.values() if not self._over(each, now))

    def __len__(self) -> int:
        return len(self._all)

    def _sweep(self, now: float) -> None:
        for each in [each for each in self._all.values() if self._over(each, now)]:
            del self._all[each.id]

    def _over(self, session: Session, now: float) -> bool:
        return now >= session.ends or now - session.heard >= self.idle
