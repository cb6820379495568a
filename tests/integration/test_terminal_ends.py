"""A terminal's process that is killed, or told to end, in mid-copy: no count is lost."""

from __future__ import annotations

import asyncio
import json
import sys
from pathlib import Path
from typing import TYPE_CHECKING

from terminal_bridge.app import copies_file, status_file
from terminal_bridge.durable import peek
from terminal_bridge.status_file import read_status
from tests.integration.terminal_lab import PATIENCE, SmallEdge, site_of, terminal_table

if TYPE_CHECKING:
    from collections.abc import Callable

    from tests.integration.terminal_lab import LoneSite

ROOT = Path(__file__).parents[2]


async def test_killed_in_mid_copy_reports_the_count_after_a_restart(tmp_path: Path) -> None:
    """Kill -9 between two pages: the next process settles with every page that was counted."""
    async with site_of() as site, SmallEdge(site.edge()) as edge:
        file = tmp_path / "terminal.json"
        file.write_text(json.dumps(terminal_table(site, tmp_path / "data", "terminal-1")))
        first = await _process(file)
        try:
            async with asyncio.timeout(PATIENCE):
                status = status_file(tmp_path / "data", "terminal-1")
                await _until(lambda: bool(read_status(status).get("edge")))
                await _line(first, "card 0417", "enable")
            # not told to the edge, so only the file knows
            edge.answers["copy-count"] = lambda _: None
            assert first.stdin is not None
            first.stdin.write(b"pages 5\n")
            await edge.until(lambda: "copy-count" in edge.methods())
        finally:
            first.kill()
            await first.wait()
        assert not edge.settled
        second = await _process(file)
        try:
            await edge.until(lambda: bool(edge.settled))
        finally:
            second.terminate()
            async with asyncio.timeout(PATIENCE):
                assert await second.wait() == 0
        assert [counts.monochrome for counts in edge.settled.values()] == [5]


async def test_told_to_end_in_mid_copy_it_settles_first(tmp_path: Path) -> None:
    """SIGTERM stops the machine, waits for the pages under way, settles, and only then ends."""
    async with site_of() as site, SmallEdge(site.edge()) as edge:
        process = await _copying(site, tmp_path, run_out="1s")
        assert process.stdin is not None
        process.stdin.write(b"pages 5\n")
        await edge.until(lambda: any(each.monochrome == 5 for each in edge.open.values()))
        process.terminate()
        async with asyncio.timeout(PATIENCE):
            await _hear(process, "disable")
            process.stdin.write(b"pages 2\n")  # that were under way
            assert await process.wait() == 0
        assert [counts.monochrome for counts in edge.settled.values()] == [7]


async def test_told_twice_to_end_it_waits_for_nothing(tmp_path: Path) -> None:
    """A second signal ends it at once: the machine is off, the count is kept for the next start."""
    async with site_of() as site, SmallEdge(site.edge()) as edge:
        edge.answers["copy-end"] = lambda _: None
        process = await _copying(site, tmp_path)
        assert process.stdin is not None
        process.stdin.write(b"pages 5\n")
        await edge.until(lambda: any(each.monochrome == 5 for each in edge.open.values()))
        process.terminate()
        await edge.until(lambda: "copy-end" in edge.methods())
        process.terminate()
        async with asyncio.timeout(3):
            assert await process.wait() == 0
        (kept,) = peek(copies_file(tmp_path / "data", "terminal-1"))
        assert kept.counts.monochrome == 5


async def _copying(site: LoneSite, tmp_path: Path, **extra: object) -> asyncio.subprocess.Process:
    """Return a process whose machine is let copy."""
    file = tmp_path / "terminal.json"
    table = terminal_table(site, tmp_path / "data", "terminal-1", **extra)
    file.write_text(json.dumps(table))
    process = await _process(file)
    async with asyncio.timeout(PATIENCE):
        status = status_file(tmp_path / "data", "terminal-1")
        await _until(lambda: bool(read_status(status).get("edge")))
        await _line(process, "card 0417", "enable")
    return process


async def _process(file: Path) -> asyncio.subprocess.Process:
    return await asyncio.create_subprocess_exec(
        sys.executable,
        "-m",
        "tests.integration.terminal_process",
        str(file),
        cwd=ROOT,
        stdin=asyncio.subprocess.PIPE,
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.DEVNULL,
    )


async def _until(holds: Callable[[], bool]) -> None:
    """Wait until files of another process say so, which gives no event."""
    while not holds():  # noqa: ASYNC110
        await asyncio.sleep(0.02)


async def _line(process: asyncio.subprocess.Process, say: str, hear: str) -> None:
    assert process.stdin is not None
    process.stdin.write(f"{say}\n".encode())
    await _hear(process, hear)


async def _hear(process: asyncio.subprocess.Process, hear: str) -> None:
    assert process.stdout is not None
    while True:
        line = await process.stdout.readline()
        if not line:
            raise AssertionError("the process ended")
        if line.decode().strip() == hear:
            return
