"""Controls a copier by GPIO pins: lines that let it copy, pulses that it counts, a heartbeat.

The heartbeat comes from the same loop that decides: when that stands still, so does it, and a relay
that watches it takes the copier away. A process that is killed leaves its pins as they were.
"""

from __future__ import annotations

import asyncio
import threading
from contextlib import ExitStack, suppress
from typing import TYPE_CHECKING, Any, Self

from broker.messages.copies import CopyCounts
from config.logs import logger
from terminal_bridge.drivers import driver
from terminal_bridge.ports import COPY_KINDS, CopyKind
from terminal_bridge.pulses import PulseCounter

if TYPE_CHECKING:
    from collections.abc import AsyncIterator
    from types import TracebackType

    from config.terminal_settings import CopierSettings, EnableLine, PulseLine

_log = logger("terminal.copier")


class GpioCopier:
    """A `CopyControl` on gpiozero's pins. Opened disabled, closed disabled."""

    def __init__(self, settings: CopierSettings, *, factory: Any = None) -> None:  # noqa: ANN401
        """Open nothing yet; `factory` is gpiozero's, None: the one of this machine."""
        self._settings = settings
        self._factory = factory
        self._outputs: list[tuple[EnableLine, Any]] = []
        self._inputs: list[_PulseInput] = []
        self._heartbeat: Any = None
        self._beating: asyncio.Task[None] | None = None
        self._stack = ExitStack()
        self._grew = asyncio.Event()
        self._closed = False

    async def __aenter__(self) -> Self:
        """Claim the pins, all lines off.

        Raises:
            DriverMissingError: gpiozero is not installed.
            OSError: a pin cannot be claimed.
        """
        gpiozero = driver("gpiozero", extra="gpio")
        loop = asyncio.get_running_loop()
        settings = self._settings
        try:
            for line in settings.enable:
                output = gpiozero.DigitalOutputDevice(
                    line.pin,
                    active_high=line.active == "high",
                    initial_value=False,
                    pin_factory=self._factory,
                )
                self._stack.callback(output.close)
                self._stack.callback(output.off)
                self._outputs.append((line, output))
            if settings.heartbeat is not None:
                self._heartbeat = gpiozero.DigitalOutputDevice(
                    settings.heartbeat, initial_value=False, pin_factory=self._factory
                )
                self._stack.callback(self._heartbeat.close)
                self._stack.callback(self._heartbeat.off)
            for pulse in settings.pulses:
                device = gpiozero.InputDevice(
                    pulse.pin,
                    pull_up={"up": True, "down": False, "none": None}[pulse.pull],
                    active_state=pulse.active == "high" if pulse.pull == "none" else None,
                    pin_factory=self._factory,
                )
                self._stack.callback(device.close)
                debounce = settings.debounce.total_seconds()
                self._inputs.append(_PulseInput(pulse, device.pin, debounce, loop, self._grew))
        except Exception as error:
            self._stack.close()
            # gpiozero's errors have many roots: what is asked of the pins failed
            raise OSError(f"the copier's pins cannot be used: {error}") from error
        self._stack.callback(self.disable)
        return self

    async def __aexit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        """Let nothing be copied any more, and give the pins back."""
        self._closed = True
        self._grew.set()
        self._stack.close()

    def enable(self, kinds: frozenset[CopyKind]) -> None:
        """Let these kinds be copied; raises OSError, and lets none, when a line cannot be set."""
        if not kinds:
            self.disable()
            return
        try:
            for line, output in self._outputs:
                self._set(output, on=bool(frozenset(line.kinds or COPY_KINDS) & kinds))
        except OSError:
            with suppress(OSError):  # the first one is told
                self.disable()
            raise
        if self._heartbeat is not None and self._beating is None:
            self._beating = asyncio.get_running_loop().create_task(self._beat(), name="heartbeat")

    def disable(self) -> None:
        """Stop it; said twice is once. Every line is tried, whatever happens to one."""
        failed: OSError | None = None
        if self._beating is not None:
            self._beating.cancel()
            self._beating = None  # the canceled one touches nothing any more
        heart = [] if self._heartbeat is None else [self._heartbeat]
        for output in [*(output for _, output in self._outputs), *heart]:
            try:
                self._set(output, on=False)
            except OSError as error:
                failed = error
        if failed is not None:
            raise failed

    async def pulses(self) -> AsyncIterator[CopyCounts]:
        """Give the totals since the context was opened, whenever they grew, for one listener."""
        last = CopyCounts()
        while not self._closed:
            await self._grew.wait()
            self._grew.clear()
            counts = self.counts()
            if counts != last:
                last = counts
                yield counts

    def counts(self) -> CopyCounts:
        """Return the totals of this moment."""
        totals = dict.fromkeys(COPY_KINDS, 0)
        for each in self._inputs:
            totals[each.line.kind] += each.impressions
        return CopyCounts(**totals)

    @property
    def glitches(self) -> int:
        """Levels that did not last: a few are bounce, many are a wire to look at."""
        return sum(each.counter.glitches for each in self._inputs)

    async def _beat(self) -> None:
        every = self._settings.heartbeat_every.total_seconds()
        while True:
            self._heartbeat.toggle()
            await asyncio.sleep(every)

    @staticmethod
    def _set(output: Any, *, on: bool) -> None:  # noqa: ANN401  gpiozero's
        try:
            output.value = on
        except OSError:
            raise
        except Exception as error:
            raise OSError(f"{output} cannot be set: {error}") from error


class _PulseInput:
    """One input: edges come in gpiozero's thread with the times at which they happened."""

    def __init__(
        self,
        line: PulseLine,
        pin: Any,  # noqa: ANN401  gpiozero's
        debounce: float,
        loop: asyncio.AbstractEventLoop,
        grew: asyncio.Event,
    ) -> None:
        self.line = line
        self._pin = pin
        self._high = line.active == "high"
        self._debounce = debounce
        self._loop = loop
        self._grew = grew
        self._lock = threading.Lock()
        self._edges = 0
        self._pending = False
        self.counter = PulseCounter(debounce=debounce, active=bool(pin.state) == self._high)
        # the library's own bounce time is measured differently by each of its backends
        pin.bounce = None
        pin.edges = "both"
        pin.when_changed = self._changed

    @property
    def impressions(self) -> int:
        """So far."""
        return self.counter.pulses * self.line.impressions

    def _changed(self, ticks: float, state: float) -> None:
        """In gpiozero's thread."""
        with self._lock:
            self._edges += 1
            self.counter.edge(active=bool(state) == self._high, at=ticks)
            call, self._pending = not self._pending, True
        if call:
            self._loop.call_soon_threadsafe(self._look)

    def _look(self) -> None:
        """Tell of growth now, and look again when the line has been quiet for the debounce."""
        with self._lock:
            self._pending = False
            edges = self._edges
        self._grew.set()
        self._loop.call_later(self._debounce, self._quiet, edges)

    def _quiet(self, edges: int) -> None:
        with self._lock:
            counted = edges == self._edges and self.counter.quiet()
        if counted:
            self._grew.set()
