"""Whether the coordinator does its work: for monitors, so without a token and without details."""

from __future__ import annotations

import asyncio
import shutil
from typing import TYPE_CHECKING, Annotated, Any, Final

from fastapi import APIRouter, Depends, Request, Response

from central.store import directory
from central.store.books import BooksUnwritable
from central.web.answers import Health

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence
    from pathlib import Path

    from central.store.books import Books

routes = APIRouter(tags=["health"])

#: Seconds in which the books must answer.
PATIENCE: Final = 5.0
#: A transaction, its log and a copy of what is being written want some room.
LEAST_FREE: Final = 256 * 1024 * 1024
_UNHEALTHY: Final[dict[int | str, dict[str, Any]]] = {
    503: {"model": Health, "description": "Something is wrong; the reasons say what."}
}


class Probe:
    """Looks whether the books answer: one look at a time, however many ask."""

    def __init__(
        self,
        books: Books,
        troubles: Callable[[], Sequence[str]],
        *,
        patience: float = PATIENCE,
    ) -> None:
        self._books = books
        self._troubles = troubles
        self._patience = patience
        self._look: asyncio.Task[str | None] | None = None

    async def reasons(self) -> tuple[str, ...]:
        """Return what is wrong, a sentence each; nothing when all is well."""
        if self._look is None or self._look.done():
            self._look = asyncio.create_task(asyncio.to_thread(self._trouble), name="health")
        look = self._look
        # a look that hangs is left alone: a second one would hang beside it
        if look not in (await asyncio.wait({look}, timeout=self._patience))[0]:
            mine: str | None = f"The books have not answered for {self._patience:g} seconds."
        else:
            mine = look.result()
        return (*([mine] if mine else ()), *self._troubles())

    def _trouble(self) -> str | None:
        try:
            with self._books.read() as tx:
                directory.version(tx)
        except BooksUnwritable:
            return "The books cannot be read at present."
        if _has_room(self._books.file):
            return None
        return f"The books' volume has less than {LEAST_FREE >> 20} MiB left."


def _has_room(file: Path | None) -> bool:
    """Say whether a file can grow; yes where nobody can tell: a server has the books."""
    try:
        return file is None or shutil.disk_usage(file.parent).free >= LEAST_FREE
    except OSError:
        return True


def probe(request: Request) -> Probe:
    """Return the probe of the application that was asked."""
    found: Probe = request.app.state.probe
    return found


@routes.get("/health", responses=_UNHEALTHY)
async def show_health(look: Annotated[Probe, Depends(probe)], response: Response) -> Health:
    """Say whether the coordinator does its work; 503 when it does not."""
    reasons = await look.reasons()
    if reasons:
        response.status_code = 503
    return Health(healthy=not reasons, reasons=reasons)
