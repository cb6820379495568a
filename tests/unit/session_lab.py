"""A terminal's session with a machine and a durable file beside it, for tests without a shell."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any
from uuid import UUID, uuid5

from broker.messages import Problem, Reply
from broker.messages.copies import CopyCounts, CopyState
from broker.messages.terminals import (
    IdentifyAnswer,
)
from terminal_bridge.events import Action, Ask, Disable, Enable, Event, Forget, Keep, Show
from terminal_bridge.phases import Habits, OpenCopy, Phase, Terminal
from terminal_bridge.session import step, wake_at

NAMES = UUID("018f0000-0000-7000-8000-000000000000")
BEGAN = datetime(2026, 1, 5, 9, 0, tzinfo=UTC)


def session_of(user: str) -> UUID:
    """Return the session that the lab's edge gives somebody."""
    return uuid5(NAMES, f"session {user}")


def copy_of(number: int) -> UUID:
    """Return the id of the lab's nth copy."""
    return uuid5(NAMES, f"copy {number}")


def ok(data: dict[str, Any] | None = None) -> Reply:
    """Return an answer with what was asked for."""
    return Reply(corr=NAMES, status="ok", data=data or {})


def refused(code: str = "no-money", status: str = "refused", **data: object) -> Reply:
    """Return a no."""
    problem = Problem(code=code, detail=f"it is {code}")
    return Reply.model_validate({"corr": NAMES, "status": status, "problem": problem, "data": data})


def identity(user: str = "ana", idle: int = 60) -> Reply:
    """Return the edge's word on who it is."""
    answer = IdentifyAnswer(
        session=session_of(user), user=user, display=user.title(), idle_seconds=idle
    )
    return ok(answer.model_dump(mode="json"))


def copy_state(
    number: int = 1,
    *,
    counts: CopyCounts | None = None,
    left: int = 100,
    go_on: bool = True,
    settled: bool = False,
) -> Reply:
    """Return how a copy stands."""
    state = CopyState(
        copy_id=copy_of(number),
        go_on=go_on,
        settled=settled,
        counts=counts or CopyCounts(),
        pages_left=CopyCounts(monochrome=left, monochrome_large=left // 2),
    )
    return ok(state.model_dump(mode="json"))


class Bench:
    """Carries out what a session says, in its order, and checks what must hold at every step."""

    def __init__(self, habits: Habits | None = None) -> None:
        self.habits = habits or Habits(printer="copier-1")
        self.terminal = Terminal()
        self.now = 1000.0
        self.enabled = False
        self.durable: dict[UUID, OpenCopy] = {}
        self.asks: list[Ask] = []
        self.shown: list[Show] = []
        self.actions: list[Action] = []

    def happens(self, event: Event, after: float = 0.0) -> tuple[Action, ...]:
        """Let something happen; return what the session has done about it."""
        self.now += after
        self.terminal, actions = step(self.terminal, event, self.now, self.habits)
        for action in actions:
            match action:
                case Enable():
                    self.enabled = True
                case Disable():
                    self.enabled = False
                case Keep(copy=copy):
                    self.durable[copy.copy_id] = copy
                case Forget(copy_id=copy_id):
                    self.durable.pop(copy_id, None)
                case Ask():
                    self.asks.append(action)
                case Show():
                    self.shown.append(action)
                case _:
                    pass
        self.actions += actions
        return actions

    def is_in(self, phase: type[Phase]) -> bool:
        """Say whether the terminal is in a phase."""
        return isinstance(self.terminal.phase, phase)

    def let(self) -> bool:
        """Say whether the machine may copy."""
        return self.enabled

    @property
    def asked(self) -> Ask:
        """The newest question."""
        return self.asks[-1]

    def methods(self) -> list[str]:
        """Return what was asked, in order."""
        return [ask.method for ask in self.asks]

    @property
    def wake_at(self) -> float | None:
        """When the session wants to be woken."""
        return wake_at(self.terminal, self.habits)
