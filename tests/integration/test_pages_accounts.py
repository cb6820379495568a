"""Pages of accounts: found, shown with where the money sits, and changed by entries only."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

import pytest

from central.store import account_list, accounts
from tests.integration.accounts_lab import assert_sound
from tests.integration.books_lab import euros
from tests.integration.money_pages_lab import DESK, open_money
from tests.integration.pages_lab import PERSON, signed_in

if TYPE_CHECKING:
    from pathlib import Path

    from tests.integration.pages_lab import Browser, Lab

ANA = "user:ana"


def whole(lab: Lab, key: str = ANA) -> int:
    """Return what an account has."""
    with lab.books.read() as tx:
        return accounts.whole(tx, key, "EUR")


def state(lab: Lab, key: str) -> str:
    """Return how an account stands."""
    with lab.books.read() as tx:
        found = accounts.find(tx, key)
    return "" if found is None else found.state


def seen(page: Browser) -> str:
    """Return what the form knows as the newest entry."""
    found = re.search(r'name="seen" value="(\d+)"', page.page)
    return found[1] if found else ""


async def test_an_account_says_what_it_has_and_where(tmp_path: Path) -> None:
    """The answer first; entries newest first; each shows its postings and its job."""
    lab, office = open_money(tmp_path)
    job = office.printed()
    async with signed_in(lab, "axel") as axel:
        await axel.get("/accounts")
        assert "All accounts together hold €5.02." in axel.text()
        await axel.get("/accounts/of/user:ana")
        assert "Ana has €4.02 at north." in axel.text()
        assert "Correct…" not in axel.text()
        (number,) = re.findall(r"/accounts/entries/(\d+)\">Charge", axel.page)
        await axel.get(f"/accounts/entries/{number}")
        assert "Sum €0.00" in axel.text()
        assert f"/jobs/{job}" in axel.page
        csv = await axel.get("/accounts/of/user:ana?as=csv")
        assert csv.status_code == 200
        assert "-0.18" in csv.text


async def test_accounts_are_found_by_what_is_known_of_them(tmp_path: Path) -> None:
    """The beginning of a key, a label, whose it is, kind and state; hostile words do no harm."""
    lab, _ = open_money(tmp_path)
    with lab.books.write() as tx:
        rules = accounts.Rules(label="Institute of Physics")
        assert accounts.open_new(tx, "department:phys/ics", "EUR", rules) is None
        assert accounts.open_new(tx, "project:p1", "page", accounts.Rules(), enabled=False) is None
    async with signed_in(lab, "ada") as ada:
        for query, found, other in (
            ("q=institute", "department:phys/ics", ANA),
            ("q=AN", ANA, "user:ben"),
            ("kind=project", "project:p1", ANA),
            ("state=frozen", "project:p1", ANA),
        ):
            await ada.get(f"/accounts?{query}")
            assert found in ada.text(), query
            assert other not in ada.text(), query
        for query in ("q=%25&kind=x", "q=%00'--&state=no", "after=%ff&n=25", "as=xlsx"):
            assert (await ada.get(f"/accounts?{query}")).status_code == 200, query
        assert (await ada.get("/accounts/of/department:phys%2Fics")).status_code == 200
        assert "Institute of Physics has nothing." in ada.text()
        for address in ("/accounts/of/user:nobody", "/accounts/entries/999", "/accounts/entries/x"):
            assert (await ada.get(address)).status_code == 404


async def test_pages_of_accounts_and_entries_go_on_from_their_cursor(tmp_path: Path) -> None:
    """No account and no entry is left out or shown twice."""
    lab, office = open_money(tmp_path)
    for _ in range(3):
        office.printed()
    with lab.books.read() as tx:
        every = [each.key for each in account_list.search(tx, account_list.Which())]
        after, walked = "", []
        while page := account_list.search(tx, account_list.Which(), after=after, limit=1):
            walked += [each.key for each in page]
            after = page[-1].key
        assert walked == every
        numbers = [each.n for each in account_list.entries(tx, ANA)]
        assert numbers == sorted(numbers, reverse=True)
        assert len(numbers) >= 4
        rest = [each.n for each in account_list.entries(tx, ANA, before=numbers[1], limit=2)]
        assert rest == numbers[2:4]
        total = sum(whole_ for whole_ in (accounts.whole(tx, key, "EUR") for key in every))
        assert account_list.held(tx) == {"EUR": total}


async def test_a_balance_is_put_right_once_with_its_reason(tmp_path: Path) -> None:
    """By a new entry; a form that was sent twice books once."""
    lab, _ = open_money(tmp_path)
    address = "/accounts/act/correct/user:ana"
    async with signed_in(lab, "ada") as ada:
        await ada.get(address)
        shown = seen(ada)
        for fields in (
            {"amount": "x", "reason": "r"},
            {"amount": "1", "reason": ""},
            {"amount": "-999", "reason": "r"},
            {"amount": "0", "reason": "r"},
        ):
            assert (await ada.post(address, seen=shown, **fields)).status_code == 422, fields
        before = whole(lab)
        good = {"amount": "0.50", "reason": "<b>jam</b>", "seen": shown}
        assert (await ada.post(address, **good)).status_code == 303
        assert (await ada.post(address, **good)).status_code == 422
        assert whole(lab) == before + euros("0.50")
        await ada.get("/accounts/of/user:ana")
        assert "&lt;b&gt;jam" in ada.page
    assert_sound(lab.books)


async def test_an_account_is_opened_changed_frozen_merged_and_closed(tmp_path: Path) -> None:
    """What is hard to undo says its numbers and wants its name typed."""
    lab, _ = open_money(tmp_path)
    async with signed_in(lab, "ada") as ada:
        await ada.get("/accounts/new")
        bad = await ada.post("/accounts/new", kind="house", name="x", unit="EUR")
        assert bad.status_code == 422
        for name in ("physics", "optics"):
            done = await ada.post(
                "/accounts/new", kind="department", name=name, label="L", overdraft="5", unit="EUR"
            )
            assert done.headers["location"] == f"/accounts/of/department:{name}"
        key = "department:physics"
        await ada.get(f"/accounts/act/change/{key}")
        assert (await ada.post(f"/accounts/act/change/{key}", overdraft="-1")).status_code == 422
        done = await ada.post(f"/accounts/act/change/{key}", label="Physics", overdraft="")
        assert done.status_code == 303
        await ada.post(f"/accounts/act/freeze/{key}", reason="audit")
        assert state(lab, key) == "frozen"
        await ada.post(f"/accounts/act/unfreeze/{key}")
        assert state(lab, key) == "open"
        await ada.get(f"/accounts/act/merge/{key}")
        assert f"Type {key} to go on" in ada.text()
        fields = {"to": "department:optics", "reason": "one house"}
        assert (await ada.post(f"/accounts/act/merge/{key}", **fields)).status_code == 422
        done = await ada.post(f"/accounts/act/merge/{key}", typed=key, **fields)
        assert done.status_code == 303
        assert state(lab, key) == "merged"
        optics = "department:optics"
        await ada.get(f"/accounts/act/close/{optics}")
        fields = {"typed": optics, "reason": "over"}
        assert (await ada.post(f"/accounts/act/close/{optics}", **fields)).status_code == 422
        fields["to"] = "house:paidout"
        assert (await ada.post(f"/accounts/act/close/{optics}", **fields)).status_code == 303
        assert state(lab, optics) == "closed"
    assert_sound(lab.books)


@pytest.mark.sqlite_only("who may is no question of SQL")
async def test_accounts_are_changed_by_administrators_only(tmp_path: Path) -> None:
    """The desk and auditors see them; people see none but their own."""
    lab, _ = open_money(tmp_path)
    for name in (DESK, "axel", "sam"):
        async with signed_in(lab, name) as staff:
            assert (await staff.get("/accounts/of/user:ana")).status_code == 200
            for act in ("correct", "close", "nothing"):
                answer = await staff.post(f"/accounts/act/{act}/user:ana", amount="1", reason="x")
                assert answer.status_code == 403
    async with signed_in(lab, PERSON) as ana:
        for address in ("/accounts", "/accounts/of/user:ana", "/accounts/entries/1"):
            assert (await ana.get(address)).status_code == 403
