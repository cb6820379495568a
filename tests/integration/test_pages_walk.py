"""Every page as every role and as nobody: derived from the table, so that none is left out."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

import pytest

from central import rights
from central.rights import Right
from central.web.pages import every
from central.web.pages.table import checked
from tests.integration.pages_lab import PERSON, STAFF, Browser, browser, open_lab, signed_in

if TYPE_CHECKING:
    from pathlib import Path

    from central.web.pages.table import Page
    from tests.integration.pages_lab import Lab

pytestmark = pytest.mark.sqlite_only("which page is open to whom is no question of SQL")

#: What stands in a path's holes: there is no such thing, and nobody is told so.
NOWHERE = "no-such-thing"
#: What shows itself to everybody, with another answer to who is signed in.
REFUSED = {303, 403}


def address_of(page: Page) -> str:
    """Return an address that a page answers at."""
    return re.sub(r"\{[^}]+\}", NOWHERE, page.path)


def pages_of(lab: Lab) -> tuple[Page, ...]:
    """Return every page that is served."""
    return checked(every.pages(lab.centre.settings))


async def ask(visitor: Browser, page: Page, method: str) -> int:
    """Ask for a page as its own form would; return the status."""
    if method == "GET":
        return (await visitor.get(address_of(page))).status_code
    return (await visitor.post(address_of(page))).status_code


async def test_nobody_sees_nothing(tmp_path: Path) -> None:
    """Whoever is not signed in gets to the sign-in page, from everywhere but public pages."""
    lab = open_lab(tmp_path, parts=True)
    async with browser(lab) as nobody:
        for page in pages_of(lab):
            for method in page.methods:
                await nobody.get("/sign-in")
                status = await ask(nobody, page, method)
                assert status < 500, page
                if page.right is not Right.PUBLIC:
                    answer = await nobody.get(address_of(page)) if method == "GET" else None
                    assert status == 303, page
                    where = "" if answer is None else answer.headers["location"]
                    assert where.startswith("/sign-in") or method == "POST", page


@pytest.mark.parametrize("name", [*STAFF, PERSON])
async def test_each_role_sees_what_its_rights_are(tmp_path: Path, name: str) -> None:
    """A page is open to exactly those who have its right; nothing fails for anybody."""
    lab = open_lab(tmp_path, parts=True)
    role = STAFF.get(name)
    grants = [] if role is None else [rights.Grant(role[0], frozenset({role[1]}))]
    async with signed_in(lab, name) as visitor:
        for page in pages_of(lab):
            if page.path in {"/sign-off", "/live"}:
                continue
            if page.path == "/me/security/end-others" or page.methods != ("GET",):
                # what changes things is tried by who may not
                if rights.may(grants, page.right):
                    continue
                await visitor.get("/me")
                assert await ask(visitor, page, page.methods[0]) in REFUSED, page
                continue
            answer = await visitor.get(address_of(page))
            assert answer.status_code < 500, page
            if rights.may(grants, page.right):
                assert answer.status_code != 403, page
            else:
                sent_home = answer.headers.get("location") == "/me"
                assert answer.status_code == 403 or sent_home, page


async def test_half_way_opens_nothing(tmp_path: Path) -> None:
    """Between password and second factor every page but that one leads to it."""
    lab = open_lab(tmp_path)
    async with browser(lab) as ada:
        await ada.get("/sign-in")
        await ada.post("/sign-in", name="ada", password="correct horse battery")
        for page in pages_of(lab):
            if page.right is Right.PUBLIC or page.half_way or "GET" not in page.methods:
                continue
            answer = await ada.get(address_of(page))
            assert answer.headers.get("location", "").startswith("/second"), page


async def test_a_page_that_is_not_there_says_so(tmp_path: Path) -> None:
    """An address that leads nowhere is answered in words, not only with a number."""
    lab = open_lab(tmp_path)
    async with signed_in(lab, PERSON) as ana:
        answer = await ana.client.get("/nowhere/at/all")
        assert answer.status_code == 404
        assert "There is no such page here." in answer.text
        assert "content-security-policy" in answer.headers
