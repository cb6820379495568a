"""Promise: whoever follows the runbook of a lost edge has people whole, and the site at work."""

from __future__ import annotations

import asyncio
import re
from typing import TYPE_CHECKING

import pytest

from tests.acceptance.fallen import balance, print_one, small_fleet
from tests.acceptance.oracle import everything_agrees
from tests.acceptance.runbook import Runbook

if TYPE_CHECKING:
    from demo.site import Site

#: What a page costs.
PAGE = 50_000

pytestmark = pytest.mark.long


async def test_the_runbook_of_a_lost_edge() -> None:
    """A new machine takes the lost one's place; another that comes back tells and begins anew."""
    async with small_fleet("north", "south") as lab:
        north, south = lab.sites["north"], lab.sites["south"]
        before = await balance(lab)
        await _lose(north)
        book = Runbook(lab, "lost-edge", {"EDGE": "north"})
        assert "would go back to people" in await book.follow("--dry-run")
        secret = re.search('secret = "(.*)"', await book.follow("node secret"))
        await book.follow("write-off")
        assert await balance(lab) == before
        code = re.search('enrolment_code = "(.*)"', await book.follow("node enrol"))
        assert secret is not None
        assert code is not None
        await book.follow("central verify")
        assert book.at_end()
        _new_machine(north, secret[1], code[1])
        north.start_edge()
        await north.until_linked()
        await north.until_told()
        await print_one(north, "new", pages=2)
        await north.until_merged()
        assert await balance(lab) == before - 2 * PAGE

        south.line.cut()
        await south.until_alone()
        await print_one(south, "told-late", pages=4)
        await _lose(south)
        other = Runbook(lab, "lost-edge", {"EDGE": "south"})
        await other.follow("--dry-run")
        other.skip("--yes")
        await other.follow("write-off")
        south.line.restore()
        south.start_edge()
        await lab.until(
            lambda: bool(list(south.data.glob("journal-*"))), "its journal to be put by"
        )
        await south.until_linked()
        await print_one(south, "anew", pages=1)
        await south.until_merged()
        assert await balance(lab) == before - 3 * PAGE
        assert await everything_agrees(lab) == []


async def _lose(site: Site) -> None:
    """Switch an edge off, and wait until the centre has noticed."""
    await site.until_ready()
    site.edge.kill()
    await asyncio.to_thread(site.edge.wait)

    async def gone() -> bool:
        rows = await site.lab.central("node", "list", "--json")
        return not any(row["linked"] for row in rows if row["node"] == site.name)

    await site.lab.until_async(gone, f"the centre to miss {site.name}")


def _new_machine(site: Site, secret: str, code: str) -> None:
    """Put an empty machine with new settings in an edge's place."""
    site.data.rename(site.root / "lost")
    (site.root / "edge.secret").write_text(secret)
    text = site.config.read_text()
    site.config.write_text(re.sub('enrolment_code = ".*"', f'enrolment_code = "{code}"', text))
