"""Promise: with the second log nothing is lost, and the old machine can do no harm."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING

import pytest

from tests.acceptance.fallen import ANA, balance, fall, log_of, look_here, print_one, small_fleet
from tests.acceptance.oracle import everything_agrees
from tests.acceptance.runbook import Runbook

if TYPE_CHECKING:
    from pathlib import Path

    from demo.lab import Lab

pytestmark = pytest.mark.long


async def test_the_runbook_with_the_second_log() -> None:
    """All that was booked after the backup is there again; what sites did meanwhile merges."""
    async with small_fleet("north") as lab:
        north = lab.sites["north"]
        backup = lab.root / "backup.db"
        await lab.central("backup", str(backup))
        await print_one(north, "booked", pages=3)
        await lab.central("topup", f"user:{ANA.user}", "5.00")
        await north.until_merged()
        before = await balance(lab)
        old = await fall(lab)
        await print_one(north, "meanwhile", pages=2)

        variables = {
            "BACKUP": str(backup),
            "SECOND_LOG": str(log_of(lab)),
            "NEW": str(lab.root / "new"),
        }
        book = Runbook(lab, "restore-with-second-log", variables)
        assert "would be repeated" in await book.follow("--dry-run")
        assert not (lab.root / "new").exists()
        await book.follow("central verify")
        assert await balance(lab) == before
        await book.follow("central run")
        await north.until_merged()
        await book.follow("verify --edges")
        assert book.at_end()
        assert await balance(lab) == before - 2 * 50_000
        await print_one(north, "again")
        await north.until_merged()
        await _old_machine_comes_back(lab, old)
        await north.until_merged()
        assert await balance(lab) == before - 4 * 50_000
        look_here(lab, lab.root / "new")
        assert await everything_agrees(lab) == []


async def _old_machine_comes_back(lab: Lab, old: Path) -> None:
    """Start the old coordinator on its old books: it must find out, say so and end."""
    settings = (lab.root / "central.toml").read_text().splitlines()
    ours = [
        f'data = "{old}"' if line.startswith("data =") else line
        for line in settings
        if not line.startswith("second_log =")
    ]
    file = lab.root / "old.toml"
    # its own log is gone with it; where it can see the new one, it does not even start
    file.write_text("\n".join([f'second_log = "{lab.root / "old-log"}"', *ours]) + "\n")
    ghost = lab.start("old-central", "central", "run", config=file)
    await lab.until(lambda: not ghost.running, "the old coordinator to give up")
    assert await asyncio.to_thread(ghost.wait) == 1
    assert "these books are an old copy" in (lab.root / "old-central.log").read_text()
    again = lab.start("old-central", "central", "run", config=file)
    assert await asyncio.to_thread(again.wait, 30) == 1

    file.write_text("\n".join([settings[0], *ours]) + "\n")
    seeing = lab.start("old-central", "central", "run", config=file)
    assert await asyncio.to_thread(seeing.wait, 30) == 1
