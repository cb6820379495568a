"""Small pictures of pages of jobs that wait: drawn when asked for, kept, and gone with the job."""

from __future__ import annotations

import asyncio
import time
from collections import OrderedDict
from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal

from config.ids import JobId
from edge.open_jobs import WAITING
from edge.ports import Drawn, Unreadable

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable
    from pathlib import Path
    from uuid import UUID

    from edge.jobs import JobRecord
    from edge.ports import Drawer, Spooler

#: Pixels: what is asked for is rounded down to one of these, so that few are kept of each page.
WIDTHS = (32, 64, 96, 128, 160, 240, 320, 480)
#: Pictures kept, each of at most 30 KB; the one asked for longest ago goes first.
_KEPT = 2000
#: Pictures that are being drawn or wait for it; who asks for more is told to wait.
_AT_ONCE = 64
#: Seconds for which a page that could not be drawn is not tried again: lists ask for it each time,
#: and a bad document may take a core for ten seconds.
_NOT_AGAIN = 60.0
#: Documents that are out of the spooler for it at the same time, and how large one may be.
_OUT = 2
_LARGEST = 256 << 20


@dataclass(frozen=True, slots=True)
class _File:
    """A picture on disk."""

    path: Path
    media_type: Literal["image/png", "image/jpeg"]

    def read(self) -> Drawn | None:
        try:
            return Drawn(self.media_type, self.path.read_bytes())
        except OSError:
            return None

    def write(self, octets: bytes) -> bool:
        try:
            self.path.write_bytes(octets)
        except OSError:
            self.remove()
            return False
        return True

    def remove(self) -> None:
        self.path.unlink(missing_ok=True)


@dataclass(frozen=True, slots=True)
class _Key:
    job: UUID
    page: int
    width: int

    @property
    def name(self) -> str:
        return f"{self.job}-{self.page}-{self.width}"


async def _at_once() -> None:
    """Wait for nothing."""


class Previews:
    """Pictures of pages; who may see them is not asked here."""

    def __init__(
        self,
        spooler: Spooler,
        drawer: Drawer,
        *,
        kept: Path,
        work: Path,
        turn: Callable[[], Awaitable[None]] = _at_once,
        monotonic: Callable[[], float] = time.monotonic,
    ) -> None:
        """Begin with none: what is left of an earlier process is thrown away.

        Args:
            spooler: has the documents.
            drawer: draws a page.
            kept: a directory of their own; made if it is not there.
            work: where documents are while they are looked into.
            turn: waits until a picture may be drawn: what somebody waits for at a printer first.
            monotonic: seconds that only go on.
        """
        self._monotonic = monotonic
        self._spooler = spooler
        self._drawer = drawer
        self._turn = turn
        self._kept = kept
        self._work = work
        self._known: OrderedDict[_Key, _File] = OrderedDict()
        self._failed: OrderedDict[_Key, tuple[float, Unreadable]] = OrderedDict()
        self._out = asyncio.Semaphore(_OUT)
        self._ended: set[UUID] = set()
        self._coming: dict[_Key, asyncio.Task[Drawn | Unreadable]] = {}
        kept.mkdir(parents=True, exist_ok=True)
        for left in kept.iterdir():
            left.unlink()

    async def picture(self, record: JobRecord, page: int, width: int) -> Drawn | Unreadable:
        """Return a picture of a page of a job that waits.

        Args:
            record: the job.
            page: from 1.
            width: pixels at most.
        """
        kind = record.document_format
        refused = _unseen(record, page)
        if refused is not None or kind is None:
            return refused or _NONE
        width = max(each for each in WIDTHS if each <= max(width, WIDTHS[0]))
        key = _Key(record.job, page, width)
        known = self._known.get(key)
        if known is not None and (found := await asyncio.to_thread(known.read)) is not None:
            if key in self._known:
                self._known.move_to_end(key)
            return found
        failed = self._failed.get(key)
        if failed is not None and self._monotonic() < failed[0]:
            return failed[1]
        coming = self._coming.get(key)
        if coming is None:
            if len(self._coming) >= _AT_ONCE:
                return Unreadable("many previews are being made; ask again in a moment")
            coming = self._coming[key] = asyncio.create_task(self._draw(record, kind, key))
            coming.add_done_callback(lambda _: self._came(key))
        # who stops waiting does not stop it for the others
        return await asyncio.shield(coming)

    def on_job(self, record: JobRecord) -> None:
        """Follow a record that was just written: pictures go with the job that waited."""
        if record.phase in WAITING or not (self._known or self._coming):
            return
        for key in [each for each in self._known if each.job == record.job]:
            self._known.pop(key).remove()
        if any(each.job == record.job for each in self._coming):
            self._ended.add(record.job)  # what is being drawn of it is not kept

    async def close(self) -> None:
        """Stop drawing."""
        for each in list(self._coming.values()):
            each.cancel()
        await asyncio.gather(*self._coming.values(), return_exceptions=True)

    def _came(self, key: _Key) -> None:
        self._coming.pop(key, None)
        if not any(each.job == key.job for each in self._coming):
            self._ended.discard(key.job)

    async def _draw(self, record: JobRecord, kind: str, key: _Key) -> Drawn | Unreadable:
        path = self._work / f"{key.name}.document"
        async with self._out:
            await self._turn()
            try:
                if not await self._spooler.fetch(JobId(record.job), path):
                    return Unreadable("the document is no longer in its queue")
                drawn = await self._drawer(path, kind, key.page, key.width)
            finally:
                path.unlink(missing_ok=True)
        if isinstance(drawn, Drawn):
            await self._keep(key, drawn)
        else:
            self._failed[key] = self._monotonic() + _NOT_AGAIN, drawn
            self._failed.move_to_end(key)
            while len(self._failed) > _KEPT:
                self._failed.popitem(last=False)
        return drawn

    async def _keep(self, key: _Key, drawn: Drawn) -> None:
        """Keep a picture; a full disk costs drawing it again."""
        file = _File(self._kept / key.name, drawn.media_type)
        if not await asyncio.to_thread(file.write, drawn.image):
            return
        if key.job in self._ended:
            file.remove()
            return
        self._known[key] = file
        while len(self._known) > _KEPT:
            _, oldest = self._known.popitem(last=False)
            oldest.remove()


_NONE = Unreadable("there is no preview of this job")


def _unseen(record: JobRecord, page: int) -> Unreadable | None:
    """Say why no picture of a page is made, before anything is looked at."""
    if record.phase not in WAITING or record.document_format is None or not record.pages:
        return _NONE
    if record.octets > _LARGEST:
        return Unreadable("this document is too large for a preview")
    return Unreadable(f"this document has {record.pages} pages") if page > record.pages else None
