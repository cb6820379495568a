"""Pages of people in a real browser: light and dark, desktop and phone; found as one types."""

from __future__ import annotations

import os
from contextlib import asynccontextmanager
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Final

from broker.serving import served
from central.acts import cards as card_acts
from central.acts import people
from central.acts.by import By
from central.store.ledger import Refused
from tests.acceptance.browsing import PHONE, Watched, browser, window
from tests.acceptance.test_centre_pages import DESKTOP, sign_in
from tests.integration.pages_lab import enter, open_lab

if TYPE_CHECKING:
    from collections.abc import AsyncIterator

    from tests.integration.pages_lab import Lab

EVERYWHERE: Final = ("/people", "/people/ana")
ONCE: Final = (
    "/people/ana/change",
    "/people/ana/pin",
    "/search?q=no",
    "/staff",
    "/groups",
    "/people/:sources",
)
_NAMES: Final = ("Bruno Costa", "Carla Núñez", "Dieter Groß", "Élise Martin", "Nora Novak")


def fill(lab: Lab) -> None:
    """Enter people with cards, groups and departments."""
    for full in _NAMES:
        enter(lab.books, full.split()[0].lower(), display=full, groups=("students", "physics"))
    by = By("web:ada")
    with lab.books.write() as tx:
        wishes = people.Wishes(department="Physics", groups=("staff",), email="ana@example.org")
        assert isinstance(people.change(tx, by, "ana", wishes), people.Changed)
        assert isinstance(people.disable(tx, by, "dieter"), people.Changed)
        for number in ("04A1B2C3", "04A1B2C4"):
            card_acts.give(tx, by, "ana", number, dice=os.urandom)
        found = card_acts.by_number(tx, "04A1B2C4")
        assert not isinstance(found, Refused)
        card_acts.block(tx, by, found)


@asynccontextmanager
async def pages(path: Path) -> AsyncIterator[tuple[Lab, str]]:
    """Serve the filled lab over HTTP, by the real time."""
    lab = open_lab(path)
    lab.centre.organisation = "City Library"
    lab.centre.clock = lab.books._clock = lambda: datetime.now(UTC)
    fill(lab)
    async with served(
        lab.app, "127.0.0.1", 0, what="pages", section="web", connections=64, grace=1
    ) as (port, _):
        try:
            yield lab, f"http://127.0.0.1:{port}"
        finally:
            lab.centre.live.close()
    lab.books.close()


async def look(seen: Watched, address: str, path: str, called: str) -> None:
    """Look at a page: nothing keeps anybody from using it, nothing is cut off to the side."""
    await seen.page.goto(address + path)
    assert await seen.hindrances() == [], path
    wider = await seen.page.evaluate("document.documentElement.scrollWidth - innerWidth")
    assert wider <= 0, path
    if shots := os.environ.get("PRINTMESH_PICTURES"):
        name = path.rpartition("//")[2].partition("?")[0].strip("/").replace("/", "-")
        name = "draft" if called == "draft" else name.replace(":", "")
        file = Path(shots) / f"people-{name}-{called}.png"
        await seen.page.screenshot(path=file, full_page=True)
    assert seen.faults == [], path


async def test_people_can_be_looked_after_by_everybody(tmp_path: Path) -> None:
    """No serious finding of axe, no fault, no sideways scrolling; names are found as one types."""
    async with pages(tmp_path) as (lab, address), browser() as started:
        async with window(started, DESKTOP, color_scheme="light") as seen:
            await sign_in(seen, lab, address, "ada")
            state = await seen.context.storage_state()
            for path in (*EVERYWHERE, *ONCE):
                await look(seen, address, path, "desktop-light")
            await types(seen, address)
            await imports(seen, address)
        for called, size, scheme, paths in (
            ("desktop-dark", DESKTOP, "dark", EVERYWHERE[1:]),
            ("phone-light", PHONE, "light", ("/staff",)),
            ("phone-dark", PHONE, "dark", EVERYWHERE),
        ):
            async with window(started, size, color_scheme=scheme, storage_state=state) as seen:
                for path in paths:
                    await look(seen, address, path, called)


async def imports(seen: Watched, address: str) -> None:
    """Look at a file, and take it over."""
    await seen.page.goto(f"{address}/people/:import")
    file = "name,display,groups\nzoe,Zoë Blum,staff\nana,Ana Silva,staff\nyan,Yan Li,lab\n"
    sent = {"name": "people.csv", "mimeType": "text/csv", "buffer": file.encode()}
    await seen.page.set_input_files("#f-file", sent)  # type: ignore[arg-type]
    await seen.page.check("#f-skip_wrong")
    await seen.page.click("main button.main")
    await seen.page.locator("h1", has_text="2 people would change").wait_for()
    await look(seen, "", seen.page.url, "draft")
    await seen.page.click("main button.main")
    await seen.page.locator("h1", has_text="2 people were taken over").wait_for()


async def types(seen: Watched, address: str) -> None:
    """Find somebody by two letters, and go there by keys alone."""
    await seen.page.goto(f"{address}/people")
    await seen.page.fill("#q-q", "nu")
    await seen.page.locator(".found a", has_text="Carla Núñez").wait_for()
    if shots := os.environ.get("PRINTMESH_PICTURES"):
        await seen.page.screenshot(path=Path(shots) / "people-typing-desktop-light.png")
    await seen.page.keyboard.press("Escape")
    await seen.page.keyboard.press("Escape")
    await seen.page.fill("#search", "nor")
    await seen.page.locator(".found a", has_text="Nora Novak").wait_for()
    await seen.page.keyboard.press("ArrowDown")
    await seen.page.keyboard.press("Enter")
    await seen.page.wait_for_url("**/people/nora")
    assert seen.faults == []
