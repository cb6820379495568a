"""A small fleet whose centre falls: what people do before, during and after it."""

from __future__ import annotations

import asyncio
import shutil
from contextlib import asynccontextmanager
from typing import TYPE_CHECKING

from demo.documents import pdf
from demo.lab import Lab, Person, Plan

if TYPE_CHECKING:
    from collections.abc import AsyncIterator
    from pathlib import Path

    from demo.site import Site

ANA = Person("ana", "04A1B2C3", "20.00")


@asynccontextmanager
async def small_fleet(*sites: str) -> AsyncIterator[Lab]:
    """Build sites with one printer each, and a second log outside the directory of the books."""
    async with Lab(Plan(sites=sites, printers=1, people=(ANA,))) as lab:
        settings = lab.root / "central.toml"
        settings.write_text(f'second_log = "{log_of(lab)}"\n{settings.read_text()}')
        await asyncio.to_thread(lab.program("central").stop)
        lab.start_central()
        for site in lab.sites.values():
            await site.until_linked()
        yield lab


def log_of(lab: Lab) -> Path:
    """Return where the second log is."""
    return lab.root / "volume2"


async def print_one(site: Site, title: str, *, pages: int = 2) -> None:
    """Print and release a document, and wait until it is charged."""
    document = pdf(site.root / f"{title}.pdf", pages)
    await site.print(document, user=ANA.user, title=title)
    job = await site.job(title, "held")
    reply = await site.release(job["job"], f"{site.name}-1", card=ANA.card)
    assert reply.status == "ok", reply
    await site.job(title, "settled")


async def balance(lab: Lab) -> int:
    """Return what Ana has in all, in micros."""
    (row,) = await lab.central("balance", f"user:{ANA.user}", "--json")
    return int(row["micros"])


async def fall(lab: Lab) -> Path:
    """Kill the coordinator and lose its volume; return a copy of the books, for an old machine."""
    central = lab.program("central")
    central.kill()
    await asyncio.to_thread(central.wait)
    old = lab.root / "old-machine"
    shutil.copytree(lab.root / "books", old)
    shutil.rmtree(lab.root / "books")
    return old


def look_here(lab: Lab, new: Path) -> None:
    """Let whoever audits the lab find the restored books where the old ones were."""
    (lab.root / "books").symlink_to(new)
