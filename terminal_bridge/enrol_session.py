"""A new card at a terminal: whoever is signed in shows it, and the edge enters it for them."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

from pydantic import ValidationError

from broker.messages.terminals import (
    EnrolAnswer,
)
from terminal_bridge.events import Beep, Log, Show
from terminal_bridge.phases import Enrolling, SignOff, Stay
from terminal_bridge.turn import signed_off_there

if TYPE_CHECKING:
    from broker.messages import Reply
    from terminal_bridge.phases import Who
    from terminal_bridge.turn import Turn


def begin(turn: Turn, who: Who) -> None:
    """Wait for the card."""
    if not turn.terminal.edge:
        turn.do(Beep("bad"))
        turn.result(who, Stay(), Show("no-edge", who=who))
        return
    turn.go(Enrolling(who, turn.now + turn.habits.enrol))
    turn.do(Show("new-card", who=who))


def shown(turn: Turn, number: str) -> bool:
    """Take a card that was waited for; False: it is shown for something else."""
    phase = turn.terminal.phase
    if not isinstance(phase, Enrolling):
        return False
    if phase.ask is not None:
        turn.do(Beep("attention"))  # one after the other
        return True
    ask = turn.ask("enrol", {"person": phase.who.person, "card": number})
    turn.go(replace(phase, ask=ask))
    return True


def entered(turn: Turn, phase: Enrolling, reply: Reply | None) -> None:
    """Say what came of it."""
    then = phase.then or (SignOff() if signed_off_there(reply) else Stay())
    if reply is None:
        turn.do(Beep("bad"))
        turn.result(phase.who, then, Show("no-edge", who=phase.who))
        return
    answer = None
    if reply.status == "ok":
        try:
            answer = EnrolAnswer.model_validate(reply.data)
        except ValidationError as error:
            turn.do(Log("unreadable-answer", f"{error.error_count()} faults in a new card"))
    if answer is None:
        turn.do(Beep("bad"))
        text, code = (reply.problem.detail, reply.problem.code) if reply.problem else ("", "")
        turn.result(phase.who, then, Show("refused", text=text, who=phase.who, code=code))
        return
    turn.do(Beep("good"))
    code = "provisional" if answer.provisional else "confirmed"
    turn.result(phase.who, then, Show("enrolled", who=phase.who, code=code))
