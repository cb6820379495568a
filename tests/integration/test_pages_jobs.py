"""Pages of jobs: found by filters, whole on their page, and nobody's business but theirs."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from tests.integration.money_pages_lab import OTHER, ask_back, open_money
from tests.integration.pages_lab import PERSON, signed_in

if TYPE_CHECKING:
    from pathlib import Path

pytestmark = pytest.mark.sqlite_only("what pages show of a job; how it is found has its own tests")


async def test_a_job_says_what_it_cost_and_why(tmp_path: Path) -> None:
    """The answer first; then its moments, figures, the rule and price, and an entry of zero."""
    lab, office = open_money(tmp_path)
    job = office.printed()
    async with signed_in(lab, "ada") as ada:
        answer = await ada.get(f"/jobs/{job}")
        assert answer.status_code == 200
        said = ada.text()
    assert "Ana paid €0.18 for 6 pages (3 sheets), 2 in colour, two-sided, on Library 2" in said
    for each in ("Came in", "Released", "Printed", "Charged", "Booked"):
        assert each in said
    assert "rule 2, “both sides”" in said
    assert "What the printer itself counted for a job comes before all others." in said
    assert "Income from printing" in said
    assert "Sum €0.00" in said
    assert "€0.12 of what was set aside came back by itself" in said


async def test_a_refusal_names_the_rule_that_decided(tmp_path: Path) -> None:
    """Nothing was charged, and the line that decided stands out."""
    lab, office = open_money(tmp_path)
    job = office.held()
    office.refused(job)
    async with signed_in(lab, PERSON) as ana:
        await ana.get(f"/me/jobs/{job}/why")
        assert "It was refused and waits, and cost nothing" in ana.text()
        assert "too long this decided rule 1, “no heaps”" in ana.text()


async def test_whose_job_it_is_sees_it_and_nobody_else_does(tmp_path: Path) -> None:
    """One's own page is one's own; the staff's is for those who see the jobs of its site."""
    lab, office = open_money(tmp_path)
    job = office.printed()
    async with signed_in(lab, PERSON) as ana:
        assert (await ana.get(f"/me/jobs/{job}/why")).status_code == 200
        assert "You paid €0.18 for 6 pages" in ana.text()
        assert (await ana.get(f"/jobs/{job}")).status_code == 403
    async with signed_in(lab, OTHER) as ben:
        for address in (
            f"/me/jobs/{job}/why",
            "/me/jobs/nothing/why",
            f"/me/jobs/{office.edge.mint()}/why",
        ):
            assert (await ben.get(address)).status_code == 404
        await ben.get("/me")
        answer = await ben.post(f"/me/jobs/{job}/why/ask-back", reason="give it to me")
        assert answer.status_code == 404
        assert (await ben.post(f"/me/jobs/{job}/why/withdraw")).status_code == 404
    async with signed_in(lab, "sam") as sam:
        assert (await sam.get(f"/jobs/{job}")).status_code == 200
        south = office.held(user="ana")
        with lab.books.write() as tx:
            tx.sql.exec_driver_sql("UPDATE job SET node = 'south' WHERE job = ?", (str(south),))
        assert (await sam.get(f"/jobs/{south}")).status_code == 404
        await sam.get("/jobs")
        assert str(south) not in sam.page
        await sam.get("/jobs?site=south")
        assert str(south) not in sam.page


async def test_ones_money_is_asked_for_once(tmp_path: Path) -> None:
    """With a reason; it shows as open, and can be taken back."""
    lab, office = open_money(tmp_path)
    job = office.printed()
    async with signed_in(lab, PERSON) as ana:
        await ana.get(f"/me/jobs/{job}/why")
        assert (await ana.post(f"/me/jobs/{job}/why/ask-back", reason=" ")).status_code == 422
        answer = await ana.post(f"/me/jobs/{job}/why/ask-back", reason="<b>white</b>")
        assert answer.headers["location"] == f"/me/jobs/{job}/why"
        await ana.get(f"/me/jobs/{job}/why")
        assert "&lt;b&gt;white" in ana.page
        assert "ask-back" not in ana.page
        assert (await ana.post(f"/me/jobs/{job}/why/ask-back", reason="again")).status_code == 422
        assert (await ana.post(f"/me/jobs/{job}/why/withdraw")).status_code == 303
        await ana.get(f"/me/jobs/{job}/why")
        assert "withdrawn" in ana.text()


async def test_jobs_are_found_by_what_is_known_of_them(tmp_path: Path) -> None:
    """Filters stand in the address, sums are of what is found, and it can be had as a file."""
    lab, office = open_money(tmp_path)
    first = office.printed(name="Thesis.pdf")
    second = office.held(name="=cmd()|evil.pdf", user="ben")
    office.refused(second)
    async with signed_in(lab, "axel") as axel:
        await axel.get("/jobs")
        assert "2 jobs, 6 pages, €0.18." in axel.text()
        for query, found, other in (
            ("q=thesis", first, second),
            ("user=BEN", second, first),
            ("state=refused", second, first),
            ("state=completed&cost=0,10", first, second),
            ("since=2020-01-01&service=print&site=north&user=ana", first, second),
        ):
            await axel.get(f"/jobs?{query}")
            assert str(found) in axel.page, query
            assert str(other) not in axel.page, query
        for query in (
            "since=99999-01-01&until=x&cost=1e9",
            "after=%00&n=7&sort=%27",
            "site=nowhere",
        ):
            assert (await axel.get(f"/jobs?{query}")).status_code == 200
        answer = await axel.get("/jobs?as=csv")
        assert answer.text.count("\n") == 3
        assert "'=cmd()" in answer.text or "\"'=cmd()" in answer.text
        assert str(first) in answer.text


async def test_a_job_that_somebody_asks_about_shows_their_words(tmp_path: Path) -> None:
    """Staff reads the reason where it reads the job."""
    lab, office = open_money(tmp_path)
    job = office.printed()
    ask_back(lab, job)
    async with signed_in(lab, "axel") as axel:
        await axel.get(f"/jobs/{job}")
        assert "All pages were white." in axel.text()
        assert "/refund" not in axel.page


async def test_a_job_is_told_of_in_ones_own_language(tmp_path: Path) -> None:
    """Every word of the page, and none that is no word."""
    lab, office = open_money(tmp_path)
    job = office.printed()
    async with signed_in(lab, PERSON) as ana:
        await ana.get(f"/me/jobs/{job}/why", headers={"accept-language": "de"})
        said = ana.text()
    assert "Sie haben 0,18 € bezahlt: 6 Seiten (3 Blatt), 2 farbig" in said
    assert "Regel 2, „both sides“" in said
    assert "Content-Type" not in said
