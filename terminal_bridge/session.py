"""The session at a terminal, for all kinds of terminal: what happens decides what is to be done.

idle → identified → (choosing | releasing | copying) → settled → idle. Pure: the shell brings
events one after the other, carries out the actions in their order, and wakes it at `wake_at`.
"""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, assert_never

from terminal_bridge import copy_session as copies
from terminal_bridge import enrol_session as enrolments
from terminal_bridge import identify_session as identities
from terminal_bridge import release_session as releases
from terminal_bridge.events import (
    Answered,
    Beep,
    CardRemoved,
    CardSeen,
    CopyWanted,
    Digit,
    EdgeBack,
    EdgeLost,
    EnrolWanted,
    Key,
    News,
    NoAnswer,
    PasswordTyped,
    PinBeside,
    PinTyped,
    PowerBack,
    PrinterTrouble,
    Pulses,
    ReleaseWanted,
    SessionShown,
    Show,
    TimeUp,
)
from terminal_bridge.phases import (
    Beginning,
    Choosing,
    Copying,
    Ending,
    Enrolling,
    Identified,
    Identifying,
    Idle,
    Next,
    PinNeeded,
    Releasing,
    Settled,
    SignOff,
    Stay,
    Who,
)
from terminal_bridge.turn import Turn

if TYPE_CHECKING:
    from broker.messages import Reply
    from terminal_bridge.events import Action, Event
    from terminal_bridge.phases import Habits, Phase, Terminal, Then


def step(  # noqa: C901, PLR0912  a line for each event
    terminal: Terminal, event: Event, now: float, habits: Habits
) -> tuple[Terminal, tuple[Action, ...]]:
    """Return the terminal after an event, and what is to be done, in this order.

    Args:
        terminal: before.
        event: what happened; each has an answer in each phase.
        now: seconds, on a clock that never goes back.
        habits: how this terminal behaves.
    """
    turn = Turn(terminal, habits, now)
    match event:
        case CardSeen(number=number, mark=mark):
            if not enrolments.shown(turn, number):
                _came(turn, Next({"card": number}, mark))
        case PinTyped(user=user, pin=pin):
            _came(turn, Next({"user": user, "pin": pin}))
        case PasswordTyped(user=user, password=password):
            _came(turn, Next({"user": user, "password": password}))
        case PinBeside() | Digit():
            identities.typed(turn, event)
        case SessionShown(session=session):
            _came(turn, Next({"session": str(session)}))
        case CardRemoved():
            _card_removed(turn)
        case Key():
            _key(turn, event)
        case CopyWanted() | ReleaseWanted() | EnrolWanted():
            _wanted(turn, event)
        case Answered(ask=ask, reply=reply):
            _answered(turn, ask, reply)
        case NoAnswer(ask=ask):
            _answered(turn, ask, None)
        case EdgeLost():
            _edge_lost(turn)
        case EdgeBack():
            _edge_back(turn)
        case TimeUp():
            _time_up(turn)
        case PrinterTrouble(text=text):
            _trouble(turn, text)
        case Pulses(totals=totals):
            copies.pulsed(turn, totals)
        case PowerBack(copies=open_copies):
            copies.owe(turn, open_copies)
            if isinstance(turn.terminal.phase, Copying):
                copies.end(turn, turn.terminal.phase, SignOff(), "the power was away")
        case News(news=news):
            here = who_is_in(turn.terminal.phase)
            if here is not None and here.answer.session == news.session:
                turn.do(Show("news", text=news.text, news=news))
                if news.text:  # a balance that changed is drawn, and calls nobody
                    turn.do(Beep("attention"))
                if news.what == "signed-off":
                    _then(turn, SignOff(), news.text)
        case _:
            assert_never(event)
    return turn.terminal, tuple(turn.actions)


def wake_at(terminal: Terminal, habits: Habits) -> float | None:
    """Return when TimeUp is due, in seconds of the same clock; None: not for its own sake."""
    due: list[float] = []
    match terminal.phase:
        case (
            Identified(until=until)
            | Settled(until=until)
            | Enrolling(ask=None, until=until)
            | PinNeeded(until=until)
        ):
            due.append(until)
        case Copying() as phase:
            due.append(phase.until)
            if phase.ask is None and phase.counts != phase.asked:
                due.append(phase.asked_at + habits.count_every)
        case Ending(ask=None, quiet_at=quiet_at):
            due.append(quiet_at)
        case _:
            pass
    if terminal.edge and terminal.owed_at is not None and terminal.owed_ask is None:
        due.append(terminal.owed_at)
    return min(due, default=None)


# ── people ──────────────────────────────────────────────────────────────────────────────────


def _came(turn: Turn, who: Next) -> None:
    """Somebody shows a card or types: the first, the same again, or somebody else."""
    phase = turn.terminal.phase
    if isinstance(phase, Identifying):
        turn.do(Beep("attention"))  # one after the other
    elif (here := who_is_in(phase)) is None:
        turn.identify(who)
    elif who.mark and who.mark == here.mark:
        if not turn.habits.card_stays:
            _then(turn, SignOff(), "signed off")
        elif isinstance(getattr(phase, "then", None), SignOff):
            _then(turn, who, "signed off")  # taken away and laid down again
    elif turn.habits.second_card == "replace":
        _then(turn, who, "somebody else came")
    else:
        turn.do(Show("refused", text="Somebody is signed in here.", who=here), Beep("bad"))


def _card_removed(turn: Turn) -> None:
    phase = turn.terminal.phase
    here = phase if isinstance(phase, Identifying | PinNeeded) else who_is_in(phase)
    waits = isinstance(getattr(phase, "then", None), Next)
    if turn.habits.card_stays and here is not None and (here.mark or waits):
        _then(turn, SignOff(), "card removed")


def _then(turn: Turn, then: Then, why: str) -> None:
    """Do it now where nothing goes on, else as soon as that is over; a copy is ended for it."""
    match turn.terminal.phase:
        case Idle():
            pass
        case PinNeeded():
            identities.leave(turn)
        case Identified(who=who) | Settled(who=who) | Enrolling(who=who, ask=None):
            if who is not None:
                turn.leave(who, then)
        case (
            Identifying() | Enrolling() | Choosing() | Releasing() | Beginning() | Ending()
        ) as phase:
            turn.go(replace(phase, then=then))
        case Copying() as phase:
            copies.end(turn, phase, then, why)
        case _:
            assert_never(turn.terminal.phase)


def _key(turn: Turn, key: Key) -> None:  # noqa: C901, PLR0912  a line for each key
    phase = turn.terminal.phase
    match key.name:
        case "sign-off":
            _then(turn, SignOff(), "signed off")
        case "stop":
            if isinstance(phase, Copying):
                copies.end(turn, phase, copies.after(turn), "stopped")
            elif isinstance(phase, Enrolling) and phase.ask is None:
                turn.signed_in(phase.who)
            elif isinstance(phase, PinNeeded):
                identities.leave(turn)
            elif isinstance(phase, Choosing | Releasing | Beginning) and phase.then is None:
                turn.go(replace(phase, then=Stay()))
        case "release-all":
            match phase:
                case Identified(who=who) | Settled(who=Who() as who):
                    releases.choose(turn, who)
                case _:
                    turn.do(Beep("bad"))
        case "touch":
            match phase:
                case Identified(who=who):
                    turn.go(Identified(who, turn.now + turn.idle(who)))
                case Settled(who=Who() as who):
                    turn.signed_in(who)
                case PinNeeded():
                    identities.touched(turn, phase)
                case _:
                    pass
        case "enter":
            identities.enter(turn)
        case "clear":
            identities.clear(turn)
        case _:
            assert_never(key.name)


def _wanted(turn: Turn, wanted: CopyWanted | ReleaseWanted | EnrolWanted) -> None:
    match turn.terminal.phase:
        case Identified(who=who) | Settled(who=Who() as who) | Enrolling(who=who, ask=None):
            match wanted:
                case CopyWanted():
                    copies.begin(turn, who, wanted)
                case ReleaseWanted():
                    releases.release(turn, who, wanted.releases)
                case EnrolWanted():
                    enrolments.begin(turn, who)
                case _:
                    assert_never(wanted)
        case _:
            turn.do(Beep("bad"))


def who_is_in(phase: Phase) -> Who | None:
    """Return who is signed in."""
    match phase:
        case Idle() | Identifying() | PinNeeded():
            return None
        case Settled(who=who):
            return who
        case (
            Identified(who=who)
            | Enrolling(who=who)
            | Choosing(who=who)
            | Releasing(who=who)
            | Beginning(who=who)
            | Copying(who=who)
            | Ending(who=who)
        ):
            return who
        case _:
            assert_never(phase)


# ── the edge ────────────────────────────────────────────────────────────────────────────────


def _answered(turn: Turn, ask: int, reply: Reply | None) -> None:
    """Take the answer to what is waited for; others come too late to matter."""
    if ask == turn.terminal.owed_ask:
        copies.reported(turn, reply)
        return
    match turn.terminal.phase:
        case Identifying(ask=asked) as phase if asked == ask:
            _identified(turn, phase, reply)
        case Enrolling(ask=asked) as phase if asked == ask:
            enrolments.entered(turn, phase, reply)
        case Choosing(ask=asked) as phase if asked == ask:
            releases.chosen(turn, phase, reply)
        case Releasing(ask=asked) as phase if asked == ask:
            releases.released(turn, phase, reply)
        case Beginning(ask=asked) as phase if asked == ask:
            copies.begun(turn, phase, reply)
        case Copying(ask=asked) as phase if asked == ask:
            copies.told(turn, phase, reply)
        case Ending(ask=asked) as phase if asked == ask:
            copies.settled(turn, phase, reply)
        case _:
            pass


def _identified(turn: Turn, phase: Identifying, reply: Reply | None) -> None:
    who = identities.answered(turn, phase, reply)
    if who is None:
        return
    match turn.habits.at_card:
        case "copy":
            copies.begin(turn, who, CopyWanted())
        case "release":
            releases.choose(turn, who)
        case "choose":
            pass
        case _:
            assert_never(turn.habits.at_card)


def _edge_lost(turn: Turn) -> None:
    turn.know(edge=False, owed_ask=None, owed_at=None)
    match turn.terminal.phase:
        case Copying() as phase:
            copies.end(turn, phase, SignOff(), "the site did not answer")
        case Ending() as phase:
            copies.lost(turn, phase)
        case Identifying(then=then):
            turn.result(None, then or SignOff(), Show("no-edge"))
        case PinNeeded():
            turn.result(None, SignOff(), Show("no-edge"))
        case Idle() | Identified() | Settled():
            turn.do(Show("no-edge"))
        case Enrolling(who=who, ask=None):
            turn.signed_in(who)
            turn.do(Show("no-edge"))
        case Enrolling() | Choosing() | Releasing() | Beginning():
            pass  # their question ends without an answer
        case _:
            assert_never(turn.terminal.phase)


def _edge_back(turn: Turn) -> None:
    turn.know(edge=True, owed_ask=None, owed_at=None)
    copies.report(turn)
    match turn.terminal.phase:
        case Idle():
            turn.ready()
        case Identified(who=who):
            turn.do(Show("hello", who=who))
        case _:
            pass


# ── time and the machine ────────────────────────────────────────────────────────────────────


def _time_up(turn: Turn) -> None:
    match turn.terminal.phase:
        case Identified(who=who, until=until) if turn.now >= until:
            turn.do(Show("goodbye", who=who))
            turn.leave(who, SignOff())
        case PinNeeded(until=until) if turn.now >= until:
            identities.leave(turn)
        case Enrolling(ask=None, until=until, who=who) if turn.now >= until:
            turn.signed_in(who)
        case Settled(until=until, who=who) if turn.now >= until:
            if who is None:
                turn.ready()
            else:
                turn.signed_in(who)
        case Copying(until=until) as phase if turn.now >= until:
            copies.end(turn, phase, SignOff(), "nobody copied")
        case Copying() as phase:
            copies.tell(turn, phase)
        case Ending() as phase:
            copies.waited(turn, phase)
        case _:
            pass
    copies.report(turn)


def _trouble(turn: Turn, text: str) -> None:
    turn.know(trouble=text)
    if text:
        turn.stop_machine()
    match turn.terminal.phase:
        case Copying() as phase if text:
            copies.end(turn, phase, copies.after(turn), text)
        case Idle():
            turn.ready()
        case _:
            pass
