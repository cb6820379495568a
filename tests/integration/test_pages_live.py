"""Values that follow the books while a page is open: read once for many, sent only when changed."""

from __future__ import annotations

import asyncio
import json
from contextlib import aclosing
from dataclasses import dataclass
from typing import TYPE_CHECKING
from zoneinfo import ZoneInfo

import pytest

from central.rights import Right
from central.store import organisation
from central.web.pages.live import STREAMS, Audience, Broadcaster, Live
from tests.integration.pages_lab import open_lab, signed_in

if TYPE_CHECKING:
    from collections.abc import AsyncGenerator
    from pathlib import Path

    from central.store.books import Transaction
    from tests.integration.pages_lab import Lab

pytestmark = pytest.mark.sqlite_only("who is told when is no question of SQL")

ALL = Audience(None)


@dataclass(frozen=True)
class Name:
    """A view."""

    text: str


class Follower:
    """Something live, counted."""

    def __init__(self, lab: Lab) -> None:
        self.reads = 0
        self.renders = 0
        self.goes_on = True
        self.live = Live("name", Right.STAFF, self._read, "none.html")
        self.room = Broadcaster(lab.centre.reader, ZoneInfo("UTC"), pace=0.01, sign=0.05)

    def _read(self, tx: Transaction, _: Audience, __: ZoneInfo) -> dict[str, object]:
        self.reads += 1
        return {"name": Name(organisation.name(tx)), "still": Name("still")}

    def _render(self, _template: str, _key: str, view: object) -> str:
        self.renders += 1
        return str(getattr(view, "text", ""))

    def open(self, session: int = 1, language: str = "en") -> AsyncGenerator[str, None]:
        """Open a stream."""

        async def goes_on() -> bool:
            return self.goes_on

        return self.room.follow(
            self.live,
            ALL,
            session=session,
            language=language,
            render=self._render,
            goes_on=goes_on,
        )


def name(lab: Lab, text: str) -> None:
    """Change the books."""
    with lab.books.write() as tx:
        organisation.set_name(tx, text)


async def news(stream: AsyncGenerator[str, None]) -> dict[str, str]:
    """Return the next change."""
    async for each in stream:
        if each.startswith("event: change"):
            found: dict[str, str] = json.loads(each.split("data: ")[1])
            return found
    return {}


async def test_only_what_changed_is_sent(tmp_path: Path) -> None:
    """First all that the page shows, then what is different."""
    lab = open_lab(tmp_path)
    follower = Follower(lab)
    async with asyncio.timeout(20), aclosing(follower.open()) as stream:
        assert await news(stream) == {"name": "", "still": "still"}
        name(lab, "City Library")
        follower.room.beat()
        assert await news(stream) == {"name": "City Library"}


async def test_many_viewers_are_one_rendering(tmp_path: Path) -> None:
    """Whoever reads the same in the same language is sent the same HTML, made once."""
    lab = open_lab(tmp_path)
    follower = Follower(lab)
    streams = [follower.open(n) for n in range(5)] + [follower.open(n, "fr") for n in range(5, 7)]
    async with asyncio.timeout(20):
        for stream in streams:
            assert await news(stream) == {"name": "", "still": "still"}
        assert follower.renders == 4
        name(lab, "One")
        follower.room.beat()
        for stream in streams:
            assert await news(stream) == {"name": "One"}
        assert follower.renders == 6
        for stream in streams:
            await stream.aclose()


async def test_many_viewers_are_one_reading(tmp_path: Path) -> None:
    """Whoever sees the same shares it; when the last one goes, nothing is read any more."""
    lab = open_lab(tmp_path)
    follower = Follower(lab)
    streams = [follower.open(n) for n in range(20)]
    async with asyncio.timeout(20):
        for stream in streams:
            assert await news(stream)
        reads = follower.reads
        name(lab, "One")
        follower.room.beat()
        for stream in streams:
            assert await news(stream) == {"name": "One"}
        assert follower.reads <= reads + 3
        for stream in streams:
            await stream.aclose()
    reads = follower.reads
    follower.room.beat()
    await asyncio.sleep(0.05)
    assert follower.reads == reads


async def test_a_stream_ends_with_its_session(tmp_path: Path) -> None:
    """Whoever is signed off is told no more."""
    follower = Follower(open_lab(tmp_path))
    async with asyncio.timeout(20), aclosing(follower.open()) as stream:
        await news(stream)
        follower.goes_on = False
        rest = [each async for each in stream]
        assert rest[-1].startswith("event: ended")


async def test_streams_of_a_session_are_bounded(tmp_path: Path) -> None:
    """A script cannot open them without end; closed ones count no more."""
    follower = Follower(open_lab(tmp_path))
    streams = [follower.open() for _ in range(STREAMS)]
    async with asyncio.timeout(20):
        for stream in streams:
            await news(stream)
        assert not follower.room.room_for(1)
        assert follower.room.room_for(2)
        for stream in streams:
            await stream.aclose()
        assert follower.room.room_for(1)


async def test_the_end_of_the_process_ends_all(tmp_path: Path) -> None:
    """No open page holds the coordinator up."""
    follower = Follower(open_lab(tmp_path))
    async with asyncio.timeout(20), aclosing(follower.open()) as stream:
        await news(stream)
        follower.room.close()
        assert [each async for each in stream] == []


async def test_nobody_follows_what_they_may_not_see(tmp_path: Path) -> None:
    """A person gets no stream of the fleet; an unknown one ends for good."""
    lab = open_lab(tmp_path)
    async with signed_in(lab, "ana") as ana:
        for of in ("overview", "nothing", ""):
            answer = await ana.client.get("/live", params={"of": of})
            assert answer.status_code == 204
