"""One step of a session while it is made: the terminal as it becomes, and what is to be done."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Any, assert_never

from terminal_bridge.events import Ask, Beep, Disable, Show
from terminal_bridge.phases import (
    Identified,
    Identifying,
    Idle,
    Next,
    Settled,
    SignOff,
    Stay,
)

if TYPE_CHECKING:
    from collections.abc import Mapping

    from broker.messages import Reply
    from terminal_bridge.events import Action
    from terminal_bridge.phases import Habits, Phase, Terminal, Then, Who


#: The edge's code for a session that has ended there.
_GONE = "no-identity"


def signed_off_there(reply: Reply | None) -> bool:
    """Say whether the edge knows nobody any more whom this terminal takes for signed in."""
    return reply is not None and reply.problem is not None and reply.problem.code == _GONE


class Turn:
    """Lives for one step; nobody else sees it."""

    def __init__(self, terminal: Terminal, habits: Habits, now: float) -> None:
        self.terminal = terminal
        self.habits = habits
        self.now = now
        self.actions: list[Action] = []

    def go(self, phase: Phase) -> None:
        """Be in another phase."""
        self.terminal = replace(self.terminal, phase=phase)

    def know(self, **what: Any) -> None:  # noqa: ANN401  fields of Terminal, as `replace`
        """Know something else of the terminal."""
        self.terminal = replace(self.terminal, **what)

    def do(self, *actions: Action) -> None:
        """Have the shell do this, after what it has to do already."""
        self.actions += actions

    def stop_machine(self) -> None:
        """Stop the machine before anything else of this step."""
        if Disable() not in self.actions:
            self.actions.insert(0, Disable())

    def ask(self, method: str, fields: Mapping[str, Any]) -> int:
        """Put a question; return its number."""
        number = self.terminal.asks + 1
        self.know(asks=number)
        self.do(Ask(number, method, fields))
        return number

    # ── who stands there ────────────────────────────────────────────────────────────────────

    def ready(self) -> None:
        """Nobody stands there; say whether somebody could."""
        self.go(Idle())
        if self.terminal.trouble:
            self.do(Show("trouble", text=self.terminal.trouble))
        else:
            self.do(Show("ready" if self.terminal.edge else "no-edge"))

    def identify(self, who: Next) -> None:
        """Ask the edge who it is."""
        if not self.terminal.edge:
            self.go(Settled(self.now + self.habits.shown))
            self.do(Show("no-edge"), Beep("bad"))
            return
        card, pin = who.fields.get("card", ""), "pin" in who.fields
        tied = {"printer": self.habits.printer} if self.habits.tied else {}
        ask = self.ask("identify", {**who.fields, **tied})
        self.go(Identifying(ask, who.mark, card=card, pin=pin))
        self.do(Show("looking"))

    def signed_in(self, who: Who) -> None:
        """Somebody is signed in and may do something."""
        self.go(Identified(who, self.now + self.idle(who)))
        self.do(Show("hello", who=who))

    def idle(self, who: Who) -> float:
        """Return after how many seconds without a touch they are gone."""
        return min(self.habits.idle, who.answer.idle_seconds or self.habits.idle)

    def leave(self, who: Who, then: Then) -> None:
        """Do what comes after somebody is done."""
        match then:
            case Stay():
                self.signed_in(who)
            case SignOff():
                self._sign_off(who)
                self.ready()
            case Next():
                self._sign_off(who)
                self.identify(then)
            case _:
                assert_never(then)

    def result(self, who: Who | None, then: Then, show: Show) -> None:
        """Show what came of it, for a while unless somebody waits."""
        self.do(show)
        until = self.now + self.habits.shown
        match then:
            case Stay():
                self.go(Settled(until, who))
            case SignOff():
                if who is not None:
                    self._sign_off(who)
                self.go(Settled(until))
            case Next():
                if who is not None:
                    self._sign_off(who)
                self.identify(then)
            case _:
                assert_never(then)

    def _sign_off(self, who: Who) -> None:
        """Tell the edge, if it can be told: there the session ends by itself too."""
        if self.terminal.edge:
            self.ask("sign-off", {"session": str(who.answer.session)})
