"""Printers that move while an edge watches: found, lost again, back home, and nobody in step."""

from __future__ import annotations

import asyncio
import time
from typing import TYPE_CHECKING
from uuid import UUID

from broker.messages import Command
from edge.devices.words import NoAnswer
from tests.integration.test_watching_printers import Place, until
from tests.unit.device_lab import by_snmp, meter, with_
from tests.unit.edge_lab import NOW

if TYPE_CHECKING:
    from pathlib import Path

    from config.settings import PrinterSettings
    from edge.devices.words import Look

THERE = "192.0.2.99"
FAST = {"search": ["192.0.2.0/24"], "offline_after": "300ms"}


def shown(place: Place, value: int) -> bool:
    """Tell whether its total is told to be so much."""
    told = place.line.last()
    return told is not None and bool(told.meters) and told.meters[0].value == value


async def test_somebody_else_where_it_was_found_sends_the_look_home(tmp_path: Path) -> None:
    """Another machine has that address by now: it is read where it stands, not as it was."""
    place = Place(tmp_path)
    async with place.watched(**FAST):
        await until(place.line.last)
        place.found["lib-1"] = THERE
        place.sources.looks = {THERE: by_snmp(meter(777), serial="lib-1")}
        await until(lambda: shown(place, 777))
        place.sources.looks = {
            THERE: by_snmp(meter(5), serial="SN-9"),
            "lib-1": by_snmp(meter(778), serial="lib-1"),
        }
        await until(lambda: shown(place, 778))
        await until(lambda: (told := place.line.last()) and not told.troubles)


async def test_who_is_found_at_home_has_not_moved(tmp_path: Path) -> None:
    """It came back while it was searched for; nothing is told to be corrected."""
    place = Place(tmp_path)
    place.found["lib-1"] = "127.0.0.1"  # where its `uri` has it
    async with place.watched(**FAST):
        await until(place.line.last)
        place.sources.looks.clear()
        await until(lambda: place.searched)
        back = by_snmp(meter(900), serial="lib-1")
        place.sources.looks |= {"lib-1": back, "127.0.0.1": back}
        await until(lambda: shown(place, 900))
        await until(lambda: (told := place.line.last()) and not told.troubles)
    assert "device-moved" not in {each.code for each in place.line.notes}


async def test_who_answers_at_home_by_the_end_of_a_search_has_not_moved(tmp_path: Path) -> None:
    """By whatever address it was found: it is where it should be."""
    place = Place(tmp_path)
    going, search = asyncio.Event(), place.search

    async def slow(serials: frozenset[str]) -> object:
        found = await search(serials)
        await going.wait()
        return found

    place.search = slow  # type: ignore[method-assign, assignment]
    place.found["lib-1"] = THERE
    async with place.watched(**FAST):
        await until(place.line.last)
        place.sources.looks.clear()
        await until(lambda: place.searched)
        back = by_snmp(meter(900), serial="lib-1")
        place.sources.looks |= {"lib-1": back, THERE: back}
        await until(lambda: shown(place, 900))
        going.set()
        await asyncio.sleep(0.4)
    assert "device-moved" not in {each.code for each in place.line.notes}


async def test_a_look_that_was_under_way_when_it_was_found_counts_for_nothing(
    tmp_path: Path,
) -> None:
    """It asked at the old address: its silence does not send the next look back there."""
    place = Place(tmp_path)
    looks = place.sources.look
    asking, answer = asyncio.Event(), asyncio.Event()

    async def look(printer: PrinterSettings) -> tuple[Look, ...]:
        if place.searched and not answer.is_set() and printer.address is None:
            asking.set()
            await answer.wait()
            return (NoAnswer("lib-1 does not answer"),)
        return await looks(printer)

    async with place.watched(**FAST) as watching:
        await until(place.line.last)
        place.sources.looks = {THERE: by_snmp(meter(777), serial="lib-1")}
        place.sources.look = look  # type: ignore[method-assign]
        await until(lambda: place.searched)
        async with asyncio.timeout(10):
            await asking.wait()
        watching._found("lib-1", THERE)
        answer.set()
        await until(lambda: shown(place, 777))
    at_home = [each for each, _ in place.sources.asked if each == "lib-1"]
    assert at_home
    assert len(place.searched) == 1


async def test_a_machine_that_takes_its_place_is_shown_however_often_it_was_searched(
    tmp_path: Path,
) -> None:
    """Looked for in vain while it was off; then another stands there: once more, and it counts."""
    place = Place(tmp_path)
    async with place.watched(**FAST):
        await until(place.booked)
        place.sources.looks.clear()
        await until(lambda: place.searched)
        place.sources.looks["lib-1"] = by_snmp(meter(5), serial="SN-9")
        await until(lambda: len(place.booked()) == 2)
    assert [(each.why, each.serial) for each in place.booked()][1] == ("replaced", "SN-9")
    assert len(place.searched) == 2


async def test_what_else_lies_beside_the_printers_stops_no_watch(tmp_path: Path) -> None:
    """Files that are no printer's are left alone, whatever they are called."""
    place = Place(tmp_path)
    directory = tmp_path / "devices"
    directory.mkdir()
    names = ("#.json", ".json", "._lib-9.json", "copy of lib-1.json", "lib-9.json")
    for name in names:
        (directory / name).write_text("{}")
    async with place.watched():
        await until(lambda: place.line.taken_back and place.line.last())
        await asyncio.sleep(0.3)
    assert place.line.taken_back == ["lib-9"]
    assert sum((directory / name).exists() for name in names) == len(names) - 1


async def test_after_a_standstill_nobody_is_looked_at_in_step(tmp_path: Path) -> None:
    """The process was stopped for longer than a beat: all are late, and come one after another."""
    place = Place(tmp_path, printers=40)
    async with place.watched(busy="2s", idle="2s", asleep="2s"):
        await until(lambda: len({each.device for each in place.line.states}) == 40)
        place.sources.asked.clear()
        asyncio.get_running_loop().call_soon(time.sleep, 4.5)
        await asyncio.sleep(0)
        await until(lambda: len(place.sources.asked) >= 40)
    first = min(at for _, at in place.sources.asked)
    at_once = [each for each, at in place.sources.asked if at - first < 0.1]
    assert len(at_once) <= 20


async def test_meters_somebody_asked_for_are_read_soon(tmp_path: Path) -> None:
    """Where a look only remembers them, another one comes as soon as they may be read."""
    place = Place(tmp_path)
    async with place.watched(busy="100ms", idle="30s", asleep="30s") as watching:
        await until(place.booked)
        place.sources.looks["lib-1"] = with_(by_snmp(meter(111), serial="lib-1"), metered=False)
        until_then = NOW.replace(year=2100)
        order = Command(id=UUID(int=1), command="read-meters", args={}, expires_at=until_then)
        assert watching.obey(order).state == "successful"
        count = len(place.sources.asked)
        await until(lambda: len(place.sources.asked) > count + 1)
        assert len(place.booked()) == 1
        place.sources.looks["lib-1"] = by_snmp(meter(111), serial="lib-1")
        await until(lambda: len(place.booked()) == 2)
    assert place.booked()[1].why == "asked"


async def test_a_command_for_what_is_no_printer_fails_in_words(tmp_path: Path) -> None:
    """Whatever its argument is."""
    watching = Place(tmp_path).watching()
    for wanted in ("lib-9", ["lib-1"], {"a": 1}, 7):
        order = Command(
            id=UUID(int=1),
            command="read-meters",
            args={"device": wanted},
            expires_at=NOW.replace(year=2100),
        )
        assert watching.obey(order).state == "failed"
