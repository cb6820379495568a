"""An edge's watch over its printers: real tasks and files, and sources that the test holds."""

from __future__ import annotations

import asyncio
import time
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING
from uuid import UUID

import pytest

from broker.codec import MessageTooLarge
from broker.link import LinkDown
from broker.messages import Capabilities, Command, DeviceState, MetersRead, Note, Supply
from config.settings import EdgeSettings
from edge.calm import Calm
from edge.devices.keeping import KeptFiles
from edge.devices.telling import Telling
from edge.devices.watch import Kept, Memory, Surroundings, looked
from edge.devices.watching import Watching
from edge.devices.windows import Windows
from edge.devices.words import Look, NoAnswer, Origin, Reading
from edge.store.memory_disk import MemoryDisk
from tests.unit.device_lab import by_snmp, meter, with_
from tests.unit.edge_lab import NOW, open_books, said

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Callable, Collection, Mapping
    from pathlib import Path

    from config.settings import PrinterSettings

PATIENCE = 10.0
FAST = {"busy": "100ms", "idle": "100ms", "asleep": "100ms", "silent": "1s", "snapshot": "300ms"}


async def until(what: Callable[[], object]) -> None:
    """Wait until it is so."""
    async with asyncio.timeout(PATIENCE):
        while not what():  # noqa: ASYNC110  the outside gives no event
            await asyncio.sleep(0.01)


@dataclass
class FakeSources:
    """Printers whose answers are in a table, by the address they are asked at."""

    looks: dict[str, Look] = field(default_factory=dict)
    hanging: set[str] = field(default_factory=set)
    failing: set[str] = field(default_factory=set)
    asked: list[tuple[str, float]] = field(default_factory=list)

    async def look(self, printer: PrinterSettings) -> tuple[Look, ...]:
        """Answer as the table says."""
        self.asked.append((printer.id, time.monotonic()))
        await asyncio.sleep(0)
        if printer.id in self.hanging:
            await asyncio.Event().wait()
        if printer.id in self.failing:
            raise RuntimeError("nobody planned this")
        key = printer.address or printer.id
        return (self.looks.get(key, NoAnswer(f"{printer.id} does not answer")),)


@dataclass
class FakeLine:
    """Where it is told; down when the test says so."""

    down: bool = False
    states: list[DeviceState] = field(default_factory=list)
    taken_back: list[str] = field(default_factory=list)
    notes: list[Note] = field(default_factory=list)
    ahead: timedelta = timedelta(0)

    async def state(self, state: DeviceState) -> None:
        """Keep it."""
        await asyncio.sleep(0)
        if self.down:
            raise LinkDown("the line is down")
        self.states.append(state)

    async def gone(self, device: str) -> None:
        """Keep it."""
        await asyncio.sleep(0)
        if self.down:
            raise LinkDown("the line is down")
        self.taken_back.append(device)

    def note(self, note: Note) -> None:
        """Keep it."""
        self.notes.append(note)

    def off(self) -> timedelta:
        """Agree with the centre, unless the test says otherwise."""
        return self.ahead

    def last(self, device: str = "lib-1") -> DeviceState | None:
        """Return what was told last of a printer."""
        return next((each for each in reversed(self.states) if each.device == device), None)


@dataclass
class LastLine(FakeLine):
    """One on which nothing comes after the first state: what is known by then stays."""

    files: KeptFiles = field(kw_only=True)
    known: tuple[str, ...] = ()
    told: asyncio.Event = field(default_factory=asyncio.Event)

    async def state(self, state: DeviceState) -> None:
        """Look at what is known; never return."""
        self.known = self.files.others([])
        await super().state(state)
        self.told.set()
        await asyncio.Event().wait()


class Place:
    """A site with printers that are watched."""

    def __init__(self, path: Path, printers: int = 1) -> None:
        self.path = path
        self.printers = [f"lib-{number}" for number in range(1, printers + 1)]
        self.sources = FakeSources({each: by_snmp(serial=each) for each in self.printers})
        self.line = FakeLine()
        self.disk = MemoryDisk()
        self.books = open_books(self.disk)
        self.windows = Windows()
        self.now = NOW
        self.found: dict[str, str] = {}
        self.searched: list[frozenset[str]] = []

    async def search(self, serials: Collection[str]) -> Mapping[str, str]:
        """Find what the test has put somewhere."""
        await asyncio.sleep(0)
        self.searched.append(frozenset(serials))
        return {each: self.found[each] for each in serials if each in self.found}

    def watching(self, **devices: object) -> Watching:
        """Return the watch."""
        return Watching(
            settings_of(self.printers, self.path, **devices),
            sources=self.sources,
            books=self.books,
            files=KeptFiles(self.path / "devices"),
            windows=self.windows,
            search=self.search,
            calm=Calm(),
            clock=lambda: self.now,
            monotonic=time.monotonic,
        )

    @asynccontextmanager
    async def watched(self, **devices: object) -> AsyncIterator[Watching]:
        """Watch while the context is entered."""
        watching = self.watching(**devices)
        task = asyncio.create_task(watching.run(self.line))
        try:
            yield watching
        finally:
            task.cancel()
            await asyncio.gather(task, return_exceptions=True)

    def booked(self) -> list[MetersRead]:
        """Return what the stream says of meters."""
        return [each for each in said(self.books, "jobs") if isinstance(each, MetersRead)]


def settings_of(printers: list[str], path: Path, **devices: object) -> EdgeSettings:
    """Return settings of a site."""
    fields = {
        "node": "north",
        "site": "North",
        "data": path,
        "coordinator": {"node": "coordinator", "incarnation": str(UUID(int=7))},
        "link": {"host": "127.0.0.1", "port": 1, "secret": "secret-of-a-test"},
        "snmp": {"office": {}},
        "devices": {**FAST, **devices},
        "printers": [
            {
                "id": each,
                "name": each,
                "uri": f"ipp://127.0.0.1:{9000 + number}/ipp/print",
                "queue": f"q-{each}",
                "snmp": "office",
            }
            for number, each in enumerate(printers)
        ],
    }
    return EdgeSettings.model_validate(fields)


@pytest.fixture
def place(tmp_path: Path) -> Place:
    """Return a site with one printer."""
    return Place(tmp_path)


async def test_a_change_at_the_printer_is_told_at_once(place: Place) -> None:
    """Within a look of it: the state, its trouble, and the alert of it."""
    async with place.watched():
        await until(place.line.last)
        place.sources.looks["lib-1"] = with_(
            by_snmp(serial="lib-1"), state="stopped", reasons=("media-jam-error",)
        )
        changed = time.monotonic()
        await until(lambda: (told := place.line.last()) and told.state == "stopped")
        assert time.monotonic() - changed < 1.0
        told = place.line.last()
        assert told is not None
        assert [each.code for each in told.troubles] == ["jam"]
        assert [(each.code, each.subject) for each in place.line.notes] == [("jam", "lib-1")]


async def test_meters_that_run_are_told_now_and_then(place: Place) -> None:
    """A counter that goes up with each look is told once in `snapshot`, the newest only."""
    async with place.watched():
        await until(place.line.last)
        begun, first = time.monotonic(), len(place.line.states)
        for number in range(60):
            place.sources.looks["lib-1"] = by_snmp(meter(100 + number), serial="lib-1")
            await asyncio.sleep(0.02)
        passed = time.monotonic() - begun
        assert len(place.line.states) - first <= passed / 0.3 + 2
        await until(lambda: (told := place.line.last()) and told.meters[0].value == 159)


async def test_after_a_broker_restart_all_is_told_anew(tmp_path: Path) -> None:
    """And what changed while the line was down is told once, as it is then."""
    place = Place(tmp_path, printers=50)
    async with place.watched() as watching:
        await until(lambda: len({each.device for each in place.line.states}) == 50)
        place.line.down = True
        place.sources.looks["lib-7"] = with_(by_snmp(serial="lib-7"), state="processing")
        await asyncio.sleep(0.5)
        place.line.states.clear()
        place.line.down = False
        watching.on_connected()
        await until(lambda: len({each.device for each in place.line.states}) == 50)
        told = [each.state for each in place.line.states if each.device == "lib-7"]
        assert told == ["processing"]


async def test_who_hangs_or_breaks_us_holds_up_nobody(tmp_path: Path) -> None:
    """One printer never answers, one makes the look fail: all others are watched as ever."""
    place = Place(tmp_path, printers=30)
    place.sources.hanging = {"lib-3"}
    place.sources.failing = {"lib-4"}
    async with place.watched():
        await until(lambda: len({each.device for each in place.line.states}) >= 28)
        count = len([each for each, _ in place.sources.asked if each == "lib-5"])
        await until(
            lambda: len([each for each, _ in place.sources.asked if each == "lib-5"]) > count + 3
        )
        place.sources.failing.clear()


async def test_the_day_is_booked_once_over_a_restart(place: Place) -> None:
    """At the start, at the end of the day, and not again when the edge starts once more."""
    async with place.watched():
        await until(place.booked)
    place.now += timedelta(days=1)
    for _ in range(2):
        async with place.watched():
            await until(lambda: len(place.booked()) >= 2)
            await asyncio.sleep(0.3)
    assert [(each.why, each.continues) for each in place.booked()] == [
        ("start", False),
        ("day", True),
    ]


async def test_a_command_books_the_meters_of_one_printer(tmp_path: Path) -> None:
    """Of that one, with its next answer; of a printer that is not here nothing."""
    place = Place(tmp_path, printers=2)
    async with place.watched() as watching:
        await until(lambda: len(place.booked()) == 2)

        def ask(**args: object) -> str:
            until_then = datetime(2100, 1, 1, tzinfo=UTC)
            order = Command(id=UUID(int=1), command="read-meters", args=args, expires_at=until_then)
            return watching.obey(order).state

        assert ask(device="lib-9") == "failed"
        assert ask(device="lib-2") == "successful"
        await until(lambda: len(place.booked()) == 3)
        assert [(each.device, each.why) for each in place.booked()[2:]] == [("lib-2", "asked")]


async def test_a_moved_printer_is_read_where_it_is_found(place: Place) -> None:
    """Silent for long, found by its serial number: read there, and told that it moved."""
    async with place.watched(search=["192.0.2.0/24"], offline_after="300ms"):
        await until(place.line.last)
        place.found["lib-1"] = "192.0.2.99"
        place.sources.looks = {"192.0.2.99": by_snmp(meter(777), serial="lib-1")}
        await until(lambda: (told := place.line.last()) and told.meters[0].value == 777)
        told = place.line.last()
        assert told is not None
        assert told.identity is not None
        assert told.identity.address == "192.0.2.99"
        assert [each.code for each in told.troubles] == ["device-moved"]
        assert place.searched == [frozenset({"lib-1"})]
        # nobody there either any more: tried at home again
        place.sources.looks = {"lib-1": by_snmp(meter(778), serial="lib-1")}
        await until(lambda: (told := place.line.last()) and told.meters[0].value == 778)
        await until(lambda: (told := place.line.last()) and not told.troubles)
    assert [each.why for each in place.booked()] == ["start"]


async def test_a_swapped_printer_that_is_nowhere_is_replaced(place: Place) -> None:
    """The search is in vain: the new machine's meters begin a stretch, and it is said."""
    async with place.watched(search=["192.0.2.0/24"]):
        await until(place.booked)
        place.sources.looks["lib-1"] = by_snmp(meter(5), serial="SN-9")
        await until(lambda: len(place.booked()) == 2)
    assert [(each.why, each.serial) for each in place.booked()][1] == ("replaced", "SN-9")
    assert "device-swapped" in {each.code for each in place.line.notes}


async def test_printers_that_are_taken_off_are_taken_back(place: Place) -> None:
    """What is retained of them goes, and what was raised is cleared; once, when the line is up."""
    place.sources.looks["lib-1"] = with_(by_snmp(serial="lib-1"), reasons=("media-jam-error",))
    files = KeptFiles(place.path / "devices")
    async with place.watched():
        await until(lambda: place.line.notes and files.read("lib-1").raised)
    place.printers = ["other"]
    async with place.watched():
        await until(lambda: place.line.taken_back)
    assert place.line.taken_back == ["lib-1"]
    assert [(each.code, each.cleared) for each in place.line.notes] == [
        ("jam", False),
        ("jam", True),
    ]
    assert files.others(["other", "_node"]) == ()


async def test_a_printer_is_known_before_anything_is_told_of_it(place: Place) -> None:
    """A crash right after the first telling, and the printer taken off: it is taken back still."""
    line = place.line = LastLine(files=KeptFiles(place.path / "devices"))
    async with place.watched():
        await line.told.wait()
    assert "lib-1" in line.known


async def test_screens_and_releases_hear_what_a_printer_says(place: Place) -> None:
    """Its state while it answers, and what it can do."""
    abilities: list[bool | None] = []

    place.sources.looks["lib-1"] = with_(by_snmp(serial="lib-1"), can=Capabilities(color=False))
    watching = place.watching()
    watching.on_can = lambda _device, can: abilities.append(can.color)
    task = asyncio.create_task(watching.run(place.line))
    await until(lambda: abilities)
    shown = watching.seen()["lib-1"]
    assert shown.seen is not None
    assert (shown.seen.state, shown.can) == ("idle", Capabilities(color=False))
    version = watching.version
    await asyncio.sleep(0.4)
    assert (watching.version, abilities) == (version, [False])
    place.sources.looks.clear()
    await until(lambda: watching.seen()["lib-1"].seen is None)
    assert watching.version == version + 1
    task.cancel()


async def test_a_wrong_clock_is_told_and_over(
    place: Place, monkeypatch: pytest.MonkeyPatch
) -> None:
    """An alert of the edge itself, once, over a restart as well; and cleared when it is right."""
    monkeypatch.setattr("edge.devices.watching._CLOCK_EVERY", 0.05)
    place.line.ahead = timedelta(seconds=-90)
    for _ in range(2):
        async with place.watched():
            await until(lambda: place.line.notes)
            await asyncio.sleep(0.3)
    (note,) = place.line.notes
    assert (note.code, note.subject, note.cleared) == ("clock-off", "clock", False)
    assert "behind the centre's" in note.detail
    place.line.ahead = timedelta(seconds=1)
    async with place.watched():
        await until(lambda: len(place.line.notes) == 2)
    assert place.line.notes[1].cleared


async def test_a_full_disk_stops_no_watch(place: Place) -> None:
    """Meters that cannot be booked stay due; states are told all the same."""
    place.disk.space = 0
    async with place.watched():
        await until(place.line.last)
        place.sources.looks["lib-1"] = with_(by_snmp(serial="lib-1"), state="processing")
        await until(lambda: (told := place.line.last()) and told.state == "processing")
        place.disk.space = 10**9
        await until(place.booked)


async def test_a_state_that_is_too_large_is_told_in_short(tmp_path: Path) -> None:
    """Whatever a machine lists, something of it goes out."""
    long = tuple(Supply(key=str(number), name="x" * 255) for number in range(32))
    state = DeviceState(device="lib-1", name="Library", state="idle", updated_at=NOW, supplies=long)
    out: list[DeviceState] = []

    async def say(each: DeviceState) -> None:
        await asyncio.sleep(0)
        if len(each.supplies) > 8:
            raise MessageTooLarge("too large")
        out.append(each)

    telling = Telling(snapshot=1.0, monotonic=time.monotonic)
    task = asyncio.create_task(telling.run(say))
    telling.put(state)
    await until(lambda: out)
    assert len(out[0].supplies) == 8
    task.cancel()


async def test_who_comes_while_it_is_told_hears_all_of_it() -> None:
    """What went to a connection that broke meanwhile is told again on the new one."""
    state = DeviceState(device="lib-1", name="Library", state="idle", updated_at=NOW)
    telling = Telling(snapshot=1.0, monotonic=time.monotonic)
    out: list[DeviceState] = []

    async def say(each: DeviceState) -> None:
        out.append(each)
        if len(out) == 1:
            telling.anew()  # the broker came back just then
        await asyncio.sleep(0)

    task = asyncio.create_task(telling.run(say))
    telling.put(state)
    await until(lambda: len(out) == 2)
    await asyncio.sleep(0.1)
    assert len(out) == 2
    task.cancel()


async def test_ten_thousand_looks_leave_nothing_behind(tmp_path: Path) -> None:
    """What is remembered of printers does not grow with the looks."""
    printer = settings_of(["lib-1"], tmp_path).printers[0]
    ways = settings_of(["lib-1"], tmp_path).devices
    memory = Memory(Kept(), began=0.0)
    adapter = KeptFiles(tmp_path)._adapter
    sizes = []
    for number in range(10_000):
        looks: list[Look] = [by_snmp(meter(100 + number)), NoAnswer(f"lost {number}")]
        if number % 7 == 0:
            looks.append(Reading(Origin.IPP, state="idle", reasons=(f"odd-{number}",)))
        here = Surroundings(printer, ways, UTC, NOW + timedelta(seconds=10 * number), 10.0 * number)
        memory = looked(memory, looks, here).memory
        if number % 1000 == 500:
            sizes.append(len(adapter.dump_json(memory.kept)) + len(memory.said))
    assert max(sizes) - min(sizes) < 100
