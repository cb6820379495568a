"""Serving an edge's health and figures inside its own loop; it takes no signals."""

from __future__ import annotations

import asyncio
import socket
from contextlib import contextmanager
from typing import TYPE_CHECKING, Final

import uvicorn

from config.errors import PrintmeshError
from config.logs import logger
from edge.web.app import make_app

if TYPE_CHECKING:
    from collections.abc import Callable, Generator

    from broker.exporters.figures import EdgeFigures
    from config.settings_monitoring import MonitoringSettings
    from edge.health import Vital

_log = logger("edge.web")

#: Seconds that answers under way get when the edge ends.
_GRACE: Final = 1
#: Connections at once; further ones are answered 503.
_CONNECTIONS: Final = 32


class CannotListen(PrintmeshError):
    """The address cannot be had: in use, forbidden, or none of this machine's."""


class _Server(uvicorn.Server):
    """uvicorn's server, which leaves signals to the process around it."""

    @contextmanager
    def capture_signals(self) -> Generator[None, None, None]:
        """Take none."""
        yield


async def serve(
    settings: MonitoringSettings,
    *,
    health: Callable[[], Vital],
    figures: Callable[[], EdgeFigures],
    listening: Callable[[int], None] = lambda _port: None,
) -> None:
    """Serve until cancelled.

    Args:
        settings: where to listen, and the token.
        health: see `make_app`.
        figures: see `make_app`.
        listening: called once with the real port, when connections are accepted.

    Raises:
        CannotListen: the address is in use, forbidden, or none of this machine's.
    """
    config = uvicorn.Config(
        make_app(health=health, figures=figures, token=settings.token),
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
    with await _bound(settings) as bound:
        port = bound.getsockname()[1]
        _log.info("monitoring listens", action="monitoring", host=settings.host, port=port)
        listening(port)
        serving = asyncio.create_task(server.serve([bound]), name="monitoring http")
        try:
            await asyncio.shield(serving)
        finally:
            server.should_exit = True
            await asyncio.wait({serving})


async def _bound(settings: MonitoringSettings) -> socket.socket:
    try:
        found = await asyncio.get_running_loop().getaddrinfo(
            settings.host,
            settings.port,
            type=socket.SOCK_STREAM,
            flags=socket.AI_PASSIVE,
        )
        family, _, _, _, address = found[0]
        return socket.create_server(address, family=family, backlog=_CONNECTIONS)
    except OSError as error:
        raise CannotListen(
            f"monitoring cannot listen at {settings.host} port {settings.port}: {error.strerror}; "
            "change host or port under [monitoring]"
        ) from error
