"""A printer's own counters reach the books as they are, and are held against what was billed."""

from __future__ import annotations

import asyncio
import json
import re
from typing import TYPE_CHECKING, Any

import pytest
import pytest_asyncio

from demo.documents import pdf
from demo.lab import Lab, Person, Plan
from demo.metered import Machine

if TYPE_CHECKING:
    from collections.abc import AsyncIterator

pytestmark = [pytest.mark.cups, pytest.mark.timeout(180)]

ANA = Person("ana", "0417", "20.00")
DEVICE, OTHER, COPIER = "north-1", "north-2", "north-copier"
READ = tuple(("device", "read", each, "--wait", "60") for each in (OTHER, COPIER))
BEGAN = Machine("", "").began


@pytest_asyncio.fixture(scope="module", loop_scope="session")
async def lab() -> AsyncIterator[Lab]:
    """Build one site whose printers and copier answer SNMP."""
    plan = Plan(
        sites=("north",),
        printers=2,
        people=(ANA,),
        direct_queues=False,
        terminals=("north",),
        snmp=True,
    )
    async with Lab(plan) as running:
        yield running


async def _read(lab: Lab) -> dict[str, int]:
    """Have the meters read now, as an administrator does; return what the centre has of them."""
    said = await lab.central("device", "read", DEVICE, "--wait", "60")
    return {name: int(figure) for name, figure in re.findall(r"([a-z-]+) (\d+)(?=[,.])", said)}


async def _print(lab: Lab, title: str, pages: int, device: str = DEVICE) -> int:
    """Print and release; return the sides that were billed."""
    site = lab.sites["north"]
    await site.print(pdf(site.root / f"{title}.pdf", pages), user=ANA.user, title=title)
    job = (await site.job(title, "held"))["job"]
    await site.release(job, device, card=ANA.card)
    billed = (await site.job(title, "settled"))["billed"]
    await site.until_merged()
    return int(billed)


async def _copy(lab: Lab, pages: int) -> int:
    """Copy with a card in the reader beside the copier; return the copies that were billed."""
    site = lab.sites["north"]
    terminal = site.terminal
    assert terminal is not None
    terminal.reader.hold(ANA.card)
    assert await terminal.copier.until(enabled=True, seconds=20)
    assert await terminal.copier.copies(pages, seconds=20) == pages
    terminal.reader.hold(ANA.card)
    billed: list[int] = []

    async def settled() -> bool:
        copies = [each for each in await site.jobs() if each["service"] == "copy"]
        billed[:] = [each["billed"] for each in copies if each["phase"] == "settled"]
        return len(billed) == len(copies) == 1

    await lab.until_async(settled, "the copies to be settled")
    await site.until_merged()
    return billed[0]


async def _compared(lab: Lab) -> dict[str, Any]:
    """Have the meters of a printer and the copier read; return what is compared of each."""
    *_, said, plain = await lab.central_all(*READ, ("reconcile",), ("reconcile", "--json"))
    told = json.loads(plain)
    assert ", today so far: " in said.splitlines()[0]
    assert told["whole"] is False
    assert all(each["whole"] is each["alert"] is False for each in told["devices"])
    return {each["device"]: each for each in told["devices"]}


async def test_what_is_counted_is_billed_and_nothing_else_is(lab: Lab) -> None:
    """Prints and copies leave nothing of today so far; a page made past every queue is left."""
    await lab.central_all(*READ)  # where they begin
    printed, copied = await asyncio.gather(_print(lab, "Leaflet", 4, OTHER), _copy(lab, 3))
    found = await _compared(lab)
    figures = {
        device: (each["counted"], each["printed"], each["copied"], each["other"], each["left"])
        for device, each in found.items()
        if device != DEVICE
    }
    assert figures == {OTHER: (4, printed, 0, 0, 0), COPIER: (3, 0, copied, 0, 0)}
    assert (printed, copied) == (4, 3)
    lab.sites["north"].agents[OTHER].order(walked_up=2)
    found = await _compared(lab)
    assert {device: found[device]["left"] for device in (OTHER, COPIER)} == {OTHER: 2, COPIER: 0}
    assert (found[OTHER]["counted"], found[OTHER]["printed"]) == (6, 4)


async def test_what_a_printer_counts_is_in_the_books(lab: Lab) -> None:
    """Printed sides move its prints, copies nobody signed in for its copies; a reset is a reset."""
    site = lab.sites["north"]
    billed = await _print(lab, "Report", 7)
    read = await _read(lab)
    assert (read["total"], read["print"], read["copy"]) == (BEGAN + billed, BEGAN + billed, 0)
    (site.printers[DEVICE].root / "copies").write_text("40")
    read = await _read(lab)
    assert (read["total"], read["copy-mono"]) == (BEGAN + billed + 40, 40)
    assert read["print"] == BEGAN + billed
    site.agents[DEVICE].reset()
    more = await _print(lab, "Letter", 3)
    read = await _read(lab)
    assert (billed, more) == (7, 3)
    assert (read["total"], read["copy"]) == (3, 0)
    devices = await lab.central("devices", "--json")
    assert sorted(each["device"] for each in devices) == [DEVICE, OTHER, COPIER]
