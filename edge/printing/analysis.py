"""Analyses held documents for the edge: what they are, what they come to on paper."""

from __future__ import annotations

import asyncio
import json
import os
import sys
from typing import TYPE_CHECKING, Any, Final

from config.policy.jobs import figures
from config.policy.media import SIZES
from edge.ports import Analysed, Unreadable
from edge.printing.bounds import Bounds
from edge.printing.formats import PICTURES, disagreement, recognise

if TYPE_CHECKING:
    from asyncio.subprocess import Process
    from pathlib import Path

    from config.policy.jobs import JobAttributes

#: The longest answer: a list of the numbers of all pages of a very long document.
_ANSWER_BOUND: Final = 64 << 20
#: How much longer than its own bounds a counting process is waited for.
_GRACE: Final = 10.0


class DocumentAnalyst:
    """The edge's `Analyst`: a few processes that count documents, started on first use.

    Nothing a document holds can raise here: it is `Unreadable` then, with a sentence for people.
    """

    def __init__(
        self,
        work: Path,
        *,
        default_media: str = "iso_a4",
        at_once: int = 2,
        bounds: Bounds | None = None,
    ) -> None:
        """Say where and within which bounds to count.

        Args:
            work: a directory for passing files; made if it is not there.
            default_media: class of the paper plain text is laid out for; as at release.
            at_once: documents counted at the same time.
            bounds: what one document may cost.
        """
        self._work = work
        self._default_media = default_media
        self._bounds = bounds or Bounds()
        self._slots = asyncio.Semaphore(at_once)
        self._idle: list[Process] = []

    async def __call__(self, document: Path, attributes: JobAttributes) -> Analysed | Unreadable:
        """Count a document under a job's attributes; its declared format must be what it is."""
        kind = await asyncio.to_thread(_kind, document, attributes.document_format)
        if isinstance(kind, Unreadable):
            return kind
        asked = attributes.media if attributes.media in SIZES else None
        paper = asked or self._default_media
        question = {
            "path": str(document),
            "kind": kind,
            "paper": paper,
            "orientation": attributes.orientation_requested,
        }
        return analysed(await self._count(json.dumps(question)), kind, attributes, paper)

    async def close(self) -> None:
        """End the counting processes."""
        while self._idle:
            await _end(self._idle.pop())

    async def _count(self, question: str) -> dict[str, Any]:
        async with self._slots:
            for _ in range(2):  # a process that was ended from outside is replaced once
                process = self._idle.pop() if self._idle else await self._start()
                try:
                    async with asyncio.timeout(self._bounds.seconds + _GRACE):
                        said = await _ask(process, question)
                except (TimeoutError, ConnectionError):
                    said = b""
                except BaseException:
                    await _end(process)
                    raise
                if said:
                    self._idle.append(process)
                    found: dict[str, Any] = json.loads(said)
                    return found
                await _end(process)
        return {"unreadable": "the program that counts documents does not run"}

    async def _start(self) -> Process:
        self._work.mkdir(parents=True, exist_ok=True)
        bounds = self._bounds
        return await asyncio.create_subprocess_exec(
            sys.executable,
            *("-m", "edge.printing.counter", str(self._work)),
            *map(str, (bounds.seconds, bounds.memory, bounds.disk)),
            stdin=asyncio.subprocess.PIPE,
            stdout=asyncio.subprocess.PIPE,
            limit=_ANSWER_BOUND,
            env={"PATH": os.defpath, "LC_ALL": "C.UTF-8", "PYTHONPATH": os.pathsep.join(sys.path)},
        )


async def _ask(process: Process, question: str) -> bytes:
    if process.stdin is None or process.stdout is None:
        raise ConnectionError("started without pipes")
    process.stdin.write(question.encode() + b"\n")
    await process.stdin.drain()
    return await process.stdout.readline()


async def _end(process: Process) -> None:
    if process.returncode is None:
        if process.stdin is not None:
            process.stdin.close()
        try:
            async with asyncio.timeout(1):
                await process.wait()
        except TimeoutError:
            process.kill()
            await process.wait()


def _kind(document: Path, declared: str | None) -> str | Unreadable:
    """Return what a document is; it must be what it is declared to be."""
    if not document.stat().st_size:
        return Unreadable("this document is empty")
    kind = recognise(document)
    problem = disagreement(kind, declared)
    if problem is not None or kind is None:
        return Unreadable(problem or "this is no kind of document that can be counted")
    return kind


def analysed(
    found: dict[str, Any], kind: str, attributes: JobAttributes, paper: str
) -> Analysed | Unreadable:
    """Return what was counted, put on paper as the job asks; pure.

    Args:
        found: the counting program's answer.
        kind: MIME type by content.
        attributes: the job's.
        paper: media class for what has no size of its own.
    """
    if "unreadable" in found:
        return Unreadable(str(found["unreadable"]))
    colour = frozenset(int(number) for number in found["colour_pages"])
    pages, media = int(found["pages"]), found["media"]
    if kind in PICTURES:
        attributes = attributes.model_copy(update={"number_up": 1, "page_ranges": ()})
    on_paper = figures(pages, colour, attributes, document_media=media or paper)
    return Analysed(pages, colour, media, kind, on_paper)
