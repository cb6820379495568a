"""Pages of refunds: given back once, with the evidence beside; declined with words; by site."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING
from uuid import uuid4

import pytest

from central.store import accounts, refund_requests
from tests.integration.books_lab import euros
from tests.integration.money_pages_lab import DESK, ask_back, open_money
from tests.integration.pages_lab import PERSON, signed_in

if TYPE_CHECKING:
    from pathlib import Path

    from tests.integration.pages_lab import Browser, Lab

pytestmark = pytest.mark.sqlite_only("what pages do is done by acts, which have their own tests")


def whole(lab: Lab) -> int:
    """Return what ana has."""
    with lab.books.read() as tx:
        return accounts.whole(tx, "user:ana", "EUR")


def left(page: Browser) -> str:
    """Return what the last page says can be given back."""
    found = re.search(r'name="left" value="([^"]*)"', page.page)
    return found[1] if found else ""


async def test_a_request_is_settled_by_one_click(tmp_path: Path) -> None:
    """The evidence stands beside; the money is there; a second click gives nothing."""
    lab, office = open_money(tmp_path)
    job = office.printed()
    request = ask_back(lab, job)
    before = whole(lab)
    async with signed_in(lab, DESK) as dora:
        await dora.get("/refunds")
        assert "1 person waits for an answer about their money." in dora.text()
        assert "All pages were white." in dora.text()
        assert "Ana paid €0.18 for 6 pages" in dora.text()
        shown = left(dora)
        answer = await dora.post(f"/refunds/{request}/settle", left=shown)
        assert answer.headers["location"] == "/refunds"
        assert whole(lab) == before + euros("0.18")
        await dora.get("/refunds")
        assert "€0.18 went back to user:ana." in dora.text()
        again = await dora.post(f"/refunds/{request}/settle", left=shown)
        assert again.status_code == 422
        assert whole(lab) == before + euros("0.18")
    async with signed_in(lab, PERSON) as ana:
        await ana.get(f"/me/jobs/{job}/why")
        assert "You got all of your money back, €0.18" in ana.text()


async def test_a_request_is_declined_with_words_that_the_person_reads(tmp_path: Path) -> None:
    """Without a word nobody is sent away; the words stand on the job's page."""
    lab, office = open_money(tmp_path)
    job = office.printed()
    request = ask_back(lab, job)
    async with signed_in(lab, DESK) as dora:
        await dora.get(f"/refunds/{request}")
        assert (await dora.post(f"/refunds/{request}/decline", answer=" ")).status_code == 422
        answer = await dora.post(f"/refunds/{request}/decline", answer="<i>They were fine</i>")
        assert answer.headers["location"] == "/refunds"
        assert (await dora.post(f"/refunds/{request}/decline", answer="no")).status_code == 303
        await dora.get(f"/refunds/{request}")
        assert "declined" in dora.text()
    async with signed_in(lab, PERSON) as ana:
        await ana.get(f"/me/jobs/{job}/why")
        assert "&lt;i&gt;They were fine" in ana.page


async def test_part_of_a_job_is_given_back_from_its_page(tmp_path: Path) -> None:
    """With a reason; no more than is left; what changed meanwhile is looked at first."""
    lab, office = open_money(tmp_path)
    job = office.printed()
    before = whole(lab)
    async with signed_in(lab, DESK) as dora:
        address = f"/jobs/{job}/refund"
        await dora.get(address)
        assert "Up to €0.18 can go back to Ana." in dora.text()
        shown = left(dora)
        for amount, reason in (("0.05", ""), ("much", "x"), ("-1", "x"), ("0.19", "x"), ("0", "x")):
            answer = await dora.post(address, amount=amount, reason=reason, left=shown)
            assert answer.status_code == 422, amount
        answer = await dora.post(address, amount="0.05", reason="streaks", left=shown)
        assert answer.status_code == 303
        assert whole(lab) == before + euros("0.05")
        assert (await dora.post(address, amount="0.05", reason="x", left=shown)).status_code == 422
        assert whole(lab) == before + euros("0.05")
        await dora.get(f"/jobs/{job}")
        assert "streaks" in dora.text()


async def test_requests_are_for_who_may_settle_them(tmp_path: Path) -> None:
    """At their sites only; an auditor sees them on jobs and settles nothing."""
    lab, office = open_money(tmp_path)
    job = office.printed()
    request = ask_back(lab, job)
    async with signed_in(lab, "axel") as axel:
        await axel.get("/jobs")
        assert (await axel.post(f"/refunds/{request}/settle")).status_code == 403
        assert (await axel.get(f"/jobs/{job}/refund")).status_code == 403
    async with signed_in(lab, "sam") as sam:
        assert (await sam.get(f"/refunds/{request}")).status_code == 200
        with lab.books.write() as tx:
            moved = "UPDATE refund_request SET node = 'south'"
            tx.sql.exec_driver_sql(moved)
            tx.sql.exec_driver_sql("UPDATE job SET node = 'south'")
        await sam.get("/refunds")
        assert "Nobody waits" in sam.text()
        for address in (f"/refunds/{request}", f"/jobs/{job}/refund", f"/refunds/{uuid4()}"):
            assert (await sam.get(address)).status_code == 404
        for act in ("settle", "decline"):
            assert (await sam.post(f"/refunds/{request}/{act}", answer="x")).status_code == 404
        assert (await sam.post(f"/jobs/{job}/refund", reason="x")).status_code == 404
        with lab.books.read() as tx:
            assert refund_requests.waiting(tx) == 1


async def test_a_request_about_a_deleted_job_can_still_be_answered(tmp_path: Path) -> None:
    """The evidence is gone, and the page says so."""
    lab, office = open_money(tmp_path)
    request = ask_back(lab, office.printed())
    with lab.books.write() as tx:
        tx.sql.exec_driver_sql("DELETE FROM job")
    async with signed_in(lab, DESK) as dora:
        await dora.get("/refunds")
        assert "The job was deleted since" in dora.text()
        assert (await dora.get(f"/refunds/{request}")).status_code == 200
        assert (await dora.get("/refunds?state=open&user=ana&after=x&as=csv")).status_code == 200
