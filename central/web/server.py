"""Serving the read-only interface inside the coordinator's own loop; it takes no signals."""

from __future__ import annotations

import asyncio
import socket
from contextlib import contextmanager
from typing import TYPE_CHECKING, Final

import uvicorn

from central.web.app import make_app
from config.errors import PrintmeshError

if TYPE_CHECKING:
    from collections.abc import Callable, Generator, Sequence

    from broker.exporters.figures import IngestTally
    from central.store.books import Books
    from config.settings import CentralSettings

#: Seconds that answers under way get when the coordinator ends.
_GRACE: Final = 3
#: Connections at once; further ones are answered 503.
_CONNECTIONS: Final = 256


class CannotListen(PrintmeshError):
    """The address of the interface cannot be had: in use, forbidden, or none of this machine's."""


class _Server(uvicorn.Server):
    """uvicorn's server, which leaves signals to the process around it."""

    @contextmanager
    def capture_signals(self) -> Generator[None, None, None]:
        """Take none."""
        yield


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

    Args:
        settings: `api` says where to listen and what the first token is.
        books: read in threads.
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
    app = make_app(books, token=api.token, troubles=troubles, tally=tally, data=settings.data)
    config = uvicorn.Config(
        app,
        access_log=False,
        log_config=None,
        lifespan="off",
        ws="none",
        http="h11",
        proxy_headers=False,
        server_header=False,
        limit_concurrency=_CONNECTIONS,
        timeout_graceful_shutdown=_GRACE,
    )
    server = _Server(config)
    # bound here: when uvicorn cannot bind, it ends the process
    bound = await _bind(api.host, api.port)
    with bound:
        listening(bound.getsockname()[1])
        serving = asyncio.create_task(server.serve([bound]), name="api")
        ending = asyncio.create_task(stop.wait(), name="api-stop")
        try:
            await asyncio.wait({serving, ending}, return_when=asyncio.FIRST_COMPLETED)
        finally:
            # cancelled or told to: the books are closed next, so nobody may be reading them
            ending.cancel()
            server.should_exit = True
            await serving


async def _bind(host: str, port: int) -> socket.socket:
    try:
        found = await asyncio.get_running_loop().getaddrinfo(
            host, port, type=socket.SOCK_STREAM, flags=socket.AI_PASSIVE
        )
        family, _, _, _, address = found[0]
        # listening already: what connects from now on waits for uvicorn in the backlog
        return socket.create_server(address, family=family, backlog=_CONNECTIONS)
    except OSError as error:
        raise CannotListen(
            f"the read interface cannot listen at {host} port {port}: {error.strerror}; "
            "change host or port under [api]"
        ) from error
