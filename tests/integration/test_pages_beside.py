"""Promises of whoever begins the pages' process, kept with a small program in its stead."""

from __future__ import annotations

import asyncio
import os
import re
import signal
import socket
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass, field
from io import BytesIO
from typing import TYPE_CHECKING
from uuid import UUID

import pytest
from pydantic import SecretStr

from broker.exporters.figures import IngestTally
from broker.listening import CannotListen
from central.web.beside import Beside, WebProcess, begun
from central.web.beside_program import Coordinator
from central.web.beside_words import Begin, Down, End, Told, down, line
from central.web.shown import Ports, Shown
from config.settings import CentralSettings, LinkSettings
from config.settings_web import WebSettings
from tests.integration.books_lab import open_books

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Callable
    from pathlib import Path

pytestmark = pytest.mark.sqlite_only("how a process is begun is no question of SQL")

PATIENCE = 30.0


def settings(path: Path, port: int | None) -> CentralSettings:
    """Return settings whose pages are there."""
    return CentralSettings(
        data=path,
        credentials=path / "credentials.json",
        broker=LinkSettings(secret=SecretStr("of the coordinator")),
        web=WebSettings(port=port),
    )


def beside(path: Path) -> Beside:
    """Return how the small program is begun."""
    return Beside(path / "twin", program="tests.integration.beside_twin")


@dataclass(slots=True)
class Lab:
    """A coordinator in name only, and what became of the process beside it."""

    path: Path
    shown: Shown
    told: list[Callable[[], None]]
    troubles: list[str]
    ready: asyncio.Queue[Ports] = field(default_factory=asyncio.Queue)

    @classmethod
    def made(cls, path: Path, does: str) -> Lab:
        """Return one whose process does these things, one in each of its lives."""
        (path / "twin").write_text(does)
        told: list[Callable[[], None]] = []
        troubles: list[str] = []
        tally = IngestTally(rounds=5)
        shown = Shown(open_books(), tally, lambda: tuple(troubles), told.append)
        return cls(path, shown, told, troubles)

    @asynccontextmanager
    async def served(self) -> AsyncIterator[asyncio.Task[None]]:
        """Have the process begun and attended to; at the end it is ended in order."""
        async with (
            asyncio.timeout(PATIENCE),
            begun(beside(self.path), settings(self.path, 0)) as web,
        ):
            assert isinstance(web, WebProcess), web
            task = asyncio.create_task(web.serve(self.shown, self.ready.put_nowait))
            try:
                yield task
            finally:
                task.cancel()
                with suppress(asyncio.CancelledError, CannotListen):
                    await task

    async def until_heard(self, true: Callable[[list[Down]], bool]) -> None:
        """Wait until what it heard is so; nobody tells of a file."""
        async with asyncio.timeout(PATIENCE):
            while not true(self.heard):  # noqa: ASYNC110  as above
                await asyncio.sleep(0.02)

    @property
    def heard(self) -> list[Down]:
        """What all its lives together have heard."""
        file = self.path / "twin.heard"
        return [down(each) for each in file.read_bytes().splitlines()] if file.exists() else []

    @property
    def lives(self) -> list[int]:
        """The process's numbers, of each life."""
        return [int(each) for each in (self.path / "twin.lives").read_text().split()]


async def test_it_is_told_to_begin_and_to_end(tmp_path: Path) -> None:
    """The books come first, the farewell last; the port was known before anybody served there."""
    lab = Lab.made(tmp_path, "serves")
    async with lab.served():
        ports = await lab.ready.get()
        assert ports.api is None
        socket.create_connection(("127.0.0.1", ports.web or 0)).close()
    first, *_, last = lab.heard
    assert first == Begin(incarnation=lab.shown.books.identity.incarnation)
    assert last == End()
    with pytest.raises(ProcessLookupError):
        os.kill(lab.lives[0], 0)
    with pytest.raises(ConnectionRefusedError):
        socket.create_connection(("127.0.0.1", ports.web or 0))


async def test_changes_and_troubles_are_told(tmp_path: Path) -> None:
    """It hears that the books may have changed, of each trouble, and of what was counted."""
    lab = Lab.made(tmp_path, "serves")

    def says(*troubles: str, changed: bool = False) -> Callable[[list[Down]], bool]:
        wanted = Told(changed=changed, troubles=troubles, ingest=IngestTally(rounds=5))
        return lambda heard: wanted in heard

    async with lab.served():
        await lab.ready.get()
        await lab.until_heard(says())
        assert not says(changed=True)(lab.heard)
        lab.told[0]()
        await lab.until_heard(says(changed=True))
        lab.troubles.append("It rains.")
        await lab.until_heard(says("It rains."))


async def test_one_that_dies_is_followed_by_another_at_the_same_place(tmp_path: Path) -> None:
    """Also when the first died before it ever served; who connects meanwhile is not refused."""
    lab = Lab.made(tmp_path, "dies serves")
    async with lab.served():
        before = await lab.ready.get()
        assert len(lab.lives) == 2
        os.kill(lab.lives[-1], signal.SIGKILL)
        socket.create_connection(("127.0.0.1", before.web or 0)).close()
        assert await lab.ready.get() == before
        assert len(lab.lives) == 3


async def test_what_cannot_be_had_is_said_once(tmp_path: Path) -> None:
    """A certificate that is none ends the coordinator's start with the reason, not a second try."""
    lab = Lab.made(tmp_path, "refuses")
    async with lab.served() as task:
        with pytest.raises(CannotListen, match="no certificate"):
            await task
    assert len(lab.lives) == 1


async def test_what_could_be_had_once_is_tried_again(tmp_path: Path) -> None:
    """A certificate that is being replaced while the pages begin anew ends no coordinator."""
    lab = Lab.made(tmp_path, "serves refuses serves")
    async with lab.served():
        await lab.ready.get()
        os.kill(lab.lives[-1], signal.SIGKILL)
        await lab.ready.get()
        assert len(lab.lives) == 3


async def test_an_address_in_use_begins_nothing(tmp_path: Path) -> None:
    """It is told with the setting to change."""
    with socket.create_server(("127.0.0.1", 0)) as taken:
        async with begun(beside(tmp_path), settings(tmp_path, taken.getsockname()[1])) as found:
            assert isinstance(found, CannotListen)
            assert re.search(r"pages cannot listen.*\[web\]", str(found))
    assert not (tmp_path / "twin.lives").exists()


async def test_who_asks_for_no_pages_gets_no_process(tmp_path: Path) -> None:
    """A centre without them is one process."""
    async with begun(beside(tmp_path), settings(tmp_path, None)) as found:
        assert found is None
    assert not (tmp_path / "twin.lives").exists()


async def test_what_it_babbles_is_passed_over(tmp_path: Path) -> None:
    """A line that is no word harms nobody."""
    lab = Lab.made(tmp_path, "babbles")
    async with lab.served():
        await lab.ready.get()


# ── its own end of the line ─────────────────────────────────────────────────────────────────

BEGIN = Begin(incarnation=UUID(int=7))
TOLD = Told(changed=True, troubles=("It rains.",), ingest=IngestTally(rounds=5))


async def heard(*words: Down) -> tuple[Coordinator, list[str]]:
    """Have a coordinator say this and die; return what was heard, and what was done in order."""
    did: list[str] = []
    said = BytesIO(b"".join(map(line, words)))
    coordinator = Coordinator(said, leave=lambda status: did.append(f"leave {status}"), grace=0)
    coordinator.beat = lambda: did.append("beat")
    await asyncio.to_thread(coordinator.listen)
    await asyncio.sleep(0)
    return coordinator, did


async def test_open_pages_hear_of_changes_and_monitors_of_troubles() -> None:
    """A word that the books may have changed has open pages look; troubles and figures stand."""
    coordinator, did = await heard(BEGIN, TOLD, TOLD.model_copy(update={"changed": False}))
    assert coordinator.begin.result() == BEGIN
    assert did.count("beat") == 1
    assert coordinator.troubles() == ("It rains.",)
    assert coordinator.heard.ingest == TOLD.ingest


@pytest.mark.parametrize(
    ("words", "status", "in_order"),
    [
        ((End(),), 0, False),  # nothing was open
        ((), 1, False),  # a coordinator that died before it had books
        ((BEGIN, TOLD), 1, False),  # one that died
        ((BEGIN, End()), 1, True),  # told to end, and did not in time
    ],
)
async def test_it_never_stays_without_a_coordinator(
    words: tuple[Down, ...], status: int, *, in_order: bool
) -> None:
    """However the coordinator ends; only one that says so has answers under way finished."""
    coordinator, did = await heard(*words)
    assert f"leave {status}" in did
    assert coordinator.stop.is_set() is in_order
