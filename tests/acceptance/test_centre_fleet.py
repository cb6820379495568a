"""Pages of the fleet in a real browser: light and dark, desktop and phone, live, by hand."""

from __future__ import annotations

import os
from contextlib import asynccontextmanager
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import TYPE_CHECKING, Final

from broker.messages import SiteTerminals, TerminalHere
from broker.serving import served
from central.store import devices, link_history, nodes, site_terminals
from central.store.meters import Place
from tests.acceptance.browsing import PHONE, Watched, browser, window
from tests.acceptance.test_centre_pages import DESKTOP, sign_in
from tests.integration.fleet_lab import Fleet, fill, printer
from tests.integration.pages_lab import open_lab

if TYPE_CHECKING:
    from collections.abc import AsyncIterator

ROLE: Final = "/nodes/south/role?role=tracker&cap=50&account=5"
#: Each page in one look, by all rules; the fullest ones in others too.
PAGES: Final = (
    "/sites",
    "/sites/north",
    "/printers",
    "/printers/north/north-3",
    "/nodes",
    "/nodes/north",
    "/nodes/west",
    "/nodes/~add",
    "/nodes/~aside",
    ROLE,
    "/nodes/south/act/write-off",
    "/nodes/west/fork",
)
LOOKS: Final = (
    ("desktop-dark", DESKTOP, "dark", ("/sites/north", "/nodes/north", "/printers/north/north-3")),
    ("phone-light", PHONE, "light", ("/sites", "/nodes/north", "/nodes/~aside", ROLE)),
    ("phone-dark", PHONE, "dark", ("/printers/north/north-3", "/nodes/north")),
)


@asynccontextmanager
async def pages(path: Path) -> AsyncIterator[tuple[Fleet, str]]:
    """Serve the filled lab over HTTP, by the real time."""
    lab = open_lab(path)
    lab.centre.organisation = "City Library"
    lab.centre.clock = lab.books._clock = lambda: datetime.now(UTC)
    fleet = fill(lab)
    async with served(
        lab.app, "127.0.0.1", 0, what="pages", section="web", connections=64, grace=1
    ) as (port, _):
        try:
            yield fleet, f"http://127.0.0.1:{port}"
        finally:
            lab.centre.live.close()
    lab.books.close()


async def look(seen: Watched, address: str, path: str, called: str, *, rules: bool = True) -> None:
    """Look at a page: nothing keeps anybody from using it, nothing is cut off to the side."""
    await seen.page.goto(address + path)
    # the rules take longer than all else, and the same page is the same on a phone
    assert not rules or await seen.hindrances() == [], path
    wider = await seen.page.evaluate("document.documentElement.scrollWidth - innerWidth")
    assert wider <= 0, path
    if shots := os.environ.get("PRINTMESH_PICTURES"):
        name = path.partition("?")[0].strip("/").replace("/", "-").replace("~", "")
        file = Path(shots) / f"fleet-{name}-{called}.png"
        await seen.page.screenshot(path=file, full_page=True)
    assert seen.faults == [], path


async def test_the_fleet_can_be_run_by_everybody(tmp_path: Path) -> None:
    """No serious finding of axe, no fault, no sideways scrolling; a jam shows while one looks."""
    async with pages(tmp_path) as (fleet, address), browser() as started:
        async with window(started, DESKTOP, color_scheme="light") as seen:
            _fill(fleet)
            await sign_in(seen, fleet.lab, address, "ada")
            state = await seen.context.storage_state()
            for path in (*PAGES, f"/nodes/~aside/{fleet.aside}"):
                await look(seen, address, path, "desktop-light")
            await follows(seen, fleet, address)
            await mends(seen, fleet, address)
        for called, size, scheme, paths in LOOKS:
            async with window(started, size, color_scheme=scheme, storage_state=state) as seen:
                for path in paths:
                    await look(seen, address, path, called, rules=called == "desktop-dark")


def _fill(fleet: Fleet) -> None:
    """Let north have terminals, and a line that was down now and then."""
    now = datetime.now(UTC)
    for hours, linked in ((400, True), (300, False), (291, True), (30, False), (28, True)):
        with fleet.lab.books.write(now - timedelta(hours=hours)) as tx:
            link_history.note(tx, {"north": linked})
    _terminals(fleet, hall=True, desk=True)


def _terminals(fleet: Fleet, **online: bool) -> None:
    now = datetime.now(UTC)
    here = [TerminalHere(terminal=name, online=on, since=now) for name, on in online.items()]
    with fleet.lab.books.write() as tx:
        told = SiteTerminals(terminals=tuple(here), updated_at=now)
        site_terminals.put(tx, "north", told)


async def follows(seen: Watched, fleet: Fleet, address: str) -> None:
    """See a site go off line and a printer jam, without a new page."""
    books = fleet.lab.books
    await seen.page.goto(f"{address}/sites/north")
    await seen.page.evaluate("document.querySelector('tbody').dataset.same = 'yes'")
    with books.write() as tx:
        nodes.seen(tx, {"north": False})
        jammed = printer(2, datetime.now(UTC)).model_copy(update={"device": "north-1"})
        devices.put(tx, {Place("north", "north-1"): jammed})
    _terminals(fleet, hall=True, desk=False)
    fleet.lab.centre.live.beat()
    await seen.page.get_by_text("2 terminals, 1 of them off line.").wait_for()
    await seen.page.locator("h1", has_text="works alone").wait_for()
    await seen.page.locator("h1", has_text="2 of its 4 printers need a hand").wait_for()
    await seen.page.locator("tbody tr:first-child", has_text="Paper jam").wait_for()
    assert await seen.page.evaluate("document.querySelector('tbody').dataset.same") == "yes"
    with books.write() as tx:
        nodes.seen(tx, {"north": True})


async def mends(seen: Watched, fleet: Fleet, address: str) -> None:
    """Mend what was put aside by hand: what differs is shown before it is applied."""
    await seen.page.goto(f"{address}/nodes/~aside/{fleet.aside}")
    await seen.page.fill("#f-event", fleet.meant)
    await seen.page.click("button[value=show]")
    await seen.page.locator("ins", has_text="north-1").wait_for()
    await seen.page.fill("#mending input[name=reason]", "a slip")
    await seen.page.click("button[value=apply]")
    await seen.page.locator("h1", has_text="mended").wait_for()
    assert seen.faults == []
