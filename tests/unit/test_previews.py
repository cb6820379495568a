"""Pictures of pages: drawn once, shown to who may see the job, gone with it."""

from __future__ import annotations

import asyncio
from base64 import b64decode
from typing import TYPE_CHECKING
from uuid import UUID

import pytest

from broker.directory import UserRow
from broker.messages import DirectoryRows, Person, PreviewRequest
from edge.answers.previews import PreviewAnswers
from edge.ports import Drawn, SpoolerUnavailableError, Unreadable
from edge.previews import Previews
from edge.requests import Requests
from edge.store.replica import rows_of
from tests.unit.counter_lab import CARD, Counter, asked
from tests.unit.edge_lab import CENT, Site, grant

if TYPE_CHECKING:
    from pathlib import Path

    from broker.messages import Reply


class Artist:
    """Draws what it is asked for, and keeps count."""

    def __init__(self) -> None:
        self.drawn: list[tuple[int, int]] = []
        self.began = asyncio.Event()
        self.go = asyncio.Event()
        self.go.set()
        self.cannot = False

    async def __call__(self, path: Path, kind: str, page: int, width: int) -> Drawn | Unreadable:
        """Draw a page."""
        self.drawn.append((page, width))
        self.began.set()
        await self.go.wait()
        if self.cannot:
            return Unreadable("this page cannot be drawn")
        return Drawn("image/png", f"{kind} page {page}".encode())


class Window:
    """A site whose jobs can be looked at."""

    def __init__(self, work: Path) -> None:
        self.site = Site(work)
        self.artist = Artist()
        self.kept = work / "previews"
        self.seconds = 0.0
        self.previews = self.fresh()
        self.site.books.on_job = lambda record, _: self.previews.on_job(record)
        self.counter = Counter(self.site)

    def fresh(self) -> Previews:
        """Begin as a new process does."""
        return Previews(
            self.site.spooler,
            self.artist,
            kept=self.kept,
            work=self.site.work,
            monotonic=lambda: self.seconds,
        )

    async def asks(
        self, job: UUID, person: Person = CARD, page: int = 1, width: int = 160
    ) -> Reply:
        """Ask for a picture."""
        answers = PreviewAnswers(rights=self.counter.rights, previews=self.previews)
        self.counter.requests = Requests((answers,), operators=frozenset(), clock=self.site.clock)
        question = PreviewRequest(**asked(person=person, job=job, page=page, width=width))
        return await self.counter.answers(question)


@pytest.fixture
async def window(tmp_path: Path) -> Window:
    """Make a site with one person's money."""
    made = Window(tmp_path)
    await made.site.ready()
    grant(made.site.books, 1000 * CENT)
    return made


def files(window: Window) -> int:
    """Count the pictures on disk."""
    return len(list(window.kept.iterdir()))


async def test_a_page_is_drawn_once_and_kept(window: Window) -> None:
    """Asked again, and for almost the same width, it comes from disk."""
    job = await window.site.arrive()
    first, again, near = [await window.asks(job, page=2, width=w) for w in (160, 160, 200)]
    assert first.status == "ok"
    assert b64decode(first.data["image"]) == b"application/pdf page 2"
    assert first.data["pages"] == 10
    assert again.data == near.data == first.data
    assert window.artist.drawn == [(2, 160)]


async def test_who_asks_at_once_waits_for_one_drawing(window: Window) -> None:
    """Ten panels do not fetch a document ten times."""
    job = await window.site.arrive()
    replies = await asyncio.gather(*(window.asks(job) for _ in range(10)))
    assert {reply.status for reply in replies} == {"ok"}
    assert len(window.artist.drawn) == 1


async def test_nothing_of_anothers_job_is_shown(window: Window) -> None:
    """Who asks by its id is told what a stranger is told of one that does not exist."""
    theirs = await window.site.arrive(user="eve")
    refused, unknown = await window.asks(theirs), await window.asks(UUID(int=404))
    assert (refused.status, refused.problem) == (unknown.status, unknown.problem)
    assert refused.data == {}
    assert window.artist.drawn == []


async def test_a_delegate_sees_it(window: Window) -> None:
    """Who may release a job may look at it."""
    rows = rows_of([("user", "eve", 2, UserRow(name="eve", delegates=("ana",)))])
    window.site.replica.apply(DirectoryRows(epoch=1, kind="delta", since=1, upto=2, rows=rows))
    theirs = await window.site.arrive(user="eve")
    assert (await window.asks(theirs)).status == "ok"


async def test_pictures_go_with_the_job(window: Window) -> None:
    """Printed or deleted, nothing of it stays on disk, and nothing more is shown."""
    job, other = await window.site.arrive(), await window.site.arrive()
    await window.asks(job, page=1)
    await window.asks(job, page=2)
    await window.asks(other)
    assert files(window) == 3
    await window.site.releasing.release(job, "lib-1", "ana")
    await window.site.intake.sweep()
    assert files(window) == 1
    reply = await window.asks(job)
    assert reply.problem is not None
    assert reply.problem.code == "no-preview"


async def test_a_picture_that_comes_after_its_job_went_is_not_kept(window: Window) -> None:
    """Who waited for it still sees it; the disk does not."""
    job = await window.site.arrive()
    window.artist.go.clear()
    waits = asyncio.create_task(window.asks(job))
    await window.artist.began.wait()
    await window.site.releasing.release(job, "lib-1", "ana")
    window.artist.go.set()
    assert (await waits).status == "ok"
    assert files(window) == 0


async def test_a_new_process_begins_with_none(window: Window) -> None:
    """What became of the jobs meanwhile is not asked of each picture."""
    job = await window.site.arrive()
    await window.asks(job)
    window.previews = window.fresh()
    assert files(window) == 0
    assert (await window.asks(job)).status == "ok"


async def test_no_such_page_and_no_spooler_are_told(window: Window) -> None:
    """Neither is drawn, and the next question is answered."""
    job = await window.site.arrive()
    reply = await window.asks(job, page=11)
    assert reply.problem is not None
    assert reply.problem.detail == "this document has 10 pages"

    async def away(*_: object) -> bool:
        await asyncio.sleep(0)
        raise SpoolerUnavailableError("gone")

    fetch = window.site.spooler.fetch
    window.site.spooler.fetch = away  # type: ignore[method-assign,assignment]
    assert (await window.asks(job)).status == "failed"
    window.site.spooler.fetch = fetch  # type: ignore[method-assign]
    assert (await window.asks(job)).status == "ok"


async def test_a_picture_lost_from_disk_is_drawn_again(window: Window) -> None:
    """A cache is no more than that."""
    job = await window.site.arrive()
    await window.asks(job)
    for each in window.kept.iterdir():
        each.unlink()
    assert (await window.asks(job)).status == "ok"
    assert len(window.artist.drawn) == 2


async def test_a_page_that_cannot_be_drawn_is_not_tried_with_each_look(window: Window) -> None:
    """A list that is looked at again and again costs a bad document's time once a minute."""
    job = await window.site.arrive()
    window.artist.cannot = True
    replies = [await window.asks(job) for _ in range(5)]
    assert {reply.problem.detail for reply in replies if reply.problem} == {
        "this page cannot be drawn"
    }
    assert len(window.artist.drawn) == 1
    window.artist.cannot = False
    assert (await window.asks(job, page=2)).status == "ok"
    window.seconds += 60
    assert (await window.asks(job)).status == "ok"
