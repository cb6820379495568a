"""One's own pages in a real browser: light and dark, desktop and phone; print at a touch."""

from __future__ import annotations

import asyncio
import os
from contextlib import asynccontextmanager
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Final

from broker.messages import CommandState
from broker.serving import served
from central.acts import cards as card_acts
from central.acts.by import By
from central.store import commands, lists
from tests.acceptance.browsing import PHONE, Watched, browser, window
from tests.integration.pages_lab import PASSWORD, PERSON
from tests.integration.portal_lab import SITE, Portal, open_portal

if TYPE_CHECKING:
    from collections.abc import AsyncIterator
    from uuid import UUID

DESKTOP: Final = {"width": 1280, "height": 800}


@asynccontextmanager
async def portal_served(path: Path, wire: int = 4) -> AsyncIterator[tuple[Portal, str, UUID]]:
    """Serve Ana's pages: a job that was printed, two that wait, a card."""
    portal = open_portal(path, wire)
    lab = portal.lab
    job = portal.printed()
    portal.office.held(name="Lecture notes, week 12.pdf")
    refused = portal.office.held(name="Poster_A3_final_really-final(2).pdf")
    portal.office.refused(refused)
    with lab.books.write() as tx:
        card_acts.give(tx, By("cli:test"), PERSON, "4711", dice=lab.centre.dice)
    lab.centre.organisation = "City Library"
    lab.centre.clock = lab.books._clock = lambda: datetime.now(UTC)
    portal.heard()
    async with served(
        lab.app, "127.0.0.1", 0, what="pages", section="web", connections=64, grace=1
    ) as (port, _):
        try:
            yield portal, f"http://127.0.0.1:{port}", job
        finally:
            lab.centre.live.close()
    lab.books.close()


async def sign_in(seen: Watched, address: str) -> None:
    """Sign in as Ana."""
    await seen.page.goto(f"{address}/sign-in")
    await seen.page.fill("#f-name", PERSON)
    await seen.page.fill("#f-password", PASSWORD)
    await seen.page.keyboard.press("Enter")
    await seen.page.wait_for_selector(".tabs")


async def look(seen: Watched, address: str, path: str, shot: Path) -> None:
    """Look at a page: nothing keeps anybody from using it, nothing is cut off to the side."""
    if path:
        await seen.page.goto(address + path)
    assert await seen.hindrances() == [], path
    wider = await seen.page.evaluate("document.documentElement.scrollWidth - innerWidth")
    assert wider <= 0, path
    if os.environ.get("PRINTMESH_PICTURES"):
        shot = Path(os.environ["PRINTMESH_PICTURES"]) / shot
        await seen.page.screenshot(path=shot, full_page=True)
    assert seen.faults == [], path


async def answering(portal: Portal) -> None:
    """Be the site: release whatever is asked for."""
    while True:
        await asyncio.sleep(0.05)
        with portal.lab.books.write() as tx:
            for node, command in commands.waiting(tx):
                held = [{"account": "user:ana", "unit": "EUR", "micros": 300_000}]
                data = {"job": {"printer": command.args.get("printer"), "held": held}}
                told = CommandState(id=command.id, state="successful", data=data)
                commands.answered(tx, node, told)


async def test_everybody_can_use_their_own_pages(tmp_path: Path) -> None:
    """No serious finding of axe, no sideways scrolling, on a phone and a desk, light and dark."""
    async with portal_served(tmp_path) as (portal, address, job), browser() as started:
        held = next(iter(_waiting(portal)))
        paths = {
            "me": "/me", "jobs": "/me/jobs", "held": f"/me/jobs/{held}",
            "delete": f"/me/jobs/{held}/delete", "history": "/me/history",
            "job": f"/me/jobs/{job}/why", "code": f"/me/code?site={SITE}&amount=2.00",
            "cards": "/me/cards", "security": "/me/security",
        }  # fmt: skip
        looks = ((DESKTOP, "light", "en-GB"), (PHONE, "dark", "de-DE"))
        for size, scheme, locale in looks:
            async with window(started, size, color_scheme=scheme, locale=locale) as seen:
                await sign_in(seen, address)
                for name, path in paths.items():
                    await look(seen, address, path, Path(f"portal-{name}-{scheme}.png"))


async def test_a_document_is_printed_with_two_touches(tmp_path: Path) -> None:
    """From a phone: the list, Print; and a code for a site that is cut off in as many."""
    async with portal_served(tmp_path) as (portal, address, _), browser() as started:
        site = asyncio.create_task(answering(portal))
        async with window(started, PHONE) as seen:
            await sign_in(seen, address)
            await seen.page.goto(f"{address}/me/jobs")
            await seen.page.click(".held li:first-child button.main")
            await seen.page.locator(".notice.good").wait_for()
            assert "€0.30 is set aside" in await seen.text(".notice")
            assert "1 document waits for you." in await seen.text("h1")
            await look(seen, address, "", Path("portal-printed.png"))
            await seen.page.goto(f"{address}/me/code?site={SITE}&amount=2.00")
            await seen.page.click("main button.main")
            await seen.page.locator(".courier").wait_for()
            await look(seen, address, "", Path("portal-code-shown.png"))
        site.cancel()
        await asyncio.gather(site, return_exceptions=True)


def _waiting(portal: Portal) -> list[UUID]:
    with portal.lab.books.read() as tx:
        found = lists.jobs(tx, lists.JobFilter(user=PERSON, state="pending-held"))
    return [each.job.job for each in found]
