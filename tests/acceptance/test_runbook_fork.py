"""Promise: whoever follows the runbook of a fork has each job billed once, and the site at work."""

from __future__ import annotations

import asyncio
import shutil
from typing import TYPE_CHECKING

import pytest

from tests.acceptance.fallen import balance, print_one, small_fleet
from tests.acceptance.oracle import everything_agrees
from tests.acceptance.runbook import Runbook

if TYPE_CHECKING:
    from demo.lab import Lab
    from demo.site import Site

#: What a page costs.
PAGE = 50_000

pytestmark = pytest.mark.long


async def stop(site: Site) -> None:
    """Kill an edge."""
    site.edge.kill()
    await asyncio.to_thread(site.edge.wait)


async def put_back(site: Site) -> None:
    """Print, and put the edge's disk back to how it was before that; it is stopped."""
    await site.until_merged()
    copy = site.root / "copy"
    await stop(site)
    shutil.copytree(site.data, copy, ignore=_sockets)
    site.start_edge()
    await site.until_linked()
    await print_one(site, "booked", pages=3)
    await site.until_merged()
    await stop(site)
    shutil.rmtree(site.data)
    copy.rename(site.data)


async def frozen(lab: Lab, site: Site) -> None:
    """Start the edge and wait until the centre has seen what is wrong with it."""
    site.start_edge()
    await site.until_ready()

    async def seen() -> bool:
        return await state(lab) == "frozen"

    await lab.until_async(seen, "the fork to be seen")


async def state(lab: Lab) -> str:
    """Return how the books see the edge."""
    (row,) = await lab.central("node", "list", "--json")
    return str(row["state"])


async def whole(lab: Lab, site: Site) -> None:
    """Wait until the edge works on with its next journal, and check everything."""
    await site.until_linked()
    await print_one(site, "again", pages=1)
    await site.until_merged()
    assert len(list(site.data.glob("journal-*"))) == 1
    assert await everything_agrees(lab) == []


async def test_the_runbook_of_a_fork() -> None:
    """Both branches are booked and the edge begins anew; people pay for what was printed."""
    async with small_fleet("north") as lab:
        north = lab.sites["north"]
        before = await balance(lab)
        await put_back(north)
        await frozen(lab, north)
        await print_one(north, "alone", pages=2)
        book = Runbook(lab, "fork", {"EDGE": "north"})
        assert "In all, to be booked" in await book.follow("--dry-run")
        assert await state(lab) == "frozen"
        await book.follow("resolve")
        await north.until_linked()
        assert "active" in await book.follow("verify --edges")
        assert await balance(lab) == before - (3 + 2) * PAGE
        await whole(lab, north)


async def test_the_runbook_of_a_fork_without_the_edge() -> None:
    """People have their money at once; when the edge is there, its branch is the house's cost."""
    async with small_fleet("north") as lab:
        north = lab.sites["north"]
        before = await balance(lab)
        await put_back(north)
        await frozen(lab, north)
        await print_one(north, "alone", pages=2)
        await stop(north)
        book = Runbook(lab, "fork", {"EDGE": "north"})
        book.skip("--without-branch")
        await book.follow("--without-branch")
        assert book.at_end()
        assert await balance(lab) == before - 3 * PAGE
        north.start_edge()
        await north.until_ready()
        again = Runbook(lab, "fork", {"EDGE": "north"})
        again.skip('resolve "$EDGE" --yes')
        await again.follow("verify --edges")
        assert await balance(lab) == before - 3 * PAGE
        await whole(lab, north)


def _sockets(folder: str, names: list[str]) -> set[str]:
    del folder
    return {each for each in names if each.endswith(".sock")}
