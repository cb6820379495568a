"""Lists as tools: what the address asks, the next page, files; the overview's printers show it."""

from __future__ import annotations

import re
from io import BytesIO
from typing import TYPE_CHECKING
from zipfile import ZipFile

import pytest

from broker.directory import PrinterRow
from broker.messages import DeviceState
from broker.messages.devices import DeviceTrouble
from central.store import devices, directory
from central.store.meters import Place
from tests.integration.pages_lab import MORNING, open_lab, signed_in

if TYPE_CHECKING:
    from pathlib import Path

    from tests.integration.pages_lab import Lab

pytestmark = pytest.mark.sqlite_only("what a page does with rows is no question of SQL")


def printers(lab: Lab, count: int = 30) -> None:
    """Have edges tell of printers: every third stands at south, number 2 is jammed."""
    told = {}
    jam = DeviceTrouble(code="jam", severity="critical", detail="Paper jam", since=MORNING)
    for n in range(1, count + 1):
        node = "south" if n % 3 == 0 else "north"
        told[Place(node, f"p{n}")] = DeviceState(
            device=f"p{n}",
            name=f"=Library {n}",
            state="stopped" if n == 2 else "idle",
            updated_at=MORNING,
            troubles=(jam,) if n == 2 else (),
        )
    with lab.books.write() as tx:
        devices.put(tx, told)


def names(page: str) -> list[str]:
    """Return the printers of the table, in its order."""
    return re.findall(r'<th scope="row"[^>]*>(?:<a [^>]*>)?=(Library \d+)', page)


async def test_pages_follow_one_another(tmp_path: Path) -> None:
    """More leads on to the rest; nothing comes twice, and numbers sort as people count."""
    lab = open_lab(tmp_path)
    printers(lab)
    async with signed_in(lab, "axel") as axel:
        await axel.get("/")
        first = names(axel.page)
        assert first[:3] == ["Library 1", "Library 2", "Library 3"]
        following = re.search(r'href="(/\?after=[^"]+)"', axel.page)
        assert following
        await axel.get(following[1])
        assert first + names(axel.page) == [f"Library {n}" for n in range(1, 31)]
        assert "First page" in axel.text()


async def test_filters_and_order_stand_in_the_address(tmp_path: Path) -> None:
    """A link to what one sees can be sent; what the address says wrongly is left aside."""
    lab = open_lab(tmp_path)
    printers(lab)
    async with signed_in(lab, "axel") as axel:
        await axel.get("/?state=hand")
        assert names(axel.page) == ["Library 2"]
        await axel.get("/?q=library+1&sort=-printer&n=100")
        assert names(axel.page)[0] == "Library 19"
        await axel.get("/?q=nothing-like-it")
        assert "Nothing matches these filters." in axel.text()
        answer = await axel.get("/?after=nonsense&sort=;drop&n=-1&state=%00")
        assert answer.status_code == 200


async def test_a_site_administrator_sees_one_site(tmp_path: Path) -> None:
    """What stands elsewhere is in no row, no count and no file."""
    lab = open_lab(tmp_path)
    printers(lab)
    async with signed_in(lab, "sam") as sam:
        await sam.get("/?n=100")
        assert len(names(sam.page)) == 20
        assert "south" not in sam.text().lower()
        answer = await sam.client.get("/?as=csv")
        assert answer.text.count("\r\n") == 21
        assert "south" not in answer.text


async def test_files_have_all_and_run_nothing(tmp_path: Path) -> None:
    """CSV and XLSX of all that is filtered; a name that is a formula is text."""
    lab = open_lab(tmp_path)
    printers(lab)
    async with signed_in(lab, "axel") as axel:
        answer = await axel.client.get("/?as=csv&state=hand")
        assert answer.headers["content-type"] == "text/csv; charset=utf-8"
        assert 'filename="printers-2026-11-22.csv"' in answer.headers["content-disposition"]
        lines = answer.content.decode("utf-8-sig").split("\r\n")
        assert lines[0].startswith("Printer,Site,State")
        assert lines[1].startswith("'=Library 2,")
        answer = await axel.client.get("/?as=xlsx")
        with ZipFile(BytesIO(answer.content)) as book:
            sheet = book.read("xl/worksheets/sheet1.xml").decode()
        assert sheet.count("<row ") == 31
        assert "<f>" not in sheet


async def test_an_empty_centre_says_what_to_do(tmp_path: Path) -> None:
    """Before any printer is known the page says where they come from."""
    lab = open_lab(tmp_path)
    async with signed_in(lab, "axel") as axel:
        await axel.get("/")
        assert "Printers will stand here" in axel.text()


async def test_printers_that_were_only_entered_are_there(tmp_path: Path) -> None:
    """One of which no edge has told yet is shown as not known, not left out."""
    lab = open_lab(tmp_path)
    with lab.books.write() as tx:
        row = PrinterRow(device="p1", node="north", name="=Library 1")
        directory.put(tx, "printer", "p1", row)
    async with signed_in(lab, "axel") as axel:
        await axel.get("/")
        assert names(axel.page) == ["Library 1"]
        assert "not known" in axel.text()
