"""What paper a released job is printed on: the one it was priced for."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING

import pikepdf
import pytest

from demo import documents
from demo.lp import lp
from edge.ports import PeopleQueue, PrinterQueue
from edge.printing.spooler import CupsSpooler

if TYPE_CHECKING:
    from pathlib import Path

    from demo.cupsd import PrivateCups
    from demo.printers import VirtualPrinter

A5 = (420, 595)
LETTER = (612, 792)


@pytest.mark.cups
@pytest.mark.parametrize(("media", "size"), [("iso_a5", A5), ("na_letter", LETTER)])
async def test_paper_decided(
    cups: PrivateCups, printer: VirtualPrinter, tmp_path: Path, media: str, size: tuple[int, int]
) -> None:
    """Paper that was decided on, by class, is what the printer gets; its own may be another."""
    spooler = CupsSpooler(cups.socket)
    await spooler.set_up([PeopleQueue("pull", "pull")], [PrinterQueue("one", printer.uri)])
    lp(cups, "pull", documents.pdf(tmp_path / "a.pdf", 1, size=size), user="ana")
    (job,) = await spooler.jobs()

    await spooler.move(job.job, "one")
    await spooler.resume(job.job, {"media": media})
    async with asyncio.timeout(20):
        while await spooler.jobs():  # noqa: ASYNC110  the end of a job is told by another test
            await asyncio.sleep(0.05)

    (kept,) = [each for each in printer.kept() if each.tag == job.job.hex[:12]]
    with pikepdf.open(kept.document) as document:
        box = [round(float(edge)) for edge in document.pages[0].mediabox]
    assert (box[2] - box[0], box[3] - box[1]) == size
    await spooler.close()
