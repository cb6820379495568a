"""What all readers share: a thread that listens and begins again, a bounded way to the listener."""

from __future__ import annotations

import asyncio
import random
import threading
import time
from collections import deque
from typing import TYPE_CHECKING, Final, Protocol, Self

from broker.link_events import Timing, doublings_left, reconnect_pause
from config.logs import logger
from terminal_bridge.card_numbers import CardNumbers
from terminal_bridge.ports import CardGone, CardHeld, ReaderBack, ReaderEvent, ReaderLost

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Callable
    from types import TracebackType

    from config.terminal_settings import ReaderSettings

_log = logger("terminal.reader")

#: Events that may wait: who swiped longer ago has gone away.
_WAITING: Final = 16
#: Seconds between two reports of what was dropped.
_REPORT_EVERY: Final = 60.0


class SourceLostError(OSError):
    """A reader cannot be opened, or is gone; its text is one line for people."""


class Hearer(Protocol):
    """Who is told what a source hears; in the source's thread."""

    def opened(self) -> None:
        """The reader is heard."""

    def octets(self, data: bytes) -> None:
        """It sent something."""

    def silence(self) -> None:
        """It sent nothing for a moment."""

    def card(self, payload: bytes) -> None:
        """It told of a whole card."""

    def gone(self) -> None:
        """The card left it."""


class Source(Protocol):
    """A driver."""

    def prepare(self) -> None:
        """Import what is needed; raises DriverMissingError."""

    def listen(self, hearer: Hearer, stop: threading.Event) -> None:
        """Open the reader and tell what it hears until `stop`; raises SourceLostError."""


class Waiting:
    """Events on their way from a thread to one coroutine; bounded, the newest are kept."""

    def __init__(self) -> None:
        self._loop = asyncio.get_running_loop()
        self._lock = threading.Lock()
        self._events: deque[ReaderEvent] = deque()
        self._told = asyncio.Event()
        self._pending = False
        self._closed = False
        self.missed = 0
        """Events that nobody took in time."""

    def say(self, event: ReaderEvent) -> None:
        """Tell the coroutine, from any thread."""
        with self._lock:
            if self._closed:
                return
            if len(self._events) >= _WAITING:
                cards = (
                    n for n, e in enumerate(self._events) if isinstance(e, CardHeld | CardGone)
                )
                del self._events[next(cards, 0)]
                self.missed += 1
            self._events.append(event)
            wake, self._pending = not self._pending, True
            if wake:  # one call on its way is enough: a flood must not fill the loop either
                self._loop.call_soon_threadsafe(self._told.set)

    def close(self) -> None:
        """End the iteration; nothing is said any more."""
        with self._lock:
            self._closed = True
            self._events.clear()
        self._told.set()

    async def events(self) -> AsyncIterator[ReaderEvent]:
        """Give events in order until closed."""
        while True:
            await self._told.wait()
            with self._lock:
                self._told.clear()
                self._pending = False
                taken = list(self._events)
                self._events.clear()
                closed = self._closed
            for event in taken:
                yield event
            if closed:
                return


class ThreadReader:
    """A `Reader` of one source. Trouble is an event; the source is opened again after a pause."""

    def __init__(
        self,
        settings: ReaderSettings,
        source: Source,
        *,
        name: str = "",
        clock: Callable[[], float] = time.monotonic,
        dice: Callable[[], float] = random.random,
    ) -> None:
        self.numbers = CardNumbers(settings)
        """Counts what came of what was heard."""
        self._source = source
        self._name = name
        self._clock = clock
        self._dice = dice
        self._timing = Timing(longest_pause=settings.longest_pause.total_seconds())
        self._stop = threading.Event()
        self._thread: threading.Thread | None = None
        self._waiting: Waiting | None = None
        self._opened_at: float | None = None
        self._lost = False
        self._reported_at = 0.0
        self._reported = 0

    async def __aenter__(self) -> Self:
        """Begin to listen.

        Raises:
            DriverMissingError: the library of this kind is not installed.
        """
        await asyncio.to_thread(self._source.prepare)
        self._waiting = Waiting()
        self._thread = threading.Thread(target=self._run, name=f"reader {self._name}", daemon=True)
        self._thread.start()
        return self

    async def __aexit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        """End listening; returns when the device is closed."""
        self._stop.set()
        if self._waiting is not None:
            self._waiting.close()
        if self._thread is not None:
            await asyncio.to_thread(self._thread.join)

    async def events(self) -> AsyncIterator[ReaderEvent]:
        """Give what happened, in order, for one listener; ends when the context ends."""
        if self._waiting is not None:
            async for event in self._waiting.events():
                yield event

    # ── in the thread ───────────────────────────────────────────────────────────────────────

    def _run(self) -> None:
        attempt = 0
        while not self._stop.is_set():
            self._opened_at = None
            try:
                self._source.listen(self, self._stop)
                reason = "it ended"
            except SourceLostError as error:
                reason = str(error)
            except Exception:  # noqa: BLE001  once a task: a driver must not end its terminal
                _log.exception("a reader failed", action="reader-failed", reader=self._name)
                reason = "its driver failed"
            if self._stop.is_set():
                return
            held = 0.0 if self._opened_at is None else self._clock() - self._opened_at
            attempt = doublings_left(attempt, held=held, timing=self._timing)
            self.numbers.cut()
            self._lose(reason)
            dice = self._dice()
            self._stop.wait(reconnect_pause(attempt, refused=False, dice=dice, timing=self._timing))
            attempt += 1

    def _lose(self, reason: str) -> None:
        """Say it once: a reader that is away for a night is one line."""
        if not self._lost:
            self._lost = True
            _log.warning("a reader is lost", action="reader-lost", reader=self._name, why=reason)
            self._say(ReaderLost(reason))

    def opened(self) -> None:
        """The reader is heard."""
        self._opened_at = self._clock()
        self._lost = False
        _log.info("a reader is heard", action="reader-heard", reader=self._name)
        self._say(ReaderBack())

    def octets(self, data: bytes) -> None:
        """It sent something."""
        now = self._clock()
        self._held(self.numbers.feed(data, now), now)

    def silence(self) -> None:
        """It sent nothing for a moment."""
        now = self._clock()
        self._held(self.numbers.silence(now), now)

    def card(self, payload: bytes) -> None:
        """It told of a whole card."""
        now = self._clock()
        self._held(self.numbers.whole(payload, now), now)

    def gone(self) -> None:
        """The card left it."""
        self.numbers.gone()
        self._say(CardGone())

    def _held(self, numbers: list[str], now: float) -> None:
        for number in numbers:
            self._say(CardHeld(number))
        dropped = self.numbers.dropped
        if dropped.total > self._reported and now - self._reported_at >= _REPORT_EVERY:
            self._reported, self._reported_at = dropped.total, now
            _log.info(
                "a reader sent what is no card",
                action="reader-noise",
                reader=self._name,
                noise=dropped.noise,
                halves=dropped.halves,
                oversized=dropped.oversized,
                checksums=dropped.checksums,
                unreadable=dropped.unreadable,
            )

    def _say(self, event: ReaderEvent) -> None:
        if self._waiting is not None:
            self._waiting.say(event)
