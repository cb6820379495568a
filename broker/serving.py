"""An HTTP application inside the loop of the process that has it: bound first, no signals taken."""

from __future__ import annotations

import asyncio
import socket
from contextlib import asynccontextmanager, contextmanager
from typing import TYPE_CHECKING

import uvicorn

from config.errors import PrintmeshError

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Generator
    from pathlib import Path

    from starlette.types import ASGIApp


class CannotListen(PrintmeshError):
    """The address cannot be had: in use, forbidden, or none of this machine's."""


class _Server(uvicorn.Server):
    """uvicorn's server, which leaves signals to the process around it."""

    @contextmanager
    def capture_signals(self) -> Generator[None, None, None]:
        """Take none."""
        yield


@asynccontextmanager
async def served(
    app: ASGIApp,
    host: str,
    port: int,
    *,
    what: str,
    section: str,
    connections: int,
    grace: int,
    certificate: Path | None = None,
    key: Path | None = None,
) -> AsyncIterator[tuple[int, asyncio.Task[None]]]:
    """Serve an application while the context is open; give the real port, and what serves.

    Answers under way are finished at the end, however it comes.

    Args:
        app: ASGI; it has no lifespan.
        host: where to listen.
        port: 0: any that is free.
        what: is served, for the error.
        section: of the settings that says where, for the error.
        connections: at once; further ones are answered 503.
        grace: seconds that answers under way get.
        certificate: PEM file with its chain, for TLS; None: plain HTTP.
        key: of the certificate.

    Raises:
        CannotListen: the address is in use, forbidden, or none of this machine's; or the
            certificate cannot be read.
    """
    config = uvicorn.Config(
        app,
        access_log=False,
        log_config=None,
        lifespan="off",
        ws="none",
        http="h11",
        proxy_headers=False,
        server_header=False,
        limit_concurrency=connections,
        timeout_graceful_shutdown=grace,
        ssl_certfile=certificate,
        ssl_keyfile=key,
    )
    try:
        config.load()
    except OSError as error:
        raise CannotListen(f"the certificate under [{section}] cannot be read: {error}") from error
    server = _Server(config)
    # bound here: when uvicorn cannot bind, it ends the process
    try:
        bound = await _bound(host, port, connections)
    except OSError as error:
        raise CannotListen(
            f"{what} cannot listen at {host} port {port}: {error.strerror}; "
            f"change host or port under [{section}]"
        ) from error
    with bound:
        serving = asyncio.create_task(server.serve([bound]), name=f"{section} http")
        try:
            yield bound.getsockname()[1], serving
        finally:
            server.should_exit = True
            await asyncio.wait({serving})
            serving.result()


async def _bound(host: str, port: int, backlog: int) -> socket.socket:
    found = await asyncio.get_running_loop().getaddrinfo(
        host, port, type=socket.SOCK_STREAM, flags=socket.AI_PASSIVE
    )
    family, _, _, _, address = found[0]
    # listening already: what connects from now on waits for uvicorn in the backlog
    return socket.create_server(address, family=family, backlog=backlog)
