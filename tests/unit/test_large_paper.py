"""Large paper is told of where it was billed: some machines count a side of it as two."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from broker.messages import JobFlagged, JobSettled
from config.policy.decisions import Allowed
from config.policy.jobs import JobState
from edge.printing.fake_spooler import PrinterBehaviour
from tests.unit.edge_lab import CENT, Site, figures, grant, said

if TYPE_CHECKING:
    from pathlib import Path


@pytest.mark.parametrize(
    ("media", "came_out", "large"),
    [
        ("iso_a3", 10, 10),
        # only what was billed counts
        ("na_ledger", 4, 4),
        ("iso_a4", 10, 0),
        # nobody knows what it is on
        (None, 10, 0),
    ],
)
async def test_a_settlement_says_how_much_was_on_large_paper(
    tmp_path: Path, media: str | None, came_out: int, large: int
) -> None:
    """As many impressions as were billed, where the job's paper is large."""
    site = Site(tmp_path)
    await site.ready()
    grant(site.books, 100 * CENT)
    site.spooler.behaviour = PrinterBehaviour(JobState.PROCESSING)
    job = await site.arrive()
    waiting = site.books.job(job)
    assert waiting is not None
    planned = figures().model_copy(update={"media": media})
    flag = JobFlagged(job=job, cause="test", detail="on other paper")
    site.books.flag(waiting.with_(planned=planned), flag, site.now)
    assert isinstance(await site.releasing.release(job, "lib-1", "ana"), Allowed)
    site.spooler.end(job, JobState.CANCELED, came_out)
    await site.intake.sweep()
    (settled,) = [each for each in said(site.books, "jobs") if isinstance(each, JobSettled)]
    assert settled.billed.impressions == came_out
    assert settled.large == large
