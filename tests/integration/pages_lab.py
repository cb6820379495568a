"""The centre's pages in memory: books with people of every role, and browsers that visit them."""

from __future__ import annotations

import html
import re
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from datetime import timedelta
from typing import TYPE_CHECKING, Any, Final
from uuid import uuid4

import httpx
import pyotp
from pydantic import SecretStr

from broker.directory import UserRow
from central.acts import staff as staff_acts
from central.acts.by import By
from central.rights import EVERYWHERE, Role
from central.store import directory, secrets
from central.store.books import Books, sqlite_url
from central.web.app import make_site
from central.web.pages.centre import Centre
from config.settings import CentralSettings, LinkSettings
from config.settings_web import WebSettings
from tests.integration.books_lab import MORNING, Clock, Dice, MemoryEdge, open_account

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Iterable
    from pathlib import Path

    from starlette.types import ASGIApp

    from central.web.pages.proving import Passwords
    from central.web.pages.table import Page

ADDRESS: Final = "http://127.0.0.1:8090"
PASSWORD: Final = "correct horse battery"
#: Made once: it takes long, by intention.
PHC: Final = secrets.hashed(PASSWORD)
STAFF: Final = {
    "ada": (Role.ADMINISTRATOR, EVERYWHERE),
    "sam": (Role.SITE_ADMINISTRATOR, "north"),
    "olga": (Role.OPERATOR, "north"),
    "axel": (Role.AUDITOR, EVERYWHERE),
}
PERSON: Final = "ana"
#: The file of books that are filled, made once: migrating takes long.
_MADE: list[bytes] = []


@dataclass
class Lab:
    """Books with two sites and one person of each role."""

    books: Books
    clock: Clock
    centre: Centre
    app: ASGIApp
    secrets: dict[str, str] = field(default_factory=dict)
    """Authenticators, by user."""

    def later(self, **time: float) -> None:
        """Let time go on."""
        self.clock.now += timedelta(**time)


def open_lab(
    path: Path,
    *,
    passwords: Passwords | None = None,
    pages: Iterable[Page] | None = None,
    **web: Any,  # noqa: ANN401  settings are anything
) -> Lab:
    """Return the lab; opened again on the same path, it is the same books."""
    file, clock = path / "books.db", Clock()
    # long after whatever was entered before: ids are made of the time
    clock.now += timedelta(hours=sum(1 for each in path.glob("opened*")))
    (path / f"opened{uuid4()}").touch()
    if _MADE and not file.exists():
        file.write_bytes(_MADE[0])
    books = Books.open(sqlite_url(file), clock=clock, dice=Dice(int(clock.now.timestamp())))
    with books.read() as tx:
        fresh = directory.get(tx, "user", PERSON) is None
    if fresh:
        _fill(books)
        if file.exists():
            books.close()
            _MADE.append(file.read_bytes())
            return open_lab(path, passwords=passwords, pages=pages, **web)
    settings = CentralSettings(
        data=path,
        credentials=path / "credentials.json",
        broker=LinkSettings(secret=SecretStr("the coordinator's own, long and random")),
        web=WebSettings(**{"port": 8090, **web}),
    )
    centre = Centre.of(settings, books, clock=clock, passwords=passwords)
    return Lab(books, clock, centre, make_site(centre, pages=pages))


def _fill(books: Books) -> None:
    for node in ("north", "south"):
        MemoryEdge(books, node).join()
    for name in (*STAFF, PERSON):
        enter(books, name)
    open_account(books, f"user:{PERSON}", top_up="4.20")
    with books.write() as tx:
        for name, (role, sites) in STAFF.items():
            done = staff_acts.give(tx, By("cli:test"), name, role, (sites,))
            assert isinstance(done, staff_acts.RoleGiven)


def enter(books: Books, name: str, **more: object) -> None:
    """Enter a person who can sign in."""
    row = UserRow(name=name, display=name.title(), accounts=(f"user:{name}",), password=PHC)
    with books.write() as tx:
        directory.put(tx, "user", name, row.model_copy(update=more))


class Browser:
    """A browser as far as pages notice: cookies, headers of forms, the token of the last page."""

    def __init__(self, client: httpx.AsyncClient) -> None:
        self.client = client
        self.page = ""

    async def get(self, path: str, **more: Any) -> httpx.Response:  # noqa: ANN401  as httpx
        """Ask for a page; no redirect is followed."""
        answer = await self.client.get(path, **more)
        if answer.status_code == 200:
            self.page = answer.text
        return answer

    async def post(self, path: str, **fields: str) -> httpx.Response:
        """Send a form of the last page."""
        return await self.send(path, {"origin": ADDRESS, "sec-fetch-site": "same-origin"}, **fields)

    async def send(self, path: str, headers: dict[str, str], /, **fields: str) -> httpx.Response:
        """Send a form of the last page, with headers as a page of somebody else's has them."""
        answer = await self.client.post(path, data={"token": self.token, **fields}, headers=headers)
        if "<html" in answer.text:
            self.page = answer.text
        return answer

    @property
    def token(self) -> str:
        """The token of the last page."""
        found = re.search(r'name="token" value="([0-9a-f]+)"', self.page)
        return found[1] if found else ""

    @property
    def cookie(self) -> str:
        """What names the browser."""
        return self.client.cookies.get("printmesh") or ""

    def text(self) -> str:
        """Return what the last page says, without its markup."""
        plain = re.sub(r"<(script|style|svg)\b.*?</\1>", "", self.page, flags=re.DOTALL)
        return html.unescape(" ".join(re.sub(r"<[^>]+>", " ", plain).split()))

    async def sign_in(self, lab: Lab, name: str, password: str = PASSWORD) -> httpx.Response:
        """Sign in, with the second factor where it is asked for; return the last answer."""
        await self.get("/sign-in")
        answer = await self.post("/sign-in", name=name, password=password)
        if not answer.headers.get("location", "").startswith("/second"):
            return answer
        await self.get("/second")
        return await self.prove(lab, name)

    async def prove(self, lab: Lab, name: str) -> httpx.Response:
        """Show a code of the authenticator, setting it up on the way."""
        shown = re.search(r"<small>((?:[A-Z2-7]{4} ?){8})</small>", self.page)
        if shown:
            lab.secrets[name] = shown[1].replace(" ", "")
        lab.later(seconds=30)
        code = pyotp.TOTP(lab.secrets[name]).at(lab.clock.now)
        return await self.post("/second", code=code)


@asynccontextmanager
async def browser(lab: Lab, address: str = ADDRESS) -> AsyncIterator[Browser]:
    """Open a browser."""
    transport = httpx.ASGITransport(lab.app, raise_app_exceptions=False)
    async with httpx.AsyncClient(transport=transport, base_url=address) as client:
        yield Browser(client)


@asynccontextmanager
async def signed_in(lab: Lab, name: str) -> AsyncIterator[Browser]:
    """Open a browser that somebody is signed in with."""
    async with browser(lab) as found:
        answer = await found.sign_in(lab, name)
        assert answer.status_code in {200, 303}, answer.text
        yield found


__all__ = ["MORNING", "PASSWORD", "PERSON", "STAFF", "Browser", "Lab", "browser", "open_lab"]
