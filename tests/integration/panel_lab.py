"""A panel without a browser: its pages, an edge that a test scripts, and who asks for pages."""

from __future__ import annotations

import asyncio
import re
from contextlib import asynccontextmanager, suppress
from datetime import UTC, datetime
from functools import partial
from typing import TYPE_CHECKING, Any, Final, Self
from uuid import UUID, uuid4, uuid5

import httpx

from broker.messages import Problem, Reply, SiteState
from broker.messages.terminals import (
    IdentifyAnswer,
)
from config.panel_settings import PanelSettings
from terminal_bridge.bridge import Bridge
from terminal_bridge.durable import OpenCopies
from terminal_bridge.edge_line import EdgeHere, Said
from terminal_bridge.panel.desk import Desk, NoCopies
from terminal_bridge.panel.pairing import Pairing
from terminal_bridge.panel.scanning import Scanning
from terminal_bridge.panel.server import application
from terminal_bridge.phases import Habits
from terminal_bridge.shared_line import SharedLine
from tests.integration.terminal_lab import HandReader

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Callable, Mapping
    from pathlib import Path

    from terminal_bridge.edge_line import LineEvent
    from tests.integration.terminal_lab import HandCopier

SCREEN: Final = "10.0.0.1"
PHONE: Final = "10.0.0.2"
NAME: Final = "panel"
PATIENCE: Final = 5.0
_NAMES: Final = UUID("018f0000-0000-7000-8000-000000000000")
_TOKEN: Final = re.compile(r'data-token="([^"]+)"')
_STATE: Final = SiteState.model_validate(
    {
        "node": "edge-1",
        "site": "North",
        "role": "tracker",
        "linked": True,
        "since": datetime(2026, 3, 2, tzinfo=UTC),
        "waiting": 0,
        "copies": True,
        "printers": [],
    }
)


def yes(data: Mapping[str, Any]) -> Reply:
    """Answer with data."""
    return Reply(corr=uuid4(), status="ok", data=dict(data))


def no(code: str) -> Reply:
    """Refuse."""
    return Reply(corr=uuid4(), status="refused", problem=Problem(code=code, detail=f"{code}."))


def session_of(user: str) -> str:
    """Return by what session a person is signed in."""
    return str(uuid5(_NAMES, user))


def row(name: str = "Thesis.pdf", **more: object) -> dict[str, object]:
    """Return a job as the edge lists it."""
    return {"job": str(uuid4()), "user": "ana", "name": name, "phase": "held", **more}


class HandLine:
    """An edge that answers as a test says, when it says; knows people by any PIN but `0`."""

    def __init__(self) -> None:
        self.asked: list[tuple[str, Mapping[str, Any]]] = []
        self.answers: dict[str, Callable[[Mapping[str, Any]], Reply | None]] = {}
        self.gates: dict[str, asyncio.Event] = {}
        """Methods that are answered once their event is set."""
        self.waiting = asyncio.Semaphore(0)
        """Released when a question begins to wait."""
        self.cards = {"0417": "ana", "0533": "bea"}
        self._heard: asyncio.Queue[LineEvent | None] = asyncio.Queue()

    async def __aenter__(self) -> Self:
        """Be there."""
        self._heard.put_nowait(EdgeHere())
        self._heard.put_nowait(Said(_STATE))
        return self

    async def __aexit__(self, *exc: object) -> None:
        """Go."""

    async def events(self) -> AsyncIterator[LineEvent]:
        """Give what a test has the edge say."""
        while True:
            event = await self._heard.get()
            if event is None:
                raise OSError("the line broke")
            yield event

    def says(self, event: LineEvent) -> None:
        """Say something that nobody asked for."""
        self._heard.put_nowait(event)

    def breaks(self) -> None:
        """Fail, as nobody planned."""
        self._heard.put_nowait(None)

    async def ask(self, method: str, fields: Mapping[str, Any]) -> Reply | None:
        """Answer, if a test lets us."""
        self.asked.append((method, fields))
        gate = self.gates.get(method)
        if gate is not None:
            self.waiting.release()
            await gate.wait()
        own = self.answers.get(method)
        if own is not None:
            return own(fields)
        if method == "identify":
            return self._identity(fields)
        if method == "jobs":
            return yes({"jobs": [], "more": False})
        return yes({})

    def questions(self, method: str) -> list[Mapping[str, Any]]:
        """Return what was asked by a method."""
        return [fields for name, fields in self.asked if name == method]

    def _identity(self, fields: Mapping[str, Any]) -> Reply:
        user = fields.get("user") or self.cards.get(fields.get("card", ""))
        if session := fields.get("session"):
            user = next(each for each in ("ana", "bea") if session_of(each) == session)
        if user is None or fields.get("pin") == "0":
            return no("no-identity")
        answer = IdentifyAnswer(
            session=UUID(session_of(user)), user=user, display=user, idle_seconds=60
        )
        return yes(answer.model_dump(mode="json"))


class Caller:
    """A browser without a window: keeps cookies, and the token of the page it saw last."""

    def __init__(self, client: httpx.AsyncClient) -> None:
        self.client = client
        self.token = ""

    async def get(self, path: str) -> httpx.Response:
        """Open a page, and where it leads."""
        answer = await self.client.get(f"/{NAME}/{path}", follow_redirects=True)
        found = _TOKEN.search(answer.text)
        if found is not None:
            self.token = found[1]
        return answer

    async def post(self, path: str, **fields: str) -> httpx.Response:
        """Send a form of the page that was seen last."""
        async with asyncio.timeout(PATIENCE):
            return await self.client.post(f"/{NAME}/{path}", data={"token": self.token, **fields})

    async def sign_in(self, user: str, pin: str = "1") -> httpx.Response:
        """Type a name and a PIN; return the page after it."""
        await self.get("")
        await self.post("sign-in", user=user, pin=pin, way="pin")
        return await self.get("")


class PanelLab:
    """One panel."""

    def __init__(self, root: Path, copier: HandCopier | None = None) -> None:
        self.root = root
        self.copier = copier
        self.line = HandLine()
        self.reader = HandReader()
        self.desk = self._desk()
        self.desks = {NAME: self.desk}
        self.app = application(self.desks, "http://print.test")
        self.work: asyncio.Task[None] | None = None

    def _desk(self) -> Desk:
        shared = SharedLine(self.line)
        habits = Habits(printer="copier-1", at_card="choose")
        return Desk(
            NAME,
            settings=PanelSettings.model_validate({"screen": [f"{SCREEN}/32"]}),
            habits=habits,
            line=shared,
            screen=partial(
                Bridge,
                NAME,
                habits=habits,
                line=shared.tap(),
                copies=OpenCopies(self.root / "copies.json") if self.copier else NoCopies(),
                reader=lambda: Scanning(self.reader, self.desk.scanned),
                control=partial(_itself, self.copier) if self.copier else None,
            ),
            pairing=Pairing(
                self.root / "screen.json",
                PanelSettings.model_validate({"screen": [f"{SCREEN}/32"]}).screen,
            ),
            copier=True,
            reader=True,
        )

    @asynccontextmanager
    async def caller(self, address: str = PHONE) -> AsyncIterator[Caller]:
        """Open a browser at an address."""
        transport = httpx.ASGITransport(
            self.app, raise_app_exceptions=False, client=(address, 4000)
        )
        async with httpx.AsyncClient(transport=transport, base_url="http://print.test") as client:
            yield Caller(client)

    async def card(self, number: str) -> None:
        """Hold a card to the reader, and wait until somebody is signed in by it."""
        self.reader.hold(number)
        user = self.line.cards[number]
        await until(lambda: self.at_screen() == user)

    def at_screen(self) -> str:
        """Return who is signed in at the screen."""
        who = self.desk.screen.who
        return who.answer.user if who else ""


async def until(holds: Callable[[], bool]) -> None:
    """Wait until something holds; nothing outside tells when."""
    async with asyncio.timeout(PATIENCE):
        while not holds():  # noqa: ASYNC110  nothing tells
            await asyncio.sleep(0.002)


def _itself(copier: HandCopier) -> HandCopier:
    return copier


@asynccontextmanager
async def panel(root: Path, copier: HandCopier | None = None) -> AsyncIterator[PanelLab]:
    """Run a panel, with a copier if there is one."""
    lab = PanelLab(root, copier)
    lab.work = asyncio.create_task(lab.desk.run())
    terminal = lab.desk.screen.bridge
    await until(lambda: terminal.terminal.edge and not terminal.terminal.trouble)
    try:
        yield lab
    finally:
        lab.work.cancel()
        with suppress(asyncio.CancelledError, ExceptionGroup):
            await lab.work
