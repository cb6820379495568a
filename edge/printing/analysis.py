"""Analyses held documents for the edge: what they are, what they come to on paper."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING, Any

from config.policy.jobs import figures
from config.policy.media import SIZES
from edge.ports import Analysed, Unreadable
from edge.printing.bounds import Bounds
from edge.printing.formats import PICTURES, disagreement, recognise
from edge.printing.workers import Workers

if TYPE_CHECKING:
    from pathlib import Path

    from config.policy.jobs import JobAttributes


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
        self._default_media = default_media
        self._workers = Workers(work, at_once=at_once, bounds=bounds or Bounds())

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
        return analysed(await self._workers.ask(question), kind, attributes, paper)

    async def close(self) -> None:
        """End the counting processes."""
        await self._workers.close()


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
