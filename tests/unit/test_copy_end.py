"""How copies end: by what stops them, with every alarm told, whatever is wrong with another one."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from broker.directory import UserRow
from broker.messages import DirectoryRows
from edge.store.replica import rows_of
from tests.unit.copies_lab import PATIENCE, CopySite
from tests.unit.edge_lab import ANA, CENT, euros, grant

if TYPE_CHECKING:
    from collections.abc import Sequence
    from datetime import datetime

    from broker.messages import AccountAmount, Charged, JobSettled
    from edge.jobs import JobRecord


def _now_is(site: CopySite, user: UserRow | None) -> None:
    rows = rows_of([("user", "ana", 2, user)])
    site.replica.apply(DirectoryRows(epoch=1, kind="delta", since=1, upto=2, rows=rows))


@pytest.mark.parametrize("row", [UserRow(name="ana", accounts=(ANA,), enabled=False), None])
async def test_who_is_disabled_in_mid_copy_stops_at_the_next_count(row: UserRow | None) -> None:
    """Somebody the centre disables or deletes copies no more here; what was made is charged."""
    site = CopySite()
    grant(site.books, euros("10"))
    state = await site.begin()
    assert site.count(state.copy_id, monochrome=1).go_on
    _now_is(site, row)
    stopped = site.count(state.copy_id, monochrome=2)
    assert not stopped.go_on
    assert "may not" in stopped.text
    assert site.end(state.copy_id, monochrome=3).cost[0].micros == 15 * CENT


async def test_a_copy_that_cannot_be_settled_keeps_no_other_waiting() -> None:
    """What is wrong with one copy is told after all the others were settled."""
    site = CopySite()
    grant(site.books, euros("100"))
    bad = await site.begin("lib-1")
    good = await site.begin("lib-2", node="reader-2")
    site.count(bad.copy_id, monochrome=1)
    site.count(good.copy_id, node="reader-2", monochrome=2)
    settle = site.books.settle

    def broken(
        record: JobRecord,
        held: Sequence[AccountAmount],
        settled: JobSettled,
        charged: Charged | None,
        now: datetime,
    ) -> None:
        if record.job == bad.copy_id:
            raise RuntimeError("this one is beyond repair")
        settle(record, held, settled, charged, now)

    site.books.settle = broken  # type: ignore[method-assign]
    site.copying.sweep()
    site.seconds += PATIENCE.total_seconds()
    with pytest.raises(RuntimeError):
        site.copying.sweep()
    assert [each.job for each in site.settled()] == [good.copy_id]


async def test_every_alarm_of_the_last_counts_is_told() -> None:
    """A figure that fell and a kind that is not allowed, both in the last word, are both told."""
    site = CopySite()
    grant(site.books, euros("10"))
    state = await site.begin("lib-2")
    site.count(state.copy_id, monochrome=2)
    site.end(state.copy_id, monochrome=1, color=1)
    (settled,) = site.settled()
    assert "copy-kind" in (settled.flag or "")
    assert "copy-count-fell" in (settled.flag or "")


async def test_the_billed_figures_are_those_that_were_paid() -> None:
    """Past the hold the dearest are left out: the books name the colours of what is billed."""
    site = CopySite()
    grant(site.books, euros("2"))
    state = await site.begin()
    site.end(state.copy_id, monochrome=30, color=5)
    (charged,) = site.charged()
    assert charged.postings[0].micros == euros("2")
    assert charged.printed_above == 3
    assert (charged.counted.impressions, charged.counted.color_impressions) == (32, 2)
