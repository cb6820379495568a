"""The backlog waits for people, and never for ever."""

from __future__ import annotations

import asyncio

from edge.calm import Calm

LONG = 60.0


async def test_nobody_there_means_no_wait() -> None:
    """Where nobody is served the backlog goes on at once."""
    async with asyncio.timeout(LONG):
        await Calm().wait(LONG * 10)


async def test_the_backlog_goes_on_when_the_last_person_is_served() -> None:
    """It waits for all of them, and not a moment longer."""
    calm = Calm()
    with calm.serving():
        with calm.serving():
            waiting = asyncio.create_task(calm.wait(LONG))
            await asyncio.sleep(0)
        await asyncio.sleep(0)
        assert not waiting.done()
    async with asyncio.timeout(LONG):
        await waiting


async def test_paper_is_waited_for_after_the_answer() -> None:
    """Who was answered waits for paper: nothing takes the processor from what prints."""
    calm = Calm()
    loop = asyncio.get_running_loop()
    with calm.serving(0.02):
        pass
    answered = loop.time()
    async with asyncio.timeout(LONG):
        await calm.wait(LONG)
    assert loop.time() - answered >= 0.015


async def test_a_site_that_is_always_busy_merges_all_the_same() -> None:
    """However long people are served, the wait has an end."""
    calm = Calm()
    with calm.serving():
        async with asyncio.timeout(LONG):
            await calm.wait(0.01)


async def test_what_is_drawn_waits_for_paper_and_for_nothing_else() -> None:
    """A release goes before lists and pictures; other questions keep nobody waiting."""
    calm = Calm()
    with calm.serving():
        async with asyncio.timeout(LONG):
            await calm.paper(LONG * 10)
    loop = asyncio.get_running_loop()
    with calm.releasing(0.02):
        drawing = asyncio.create_task(calm.paper(LONG))
        await asyncio.sleep(0)
        assert not drawing.done()
    answered = loop.time()
    async with asyncio.timeout(LONG):
        await drawing
    assert loop.time() - answered >= 0.015


async def test_screens_are_drawn_however_often_somebody_releases() -> None:
    """A printer that is always given more keeps no list waiting for ever."""
    calm = Calm()
    with calm.releasing(LONG):
        async with asyncio.timeout(LONG):
            await calm.paper(0.01)
