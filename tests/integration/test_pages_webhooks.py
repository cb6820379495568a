"""The page of programs that are told: administrators only, a secret once, and what went wrong."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

import pytest

from central.acts import webhooks as acts
from central.store import happenings, webhooks
from tests.integration.hook_lab import BY, one_that_failed, subscribe
from tests.integration.pages_lab import PERSON, open_lab, signed_in

if TYPE_CHECKING:
    from pathlib import Path

pytestmark = pytest.mark.sqlite_only("what pages do is done by acts, which have their own tests")

THERE = "https://hooks.example.org/in?key=hunter2"


async def test_programs_are_entered_and_looked_after(tmp_path: Path) -> None:
    """Added, tried, paused, gone on with, given another secret, removed; each secret once."""
    lab = open_lab(tmp_path)
    async with signed_in(lab, "ada") as ada:
        await ada.get("/webhooks")
        assert "No program is told what happens." in ada.text()
        for wrong in (
            {"name": "erp", "url": THERE},
            {"name": "erp", "url": "http://example.org", "events": "job.held"},
            {"name": "Erp", "url": THERE, "events": "job.held"},
            {"name": "erp", "url": THERE, "events": "money.booked", "above": "much"},
            {"name": "erp", "url": THERE, "events": "job.nothing"},
        ):
            assert (await ada.post("/webhooks/add", **wrong)).status_code == 422, wrong
        answer = await ada.post("/webhooks/add", name="erp", url=THERE, events="job.held")
        secret = re.search(r"whsec_[^<]+", answer.text)
        assert secret
        await ada.get("/webhooks")
        assert "1 program is told what happens." in ada.text()
        assert "https://hooks.example.org/in" in ada.text()
        assert "hunter2" not in ada.page
        assert secret[0] not in ada.page
        await ada.post("/webhooks/try", name="erp")
        with lab.books.read() as tx:
            assert happenings.wanted(tx) == {"job.held"}
        await ada.post("/webhooks/pause", name="erp")
        await ada.get("/webhooks")
        assert "1 program does not get what it is to be told." in ada.text()
        await ada.post("/webhooks/resume", name="erp")
        answer = await ada.post("/webhooks/rotate", name="erp")
        assert "whsec_" in answer.text
        assert secret[0] not in answer.text
        await ada.post("/webhooks/remove", name="erp")
        for act in ("try", "pause", "resume", "rotate", "remove"):
            assert (await ada.post(f"/webhooks/{act}", name="erp")).status_code == 303
        await ada.get("/webhooks")
        assert "there is no webhook" in ada.text()


async def test_what_went_wrong_is_said(tmp_path: Path) -> None:
    """Above, when it is tried again, and in the list, which is a file as well."""
    lab = open_lab(tmp_path)
    subscribe(lab.books, THERE, "job")
    one_that_failed(lab.books, "it answered 500 <b>")
    async with signed_in(lab, "ada") as ada:
        await ada.get("/webhooks")
        text = ada.text()
        assert "1 program does not get what it is to be told." in text
        assert text.count("it answered 500 <b>") == 2
        assert "1 message waits." in text
        await ada.get("/webhooks?trouble=1&program=erp")
        assert "204" not in ada.text()
        await ada.get("/webhooks?program=other")
        assert "Nothing matches" in ada.text()
        rows = (await ada.get("/webhooks?as=csv")).text.strip().splitlines()
        assert len(rows) == 3
        assert "it answered 500" in rows[1]
        await ada.get("/webhooks")
        await ada.post("/webhooks/resume", name="erp", how="skip")
        with lab.books.read() as tx:
            states = [each.state for each in webhooks.last(tx)]
        assert states == ["left-out", "arrived"]


async def test_a_centre_that_sends_nothing_says_so(tmp_path: Path) -> None:
    """A copy of the books that is tried tells nobody; whoever looks is told why."""
    lab = open_lab(tmp_path)
    settings = lab.centre.settings
    off = settings.webhooks.model_copy(update={"enabled": False})
    lab.centre.settings = settings.model_copy(update={"webhooks": off})
    async with signed_in(lab, "ada") as ada:
        await ada.get("/webhooks")
        assert "Nothing is sent at present." in ada.text()


async def test_it_is_for_administrators(tmp_path: Path) -> None:
    """Others find neither the page nor its acts; nor does it stand in their navigation."""
    lab = open_lab(tmp_path)
    subscribe(lab.books, THERE, "job")
    for name in ("sam", "olga", "axel", PERSON):
        async with signed_in(lab, name) as who:
            assert (await who.get("/webhooks")).status_code == 403
            await who.get("/me")
            assert "/webhooks" not in who.page
            for act in ("add", "try", "pause", "resume", "rotate", "remove"):
                assert (await who.post(f"/webhooks/{act}", name="erp")).status_code == 403
    with lab.books.write() as tx:
        assert acts.pause(tx, BY, "erp") is None
