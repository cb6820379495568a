"""The edge's pictures of pages: drawn by processes of their own, apart from those that count."""

from __future__ import annotations

from base64 import b64decode
from typing import TYPE_CHECKING, Final

from edge.ports import Drawn, Unreadable
from edge.printing.bounds import Bounds
from edge.printing.workers import Workers

if TYPE_CHECKING:
    from pathlib import Path

#: A person waits for it, and a page that needs more is shown without a picture.
_BOUNDS: Final = Bounds(seconds=10, memory=1 << 30, disk=1 << 20)


class DocumentDrawer:
    """The edge's `Drawer`; nothing a document holds can raise here."""

    def __init__(self, work: Path, *, at_once: int = 1, bounds: Bounds = _BOUNDS) -> None:
        """Say where and within which bounds to draw.

        Args:
            work: a directory for passing files; made if it is not there.
            at_once: pages drawn at the same time: jobs have to be counted meanwhile.
            bounds: what one page may cost.
        """
        self._workers = Workers(work, at_once=at_once, bounds=bounds)

    async def __call__(
        self, document: Path, kind: str, page: int, width: int
    ) -> Drawn | Unreadable:
        """Draw one page."""
        found = await self._workers.ask(
            {"do": "draw", "path": str(document), "kind": kind, "page": page, "width": width}
        )
        if "unreadable" in found:
            return Unreadable(str(found["unreadable"]))
        return Drawn(found["media_type"], b64decode(found["image"]))

    async def close(self) -> None:
        """End the processes."""
        await self._workers.close()
