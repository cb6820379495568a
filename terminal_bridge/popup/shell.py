"""A pop-up at work: brings what happens to its desk, carries out what that decides, shows it.

Runs in an event loop of its own, in its own thread: PySide6-Essentials has no event loop for
asyncio, and Qt's own knows no `add_reader`, which the link needs. What is shown goes out through
two callables that may be called from that thread; what people do comes in by `happens_soon`.
"""

from __future__ import annotations

import asyncio
from collections import deque
from contextlib import suppress
from typing import TYPE_CHECKING, Final, assert_never

from broker.messages.terminals import (
    PersonNews,
)
from config.logs import logger
from terminal_bridge.edge_line import EdgeGone, EdgeHere, Said
from terminal_bridge.events import (
    Answered,
    Ask,
    EdgeBack,
    EdgeLost,
    News,
    NoAnswer,
    TimeUp,
)
from terminal_bridge.popup.desk import step, wake_at
from terminal_bridge.popup.states import (
    Chosen,
    Desk,
    Later,
    Opened,
    SiteSaid,
    Tell,
    Throw,
    Yes,
)
from terminal_bridge.popup.views import NoteLine, note_line, view_of
from terminal_bridge.words import words_of

if TYPE_CHECKING:
    from collections.abc import Callable
    from datetime import datetime

    from terminal_bridge.popup.states import Action, Event, Note
    from terminal_bridge.popup.views import View
    from terminal_bridge.shared_line import Line
    from terminal_bridge.words import Words

_log = logger("terminal.popup")

#: Seconds between two views at least: ten thousand news are a hundred views, not ten thousand.
_APART: Final = 0.1
#: Seconds between two notes at the tray, which the desktop shows one after the other; those that
#: come meanwhile are told as one.
_NOTES_APART: Final = 3.0
#: Events that may wait; news beyond them are dropped, for lists are asked for anew anyway.
_WAITING: Final = 1000
#: Events decided on in one go before others of the loop have their turn.
_AT_ONCE: Final = 64
_FIRST_PAUSE: Final = 0.5
_LONGEST_PAUSE: Final = 30.0


class Popup:
    """One person's pop-up, from `run` on."""

    def __init__(
        self,
        line: Callable[[], Line],
        *,
        patience: float,
        language: str | None,
        desktop: str | None,
        show: Callable[[View], None],
        tell: Callable[[NoteLine, int], None],
        clock: Callable[[], datetime],
    ) -> None:
        """Put a pop-up together.

        Args:
            line: makes a line to the edge, again after it failed.
            patience: seconds in which a rule's question has to be answered.
            language: what the settings say; None: the person's own.
            desktop: the desktop's language, where the person has none.
            show: takes what the windows show, from this thread.
            tell: takes a note for the tray, and how many more there are.
            clock: the time, with the place's zone.
        """
        self.desk = Desk(patience=patience)
        self._line_of = line
        self._language = language
        self._desktop = desktop
        self._show = show
        self._tell = tell
        self._clock = clock
        self._happened: deque[Event] = deque()
        self._wake = asyncio.Event()
        self._changed = asyncio.Event()
        self._notes: deque[Note] = deque(maxlen=50)
        self._missed = 0
        self._noted = asyncio.Event()
        self._loop: asyncio.AbstractEventLoop | None = None
        self._asking: set[asyncio.Task[None]] = set()
        self._line: Line | None = None

    def happens(self, event: Event) -> None:
        """Tell of something, from the pop-up's own loop."""
        if isinstance(event, News) and len(self._happened) >= _WAITING:
            self._missed += 1
            return
        self._happened.append(event)
        self._wake.set()

    def happens_soon(self, event: Event) -> None:
        """Tell of something from any thread; once the pop-up has ended it means nothing."""
        if self._loop is not None:
            with suppress(RuntimeError):  # the loop is closed
                self._loop.call_soon_threadsafe(self.happens, event)

    async def run(self) -> None:
        """Work until canceled; a line that fails is made again after a growing pause."""
        self._loop = asyncio.get_running_loop()
        self._changed.set()
        try:
            async with asyncio.TaskGroup() as tasks:
                tasks.create_task(self._listen(), name="popup line")
                tasks.create_task(self._decide(), name="popup desk")
                tasks.create_task(self._draw(), name="popup view")
                tasks.create_task(self._tell_notes(), name="popup notes")
        finally:
            for task in self._asking:
                task.cancel()

    # ── what happens ────────────────────────────────────────────────────────────────────────

    async def _listen(self) -> None:
        pause = _FIRST_PAUSE
        while True:
            try:
                async with self._line_of() as line:
                    self._line = line
                    async for event in line.events():
                        pause = _FIRST_PAUSE
                        self._heard(event)
            except Exception as error:  # noqa: BLE001  once a task
                _log.exception(
                    "the line failed and is made again", action="popup-line",
                    reason=str(error)[:200], retry_in=pause,
                )  # fmt: skip
            self._line = None
            self.happens(EdgeLost())
            await asyncio.sleep(pause)
            pause = min(pause * 2, _LONGEST_PAUSE)

    def _heard(self, event: EdgeHere | EdgeGone | Said) -> None:
        match event:
            case EdgeHere():
                self.happens(EdgeBack())
            case EdgeGone():
                self.happens(EdgeLost())
            case Said(message=message):
                if isinstance(message, PersonNews):
                    self.happens(News(message))
                else:
                    self.happens(SiteSaid(message))
            case _:
                assert_never(event)

    # ── what is done about it ───────────────────────────────────────────────────────────────

    async def _decide(self) -> None:
        loop = asyncio.get_running_loop()
        done = 0
        while True:
            event = await self._next(loop)
            before = self.desk
            try:
                self.desk, actions = step(before, event, loop.time())
                for action in actions:
                    self._do(action)
            except Exception:  # noqa: BLE001  once a message
                _log.exception("an event failed", action="popup-error", what=type(event).__name__)
            # what a person did is always seen to be taken in, also where it changed nothing
            if self.desk != before or isinstance(event, Yes | Throw | Later | Opened | Chosen):
                self._changed.set()
            done += 1
            if done % _AT_ONCE == 0:
                await asyncio.sleep(0)

    async def _next(self, loop: asyncio.AbstractEventLoop) -> Event:
        while not self._happened:
            if self._missed:
                _log.warning("news were dropped", action="popup-news", news=self._missed)
                self._missed = 0
            self._wake.clear()
            due = wake_at(self.desk)
            try:
                async with asyncio.timeout(None if due is None else max(0.0, due - loop.time())):
                    await self._wake.wait()
            except TimeoutError:
                return TimeUp()
        return self._happened.popleft()

    def _do(self, action: Action) -> None:
        match action:
            case Ask():
                task = asyncio.create_task(self._ask(action), name=f"popup {action.method}")
                self._asking.add(task)
                task.add_done_callback(self._asking.discard)
            case Tell(note=note):
                self._notes.append(note)
                self._noted.set()
            case _:
                assert_never(action)

    async def _ask(self, ask: Ask) -> None:
        """Put a question; whatever becomes of it, the desk hears of its end."""
        reply, line = None, self._line
        try:
            reply = await line.ask(ask.method, ask.fields) if line is not None else None
        except Exception:  # noqa: BLE001  once a question
            _log.exception("a question failed", action="popup-error", method=ask.method)
        self.happens(NoAnswer(ask.number) if reply is None else Answered(ask.number, reply))

    # ── what is seen ────────────────────────────────────────────────────────────────────────

    async def _draw(self) -> None:
        loop = asyncio.get_running_loop()
        while True:
            await self._changed.wait()
            self._changed.clear()
            self._show(view_of(self.desk, self._words(), now=loop.time(), clock=self._clock()))
            await asyncio.sleep(_APART)

    async def _tell_notes(self) -> None:
        loop = asyncio.get_running_loop()
        while True:
            await self._noted.wait()
            self._noted.clear()
            more, note = len(self._notes) - 1, self._notes.pop()
            self._notes.clear()
            said = note_line(note, self._words(), now=loop.time(), clock=self._clock())
            self._tell(said, more)
            await asyncio.sleep(_NOTES_APART)

    def _words(self) -> Words:
        own = self.desk.who.language if self.desk.who is not None else None
        return words_of(self._language or own or self._desktop)
