"""Promise: a site's printers are watched: they are seen live, and their meters check the books."""

from __future__ import annotations

import asyncio
import json
from typing import TYPE_CHECKING, Any

import pytest_asyncio

from demo import documents
from demo.lab import Lab, Plan
from edge.devices.job_meters import _LAG
from tests.acceptance.conftest import RICH
from tests.acceptance.oracle import Books

if TYPE_CHECKING:
    from collections.abc import AsyncIterator

ONE, TWO = "north-1", "north-2"
ANA = RICH[0].card


@pytest_asyncio.fixture(scope="module", loop_scope="session")
async def watched() -> AsyncIterator[Lab]:
    """Build one site whose printers answer SNMP."""
    async with Lab(Plan(sites=("north",), people=RICH, snmp=True)) as lab:
        yield lab


async def device(lab: Lab, which: str) -> dict[str, Any]:
    """Return what the centre knows of a printer."""
    rows = await lab.central("devices", "--json")
    return next((row["state"] for row in rows if row["device"] == which and row["state"]), {})


async def until_codes(lab: Lab, which: str, *codes: str) -> None:
    """Wait until exactly these troubles are raised at a printer."""

    async def so() -> bool:
        row = await device(lab, which)
        return {each["code"] for each in row.get("troubles", ())} == set(codes)

    await lab.until_async(so, f"{which} to have {codes or 'no'} troubles")


def readings(lab: Lab, which: str) -> list[tuple[str, bool]]:
    """Return why the books have readings of a printer, and whether they go on."""
    books = Books(lab)
    try:
        rows = books.all(
            "SELECT why, continues FROM meter_reading WHERE device = ? ORDER BY n", which
        )
    finally:
        books.close()
    return [(row["why"], bool(row["continues"])) for row in rows]


async def test_the_fleet_is_known_at_the_centre(watched: Lab) -> None:
    """Each printer with its state, what it is, its supplies; its meters are in the books once."""
    for which in (ONE, TWO):

        async def there(which: str = which) -> bool:
            row = await device(watched, which)
            return row.get("state") == "idle" and bool(row["answers"]) and bool(row["supplies"])

        await watched.until_async(there, f"{which} to be seen")

        async def booked(which: str = which) -> bool:
            return readings(watched, which) == [("start", False)]

        await watched.until_async(booked, f"the meters of {which} to be booked")


async def test_the_meters_are_evidence_of_a_job_that_was_alone(watched: Lab) -> None:
    """What it made them count is kept beside what the printer and the analysis say.

    These printers take no time: now and then all is out before the first reading. Nobody waits for
    that one, so such a job has no such figure, and another one is tried: not at once, as pages of
    the one before could be among its own.
    """
    found: set[int] = set()
    for number in range(6):
        if number:
            await asyncio.sleep(_LAG + 1.0)
        found |= await metered(watched, f"metered-{number}")
        if found:
            break
    assert found == {3}


async def metered(lab: Lab, title: str) -> set[int]:
    """Print three pages; return what the meters are said to have counted."""
    north = lab.sites["north"]
    await north.print(documents.pdf(lab.root / "m.pdf", 3), user="ana", title=title)
    job = await north.job(title, "held")
    assert (await north.release(job["job"], ONE, card=ANA)).status == "ok"
    await north.job(title, "settled")
    counts: list[dict[str, Any]] = []

    async def told() -> bool:
        books = Books(lab)
        try:
            rows = books.all("SELECT data FROM event WHERE data LIKE ?", f"%{job['job']}%")
        finally:
            books.close()
        said = [json.loads(row["data"]) for row in rows]
        counts.extend(
            count
            for each in said
            if "job-settled" in each["type"]
            for count in each["data"]["counts"]
        )
        return bool(counts)

    await lab.until_async(told, "the job to be in the books")
    return {each["impressions"] for each in counts if each["source"] == "device-meter"}


async def test_trouble_at_a_printer_is_seen_and_seen_to_be_over(watched: Lab) -> None:
    """A jam is told in seconds; another printer stays as it is."""
    agent = watched.sites["north"].agents[TWO]
    agent.order(jam=True)
    await until_codes(watched, TWO, "jam")
    assert not (await device(watched, ONE))["troubles"]
    agent.order()
    await until_codes(watched, TWO)


async def test_a_reset_begins_a_stretch_of_its_own(watched: Lab) -> None:
    """Nothing is charged by it; it is told, and the books know that it does not go on."""
    north = watched.sites["north"]
    await north.print(documents.pdf(watched.root / "r.pdf", 2), user="ana", title="before")
    job = await north.job("before", "held")
    await north.release(job["job"], TWO, card=ANA)
    await north.job("before", "settled")

    async def counted() -> bool:
        meters = {each["name"]: each["value"] for each in (await device(watched, TWO))["meters"]}
        return bool(meters.get("total", 0) >= 2)

    await watched.until_async(counted, "the pages to be counted")
    north.agents[TWO].reset()
    await until_codes(watched, TWO, "counter-went-back")
    assert readings(watched, TWO)[-1] == ("reset", False)


async def test_another_machine_at_the_address_is_told(watched: Lab) -> None:
    """By its serial number; its meters begin a stretch of their own."""
    watched.sites["north"].agents[ONE].order(serial="SOMEBODYELSES")
    await until_codes(watched, ONE, "device-swapped")
    assert readings(watched, ONE)[-1] == ("replaced", False)


async def test_all_is_told_anew_to_a_broker_that_forgot(watched: Lab) -> None:
    """A broker that was killed has nothing retained; the fleet is there again by itself."""
    broker = watched.program("broker")
    broker.kill()
    await asyncio.to_thread(broker.wait)
    watched.start_broker()
    north = watched.sites["north"]
    await north.until_linked()
    north.agents[TWO].order(cover_open=True)
    await until_codes(watched, TWO, "counter-went-back", "cover-open")
