"""A CUPS that stops in the middle: pycups waits for ever, the edge does not."""

from __future__ import annotations

import asyncio
import os
import signal
import subprocess
import sys
import threading
import time
from contextlib import contextmanager
from typing import TYPE_CHECKING

import pytest

from demo.cupsd import PrivateCups
from demo.documents import pdf
from demo.lp import lp
from edge.ports import EventsMissed, PeopleQueue, SpoolerUnavailableError
from edge.printing.crew import Crew, may_hang
from edge.printing.spooler import CupsSpooler

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

PATIENCE = 0.4

#: In a process of its own: a call hangs, and the process wants to end.
_ENDS = """
import asyncio, sys
from pathlib import Path
from edge.ports import SpoolerUnavailableError
from edge.printing.spooler import CupsSpooler
async def ask():
    try:
        await CupsSpooler(Path(sys.argv[1]), timeout=0.4).jobs()
    except SpoolerUnavailableError as error:
        print(error)
asyncio.run(ask())
"""


@contextmanager
def stopped(cups: PrivateCups) -> Iterator[None]:
    """Stop cupsd, and let it go on in any case."""
    os.kill(cups.pid, signal.SIGSTOP)
    try:
        yield
    finally:
        os.kill(cups.pid, signal.SIGCONT)


def threads() -> int:
    """Count the spooler's threads."""
    return sum(each.name == "spooler" for each in threading.enumerate())


@pytest.mark.cups
async def test_cups_stands_still(lab_directory: Path, tmp_path: Path) -> None:
    """Each call is told in time that CUPS is unavailable, with few threads; later all goes on."""
    before = threads()
    with PrivateCups(lab_directory / "cups") as cups:
        spooler = CupsSpooler(cups.socket, timeout=PATIENCE)
        await spooler.set_up([PeopleQueue("pull", "pull")], [])
        lp(cups, "pull", pdf(tmp_path / "a.pdf", 1), user="ana")
        (job,) = await spooler.jobs()

        with stopped(cups):
            began = time.monotonic()
            asked = [spooler.jobs() for _ in range(30)]
            said = await asyncio.gather(*asked, spooler.resume(job.job, {}), return_exceptions=True)
            assert {type(each) for each in said} == {SpoolerUnavailableError}
            assert time.monotonic() - began < 10 * PATIENCE
            assert threads() <= before + 12
            began = time.monotonic()
            with pytest.raises(SpoolerUnavailableError):
                await spooler.jobs()
            assert time.monotonic() - began < PATIENCE  # it does not even try

        async with asyncio.timeout(10):
            while True:
                try:
                    (after,) = await spooler.jobs()
                    break
                except SpoolerUnavailableError:
                    await asyncio.sleep(0.05)
            while threads() > before + 4:  # noqa: ASYNC110  threads send no event
                await asyncio.sleep(0.05)
        # the resume that nobody waited for any more did nothing when CUPS went on
        assert after == job
        await spooler.close()


@pytest.mark.cups
async def test_events_after_a_standstill(lab_directory: Path) -> None:
    """Whoever follows events is told to look at everything when CUPS goes on."""
    with PrivateCups(lab_directory / "cups") as cups:
        spooler = CupsSpooler(cups.socket, timeout=PATIENCE, poll=0.2)
        told: asyncio.Queue[object] = asyncio.Queue()

        async def follow() -> None:
            async for event in spooler.events():
                told.put_nowait(event)

        following = asyncio.create_task(follow())
        async with asyncio.timeout(10):
            assert await told.get() == EventsMissed()
        with stopped(cups):
            await asyncio.sleep(4 * PATIENCE)
            while not told.empty():
                told.get_nowait()
        async with asyncio.timeout(10):
            assert await told.get() == EventsMissed()
        following.cancel()
        await asyncio.gather(following, return_exceptions=True)
        await spooler.close()


@pytest.mark.cups
def test_the_end_of_the_process(cups: PrivateCups) -> None:
    """A process whose call hangs ends when it wants to."""
    with stopped(cups):
        done = subprocess.run(
            [sys.executable, "-c", _ENDS, str(cups.socket)],
            capture_output=True,
            text=True,
            check=True,
            timeout=20,
        )
    assert "does not answer" in done.stdout


async def test_given_up_goes_no_further() -> None:
    """A call that was given up does not begin another request when it comes back."""
    crew = Crew(1, patience=PATIENCE, out_at_most=2)
    go_on, tried = threading.Event(), threading.Event()
    reached = False

    def two_requests() -> None:
        nonlocal reached
        with may_hang():
            go_on.wait()
        tried.set()
        with may_hang():
            reached = True

    with pytest.raises(SpoolerUnavailableError):
        await crew.run(two_requests)
    assert crew.out == 1
    assert await crew.run(lambda: "another") == "another"
    go_on.set()
    await asyncio.to_thread(tried.wait)
    async with asyncio.timeout(5):
        while crew.out:  # noqa: ASYNC110  the thread tells the crew, not us
            await asyncio.sleep(0.01)

    assert not reached
    crew.close()
