"""Promises of the page of members: who belongs to an account is seen, put in and taken out."""

from __future__ import annotations

import html
import re
from typing import TYPE_CHECKING

import pytest

from central.store import accounts, audit, wallets
from tests.integration.money_pages_lab import DESK, open_money
from tests.integration.pages_lab import PERSON, enter, signed_in

if TYPE_CHECKING:
    from pathlib import Path

    from tests.integration.pages_lab import Lab

PHYSICS = "department:physics"
AT = f"/accounts/members/{PHYSICS}"


def open_physics(path: Path) -> Lab:
    """Return the lab with a department nobody belongs to yet."""
    lab, _ = open_money(path)
    with lab.books.write() as tx:
        rules = accounts.Rules(label="Institute of Physics")
        assert accounts.open_new(tx, PHYSICS, "EUR", rules) is None
        assert accounts.open_new(tx, "project:a/b", "EUR", accounts.Rules()) is None
    return lab


def members(lab: Lab, key: str = PHYSICS) -> list[str]:
    """Return who belongs to an account."""
    with lab.books.read() as tx:
        return wallets.members(tx, key)


async def test_people_are_put_in_and_taken_out(tmp_path: Path) -> None:
    """By part of a name, by many user names, out again one by one; each act is in the audit."""
    lab = open_physics(tmp_path)
    async with signed_in(lab, "ada") as ada:
        await ada.get(f"/accounts/of/{PHYSICS}")
        assert "Nobody may choose it yet" in ada.text()
        assert f'href="{AT}"' in ada.page
        await ada.get(AT)
        assert "Nobody belongs to Institute of Physics yet." in ada.text()
        answer = await ada.post(f"/accounts/admit/{PHYSICS}", who="be")
        assert answer.status_code == 422
        assert 'name="pick" value="ben" checked' in ada.page
        assert members(lab) == []
        answer = await ada.post(f"/accounts/admit/{PHYSICS}", who="be", pick="ben")
        assert (answer.status_code, answer.headers["location"]) == (303, AT)
        assert members(lab) == ["ben"]
        await ada.post(f"/accounts/admit/{PHYSICS}", who="ANA\naxel, ana")
        await ada.get(AT)
        assert "3 people belong to Institute of Physics." in ada.text()
        assert (await ada.post(f"/accounts/dismiss/{PHYSICS}", user="ben")).status_code == 303
        assert members(lab) == ["ana", "axel"]
        # once more: it is told, and nothing else
        assert (await ada.post(f"/accounts/dismiss/{PHYSICS}", user="ben")).status_code == 303
        await ada.get(AT)
        assert "ben is no member" in ada.text()
    with lab.books.read() as tx:
        noted = [each.act for each in audit.acts(tx, target=PHYSICS)]
    assert noted[-3:] == ["member add", "member add", "member remove"]


async def test_members_are_found_and_listed_a_page_at_a_time(tmp_path: Path) -> None:
    """By beginnings of words of their names; whoever is on one page is on no other."""
    lab = open_physics(tmp_path)
    for n in range(60):
        enter(lab.books, f"reader{n:02}", display=f"Reader {'Ünal' if n == 7 else 'Smith'} {n}")
    async with signed_in(lab, "ada") as ada:
        many = "\n".join(f"reader{n:02}" for n in range(60))
        await ada.post(f"/accounts/admit/{PHYSICS}", who=many)
        await ada.get(f"{AT}?q=rea+unal")
        assert "reader07" in ada.text()
        assert "reader08" not in ada.text()
        await ada.get(f"{AT}?q=ben")
        assert "Nothing matches these filters." in ada.text()
        first = await ada.get(f"{AT}?n=50")
        (further,) = re.findall(r'href="([^"]+)" rel="next"', first.text)
        second = await ada.get(html.unescape(further))
        for n in range(60):
            assert (f">reader{n:02}<" in first.text) != (f">reader{n:02}<" in second.text), n
        csv = (await ada.get(f"{AT}?as=csv")).text
        assert csv.count("reader") == 60
        await ada.get(f"/accounts/of/{PHYSICS}")
        assert "60 people may choose it" in ada.text()


@pytest.mark.sqlite_only("who may is no question of SQL")
async def test_members_are_seen_by_who_sees_accounts_and_changed_by_who_changes_them(
    tmp_path: Path,
) -> None:
    """The desk and auditors see and change nothing; people see none."""
    lab = open_physics(tmp_path)
    async with signed_in(lab, "ada") as ada:
        await ada.post(f"/accounts/admit/{PHYSICS}", who="ben")
    for name in (DESK, "axel"):
        async with signed_in(lab, name) as staff:
            await staff.get(AT)
            assert "Ben" in staff.text()
            assert "Take out" not in staff.text()
            for act, fields in (("admit", {"who": "ana"}), ("dismiss", {"user": "ben"})):
                answer = await staff.post(f"/accounts/{act}/{PHYSICS}", **fields)
                assert answer.status_code == 403
    async with signed_in(lab, PERSON) as ana:
        assert (await ana.get(AT)).status_code == 403
    assert members(lab) == ["ben"]


@pytest.mark.sqlite_only("addresses and words are no question of SQL")
async def test_odd_accounts_and_people_are_told(tmp_path: Path) -> None:
    """One's own account has no members, one that is not there no page, nobody is nobody."""
    lab = open_physics(tmp_path)
    async with signed_in(lab, "ada") as ada:
        await ada.get("/accounts/members/user:ana")
        assert "Only departments, projects and shared accounts" in ada.text()
        answer = await ada.post("/accounts/admit/user:ana", who="ben")
        assert answer.status_code == 422
        assert "user:ana has no members" in ada.text()
        for path in ("members/project:none", "members/project:none?as=csv"):
            assert (await ada.get(f"/accounts/{path}")).status_code == 404
        assert (await ada.post("/accounts/admit/project:none", who="ben")).status_code == 404
        await ada.get(AT)
        for who in ("zzz", "", ",", "ben\nzzz"):
            assert (await ada.post(f"/accounts/admit/{PHYSICS}", who=who)).status_code == 422
        await ada.post("/accounts/admit/project:a%2Fb", who="ben")
        assert members(lab, "project:a/b") == ["ben"]
        await ada.get("/accounts/members/project:a/b")
        assert "1 person belongs to project:a/b." in ada.text()
    assert members(lab) == []
