"""The lab itself: what the tests and the demo stand on must not lie."""

from __future__ import annotations

import asyncio
import os
import subprocess
import sys
import textwrap
from typing import TYPE_CHECKING

import pytest

from demo import documents
from demo.cupsd import PrivateCups
from demo.guarded import Guarded
from demo.lp import LpError, lp, run
from demo.ports import wait_until
from edge.ports import PeopleQueue, PrinterQueue, SpoolerRefusedError
from edge.printing.spooler import CupsSpooler

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from config.ids import JobId
    from demo.printers import VirtualPrinter


def alive(pid: int) -> bool:
    """Say whether a process is there."""
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    return True


def test_program_ends_with_its_starter(tmp_path: Path) -> None:
    """A program the lab started is gone when its starter was killed."""
    code = f"""
        import os, sys
        from pathlib import Path
        from demo.guarded import Guarded
        program = Guarded(["sleep", "1000"], Path({str(tmp_path / "log")!r}), os.environ)
        print(program.pid, flush=True)
        sys.stdin.read()
    """
    starter = subprocess.Popen(
        [sys.executable, "-c", textwrap.dedent(code)],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
    )
    assert starter.stdout is not None
    pid = int(starter.stdout.readline())
    assert alive(pid)

    starter.kill()
    starter.communicate()

    wait_until(lambda: not alive(pid), "the program to end")


def test_status_and_log(tmp_path: Path) -> None:
    """A program's exit status and its output are kept."""
    program = Guarded(["sh", "-c", "echo said; exit 7"], tmp_path / "log", os.environ)

    assert program.wait() == 7
    assert (tmp_path / "log").read_text() == "said\n"
    assert not program.running


@pytest.mark.cups
async def test_acknowledged_jobs_survive_kills(lab_directory: Path, tmp_path: Path) -> None:
    """Each job that lp was told is queued is there after kill -9 right then, under its uuid."""
    document = documents.pdf(tmp_path / "a.pdf", 1)
    known: set[JobId] = set()
    with PrivateCups(lab_directory / "cups") as cups:
        spooler = CupsSpooler(cups.socket)
        await spooler.set_up([PeopleQueue("pull", "pull")], [])
        for number in range(6):
            lp(cups, "pull", document, user="ana", title=f"job {number}")
            cups.kill()
            cups.start()
            jobs = await spooler.jobs()
            assert [job.name for job in jobs] == [f"job {n}" for n in range(number + 1)]
            assert known < {job.job for job in jobs}
            known = {job.job for job in jobs}
        await spooler.close()


@pytest.mark.cups
async def test_ugly_names(cups: PrivateCups, tmp_path: Path) -> None:
    """Names with newlines, controls, 4 KB of unicode or a leading dash: lp refuses, or we cope."""
    spooler = CupsSpooler(cups.socket)
    await spooler.set_up([PeopleQueue("pull", "pull")], [])
    names = ["two\nlines", "\x1b[2J\x07", "-o raw", "ü" * 4096, "'; rm -rf $HOME #", "\u202etxt"]
    document = documents.pdf(tmp_path / "a.pdf", 1)
    taken = 0
    for name in names:
        try:
            lp(cups, "pull", document, user="ana", title=name)
        except LpError:
            continue
        taken += 1
        (job,) = await spooler.jobs()
        assert len(job.name.encode()) <= 255
        assert job.name.isprintable()
        await spooler.cancel(job.job)
    assert taken >= 4
    await spooler.close()


@pytest.mark.cups
async def test_printer_that_is_not_there(
    cups: PrivateCups, printer: VirtualPrinter, tmp_path: Path
) -> None:
    """A new printer that does not answer is named; all else works while it is waited for."""
    spooler = CupsSpooler(cups.socket, made_within=8)
    gone = PrinterQueue("gone", "ipp://localhost:9/ipp/print")
    there = PrinterQueue("there", printer.uri)
    before = len(printer.kept())

    waiting = asyncio.create_task(spooler.set_up([PeopleQueue("mine", "pull")], [gone, there]))
    await poll(lambda: run(["lpstat", "-h", cups.server, "-a", "there"]).returncode == 0)
    lp(cups, "mine", documents.pdf(tmp_path / "b.pdf", 1), user="ana")
    (job,) = await spooler.jobs()
    await spooler.move(job.job, "there")
    await spooler.resume(job.job, {})
    await poll(lambda: len(printer.kept()) == before + 1)
    assert not waiting.done()

    with pytest.raises(SpoolerRefusedError, match="'gone'") as refused:
        await waiting
    assert "there" not in str(refused.value)
    with pytest.raises(LpError):  # not made, so not open: not even for its administrator
        lp(cups, "gone", tmp_path / "b.pdf", user="ana")
    await spooler.close()


async def poll(condition: Callable[[], bool]) -> None:
    """Wait for what sends no event."""
    async with asyncio.timeout(7):
        while not await asyncio.to_thread(condition):  # noqa: ASYNC110
            await asyncio.sleep(0.05)


def test_leftovers(tmp_path: Path) -> None:
    """What a killed program had started goes on, until the lab is told to end it."""
    code = 'sleep 1000 & echo $! > "$0"; wait'
    told = tmp_path / "pid"
    program = Guarded(["sh", "-c", code, str(told)], tmp_path / "log", os.environ)
    wait_until(lambda: told.exists() and told.read_text().strip() != "", "the child")
    child = int(told.read_text())

    program.kill()
    program.wait()
    assert alive(child)

    program.end_leftovers()
    wait_until(lambda: not alive(child), "the child to end")
