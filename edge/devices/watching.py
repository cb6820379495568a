"""Watches the printers of a site: asks each in its turn, tells how it is, has its meters booked.

What a look comes to is decided by `watch`; this waits for answers and carries out. Each printer has
a task of its own, so one that hangs, answers garbage or makes us fail holds up nobody else.
"""

from __future__ import annotations

import asyncio
from contextlib import suppress
from dataclasses import replace
from typing import TYPE_CHECKING, Final, Protocol
from urllib.parse import urlsplit
from zoneinfo import ZoneInfo

from broker.messages import CommandState
from config.logs import logger
from edge.devices.alerts import dropped, judged
from edge.devices.booking import Booking
from edge.devices.complaints import of_clock
from edge.devices.looking_for import LookingFor
from edge.devices.pace import caught_up, every, first_look, next_look, share
from edge.devices.reading_days import next_midnight
from edge.devices.telling import Telling
from edge.devices.watch import Memory, Surroundings, looked
from edge.devices.words import NoAnswer, Origin, Reading
from edge.ports import PrinterSeen
from edge.site_state import WatchedPrinter
from edge.store.errors import StoreUnwritableError

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping
    from datetime import timedelta

    from broker.messages import Capabilities, Command, DeviceState, Note
    from config.settings import EdgeSettings, PrinterSettings
    from edge.calm import Calm
    from edge.devices.counters import Taken
    from edge.devices.keeping import KeptFiles
    from edge.devices.looking_for import Search
    from edge.devices.watch import Kept, Looked
    from edge.devices.windows import Windows
    from edge.devices.words import Look
    from edge.ports import Clock
    from edge.store.books import Books

_log = logger("edge.devices.watching")

#: A look that takes longer came to nothing, whatever it waits for.
_LONGEST_LOOK: Final = 60.0
#: A look waits for so long while somebody is being served.
_PEOPLE_FIRST: Final = 0.25
#: The day's reading is spread over so many seconds after midnight.
_MIDNIGHT: Final = 60.0
#: After the failure of a look, which should never be.
_AFTER_TROUBLE: Final = 30.0
#: Looks in vain at where a printer was found; then it is tried at home again.
_HOME_AFTER: Final = 3
_CLOCK_EVERY: Final = 60.0
#: What is kept of this node itself; no printer is called so.
_NODE: Final = "_node"


class Sources(Protocol):
    """Who knows how printers are."""

    async def look(self, printer: PrinterSettings) -> tuple[Look, ...]:
        """Ask every source; what an outsider sends never raises."""


class Line(Protocol):
    """Where it is told."""

    async def state(self, state: DeviceState) -> None:
        """Publish it, retained.

        Raises:
            ConnectionError: the line is down.
        """

    async def gone(self, device: str) -> None:
        """Take back what is retained of a printer that is not watched any more.

        Raises:
            ConnectionError: the line is down.
        """

    def note(self, note: Note) -> None:
        """Tell the centre of something, now or when it is there."""

    def off(self) -> timedelta:
        """Return our time of day less the centre's; 0 while that is not known."""


class Watching:
    """The printers of one site."""

    def __init__(
        self,
        settings: EdgeSettings,
        *,
        sources: Sources,
        books: Books,
        files: KeptFiles,
        windows: Windows,
        search: Search | None,
        calm: Calm,
        clock: Clock,
        monotonic: Callable[[], float],
    ) -> None:
        """Take what is watched; nothing is asked yet.

        Args:
            settings: of the site.
            sources: who knows.
            books: have the readings of the meters.
            files: what is known over a restart.
            windows: which jobs are where.
            search: finds serial numbers in the ranges of the settings; None: nobody can.
            calm: whether somebody is being served: they and what prints go first.
            clock: the time.
            monotonic: seconds, on a clock that never jumps.
        """
        devices = settings.devices
        self._devices = devices if search else devices.model_copy(update={"search": ()})
        self._printers = {each.id: each for each in settings.printers}
        self._zone = ZoneInfo(settings.zone)
        self._sources = sources
        self._files = files
        self._windows = windows
        self._clock = clock
        self._monotonic = monotonic
        self._calm = calm
        self._room = asyncio.Semaphore(devices.at_once)
        self._booking = Booking(books, windows, zone=self._zone, monotonic=monotonic)
        self._looking_for = LookingFor(search, monotonic=monotonic)
        self._memories: dict[str, Memory] = {}
        self._looked: dict[str, float] = {}
        self._nudges = {device: asyncio.Event() for device in self._printers}
        self._telling = Telling(snapshot=devices.snapshot.total_seconds(), monotonic=monotonic)
        self.on_can: Callable[[str, Capabilities], None] = lambda _device, _can: None
        """Called when a printer says what it can do."""
        self.on_look: Callable[[float, bool], None] = lambda _seconds, _answered: None
        """Called after each look: how long it took, and whether anything came back."""
        self._seen: Mapping[str, WatchedPrinter] = {}
        self.version = 0
        """Goes up whenever what `seen` returns may have changed."""

    # ── what others ask and tell ────────────────────────────────────────────────────────────

    def on_connected(self) -> None:
        """Tell all anew: a broker that was started anew has forgotten it."""
        self._telling.anew()

    def nudge(self, device: str) -> None:
        """Look at a printer soon, as something goes on there."""
        if (event := self._nudges.get(device)) is not None:
            event.set()

    def seen(self) -> Mapping[str, WatchedPrinter]:
        """Return how printers say that they are, by device id."""
        return self._seen

    def states(self) -> Iterable[DeviceState]:
        """Return how every printer that was looked at is, as it is told."""
        return self._telling.newest.values()

    def meters(self, device: str) -> Taken | None:
        """Return what a printer's meters showed when a look read them last."""
        memory = self._memories.get(device)
        return None if memory is None else memory.reference

    def obey(self, command: Command) -> CommandState:
        """Begin to read meters because somebody asked: of one printer, or of all."""
        wanted = command.args.get("device")
        if wanted is not None and not (isinstance(wanted, str) and wanted in self._printers):
            detail = f"there is no printer {str(wanted)[:100]!r} at this site"
            return CommandState(id=command.id, state="failed", detail=detail)
        asked = [wanted] if wanted is not None else list(self._printers)
        for device in asked:
            self._booking.ask(device)
            self.nudge(device)
        detail = f"{len(asked)} printers are read as soon as they answer"
        return CommandState(id=command.id, state="successful", detail=detail)

    # ── tasks ───────────────────────────────────────────────────────────────────────────────

    async def run(self, line: Line) -> None:
        """Watch until canceled."""
        async with asyncio.TaskGroup() as tasks:
            tasks.create_task(self._telling.run(line.state), name="telling of printers")
            tasks.create_task(self._forget(line), name="printers of before")
            tasks.create_task(self._watch_clock(line), name="clock")
            tasks.create_task(self._looking_for.run(self._found), name="looking for printers")
            for device in self._printers:
                tasks.create_task(self._watch(device, line), name=f"watch {device}")

    async def _watch(self, device: str, line: Line) -> None:
        """Look at one printer, again and again."""
        count, now = len(self._printers), self._monotonic()
        if device not in self._memories:
            kept = await asyncio.to_thread(self._files.read, device)
            self._memories[device] = Memory(kept, began=now)
            # before anything is told: what a crash leaves retained is known as ours, and taken back
            await self._keep(device, kept)
        at, beat = first_look(device, now, self._devices, count), self._devices.idle.total_seconds()
        while True:
            await self._until(device, at)
            # nobody ran for a while: all are late by now, and must not come together
            if (later := caught_up(device, at, self._monotonic(), beat)) > at:
                await self._until(device, later)
            try:
                beat = await self._look(device, line)
            except StoreUnwritableError as error:
                # it is still due, and said by who keeps the books
                _log.warning("not booked", action="meters-unbooked", why=str(error), device=device)
                beat = self._devices.idle.total_seconds()
            except Exception:  # noqa: BLE001  once a look
                _log.exception("a look failed", action="watch-error", device=device)
                beat = _AFTER_TROUBLE
            now = self._monotonic()
            at = next_look(device, self._looked.get(device, now), now, beat)
            at = min(at, self._midnight(device, now))

    def _midnight(self, device: str, now: float) -> float:
        wall = self._clock()
        left = (next_midnight(wall, self._zone) - wall).total_seconds()
        return now + left + share(device) * _MIDNIGHT

    async def _until(self, device: str, at: float) -> None:
        """Wait until it is time, or something goes on at the printer."""
        nudge = self._nudges[device]
        with suppress(TimeoutError):
            async with asyncio.timeout(max(0.0, at - self._monotonic())):
                await nudge.wait()
                soonest = self._looked.get(device, -_LONGEST_LOOK) + min(
                    self._devices.busy.total_seconds(), 1.0
                )
                await asyncio.sleep(max(0.0, soonest - self._monotonic()))
        nudge.clear()

    async def _look(self, device: str, line: Line) -> float:
        """Look at a printer and carry out what comes of it; return the seconds to the next look."""
        memory, printer = self._memories[device], self._printers[device]
        begun = self._looked[device] = self._monotonic()
        await self._calm.wait(_PEOPLE_FIRST)
        async with self._room:  # a look that waits for its turn is not one that hangs
            asked = self._monotonic()
            looks = await self._ask(at_address(printer, memory.elsewhere))
            self.on_look(self._monotonic() - asked, _answered(looks))
        here = Surroundings(
            printer=printer,
            settings=self._devices,
            zone=self._zone,
            now=self._clock(),
            at=self._monotonic(),
            jobs=self._windows.at(device),
        )
        if (changed := self._memories[device]) is not memory:
            # it was found meanwhile, or not: what came from where it was asked counts for nothing
            if changed.elsewhere != memory.elsewhere:
                return self._devices.busy.total_seconds()
            memory = replace(memory, searched=changed.searched)
        result = looked(memory, looks, here)
        after = result.memory
        # silent there too, or somebody else by now: it is looked for from home again
        if after.elsewhere is not None and (result.lost or after.unanswered >= _HOME_AFTER):
            after = replace(after, elsewhere=None)
        self._memories[device] = after
        self._show(device, after, result.state)
        self._carry_out(device, memory, result, line)
        if after.kept != memory.kept:
            await self._keep(device, after.kept)
        beat = every(result.pace, self._devices, unanswered=after.unanswered)
        self._booking.read(device, after, result)
        if self._booking.waits(device) and not after.unanswered:
            beat = min(beat, max(self._devices.busy, self._devices.snapshot).total_seconds())
        silent_until = self._offline_at(after)
        if silent_until is not None and begun < silent_until < begun + beat:
            return max(silent_until - begun, self._devices.busy.total_seconds())
        return beat

    async def _ask(self, printer: PrinterSettings) -> tuple[Look, ...]:
        try:
            async with asyncio.timeout(_LONGEST_LOOK):
                return await self._sources.look(printer)
        except TimeoutError:
            return (NoAnswer(f"nothing came within {_LONGEST_LOOK:.0f} seconds"),)

    def _offline_at(self, memory: Memory) -> float | None:
        """Return when a silent printer would count as offline."""
        if not memory.unanswered:
            return None
        since = memory.began if memory.answered is None else memory.answered
        return since + self._devices.offline_after.total_seconds()

    def _carry_out(self, device: str, before: Memory, result: Looked, line: Line) -> None:
        for note in result.notes:
            line.note(note)
        self._telling.put(result.state)
        can = result.state.can
        if can is not None and (before.view is None or before.view.can != can):
            self.on_can(device, can)
        if result.lost is not None and result.memory.elsewhere is None:
            after = result.memory
            stranger = after.kept.machine.stranger if after.unsure else None
            self._looking_for.want(device, result.lost, stranger)

    def _show(self, device: str, memory: Memory, state: DeviceState) -> None:
        """Show a printer on the screens of the site as it says itself."""
        view, now = memory.view, None
        if view is not None and view.answers and view.state is not None:
            now = PrinterSeen(view.state, view.reasons)
        shown = WatchedPrinter(now, state.can)
        if self._seen.get(device) != shown:
            self._seen = {**self._seen, device: shown}
            self.version += 1

    async def _keep(self, device: str, kept: Kept) -> None:
        try:
            await asyncio.to_thread(self._files.write, device, kept)
        except OSError as error:
            _log.warning("not kept", action="kept-unwritten", device=device, why=str(error))

    def _found(self, device: str, address: str | None) -> None:
        """Take in where a printer's serial number was found; None: nowhere."""
        memory, printer = self._memories[device], self._printers[device]
        stranger = memory.kept.machine.stranger
        answers = memory.answered is not None and not memory.unanswered and not memory.unsure
        home = {printer.address, urlsplit(printer.uri).hostname}
        if address is None or answers or address in home:
            # one that is back where it was is not somewhere else
            memory = replace(memory, searched=stranger)
        else:
            memory = replace(memory, elsewhere=address, unanswered=0)
        self._memories[device] = memory
        self.nudge(device)

    # ── the site's own ──────────────────────────────────────────────────────────────────────

    async def _forget(self, line: Line) -> None:
        """Take back what was told of printers that are not watched here any more."""
        known = await asyncio.to_thread(self._files.others, tuple(self._printers))
        for device in known:
            kept = await asyncio.to_thread(self._files.read, device)
            for note in dropped(kept.raised, device):
                line.note(note)
            while True:
                try:
                    await line.gone(device)
                except ConnectionError:
                    await asyncio.sleep(_AFTER_TROUBLE)
                else:
                    break
            with suppress(OSError):
                await asyncio.to_thread(self._files.forget, device)

    async def _watch_clock(self, line: Line) -> None:
        """Compare the edge's own clock with the centre's: the machines' own say nothing of it."""
        kept = await asyncio.to_thread(self._files.read, _NODE)
        while True:
            await asyncio.sleep(_CLOCK_EVERY)
            told = judged(kept.raised, of_clock(line.off(), kept.raised), "clock", self._clock())
            for note in told.notes:
                line.note(note)
            after = replace(kept, raised=told.raised)
            if after != kept:
                await self._keep(_NODE, after)
            kept = after


def _answered(looks: tuple[Look, ...]) -> bool:
    """Say whether the machine itself said anything; the spooler always does."""
    return any(isinstance(each, Reading) and each.origin is not Origin.CUPS for each in looks)


def at_address(printer: PrinterSettings, address: str | None) -> PrinterSettings:
    """Return a printer as it is asked at another address."""
    if address is None:
        return printer
    scheme, _, rest = printer.uri.partition("://")
    host, slash, path = rest.partition("/")
    port = host[host.rindex(":") :] if ":" in host.rpartition("]")[2] else ""
    there = f"[{address}]" if ":" in address else address
    uri = f"{scheme}://{there}{port}{slash}{path}"
    return printer.model_copy(update={"address": address, "uri": uri})
