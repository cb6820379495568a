"""The lab itself: what the tests and the demo stand on must not lie."""

from __future__ import annotations

import os
import subprocess
import sys
import textwrap
from typing import TYPE_CHECKING

import pytest

from demo import documents
from demo.cupsd import PrivateCups
from demo.guarded import Guarded
from demo.lp import LpError, lp
from demo.ports import wait_until
from edge.ports import PeopleQueue, PrinterQueue, SpoolerRefusedError
from edge.printing import queues
from edge.printing.spooler import CupsSpooler

if TYPE_CHECKING:
    from pathlib import Path

    from config.ids import JobId


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
    cups: PrivateCups, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A printer that does not answer is named; people can print to the other queues already."""
    monkeypatch.setattr(queues, "_PPD_SECONDS", 0.5)
    spooler = CupsSpooler(cups.socket)
    gone = PrinterQueue("gone", "ipp://localhost:9/ipp/print")

    with pytest.raises(SpoolerRefusedError, match="gone"):
        await spooler.set_up([PeopleQueue("mine", "pull")], [gone])

    assert lp(cups, "mine", documents.pdf(cups.root.parent / "b.pdf", 1), user="ana")
    await spooler.close()


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
