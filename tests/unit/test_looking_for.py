"""Searches for printers that are not where they were: one at a time, and seldom in vain."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING

from edge.devices.looking_for import LookingFor

if TYPE_CHECKING:
    from collections.abc import Collection, Mapping


class Place:
    """What is searched, and a clock that a test moves."""

    def __init__(self, **found: str) -> None:
        self.there = found
        self.searched: list[frozenset[str]] = []
        self.told: list[tuple[str, str | None]] = []
        self.now = 1000.0
        self.going = asyncio.Event()
        self.going.set()
        self.ours = LookingFor(self._search, monotonic=lambda: self.now)

    async def _search(self, serials: Collection[str]) -> Mapping[str, str]:
        self.searched.append(frozenset(serials))
        await self.going.wait()
        return {each: self.there[each] for each in serials if each in self.there}

    async def settle(self) -> None:
        """Let what can go on go on."""
        for _ in range(10):
            await asyncio.sleep(0)

    def run(self) -> asyncio.Task[None]:
        """Begin to look."""
        return asyncio.create_task(
            self.ours.run(lambda device, where: self.told.append((device, where)))
        )


async def test_looks_during_a_search_order_no_second_one() -> None:
    """A printer is looked at again and again while it is searched for."""
    place = Place()
    task = place.run()
    place.going.clear()
    place.ours.want("lib-1", "S1")
    await place.settle()
    place.ours.want("lib-1", "S1")
    place.ours.want("lib-2", "S2")
    place.going.set()
    await place.settle()
    assert place.searched == [frozenset({"S1"}), frozenset({"S2"})]
    assert place.told == [("lib-1", None), ("lib-2", None)]
    task.cancel()


async def test_in_vain_is_tried_less_and_less() -> None:
    """After a quarter of an hour, then half of one … six hours at most; found counts alike."""
    for found in ({}, {"S1": "192.0.2.9"}):
        place = Place(**found)
        task = place.run()
        at: list[int] = []
        for minute in range(60 * 24):
            place.now = 1000.0 + 60 * minute
            place.ours.want("lib-1", "S1")
            await place.settle()
            at += [minute] * (len(place.searched) - len(at))
        assert at == [0, 15, 45, 105, 225, 465, 825, 1185]
        task.cancel()


async def test_who_takes_its_place_has_it_looked_for_once_more() -> None:
    """However lately it was looked for in vain while nobody was there; once for each stranger."""
    place = Place()
    task = place.run()
    for instead in (None, None, "S9", "S9"):
        place.ours.want("lib-1", "S1", instead)
        await place.settle()
    assert len(place.searched) == 2
    task.cancel()


async def test_a_printer_that_was_there_for_long_is_looked_for_at_once() -> None:
    """What was tried days ago delays nothing."""
    place = Place()
    task = place.run()
    for at in (0.0, 900.0, 2700.0, 90_000.0, 90_900.0):
        place.now = 1000.0 + at
        place.ours.want("lib-1", "S1")
        await place.settle()
    assert len(place.searched) == 5
    task.cancel()
