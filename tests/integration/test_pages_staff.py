"""Pages that give roles, and the one search: each shows only what whoever asks may see."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import TYPE_CHECKING

import pytest

from central.rights import Role
from central.store import devices, staff
from central.store.meters import Place
from tests.integration.fleet_lab import printer
from tests.integration.pages_lab import PERSON, enter, open_lab, signed_in

if TYPE_CHECKING:
    from pathlib import Path

pytestmark = pytest.mark.sqlite_only("what pages do is done by acts, which have their own tests")


async def test_one_field_finds_people_sites_and_printers(tmp_path: Path) -> None:
    """Each kind within one's sites; what is odd finds nothing and harms nothing."""
    lab = open_lab(tmp_path)
    enter(lab.books, "nora", display="Nora <b>North</b>")
    with lab.books.write() as tx:
        state = printer(0, datetime.now(UTC))
        devices.put(
            tx,
            {
                Place("north", "north-1"): state.model_copy(update={"device": "north-1"}),
                Place("south", "north-2"): state.model_copy(update={"device": "north-2"}),
            },
        )
    async with signed_in(lab, "olga") as olga:
        await olga.get("/search?q=nor")
        text = olga.text()
        assert "Nora <b>North</b>" in text
        assert "north-1" in text
        assert "north-2" not in text
        part = await olga.client.get("/search/:find", params={"q": "nor"})
        assert "/printers/north/north-1" in part.text
        assert "<html" not in part.text
        assert 'action="/search"' in olga.page
        for odd in ("", "a", "%00", "%25", "0" * 300, "019abc00-0000-7000-8000-000000000000"):
            assert (await olga.get(f"/search?q={odd}")).status_code == 200
            assert (await olga.get(f"/search/:find?q={odd}")).status_code == 200
    async with signed_in(lab, "sam") as sam:
        assert (await sam.get("/search?q=south")).status_code == 200
        assert "/sites/south" not in sam.page
    async with signed_in(lab, PERSON) as ana:
        assert (await ana.get("/search?q=nora")).status_code == 403


async def test_roles_are_given_and_taken(tmp_path: Path) -> None:
    """At some sites or at all; the last administrator stays one; auditors look on."""
    lab = open_lab(tmp_path)
    async with signed_in(lab, "ada") as ada:
        await ada.get("/staff")
        assert "4 people look after printing." in ada.text()
        for wrong in (
            {"user": "nobody", "role": "operator", "sites": "north"},
            {"user": "ana", "role": "king", "sites": "north"},
            {"user": "ana", "role": "operator"},
            {"user": "ana", "role": "operator", "sites": "nowhere"},
        ):
            assert (await ada.post("/staff/give", **wrong)).status_code == 422, wrong
        answer = await ada.post("/staff/give", user="Ana", role="operator", sites="south")
        assert answer.status_code == 303
        with lab.books.read() as tx:
            (grant,) = staff.grants(tx, "ana")
        assert (grant.role, grant.sites) == (Role.OPERATOR, frozenset({"south"}))
        await ada.post("/staff/take", user="ana", role="operator")
        await ada.post("/staff/take", user="ada", role="administrator")
        with lab.books.read() as tx:
            assert staff.grants(tx, "ana") == ()
            assert staff.grants(tx, "ada") != ()
    async with signed_in(lab, "axel") as axel:
        await axel.get("/staff")
        assert "Give a role" not in axel.text()
        assert (
            await axel.post("/staff/give", user="axel", role="administrator")
        ).status_code == 403
        assert (await axel.post("/staff/take", user="ada", role="administrator")).status_code == 403
    async with signed_in(lab, "olga") as olga:
        assert (await olga.get("/staff")).status_code == 403
