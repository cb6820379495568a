"""Terminals on a real site broker: from card to settled copy, cut lines, kills, bad hardware."""

from __future__ import annotations

import asyncio
import logging
from contextlib import asynccontextmanager
from datetime import UTC, datetime, timedelta
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Self
from uuid import UUID, uuid4, uuid5

from broker import topics
from broker.messages import PersonNews, Reply
from config.settings_terminal import TerminalSettings
from edge.answers.copies import CopyAnswers
from edge.requests import Requests
from terminal_bridge.app import copies_file, habits_of
from terminal_bridge.bridge import Bridge
from terminal_bridge.durable import OpenCopies, peek
from terminal_bridge.edge_line import EdgeGone, EdgeHere, EdgeLine, LineEvent, Said
from tests.integration.terminal_lab import (
    NAMES,
    PATIENCE,
    QUICK,
    HandCopier,
    HandReader,
    LoneSite,
    SmallEdge,
    site_of,
    terminal_table,
)
from tests.unit.copies_lab import CopySite
from tests.unit.edge_lab import CENT, euros, grant

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Callable

    import pytest

    from broker.messages import Person
    from terminal_bridge.ports import Sound

ROOT = Path(__file__).parents[2]


class Panel:
    """A display that remembers."""

    def __init__(self, changed: asyncio.Event) -> None:
        self._changed = changed
        self.lines: list[tuple[str, ...]] = []
        self.sounds: list[Sound] = []

    async def __aenter__(self) -> Self:
        """Open."""
        return self

    async def __aexit__(self, *exc: object) -> None:
        """Close."""

    def show(self, lines: tuple[str, ...]) -> None:
        """Remember."""
        self.lines.append(lines)
        self._changed.set()

    def beep(self, sound: Sound) -> None:
        """Remember."""
        self.sounds.append(sound)
        self._changed.set()


class Desk:
    """A terminal at work, with its hardware in the test's hands."""

    def __init__(
        self, site: LoneSite, data: Path, name: str = "terminal-1", printer: str = "copier-1"
    ) -> None:
        data.mkdir(exist_ok=True)
        table = terminal_table(site, data, name, printer=printer)
        settings = TerminalSettings.model_validate(table)
        terminal = settings.terminals[0]
        self.file = copies_file(data, name)
        self.changed = asyncio.Event()
        self.reader, self.copier = HandReader(), HandCopier()
        self.panel = Panel(self.changed)
        self.bridge = Bridge(
            name,
            habits=habits_of(terminal),
            line=EdgeLine(settings.link_of(terminal), name, timing=QUICK),
            copies=OpenCopies(self.file),
            reader=lambda: self.reader,
            control=lambda: self.copier,
            display=self.panel,
            on_change=lambda _: self.changed.set(),
        )

    async def until(self, holds: Callable[[Bridge], bool]) -> None:
        """Wait until something holds, looked at whenever the terminal changes."""
        async with asyncio.timeout(PATIENCE):
            while not holds(self.bridge):
                self.changed.clear()
                await self.changed.wait()


@asynccontextmanager
async def desk_of(
    site: LoneSite, data: Path, name: str = "terminal-1", printer: str = "copier-1"
) -> AsyncIterator[Desk]:
    """Give a terminal at work whose edge is there."""
    desk = Desk(site, data, name, printer)
    work = asyncio.create_task(desk.bridge.run())
    try:
        await desk.until(lambda bridge: bridge.terminal.edge and not bridge.terminal.trouble)
        yield desk
    finally:
        work.cancel()
        await asyncio.gather(work, return_exceptions=True)


async def test_card_to_settled_copy(tmp_path: Path) -> None:
    """A card lets the copier; pages are counted before they are shown; the card again settles."""
    async with site_of() as site, SmallEdge(site.edge()) as edge, desk_of(site, tmp_path) as desk:
        desk.reader.hold("0417")
        await desk.copier.until(enabled=True)
        desk.copier.make(3)
        await edge.until(lambda: any(each.monochrome == 3 for each in edge.open.values()))
        desk.reader.hold("0417")
        await desk.copier.until(enabled=False)
        await edge.until(lambda: "sign-off" in edge.methods())
        assert [counts.monochrome for counts in edge.settled.values()] == [3]
        assert not peek(desk.file)
        assert edge.methods() == ["identify", "copy-begin", "copy-count", "copy-end", "sign-off"]


async def test_budget_stops_the_copier(tmp_path: Path) -> None:
    """When the edge says no more, the copier is stopped and the copy settled, unasked."""
    async with (
        site_of() as site,
        SmallEdge(site.edge(), budget=2) as edge,
        desk_of(site, tmp_path) as desk,
    ):
        desk.reader.hold("0417")
        await desk.copier.until(enabled=True)
        desk.copier.make(2)
        await desk.copier.until(enabled=False)
        await edge.until(lambda: bool(edge.settled))
        assert [counts.monochrome for counts in edge.settled.values()] == [2]


async def test_unknown_card_is_told_so(tmp_path: Path) -> None:
    """The display has the edge's sentence, and the copier stays as it was."""
    async with site_of() as site, SmallEdge(site.edge()), desk_of(site, tmp_path) as desk:
        desk.reader.hold("9999")
        await desk.until(lambda _: ("Not possible", "This is unknown-card.") in desk.panel.lines)
        assert "bad" in desk.panel.sounds
        assert not desk.copier.enabled


async def test_a_card_of_any_length_stops_nothing(tmp_path: Path) -> None:
    """A card number that is no question is refused here; the next card is served."""
    async with site_of() as site, SmallEdge(site.edge()) as edge, desk_of(site, tmp_path) as desk:
        desk.reader.hold("7" * 300)
        await desk.until(lambda _: "bad" in desk.panel.sounds)
        desk.reader.hold("0417")
        await desk.copier.until(enabled=True)
        assert edge.methods()[0] == "identify"


async def test_lost_site_broker_in_mid_copy(tmp_path: Path) -> None:
    """The copier stops at once; what it made meanwhile is durable, and settled when all is back."""
    async with site_of() as site, SmallEdge(site.edge()) as edge, desk_of(site, tmp_path) as desk:
        desk.reader.hold("0417")
        await desk.copier.until(enabled=True)
        desk.copier.make(2)
        await edge.until(lambda: any(counts.monochrome == 2 for counts in edge.open.values()))
        await site.stop()
        await desk.copier.until(enabled=False)
        desk.copier.make(1)
        await desk.until(lambda bridge: bool(bridge.terminal.owed))
        assert [copy.counts.monochrome for copy in peek(desk.file)] == [3]
        await site.start()
        await edge.until(lambda: bool(edge.settled))
        assert [counts.monochrome for counts in edge.settled.values()] == [3]
        await desk.until(lambda bridge: not bridge.terminal.owed)
        assert not peek(desk.file)


async def test_another_process_of_the_edge_ends_the_copy(tmp_path: Path) -> None:
    """An edge that begins anew on a broker that stood knows no session: the copy is ended."""
    async with site_of() as site, SmallEdge(site.edge()) as edge, desk_of(site, tmp_path) as desk:
        desk.reader.hold("0417")
        await desk.copier.until(enabled=True)
        await edge.say_online()
        await desk.copier.until(enabled=False)
        await edge.until(lambda: bool(edge.settled))


async def test_failing_copier_control_ends_the_copy_and_comes_back(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Pins that fail in mid-copy settle it; while they fail nobody copies, then again."""
    monkeypatch.setattr("terminal_bridge.bridge._TRY_AGAIN", 0.05)
    async with site_of() as site, SmallEdge(site.edge()) as edge, desk_of(site, tmp_path) as desk:
        desk.reader.hold("0417")
        await desk.copier.until(enabled=True)
        desk.copier.breaks()
        await edge.until(lambda: bool(edge.settled))
        await desk.until(lambda bridge: "pins are gone" in bridge.terminal.trouble)
        desk.copier.broken = False
        await desk.until(lambda bridge: not bridge.terminal.trouble)
        desk.reader.hold("0533")
        await desk.copier.until(enabled=True)


async def test_a_disk_that_fails_lets_nobody_copy(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A copy that cannot be made durable is not begun: it is settled with no page."""

    def full(self: object, copy: object) -> None:
        raise OSError(28, "No space left on device")

    async with site_of() as site, SmallEdge(site.edge()) as edge, desk_of(site, tmp_path) as desk:
        monkeypatch.setattr(OpenCopies, "keep", full)
        desk.reader.hold("0417")
        await edge.until(lambda: bool(edge.settled))
        assert "enable" not in desk.copier.log
        assert "No space left" in desk.bridge.terminal.trouble


async def test_two_terminals_in_one_process_do_not_meet(tmp_path: Path) -> None:
    """Each has its own link, session and file."""
    async with (
        site_of() as site,
        SmallEdge(site.edge()) as edge,
        desk_of(site, tmp_path, "terminal-1") as one,
        desk_of(site, tmp_path, "terminal-2") as other,
    ):
        one.reader.hold("0417")
        await one.copier.until(enabled=True)
        assert not other.copier.enabled
        other.reader.hold("0533")
        await other.copier.until(enabled=True)
        assert len(edge.open) == 2


async def test_no_card_number_is_logged(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    """Whatever is logged at any level, and whatever is on the disk, has no card number."""
    caplog.set_level(logging.DEBUG)
    async with site_of() as site, SmallEdge(site.edge()), desk_of(site, tmp_path) as desk:
        for number in ("0417", "77665544332211"):
            desk.reader.hold(number)
        await desk.copier.until(enabled=True)
        on_disk = desk.file.read_bytes()
    assert "77665544332211" not in caplog.text
    assert b'"0417"' not in on_disk


class SignedIn:
    """Knows the sessions that the small edge gives."""

    def who(self, node: str, person: Person) -> str | None:
        """Return whose session it is."""
        return "ana" if person.session == uuid5(NAMES, "ana") else None

    def new_card(self, node: str, person: Person) -> str | None:
        """Return None: no card is new."""
        return None


def _shown(desk: Desk, pages: int, _: Bridge) -> bool:
    counted = "1 copy" if pages == 1 else f"{pages} copies"
    return desk.panel.lines[-1][0].startswith(counted) or not desk.copier.enabled


async def test_the_real_copies_of_an_edge(tmp_path: Path) -> None:
    """With the edge's own books: the budget stops the copier, and what was made is charged."""
    books = CopySite()
    grant(books.books, euros("0.50"))  # ten pages
    copies = CopyAnswers(copying=books.copying, visitors=SignedIn())
    async with (
        site_of() as site,
        SmallEdge(site.edge()) as edge,
        desk_of(site, tmp_path, printer="lib-1") as desk,
    ):
        edge.clock = books.clock
        edge.real = Requests((copies,), operators=frozenset(), clock=books.clock)
        await edge.say_online(online=False)
        await edge.say_online()
        await desk.until(lambda bridge: bridge.terminal.edge)
        desk.reader.hold("0417")
        await desk.copier.until(enabled=True)
        made = 0
        while desk.copier.enabled:
            made += 1
            desk.copier.make(1)
            # until the edge's word on this page is shown, or has stopped the machine
            await desk.until(partial(_shown, desk, made))
        await desk.copier.until(enabled=False)
        await edge.until(lambda: "sign-off" in edge.methods())
    (charged,) = books.charged()
    assert (made, made * 5 * CENT) == (charged.counted.impressions, charged.postings[0].micros)
    assert euros("0.50") - made * 5 * CENT == books.here()
    assert not peek(desk.file)


# ── the line alone ──────────────────────────────────────────────────────────────────────────


@asynccontextmanager
async def line_of(
    site: LoneSite, clock: Callable[[], datetime] | None = None
) -> AsyncIterator[tuple[EdgeLine, asyncio.Queue[LineEvent]]]:
    """Give a line and what happens on it."""
    settings = site.terminal("terminal-1")
    line = EdgeLine(
        settings, "terminal-1", clock=clock or (lambda: datetime.now(UTC)), timing=QUICK
    )
    heard: asyncio.Queue[LineEvent] = asyncio.Queue()

    async def listen() -> None:
        async for event in line.events():
            heard.put_nowait(event)

    async with line:
        work = asyncio.create_task(listen())
        try:
            yield line, heard
        finally:
            work.cancel()


async def soon(heard: asyncio.Queue[LineEvent]) -> LineEvent:
    """Return the next event."""
    async with asyncio.timeout(PATIENCE):
        return await heard.get()


async def test_line_says_whether_the_edge_is_there(tmp_path: Path) -> None:
    """A broker without an edge is no edge; its going ends what was asked."""
    async with site_of() as site, line_of(site) as (line, heard):
        assert await line.ask("balance", {"person": {"session": str(uuid4())}}) is None
        async with SmallEdge(site.edge()) as edge:
            assert await soon(heard) == EdgeHere()
            edge.answers["balance"] = lambda _: None
            asking = asyncio.create_task(
                line.ask("balance", {"person": {"session": str(uuid4())}}, seconds=PATIENCE)
            )
            await edge.until(lambda: "balance" in edge.methods())
            await edge.say_online(online=False)
            assert await soon(heard) == EdgeGone()
            assert await asking is None


async def test_a_beginning_whose_answer_is_lost_is_asked_again(tmp_path: Path) -> None:
    """Lost on its way, or with the edge away for a moment: the same question comes again."""
    async with site_of() as site, line_of(site) as (line, heard), SmallEdge(site.edge()) as edge:
        assert await soon(heard) == EdgeHere()
        edge.answers["copy-begin"] = lambda question: (
            None if len(edge.asked) < 2 else edge.answer(question)
        )
        fields = {"person": {"session": str(uuid4())}, "printer": "copier-1"}
        asking = asyncio.create_task(line.ask("copy-begin", fields, seconds=3))
        await edge.until(lambda: len(edge.asked) == 1)
        await edge.say_online(online=False)
        assert await soon(heard) == EdgeGone()
        await edge.say_online()
        assert await soon(heard) == EdgeHere()
        reply = await asking
        assert reply is not None
        assert reply.status == "ok"
        assert len({question.corr for question in edge.asked}) == 1
        assert len(edge.asked) == 3  # away; then lost; then answered


async def test_line_tells_news(tmp_path: Path) -> None:
    """What the edge says to this terminal arrives."""
    async with site_of() as site, line_of(site) as (_, heard), SmallEdge(site.edge()) as edge:
        assert await soon(heard) == EdgeHere()
        news = PersonNews(session=UUID(int=7), what="settled", text="Printed.")
        await edge.say(topics.NEWS, news, node="terminal-1")
        assert await soon(heard) == Said(news)


def _shifted(wrong: timedelta) -> datetime:
    return datetime.now(UTC) + wrong


async def test_a_terminal_with_a_wrong_clock_is_served(tmp_path: Path) -> None:
    """Deadlines are the edge's time, whether ours is years behind or ahead."""
    for wrong in (timedelta(days=-700), timedelta(days=700)):
        async with (
            site_of() as site,
            SmallEdge(site.edge()) as edge,
            line_of(site, partial(_shifted, wrong)) as (line, heard),
        ):
            assert await soon(heard) == EdgeHere()
            reply = await line.ask("identify", {"card": "0417"})
            assert isinstance(reply, Reply)
            assert reply.status == "ok"
            reply = await line.ask("identify", {"card": "0417"})
            assert edge.asked[-1].expires_at < datetime.now(UTC) + timedelta(minutes=1)
