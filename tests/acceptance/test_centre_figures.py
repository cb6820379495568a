"""Figures, prices, rules and the audit in a real browser: light and dark, desktop and phone."""

from __future__ import annotations

import os
from contextlib import asynccontextmanager
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import TYPE_CHECKING, Final

from broker.messages import Counted
from broker.serving import served
from central.store import facts
from tests.acceptance.browsing import PHONE, Watched, browser, window
from tests.acceptance.test_centre_pages import DESKTOP, sign_in
from tests.integration.hook_lab import one_that_failed, subscribe
from tests.integration.money_pages_lab import open_money

if TYPE_CHECKING:
    from collections.abc import AsyncIterator

    from tests.integration.pages_lab import Lab

#: Each in all four looks.
EVERYWHERE: Final = (
    "/figures?by=user",
    "/audit/5",
    "/prices",
    "/prices/~change",
    "/rules",
    "/rules/~change",
    "/webhooks",
)
#: In one look.
ONCE: Final = ("/figures?by=day", "/audit", "/audit/~chain", "/prices/version/1")


@asynccontextmanager
async def pages(path: Path) -> AsyncIterator[tuple[Lab, str]]:
    """Serve books with some weeks of printing over HTTP."""
    lab, office = open_money(path)
    lab.centre.organisation = "City Library"
    lab.centre.clock = lab.books._clock = lambda: datetime.now(UTC)
    for day in range(40):
        for n in range(1, day % 3 + 2):
            counted = Counted(
                source="analysis", impressions=n * (day % 7), color_impressions=n, sheets=n * 2
            )
            at = datetime.now(UTC) - timedelta(days=day)
            charged = office.edge.charge(
                n * 15_000, printer="north-1", counted=counted, settled_at=at
            )
            office.edge.send(office.edge.say(charged))
    office.printed()
    subscribe(lab.books, "https://erp.example.org/in", "job", "money")
    one_that_failed(lab.books, "it answered 500")
    facts.catch_up(lab.books, lambda _done, _all: None)
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
        name = "".join(each if each.isalnum() else "-" for each in path.strip("/"))
        await seen.page.screenshot(path=Path(shots) / f"{name}-{called}.png", full_page=True)
    assert seen.faults == [], path


async def test_figures_prices_rules_and_audit_are_for_everybody(tmp_path: Path) -> None:
    """No serious finding of axe, no fault, no sideways scrolling, in any look."""
    async with pages(tmp_path) as (lab, address), browser() as started:
        async with window(started, DESKTOP, color_scheme="light") as seen:
            await sign_in(seen, lab, address, "ada")
            state = await seen.context.storage_state()
            for path in (*EVERYWHERE, *ONCE):
                await look(seen, address, path, "desktop-light")
            await weighs(seen, address)
            await orders(seen, address)
        for called, size, scheme in (
            ("desktop-dark", DESKTOP, "dark"),
            ("phone-light", PHONE, "light"),
            ("phone-dark", PHONE, "dark"),
        ):
            async with window(started, size, color_scheme=scheme, storage_state=state) as seen:
                for path in EVERYWHERE:
                    await look(seen, address, path, called)


async def weighs(seen: Watched, address: str) -> None:
    """See what other prices come to, by hand."""
    await seen.page.goto(f"{address}/prices/~change")
    await seen.page.fill("#f-impression-0", "0.05")
    await seen.page.click("button[value=show]")
    await seen.page.locator("h1", has_text="would have cost").wait_for()
    assert await seen.hindrances() == []
    assert await seen.page.locator("button[value=enter]").is_visible()


async def orders(seen: Watched, address: str) -> None:
    """Move a rule down by its button, and try the draft."""
    await seen.page.goto(f"{address}/rules/~change")
    await seen.page.click(".more summary")
    assert await seen.hindrances() == []
    if shots := os.environ.get("PRINTMESH_PICTURES"):
        await seen.page.screenshot(path=Path(shots) / "rules-add.png", full_page=True)
    await seen.page.click("button[value=down-0]")
    await seen.page.locator("li:first-child b", has_text="both sides").wait_for()
    await seen.page.click("button.main[value=try]")
    await seen.page.locator("h1", has_text="Of the last").wait_for()
    assert await seen.hindrances() == []
