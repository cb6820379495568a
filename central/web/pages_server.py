"""Serving the pages inside the loop of a process that has more, with TLS where settings say so."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING, Final

from broker.serving import served
from central.web.app import make_site
from central.web.doors import web_door
from central.web.pages.beginning import prepare
from central.web.pages.centre import Centre

if TYPE_CHECKING:
    import socket
    from collections.abc import Callable, Sequence

    from broker.exporters.figures import IngestTally
    from central.store.books import Books
    from config.settings import CentralSettings

#: Seconds that answers under way get when the coordinator ends.
_GRACE: Final = 3


async def serve_pages(
    settings: CentralSettings,
    books: Books,
    stop: asyncio.Event,
    *,
    listening: Callable[[int], None] = lambda _port: None,
    troubles: Callable[[], Sequence[str]] = tuple,
    tally: IngestTally | None = None,
    begun: Callable[[Callable[[], None]], None] = lambda _told: None,
    door: socket.socket | None = None,
) -> None:
    """Serve the pages until `stop` is set; return at once when the settings ask for none.

    While nobody looks after this centre, a code that lets somebody begin is made and logged.
    Answers under way are finished, also when it is cancelled; that takes some seconds at most.

    Args:
        settings: `web` says where, and how people sign in.
        books: read and written in threads.
        stop: set it to end.
        listening: called once with the real port, when connections are accepted.
        troubles: what is wrong with the coordinator, a sentence for people each.
        tally: what the coordinator has counted, for the figures.
        begun: given what to call, in the loop, when the books may have changed.
        door: listens where the settings say already; None: it is opened here.

    Raises:
        CannotListen: the address or the certificate cannot be had.
    """
    web, where = settings.web, web_door(settings)
    if where is None:
        return
    centre = Centre.of(settings, books, troubles=troubles)
    async with served(
        make_site(centre, tally=tally),
        where.host,
        where.port,
        what=where.what,
        section=where.section,
        connections=where.connections,
        grace=_GRACE,
        door=door,
        certificate=web.tls_certificate,
        key=web.tls_key,
    ) as (port, serving):
        await asyncio.to_thread(prepare, centre, port)
        begun(centre.live.beat)
        listening(port)
        ending = asyncio.create_task(stop.wait(), name="web-stop")
        try:
            await asyncio.wait({serving, ending}, return_when=asyncio.FIRST_COMPLETED)
        finally:
            ending.cancel()
            # else each open page would hold the end up for as long as answers get
            centre.live.close()
