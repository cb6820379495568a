"""Serving the interface alone, inside the coordinator's own loop; it takes no signals."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING, Final

from broker.serving import CannotListen, served
from central.web.api.table import Desk
from central.web.app import make_app

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from broker.exporters.figures import IngestTally
    from central.store.books import Books
    from config.settings import CentralSettings

__all__ = ["CannotListen", "serve"]

#: Seconds that answers under way get when the coordinator ends.
_GRACE: Final = 3
#: Connections at once; further ones are answered 503.
_CONNECTIONS: Final = 256


async def serve(
    settings: CentralSettings,
    books: Books,
    stop: asyncio.Event,
    *,
    listening: Callable[[int], None] = lambda _port: None,
    troubles: Callable[[], Sequence[str]] = tuple,
    tally: IngestTally | None = None,
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

    Raises:
        CannotListen: the address is in use, forbidden, or none of this machine's.
    """
    api = settings.api
    if api.port is None:
        return
    async with served(
        make_app(
            books,
            token=api.token,
            troubles=troubles,
            tally=tally,
            data=settings.data,
            desk=Desk(settings.credentials),
            per_minute=api.requests_per_minute,
        ),
        api.host,
        api.port,
        what="the interface",
        section="api",
        connections=_CONNECTIONS,
        grace=_GRACE,
    ) as (port, serving):
        listening(port)
        ending = asyncio.create_task(stop.wait(), name="api-stop")
        try:
            await asyncio.wait({serving, ending}, return_when=asyncio.FIRST_COMPLETED)
        finally:
            ending.cancel()
