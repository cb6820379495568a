"""The centre's pages in a real browser: light and dark, desktop and phone, by keyboard, live."""

from __future__ import annotations

import time
from contextlib import asynccontextmanager
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Final

import pyotp
import pytest

from broker.messages import DeviceState
from broker.messages.devices import DeviceTrouble
from broker.serving import served
from central.store import devices, second_factors
from central.store.meters import Place
from tests.acceptance.browsing import PHONE, Watched, browser, window
from tests.integration.pages_lab import PASSWORD, PERSON, Lab, open_lab

if TYPE_CHECKING:
    from collections.abc import AsyncIterator
    from pathlib import Path

    from playwright.async_api import Browser

DESKTOP: Final = {"width": 1280, "height": 800}
LOOKS: Final = [
    pytest.param(size, scheme, id=f"{name}-{scheme}")
    for name, size in (("desktop", DESKTOP), ("phone", PHONE))
    for scheme in ("light", "dark")
]


@asynccontextmanager
async def pages(path: Path) -> AsyncIterator[tuple[Lab, str]]:
    """Serve the lab's pages over HTTP, by the real time."""
    lab = open_lab(path, parts=True)
    lab.centre.organisation = "City Library"
    lab.centre.clock = lab.books._clock = lambda: datetime.now(UTC)
    told = {Place("north", f"library-{n}"): state(n) for n in range(1, 9)}
    with lab.books.write() as tx:
        devices.put(tx, dict(told))
    async with served(
        lab.app, "127.0.0.1", 0, what="pages", section="web", connections=64, grace=1
    ) as (port, _):
        try:
            yield lab, f"http://127.0.0.1:{port}"
        finally:
            lab.centre.live.close()
    lab.books.close()


def state(n: int, *troubles: DeviceTrouble) -> DeviceState:
    """Return what an edge tells of a printer."""
    now = datetime.now(UTC)
    return DeviceState(
        device=f"library-{n}", name=f"Library {n}", state="idle", updated_at=now, troubles=troubles
    )


async def sign_in(seen: Watched, lab: Lab, address: str, name: str) -> None:
    """Sign in by keyboard alone, setting an authenticator up on the way."""
    await seen.page.goto(f"{address}/sign-in")
    await seen.page.wait_for_selector("#f-name:focus")  # nobody types before they see where
    await seen.page.keyboard.type(name)
    await seen.page.keyboard.press("Tab")
    await seen.page.keyboard.type(PASSWORD)
    await seen.page.keyboard.press("Enter")
    await seen.page.wait_for_url(lambda url: "/sign-in" not in url)
    if "/second" not in seen.page.url:
        return
    if await seen.page.query_selector(".qr small"):
        lab.secrets[name] = (await seen.page.inner_text(".qr small")).replace(" ", "")
    with lab.books.read() as tx:
        factor = second_factors.find(tx, name)
    # a code is good once: the next one is taken a step early
    step = max(int(time.time()) // 30, (factor.step or 0) + 1 if factor else 0)
    await seen.page.keyboard.type(pyotp.TOTP(lab.secrets[name]).generate_otp(step))
    await seen.page.keyboard.press("Enter")
    await seen.page.wait_for_selector(".codes, .side")
    if await seen.page.query_selector(".codes"):
        assert await seen.hindrances() == []
        await seen.page.click("main a.main")
        await seen.page.wait_for_selector(".side")


async def look(seen: Watched, address: str, path: str, shots: Path) -> None:
    """Look at a page: nothing keeps anybody from using it, nothing is cut off to the side."""
    await seen.page.goto(address + path)
    assert await seen.hindrances(again=path == "/parts") == [], path
    wider = await seen.page.evaluate("document.documentElement.scrollWidth - innerWidth")
    assert wider <= 0, path
    name = path.strip("/").replace("/", "-") or "overview"
    await seen.page.screenshot(path=shots / f"{name}.png", full_page=True)
    assert seen.faults == [], path


@pytest.mark.parametrize(("size", "scheme"), LOOKS)
async def test_pages_can_be_used_by_everybody(
    tmp_path: Path, size: dict[str, int], scheme: str
) -> None:
    """No serious finding of axe, no fault of a script, no sideways scrolling; staff and person."""
    async with pages(tmp_path) as (lab, address), browser() as started:
        async with window(started, size, color_scheme=scheme) as seen:
            await look(seen, address, "/sign-in", tmp_path)
            await sign_in(seen, lab, address, "ada")
            for path in ("/", "/me", "/me/security", "/parts"):
                await look(seen, address, path, tmp_path)
        async with window(started, size, color_scheme=scheme, locale="de-DE") as seen:
            await sign_in(seen, lab, address, PERSON)
            await look(seen, address, "/me", tmp_path)
            assert "4,20\N{NO-BREAK SPACE}€" in await seen.page.inner_text("h1")


async def test_an_open_page_follows_the_books(tmp_path: Path) -> None:
    """A jam shows in the first sentence without a reload, and nothing else on the page moves."""
    async with pages(tmp_path) as (lab, address), browser() as started:
        seen = await _at_overview(started, lab, address)
        assert "No printer needs a hand." in await seen.page.inner_text("h1")
        await seen.page.evaluate("document.querySelector('tbody').dataset.same = 'yes'")
        jam = DeviceTrouble(
            code="jam", severity="critical", detail="Paper jam", since=datetime.now(UTC)
        )
        with lab.books.write() as tx:
            devices.put(tx, {Place("north", "library-2"): state(2, jam)})
        lab.centre.live.beat()
        await seen.page.locator("h1", has_text="1 printer needs a hand.").wait_for()
        row = seen.page.locator("tbody tr", has_text="Library 2")
        await row.locator("text=Paper jam").wait_for()
        assert await seen.page.evaluate("document.querySelector('tbody').dataset.same") == "yes"
        assert seen.faults == []
        await seen.context.close()


async def test_theme_language_and_search_work_by_keyboard(tmp_path: Path) -> None:
    """Dark at a touch without a new page, another language, and `/` to the search of everything.

    The way out is in sight on a low screen too, whatever else there is to go to.
    """
    async with pages(tmp_path) as (lab, address), browser() as started:
        seen = await _at_overview(started, lab, address)
        way_out = await seen.page.locator("form[action='/sign-off'] button").bounding_box()
        assert way_out is not None
        assert way_out["y"] + way_out["height"] <= 800
        await seen.page.click("#theme button:visible")
        assert await seen.page.get_attribute("html", "data-theme") == "dark"
        await seen.page.reload()
        assert await seen.page.get_attribute("html", "data-theme") == "dark"
        await seen.page.keyboard.press("/")
        await seen.page.keyboard.type("library 3")
        await seen.page.keyboard.press("Enter")
        await seen.page.wait_for_url("**/search?q=library+3")
        assert await seen.page.locator(".hits a", has_text="Library 3").count() == 1
        await seen.page.click(".menu summary")
        await seen.page.click(".menu button[value=fr]")
        await seen.page.wait_for_selector("html[lang=fr]")
        assert "résultat" in (await seen.page.inner_text("h1")).lower()
        assert seen.faults == []
        await seen.context.close()


async def _at_overview(started: Browser, lab: Lab, address: str) -> Watched:
    context = await started.new_context(viewport={"width": 1280, "height": 800})
    seen = Watched(context, await context.new_page())
    await sign_in(seen, lab, address, "ada")
    await seen.page.goto(address)
    return seen
