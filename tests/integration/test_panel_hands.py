"""A panel under hands: large enough to be touched, and worked wholly by keys; a real browser."""

from __future__ import annotations

import asyncio
from contextlib import asynccontextmanager
from typing import TYPE_CHECKING

import pytest
import pytest_asyncio

from config.panel_settings import WebSettings
from terminal_bridge.panel.server import serve
from tests.acceptance.browsing import COPIER, PHONE, browser, window
from tests.integration.panel_lab import NAME, PATIENCE, panel, row, yes

if TYPE_CHECKING:
    from collections.abc import AsyncIterator
    from pathlib import Path

    from playwright.async_api import Page

    from tests.integration.panel_lab import PanelLab

pytestmark = pytest.mark.timeout(90)

_PAID = [{"account": "user:ana", "unit": "EUR", "micros": 150_000}]
#: A picture of one point.
_DOT = (
    "iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAYAAAAfFcSJAAAADUlEQVR42mNk"
    "+M9QDwADhgGAWjR9awAAAABJRU5ErkJggg=="
)
#: What a finger touches, with its size in CSS pixels, where it is seen; a link that is seen only
#: when a key leads to it is none.
_TOUCHED = """() => Array.from(
  document.querySelectorAll("button, a, input:not([type=hidden]), select, summary"))
  .filter(each => !each.matches("[href='#main']"))
  .map(each => {
    const label = each.type === "radio" ? document.querySelector(`label[for="${each.id}"]`) : null;
    const box = (label || each).getBoundingClientRect();
    return [(label || each).textContent.trim() || each.id, box.width, box.height];
  })
  .filter(([, width, height]) => width > 2 && height > 2)"""
#: Whether who sees the page sees where the keys go.
_SEEN = """() => {
  const at = document.activeElement, label = document.querySelector(`label[for="${at.id}"]`);
  return [at, label].some(each => {
    if (!each) return false;
    const style = getComputedStyle(each);
    return (style.outlineStyle !== "none" && parseFloat(style.outlineWidth) >= 2)
      || style.boxShadow !== "none";
  });
}"""


@pytest_asyncio.fixture
async def lab(tmp_path: Path) -> AsyncIterator[PanelLab]:
    """Run a panel."""
    async with panel(tmp_path) as running:
        job = row("Thesis.pdf", impressions=3, outlook={"price": _PAID})
        running.line.answers["jobs"] = lambda _: yes({"jobs": [job], "more": False})
        running.line.answers["preview"] = lambda _: yes(
            {"media_type": "image/png", "image": _DOT, "pages": 1}
        )
        running.line.answers["quote"] = lambda _: yes({"allowed": True, "price": _PAID})
        yield running


@asynccontextmanager
async def served(lab: PanelLab) -> AsyncIterator[str]:
    """Serve the panel; give the address of its first page."""
    address: asyncio.Future[str] = asyncio.get_running_loop().create_future()
    work = asyncio.create_task(serve(WebSettings(port=0), lab.desks, listening=address.set_result))
    try:
        async with asyncio.timeout(PATIENCE):
            at = await address
        yield f"{at}/{NAME}/"
    finally:
        work.cancel()
        async with asyncio.timeout(PATIENCE):
            await asyncio.wait({work})


async def _tab_to(page: Page, query: str) -> None:
    """Press Tab until something has the focus; each stop on the way is seen."""
    for _ in range(60):
        if await page.evaluate("query => document.activeElement.matches(query)", query):
            return
        await page.keyboard.press("Tab")
        inside = await page.evaluate("document.activeElement !== document.body")
        assert not inside or await page.evaluate(_SEEN), await page.evaluate(
            "document.activeElement.outerHTML.slice(0, 120)"
        )
    raise AssertionError(f"no key leads to {query}")


async def test_a_job_is_released_by_keys_alone(lab: PanelLab) -> None:
    """Tab, letters and Enter sign somebody in and release a changed job; focus is always seen."""
    async with served(lab) as address, browser() as started, window(started) as opened:
        page = opened.page
        await page.goto(address)
        await _tab_to(page, "#user")
        await page.keyboard.type("ana")
        await _tab_to(page, "#pin")
        await page.keyboard.type("1")
        await page.keyboard.press("Enter")
        await page.wait_for_url("**/jobs")
        await _tab_to(page, "a[id^='change-']")
        await page.keyboard.press("Enter")
        await page.wait_for_selector("#release")
        await _tab_to(page, "#copies")
        await page.keyboard.press("Control+A")
        await page.keyboard.type("2")
        await _tab_to(page, "#release")
        await page.keyboard.press("Enter")
        await page.wait_for_url("**/jobs")
        (released,) = lab.line.questions("release")
        assert released["changes"] == {"copies": 2, "sides": "one-sided"}
        await _tab_to(page, "#off button")
        await page.keyboard.press("Enter")
        await page.wait_for_selector("#user")
        assert opened.faults == []


@pytest.mark.parametrize(("size", "least"), [(COPIER, 64), (PHONE, 44)])
async def test_what_is_touched_is_large(lab: PanelLab, size: dict[str, int], least: int) -> None:
    """At a copier's screen 64 CSS pixels high, on a phone 44, on each page."""
    async with served(lab) as address, browser() as started, window(started, size) as opened:
        page = opened.page
        await page.goto(f"{address}pair")
        if size == COPIER:
            await page.fill("#code", lab.desk.pairing.code())
            await page.click("form[action$='/pair'] button.main")
        await page.goto(address)
        small = await _small(page, "sign-in", least)
        await page.fill("#user", "ana")
        await page.fill("#pin", "1")
        await page.click("form.signing button.main")
        await page.wait_for_url("**/jobs")
        (job,) = (await lab.line.ask("jobs", {})).data["jobs"]  # type: ignore[union-attr]
        for path in ("jobs", f"jobs/{job['job']}", f"jobs/{job['job']}/delete", "balance", "copy"):
            await page.goto(address + path)
            small += await _small(page, path, least)
        assert small == []


async def _small(page: Page, name: str, least: int) -> list[str]:
    """Return what is too small to be touched."""
    found = await page.evaluate(_TOUCHED)
    return [
        f"{name}: {text[:30]!r} {width:.0f} by {height:.0f}"
        for text, width, height in found
        if height < least or width < min(least, 44)
    ]
