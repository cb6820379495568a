"""One terminal at work: brings what happens to its session and carries out what that decides."""

from __future__ import annotations

import asyncio
from collections import deque
from contextlib import suppress
from functools import partial
from typing import TYPE_CHECKING, Any, Final, assert_never, cast

from broker.messages.terminals import (
    PersonNews,
)
from config.errors import PrintmeshError
from config.logs import logger
from terminal_bridge.card_door import CardDoor, keep_open
from terminal_bridge.edge_line import EdgeGone, EdgeHere, Said
from terminal_bridge.events import (
    Answered,
    Ask,
    Beep,
    CardRemoved,
    Disable,
    EdgeBack,
    EdgeLost,
    Enable,
    Forget,
    Keep,
    Log,
    News,
    NoAnswer,
    PowerBack,
    PrinterTrouble,
    Pulses,
    Show,
    TimeUp,
)
from terminal_bridge.key_pad import KeyPad
from terminal_bridge.phases import (
    NOTHING,
    Beginning,
    Choosing,
    Copying,
    Ending,
    Enrolling,
    Identifying,
    Releasing,
    Terminal,
    outside,
    summed,
)
from terminal_bridge.ports import Metered
from terminal_bridge.rest import Rest
from terminal_bridge.screens import lines_of
from terminal_bridge.session import step, wake_at

if TYPE_CHECKING:
    from collections.abc import Callable

    from broker.messages.terminals import (
        SiteState,
    )
    from terminal_bridge.durable import CopiesKept
    from terminal_bridge.events import Action, Event
    from terminal_bridge.phases import Habits, OpenCopy
    from terminal_bridge.ports import CopyControl, Display, Reader
    from terminal_bridge.shared_line import Line

_log = logger("terminal.bridge")

#: Seconds before a copier's control, or a disk, that failed is tried again.
_TRY_AGAIN: Final = 5.0
#: Seconds that a machine goes on while a count of its pages is not durable yet.
_DISK_PATIENCE: Final = 1.0
#: Seconds that a copy's end waits for the machine's totaliser, while its control is being opened.
_CONTROL_PATIENCE: Final = 2.0
#: Questions that tell how the totaliser stands.
_METERED: Final = frozenset({"copy-begin", "copy-end"})
#: Events that may wait. Beyond it a reader's are dropped: nobody swipes so much in one moment.
_WAITING: Final = 256


class Bridge:
    """One terminal, from `run` on. Its parts are opened and closed here."""

    def __init__(
        self,
        name: str,
        *,
        habits: Habits,
        line: Line,
        copies: CopiesKept,
        reader: Callable[[], Reader] | None = None,
        key_pad: Callable[[], Reader] | None = None,
        control: Callable[[], CopyControl] | None = None,
        display: Display | None = None,
        on_change: Callable[[Bridge], None] = lambda _: None,
        on_show: Callable[[Show], None] = lambda _: None,
    ) -> None:
        """Put a terminal together.

        Args:
            name: its node's id, for logs.
            habits: how it behaves.
            line: to the edge, not opened yet.
            copies: its durable file.
            reader: makes the reader of cards, again after it failed.
            key_pad: makes the key pad (`key_pad.as_reader`), again after it failed.
            control: makes the copier's control, again after it failed.
            display: not opened yet.
            on_change: told when what `status` says may have changed.
            on_show: told whatever there is to be shown.
        """
        self.name = name
        self.terminal = Terminal()
        self.reader_lost = ""
        """Why the reader cannot be heard; empty: it is."""
        self.site: SiteState | None = None
        """The edge's last word on itself."""
        self.rest = Rest()
        self._habits = habits
        self._line = line
        self._copies = copies
        self._reader_of = reader
        self._key_pad_of = key_pad
        self._control_of = control
        self._control: CopyControl | None = None
        self._controlled = asyncio.Event()
        """The control is open."""
        self._display = display
        self._on_change = on_change
        self._on_show = on_show
        self._happened: deque[Event] = deque()
        self._wake = asyncio.Event()
        self._deciding = False
        self._troubles: dict[str, str] = {}
        self._silent: dict[str, str] = {}
        self._before = NOTHING
        """Counted by controls that were closed since."""
        self._asking: set[asyncio.Task[None]] = set()

    def happens(self, event: Event) -> None:
        """Tell of something, from the same event loop."""
        last = type(self._happened[-1]) if self._happened else None
        if isinstance(event, Pulses | CardRemoved) and last is type(event):
            self._happened.pop()  # totals, and that a card is gone, are told by the last of them
        self._happened.append(event)
        self._wake.set()

    async def at_rest(self) -> None:
        """Wait until all that happened is decided on and the edge's answer to it is here.

        Copying is rest too: what comes next there, comes from the machine. So is that `run` ended.
        """
        await self.rest.until(self._rests)

    async def good_bye(self) -> None:
        """End the copy that is made, and begin no other; return when the edge has its counts."""
        self._trouble("stopping", "This terminal is being stopped.")
        await self.rest.until(self._copies_nothing)

    async def run(self) -> None:
        """Work, once, until canceled or until something fails that is not mended inside."""
        self.happens(PowerBack(self._copies.load()))
        try:
            async with asyncio.TaskGroup() as tasks:
                if self._control_of is not None:
                    # until the copier can be stopped, nothing is begun
                    self._trouble("control", "The copier's control is not open yet.")
                    tasks.create_task(self._machine(self._control_of), name=f"{self.name} copier")
                if self._display is not None:
                    tasks.create_task(self._shine(self._display), name=f"{self.name} display")
                if self._reader_of is not None:
                    door = CardDoor(
                        self.name,
                        happens=self.happens,
                        room=self._has_room,
                        on_lost=partial(self._lost, ""),
                    )
                    work = keep_open(self.name, self._reader_of, door.take)
                    tasks.create_task(work, name=f"{self.name} reader")
                if self._key_pad_of is not None:
                    pad = KeyPad(
                        happens=self.happens,
                        room=self._has_room,
                        on_lost=partial(self._lost, "key pad: "),
                    )
                    work = keep_open(self.name, self._key_pad_of, pad.take)
                    tasks.create_task(work, name=f"{self.name} key pad")
                tasks.create_task(self._listen(), name=f"{self.name} line")
                tasks.create_task(self._decide(), name=f"{self.name} session")
        finally:
            for task in self._asking:
                task.cancel()
            self.rest.over()

    # ── what happens ────────────────────────────────────────────────────────────────────────

    async def _listen(self) -> None:
        async with self._line as line:
            async for event in line.events():
                match event:
                    case EdgeHere():
                        self.happens(EdgeBack())
                    case EdgeGone():
                        self.happens(EdgeLost())
                    case Said(message=message):
                        if isinstance(message, PersonNews):
                            self.happens(News(message))
                        else:
                            self.site = message
                            self._on_change(self)
                    case _:
                        assert_never(event)

    def _has_room(self) -> bool:
        return len(self._happened) < _WAITING

    def _lost(self, what: str, reason: str) -> None:
        self._silent[what] = f"{what}{reason}" if reason else ""
        self.reader_lost = next(filter(None, self._silent.values()), "")
        self._on_change(self)

    async def _machine(self, make: Callable[[], CopyControl]) -> None:
        """Keep the copier's control open; while it is not, the machine counts as in trouble."""
        while True:
            totals = NOTHING
            reason = "it ended by itself"
            try:
                async with make() as control:
                    self._control = control
                    self._controlled.set()
                    self._trouble("control", "")
                    async for totals in control.pulses():
                        self.happens(Pulses(summed(self._before, totals)))
            except (OSError, PrintmeshError) as error:
                reason = str(error)[:200]
                _log.error(
                    "the copier's control failed",
                    action="terminal-control",
                    terminal=self.name,
                    reason=reason,
                )
            finally:
                self._control = None
                self._controlled.clear()
            self._before = summed(self._before, totals)
            self._trouble("control", f"The copier cannot be controlled: {reason}")
            await asyncio.sleep(_TRY_AGAIN)

    async def _shine(self, display: Display) -> None:
        async with display:
            await asyncio.Event().wait()

    def _trouble(self, where: str, text: str) -> None:
        """Note that something is in trouble, or is so no more."""
        self._troubles[where] = text
        self.happens(PrinterTrouble(next(filter(None, self._troubles.values()), "")))

    # ── what is done about it ───────────────────────────────────────────────────────────────

    async def _decide(self) -> None:
        loop = asyncio.get_running_loop()
        while True:
            event = await self._next(loop)
            self._deciding = True
            was = self.terminal
            left: deque[Action] = deque()
            try:
                self.terminal, actions = step(was, event, loop.time(), self._habits)
                left.extend(actions)
                while left:
                    await self._do(left.popleft())
            except OSError as error:
                self._stop()
                _log.error(
                    "the terminal's disk or copier fails",
                    action="terminal-fails",
                    terminal=self.name,
                    reason=str(error)[:200],
                )
                self._trouble("disk", f"The terminal is out of order: {error.strerror or error}")
                loop.call_later(_TRY_AGAIN, self._trouble, "disk", "")
            except Exception:  # noqa: BLE001  once a message
                self._stop()
                _log.exception("an event failed", action="terminal-error", terminal=self.name)
            for action in left:
                if isinstance(action, Ask):  # never put, and the session waits for its end
                    self.happens(NoAnswer(action.number))
            self._deciding = False
            if outside(was) != outside(self.terminal):
                self._on_change(self)
            self.rest.moved()

    def _copies_nothing(self) -> bool:
        over = not isinstance(self.terminal.phase, Beginning | Copying | Ending)
        return over and not (self._happened or self._deciding)

    def _rests(self) -> bool:
        phase = self.terminal.phase
        asked = isinstance(phase, Identifying | Choosing | Releasing | Beginning)
        asked = asked or (isinstance(phase, Enrolling) and phase.ask is not None)
        return not (self._happened or self._deciding or asked)

    async def _next(self, loop: asyncio.AbstractEventLoop) -> Event:
        while not self._happened:
            self._wake.clear()
            due = wake_at(self.terminal, self._habits)
            try:
                async with asyncio.timeout(None if due is None else max(0.0, due - loop.time())):
                    await self._wake.wait()
            except TimeoutError:
                return TimeUp()
        return self._happened.popleft()

    async def _do(self, action: Action) -> None:  # noqa: C901, PLR0912  a line for each
        match action:
            case Disable():
                if self._control is not None:
                    self._control.disable()
            case Enable(kinds=kinds):
                if self._control is None:
                    raise OSError("there is no copier to let")
                self._control.enable(kinds)
            case Keep(copy=copy):
                await self._keep(copy)
            case Forget(copy_id=copy_id):
                await asyncio.to_thread(self._copies.forget, copy_id)
            case Ask():
                task = asyncio.create_task(self._ask(action), name=f"{self.name} {action.method}")
                self._asking.add(task)
                task.add_done_callback(self._asking.discard)
            case Show():
                self._on_show(action)
                if self._display is not None and (lines := lines_of(action)):
                    self._display.show(lines)
            case Beep(sound=sound):
                if self._display is not None:
                    self._display.beep(sound)
            case Log(action=code, text=text):
                _log.warning(text, action=f"terminal-{code}", terminal=self.name)
            case _:
                assert_never(action)

    async def _keep(self, copy: OpenCopy) -> None:
        """Wait until a count is durable; a machine that is let does not wait for ever.

        Raises:
            OSError: the disk does not let us, or was so slow that the machine is stopped for it.
        """
        writing = asyncio.ensure_future(asyncio.to_thread(self._copies.keep, copy))
        done, _ = await asyncio.wait({writing}, timeout=_DISK_PATIENCE)
        slow = not done and isinstance(self.terminal.phase, Copying)
        if slow:
            self._stop()
        await writing
        if slow:
            raise OSError("the disk is too slow to copy on")

    async def _ask(self, ask: Ask) -> None:
        """Put a question; whatever becomes of it, the session hears of its end."""
        reply = None
        try:
            meter = await self._meter() if ask.method in _METERED else {}
            reply = await self._line.ask(ask.method, {**ask.fields, **meter})
        except Exception:  # noqa: BLE001  once a question
            _log.exception("a question failed", action="terminal-error", terminal=self.name)
        self.happens(NoAnswer(ask.number) if reply is None else Answered(ask.number, reply))

    async def _meter(self) -> dict[str, Any]:
        """Return the machine's own totaliser as a field, where it can be read.

        A copy of before a restart is settled by it: its pages came while nobody counted.
        """
        if self._control_of is None:
            return {}
        with suppress(TimeoutError):
            async with asyncio.timeout(_CONTROL_PATIENCE):
                await self._controlled.wait()
        control = cast("object", self._control)
        if not isinstance(control, Metered):
            return {}
        try:
            return {"meter": control.meter().model_dump(mode="json")}
        except OSError:
            return {}  # its control fails, and says so elsewhere

    def _stop(self) -> None:
        """Stop the machine whatever else fails."""
        try:
            if self._control is not None:
                self._control.disable()
        except OSError as error:
            _log.error(
                "the copier cannot be stopped; its heartbeat relay has to",
                action="terminal-runs-on",
                terminal=self.name,
                reason=str(error)[:200],
            )
