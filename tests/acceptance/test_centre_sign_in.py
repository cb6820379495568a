"""Signing in by a provider, and asking to be let in, in a real browser: desktop and phone."""

from __future__ import annotations

import os
from contextlib import asynccontextmanager
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING

from broker.serving import served
from central.web.app import make_site
from central.web.pages.centre import Centre
from config.settings_directory_services import GuestSettings
from tests.acceptance.browsing import PHONE, browser, window
from tests.acceptance.test_centre_figures import look
from tests.acceptance.test_centre_pages import DESKTOP, sign_in
from tests.integration.openid_lab import provider
from tests.integration.pages_lab import Lab, open_lab

if TYPE_CHECKING:
    from collections.abc import AsyncIterator

    from starlette.types import Receive, Scope, Send

    from tests.acceptance.browsing import Watched
    from tests.integration.openid_lab import Fake

CHOSEN = "my own long password"


@asynccontextmanager
async def school(path: Path) -> AsyncIterator[tuple[Lab, str, Fake]]:
    """Serve the lab, with a provider of another site that lets Ana in, and where people may ask."""
    lab = open_lab(path)
    lab.books._clock = lambda: datetime.now(UTC)

    async def app(scope: Scope, receive: Receive, send: Send) -> None:
        await lab.app(scope, receive, send)

    async with (
        provider(lambda: datetime.now(UTC).timestamp(), name="localhost") as fake,
        served(app, "127.0.0.1", 0, what="pages", section="web", connections=64, grace=1) as (
            port,
            _,
        ),
    ):
        fake.person = {"sub": "4711", "preferred_username": "ana", "name": "Ana"}
        trust(lab, fake, port)
        try:
            yield lab, f"http://127.0.0.1:{port}", fake
        finally:
            lab.centre.live.close()
    lab.books.close()


def trust(lab: Lab, fake: Fake, port: int, *, only: bool = False) -> None:
    """Have the lab trust a provider, and let people ask."""
    lab.centre.live.close()
    web = lab.centre.settings.web
    web = web.model_copy(update={"port": port, "oidc": fake.settings(only=only)})
    guests = GuestSettings(enabled=True, ask=not only)
    settings = lab.centre.settings.model_copy(update={"web": web, "guests": guests})
    lab.centre = Centre.of(settings, lab.books)
    lab.centre.organisation = "City Library"
    lab.app = make_site(lab.centre)


async def shown(seen: Watched, called: str) -> None:
    """Look at a page that is there only now."""
    assert await seen.hindrances() == []
    wider = await seen.page.evaluate("document.documentElement.scrollWidth - innerWidth")
    assert wider <= 0
    if shots := os.environ.get("PRINTMESH_PICTURES"):
        await seen.page.screenshot(path=Path(shots) / f"sign-in-{called}.png", full_page=True)
    assert seen.faults == []


async def test_people_come_in_by_a_provider_or_ask(tmp_path: Path) -> None:
    """Across sites and back, in four looks; asked on a phone, let in at the desk."""
    async with school(tmp_path) as (lab, address, fake), browser() as started:
        async with window(started, PHONE, color_scheme="dark", locale="de-DE") as seen:
            await look(seen, address, "/sign-in", "phone-dark")
            await seen.page.click("main a.main")
            await seen.page.wait_for_url("**/me")
            assert "4,20" in await seen.page.inner_text("h1")
            await look(seen, address, "/me/security", "phone-dark")
            await seen.page.locator("form[action='/sign-off'] button").last.click()
            await seen.page.wait_for_url("**/sign-in?left=1")
            await shown(seen, "left-phone-dark")
            await seen.page.goto(f"{address}/register")
            await look(seen, address, "/register", "phone-dark")
            code = await _ask(seen)
            await shown(seen, "registered-phone-dark")
        async with window(started, DESKTOP, color_scheme="light") as seen:
            fake.person |= {"sub": "nobody", "preferred_username": "nobody"}
            await seen.page.goto(f"{address}/sign-in")
            await seen.page.click("main a.main")
            await seen.page.wait_for_selector(".notice.trouble")
            seen.faults.clear()  # that it is answered with 403 is told of in the console
            await shown(seen, "refused-desktop-light")
            await sign_in(seen, lab, address, "ada")
            await look(seen, address, "/people/:asking", "desktop-light")
            await seen.page.fill("#f-code", code)
            await seen.page.click("main button.main")
            await seen.page.wait_for_selector("dl.facts")
            await seen.page.goto(f"{address}/me/security")
            await seen.page.click("form[action='/me/security/join'] button")
            await seen.page.wait_for_selector("main a.main")
            await shown(seen, "join-desktop-light")
        trust(lab, fake, int(address.rpartition(":")[2]), only=True)
        async with window(started, DESKTOP, color_scheme="dark") as seen:
            await look(seen, address, "/sign-in", "desktop-dark")


async def _ask(seen: Watched) -> str:
    await seen.page.fill("#f-display", "Zoë Blum")
    await seen.page.fill("#f-password", CHOSEN)
    await seen.page.fill("#f-again", CHOSEN)
    await seen.page.click("main button.main")
    await seen.page.wait_for_selector(".big-code")
    return await seen.page.inner_text(".big-code")
