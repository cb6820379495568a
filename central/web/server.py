"""Serving the interface alone, inside the loop of a process that has more; it takes no signals."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING, Final

from broker.serving import CannotListen, served
from central.web.api.table import Desk
from central.web.app import make_app
from central.web.doors import api_door

if TYPE_CHECKING:
    import socket
    from collections.abc import Callable, Sequence

    from broker.exporters.figures import IngestTally
    from central.store.books import Books
    from config.settings import CentralSettings

__all__ = ["CannotListen", "serve"]

#: Seconds that answers under way get when the coordinator ends.
_GRACE: Final = 3


async def serve(
    settings: CentralSettings,
    books: Books,
    stop: asyncio.Event,
    *,
    listening: Callable[[int], None] = lambda _port: None,
    troubles: Callable[[], Sequence[str]] = tuple,
    tally: IngestTally | None = None,
    door: socket.socket | None = None,
) -> None:
    """Serve the interface until `stop` is set; return at once when the settings ask for none.

    Answers under way are finished, also when it is cancelled; that takes some seconds at most.
    The books are closed next: by then nobody reads them.

    Args:
        settings: `api` says where to listen and what the first token is.
        books: read and written in threads.
        stop: set it to end.
        listening: called once with the real port, when connections are accepted.
        troubles: see `make_app`.
        tally: see `make_app`.
        door: listens where the settings say already; None: it is opened here.

    Raises:
        CannotListen: the address is in use, forbidden, or none of this machine's.
    """
    api, where = settings.api, api_door(settings)
    if where is None:
        return
    async with served(
        make_app(
            books,
            token=api.token,
            troubles=troubles,
            tally=tally,
            data=settings.data,
            desk=Desk.of(settings),
            per_minute=api.requests_per_minute,
        ),
        where.host,
        where.port,
        what=where.what,
        section=where.section,
        connections=where.connections,
        grace=_GRACE,
        door=door,
    ) as (port, serving):
        listening(port)
        ending = asyncio.create_task(stop.wait(), name="api-stop")
        try:
            await asyncio.wait({serving, ending}, return_when=asyncio.FIRST_COMPLETED)
        finally:
            ending.cancel()
