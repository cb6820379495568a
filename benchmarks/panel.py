"""People at a panel's screen: a real browser from the touch to the paper and from the card to jobs.

Moments are the browser's own: when it got the touch, when it had drawn the list as it is first
seen: the first ten jobs, and how many there are. The directory has 20,000 people, and the person at
the screen has 100 held jobs.
"""

from __future__ import annotations

import asyncio
import re
import time
from contextlib import AsyncExitStack
from dataclasses import dataclass
from statistics import median
from typing import TYPE_CHECKING, Final

import cups

from benchmarks.release import DEVICE, PATIENCE, SITE, by_hand, make_queues
from benchmarks.result import absolute, compared
from benchmarks.terminals import PEOPLE, fill, until_known
from benchmarks.watch import Watch
from demo import documents
from demo.lab import Lab, Person, Plan
from tests.acceptance.browsing import browser, window

if TYPE_CHECKING:
    from pathlib import Path

    from playwright.async_api import Browser, Page, Request, StorageState

    from benchmarks.result import Result
    from demo.panel import Panel
    from demo.site import Site

JOBS: Final = 100
#: Drawn at first, with a link to all.
FIRST: Final = 10
LOOKS: Final = 25
RELEASES: Final = 15
OPENED: Final = 12
#: The same card within a second is one swipe.
_PAUSE: Final = 1.1
_PAGE_MOST: Final = 60
_EVENTS: Final = re.compile(r"/events\?")
_WELCOME: Final = re.compile(r"/north-panel/$")
ANA: Final = Person("ana", "0417", "500.00")
#: Notes, by the wall clock, when a touch arrived and when all that a page holds was drawn: what is
#: asked for in an animation frame and posted from there runs once that frame is out.
_STAMPS: Final = """
addEventListener("click", (event) => {
  sessionStorage.setItem("touched", performance.timeOrigin + event.timeStamp);
}, true);
addEventListener("DOMContentLoaded", () => requestAnimationFrame(() => {
  const drawn = new MessageChannel();
  drawn.port1.onmessage = () => { window.drawn = performance.timeOrigin + performance.now(); };
  drawn.port2.postMessage(null);
}));
"""
_PAINT: Final = "performance.getEntriesByName('first-contentful-paint')[0]?.startTime"


def measure() -> list[Result]:
    """Measure in a lab of one site."""
    return asyncio.run(_measure())


@dataclass(frozen=True, slots=True)
class Opened:
    """One page as a browser got it that had nothing in its cache."""

    paint: float
    """Milliseconds from the wish to its first content on the screen."""
    octets: int
    """Of all that it fetched, as sent."""


async def _measure() -> list[Result]:
    plan = Plan(sites=(SITE,), printers=1, people=(ANA,), panels=(SITE,), direct_queues=False)
    async with Lab(plan) as lab, AsyncExitStack() as stack:
        site = lab.sites[SITE]
        panel = _panel(site)
        watch = Watch(site.printers[DEVICE].port)
        await watch.start()
        stack.push_async_callback(watch.stop)
        make_queues(site, watch.port)
        await asyncio.to_thread(fill, lab.root / "central.toml")
        await until_known(site)
        document = documents.pdf(lab.root / "ten.pdf", 10)
        await print_all(site, document)
        started = await stack.enter_async_context(browser())
        paired = await pair(started, panel)
        screen = await stack.enter_async_context(window(started, storage_state=paired))
        await screen.context.add_init_script(_STAMPS)
        async with screen.page.expect_response(_EVENTS):
            await screen.page.goto(panel.address)
        linked = [await look(panel, screen.page) for _ in range(LOOKS)]
        welcome = [await opened(started, paired, panel.address) for _ in range(OPENED)]
        listed = await lists(panel, started, screen.page)
        site.line.cut()
        await site.until_alone()
        alone = [await look(panel, screen.page) for _ in range(LOOKS)]
        site.line.restore()
        await site.until_linked()
        ours, theirs = await releases(site, watch, screen.page, document)
    what = (
        f"card at the reader → list of {JOBS} jobs drawn as first seen ({FIRST} rows, their count),"
        f" {PEOPLE:,} people known"
    )
    return [
        absolute(f"{what}, p50", median(linked), "ms", samples=LOOKS, at_most=150),
        absolute(f"{what}, line cut, p50", median(alone), "ms", samples=LOOKS, at_most=150),
        compared(
            "touch on Release → first document byte at the printer, p50",
            median(ours),
            "ms",
            baseline="raw CUPS: moveJob + no-hold, same queue and document, p50",
            baseline_value=median(theirs),
            samples=len(ours),
            at_most=1.5,
        ),
        *_opened("sign-in page", welcome),
        *_opened(f"list of {JOBS} jobs as first seen", listed),
    ]


def _opened(what: str, several: list[Opened]) -> list[Result]:
    paint = median(each.paint for each in several)
    size = max(each.octets for each in several) / 1000
    return [
        absolute(
            f"{what}: first paint, nothing cached, p50",
            paint,
            "ms",
            samples=len(several),
            at_most=300,
        ),
        absolute(f"{what}: all it fetches", size, "kB", samples=len(several), at_most=_PAGE_MOST),
    ]


def _panel(site: Site) -> Panel:
    if site.panel is None:
        raise RuntimeError("a site without a panel")
    return site.panel


async def print_all(site: Site, document: Path) -> None:
    """Print what is listed, and wait until all of it is held and drawn small."""
    for number in range(JOBS):
        await site.print(document, user=ANA.user, title=f"document {number}.pdf")
    deadline = time.monotonic() + 5 * PATIENCE
    while (await site.status())["jobs"].get("held", 0) < JOBS:
        if time.monotonic() > deadline:
            raise TimeoutError("not all jobs are held")
        await asyncio.sleep(0.5)


async def pair(started: Browser, panel: Panel) -> StorageState:
    """Make a browser the screen of the panel; return what it keeps."""
    async with window(started) as first:
        await first.page.goto(f"{panel.address}pair")
        await first.page.fill("#code", await panel.pair())
        await first.page.click("form[action$='/pair'] button.main")
        await first.page.wait_for_selector("text=This is the screen of")
        return await first.context.storage_state()


async def look(panel: Panel, page: Page) -> float:
    """Hold Ana's card to the reader; return after how many ms her jobs are on the screen."""
    await asyncio.sleep(_PAUSE)
    began = time.time()
    panel.reader.hold(ANA.card)
    await page.wait_for_url("**/jobs")
    took = await noted(page, "window.drawn") - began * 1e3
    shown, said = await page.locator("li.job").count(), await page.inner_text("h1")
    if (shown, said.strip()) != (FIRST, f"{JOBS} jobs"):
        raise RuntimeError(f"{shown} of {said!r} are shown")
    await leave(page)
    return took


async def leave(page: Page) -> None:
    """Sign off; return when the sign-in page hears what the terminal says."""
    async with page.expect_response(_EVENTS):
        await page.click("#off button")
        await page.wait_for_url(_WELCOME)


async def noted(page: Page, expression: str) -> float:
    """Return a figure once the page has it; its policy lets Playwright wait for none itself."""
    deadline = time.monotonic() + PATIENCE
    while (value := await page.evaluate(expression)) is None:
        if time.monotonic() > deadline:
            raise TimeoutError(f"the page never had {expression}")
        await asyncio.sleep(0.01)
    return float(value)


# ── pages ───────────────────────────────────────────────────────────────────────────────────


async def opened(started: Browser, state: StorageState, address: str) -> Opened:
    """Open a page in a browser that has seen none of it."""
    async with window(started, storage_state=state) as fresh:
        loaded: list[Request] = []
        fresh.page.on("requestfinished", lambda request: loaded.append(request))  # noqa: PLW0108  Playwright marks its listeners
        await fresh.page.goto(address)
        paint = await noted(fresh.page, _PAINT)
        # pictures that come into sight are fetched after what is read
        await fresh.page.wait_for_timeout(300)
        sizes = [await request.sizes() for request in tuple(loaded)]
        octets = sum(each["responseBodySize"] for each in sizes)
        if fresh.page.url != address:
            raise RuntimeError(f"{address} led to {fresh.page.url}")
        return Opened(paint, octets)


async def lists(panel: Panel, started: Browser, page: Page) -> list[Opened]:
    """Open the list of jobs, signed in, in browsers that have seen none of it."""
    await asyncio.sleep(_PAUSE)
    panel.reader.hold(ANA.card)
    await page.wait_for_url("**/jobs")
    state = await page.context.storage_state()
    several = [await opened(started, state, f"{panel.address}jobs") for _ in range(OPENED)]
    await leave(page)
    return several


# ── releases ────────────────────────────────────────────────────────────────────────────────


async def releases(
    site: Site, watch: Watch, page: Page, document: Path
) -> tuple[list[float], list[float]]:
    """Release by turns at the screen and by hand; return milliseconds."""
    ours, theirs = [], []
    connection = cups.Connection(host=str(site.cups.socket))
    for number in range(RELEASES):
        await asyncio.sleep(_PAUSE)
        _panel(site).reader.hold(ANA.card)
        await page.wait_for_url("**/jobs")
        row = await site.job(f"document {number}.pdf", "held")
        ours.append(await touched(watch, page, row["job"]))
        await site.job(row["name"], "settled")
        await leave(page)
        theirs.append(await by_hand(site, watch, connection, document))
    return ours, theirs


async def touched(watch: Watch, page: Page, job: str) -> float:
    """Touch a job's button; return ms from the browser's event to the first byte."""
    seen = watch.next_document()
    # the watch and the browser have clocks of their own; both are read off this machine's
    skew = time.time() - time.perf_counter()
    async with page.expect_navigation(url="**/jobs"):
        await page.click(f"[action$='/jobs/{job}/release'] button")
    first = await asyncio.wait_for(seen, PATIENCE) + skew
    return first * 1e3 - await noted(page, "sessionStorage.touched")
