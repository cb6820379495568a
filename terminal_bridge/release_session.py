"""Jobs released from a terminal, one after the other; what comes of each is the edge's word."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Final
from uuid import UUID

from terminal_bridge.events import Beep, Log, Show
from terminal_bridge.phases import Choosing, Release, Releasing, SignOff, Stay
from terminal_bridge.turn import signed_off_there

if TYPE_CHECKING:
    from typing import Any

    from broker.messages import Reply
    from terminal_bridge.phases import Then, Who
    from terminal_bridge.turn import Turn


#: Jobs released by one swipe; more than anybody waits for at a machine.
_MOST: Final = 1000


def choose(turn: Turn, who: Who) -> None:
    """Ask for the person's held jobs, to release them at this machine."""
    if not turn.terminal.edge:
        turn.do(Beep("bad"))
        turn.result(who, _after(turn), Show("no-edge", who=who))
        return
    _list(turn, who, ())


def chosen(turn: Turn, phase: Choosing, reply: Reply | None) -> None:
    """Release what waits, unless they have left meanwhile."""
    if reply is None or reply.status != "ok":
        text = reply.problem.detail if reply and reply.problem else ""
        turn.do(Beep("bad"))
        show = Show("refused" if text else "no-edge", text=text, who=phase.who)
        then = phase.then or (SignOff() if signed_off_there(reply) else _after(turn))
        turn.result(phase.who, then, show)
        return
    try:
        rows = tuple(Release(UUID(row["job"]), turn.habits.printer) for row in reply.data["jobs"])
    except (KeyError, TypeError, ValueError):
        turn.do(Log("unreadable-answer", "the list of jobs cannot be read"))
        rows = ()
    wanted = phase.found + rows
    if reply.data.get("more") and rows and phase.then is None and len(wanted) < _MOST:
        _list(turn, phase.who, wanted)
        return
    if phase.then is not None or not wanted:
        turn.result(phase.who, phase.then or _after(turn), Show("jobs", who=phase.who))
        return
    release(turn, phase.who, wanted)


def release(turn: Turn, who: Who, wanted: tuple[Release, ...]) -> None:
    """Release these, in their order."""
    if not wanted:
        return
    if not turn.terminal.edge:
        turn.do(Beep("bad"))
        turn.result(who, _after(turn), Show("no-edge", who=who))
        return
    first, *others = wanted
    turn.go(Releasing(who, _ask(turn, who, first), tuple(others)))
    turn.do(Show("jobs", who=who, number=len(wanted)))


def released(turn: Turn, phase: Releasing, reply: Reply | None) -> None:
    """Note what came of one, and go on with the next."""
    if reply is not None and reply.status == "ok":
        phase = replace(phase, done=phase.done + 1)
    else:
        problem = reply.problem if reply else None
        text, code = (problem.detail, problem.code) if problem else ("the site did not answer", "")
        phase = replace(phase, refused=(*phase.refused, text), code=phase.code or code)
    if signed_off_there(reply) and phase.then is None:
        phase = replace(phase, then=SignOff())
    if phase.left and phase.then is None and reply is not None and turn.terminal.edge:
        first, *others = phase.left
        turn.go(replace(phase, ask=_ask(turn, phase.who, first), left=tuple(others)))
        return
    turn.do(Beep("bad" if phase.refused else "good"))
    text = phase.refused[0] if phase.refused else ""
    show = Show("released", text=text, who=phase.who, number=phase.done, code=phase.code)
    turn.result(phase.who, phase.then or _after(turn), show)


def _list(turn: Turn, who: Who, found: tuple[Release, ...]) -> None:
    """Ask for the person's held jobs, or for the page after those that are found."""
    fields: dict[str, Any] = {
        "person": who.person,
        "held_only": True,
        "printer": turn.habits.printer,
    }
    after = {"after": str(found[-1].job)} if found else {}
    turn.go(Choosing(who, turn.ask("jobs", fields | after), found=found))


def _ask(turn: Turn, who: Who, wanted: Release) -> int:
    fields: dict[str, Any] = {
        "job": str(wanted.job),
        "printer": wanted.printer,
        "person": who.person,
        "confirmed": wanted.confirmed,
        "account": wanted.account,
        "changes": wanted.changes,
    }
    return turn.ask("release", fields)


def _after(turn: Turn) -> Then:
    """Return what comes after: a terminal that only releases has no more to offer."""
    return SignOff() if turn.habits.at_card == "release" else Stay()
