"""Pages of the till: cash goes in and out by receipts, and what was counted closes it."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

import pytest

from central.store import accounts
from tests.integration.accounts_lab import assert_sound
from tests.integration.books_lab import euros
from tests.integration.money_pages_lab import DESK, open_money
from tests.integration.pages_lab import PERSON, signed_in

if TYPE_CHECKING:
    from pathlib import Path

    from tests.integration.pages_lab import Lab

pytestmark = pytest.mark.sqlite_only("the till's acts have their own tests on both")

AT = "/till/at/desk-1"


def whole(lab: Lab) -> int:
    """Return what ana has."""
    with lab.books.read() as tx:
        return accounts.whole(tx, "user:ana", "EUR")


async def test_a_day_at_the_till(tmp_path: Path) -> None:
    """Opened, cash in by name, a receipt as PDF, one taken back, counted, closed with a word."""
    lab, _ = open_money(tmp_path)
    before = whole(lab)
    async with signed_in(lab, DESK) as dora:
        await dora.get("/till")
        assert "No till is open." in dora.text()
        for name, opening in (("Desk 1!", "1"), ("desk-1", "x"), ("desk-1", "-1")):
            assert (await dora.post("/till", name=name, opening=opening)).status_code == 422
        opened = await dora.post("/till", name="desk-1", opening="20")
        assert opened.headers["location"] == AT
        await dora.get(f"{AT}?for=user:ana")
        assert "€20.00 should be in desk-1." in dora.text()
        first = {"for": "ana", "amount": "5", "seen": "0"}
        done = await dora.post(f"{AT}/take", **first)
        assert done.headers["location"] == "/till/receipts/1"
        assert (await dora.post(f"{AT}/take", **first)).status_code == 422, "sent twice"
        assert whole(lab) == before + euros("5.00")
        await dora.get("/till/receipts/1")
        assert "€5.00 in cash from Ana is on the account." in dora.text()
        for more in ("", "?paper=80mm"):
            pdf = await dora.get(f"/till/receipts/1/pdf{more}")
            assert pdf.headers["content-type"] == "application/pdf"
            assert pdf.content.startswith(b"%PDF")
        await dora.get("/till/receipts/1")
        assert (await dora.post("/till/receipts/1/take-back", reason=" ")).status_code == 422
        done = await dora.post("/till/receipts/1/take-back", reason="<i>wrong Ana</i>")
        assert done.headers["location"] == "/till/receipts/2"
        assert whole(lab) == before
        await dora.get("/till/receipts/2")
        assert "Give €5.00 in cash to Ana." in dora.text()
        assert "&lt;i&gt;wrong Ana" in dora.page
        await dora.get("/till/receipts/1")
        assert "It was taken back by another receipt. Number 2" in dora.text()
        await dora.get(f"{AT}/close")
        assert "20.00" not in dora.text()
        assert (await dora.post(f"{AT}/close", counted="many")).status_code == 422
        assert (await dora.post(f"{AT}/close", counted="19.50")).status_code == 422
        assert "€20.00 should be in it, and you counted €19.50: -€0.50." in dora.text()
        done = await dora.post(f"{AT}/close", counted="19.50", note="a coin fell")
        await dora.get(done.headers["location"])
        assert "desk-1 closed with €19.50, €0.50 too little." in dora.text()
        sheet = await dora.get(f"{done.headers['location']}/pdf")
        assert sheet.content.startswith(b"%PDF")
        await dora.get("/till")
        assert "a coin fell" in dora.text()
        assert (await dora.get(AT)).status_code == 404
    assert_sound(lab.books)


async def test_whom_cash_is_for_is_asked_when_a_name_says_too_little(tmp_path: Path) -> None:
    """Nobody gets money by likeness: who is meant is chosen."""
    lab, _ = open_money(tmp_path)
    before = whole(lab)
    async with signed_in(lab, DESK) as dora:
        await dora.get("/till")
        await dora.post("/till", name="desk-1", opening="0")
        await dora.get(AT)
        for amount, for_ in (("5", "an"), ("5", "nobody"), ("0", "ana"), ("5", "house:topup")):
            answer = await dora.post(f"{AT}/take", **{"for": for_}, amount=amount, seen="0")
            assert answer.status_code == 422, for_
        assert whole(lab) == before
        await dora.post(f"{AT}/take", **{"for": "an"}, amount="5", seen="0")
        keys = re.findall(r'name="key" value="([^"]+)"', dora.page)
        assert "user:ana" in keys
        done = await dora.post(f"{AT}/take", key="user:ana", amount="5", seen="0")
        assert done.status_code == 303
        assert whole(lab) == before + euros("5.00")
        await dora.get(AT)
        out = {"for-out": "ana", "amount-out": "1", "seen": "1"}
        answer = await dora.post(f"{AT}/pay-back", **out)
        assert answer.status_code == 422, "without a reason"
        answer = await dora.post(f"{AT}/pay-back", **out, **{"note-out": "leaves"})
        assert answer.status_code == 303
        assert whole(lab) == before + euros("4.00")
        assert (await dora.get(f"{AT}?as=csv")).text.count("\n") == 3
    assert_sound(lab.books)


async def test_the_till_is_for_the_desk(tmp_path: Path) -> None:
    """Auditors, site administrators and people take no money."""
    lab, _ = open_money(tmp_path)
    async with signed_in(lab, DESK) as dora:
        await dora.get("/till")
        for address in ("/till/receipts/1", "/till/receipts/x/pdf", "/till/sessions/99999999999"):
            assert (await dora.get(address)).status_code == 404
    for name in ("axel", "sam", PERSON):
        async with signed_in(lab, name) as other:
            await other.get("/me")
            for address in ("/till", "/till/receipts/1/pdf", f"{AT}/close"):
                assert (await other.get(address)).status_code == 403
            answer = await other.post("/till", name="mine", opening="0")
            assert answer.status_code == 403
