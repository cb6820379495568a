"""`/metrics`: the centre's figures for Prometheus, on the interface's own port, for its tokens.

Beside the read interface and not on a port of its own: exposure and money are as confidential as
the rest of it, and its tokens are named, made and taken back one by one.
"""

from __future__ import annotations

import asyncio
import shutil
from dataclasses import dataclass, field
from importlib.metadata import version
from time import monotonic
from typing import TYPE_CHECKING, Annotated, Any, Final

from fastapi import APIRouter, Depends, Header, Request, Response

from broker.exporters.central_metrics import central_families
from broker.exporters.figures import CentralFigures, HttpTally, IngestTally
from broker.exporters.metrics import exposed
from central.rights import Right
from central.store import figures
from central.web.kinds import Kind
from central.web.problems import NotAnswered
from central.web.reading import Reader, caller_of

if TYPE_CHECKING:
    from pathlib import Path

    from starlette.types import ASGIApp, Message, Receive, Scope, Send

    from central.store.books import Books, Transaction

routes = APIRouter(tags=["metrics"])

#: Seconds that what was read of the books is told again: exposure asks about every site.
AGAIN: Final = 5.0


@dataclass(slots=True)
class Gauges:
    """What is told of the centre: the books as they are, and what the process has counted."""

    books: Books
    ingest: IngestTally
    http: HttpTally
    data: Path | None = None
    """Whose volume is looked at."""
    _last: tuple[float, CentralFigures] | None = None
    _looking: asyncio.Lock = field(default_factory=asyncio.Lock)

    async def look(self, read: Reader) -> CentralFigures:
        """Return the figures; those of the books are at most some seconds old."""
        # who asks while somebody looks already waits for that look
        async with self._looking:
            if self._last is not None and monotonic() - self._last[0] < AGAIN:
                return self._last[1]
            found = await read.ask(self._gather)
            self._last = monotonic(), found
            return found

    def _gather(self, tx: Transaction) -> CentralFigures:
        size, free = _disk(self.data)
        return CentralFigures(
            node=self.books.identity.node,
            software=f"printmesh {version('printmesh')}",
            epoch=self.books.identity.epoch,
            sites=figures.sites(tx),
            states=figures.states(tx),
            entries=figures.entries(tx),
            quarantined=figures.quarantined(tx),
            money=figures.money(tx),
            ingest=self.ingest,
            http=self.http,
            disk_bytes=size,
            disk_free=free,
        )


def gauges(request: Request) -> Gauges:
    """Return the gauges of the application that was asked."""
    found: Gauges = request.app.state.gauges
    return found


@routes.get("/metrics", include_in_schema=False)
async def show_metrics(
    request: Request,
    found: Annotated[Gauges, Depends(gauges)],
    accept: Annotated[str | None, Header()] = None,
) -> Response:
    """Return the text of Prometheus, or OpenMetrics for who asks for it."""
    read: Reader = request.app.state.reader
    scope = (await caller_of(request, read)).scope
    if not scope.everywhere or not {Right.SEE_FLEET, Right.SEE_ACCOUNTS} <= scope.rights:
        rights = f"{Right.SEE_FLEET.value} and {Right.SEE_ACCOUNTS.value}"
        detail = f"These figures need a token with the rights {rights}, at all sites."
        raise NotAnswered(Kind.RIGHT, detail)
    now = await found.look(read)
    # what the process counts changes under a reader in another thread; it is short
    text, media_type = exposed(lambda: central_families(now), accept)
    return Response(text, headers={"Content-Type": media_type})


class Counting:
    """Counts the answers of an ASGI application; which path or caller it was is not looked at."""

    def __init__(self, app: ASGIApp, tally: HttpTally) -> None:
        self._app = app
        self._tally = tally

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Pass on, and count when the answer begins."""
        began = asyncio.get_running_loop().time()

        async def counted(message: Message) -> None:
            if message["type"] == "http.response.start":
                status: Any = message["status"]
                self._tally.answers[f"{status // 100}xx"] += 1
                self._tally.seconds += asyncio.get_running_loop().time() - began
            await send(message)

        await self._app(scope, receive, counted if scope["type"] == "http" else send)


def _disk(data: Path | None) -> tuple[int, int]:
    try:
        found = shutil.disk_usage(data) if data is not None else None
    except OSError:
        found = None
    return (found.total, found.free) if found else (0, 0)
