"""An HTTP application inside the loop of the process that has it: bound first, no signals taken."""

from __future__ import annotations

import asyncio
from contextlib import asynccontextmanager, contextmanager
from typing import TYPE_CHECKING

import uvicorn

from broker.listening import CannotListen, listen_at

if TYPE_CHECKING:
    import socket
    from collections.abc import AsyncIterator, Generator
    from pathlib import Path

    from starlette.types import ASGIApp


__all__ = ["CannotListen", "served"]


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
    door: socket.socket | None = None,
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
        door: listens already, and is served instead of `host` and `port`; closed at the end.

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
    if door is None:
        # bound here: when uvicorn cannot bind, it ends the process; asking for a name may take long
        door = await asyncio.to_thread(
            listen_at, host, port, what=what, section=section, backlog=connections
        )
    with door:
        serving = asyncio.create_task(server.serve([door]), name=f"{section} http")
        try:
            yield door.getsockname()[1], serving
        finally:
            server.should_exit = True
            await asyncio.wait({serving})
            serving.result()
