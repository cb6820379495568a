"""Somebody in front of a panel's screen: reads its pages and sends its forms, as a browser does.

Without scripts, which the panel does not need; so that the demo needs no browser either.
"""

from __future__ import annotations

import asyncio
import re
from dataclasses import dataclass
from html import unescape
from http.cookiejar import CookieJar
from typing import TYPE_CHECKING, Final
from urllib.parse import urlencode, urljoin
from urllib.request import HTTPCookieProcessor, ProxyHandler, Request, build_opener

from demo.lab_error import LabError

if TYPE_CHECKING:
    from demo.panel import Panel

_SECONDS: Final = 30
_TOKEN: Final = re.compile(r'data-token="([^"]+)"')
_JOB: Final = re.compile(r'<li class="job[^>]* id="job-([0-9a-f-]+)">(.*?)</li>', re.DOTALL)
_HIDDEN: Final = re.compile(r"<(script|style|svg|template)\b.*?</\1>", re.DOTALL)
_TAG: Final = re.compile(r"<[^>]+>")


@dataclass(frozen=True, slots=True)
class Page:
    """What came back."""

    url: str
    html: str

    @property
    def text(self) -> str:
        """What people read."""
        bare = _TAG.sub(" ", _HIDDEN.sub(" ", self.html))
        return " ".join(unescape(bare).split())

    def job(self, name: str) -> str:
        """Return the id of a listed job.

        Raises:
            LabError: it is not on the page.
        """
        for match in _JOB.finditer(self.html):
            if name in unescape(match[2]):
                return match[1]
        raise LabError(f"{name} is not on the panel's page: {self.text[:300]}")


class PanelVisit:
    """The browser at the machine; pair it before anything else."""

    def __init__(self, panel: Panel) -> None:
        """Stand in front of a panel."""
        self._panel = panel
        # no proxy that the environment names has a way to this machine
        self._opener = build_opener(HTTPCookieProcessor(CookieJar()), ProxyHandler({}))

    async def pair(self) -> None:
        """Make this browser the screen, as whoever installs it does."""
        await self.send("pair", await self.get("pair"), code=await self._panel.pair())

    async def get(self, path: str = "") -> Page:
        """Open a page."""
        return await asyncio.to_thread(self._open, Request(urljoin(self._panel.address, path)))  # noqa: S310  our own address

    async def send(self, path: str, page: Page, **fields: str) -> Page:
        """Send a form of a page; return what follows."""
        token = _TOKEN.search(page.html)
        data = urlencode({"token": token[1] if token else "", **fields}).encode()
        request = Request(urljoin(self._panel.address, path), data)  # noqa: S310  our own address
        return await asyncio.to_thread(self._open, request)

    async def until(self, words: str, path: str = "") -> Page:
        """Open a page until it says something.

        Raises:
            LabError: it never did.
        """
        loop = asyncio.get_running_loop()
        deadline = loop.time() + _SECONDS
        while True:
            page = await self.get(path)
            if words in page.text:
                return page
            if loop.time() > deadline:
                raise LabError(f"the panel never said {words!r}; it says: {page.text[:300]}")
            await asyncio.sleep(0.1)

    async def hold(self, card: str) -> Page:
        """Hold a card to the reader beside the screen; return its person's jobs."""
        self._panel.reader.hold(card)
        return await self.until("Sign off", "jobs")

    async def leave(self) -> None:
        """Sign off."""
        await self.send("sign-off", await self.get("jobs"))

    def _open(self, request: Request) -> Page:
        try:
            with self._opener.open(request, timeout=_SECONDS) as answer:
                return Page(answer.url, answer.read().decode())
        except OSError as error:
            raise LabError(f"the panel does not answer at {request.full_url}: {error}") from error
