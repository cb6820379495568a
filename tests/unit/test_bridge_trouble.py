"""A terminal whose disk fails or stands still, and one whose reader is flooded."""

from __future__ import annotations

import asyncio
import logging
import threading
from contextlib import asynccontextmanager
from typing import TYPE_CHECKING, Any, Self

from broker.messages.copies import CopyCounts, MeterReading
from terminal_bridge.bridge import Bridge
from terminal_bridge.durable import OpenCopies
from terminal_bridge.edge_line import EdgeHere
from terminal_bridge.events import Key
from terminal_bridge.phases import Copying, Habits, Idle, OpenCopy, Phase
from terminal_bridge.ports import CardHeld, ReaderBack
from tests.unit.session_lab import copy_of, copy_state, identity, ok

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Callable, Mapping
    from pathlib import Path
    from uuid import UUID

    import pytest

    from broker.messages import Reply
    from terminal_bridge.edge_line import LineEvent
    from terminal_bridge.ports import CopyKind, ReaderEvent

DEADLINE = 10.0
QUICK = Habits(printer="copier-1", run_out=0.01, shown=0.01, count_every=0.01, again=0.01)


class Site:
    """A line to an edge that says yes to everything."""

    def __init__(self) -> None:
        self.asked: list[tuple[str, Mapping[str, Any]]] = []
        self.copies = 0
        self.left = 100

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(self, *_: object) -> None:
        return

    async def events(self) -> AsyncIterator[LineEvent]:
        """Be there."""
        yield EdgeHere()
        await asyncio.Event().wait()

    async def ask(self, method: str, fields: Mapping[str, Any]) -> Reply | None:
        """Answer."""
        self.asked.append((method, fields))
        match method:
            case "identify":
                return identity(fields["card"])
            case "copy-begin":
                self.copies += 1
                return copy_state(self.copies, left=self.left)
            case "copy-count":
                return copy_state(self.copies, counts=_counts(fields), left=self.left)
            case "copy-end":
                counts = _counts(fields)
                return copy_state(self.copies, counts=counts, go_on=False, settled=True)
        return ok()

    def methods(self) -> list[str]:
        """Return what was asked, in order."""
        return [method for method, _ in self.asked]


def _counts(fields: Mapping[str, Any]) -> CopyCounts:
    return CopyCounts.model_validate(fields["counts"])


class Disk(OpenCopies):
    """One that can be full, or stand still."""

    def __init__(self, path: Path) -> None:
        super().__init__(path)
        self.full: Callable[[str], bool] = lambda _: False
        self.stands = threading.Event()
        self.stands.set()
        self.waits = threading.Event()

    def keep(self, copy: OpenCopy) -> None:
        """Write, if it lets us."""
        self._lets("keep")
        super().keep(copy)

    def forget(self, copy_id: UUID) -> None:
        """Strike out, if it lets us."""
        self._lets("forget")
        super().forget(copy_id)

    def _lets(self, what: str) -> None:
        if self.full(what):
            raise OSError(28, "No space left on device")
        if not self.stands.is_set():
            self.waits.set()
            self.stands.wait(DEADLINE)


class Machine:
    """A copier whose pages a test makes."""

    def __init__(self) -> None:
        self.enabled = False
        self._totals: asyncio.Queue[CopyCounts] = asyncio.Queue()

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(self, *_: object) -> None:
        self.enabled = False

    def enable(self, kinds: frozenset[CopyKind]) -> None:
        """Let it."""
        self.enabled = True

    def disable(self) -> None:
        """Stop it."""
        self.enabled = False

    def let(self) -> bool:
        """Say whether it may copy."""
        return self.enabled

    def makes(self, total: int) -> None:
        """Count so many pages in all."""
        self._totals.put_nowait(CopyCounts(monochrome=total))

    async def pulses(self) -> AsyncIterator[CopyCounts]:
        """Give the totals."""
        while True:
            yield await self._totals.get()


class MeteredMachine(Machine):
    """One with a totaliser, whose wires take a while."""

    def __init__(self) -> None:
        super().__init__()
        self.wired = asyncio.Event()
        self.total = 1000
        self.broken = False

    async def __aenter__(self) -> Self:
        await self.wired.wait()
        return self

    def meter(self) -> MeterReading:
        """Read it."""
        if self.broken:
            raise OSError("the wires are pulled")
        return MeterReading(total=self.total)


class Cards:
    """A reader in the test's hand."""

    def __init__(self) -> None:
        self.events_: asyncio.Queue[ReaderEvent] = asyncio.Queue()

    async def __aenter__(self) -> Self:
        self.events_.put_nowait(ReaderBack())
        return self

    async def __aexit__(self, *_: object) -> None:
        return

    async def events(self) -> AsyncIterator[ReaderEvent]:
        """Give what the test did."""
        while True:
            yield await self.events_.get()


class Desk:
    """A terminal at work on all of these."""

    def __init__(self, path: Path, habits: Habits, machine: Machine) -> None:
        self.site, self.disk = Site(), Disk(path)
        self.machine, self.cards = machine, Cards()
        self.changed = asyncio.Event()
        self.bridge = Bridge(
            "terminal-1",
            habits=habits,
            line=self.site,
            copies=self.disk,
            reader=lambda: self.cards,
            control=lambda: self.machine,
            on_change=lambda _: self.changed.set(),
        )

    def hold(self, card: str) -> None:
        """Hold a card against the reader."""
        self.cards.events_.put_nowait(CardHeld(card))

    async def until(self, holds: Callable[[], bool]) -> None:
        """Wait until something holds."""
        async with asyncio.timeout(DEADLINE):
            while not holds():
                self.changed.clear()
                await self.changed.wait()

    async def is_in(self, phase: type[Phase]) -> None:
        """Wait until it is in a phase."""
        await self.until(lambda: isinstance(self.bridge.terminal.phase, phase))


@asynccontextmanager
async def desk_at(
    path: Path, habits: Habits = QUICK, machine: Machine | None = None
) -> AsyncIterator[Desk]:
    """Give a terminal at work."""
    desk = Desk(path / "copies.json", habits, machine or Machine())
    work = asyncio.create_task(desk.bridge.run())
    try:
        await desk.until(lambda: desk.bridge.terminal.edge and not desk.bridge.terminal.trouble)
        yield desk
    finally:
        desk.disk.stands.set()
        work.cancel()
        await asyncio.gather(work, return_exceptions=True)


async def test_a_full_disk_at_the_end_of_a_copy_keeps_nobody_waiting(tmp_path: Path) -> None:
    """A settled copy that cannot be struck out does not swallow the card that came behind it."""
    async with desk_at(tmp_path) as desk:
        desk.hold("ana")
        await desk.is_in(Copying)
        desk.disk.full = lambda what: what == "forget"
        desk.hold("bea")
        await desk.is_in(Idle)
        assert "copy-end" in desk.site.methods()


async def test_a_full_disk_as_a_copy_begins_keeps_nobody_waiting(tmp_path: Path) -> None:
    """A copy of which nothing can be made, on a disk that takes nothing, is over all the same."""
    async with desk_at(tmp_path) as desk:
        desk.disk.full = lambda _: True
        desk.site.left = 0
        desk.hold("ana")
        await desk.until(lambda: "copy-end" in desk.site.methods())
        assert not desk.machine.let()
        await desk.is_in(Idle)


async def test_a_disk_that_stands_still_stops_the_machine(tmp_path: Path) -> None:
    """While a count cannot be made durable no pages are made that nobody would count."""
    async with desk_at(tmp_path) as desk:
        desk.hold("ana")
        await desk.is_in(Copying)
        assert desk.machine.let()
        desk.disk.stands.clear()
        desk.machine.makes(1)
        async with asyncio.timeout(DEADLINE):
            while desk.machine.let():  # noqa: ASYNC110  a flag of a machine
                await asyncio.sleep(0.01)
        assert desk.disk.waits.is_set()
        desk.machine.makes(2)
        desk.disk.stands.set()
        await desk.is_in(Idle)
        ends = [fields for method, fields in desk.site.asked if method == "copy-end"]
        assert [fields["counts"]["monochrome"] for fields in ends] == [2]


async def test_counts_that_wait_are_one_event(tmp_path: Path) -> None:
    """A disk slower than the machine is told the newest count, not each one in its turn."""
    async with desk_at(tmp_path) as desk:
        desk.hold("ana")
        await desk.is_in(Copying)
        desk.disk.stands.clear()
        desk.machine.makes(1)
        await asyncio.to_thread(desk.disk.waits.wait, DEADLINE)
        for total in range(2, 50):
            desk.machine.makes(total)
        await asyncio.sleep(0)  # the copier's task says them all before it waits again
        await asyncio.sleep(0)
        assert len(desk.bridge._happened) <= 2
        desk.disk.stands.set()
        desk.bridge.happens(Key("sign-off"))
        await desk.is_in(Idle)
        assert desk.site.asked[-2][1]["counts"]["monochrome"] == 49


async def test_the_totaliser_is_told_as_a_copy_begins_and_ends(tmp_path: Path) -> None:
    """What is settled by the machine's own count needs it before the first page and after the last.

    A copy of before a restart waits for the wires; a totaliser that is broken holds up nothing.
    """
    copy = OpenCopy(copy_of(9), CopyCounts(monochrome=2))
    OpenCopies(tmp_path / "copies.json").keep(copy)
    machine = MeteredMachine()
    asyncio.get_running_loop().call_later(0.05, machine.wired.set)
    async with desk_at(tmp_path, machine=machine) as desk:
        await desk.until(lambda: not desk.bridge.terminal.owed)
        assert desk.site.asked[0][1]["meter"] == {"total": 1000, "kinds": None}
        desk.hold("ana")
        await desk.is_in(Copying)
        machine.broken = True
        desk.bridge.happens(Key("sign-off"))
        await desk.is_in(Idle)
        told = {method: fields.get("meter") for method, fields in desk.site.asked}
        assert told["copy-begin"] == {"total": 1000, "kinds": None}
        assert told["copy-end"] is None


async def test_a_flood_of_cards_reaches_nobody(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    """10,000 cards are a handful of questions, one line of the log, and no memory."""
    caplog.set_level(logging.INFO)
    async with desk_at(tmp_path) as desk:
        for number in range(10_000):
            desk.hold(str(number % 5_000))
        async with asyncio.timeout(DEADLINE):
            while not desk.cards.events_.empty():  # noqa: ASYNC110  a queue nobody tells of
                await asyncio.sleep(0.01)
        async with asyncio.timeout(DEADLINE):
            await desk.bridge.at_rest()
        assert len(desk.site.asked) < 100
        assert len(desk.bridge._happened) <= 16
    assert sum("reader-flood" in record.getMessage() for record in caplog.records) <= 1
    assert "4999" not in caplog.text
