"""Promise: without the second log nothing is granted twice; sites give back what they know."""

from __future__ import annotations

import pytest

from tests.acceptance.fallen import ANA, balance, fall, log_of, look_here, print_one, small_fleet
from tests.acceptance.oracle import everything_agrees
from tests.acceptance.runbook import Runbook

pytestmark = pytest.mark.long


async def test_the_runbook_without_the_second_log() -> None:
    """Charges and grants of after the backup come back; an absent site holds grants up."""
    async with small_fleet("north", "south") as lab:
        north, south = lab.sites["north"], lab.sites["south"]
        backup = lab.root / "backup.db"
        await lab.central("backup", str(backup))
        await print_one(north, "booked", pages=3)
        await lab.central("topup", f"user:{ANA.user}", "5.00")

        async def parked() -> bool:
            states = [await site.status() for site in (north, south)]
            here: int = sum(state["money"].get("EUR", 0) for state in states)
            return here == 25_000_000 - 3 * 50_000

        await lab.until_async(parked, "the top-up to be parked at the sites")
        await north.until_merged()
        await fall(lab)
        for file in log_of(lab).iterdir():
            file.unlink()
        south.line.cut()
        await south.until_alone()
        await print_one(north, "meanwhile", pages=2)

        variables = {
            "BACKUP": str(backup),
            "NEW": str(lab.root / "new"),
            "ABSENT": "south",
        }
        book = Runbook(lab, "restore-without", variables)
        await book.follow("central run")
        await north.until_merged()
        told = await book.follow("recovery status")
        assert "south" in told
        assert "absent" in told
        await lab.central("topup", f"user:{ANA.user}", "1.00")
        exposure = await lab.central("recovery", "status", "--json")
        assert (exposure["mode"], exposure["grants"]) == ("recovery", False)

        book.skip("accept-absent")
        await book.follow("accept-absent")
        said = await book.follow("recovery finish")
        assert "Recovery is over" in said
        south.line.restore()
        await south.until_merged()
        await book.follow("verify --edges")
        assert book.at_end()
        # the lost top-up is at the sites, and its source is in suspense
        status = await lab.central("recovery", "status", "--json")
        assert [each["micros"] for each in status["from_suspense"]] == [5_000_000]
        assert await balance(lab) == 26_000_000 - 5 * 50_000
        await print_one(south, "again")
        await south.until_merged()
        look_here(lab, lab.root / "new")
        assert await everything_agrees(lab) == []
