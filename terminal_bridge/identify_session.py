"""Who somebody is: the edge's word on a card, and the PIN that is typed beside it."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Final, assert_never

from pydantic import ValidationError

from broker.messages.terminals import (
    IdentifyAnswer,
)
from terminal_bridge.events import Beep, Digit, Log, PinBeside, Show
from terminal_bridge.phases import Identifying, Next, PinNeeded, SignOff, Who

if TYPE_CHECKING:
    from broker.messages import Reply
    from terminal_bridge.turn import Turn

#: The edge's code for a card that is known, of somebody who has to type the PIN as well.
_PIN_NEEDED: Final = "pin-needed"
#: More digits than any PIN has.
_LONGEST: Final = 32


def answered(turn: Turn, phase: Identifying, reply: Reply | None) -> Who | None:
    """Take the edge's answer; return who may go on, None: nobody, and what follows is done."""
    then = phase.then or SignOff()
    if reply is None:
        turn.do(Beep("bad"))
        turn.result(None, then, Show("no-edge"))
        return None
    answer = None
    if reply.status == "ok":
        try:
            answer = IdentifyAnswer.model_validate(reply.data)
        except ValidationError as error:
            turn.do(Log("unreadable-answer", f"{error.error_count()} faults in an identity"))
    if answer is None:
        _refused(turn, phase, reply)
        return None
    who = Who(answer, phase.mark)
    if phase.then is not None:
        turn.leave(who, phase.then)
        return None
    turn.do(Beep("good"))
    turn.signed_in(who)
    return who


def typed(turn: Turn, event: Digit | PinBeside) -> None:
    """Take what is typed of a PIN; where none is asked for, it is nothing."""
    phase = turn.terminal.phase
    if not isinstance(phase, PinNeeded):
        turn.do(Beep("bad"))
        return
    match event:
        case PinBeside(pin=pin):
            _prove(turn, phase, pin)
        case Digit(digit=digit):
            if len(phase.typed) >= _LONGEST:
                turn.do(Beep("bad"))
                return
            _wait(turn, replace(phase, typed=phase.typed + digit))
        case _:
            assert_never(event)


def enter(turn: Turn) -> None:
    """The PIN is complete."""
    match turn.terminal.phase:
        case PinNeeded(typed=pin) as phase if pin:
            _prove(turn, phase, pin)
        case _:
            turn.do(Beep("bad"))


def clear(turn: Turn) -> None:
    """Begin it anew; where nothing was typed, leave."""
    match turn.terminal.phase:
        case PinNeeded(typed=""):
            leave(turn)
        case PinNeeded() as phase:
            _wait(turn, replace(phase, typed=""))
        case _:
            turn.do(Beep("bad"))


def touched(turn: Turn, phase: PinNeeded) -> None:
    """Somebody is there: wait on."""
    turn.go(replace(phase, until=turn.now + turn.habits.pin))


def leave(turn: Turn) -> None:
    """Nobody typed it; the card is forgotten."""
    turn.do(Show("goodbye"))
    turn.ready()


def _refused(turn: Turn, phase: Identifying, reply: Reply) -> None:
    """Ask for the PIN, or for another one, or say why not."""
    text, code = (reply.problem.detail, reply.problem.code) if reply.problem else ("", "")
    left = reply.data.get("tries_left")
    wrong = phase.pin and isinstance(left, int) and left > 0
    asked = code == _PIN_NEEDED and not phase.pin
    if phase.card and phase.then is None and (wrong or asked):
        turn.go(PinNeeded(phase.card, phase.mark, turn.now + turn.habits.pin))
        turn.do(Beep("bad" if wrong else "attention"))
        turn.do(Show("pin", text=text if wrong else "", code=code))
        return
    turn.do(Beep("bad"))
    turn.result(None, phase.then or SignOff(), Show("refused", text=text, code=code))


def _prove(turn: Turn, phase: PinNeeded, pin: str) -> None:
    turn.identify(Next({"card": phase.card, "pin": pin}, phase.mark))


def _wait(turn: Turn, phase: PinNeeded) -> None:
    touched(turn, phase)
    turn.do(Show("pin", number=len(phase.typed)))
