"""Promise: a direct queue decides and releases at once; what it refuses stays held, with why."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from demo import documents
from tests.acceptance.oracle import Books

if TYPE_CHECKING:
    from demo.lab import Lab

QUEUE, PRINTER = "direct-north-1", "north-1"


async def told_by_the_centre(fleet: Lab, job: str, what: str) -> dict[str, Any]:
    """Wait until the books say something of a job; return its row."""
    found: dict[str, Any] = {}

    async def told() -> bool:
        rows = await fleet.central("jobs", "--json")
        found.update(next((row for row in rows if row["job"] == job and row["detail"]), {}))
        return bool(found)

    await fleet.until_async(told, what)
    return found


async def test_direct_queue_prints_by_itself(fleet: Lab) -> None:
    """Nobody stands at the printer; the owner of the job pays, and for what came out."""
    north = fleet.sites["north"]
    await north.print(
        documents.pdf(fleet.root / "direct.pdf", 3, colour=(2,)),
        user="ana",
        title="direct-000",
        queue=QUEUE,
    )
    row = await north.job("direct-000", "settled")
    assert (row["printer"], row["billed"]) == (PRINTER, 3)
    assert [amount["micros"] for amount in row["charged"]] == [300_000]
    kept = [each for each in north.printers[PRINTER].kept() if each.name.startswith("direct-000")]
    assert [each.impressions for each in kept] == [3]


async def test_direct_queue_refuses_strangers(fleet: Lab) -> None:
    """A job of somebody nobody knows stays held, prints nothing, and the books say why."""
    north = fleet.sites["north"]
    before = len(north.printers[PRINTER].kept())
    await north.print(
        documents.pdf(fleet.root / "direct.pdf", 1),
        user="mallory",
        title="direct-stranger",
        queue=QUEUE,
    )
    row = await north.job("direct-stranger", "held")
    told = await told_by_the_centre(fleet, row["job"], "the refusal to be in the books")
    assert "'mallory' is not known" in told["detail"]
    assert told["state"] == "pending-held"
    assert (await north.job("direct-stranger"))["phase"] == "held"
    assert len(north.printers[PRINTER].kept()) == before


async def test_direct_queue_refuses_who_cannot_pay(fleet: Lab) -> None:
    """A job that costs more than its owner has stays held until there is money, then prints."""
    north = fleet.sites["north"]
    await fleet.central("user", "add", "zoe")
    await fleet.central("card", "add", "zoe", "04DEADBEEF")

    async def known() -> bool:
        # the newest row of the register is her card
        return bool((await north.status())["directory"] == await newest(fleet))

    await fleet.until_async(known, "zoe to be known at north")
    await north.print(
        documents.pdf(fleet.root / "direct.pdf", 2), user="zoe", title="direct-zoe", queue=QUEUE
    )
    row = await north.job("direct-zoe", "held")
    told = await told_by_the_centre(fleet, row["job"], "the refusal to be in the books")
    assert "costs 0.10 EUR, here are 0.00 EUR" in told["detail"]
    await fleet.central("topup", "user:zoe", "1.00")
    reply = await north.release(row["job"], PRINTER, card="04DEADBEEF")
    assert reply.status == "ok", reply
    assert (await north.job("direct-zoe", "settled"))["billed"] == 2


async def newest(fleet: Lab) -> int:
    """Return the number of the newest row of the centre's register."""
    books = Books(fleet)
    try:
        return int(books.all("SELECT max(n) AS n FROM directory_row")[0]["n"])
    finally:
        books.close()
