"""The page of figures: what it says, draws and hands out; bounded by the sites of who asks."""

from __future__ import annotations

import re
from datetime import timedelta
from typing import TYPE_CHECKING

import pytest

from central.store import facts
from tests.integration.money_pages_lab import open_money
from tests.integration.pages_lab import PERSON, signed_in

if TYPE_CHECKING:
    from pathlib import Path

    from tests.integration.pages_lab import Lab

pytestmark = pytest.mark.sqlite_only("which totals answer is tested where they are kept")


def printed(path: Path, jobs: int = 3) -> Lab:
    """Return books with some jobs at north, rolled up."""
    lab, office = open_money(path)
    for _ in range(jobs):
        office.printed()
    facts.catch_up(lab.books, lambda _done, _all: None)
    return lab


async def test_figures_say_the_sum_first_and_draw_it(tmp_path: Path) -> None:
    """Pages, jobs and money in a sentence; a chart with its table; lines that lead on."""
    lab = printed(tmp_path)
    async with signed_in(lab, "axel") as axel:
        await axel.get("/figures")
        assert "18 pages in 3 jobs, €0.54." in axel.text()
        assert 'class="chart chart-columns"' in axel.page
        await axel.get("/figures?by=user")
        assert 'class="chart chart-bars"' in axel.page
        assert "The same as a table" in axel.text()
        assert "by=month&amp;user=ana" in axel.page


@pytest.mark.parametrize(
    "by",
    ["day", "month", "site", "printer", "user", "group", "department", "project", "account",
     "service"],
)  # fmt: skip
async def test_each_way_of_asking_is_a_page_and_a_file(tmp_path: Path, by: str) -> None:
    """Whatever a line is of, CSV and XLSX have the same lines with their units in the head."""
    lab = printed(tmp_path, 1)
    async with signed_in(lab, "axel") as axel:
        assert (await axel.get(f"/figures?by={by}")).status_code == 200
        answer = await axel.get(f"/figures?by={by}&as=csv")
        assert "Charged, EUR" in answer.text.splitlines()[0]
        if by not in {"group", "department", "project", "account"}:
            assert "0.18" in answer.text
        answer = await axel.get(f"/figures?by={by}&as=xlsx")
        assert answer.content.startswith(b"PK")


async def test_days_of_years_are_drawn_by_months(tmp_path: Path) -> None:
    """Hundreds of bars say nothing: months are drawn, and named so; the list goes on by day."""
    lab = printed(tmp_path, 1)
    today = lab.clock.now.date()
    begin = today - timedelta(days=400)
    async with signed_in(lab, "axel") as axel:
        await axel.get(f"/figures?by=day&since={begin}&until={today}&n=200")
        assert "Pages, by month" in axel.text()
        assert len(re.findall('class="chart-tone-1"', axel.page)) in {14, 15}
        assert axel.page.count('<th scope="row" data-label="Day">') == 200
        await axel.get(f"/figures?by=day&since={today - timedelta(days=365)}&until={today}")
        assert "by month" not in axel.text()
        assert len(re.findall('class="chart-tone-1"', axel.page)) == 366


async def test_figures_of_one_site_are_for_who_runs_it(tmp_path: Path) -> None:
    """A site administrator sees the sums of that site only; an operator and a person see none."""
    lab = printed(tmp_path)
    with lab.books.write() as tx:
        tx.sql.exec_driver_sql("UPDATE fact SET node = 'south'")
    async with signed_in(lab, "sam") as sam:
        for query in ("", "?by=user", "?by=site", "?site=south", "?by=printer&site=south"):
            await sam.get(f"/figures{query}")
            assert "Nothing was printed or copied" in sam.text(), query
        answer = await sam.get("/figures?by=user&as=csv")
        assert len(answer.text.splitlines()) == 1
    for name in ("olga", PERSON):
        async with signed_in(lab, name) as other:
            assert (await other.get("/figures")).status_code in {303, 403}


async def test_what_totals_do_not_answer_is_said_and_leads_to_the_jobs(tmp_path: Path) -> None:
    """A person at a printer is no total: the page says so instead of reading all jobs."""
    lab = printed(tmp_path, 1)
    async with signed_in(lab, "axel") as axel:
        await axel.get("/figures?by=user&printer=north-1")
        assert "It would take reading every job." in axel.text()
        assert 'href="/jobs?since=' in axel.page
        await axel.get("/figures?by=user&printer=north-1&as=csv")
        assert "It would take reading every job." in axel.text()


@pytest.mark.parametrize(
    "query",
    [
        "period=%00&by=%00",
        "since=9999-12-31&until=0001-01-01",
        "since=2020-01-01&until=2199-01-01",
        "since=2026-02-30",
        "after=OTk5OTk5OTk5OTk5OTk5OTk5&by=user",
        "after=LTE&sort=-name&n=200",
        "user=%27%22%3Cscript%3E&by=user",
        "site=nowhere&by=site",
        "service=fax",
    ],
)
async def test_hostile_addresses_of_figures_are_answered(tmp_path: Path, query: str) -> None:
    """No address fails, and nothing of it comes back unescaped."""
    lab = printed(tmp_path, 1)
    async with signed_in(lab, "axel") as axel:
        answer = await axel.get(f"/figures?{query}")
        assert answer.status_code == 200
        assert "<script>" not in answer.text
