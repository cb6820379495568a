"""Copies at a terminal: no machine is let without money set aside, no count is left unsaid."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

from pydantic import ValidationError

from broker.messages.copies import CopyState
from terminal_bridge.events import Beep, Enable, Forget, Keep, Log, Show
from terminal_bridge.phases import (
    NOTHING,
    Beginning,
    Copying,
    Ending,
    OpenCopy,
    SignOff,
    Stay,
    counted,
    most,
    within,
)
from terminal_bridge.ports import COPY_KINDS
from terminal_bridge.turn import signed_off_there

if TYPE_CHECKING:
    from typing import Any

    from broker.messages import Reply
    from broker.messages.copies import CopyCounts
    from terminal_bridge.events import CopyWanted, Screen
    from terminal_bridge.phases import Then, Who
    from terminal_bridge.turn import Turn


def begin(turn: Turn, who: Who, wanted: CopyWanted) -> None:
    """Ask for money to be set aside."""
    if turn.terminal.trouble or not turn.terminal.edge:
        _turned_away(turn, who, None, turn.terminal.trouble)
        return
    if any(not copy.late for copy in turn.terminal.owed):
        # the edge takes who begins again for one who has lost a copy, and may name the same one
        _turned_away(turn, who, None, "The copy before is not settled yet; try again in a moment.")
        return
    fields: dict[str, Any] = {
        "person": who.person,
        "printer": turn.habits.printer,
        "confirmed": wanted.confirmed,
        "account": wanted.account,
    }
    turn.go(Beginning(who, turn.ask("copy-begin", fields)))
    turn.do(Show("beginning", who=who))


def begun(turn: Turn, phase: Beginning, reply: Reply | None) -> None:
    """Take the edge's answer: let the machine copy, or say why not."""
    state = _state(turn, reply)
    if reply is None or state is None:
        problem = reply.problem if reply else None
        text, code = (problem.detail, problem.code) if problem else ("", "")
        then = phase.then or (SignOff() if signed_off_there(reply) else None)
        _turned_away(turn, phase.who, then, text, code)
        return
    copy = OpenCopy(state.copy_id, state.counts)
    base = turn.terminal.totals
    turn.do(Keep(copy))
    kinds = frozenset(kind for kind in turn.habits.kinds if getattr(state.pages_left, kind))
    able = state.go_on and not state.settled and kinds and not turn.terminal.trouble
    if phase.then is not None or not able or not turn.terminal.edge:
        # never let: there is nothing to wait for
        why = "left before it began" if phase.then is not None else "nothing could be copied"
        then = phase.then or after(turn)
        _close(turn, Ending(phase.who, base, replace(copy, why=why), then, turn.now, turn.now))
        return
    until = turn.now + turn.idle(phase.who)
    turn.go(
        Copying(phase.who, base, state.counts, state, enabled=True, until=until, asked=state.counts)
    )
    turn.do(Enable(kinds), Show("copying", who=phase.who, copy=state), Beep("good"))


def pulsed(turn: Turn, totals: CopyCounts) -> None:
    """Count what the machine made, on whoever's account it was let."""
    before = turn.terminal.totals
    turn.know(totals=most(before, totals))
    if (more := counted(turn.terminal.totals, before)) == NOTHING:
        return
    match turn.terminal.phase:
        case Copying() as phase:
            counts = most(phase.counts, counted(turn.terminal.totals, phase.base))
            turn.do(Keep(OpenCopy(phase.state.copy_id, counts)))
            enabled = phase.enabled and within(
                counted(counts, phase.state.counts), phase.state.pages_left
            )
            if not enabled:
                turn.stop_machine()
            until = turn.now + turn.idle(phase.who)
            tell(turn, replace(phase, counts=counts, enabled=enabled, until=until))
        case Ending() as phase:
            counts = most(phase.copy.counts, counted(turn.terminal.totals, phase.base))
            copy = replace(phase.copy, counts=counts)
            quiet_at = min(turn.now + turn.habits.run_out, phase.latest)
            turn.go(replace(phase, copy=copy, quiet_at=quiet_at))
            turn.do(Keep(copy))
        case _:
            turn.stop_machine()
            turn.do(Log("stray-pages", f"{more.total} pages were made while nobody was let copy"))


def tell(turn: Turn, phase: Copying) -> None:
    """Tell the edge of new counts: one at a time, and not too often."""
    due = phase.asked_at + turn.habits.count_every
    if phase.ask is not None or phase.counts == phase.asked or turn.now < due:
        turn.go(phase)
        return
    ask = turn.ask("copy-count", _counts(phase.state.copy_id, phase.counts))
    turn.go(replace(phase, ask=ask, asked=phase.counts, asked_at=turn.now))


def told(turn: Turn, phase: Copying, reply: Reply | None) -> None:
    """Take the edge's answer to a count: go on, or stop."""
    state = _state(turn, reply)
    phase = replace(phase, ask=None)
    if state is None or state.copy_id != phase.state.copy_id:
        text = reply.problem.detail if reply and reply.problem else "the site did not answer"
        end(turn, phase, after(turn), text)
        return
    phase = replace(phase, state=state)
    if not state.go_on or state.settled:
        end(turn, phase, after(turn), state.text or "budget")
        return
    turn.do(Show("copying", who=phase.who, copy=state))
    room = within(counted(phase.counts, state.counts), state.pages_left)
    kinds = frozenset(kind for kind in turn.habits.kinds if getattr(state.pages_left, kind))
    if room and kinds and not phase.enabled:
        # it was stopped because the edge was slower than the machine
        turn.do(Enable(kinds))
        phase = replace(phase, enabled=True)
    elif phase.enabled and not (room and kinds):
        turn.stop_machine()
        phase = replace(phase, enabled=False)
    tell(turn, phase)


def end(turn: Turn, phase: Copying, then: Then, why: str) -> None:
    """Stop the machine, and wait for the page it is at."""
    turn.stop_machine()
    copy = OpenCopy(phase.state.copy_id, phase.counts, why[:200])
    turn.do(Keep(copy), Show("stopping", text=why, who=phase.who, copy=phase.state))
    quiet_at, latest = turn.now + turn.habits.run_out, turn.now + turn.habits.run_out_most
    turn.go(Ending(phase.who, phase.base, copy, then, min(quiet_at, latest), latest))


def waited(turn: Turn, phase: Ending) -> None:
    """Settle once the machine is still."""
    if phase.ask is None and turn.now >= phase.quiet_at:
        _close(turn, phase)


def settled(turn: Turn, phase: Ending, reply: Reply | None) -> None:
    """Take the edge's word that it is settled, or keep it to be said again."""
    state = _state(turn, reply)
    if state is not None:
        if phase.copy.counts == phase.asked:
            turn.do(Forget(phase.copy.copy_id))
        else:  # the machine went on while the edge settled
            _owe(turn, replace(phase.copy, late=True))
        turn.result(phase.who, phase.then, Show("settled", who=phase.who, copy=state))
    elif reply is not None and reply.status in {"refused", "invalid"}:
        _given_up(turn, phase.copy, reply)
        text = reply.problem.detail if reply.problem else ""
        turn.result(phase.who, phase.then, Show("refused", text=text, who=phase.who))
    else:
        _kept(turn, phase)


def lost(turn: Turn, phase: Ending) -> None:
    """The edge cannot be asked, nor does its answer come."""
    if phase.ask is not None:
        _kept(turn, phase)


def after(turn: Turn) -> Then:
    """Return what comes after a copy: a terminal that only copies has no more to offer."""
    return SignOff() if turn.habits.at_card == "copy" else Stay()


# ── what the edge does not know yet ─────────────────────────────────────────────────────────


def owe(turn: Turn, copies: tuple[OpenCopy, ...]) -> None:
    """Take over what was open when the program ended."""
    turn.stop_machine()
    known = {copy.copy_id for copy in turn.terminal.owed}
    fresh = tuple(
        replace(copy, why=copy.why or "after a restart")
        for copy in copies
        if copy.copy_id not in known and copy.copy_id != _in_hand(turn)
    )
    turn.do(*(Keep(copy) for copy in fresh))
    turn.know(owed=turn.terminal.owed + fresh)
    report(turn)


def report(turn: Turn) -> None:
    """Tell the edge of the first copy that it does not know to be over, when it is time."""
    terminal = turn.terminal
    early = terminal.owed_at is not None and turn.now < terminal.owed_at
    if not terminal.edge or not terminal.owed or terminal.owed_ask is not None or early:
        return
    copy = terminal.owed[0]
    fields = _counts(copy.copy_id, copy.counts)
    if copy.late:
        number = turn.ask("copy-count", fields)
    else:
        number = turn.ask("copy-end", fields | {"why": copy.why})
    turn.know(owed_ask=number, owed_at=None)


def reported(turn: Turn, reply: Reply | None) -> None:
    """Take the answer to that."""
    first, *others = turn.terminal.owed
    turn.know(owed_ask=None)
    refused = reply is not None and reply.status in {"refused", "invalid"}
    if reply is not None and refused:
        _given_up(turn, first, reply)
    elif _state(turn, reply) is not None:
        turn.do(Forget(first.copy_id))
    else:
        turn.know(owed_at=turn.now + turn.habits.again)
        return
    turn.know(owed=tuple(others))
    report(turn)


# ── parts ───────────────────────────────────────────────────────────────────────────────────


def _state(turn: Turn, reply: Reply | None) -> CopyState | None:
    if reply is None or reply.status != "ok":
        return None
    try:
        return CopyState.model_validate(reply.data)
    except ValidationError as error:
        turn.do(Log("unreadable-answer", f"{error.error_count()} faults in a copy's state"))
        return None


def _counts(copy_id: object, counts: CopyCounts) -> dict[str, Any]:
    told = {kind: getattr(counts, kind) for kind in COPY_KINDS}
    return {"copy_id": str(copy_id), "counts": told}


def _turned_away(turn: Turn, who: Who, then: Then | None, text: str, code: str = "") -> None:
    screen: Screen = "refused" if text else "no-edge"
    turn.do(Beep("bad"))
    turn.result(who, then or after(turn), Show(screen, text=text, who=who, code=code))


def _close(turn: Turn, phase: Ending) -> None:
    if not turn.terminal.edge:
        _kept(turn, phase)
        return
    counts = phase.copy.counts
    fields = _counts(phase.copy.copy_id, counts) | {"why": phase.copy.why}
    turn.go(replace(phase, ask=turn.ask("copy-end", fields), asked=counts))


def _kept(turn: Turn, phase: Ending) -> None:
    _owe(turn, phase.copy)
    turn.result(phase.who, phase.then, Show("kept", who=phase.who, number=phase.copy.counts.total))


def _owe(turn: Turn, copy: OpenCopy) -> None:
    turn.do(Keep(copy))
    owed_at = turn.terminal.owed_at
    again = turn.now + turn.habits.again
    turn.know(owed=(*turn.terminal.owed, copy), owed_at=again if owed_at is None else owed_at)


def _given_up(turn: Turn, copy: OpenCopy, reply: Reply) -> None:
    """Leave a copy that the edge will not take: its own books say what is charged."""
    why = reply.problem.detail if reply.problem else reply.status
    said = ", ".join(f"{n} {kind}" for kind in COPY_KINDS if (n := getattr(copy.counts, kind)))
    turn.do(
        Forget(copy.copy_id),
        Log("copy-not-taken", f"copy {copy.copy_id} ({said or 'no pages'}) was refused: {why}"),
    )


def _in_hand(turn: Turn) -> object:
    match turn.terminal.phase:
        case Copying(state=state):
            return state.copy_id
        case Ending(copy=copy):
            return copy.copy_id
    return None
