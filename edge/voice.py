"""How an edge speaks to the centre: messages put on the link, notes kept until somebody listens."""

from __future__ import annotations

from typing import TYPE_CHECKING

from broker import topics
from broker.codec import encode
from broker.messages import Note
from config.logs import logger

if TYPE_CHECKING:
    from collections.abc import Callable
    from datetime import datetime
    from uuid import UUID

    from broker.link import Link
    from broker.messages import CommandState, Message
    from edge.ports import Clock

_log = logger("edge.voice")

_LINE_LIMIT = 1000
_LEVELS = {"info": "info", "warning": "warning", "critical": "error"}


class Voice:
    """One node's voice on one link."""

    def __init__(
        self, link: Link, node: str, *, mint: Callable[[datetime], UUID], clock: Clock
    ) -> None:
        self.node = node
        self._link = link
        self._mint = mint
        self._clock = clock
        self._notes: dict[tuple[str, str], Note] = {}

    async def say(self, topic: topics.Topic, message: Message, **levels: str) -> None:
        """Publish a message; return once the broker has it.

        Raises:
            ConnectionError: the link is down, or went down.
        """
        now = self._clock()
        payload = encode(message, source=self.node, id_=self._mint(now), now=now)
        where = topic.of(node=self.node, **levels)
        await self._link.publish(where, payload, qos=topic.qos, retain=topic.retain)

    async def told(self, state: CommandState) -> None:
        """Tell how far a command is.

        Raises:
            ConnectionError: the link is down, or went down.
        """
        await self.say(topics.COMMAND_STATE, state, id=str(state.id))

    def note(self, note: Note) -> None:
        """Log a note and keep it for the centre; the newest of a code and subject wins."""
        level = _LEVELS[note.severity]
        getattr(_log, level)(note.detail, action="note", alert=note.code, subject=note.subject)
        self._notes[note.code, note.subject] = note

    def alert(self, code: str, detail: str) -> None:
        """Keep a critical note of any length."""
        self.note(Note(severity="critical", code=code, detail=detail[:_LINE_LIMIT]))

    async def say_notes(self) -> None:
        """Tell the centre what was noted.

        Raises:
            ConnectionError: what is not said is kept.
        """
        while self._notes:
            key, note = next(iter(self._notes.items()))
            await self.say(topics.OPS, note)
            if self._notes.get(key) is note:
                del self._notes[key]
