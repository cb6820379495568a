"""Promise: a backup that was used before, or is older than a site's journal, can be restored."""

from __future__ import annotations

import asyncio
import re
from typing import TYPE_CHECKING

import pytest

from tests.acceptance.fallen import balance, fall, log_of, look_here, print_one, small_fleet
from tests.acceptance.oracle import everything_agrees
from tests.acceptance.runbook import Runbook

if TYPE_CHECKING:
    from pathlib import Path

    from demo.lab import Lab
    from demo.site import Site

#: What a page costs.
PAGE = 50_000

pytestmark = pytest.mark.long


async def test_a_backup_is_restored_a_second_time() -> None:
    """Under the epoch of its first life edges refuse it; under a higher one nothing is lost."""
    async with small_fleet("north") as lab:
        north = lab.sites["north"]
        backup = lab.root / "backup.db"
        await lab.central("backup", str(backup))
        before = await balance(lab)
        await print_one(north, "before", pages=1)
        await north.until_merged()
        await _lose_centre(lab)
        first = _restored(lab, backup, "first")
        await first.follow("central run")
        await north.until_merged()
        await print_one(north, "between", pages=2)
        await north.until_merged()

        await _lose_centre(lab)
        again = _restored(lab, backup, "again")
        await again.follow("central run")
        await lab.until(
            lambda: "stream ledger is stopped" in _said(lab, "edge-north"), "the edge to refuse"
        )
        assert "are booked" in _said(lab, "central")

        await _stop_centre(lab)
        new = lab.root / "higher"
        where = ("--without-second-log", "--to", str(new), "--epoch-at-least", "3")
        assert "--epoch-at-least N+1" in again.text
        await lab.central("restore", str(backup), *where)
        higher = _restored(lab, backup, "higher")
        higher.skip("sed -i")
        await higher.follow("central run")
        await north.until_linked()
        await north.until_merged()
        higher.skip("recovery finish")
        await higher.follow("verify --edges")
        assert await balance(lab) == before - 3 * PAGE
        await print_one(north, "after", pages=1)
        await north.until_merged()
        look_here(lab, new)
        assert await everything_agrees(lab) == []


async def test_a_site_whose_journal_began_after_the_backup_begins_another() -> None:
    """It is refused until it has; what the old books believed to be there is with people again."""
    async with small_fleet("north") as lab:
        north = lab.sites["north"]
        backup = lab.root / "backup.db"
        await lab.central("backup", str(backup))
        before = await balance(lab)
        await _switch_off(north)
        await lab.central("write-off", "north", "--yes")
        code = await lab.central("node", "enrol", "north", "--json")
        _next_journal(north, "lost", code["enrolment_code"])
        north.start_edge()
        await north.until_linked()
        await north.until_told()
        await print_one(north, "forgotten", pages=2)
        await north.until_merged()

        await _lose_centre(lab)
        book = _restored(lab, backup, "new")
        await book.follow("central run")

        async def parked() -> bool:
            (row,) = await lab.central("node", "list", "--json")
            return "came without a valid enrolment code" in row["note"]

        await lab.until_async(parked, "the centre to refuse the journal it does not know")
        assert "absent" in await book.follow("recovery status")
        await _switch_off(north)
        said = re.search('enrolment_code = "(.*)"', await book.follow("node enrol"))
        assert said is not None
        _next_journal(north, "forgotten", said[1])
        north.start_edge()
        await north.until_linked()
        book.skip("recovery finish")
        assert "Recovery is over" in await book.follow("recovery finish")
        await book.follow("verify --edges")
        assert book.at_end()
        assert await balance(lab) == before
        await print_one(north, "anew", pages=1)
        await north.until_merged()
        assert await balance(lab) == before - PAGE


async def _lose_centre(lab: Lab) -> None:
    """Lose the books and the second log."""
    if (lab.root / "books").exists():
        await fall(lab)
    else:
        await _stop_centre(lab)
    for file in log_of(lab).iterdir():
        file.unlink()


async def _stop_centre(lab: Lab) -> None:
    central = lab.program("central")
    central.kill()
    await asyncio.to_thread(central.wait)


def _restored(lab: Lab, backup: Path, name: str) -> Runbook:
    """Begin the runbook, with a directory of its own for the new books."""
    variables = {"BACKUP": str(backup), "NEW": str(lab.root / name), "EDGE": "north"}
    return Runbook(lab, "restore-without", variables)


async def _switch_off(site: Site) -> None:
    """Kill an edge, and wait until the centre has noticed."""
    site.edge.kill()
    await asyncio.to_thread(site.edge.wait)

    async def gone() -> bool:
        (row,) = await site.lab.central("node", "list", "--json")
        return not row["linked"]

    await site.lab.until_async(gone, "the centre to miss the edge")


def _next_journal(site: Site, beside: str, code: str) -> None:
    """Move an edge's data beside, and give it the code for the next journal."""
    site.data.rename(site.root / beside)
    text = site.config.read_text()
    site.config.write_text(re.sub('enrolment_code = ".*"', f'enrolment_code = "{code}"', text))


def _said(lab: Lab, name: str) -> str:
    return (lab.root / f"{name}.log").read_text()
