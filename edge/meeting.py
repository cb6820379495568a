"""How this edge and the coordinator meet: what our birth says, and what its answer comes to.

The order of what is remembered matters: a crash between any two lines must leave an edge that can
meet again (PROTOCOL 1).
"""

from __future__ import annotations

from dataclasses import dataclass
from importlib.metadata import version
from typing import TYPE_CHECKING, TypeAlias

from broker.messages import WIRE, Birth, BirthAccepted, Status
from config.logs import logger
from config.policy.jobs import NAME_OCTETS

if TYPE_CHECKING:
    from uuid import UUID

    from broker.messages import Reply
    from config.settings import EdgeSettings
    from edge.branch import Next
    from edge.downward import Downward
    from edge.store.books import Books
    from edge.upward import Upward

_log = logger("edge.meeting")


@dataclass(frozen=True, slots=True)
class Introduction:
    """What a birth says of this node."""

    node: str
    software: str
    enrolment: str | None
    site: str | None = None
    """What people call the place."""

    def status(self, session: UUID, incarnation: UUID, *, online: bool) -> Status:
        """Return what it says of itself: that it is there, or that it is gone."""
        return Status(online=online, session=session, incarnation=incarnation, site=self.site)


def introduced(settings: EdgeSettings, after: Next | None) -> Introduction:
    """Return what an edge says of itself.

    Args:
        settings: its own.
        after: a journal that is to begin anew, with the code for it.
    """
    given = settings.enrolment_code
    return Introduction(
        node=settings.node,
        software=f"printmesh {version('printmesh')}",
        enrolment=after.code if after else given.get_secret_value() if given else None,
        site=settings.site[:NAME_OCTETS] or None,
    )


@dataclass(frozen=True, slots=True)
class Met:
    """Both ends agree where the streams stand: they may go on."""


@dataclass(frozen=True, slots=True)
class Turned:
    """The centre does not take this node in, or is not the one this node belongs to."""

    reason: str
    """One line, for people."""


@dataclass(frozen=True, slots=True)
class Stopped:
    """A stream cannot go on by itself."""

    stream: str
    """Which."""
    why: object
    """What was found."""


Meeting: TypeAlias = Met | Turned | Stopped


class Meetings:
    """Compares heads with the coordinator whenever its session or ours is new."""

    def __init__(
        self, who: Introduction, centre: UUID, *, books: Books, up: Upward, down: Downward
    ) -> None:
        self._who = who
        self._centre = centre
        self._books = books
        self._up = up
        self._down = down
        self._last: UUID | None = None
        self.epoch = int(books.note("epoch") or 0)
        """The highest under which both ends met; durable."""

    def birth(self, corr: UUID, session: UUID, seen: int = 0) -> Birth:
        """Return what to say; only the answer to the latest birth counts.

        Args:
            corr: names it.
            session: of our status.
            seen: the highest epoch that a coordinator has spoken under, met or not.
        """
        self._last = corr
        accepted = self._books.note("accepted") is not None
        return Birth(
            corr=corr,
            session=session,
            incarnation=self._books.incarnation,
            software=self._who.software,
            role=self._books.terms.taken.name,
            enrolment=None if accepted else self._who.enrolment,
            epoch=max(self.epoch, seen),
            up=self._up.heads,
            down={"ledger": self._down.applied},
            directory=self._down.cursor,
            wire=WIRE,
        )

    def awaits(self, corr: UUID) -> bool:
        """Say whether this is the answer to the latest birth."""
        return corr == self._last

    def answered(self, reply: Reply, now: float, seen: int = 0) -> Meeting:
        """Take the answer in; one from below an epoch that was seen is an old copy's.

        Raises:
            StoreUnwritableError: not met; the next birth tries again.
        """
        if reply.status != "ok":
            detail = reply.problem.detail if reply.problem else "no reason given"
            return Turned(f"the centre refuses this node: {detail}")
        said = BirthAccepted.model_validate(reply.data)
        if said.incarnation != self._centre:
            return Turned(
                f"these are other books than this edge was enrolled with: expected {self._centre}, "
                f"it is {said.incarnation}; enrol again"
            )
        if said.epoch < seen:
            return Turned(f"an old copy of the centre answers: epoch {said.epoch}, seen is {seen}")
        for name, trouble in self._up.on_birth(said.up, epoch=said.epoch, now=now).items():
            return Stopped(name, trouble)
        if (halted := self._down.on_birth(said.down["ledger"], epoch=said.epoch)) is not None:
            return Stopped("ledger", halted)
        if said.courier_key is not None:
            self._books.codes.keep_key(said.courier_key)
        self._up.store_lowered()
        if said.epoch > self.epoch:
            self._books.remember("epoch", str(said.epoch))
            self.epoch = said.epoch
        if self._books.note("accepted") is None:
            self._books.remember("accepted", str(said.incarnation))
        self._last = None
        return Met()
