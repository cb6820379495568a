"""The pages of prices: the grid, its history, and a change whose cost is seen before it counts."""

from __future__ import annotations

import re
from datetime import timedelta
from typing import TYPE_CHECKING

import pytest

from central.acts import rules as acts
from tests.integration.money_pages_lab import open_money
from tests.integration.pages_lab import PERSON, open_lab, signed_in

if TYPE_CHECKING:
    from pathlib import Path

    from tests.integration.pages_lab import Browser, Lab

pytestmark = pytest.mark.sqlite_only("what pages do is done by acts, which have their own tests")

LINE = {"service-0": "*", "color-0": "*", "media-0": "*", "sides-0": "*", "printer-0": ""}


def hidden(page: Browser, name: str) -> str:
    """Return a hidden field of the last page."""
    found = re.search(rf'name="{name}" value="([^"]*)"', page.page)
    return found[1] if found else ""


def versions(lab: Lab) -> list[tuple[int, str]]:
    """Return the prices there are with their state."""
    with lab.books.read() as tx:
        return [(each.tariff.version, each.state) for each in acts.tariffs(tx)]


async def test_a_change_is_seen_before_it_counts(tmp_path: Path) -> None:
    """The past week is priced anew; what was seen is put in force, and nothing else."""
    lab, office = open_money(tmp_path)
    office.printed()
    async with signed_in(lab, "ada") as ada:
        await ada.get("/prices")
        assert "Version 1 of the prices is in force" in ada.text()
        await ada.get("/prices/~change")
        form = {**LINE, "impression-0": "0.06", "base": hidden(ada, "base")}
        await ada.post("/prices/~change", **form, do="enter")
        said = "The 1 job of the past week would have cost €0.36 instead of €0.18."
        assert said in ada.text()
        assert versions(lab) == [(1, "now")]
        seen = hidden(ada, "seen")
        await ada.post("/prices/~change", **(form | {"impression-0": "9"}), seen=seen, do="enter")
        assert versions(lab) == [(1, "now")]
        lab.later(seconds=1)
        answer = await ada.post("/prices/~change", **form, seen=seen, do="enter")
        assert answer.headers["location"] == "/prices"
        assert versions(lab) == [(1, "past"), (2, "now")]
        # the same form once more: somebody has entered prices meanwhile
        answer = await ada.post("/prices/~change", **form, seen=seen, do="enter")
        assert answer.status_code == 422
        assert versions(lab) == [(1, "past"), (2, "now")]


async def test_prices_to_come_are_taken_back(tmp_path: Path) -> None:
    """Those in force are not: charges name them."""
    lab, _ = open_money(tmp_path)
    async with signed_in(lab, "ada") as ada:
        await ada.get("/prices/~change")
        later = (lab.clock.now + timedelta(days=3)).strftime("%Y-%m-%dT%H:%M")
        form = {**LINE, "impression-0": "0.06", "base": "1", "effective": later}
        await ada.post("/prices/~change", **form)
        await ada.post("/prices/~change", **form, seen=hidden(ada, "seen"), do="enter")
        assert versions(lab) == [(1, "now"), (2, "future")]
        await ada.get("/prices/version/2")
        assert "to come" in ada.text()
        await ada.post("/prices/version/1/withdraw")
        await ada.post("/prices/version/2/withdraw")
        assert versions(lab) == [(1, "now")]


async def test_what_is_no_price_is_said_beside_it(tmp_path: Path) -> None:
    """Nothing of a form that is wrong counts, and what was typed is kept as text."""
    lab, _ = open_money(tmp_path)
    async with signed_in(lab, "ada") as ada:
        await ada.get("/prices/~change")
        bad = (
            {"impression-0": "-1"},
            {"impression-0": "much<script>"},
            {"impression-0": "9" * 40},
            {"impression-0": "NaN"},
            {"impression-0": "1", "media-0": "papyrus"},
            {"impression-0": "1", "printer-0": "../x"},
            {"impression-0": "1", "effective": "yesterday"},
            {"impression-0": "1", "effective": "2020-01-01T00:00"},
            {"impression-0": ""},
        )
        for each in bad:
            answer = await ada.post("/prices/~change", **(LINE | each), base="1", do="enter")
            assert answer.status_code == 422, each
            assert "<script>" not in ada.page.replace("<script src", "")
        assert versions(lab) == [(1, "now")]
        for version in ("0", "x", "9" * 30):
            assert (await ada.get(f"/prices/version/{version}")).status_code == 404


async def test_prices_are_changed_by_administrators_only(tmp_path: Path) -> None:
    """Staff reads them; nobody else of it changes them; a person sees none."""
    lab, _ = open_money(tmp_path)
    for name in ("sam", "olga", "axel"):
        async with signed_in(lab, name) as other:
            assert (await other.get("/prices")).status_code == 200
            assert "/prices/~change" not in other.page
            assert (await other.get("/prices/~change")).status_code == 403
            form = {**LINE, "impression-0": "1", "base": "1"}
            assert (await other.post("/prices/~change", **form)).status_code == 403
            assert (await other.post("/prices/version/1/withdraw")).status_code == 403
    async with signed_in(lab, PERSON) as ana:
        assert (await ana.get("/prices")).status_code in {303, 403}


async def test_a_page_without_prices_leads_to_the_first_ones(tmp_path: Path) -> None:
    """It says what prices are of and has the button; who may only read them sees no button."""
    lab = open_lab(tmp_path)
    for name, may in (("ada", True), ("axel", False)):
        async with signed_in(lab, name) as browser:
            await browser.get("/prices")
            assert "Prices will stand here" in browser.text()
            assert ('href="/prices/~change"' in browser.page) is may
