"""Promise: nobody gets paper without a release; who may do what in CUPS is tested beside it.

See also tests/integration/test_pull_queue.py, which tries each CUPS command as another user.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from demo import documents

if TYPE_CHECKING:
    from demo.lab import Lab


@pytest.mark.parametrize("wish", ["no-hold", "immediate", "indefinite", "00:00"])
async def test_job_that_wants_no_hold(fleet: Lab, wish: str) -> None:
    """Whatever a client asks of the hold, its job waits until it is released, and is then paid."""
    site = fleet.sites["south"]
    title = f"bypass-{wish}"
    before = sum(len(printer.kept()) for printer in site.printers.values())
    await site.print(
        documents.pdf(fleet.root / "bypass.pdf", 1),
        user="eva",
        title=title,
        options={"job-hold-until": wish},
    )
    row = await site.job(title, "held")
    assert before == sum(len(printer.kept()) for printer in site.printers.values())
    reply = await site.release(row["job"], "south-1", card="04C0FFEE")
    assert reply.status == "ok", reply
    assert (await site.job(title, "settled"))["billed"] == 1
