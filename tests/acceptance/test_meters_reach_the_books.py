"""A printer's own counters reach the books as they are: pages, copies, and a reset."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

import pytest
import pytest_asyncio

from demo.documents import pdf
from demo.lab import Lab, Person, Plan
from demo.metered import Machine

if TYPE_CHECKING:
    from collections.abc import AsyncIterator

pytestmark = [pytest.mark.cups, pytest.mark.timeout(180)]

ANA = Person("ana", "0417", "20.00")
DEVICE = "north-1"
BEGAN = Machine("", "").began


@pytest_asyncio.fixture(scope="module", loop_scope="session")
async def lab() -> AsyncIterator[Lab]:
    """Build one site whose printer answers SNMP."""
    plan = Plan(sites=("north",), printers=1, people=(ANA,), direct_queues=False, snmp=True)
    async with Lab(plan) as running:
        yield running


async def _read(lab: Lab) -> dict[str, int]:
    """Have the meters read now, as an administrator does; return what the centre has of them."""
    said = await lab.central("device", "read", DEVICE, "--wait", "60")
    return {name: int(figure) for name, figure in re.findall(r"([a-z-]+) (\d+)(?=[,.])", said)}


async def _print(lab: Lab, title: str, pages: int) -> int:
    """Print and release; return the sides that were billed."""
    site = lab.sites["north"]
    await site.print(pdf(site.root / f"{title}.pdf", pages), user=ANA.user, title=title)
    job = (await site.job(title, "held"))["job"]
    await site.release(job, DEVICE, card=ANA.card)
    billed = (await site.job(title, "settled"))["billed"]
    await site.until_merged()
    return int(billed)


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
    assert [each["device"] for each in devices] == [DEVICE]
