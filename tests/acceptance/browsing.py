"""A real browser before a real panel: what people see, touch and type."""

from __future__ import annotations

import os
import shutil
from contextlib import asynccontextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final
from urllib.parse import urlsplit

import axe_playwright_python.base as axe
from playwright.async_api import async_playwright

if TYPE_CHECKING:
    from collections.abc import AsyncIterator

    from playwright.async_api import Browser, BrowserContext, Page

_FLAGS = (
    "--headless", "--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run",
    "--disable-background-networking", "--disable-component-update", "--disable-sync",
)  # fmt: skip
#: The screen of a copier, and of a phone: CSS pixels.
COPIER = {"width": 800, "height": 480}
PHONE = {"width": 390, "height": 844}
_AXE = (Path(axe.__file__).parent / "axe.min.js").read_text(encoding="utf-8")
#: Pages whose rules were checked in this process, by path and first sentence; PRINTMESH_WALKS=all
#: checks each in every look.
_LOOKED_AT: Final[set[tuple[str, str]]] = set()
#: WCAG 2.2 AA, as axe-core names it.
_TAGS = ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22aa"]


@asynccontextmanager
async def browser() -> AsyncIterator[Browser]:
    """Start the machine's own Chromium; it has no profile and goes nowhere but where it is sent."""
    program = shutil.which("chromium") or "/usr/bin/chromium"
    async with async_playwright() as playing:
        started = await playing.chromium.launch(executable_path=program, args=_FLAGS)
        try:
            yield started
        finally:
            await started.close()


@asynccontextmanager
async def window(
    started: Browser,
    size: dict[str, int] | None = None,
    **more: Any,  # noqa: ANN401  of Playwright's own
) -> AsyncIterator[Watched]:
    """Open a window that complains of whatever a page does wrong; nothing is shared with others."""
    context = await started.new_context(viewport=size or COPIER, **more)  # type: ignore[arg-type]
    try:
        yield Watched(context, await context.new_page())
    finally:
        await context.close()


class Watched:
    """A window, and the faults of the pages that it showed."""

    def __init__(self, context: BrowserContext, page: Page) -> None:
        """Watch a page."""
        self.context = context
        self.page = page
        self.faults: list[str] = []
        page.set_default_timeout(15_000)
        page.on("console", lambda said: self._said(said.type, said.text))
        page.on("pageerror", lambda error: self.faults.append(str(error)))

    def _said(self, kind: str, text: str) -> None:
        if kind == "error":
            self.faults.append(text)

    async def text(self, query: str = "main") -> str:
        """Return what people read there."""
        return " ".join((await self.page.inner_text(query)).split())

    async def hindrances(self, *, again: bool = False) -> list[str]:
        """Return what keeps people from using this page: axe's serious and critical findings.

        Args:
            again: in this look too, if the page was looked at in another: the rules take longer
                than all else, and what looks differ in, their colours, shows on any page.
        """
        path = urlsplit(self.page.url).path
        seen = path, " ".join(await self.page.locator("h1").all_inner_texts())
        if seen in _LOOKED_AT and not again and not os.environ.get("PRINTMESH_WALKS"):
            return []
        _LOOKED_AT.add(seen)
        # the page's own policy lets no script in; the rules are evaluated beside it
        await self.page.evaluate(_AXE)
        options = {
            "runOnly": {"type": "tag", "values": _TAGS},
            "resultTypes": ["violations"],
        }
        found = await self.page.evaluate("options => axe.run(document, options)", options)
        return [
            f"{each['id']}: {node['html'][:120]}"
            for each in found["violations"]
            if each["impact"] in {"serious", "critical"}
            for node in each["nodes"]
        ]
