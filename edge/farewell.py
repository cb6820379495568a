"""What brokers say for the edge when it is gone: to the centre, and to its own terminals."""

from __future__ import annotations

from typing import TYPE_CHECKING

from broker import topics
from broker.codec import encode
from broker.link import Will
from broker.messages import CoordinatorStatus

if TYPE_CHECKING:
    from collections.abc import Callable
    from datetime import datetime
    from uuid import UUID

    from broker.messages import Message
    from edge.meeting import Introduction
    from edge.ports import Clock


class Farewell:
    """The wills of one edge, each for one session of one link."""

    def __init__(
        self,
        introduction: Introduction,
        incarnation: UUID,
        *,
        mint: Callable[[datetime], UUID],
        clock: Clock,
    ) -> None:
        self._node = introduction.node
        self._introduction = introduction
        self._incarnation = incarnation
        self._mint = mint
        self._clock = clock

    def to_centre(self, session: UUID) -> Will:
        """Return what the centre is told."""
        status = self._introduction.status(session, self._incarnation, online=False)
        return Will(topics.STATUS.of(node=self._node), self._said(status))

    def to_terminals(self, session: UUID) -> Will:
        """Return what the site's terminals are told."""
        status = CoordinatorStatus(online=False, session=session, epoch=0)
        return Will(topics.ALL_COORDINATOR.of(), self._said(status))

    def _said(self, message: Message) -> bytes:
        now = self._clock()
        return encode(message, source=self._node, id_=self._mint(now), now=now)
