"""Whatever happens at a terminal, in any order: money, machine and durable file agree."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Literal, TypeAlias

from hypothesis import given, settings
from hypothesis import strategies as st

from broker.messages import PersonNews
from broker.messages.copies import CopyCounts
from terminal_bridge.events import (
    Answered,
    Ask,
    CardRemoved,
    CardSeen,
    CopyWanted,
    Digit,
    Disable,
    EdgeBack,
    EdgeLost,
    EnrolWanted,
    Event,
    Forget,
    Key,
    News,
    NoAnswer,
    PinBeside,
    PinTyped,
    PowerBack,
    PrinterTrouble,
    Pulses,
    ReleaseWanted,
    SessionShown,
    TimeUp,
)
from terminal_bridge.phases import Copying, Ending, Habits, Idle, OpenCopy, Release
from tests.unit.session_lab import NAMES, Bench, copy_of, copy_state, identity, ok, refused

if TYPE_CHECKING:
    from uuid import UUID

    from broker.messages import Reply

COPIER = Habits(printer="copier-1", run_out=2.0, run_out_most=30.0, idle=60.0)
NEWS = PersonNews(session=NAMES, what="settled", text="Printed.")
EVENTS: tuple[Event, ...] = (
    CardSeen("0417", b"ana"),
    CardSeen("0417", b"ana"),
    CardSeen("0533", b"bea"),
    CardRemoved(),
    PinTyped("bea", "1234"),
    Key("sign-off"),
    Key("stop"),
    Key("release-all"),
    Key("touch"),
    CopyWanted(),
    EnrolWanted(),
    SessionShown(NAMES),
    PinBeside("1234"),
    Digit("1"),
    Key("enter"),
    Key("clear"),
    ReleaseWanted((Release(NAMES, "copier-1"),)),
    Answered(999, ok()),
    NoAnswer(999),
    EdgeLost(),
    EdgeBack(),
    PrinterTrouble("The paper is jammed."),
    PrinterTrouble(""),
    PowerBack((OpenCopy(copy_of(700), CopyCounts(monochrome=2)),)),
    News(NEWS),
)
#: An event; pages made; the oldest open question answered, with these dice; time passed.
Move: TypeAlias = (
    Event
    | tuple[Literal["pages"], int]
    | tuple[Literal["answer"], int]
    | tuple[Literal["wait"], float]
)
MOVES = st.one_of(
    st.sampled_from(EVENTS),
    st.tuples(st.just("pages"), st.integers(1, 6)),
    st.tuples(st.just("answer"), st.integers(0, 9)),
    st.tuples(st.just("answer"), st.integers(4, 9)),
    st.tuples(st.just("answer"), st.integers(4, 9)),
    st.tuples(st.just("wait"), st.sampled_from([0.05, 1.0, 2.0, 5.0, 31.0, 61.0])),
)


def mono(pages: int) -> CopyCounts:
    """Return so many monochrome pages."""
    return CopyCounts(monochrome=pages)


class DicedEdge:
    """Answers as the dice fall, and knows what it has set aside and settled."""

    def __init__(self) -> None:
        self.open: dict[str, int] = {}
        self.settled: dict[str, int] = {}

    def answer(self, ask: Ask, dice: int) -> Reply | None:
        """Return an answer: 0 none though it acted, 1 failed, 2 refused."""
        if dice == 1:
            return refused(status="failed")
        reply = ok()
        match ask.method:
            case "identify":
                reply = identity(ask.fields.get("user", "ana")) if dice != 2 else refused()
                if dice in {3, 4} and "card" in ask.fields and "pin" not in ask.fields:
                    reply = refused("pin-needed")
            case "copy-begin":
                reply = self._begin(dice) if dice != 2 else refused()
            case "copy-count" | "copy-end":
                reply = self._count(ask, dice)
            case "jobs":
                reply = ok({"jobs": [{"job": str(NAMES)}] * (dice % 3), "more": False})
        return None if dice == 0 else reply

    def _begin(self, dice: int) -> Reply:
        number = len(self.open) + len(self.settled) + 1
        for copy, pages in [*self.open.items()]:
            # who begins again has lost a copy: it goes on where it has no page, else is settled
            if pages:
                self.settled[copy] = self.open.pop(copy)
            else:
                number = self._number(copy)
        self.open[str(copy_of(number))] = 0
        return copy_state(number, left=dice, go_on=dice % 4 != 0)

    def _count(self, ask: Ask, dice: int) -> Reply:
        copy, pages = ask.fields["copy_id"], ask.fields["counts"]["monochrome"]
        if copy not in {*self.open, *self.settled}:
            return refused("not-found")
        number = self._number(copy)
        if ask.method == "copy-end" or copy in self.settled:
            known = max(self.open.pop(copy, 0), self.settled.get(copy, 0))
            assert pages >= known
            self.settled[copy] = pages
            return copy_state(number, counts=mono(pages), go_on=False, settled=True)
        assert pages >= self.open[copy]
        self.open[copy] = pages
        return copy_state(number, counts=mono(pages), left=dice, go_on=dice != 2)

    def _number(self, copy: str) -> int:
        every = len(self.open) + len(self.settled)
        return next(n for n in range(1, every + 1) if str(copy_of(n)) == copy)


class Run:
    """A terminal and an edge, with what must hold after each step."""

    def __init__(self, habits: Habits) -> None:
        self.bench = Bench(habits)
        self.edge = DicedEdge()
        self.made: dict[UUID, int] = {}
        """Pages of each copy that has any."""
        self._answered = 0
        self._total = 0
        self._told: set[UUID] = set()

    def move(self, move: Move) -> None:
        """Do one thing."""
        match move:
            case ("pages", int(pages)):
                self._pages(pages)
            case ("answer", int(dice)):
                self.answer(dice)
            case ("wait", seconds):
                self.step(TimeUp(), float(seconds))
            case tuple():
                raise AssertionError(move)
            case _:
                self.step(move)

    def answer(self, dice: int) -> bool:
        """Answer the oldest open question, if there is one."""
        if self._answered == len(self.bench.asks):
            return False
        ask = self.bench.asks[self._answered]
        self._answered += 1
        reply = self.edge.answer(ask, dice)
        self.step(NoAnswer(ask.number) if reply is None else Answered(ask.number, reply))
        return True

    def step(self, event: Event, after: float = 0.0) -> None:
        """Let something happen, and look at everything."""
        bench = self.bench
        was = bench.enabled
        actions = bench.happens(event, after)
        self._told |= {action.copy_id for action in actions if isinstance(action, Forget)}
        phase = bench.terminal.phase
        assert bench.enabled == (isinstance(phase, Copying) and phase.enabled)
        if was and not bench.enabled:
            assert actions[0] == Disable()
        if isinstance(phase, Copying):
            assert phase.state.go_on
            assert not phase.state.settled
            assert str(phase.state.copy_id) in self.edge.open
            assert bench.terminal.edge
            assert phase.state.copy_id in bench.durable
        if isinstance(phase, Ending):
            assert phase.copy.copy_id in bench.durable
        for copy in bench.terminal.owed:
            assert copy.copy_id in bench.durable
        for copy_id, pages in self.made.items():
            if copy_id not in self._told:
                assert bench.durable[copy_id].counts.monochrome == pages

    def _pages(self, pages: int) -> None:
        phase = self.bench.terminal.phase
        self._total += pages
        copy = None
        if isinstance(phase, Copying):
            copy = phase.state.copy_id
        elif isinstance(phase, Ending):
            copy = phase.copy.copy_id
        if copy is not None:
            self.made[copy] = self.made.get(copy, 0) + pages
        self.step(Pulses(mono(self._total)))

    def finish(self) -> None:
        """Let the edge be there and answer everything, and nobody do anything more."""
        self.step(EdgeBack())
        self.step(PrinterTrouble("over"))
        for _ in range(300):
            if not self.answer(9):
                if (due := self.bench.wake_at) is None:
                    return
                self.step(TimeUp(), max(0.0, due - self.bench.now))
        raise AssertionError("it never ends")


HABITS = st.builds(
    lambda at_card, second, stays: replace(
        COPIER, at_card=at_card, second_card=second, card_stays=stays
    ),
    st.sampled_from(["copy", "copy", "release", "choose"]),
    st.sampled_from(["replace", "refuse"]),
    st.booleans(),
)


@settings(max_examples=300, deadline=None)
@given(moves=st.lists(MOVES, max_size=80), habits=HABITS)
def test_whatever_happens_money_and_machine_agree(moves: list[Move], habits: Habits) -> None:
    """The machine is let only on reserved money, is stopped before all else, and nothing is lost.

    Every copy the edge has named is durable here, with every page that was counted for it, until
    the edge knows how it ended; and in the end it does.
    """
    run = Run(habits)
    run.step(EdgeBack())
    for move in moves:
        run.move(move)
    run.finish()
    assert run.bench.is_in(Idle)
    assert not run.bench.durable
    for copy_id, pages in run.made.items():
        assert run.edge.settled[str(copy_id)] == pages
