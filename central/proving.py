"""Proof whether a node's journal was rolled back: it is asked for its event at our watermark.

A birth may come late, so heads behind ours prove nothing. An answer to a question of ours does: it
was given after we had the event.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import timedelta
from typing import TYPE_CHECKING, Final

from pydantic import ValidationError

from broker import topics
from broker.messages import Command, Position, ReportedEvents
from broker.stream_outbound import Opened

if TYPE_CHECKING:
    from broker.messages import CommandState, StreamName
    from central.fleet import Fleet

#: Wire from which on nodes can answer.
WIRE: Final = 2
_PATIENCE: Final = timedelta(seconds=60)
#: Seconds without an answer after which a node that is heard is asked again.
_AGAIN: Final = 10.0


@dataclass(frozen=True, slots=True)
class Unproven:
    """A place of a stream that the node should have, and has not shown to have."""

    name: StreamName
    at: Position
    """Up: what we applied. Down: what it had confirmed."""
    down: bool = False


@dataclass(frozen=True, slots=True)
class Doubt:
    """A question that is open."""

    node: str
    about: Unproven
    asked: float
    """When, on the clock that never jumps."""


def ask(fleet: Fleet, node: str, about: Unproven, now: float) -> None:
    """Ask a node for its event at a place."""
    id_ = fleet.mint()
    fleet.doubts = {k: v for k, v in fleet.doubts.items() if (v.node, v.about) != (node, about)}
    fleet.doubts[id_] = Doubt(node, about, now)
    what = "report-applied" if about.down else "report-branch"
    command = Command(
        id=id_,
        command=what,
        args={"stream": about.name, "after": about.at.seq - 1, "most": 1},
        expires_at=fleet.clock() + _PATIENCE,
    )
    fleet.say(topics.COMMAND, command, node=node, id=str(id_))


def ask_again(fleet: Fleet, now: float) -> None:
    """Ask once more what was not answered: a question or its answer may be lost on the way.

    Until it is, a stream down stays shut, and a journal that was rolled back goes unnoticed.
    """
    if not fleet.doubts:
        return
    linked = fleet.linked(now)
    for doubt in tuple(fleet.doubts.values()):
        if doubt.node in linked and now - doubt.asked >= _AGAIN:
            ask(fleet, doubt.node, doubt.about, now)


def takes(fleet: Fleet, told: CommandState) -> bool:
    """Say whether this is an answer to such a question."""
    return told.id in fleet.doubts


#: It has not said anything yet, or the question came too late: it is asked again.
_NO_ANSWER: Final = frozenset({"accepted", "executing", "expired"})


def answered(fleet: Fleet, node: str, told: CommandState, now: float) -> None:
    """Judge an answer: freeze who has lost what it had told, or has told us something else."""
    doubt = fleet.doubts.get(told.id)
    if doubt is None or doubt.node != node or told.state in _NO_ANSWER:
        return
    del fleet.doubts[told.id]
    verdict = judge(doubt.about, told)
    if verdict is not None:
        fleet.halt(node, "frozen", f"fork: {verdict}", now)
        return
    conversation = fleet.conversations.get(node)
    if not doubt.about.down or conversation is None or told.state != "successful":
        return
    # the birth was an old one: the stream down is not behind, and can go on
    head = ReportedEvents.model_validate(told.data).head
    outbound = conversation.outbound
    if head.seq >= outbound.acked.seq:
        opened = outbound.on_birth(head, epoch=fleet.books.identity.epoch, now=now)
        if not isinstance(opened, Opened):
            fleet.halt(node, "frozen", f"fork: ledger down: {opened}", now)


def judge(about: Unproven, told: CommandState) -> str | None:
    """Say what an answer proves against a journal; None when it proves nothing."""
    way = "down" if about.down else "up"
    if told.state != "successful":
        return None
    try:
        said = ReportedEvents.model_validate(told.data)
    except ValidationError:
        return None
    if said.head.seq < about.at.seq:
        return (
            f"its {about.name} stream {way} ends at {said.head.seq}, it had told of "
            f"{about.at.seq}: its journal was rolled back or cloned"
        )
    theirs = said.head.hash if said.head.seq == about.at.seq else None
    theirs = theirs or next((e.hash for e in said.events if e.seq == about.at.seq), None)
    if theirs is not None and theirs != about.at.hash:
        return (
            f"event {about.at.seq} of its {about.name} stream {way} is another than the one it had "
            "told of: its journal was rolled back or cloned"
        )
    return None
