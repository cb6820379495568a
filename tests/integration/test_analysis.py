"""Documents of every kind, sound and broken, counted by the real counting program."""

from __future__ import annotations

import asyncio
import os
import resource
import signal
import subprocess
import time
from contextlib import suppress
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from config.policy.jobs import JobAttributes, Sides
from demo import documents
from edge.ports import Analysed, Unreadable
from edge.printing.analysis import DocumentAnalyst
from edge.printing.bounds import Bounds
from edge.printing.workers import Workers

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Callable

pytestmark = pytest.mark.cups  # text and PostScript go through CUPS's filters and Ghostscript
PLAIN = JobAttributes()


@pytest.fixture
async def analyst(tmp_path: Path) -> AsyncIterator[DocumentAnalyst]:
    """Start a counting program on first use, end it after the test."""
    made = DocumentAnalyst(tmp_path / "work")
    yield made
    await made.close()


@pytest.mark.parametrize(
    ("make", "kind", "pages", "colour", "media"),
    [
        (lambda p: documents.pdf(p, 5, colour={2}), "application/pdf", 5, {2}, "iso_a4"),
        (lambda p: documents.pdf(p, 2, size=documents.A3), "application/pdf", 2, set(), "iso_a3"),
        (
            lambda p: documents.postscript(p, 3, colour={1, 3}),
            "application/postscript",
            3,
            {1, 3},
            "iso_a4",
        ),
        (documents.picture, "image/jpeg", 1, {1}, None),
        (lambda p: documents.picture(p, colour=False), "image/jpeg", 1, set(), None),
        (lambda p: documents.picture(p, kind="PNG"), "image/png", 1, {1}, None),
        # CUPS prints the first picture of a file
        (lambda p: documents.picture(p, kind="TIFF", frames=3), "image/tiff", 1, {1}, None),
        (lambda p: documents.picture(p, kind="GIF", frames=3), "image/gif", 1, {1}, None),
        (lambda p: documents.text(p, 64), "text/plain", 1, set(), None),
        (lambda p: documents.text(p, 65), "text/plain", 2, set(), None),
        # broken in ways that CUPS's filters mend as well
        (lambda p: documents.broken_xref(p, 20), "application/pdf", 20, set(), "iso_a4"),
        (lambda p: documents.encrypted(p, 3, user=""), "application/pdf", 3, set(), "iso_a4"),
    ],
)
async def test_counted(
    analyst: DocumentAnalyst,
    tmp_path: Path,
    make: Callable[[Path], Path],
    kind: str,
    pages: int,
    colour: set[int],
    media: str | None,
) -> None:
    """Kind, pages, colour and paper are found in the document, whatever it is called."""
    found = await analyst(make(tmp_path / "name.says-nothing"), PLAIN)

    assert isinstance(found, Analysed), found
    assert (found.document_format, found.pages, found.colour_pages, found.media) == (
        kind,
        pages,
        frozenset(colour),
        media,
    )


def write(content: bytes) -> Callable[[Path], Path]:
    """Make a maker of a file with this content."""

    def make(path: Path) -> Path:
        path.write_bytes(content)
        return path

    return make


@pytest.mark.parametrize(
    ("make", "says"),
    [
        (documents.empty, "empty"),
        (write(bytes(1000)), "no kind of document"),
        (write(b"%PDF-1.7 and nothing else"), "damaged"),
        (lambda p: documents.truncated(p, 20), "damaged"),  # counted, but CUPS cannot print it
        (lambda p: documents.lying_count(p, 20, 2), "damaged"),  # the same
        (lambda p: documents.encrypted(p, 3), "password"),
        (documents.vast_page, "too much memory"),
        (documents.endless_tree, "damaged"),
        (write(b"\xff\xd8\xff\xe0 not a picture"), "picture is damaged"),
        (write(b"%!\n1 0 div showpage"), "PostScript program stops with an error"),
        (write(b"%!\nshowpage (/etc/passwd) (r) file pop"), "stops with an error"),
        (write(b"%!\nshowpage (touched) (w) file pop"), "stops with an error"),
        (write(b"RaS2PwgRaster but no page"), "raster document is damaged"),
    ],
)
async def test_unreadable(
    analyst: DocumentAnalyst, tmp_path: Path, make: Callable[[Path], Path], says: str
) -> None:
    """What cannot be counted is refused with a reason, and the next document is counted."""
    found = await analyst(make(tmp_path / "broken"), PLAIN)

    assert isinstance(found, Unreadable), found
    assert says in found.reason
    assert isinstance(await analyst(documents.pdf(tmp_path / "good.pdf", 1), PLAIN), Analysed)


async def test_lie_about_the_kind(analyst: DocumentAnalyst, tmp_path: Path) -> None:
    """A document that is declared to be of another kind is refused: CUPS would filter that."""
    path = documents.pdf(tmp_path / "a.pdf", 1)
    declared = JobAttributes(document_format="application/postscript")

    found = await analyst(path, declared)

    reason = "it says it is a PostScript document, but it is a PDF document"
    assert found == Unreadable(reason)


async def test_on_paper(analyst: DocumentAnalyst, tmp_path: Path) -> None:
    """Figures follow the job's attributes; on pictures n-up and ranges have no effect."""
    asked = JobAttributes(
        copies=2, sides=Sides.TWO_SIDED_LONG_EDGE, number_up=2, page_ranges=((2, 3),)
    )
    five = await analyst(documents.pdf(tmp_path / "a.pdf", 5, colour={5}), asked)
    one = await analyst(documents.picture(tmp_path / "a.jpg"), asked)

    assert isinstance(five, Analysed)
    assert isinstance(one, Analysed)
    # five pages make three impressions; the second and the third are chosen, twice
    figures = five.figures
    assert (figures.impressions, figures.color_impressions, figures.sheets) == (4, 2, 2)
    assert (one.figures.impressions, one.figures.sheets, one.figures.media) == (2, 2, "iso_a4")


async def test_landscape_text(analyst: DocumentAnalyst, tmp_path: Path) -> None:
    """Text turned sideways has fewer lines on a page."""
    path = documents.text(tmp_path / "a.txt", 64)

    found = await analyst(path, JobAttributes(orientation_requested=4))

    assert isinstance(found, Analysed)
    assert found.pages == 2


def worked() -> float:
    """Return the seconds of a processor that the processes begun here have had, and their own."""
    ticks = 0
    for each in Path("/proc").glob("[0-9]*/stat"):
        with suppress(OSError):  # it ended
            fields = each.read_text().rpartition(")")[2].split()
            if int(fields[1]) == os.getpid():
                ticks += sum(map(int, fields[11:15]))  # proc(5): utime, stime, cutime, cstime
    return ticks / os.sysconf("SC_CLK_TCK")


@pytest.mark.slow
async def test_thousand_pages_and_a_hundred_megabytes(
    analyst: DocumentAnalyst, tmp_path: Path
) -> None:
    """1,000 pages are counted with 3 s of work, 100 MB within bounded memory."""
    thousand = documents.pdf(tmp_path / "thousand.pdf", 1000, colour={500})
    huge = documents.huge(tmp_path / "huge.pdf", 100)
    assert huge.stat().st_size > 100_000_000
    await analyst(documents.pdf(tmp_path / "warm.pdf", 1), PLAIN)

    start = worked()
    found = await analyst(thousand, PLAIN)
    assert 0 < worked() - start < 3
    assert isinstance(found, Analysed)
    assert (found.pages, found.colour_pages) == (1000, frozenset({500}))

    before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    found = await analyst(huge, PLAIN)
    assert isinstance(found, Analysed)
    assert found.colour_pages == {2}
    assert resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before < 20_000  # KiB, of the edge


async def test_bounds(tmp_path: Path) -> None:
    """A document that never ends, or eats memory, ends only its own counting."""
    analyst = DocumentAnalyst(tmp_path / "work", bounds=Bounds(seconds=2, memory=1 << 30))
    for_ever = write(b"%!\n{} loop")(tmp_path / "loop.ps")
    greedy = write(b"%!\n[ { 1000000 array } loop")(tmp_path / "greedy.ps")

    start = time.monotonic()
    found = await analyst(for_ever, PLAIN)
    assert isinstance(found, Unreadable)
    assert "takes longer than 2 s" in found.reason
    assert time.monotonic() - start < 6
    assert isinstance(await analyst(greedy, PLAIN), Unreadable)
    assert isinstance(await analyst(documents.pdf(tmp_path / "a.pdf", 1), PLAIN), Analysed)

    assert list((tmp_path / "work").iterdir()) == []
    await analyst.close()


def counters() -> list[int]:
    """Return the process ids of this process's counting programs."""
    found = subprocess.run(
        ["pgrep", "-P", str(os.getpid()), "-f", "edge.printing.counter"],
        capture_output=True,
        text=True,
        check=False,
    )
    return [int(word) for word in found.stdout.split()]


async def test_counting_program_killed(analyst: DocumentAnalyst, tmp_path: Path) -> None:
    """A counting program that was killed is replaced, and nobody notices."""
    path = documents.pdf(tmp_path / "a.pdf", 3)
    await analyst(path, PLAIN)
    (counter,) = counters()

    os.kill(counter, signal.SIGKILL)

    found = await analyst(path, PLAIN)
    assert isinstance(found, Analysed)
    assert found.pages == 3


async def test_several_at_once(analyst: DocumentAnalyst, tmp_path: Path) -> None:
    """Documents counted side by side get each its own answer, by at most two programs."""
    paths = [documents.pdf(tmp_path / f"{n}.pdf", n) for n in range(1, 9)]

    found = await asyncio.gather(*(analyst(path, PLAIN) for path in paths))

    assert [each.pages for each in found if isinstance(each, Analysed)] == list(range(1, 9))
    assert len(counters()) <= 2


class Mumbling(Workers):
    """Processes that are ended in the middle of their answer."""

    async def _start(self) -> asyncio.subprocess.Process:
        self.started = getattr(self, "started", 0) + 1
        pipe = asyncio.subprocess.PIPE
        says = """read -r question; printf '{"pages": [1, 2'"""
        return await asyncio.create_subprocess_exec("/bin/sh", "-c", says, stdin=pipe, stdout=pipe)


async def test_half_an_answer_is_none(tmp_path: Path) -> None:
    """A process that was killed while it answered is replaced once, then nobody can say."""
    workers = Mumbling(tmp_path, at_once=1, bounds=Bounds(seconds=5, memory=1 << 30))
    assert "unreadable" in await workers.ask({"path": "x"})
    assert workers.started == 2
    await workers.close()
