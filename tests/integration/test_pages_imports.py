"""Imports in the browser: looked at first, then done as shown, or shown again; groups."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from broker.directory import UserRow
from central.store import directory
from tests.integration.pages_lab import ADDRESS, enter, open_lab, signed_in

if TYPE_CHECKING:
    from pathlib import Path

    from tests.integration.pages_lab import Browser, Lab

pytestmark = pytest.mark.sqlite_only("what pages do is done by acts, which have their own tests")

FILE = "name,display,groups\nzoe,Zoë,staff\nyan,<b>Yan</b>,staff\n"


def row_of(lab: Lab, name: str) -> UserRow | None:
    """Return a person as the directory has them, None when it has not."""
    with lab.books.read() as tx:
        row = directory.get(tx, "user", name)
    return None if row is None else UserRow.model_validate(row)


async def send(visitor: Browser, text: str, **fields: str) -> str:
    """Send a file; return where it leads, empty when it is not taken."""
    await visitor.get("/people/:import")
    answer = await visitor.client.post(
        "/people/:import",
        data={"token": visitor.token, **fields},
        files={"file": ("people.csv", text.encode(), "text/csv")},
        headers={"origin": ADDRESS, "sec-fetch-site": "same-origin"},
    )
    assert answer.status_code in {303, 422}, answer.text
    return str(answer.headers.get("location", ""))


def mark_of(visitor: Browser) -> str:
    """Return which plan the last page shows."""
    return visitor.page.partition('name="plan" value="')[2].partition('"')[0]


async def test_a_file_is_looked_at_before_it_is_taken(tmp_path: Path) -> None:
    """Nothing is changed by looking; then it is done as shown, once."""
    lab = open_lab(tmp_path)
    async with signed_in(lab, "ada") as ada:
        for wrong in ("", "no,columns\nof,ours\n"):
            assert await send(ada, wrong) == ""
        there = await send(ada, FILE)
        await ada.get(there)
        assert "2 people would change. Nothing is done yet." in ada.text()
        assert "<b>Yan" not in ada.page
        assert row_of(lab, "zoe") is None
        assert (await ada.post(there, plan=mark_of(ada))).status_code == 303
        await ada.get(there)
        assert "It is done: 2 people were taken over." in ada.text()
        row = row_of(lab, "zoe")
        assert row is not None
        assert row.groups == ("staff",)
        await ada.get("/people/:sources")
        assert "from a file" in ada.text()


async def test_what_changed_underneath_is_shown_again(tmp_path: Path) -> None:
    """A plan that is another than the one on the page is not carried out."""
    lab = open_lab(tmp_path)
    async with signed_in(lab, "ada") as ada:
        there = await send(ada, FILE)
        await ada.get(there)
        shown = mark_of(ada)
        enter(lab.books, "zoe", display="Somebody else")
        await ada.post(there, plan=shown)
        await ada.get(there)
        assert "Somebody changed something meanwhile" in ada.text()
        assert row_of(lab, "yan") is None
        # the one that is wrong now is told, and has to be left out in so many words
        assert (await ada.post(there, plan=mark_of(ada))).status_code == 422
        await ada.post(there, plan=mark_of(ada), skip_wrong="yes")
        assert row_of(lab, "yan") is not None


async def test_many_leave_only_when_their_number_is_typed(tmp_path: Path) -> None:
    """A file that lacks most people disables nobody by itself."""
    lab = open_lab(tmp_path)
    many = "name\n" + "".join(f"p{n}\n" for n in range(10))
    async with signed_in(lab, "ada") as ada:
        there = await send(ada, many)
        await ada.get(there)
        await ada.post(there, plan=mark_of(ada))
        there = await send(ada, "name\np0\n", complete="yes")
        await ada.get(there)
        assert "9 of 10 people would be disabled" in ada.text()
        for typed in ("", "8", "x"):
            answer = await ada.post(there, plan=mark_of(ada), confirm=typed)
            assert answer.status_code == 422
        row = row_of(lab, "p1")
        assert row is not None
        assert row.enabled
        await ada.post(there, plan=mark_of(ada), confirm="9")
        row = row_of(lab, "p1")
        assert row is not None
        assert not row.enabled


async def test_a_draft_is_its_makers_for_an_hour(tmp_path: Path) -> None:
    """Nobody else sees it; later it is gone; who may not change people sends no file."""
    lab = open_lab(tmp_path)
    enter(lab.books, "adb")
    async with signed_in(lab, "ada") as ada, signed_in(lab, "olga") as olga:
        there = await send(ada, FILE)
        assert (await ada.get(there)).status_code == 200
        assert (await ada.get("/people/:import/nothing")).status_code == 404
        assert lab.centre.drafts.find(there.rpartition("/")[2], "adb", lab.clock.now) is None
        assert (await olga.get(there)).status_code == 403
        assert (await olga.get("/people/:sources")).status_code == 403
        await ada.get("/people/:sources")
        assert (await ada.post("/people/:sources/nowhere")).status_code == 404
        assert lab.centre.drafts.find(there.rpartition("/")[2], "ada", lab.clock.now) is not None
        lab.later(minutes=61)
        assert lab.centre.drafts.find(there.rpartition("/")[2], "ada", lab.clock.now) is None


async def test_groups_begin_and_end_with_their_people(tmp_path: Path) -> None:
    """Put in and taken out by who may change people; odd names harm nothing."""
    lab = open_lab(tmp_path)
    odd = "R&D <b>/ 100 %"
    async with signed_in(lab, "ada") as ada:
        await ada.get("/groups")
        assert "Nobody is in a group yet." in ada.text()
        for group, users in (("", "ana"), ("x", ""), ("x", "nobody"), ("x" * 150, "ana")):
            assert (await ada.post("/groups", group=group, users=users)).status_code == 422
        assert (await ada.post("/groups", group=odd, users="Ana\nolga")).status_code == 303
        await ada.get("/groups")
        assert odd in ada.text()
        assert "<b>/" not in ada.page
        await ada.get("/people", params={"group": odd})
        assert "2 people match." in ada.text()
        await ada.get("/groups")
        await ada.post("/groups", group=odd, users="ana, olga", do="dismiss")
        row = row_of(lab, "ana")
        assert row is not None
        assert row.groups == ()
    async with signed_in(lab, "olga") as olga:
        await olga.get("/groups")
        assert (await olga.post("/groups", group="x", users="ana")).status_code == 403
