"""Promise: a CUPS that stops in the middle stops nothing but the printing, and only so long."""

from __future__ import annotations

import asyncio
import os
import signal
from typing import TYPE_CHECKING
from uuid import UUID

from broker.messages import CancelRequest, Person
from demo import documents

if TYPE_CHECKING:
    from demo.lab import Lab

CARD = "04C0FFEE"


async def test_cups_stands_still(fleet: Lab) -> None:
    """While cupsd hangs the edge answers and says what is wrong; afterwards all goes as ever."""
    site = fleet.sites["north"]
    document = documents.pdf(fleet.root / "still.pdf", 1)
    for title in ("still-print", "still-keep"):
        await site.print(document, user="eva", title=title)
    wanted = (await site.job("still-print", "held"))["job"]
    kept = (await site.job("still-keep", "held"))["job"]
    printer = site.printers["north-1"]
    before = len(printer.kept())

    os.kill(site.cups.pid, signal.SIGSTOP)
    try:
        answers = asyncio.gather(
            site.release(wanted, "north-1", card=CARD),
            site.ask("cancel", CancelRequest, job=UUID(kept), person=Person(card=CARD)),
        )
        await asyncio.sleep(1)
        assert (await site.status(seconds=3))["node"] == "north"
        for answer in await answers:
            assert answer.problem is not None
            assert answer.problem.code == "spooler-unavailable"
    finally:
        os.kill(site.cups.pid, signal.SIGCONT)

    assert (await site.release(wanted, "north-1", card=CARD)).status == "ok"
    assert (await site.job("still-print", "settled"))["billed"] == 1
    assert len(printer.kept()) == before + 1
    canceled = await site.ask("cancel", CancelRequest, job=UUID(kept), person=Person(card=CARD))
    assert canceled.status == "ok", canceled
