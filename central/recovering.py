"""An edge hands back to restored books what they have forgotten: asked for page by page.

Until that is done its birth is not answered, so nothing is taken in from it: a charge is never
judged before the grant that paid it is known again.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import timedelta
from typing import TYPE_CHECKING, Final, TypeAlias

from pydantic import ValidationError

from broker import topics
from broker.messages import Command, ReportedEvents
from broker.stream import follows, place
from central.store import nodes, recovery
from central.store.adoption import NotAdopted, adopt
from config.logs import logger

if TYPE_CHECKING:
    from uuid import UUID

    from broker.messages import Birth, CommandState, Envelope
    from central.fleet import Fleet
    from central.store.nodes import Accepted
    from central.store.streams import StreamState

_log = logger("central.recovering")

#: Seconds an edge has to answer; its next birth asks again anyway.
_PATIENCE: Final = 60


@dataclass(slots=True)
class Adoption:
    """What is going on with one edge."""

    birth: Birth
    """To be answered at the end: the newest one."""
    state: StreamState
    """Our stream to it, as far as it is known again."""
    command: UUID
    """The question that is open."""


@dataclass(frozen=True, slots=True)
class Follows:
    """These events go on where our copy of the stream ends."""

    events: tuple[Envelope, ...]


@dataclass(frozen=True, slots=True)
class Complete:
    """The edge has nothing that we have not."""


@dataclass(frozen=True, slots=True)
class Broken:
    """What the edge has cannot be joined to what we have."""

    reason: str
    """One line, for people."""


Page: TypeAlias = Follows | Complete | Broken


def judge(state: StreamState, told: ReportedEvents) -> Page:
    """Decide what a page of an edge's report means; every hash is checked."""
    at = state.at
    if told.head.seq < at.seq or (told.head.seq == at.seq and told.head.hash == at.hash):
        return Complete()
    if told.head.seq == at.seq:
        return Broken(f"it has another event {at.seq} than these books")
    if not told.events:
        return Broken(f"it no longer keeps what followed event {at.seq}")
    if told.events[0].seq != at.seq + 1:
        return Broken(
            f"it keeps our events from {told.events[0].seq} on, these books end at {at.seq}"
        )
    good: list[Envelope] = []
    for envelope in told.events:
        if envelope.data is None or not follows(state.key, good[-1] if good else at, envelope):
            break
        good.append(envelope)
    if not good:
        return Broken(f"its event {at.seq + 1} does not follow ours: the streams have forked")
    return Follows(tuple(good))


def must_tell(fleet: Fleet, node: str, accepted: Accepted, birth: Birth) -> bool:
    """Say whether an edge has to hand something back before it is answered; if so, ask for it."""
    with fleet.books.read() as tx:
        awaited = recovery.awaited(tx, node)
    if not awaited:
        return False
    with fleet.books.write() as tx:
        # not what it knows to be acknowledged: the ack may have been lost, or forgotten in a crash
        recovery.knew(tx, node, birth.up["ledger"].sent.seq if "ledger" in birth.up else 0)
    applied = birth.down.get("ledger")
    if applied is None or applied.seq <= accepted.down.at.seq:
        with fleet.books.write() as tx:
            recovery.reported(tx, node)
        fleet.adoptions.pop(node, None)
        _log.info("reported: nothing was forgotten", action="recovery", node=node)
        return False
    fleet.conversations.pop(node, None)
    _ask(fleet, node, Adoption(birth, accepted.down, fleet.mint()))
    return True


def told(fleet: Fleet, node: str, answer: CommandState, now: float) -> Birth | None:
    """Take an answer in; return the birth that can be answered now, when everything is told."""
    adoption = fleet.adoptions.get(node)
    if adoption is None or adoption.command != answer.id:
        return None
    page = _page(adoption.state, answer)
    match page:
        case Complete():
            del fleet.adoptions[node]
            return adoption.birth
        case Broken(reason):
            _give_up(fleet, node, reason, now)
        case Follows(events):
            try:
                with fleet.books.write() as tx:
                    state = adopt(tx, adoption.state, events)
            except NotAdopted as error:
                _give_up(fleet, node, str(error), now)
                return None
            _log.info("handed back", action="recovery", node=node, upto=place(events[-1]).seq)
            _ask(fleet, node, Adoption(adoption.birth, state, fleet.mint()))
    return None


def takes(fleet: Fleet, node: str, answer: CommandState) -> bool:
    """Say whether an answer belongs to a recovery."""
    adoption = fleet.adoptions.get(node)
    return adoption is not None and adoption.command == answer.id


def _page(state: StreamState, answer: CommandState) -> Page:
    if answer.state != "successful":
        return Broken(f"it said {answer.state}: {answer.detail}")
    try:
        return judge(state, ReportedEvents.model_validate(answer.data))
    except ValidationError:
        return Broken("its program is too old to report; bring it up to date")


def _ask(fleet: Fleet, node: str, adoption: Adoption) -> None:
    fleet.adoptions[node] = adoption
    command = Command(
        id=adoption.command,
        command="report-applied",
        args={"stream": "ledger", "after": adoption.state.at.seq},
        expires_at=fleet.clock() + timedelta(seconds=_PATIENCE),
    )
    fleet.say(topics.COMMAND, command, node=node, id=str(command.id))


def _give_up(fleet: Fleet, node: str, reason: str, now: float) -> None:
    """Leave it to a person; the edge goes on alone, with what it has."""
    fleet.adoptions.pop(node, None)
    with fleet.books.write() as tx:
        recovery.stuck(tx, node, reason)
        nodes.seen(tx, {node: False})
    detail = f"it cannot hand back what these books have forgotten: {reason}"
    fleet.alert(node, "recovery", detail, now)
