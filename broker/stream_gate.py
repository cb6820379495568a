"""Whether the coordinator listens: nothing goes up a stream unless the gate is open (PROTOCOL 7).

Pure: fed with the statuses on `all/coordinator`, with the link's fate and with the time.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Final, TypeAlias

from broker.messages import Ack, Batch, DirectoryRows

if TYPE_CHECKING:
    from uuid import UUID

    from broker.messages import CoordinatorStatus, Message

#: `online` is said again this often, seconds.
STATUS_EVERY: Final = 30.0
#: After so long without any message the coordinator counts as gone, whatever its will says.
SILENCE: Final = 3 * STATUS_EVERY + 5.0


@dataclass(frozen=True, slots=True)
class GateOpened:
    """The coordinator has begun to listen under this session: exchange births."""

    session: UUID
    """Its session; a new one opens the gate anew."""
    epoch: int
    """Its epoch."""


@dataclass(frozen=True, slots=True)
class GateClosed:
    """The coordinator is gone: send nothing up a stream."""

    reason: str
    """For the log."""


@dataclass(frozen=True, slots=True)
class Unchanged:
    """Nothing new."""


@dataclass(frozen=True, slots=True)
class OldCoordinator:
    """A status under a lower epoch than was seen: refused; somebody started an old machine."""

    epoch: int
    """Its epoch."""


GateOutcome: TypeAlias = GateOpened | GateClosed | Unchanged | OldCoordinator


class Gate:
    """Open while the coordinator says online and is heard; `now` on a clock that never jumps."""

    def __init__(self, epoch: int = 0) -> None:
        """Begin closed, with the highest epoch that was seen."""
        self.epoch = epoch
        self.session: UUID | None = None
        """The coordinator's session while the gate is open."""
        self._heard = 0.0

    def says(self, status: CoordinatorStatus, now: float) -> GateOutcome:
        """A status came, retained, repeated or as a will."""
        if status.epoch < self.epoch:
            return OldCoordinator(status.epoch)
        if not status.online:
            if self.session is None or status.session != self.session:
                return Unchanged()  # the will of a session that is over
            return self._close("the coordinator says it is off line")
        self.epoch = status.epoch
        self._heard = now
        if status.session == self.session:
            return Unchanged()
        self.session = status.session
        return GateOpened(status.session, status.epoch)

    def heard(self, now: float) -> None:
        """Anything at all came from the coordinator."""
        self._heard = now

    def is_past(self, message: Message) -> bool:
        """Say whether it comes from below the highest epoch seen: an old copy of the centre."""
        return isinstance(message, Batch | Ack | DirectoryRows) and message.epoch < self.epoch

    def link_down(self) -> GateOutcome:
        """Our own connection is gone, and with it all we knew."""
        return Unchanged() if self.session is None else self._close("the link is down")

    def tick(self, now: float) -> GateOutcome:
        """Look whether the silence has become too long."""
        if self.session is None or now - self._heard <= SILENCE:
            return Unchanged()
        return self._close(f"nothing heard for {now - self._heard:.0f} s")

    def _close(self, reason: str) -> GateClosed:
        self.session = None
        return GateClosed(reason)
