"""Promise: an edge that cannot write releases nothing, charges nothing, shouts, and recovers."""

from __future__ import annotations

import asyncio
import os
import shutil
import subprocess
from contextlib import asynccontextmanager
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

from demo import documents
from tests.acceptance.oracle import everything_agrees, paper_of

if TYPE_CHECKING:
    from collections.abc import AsyncIterator

    from demo.lab import Lab
    from demo.site import Site

CARD = "04C0FFEE"
MEGABYTES = 24
#: Less than what the journal makes room for ahead, so that it has none when the disk is full.
LEFT = 600_000
_WRITES_MAX = 3000

needs_root = pytest.mark.skipif(os.geteuid() != 0, reason="mounts a small file system")


def must(*command: str) -> None:
    """Run a command that has to work."""
    subprocess.run(command, check=True, capture_output=True, timeout=30)


@asynccontextmanager
async def small_disk(site: Site) -> AsyncIterator[Path]:
    """Put the edge's data on a small file system that is nearly full; yield what fills it."""
    aside = site.data.with_name("data-aside")
    ballast = site.data / "ballast"
    await asyncio.to_thread(site.edge.stop)
    site.data.rename(aside)
    site.data.mkdir()
    must("mount", "-t", "tmpfs", "-o", f"size={MEGABYTES}m", "tmpfs", str(site.data))
    try:
        shutil.copytree(aside, site.data, dirs_exist_ok=True, symlinks=True, ignore=_sockets)
        fill(ballast, leave=LEFT)
        site.start_edge()
        await site.until_ready()
        await site.until_linked()
        yield ballast
    finally:
        await asyncio.to_thread(site.edge.stop)
        ballast.unlink(missing_ok=True)
        shutil.rmtree(aside)
        shutil.copytree(site.data, aside, symlinks=True, ignore=_sockets)
        must("umount", str(site.data))
        site.data.rmdir()
        aside.rename(site.data)
        site.start_edge()
        await site.until_ready()


def _sockets(directory: str, names: list[str]) -> list[str]:
    return [name for name in names if (Path(directory) / name).is_socket()]


def fill(ballast: Path, *, leave: int) -> None:
    """Let this file take all the room but so many bytes."""
    with ballast.open("ab") as file:
        free = shutil.disk_usage(ballast.parent).free
        while free > leave:
            try:
                file.write(bytes(min(free - leave, 1 << 20)))
                file.flush()
            except OSError:
                file.close()
                return
            free = shutil.disk_usage(ballast.parent).free


async def use_up(site: Site, job: str) -> None:
    """Let the journal write until what was left in its last page is used, too."""
    for _ in range(_WRITES_MAX):
        # refused and written down, whoever asks
        reply = await site.release(job, "no-such-printer", card=CARD)
        if reply.status == "failed":
            return
    raise AssertionError(f"{_WRITES_MAX} records fit on a full disk")


async def held(site: Site, title: str) -> dict[str, Any]:
    """Print one page and wait until it is held and counted."""
    path = documents.pdf(site.lab.root / f"{title}.pdf", 1)
    await site.print(path, user="eva", title=title)
    return await site.job(title, "held")


def shouted(lab: Lab, who: str, code: str) -> bool:
    """Say whether somebody's log holds an alert of this code at error."""
    log = (lab.root / f"{who}.log").read_text(errors="replace")
    return any(
        '"action": "note"' in line and f'"{code}"' in line and '"level": "error"' in line
        for line in log.splitlines()
    )


async def nothing_happens(site: Site, job: str, money: dict[str, int]) -> None:
    """Show that a release is refused with a reason, and that nothing is spent or printed."""
    reply = await site.release(job, f"{site.name}-1", card=CARD)
    assert (reply.status, reply.problem and reply.problem.code) == ("failed", "store-unwritable")
    assert reply.problem is not None
    assert "nothing was released or charged" in reply.problem.detail
    (row,) = [row for row in await site.jobs() if row["job"] == job]
    assert (row["phase"], row["held"]) == ("held", [])
    assert (await site.status())["money"] == money
    assert paper_of(site.lab, job) == 0


@needs_root
async def test_full_disk(fleet: Lab) -> None:
    """Jobs stay held while the disk is full; once there is room all goes on by itself."""
    site = fleet.sites["north"]
    async with small_disk(site) as ballast:
        before = await held(site, "full-before")
        money = (await site.status())["money"]
        fill(ballast, leave=0)
        await use_up(site, before["job"])
        await nothing_happens(site, before["job"], money)

        # somebody prints: CUPS takes it, the edge cannot write it down, and says so loudly
        late = documents.pdf(fleet.root / "full-late.pdf", 2)
        await site.print(late, user="eva", title="full-late")
        for who in ("edge-north", "central"):
            await fleet.until(partial(shouted, fleet, who, "store-unwritable"), f"{who} to shout")
        assert "full-late" not in {row["name"] for row in await site.jobs()}

        ballast.unlink()
        row = await site.job("full-late", "held")
        for job in (row["job"], before["job"]):
            assert (await site.release(job, "north-1", card=CARD)).status == "ok"
        assert (await site.job("full-late", "settled"))["billed"] == 2
        assert (await site.job("full-before", "settled"))["billed"] == 1
        await site.until_merged()
    await site.until_linked()
    await site.until_merged()
    assert await everything_agrees(fleet) == []


@needs_root
async def test_disk_that_takes_no_writes(fleet: Lab) -> None:
    """The same for a disk that refuses every write, as one does after an error."""
    site = fleet.sites["north"]
    row = await held(site, "locked")
    money = (await site.status())["money"]
    try:
        must("chattr", "-R", "+i", str(site.data))
    except subprocess.CalledProcessError as error:
        pytest.skip(f"this file system cannot: {error.stderr!r}")
    try:
        await nothing_happens(site, row["job"], money)
    finally:
        must("chattr", "-R", "-i", str(site.data))
    assert (await site.release(row["job"], "north-1", card=CARD)).status == "ok"
    assert (await site.job("locked", "settled"))["billed"] == 1
    await site.until_merged()
    assert await everything_agrees(fleet) == []
